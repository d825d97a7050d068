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
from tests.explain.closing import CLOSING
from tests.explain.generated import PATIENT, explained, lived, moving
from tests.explain.mutations import OF_CLOCKS, OF_COUNTS, OF_SILENCES, OF_TRACES, falsified
from tests.oracle.differential import PACKS, is_night, product

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
        trace = explained(lines, until, PACKS[is_night(seed)])
        found.append((seed, trace, until, product(lines, until, night=is_night(seed)).standing))
    return found


@pytest.fixture(scope="module")
def traces(lives: Lives) -> list[tuple[int, dict[str, Any]]]:
    """The same lives, some once more where much is closed, a few with targets of months; others change versions."""
    closed = [(seed, explained(*lived(seed), CLOSING[is_night(seed)])) for seed in range(0, SEEDS, 2)]
    moved = [(seed, moving(seed)) for seed in range(0, SEEDS, 4)]
    patient = [(seed, explained(*lived(seed), PATIENT[is_night(seed)])) for seed in range(3, SEEDS, 10)]
    return [(seed, trace) for seed, trace, _, _ in lives] + closed + moved + patient


def test_every_explanation_adds_up(traces: list[tuple[int, dict[str, Any]]]) -> None:
    """By somebody who has only the trace, and by its schema."""
    valid = Draft202012Validator(trace_schema())
    assert {seed: problems(trace) for seed, trace in traces if problems(trace)} == {}
    assert [seed for seed, trace in traces if "case_id" in trace and not valid.is_valid(trace)] == []
    assert sum(len(trace["clocks"]) for _, trace in traces) > SEEDS // 2


def test_what_is_closed_has_a_name(traces: list[tuple[int, dict[str, Any]]]) -> None:
    """Whatever kept a deadline from being earlier is called by its name, if a package or a file has one for it."""
    counts = [count for _, trace in traces for life in trace["clocks"] for count in life["counts"]]
    counts += [silence["count"] for _, trace in traces for silence in trace["silences"]]
    closings = [each for count in counts for day in count["calendar"]["days"] for each in day.get("closings", [])]
    closings += [each for count in counts for each in count["calendar"]["interruptions"]]
    assert {each["kind"] for each in closings} == {"holiday", "half_day", "closure", "break"}
    assert all(each.get("name") for each in closings if each["kind"] != "break")
    titles = {each["name"] for each in closings if each.get("file") == "closed.ics"}
    assert titles >= {"Lunch", "Patches", "All hands", "Stocktaking"}


def test_no_false_explanation_does(traces: list[tuple[int, dict[str, Any]]]) -> None:
    """Every mutation is refused wherever it applies, and applies somewhere."""
    tried: Counter[str] = Counter()
    accepted = []
    for seed, trace in traces:
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
