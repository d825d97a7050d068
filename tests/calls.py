"""What something costs without a watch: how many functions are called, the same on every machine."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from types import FrameType
from typing import Final

OF_PYTHON: Final = frozenset({"call"})
OF_ANY: Final = frozenset({"call", "c_call"})


def calls_during(action: Callable[[], object], kinds: Collection[str] = OF_ANY) -> int:
    """Of these kinds, as `sys.setprofile` calls them."""
    calls = 0

    def note(_frame: FrameType, kind: str, _argument: object) -> None:
        nonlocal calls
        calls += kind in kinds

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(before)
    return calls
