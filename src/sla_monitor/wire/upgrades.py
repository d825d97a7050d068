"""What older versions wrote, brought to the shape of today: one step for each version, none of which loses anything.

A new version appends a step to each table and a folder to the corpus in tests/wire/rows; old steps and old folders
stay as long as some topic may hold such rows, which is for ever: a row is only written anew when its case changes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sla_monitor.errors import UnsafeState

VERSION: Final = 5
STANDING_SINCE: Final = 5  # the header says how an open case stands

BASE = 8  # of the body of a case

Body = list[Any]
Step = Callable[[Body], Body]


def upgraded(body: Body, version: int, steps: Mapping[int, Step]) -> Body:
    """`body` as `VERSION` has it. UnsafeState if no version ever wrote it."""
    while version < VERSION:
        step = steps.get(version)
        if step is None:
            raise never_was(version)
        body, version = step(body), version + 1
    return body


def never_was(version: object) -> UnsafeState:
    return UnsafeState(f"the state has version {version}, which never was: is this the state topic?")


def _case_of_1(body: Body) -> Body:
    """2 appends what a quarantined case failed with; 1 did not keep it."""
    return [*body, None]


def _case_of_2(body: Body) -> Body:
    """3 keeps the rules that a `coverage.limited` named (2: whether that of the language was, here None), every
    recommendation that waits for an answer (2: at most one), and at the end of the base what is not as usual.
    """
    if body[BASE] is None:
        return body
    order, state = body[BASE]
    *before, silence, limited, ended_at, fired_at = state
    *rest, recommended = silence
    silence = [*rest, [] if recommended is None else [recommended]]
    state = [*before, silence, [None] if limited else [], ended_at, fired_at, {}]
    return [*body[:BASE], [order, state], *body[BASE + 1 :]]


def _case_of_3(body: Body) -> Body:
    """4 may name the version of the pack that a part of the base is of, where it is not that of the base."""
    return body


def _case_of_4(body: Body) -> Body:
    """5 is a longer header."""
    return body


def _partition_of_1(body: Body) -> Body:
    """2 appends `empty_until`, which has a default."""
    return [2, *body[1:]]


def _partition_of_2(body: Body) -> Body:
    """3 is a change of cases alone."""
    return [3, *body[1:]]


def _partition_of_3(body: Body) -> Body:
    """4 appends `moves`, which has a default."""
    return [4, *body[1:]]


def _partition_of_4(body: Body) -> Body:
    """5 is a change of cases alone."""
    return [5, *body[1:]]


CASE: Final[Mapping[int, Step]] = {1: _case_of_1, 2: _case_of_2, 3: _case_of_3, 4: _case_of_4}
PARTITION: Final[Mapping[int, Step]] = {1: _partition_of_1, 2: _partition_of_2, 3: _partition_of_3, 4: _partition_of_4}
