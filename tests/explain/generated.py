"""Explanations of made-up lives: the events as they would arrive, explained where their time ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sla_monitor.core.explain.trace import explain
from sla_monitor.core.policy import ClockPolicy, Packs
from sla_monitor.engine.hearing import from_lines
from tests.explain.closing import CLOSING
from tests.oracle.differential import PACKS, arranged, is_night, told_by
from tests.oracle.lives import CloudEvent
from tests.oracle.moving import told_by as under_versions

NOTHING: dict[str, Any] = {"clocks": [], "silences": [], "changes": []}


def lived(seed: int) -> tuple[list[CloudEvent], int]:
    """The lines of a life in an order of arrival, and where time ends."""
    return arranged(seed, told_by(seed))


def explained(lines: list[CloudEvent], until: int, packs: Packs) -> dict[str, Any]:
    """As `--json` prints it. A life that nothing has opened by then has a trace too."""
    encoded = [json.dumps(line).encode() for line in lines]
    heard = from_lines(encoded, "CASE-1", packs, until, "a life")
    if heard.case is None:
        return NOTHING
    trace = dict(json.loads(json.dumps(explain(heard.case, packs, heard.as_of))))
    return NOTHING if trace["status"] == "never_opened" else trace


def moving(seed: int) -> dict[str, Any]:
    """A life in which other versions of the plan take the case over."""
    made, events = under_versions(seed)
    return explained(*arranged(seed, events), made.packs)


def patient(packs: Packs, times: int) -> Packs:
    """The same plans with targets so many times as long, for counts of months and years."""

    def longer(clock: ClockPolicy) -> ClockPolicy:
        return replace(clock, targets=tuple(replace(each, target=times * each.target) for each in clock.targets))

    return Packs(versions=tuple(replace(each, clocks=tuple(map(longer, each.clocks))) for each in packs.versions))


PATIENT = {night: patient(packs, 100) for night, packs in CLOSING.items()}


def of_seed(seed: int) -> Iterator[dict[str, Any]]:
    """A life under its own plan and where much is closed, and one under versions of plans that take it over. Every
    tenth once more where much is closed and targets are of months.
    """
    lines, until = lived(seed)
    night = is_night(seed)
    yield explained(lines, until, PACKS[night])
    yield explained(lines, until, CLOSING[night])
    yield moving(seed)
    if seed % 10 == 3:  # half of them under the other plan
        yield explained(lines, until, PATIENT[night])
