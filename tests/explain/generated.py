"""Explanations of made-up lives: the events as they would arrive, explained where their time ends."""

from __future__ import annotations

import json
from typing import Any

from sla_monitor.core.explain.trace import explain
from sla_monitor.core.policy import Packs
from sla_monitor.engine.hearing import from_lines
from tests.explain.closing import CLOSING
from tests.oracle.differential import PACKS, arranged, is_night, told_by
from tests.oracle.lives import CloudEvent

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


def of_seed(seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Under its own plan, and where much is closed."""
    lines, until = lived(seed)
    night = is_night(seed)
    return explained(lines, until, PACKS[night]), explained(lines, until, CLOSING[night])
