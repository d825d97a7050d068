"""What older versions wrote, brought to the shape of today: one step for each version, none of which loses anything.

A new version appends a step to each table and a folder to the corpus in tests/wire/rows; old steps and old folders
stay as long as some topic may hold such rows, which is for ever: a row is only written anew when its case changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sla_monitor.errors import UnsafeState

VERSION: Final = 2

Body = list[Any]
Step = Callable[[Body], Body]


def upgraded(body: Body, version: int, steps: Mapping[int, Step]) -> Body:
    """`body` as `VERSION` has it. UnsafeState if no version ever wrote it."""
    while version < VERSION:
        step = steps.get(version)
        if step is None:
            raise UnsafeState(f"the state has version {version}, which never was: is this the state topic?")
        body, version = step(body), version + 1
    return body


def _case_of_1(body: Body) -> Body:
    """2 appends what a quarantined case failed with; 1 did not keep it."""
    return [*body, None]


def _partition_of_1(body: Body) -> Body:
    """2 appends `empty_until`, which has a default."""
    return [2, *body[1:]]


CASE: Final[Mapping[int, Step]] = {1: _case_of_1}
PARTITION: Final[Mapping[int, Step]] = {1: _partition_of_1}
