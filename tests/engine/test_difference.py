"""What another pack would change: told for every deadline and verdict that differs, and for nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from sla_monitor.config.packs import BUILT_IN, load_packs
from sla_monitor.core.facts import HOUR, MINUTE
from sla_monitor.core.policy import Packs
from sla_monitor.core.times import iso
from sla_monitor.engine.difference import Difference, Flip, Moved, compare, flips, movements
from sla_monitor.engine.outcome import About, Outcome, outcome_of, outcome_under
from sla_monitor.engine.records import DeadLetter, Outgoing
from sla_monitor.engine.simulation import Simulation
from sla_monitor.engine.verify.transcript import Transcript
from sla_monitor.oracle import Standing
from tests.engine.feeding import A_CASE, NINE, PACKS, clock, event
from tests.oracle.lives import story

NIGHT = load_packs(Path(__file__).parents[1] / "oracle" / "night.yaml")
FIRST, SECOND = About("case-1", 1, "initial_response"), About("case-2", 1, "initial_response")
OF = {("case-1", 1): ("standard", "A"), ("case-2", 1): ("unified", "B")}


def outcome(deadlines: dict[About, int] | None = None, **verdicts: str) -> Outcome:
    """Of two cases; verdicts are about the first one."""
    told = {About("case-1", 1, about): verdict for about, verdict in verdicts.items()}
    return Outcome(deadlines=deadlines or {}, verdicts=told, of=OF)


def changed(*replaced: tuple[str, str]) -> Packs:
    """The built-in pack with some words replaced."""
    text = (BUILT_IN / "default.yaml").read_text("utf-8")
    for old, new in replaced:
        assert text.count(old) == 1
        text = text.replace(old, new)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "pack.yaml"
        path.write_text(text, "utf-8")
        return load_packs(path)


def under(packs: Packs, lines: Iterable[bytes], until: int | None = None) -> Outcome:
    return outcome_under(packs, lines, until)


# --- the comparison ---------------------------------------------------------------------------------------------------


def test_a_deadline_that_is_open_under_both_packs_moves() -> None:
    """By the difference, later or earlier; one that is the same is not told."""
    difference = compare(outcome({FIRST: NINE, SECOND: NINE}), outcome({FIRST: NINE + HOUR, SECOND: NINE}))
    (moved,) = difference.moved
    assert (moved.case_id, moved.about, moved.plan, moved.severity, moved.by) == (
        "case-1",
        "initial_response",
        "standard",
        "A",
        HOUR,
    )
    assert (difference.open_deadlines, difference.cases, difference.flips) == (2, 2, ())
    assert compare(outcome({FIRST: NINE}), outcome({FIRST: NINE - MINUTE})).moved[0].by == -MINUTE


def test_a_deadline_of_one_pack_only_is_new_or_gone() -> None:
    """It does not move by anything."""
    difference = compare(outcome({FIRST: NINE}), outcome({SECOND: NINE}))
    assert [(each.case_id, each.old, each.new, each.by) for each in difference.moved] == [
        ("case-1", NINE, None, None),
        ("case-2", None, NINE, None),
    ]


def test_a_verdict_that_is_another_one_flips() -> None:
    """With plan and severity; a deadline that is gone with it is not told twice."""
    old, new = outcome({FIRST: NINE}, initial_response="open"), outcome(initial_response="breached")
    difference = compare(old, new)
    (flip,) = difference.flips
    assert (flip.about, flip.plan, flip.severity, flip.old, flip.new) == (
        "initial_response",
        "standard",
        "A",
        "open",
        "breached",
    )
    assert difference.moved == ()


def test_what_is_not_told_of_is_as_usual() -> None:
    """Served, kept, within its limit: only the other side has words for it."""
    difference = compare(outcome(severity="lowered"), outcome(service="declined"))
    assert [(each.about, each.old, each.new) for each in difference.flips] == [
        ("service", "served", "declined"),
        ("severity", "lowered", "kept"),
    ]


def test_a_clock_that_runs_under_one_pack_only_has_no_verdict_to_flip() -> None:
    """Its deadline is new; a verdict it already has is told."""
    assert compare(outcome(), outcome(resolution="open")).flips == ()
    assert [each.old for each in compare(outcome(), outcome(resolution="met")).flips] == ["none"]


def test_sums_are_by_clock_plan_and_severity() -> None:
    """Least, median and most of those that are open under both; verdicts by what they were and are."""
    abouts = [About(f"case-{number}", 1, "initial_response") for number in range(6)]
    of = {(about.case_id, 1): ("standard", "A") for about in abouts}
    old = Outcome(deadlines=dict.fromkeys(abouts[:5], NINE), of=of)
    later = dict(zip(abouts[:4], (-MINUTE, MINUTE, HOUR, 2 * HOUR), strict=True))
    new = Outcome(deadlines={**{about: NINE + by for about, by in later.items()}, abouts[5]: NINE}, of=of)
    ((group, move),) = movements(compare(old, new)).items()
    assert group == ("initial_response", "standard", "A")
    assert (move.moved, move.earlier, move.later, move.appeared, move.gone) == (4, 1, 3, 1, 1)
    assert (move.least, move.median, move.most) == (-MINUTE, MINUTE, 2 * HOUR)
    verdicts = Outcome(verdicts=dict.fromkeys(abouts[:2], "met"), of=of)
    missed = Outcome(verdicts=dict.fromkeys(abouts[:2], "breached"), of=of)
    assert flips(compare(verdicts, missed)) == {("initial_response", "standard", "A", "met", "breached"): 2}


# --- the outcome of what stands ---------------------------------------------------------------------------------------


def said(kind: str, at: int, **data: Any) -> Standing:
    data = {"plan": "standard", "severity": "A", **data}
    return Standing("case-1", 1, str(data.get("clock", "")), kind, 0, at, data)


def of_clock(kind: str, at: int, deadline: int | None, **data: Any) -> Standing:
    return said(kind, at, clock="initial_response", deadline=deadline and iso(deadline), **data)


STARTED = of_clock("sla.clock.started", NINE, clock(1))


@pytest.mark.parametrize(
    ("more", "verdict", "deadline"),
    [
        ([], "open", clock(1)),
        ([of_clock("sla.deadline.moved", clock(0, 5), clock(4))], "open", clock(4)),
        ([of_clock("sla.deadline.moved", clock(0, 5), clock(0, 20))], "open", None),
        ([of_clock("sla.met", clock(0, 5), clock(1))], "met", None),
        ([of_clock("sla.breached", clock(1), clock(1))], "breached", None),
        (
            [of_clock("sla.breached", clock(1), clock(1)), of_clock("sla.met", clock(2), clock(1), late=True)],
            "met late",
            None,
        ),
        ([of_clock("sla.cancelled", clock(0, 5), clock(1))], "cancelled", None),
        ([of_clock("sla.clock.stopped", clock(0, 5), clock(1))], "open", None),
    ],
)
def test_a_clock_ends_as_what_stands_about_it_says(more: list[Standing], verdict: str, deadline: int | None) -> None:
    """At half past nine; the last deadline counts, as long as it is ahead and the clock runs."""
    found = outcome_of([*more, STARTED], clock(0, 30))
    assert found.verdicts[FIRST] == verdict
    assert found.deadlines.get(FIRST) == deadline


def test_a_clock_that_starts_again_has_a_new_deadline_and_keeps_its_worst_verdict() -> None:
    """Once late, and running again."""
    first = [STARTED, of_clock("sla.breached", clock(1), clock(1)), of_clock("sla.met", clock(2), clock(1), late=True)]
    again = [of_clock("sla.clock.started", clock(3), clock(4))]
    found = outcome_of([*first, *again], clock(3))
    assert (found.verdicts[FIRST], found.deadlines) == ("met late", {FIRST: clock(4)})
    third = [of_clock("sla.met", clock(3, 30), clock(4)), of_clock("sla.clock.started", clock(5), clock(6))]
    later = outcome_of([*first, *again, *third], clock(6, 30))
    assert (later.verdicts[FIRST], later.deadlines) == ("met late", {})


def test_a_clock_that_pauses_has_no_deadline() -> None:
    """Until it is resumed."""
    paused = of_clock("sla.clock.paused", clock(0, 10), None)
    resumed = of_clock("sla.clock.resumed", clock(0, 20), clock(1, 10))
    assert outcome_of([STARTED, paused], clock(0, 15)).deadlines == {}
    assert outcome_of([STARTED, paused, resumed], clock(0, 25)).deadlines == {FIRST: clock(1, 10)}


def test_the_customers_clocks_have_a_deadline_and_no_verdict() -> None:
    """Their verdicts are about severity and effort."""
    found = outcome_of([STARTED], NINE, ["initial_response"])
    assert (found.verdicts, found.deadlines) == ({}, {FIRST: clock(1)})


def test_of_several_grades_the_worst_counts() -> None:
    """Whatever came last: lowered stays lowered, although another step was recommended after it."""
    found = outcome_of(
        [
            said("severity.downgraded", clock(1)),
            said("severity.downgrade_recommended", clock(2)),
            said("coverage.limited", clock(3)),
            said("effort.warning", clock(4)),
            said("contact.outside_hours", clock(5)),
            said("reopen.declined", clock(5)),
            said("reopen.accepted", clock(6)),
            said("script.accepted", clock(6)),
        ],
        clock(6),
    )
    assert {about.about: verdict for about, verdict in found.verdicts.items()} == {
        "severity": "lowered",
        "service": "limited",
        "effort": "warned",
        "contact": "outside hours",
        "reopening": "declined",
        "scripts": "accepted",
    }


# --- packs ------------------------------------------------------------------------------------------------------------


def test_a_longer_target_moves_what_is_open_and_turns_what_was_late() -> None:
    """An hour more for severity A, and for nobody else."""
    lines = [
        event("open", "case.opened", clock(1), "o", **A_CASE),
        event("late", "case.opened", NINE, "o", **A_CASE),
        event("late", "case.responded", clock(1, 30), "r"),
        event("other", "case.opened", clock(1), "o", **A_CASE | {"severity": "B"}),
    ]
    longer = changed(("when: {severity: A}, target: 1h}", "when: {severity: A}, target: 2h}"))
    difference = compare(under(PACKS, lines), under(longer, lines))
    assert [(each.case_id, each.by) for each in difference.moved] == [("open", HOUR)]
    assert [(each.case_id, each.about, each.old, each.new) for each in difference.flips] == [
        ("late", "initial_response", "met late", "met")
    ]
    assert (difference.cases, difference.open_deadlines) == (3, 2)


def test_time_may_go_on_after_the_last_event() -> None:
    """Then what would have been open is broken under the shorter target alone."""
    lines = [event("case-1", "case.opened", NINE, "o", **A_CASE)]
    longer = changed(("when: {severity: A}, target: 1h}", "when: {severity: A}, target: 2h}"))
    difference = compare(under(PACKS, lines, clock(1, 30)), under(longer, lines, clock(1, 30)))
    assert [(each.old, each.new) for each in difference.flips] == [("breached", "open")]
    assert difference.moved == ()


def test_notices_that_a_pack_switches_off_are_compared_all_the_same() -> None:
    """Silence about a breach is no better a verdict."""
    lines = [event("case-1", "case.opened", NINE, "o", **A_CASE)]
    silent = changed(("switched_off: []", "switched_off: [sla.clock.started, sla.breached]"))
    assert under(silent, lines, clock(2)) == under(PACKS, lines, clock(2))


def test_events_that_only_one_pack_can_use_are_counted() -> None:
    """A severity that the new pack does not have."""
    other = load_packs(Path(__file__).parents[1] / "config" / "four_severities.yaml")
    lines = [event("case-1", "case.opened", NINE, "o", **A_CASE)]
    difference = compare(under(PACKS, lines), under(other, lines))
    assert difference.dead_letters == (0, 1)
    assert [each.case_id for each in difference.moved] == ["case-1"]


def life(seed: int) -> list[bytes]:
    """A made-up one, the beginning of it: what is open then has a deadline."""
    lines = story(seed)
    return [json.dumps(line).encode() for line in lines[: 2 + len(lines) // 4]]


@cache
def lived(*, night: bool) -> list[Outcome]:
    return [under(NIGHT if night else PACKS, life(seed)) for seed in range(15)]


@pytest.mark.parametrize("night", [False, True])
def test_a_pack_against_itself_shows_nothing(*, night: bool) -> None:
    """Over made-up lives, each decided twice."""
    again = [under(NIGHT if night else PACKS, life(seed)) for seed in range(15)]
    differences = [compare(*both) for both in zip(lived(night=night), again, strict=True)]
    assert [(each.moved, each.flips) for each in differences] == [((), ())] * 15
    assert sum(each.open_deadlines for each in differences) > 0


def test_the_other_way_round_everything_is_the_other_way_round() -> None:
    """Old and new changed places: the same cases, old and new exchanged."""
    there = [compare(*both) for both in zip(lived(night=False), lived(night=True), strict=True)]
    back = [compare(*both) for both in zip(lived(night=True), lived(night=False), strict=True)]
    assert sum(len(each.moved) for each in there) > 5
    assert sum(len(each.flips) for each in there) > 5
    assert [turned(each) for each in there] == [plainly(each) for each in back]


def plainly(difference: Difference) -> set[tuple[object, ...]]:
    return {(each.case_id, each.generation, each.about, each.old, each.new) for each in every(difference)}


def turned(difference: Difference) -> set[tuple[object, ...]]:
    return {(each.case_id, each.generation, each.about, each.new, each.old) for each in every(difference)}


def every(difference: Difference) -> list[Moved | Flip]:
    return [*difference.moved, *difference.flips]


def as_published(packs: Packs, lines: list[bytes]) -> Outcome:
    """By what a reader of the notices is left with."""
    said: list[Outgoing] = []
    dead: list[DeadLetter] = []
    simulation = Simulation(packs, said.append, dead.append)
    simulation.run(lines)
    transcripts: dict[str, Transcript] = {}
    for notice in (json.loads(each.value) for each in said):
        transcripts.setdefault(notice["subject"], Transcript(notice["subject"])).say(notice)
    standing = [one for case in transcripts.values() for one in case.standing.values()]
    apart = {clock.name for policy in packs.versions for clock in (policy.commitment, policy.effort)}
    return replace(outcome_of(standing, simulation.now, apart), dead_letters=len(dead))


@pytest.mark.parametrize("seed", range(12))
def test_the_outcome_is_that_of_the_notices_as_they_are_published(seed: int) -> None:
    """Nothing is lost by not writing them as JSON and reading that again; what was withdrawn counts for neither."""
    packs = Packs(versions=tuple(replace(policy, switched_off=frozenset()) for policy in NIGHT.versions))
    lines = [*(json.dumps(line).encode() for line in story(seed)), b"garbage"]
    assert outcome_under(NIGHT, lines, None) == as_published(packs, lines)
