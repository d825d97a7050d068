"""What the demo counts and shows: what stands, whatever was said on the way."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from sla_monitor.core.facts import SECOND
from sla_monitor.core.notices import KINDS
from sla_monitor.core.times import iso
from sla_monitor.demo.ledger import Ledger
from sla_monitor.demo.words import in_words, spoken
from sla_monitor.engine.records import Outgoing
from sla_monitor.engine.simulation import Simulation
from tests.demo.told import MONDAY_NOON, Heard, a_run, packs_in
from tests.scenarios.stories import event, packs_of, stories


def notice(kind: str, number: int, case_id: str = "case-1", **data: Any) -> dict[str, Any]:
    """About the response clock of a case, `number` seconds after noon, due at noon and six."""
    said = {"case_id": case_id, "severity": "A", "plan": "unified", "clock": "initial_response", "target_seconds": 6}
    said |= {"deadline": iso(MONDAY_NOON + 6 * SECOND)} | data
    time = iso(MONDAY_NOON + number * SECOND)
    return {"id": f"{case_id}-{kind}-{number}", "type": kind, "subject": case_id, "time": time, "data": said}


def taken(*notices: dict[str, Any]) -> Ledger:
    ledger = Ledger()
    for each in notices:
        ledger.take(each)
    return ledger


STARTED, BREACHED = notice("sla.clock.started", 0), notice("sla.breached", 6)
STOPPED, MET = notice("sla.clock.stopped", 5), notice("sla.met", 5, remaining=1)


def retraction(of: dict[str, Any]) -> dict[str, Any]:
    data = {"retracts": of["id"], "retracted_type": of["type"]}
    return notice("sla.retracted", 5, **data) | {"id": f"not {of['id']}"}


def test_a_clock_runs_from_its_start_to_its_end() -> None:
    """It is listed with its deadline as long as it runs."""
    ledger = taken(STARTED)
    [clock] = ledger.nearest()
    assert (clock.case_id, clock.severity, clock.plan, clock.clock) == ("case-1", "A", "unified", "initial_response")
    assert clock.deadline == MONDAY_NOON + 6 * SECOND
    assert clock.share_left(MONDAY_NOON + 3 * SECOND) == 0.5
    ledger.take(STOPPED)
    assert ledger.nearest() == []
    assert ledger.counts.running == 0


def test_a_breach_that_is_taken_back_counts_no_more() -> None:
    """The clock that was broken is one that ran; the retraction is counted itself."""
    ledger = taken(STARTED, BREACHED)
    assert (ledger.counts.breached, len(ledger.broken()), ledger.nearest()) == (1, 1, [])
    ledger.take(retraction(BREACHED))
    assert (ledger.counts.breached, ledger.counts.retracted, ledger.broken()) == (0, 1, [])
    assert len(ledger.nearest()) == 1


def test_an_answer_that_is_taken_back_lets_the_clock_run_again() -> None:
    """With the deadline it had; too late and in time are counted apart, also backwards."""
    ledger = taken(STARTED, STOPPED, MET, retraction(MET), retraction(STOPPED))
    assert [clock.deadline for clock in ledger.nearest()] == [MONDAY_NOON + 6 * SECOND]
    assert ledger.counts.met == 0
    late = notice("sla.met", 9, late=True, late_by=3)
    ledger.take(late)
    assert (ledger.counts.met, ledger.counts.met_late) == (0, 1)
    ledger.take(retraction(late))
    assert (ledger.counts.met, ledger.counts.met_late) == (0, 0)


def test_a_notice_that_is_read_again_counts_once() -> None:
    """A worker without transactions may repeat itself after a crash, to the byte."""
    ledger = taken(STARTED, BREACHED, BREACHED, STARTED)
    assert ledger.counts.breached == 1
    assert ledger.kinds == {"sla.clock.started": 1, "sla.breached": 1}
    assert ledger.take(BREACHED) is False


def test_the_nearest_deadline_is_first_and_one_that_never_comes_is_not_listed() -> None:
    """A commitment that is broken waits for nobody."""
    far = notice("sla.clock.started", 0, "case-2", deadline=iso(MONDAY_NOON + 60 * SECOND))
    never = notice("sla.clock.started", 0, "case-3", clock="commitment", deadline=None)
    ledger = taken(far, never, STARTED)
    assert [clock.case_id for clock in ledger.nearest()] == ["case-1", "case-2"]
    moved = notice("sla.deadline.moved", 1, "case-2", deadline=iso(MONDAY_NOON + 2 * SECOND))
    ledger.take(moved)
    assert [clock.case_id for clock in ledger.nearest()] == ["case-2", "case-1"]


def test_a_case_that_is_forgotten_is_gone() -> None:
    """With every clock it had."""
    ledger = taken(STARTED, notice("case.forgotten", 9))
    assert ledger.counts.running == 0


NOT_PLAYED = {"sla.clock.paused", "sla.clock.resumed"}  # no clock of the built-in plan that is switched on pauses


def test_what_no_plot_comes_to_has_words_too(tmp_path: Path) -> None:
    """Said in the stories of the plan's rules; a deployment may come to it while the view is watched."""
    words: dict[str, str] = {}

    def note(said: Outgoing) -> None:
        heard = json.loads(said.value)
        words[heard["type"]] = in_words(heard)

    for story in stories():
        packs, _ = packs_of(story, tmp_path)
        lines = [json.dumps(event(story, number, told)).encode() for number, told in enumerate(story.events)]
        Simulation(packs, note, lambda _: None).run(lines, story.end)
    assert set(words) >= NOT_PLAYED
    assert [kind for kind in NOT_PLAYED if words[kind] == kind] == []


def test_counts_are_those_of_the_notices_that_stand(tmp_path: Path) -> None:
    """Over half an hour of a demo, against a plain count; every kind of notice has words of its own."""
    heard = Heard(a_run(), packs_in(tmp_path), 600)
    ledger = taken(*heard.notices)
    withdrawn = {each["data"]["retracts"] for each in heard.notices if each["type"] == "sla.retracted"}
    standing = [each for each in heard.notices if each["id"] not in withdrawn]
    kinds = Counter(each["type"] for each in standing)
    late = sum(1 for each in standing if each["type"] == "sla.met" and each["data"].get("late"))
    counts = ledger.counts
    assert (counts.breached, counts.met_late, counts.met) == (kinds["sla.breached"], late, kinds["sla.met"] - late)
    assert (counts.downgrades, counts.retracted) == (
        kinds["severity.downgrade_recommended"],
        kinds["sla.retracted"],
    )
    starts = kinds["sla.clock.started"] - kinds["sla.clock.stopped"]
    erased = {each["subject"] for each in standing if each["type"] == "case.forgotten"}
    assert counts.running <= starts <= counts.running + len(erased)
    words = {each["type"]: in_words(each) for each in heard.notices}
    assert set(words) >= set(KINDS) - {"case.quarantined", "case.history_folded"} - NOT_PLAYED
    assert [kind for kind, said in words.items() if said == kind] == []


def test_durations_are_said_in_their_two_largest_units() -> None:
    """Tenths only where they matter."""
    hour = 3_600 * SECOND
    assert [spoken(each) for each in (4.25 * SECOND, 59 * SECOND, 725 * SECOND, 3.34 * hour, 52 * hour)] == [
        "4.2 s",
        "59 s",
        "12 min 5 s",
        "3 h 20 min",
        "2 d 4 h",
    ]
