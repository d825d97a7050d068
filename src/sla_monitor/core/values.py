"""`value`: a frozen dataclass that costs a third to make.

Python keeps a frozen dataclass frozen by storing each of its fields through a call; with ten values an event that
is a tenth of all its time. To mypy `value` is `dataclass` itself, so that whoever assigns to a field of one is refused
when the code is checked; while it runs nothing looks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

__all__ = ["value"]

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:

    def value(*, frozen: bool, slots: bool, kw_only: bool = False) -> Callable[[type], type]:
        """For values that are made at every event; others stay frozen while the code runs too."""
        return dataclass(slots=slots, kw_only=kw_only, unsafe_hash=frozen)
