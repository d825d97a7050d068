"""Explanations add up, and false ones do not. More of them: `python -m tests.explain --seeds 0..10000`."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from sla_monitor.oracle import Standing
from sla_monitor.oracle.standing import written
from sla_monitor.wire.trace_schema import trace_schema
from tests.explain.checker import problems
from tests.explain.generated import explained, lived
from tests.explain.mutations import OF_CLOCKS, OF_COUNTS, OF_SILENCES, OF_TRACES, falsified
from tests.oracle.differential import is_night, product

SEEDS = 100
VERDICTS = {"sla.met", "sla.breached", "sla.cancelled"}
EFFORT = {"best_effort", "engineers"}
STEPS = {"severity.downgrade_recommended", "severity.downgraded", "severity.restored"}

Lives = list[tuple[int, dict[str, Any], int, list[Standing]]]


@pytest.fixture(scope="module")
def lives() -> Lives:
    """(seed, its explanation, where its time ends, what the worker's own code says of it)."""
    found = []
    for seed in range(SEEDS):
        lines, until = lived(seed)
        trace = explained(lines, until, night=is_night(seed))
        found.append((seed, trace, until, product(lines, until, night=is_night(seed)).standing))
    return found


def test_every_explanation_adds_up(lives: Lives) -> None:
    """By somebody who has only the trace, and by its schema."""
    valid = Draft202012Validator(trace_schema())
    assert {seed: problems(trace) for seed, trace, _, _ in lives if problems(trace)} == {}
    assert [seed for seed, trace, _, _ in lives if "case_id" in trace and not valid.is_valid(trace)] == []
    assert sum(len(trace["clocks"]) for _, trace, _, _ in lives) > SEEDS // 2


def test_no_false_explanation_does(lives: Lives) -> None:
    """Every mutation is refused wherever it applies, and applies somewhere."""
    tried: Counter[str] = Counter()
    accepted = []
    for seed, trace, _, _ in lives:
        for name, false in falsified(trace):
            tried[name] += 1
            if not problems(false):
                accepted.append((seed, name))
    assert accepted == []
    assert {*OF_COUNTS, *OF_CLOCKS, *OF_SILENCES, *OF_TRACES} == tried.keys()


def test_it_explains_what_the_worker_says(lives: Lives) -> None:
    """The same runs of clocks, the deadlines of their verdicts, and the same downgrades; of cases of which nothing is
    known before its time.
    """
    compared = [(seed, trace, said) for seed, trace, until, said in lives if trace.get("as_of") == written(until)]
    assert len(compared) > SEEDS // 2
    for seed, trace, standing in compared:
        verdicts = Counter(
            (life["clock"], life["generation"], life["deadline"])
            for life in trace["clocks"]
            if life["verdict"]["state"] in {"breached", "met", "met_late", "cancelled"}
        )
        said = {
            (each.subject, each.generation, each.data.get("deadline")) for each in standing if each.kind in VERDICTS
        }
        assert verdicts.keys() == said, seed
        starts = Counter((life["clock"], life["started_at"]) for life in trace["clocks"])
        starts += Counter((silence["clock"], silence["since"]) for silence in trace["silences"])
        began = [each for each in standing if each.kind == "sla.clock.started" and each.subject not in EFFORT]
        assert starts.keys() == {(each.subject, written(each.at)) for each in began}, seed
        told = [(each["type"], each["rule"], each["from"], each["to"]) for each in trace.get("downgrades", [])]
        listed = [
            (each.kind, each.data["rule"], each.data["from"], each.data["to"])
            for each in standing
            if each.kind in STEPS
        ]
        assert sorted(told) == sorted(listed), seed
