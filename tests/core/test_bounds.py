"""How long history stays open, how much of it is kept, and what is said when it is closed."""

from __future__ import annotations

import pytest

from sla_monitor.core import decide
from sla_monitor.core import facts as f
from sla_monitor.core import notices as n
from sla_monitor.core.clock import Running, Stopped
from sla_monitor.core.decide import (
    FACTS_MAX,
    Bounds,
    Case,
    fold,
    fold_early,
    is_forgettable,
    next_wake,
    wake,
    withdrawn,
)
from sla_monitor.core.facts import DAY, HOUR, MINUTE, SECOND
from sla_monitor.core.policy import Packs
from sla_monitor.errors import BadEvent, UnsafeState
from sla_monitor.wire.rows import Row, decode_row, encode_row
from tests.calls import OF_PYTHON, calls_during
from tests.core.stories import MONDAY, PACKS, Story, fact, opening

TUESDAY = "2026-01-06"
A_MONTH_LATER = "2026-02-05 09:00"


def refused(story: Story, when: str, body: f.Body, identity: str = "late") -> str:
    with pytest.raises(BadEvent) as found:
        story.tell(when, body, identity=identity)
    return found.value.reason


# The horizon


def test_seven_days_are_open() -> None:
    """Bounds: a fact exactly at the horizon is taken, one microsecond older is `too_late`."""
    story = Story(f"{MONDAY} 09:00")
    story.wake("2026-01-13 09:00")
    assert refused(story, "2026-01-06 08:59:59.999999", f.LabelsChanged(queue="x")) == "too_late"
    story.tell("2026-01-06 09:00", f.LabelsChanged(queue="x"))
    assert story.effect == "no_effect"


def test_verdicts_behind_the_horizon_are_for_good() -> None:
    """Bounds: folded into a base; a late answer is refused, and no later fact takes the breach back."""
    story = Story(f"{MONDAY} 09:00")
    story.wake(A_MONTH_LATER)
    assert refused(story, f"{MONDAY} 10:00", f.Responded()) == "too_late"
    story.tell(A_MONTH_LATER, f.Responded())
    story.tell("2026-02-04 09:00", f.SeverityChanged(severity="C"))
    assert story.when(n.BREACHED) == f"{MONDAY} 13:00"
    assert story.one(n.MET)["late"] is True
    assert n.BREACHED not in story.retracted()


def test_what_nobody_woke_for_is_said_before_it_is_closed() -> None:
    """Bounds: a watermark that jumps over the horizon (a worker was away) loses no verdict, and retracts none."""
    story = Story(f"{MONDAY} 09:00")
    month_later = story.at(A_MONTH_LATER)
    late = fact(month_later - DAY, f.SeverityChanged(severity="A"), "first")
    later = fact(month_later - 2 * DAY, f.LabelsChanged(queue="x"), "second")
    said = [
        notice for each in (late, later) for notice in fold(story.case, each, month_later, PACKS, story.bounds).notices
    ]
    kinds = [notice.kind for notice in said]
    assert kinds == [n.WARNING, n.WARNING, n.BREACHED, n.OVERDUE, n.OVERDUE]
    assert said[2].at == story.at(f"{MONDAY} 13:00")


def test_a_duplicate_of_the_opening_is_known_for_ever() -> None:
    """Bounds: the opening's identity is kept in the base; a second opening is refused."""
    story = Story(f"{MONDAY} 09:00")
    story.wake(A_MONTH_LATER)
    story.tell(A_MONTH_LATER, f.LabelsChanged(queue="x"))
    assert story.case.base is not None
    story.tell(f"{MONDAY} 09:00", opening(), identity="open")
    assert story.effect == "duplicate"
    assert refused(story, A_MONTH_LATER, opening(), identity="another") == "conflict"


def test_the_horizon_holds_when_everything_is_in_the_base() -> None:
    """Bounds: whether a fact is too late depends on its time, not on what else happened to be kept."""
    story = Story(f"{MONDAY} 09:00")
    story.wake("2026-01-20 09:00")
    story.tell("2026-01-20 09:00", f.Responded())
    story.wake("2026-01-28 09:00")
    fold(story.case, fact(story.now, f.LabelsChanged(queue="x"), "label"), story.now, PACKS, story.bounds)
    story.wake("2026-03-01 09:00")
    assert refused(story, "2026-02-10 09:00", f.LabelsChanged(queue="y")) == "too_late"


def test_a_backfilled_case_is_not_too_late() -> None:
    """Bounds: a case heard of only now may be told from its beginning, in any order; seven days from then."""
    story = Story(None)
    story.wake("2026-06-01 00:00")
    story.tell(f"{MONDAY} 10:00", f.SeverityChanged(severity="C"))
    story.tell(f"{MONDAY} 09:00", opening(), identity="open")
    story.tell(f"{MONDAY} 17:30", f.Closed())
    story.tell(f"{MONDAY} 12:00", f.Responded())
    assert story.verdicts() == [(n.MET, f"{MONDAY} 12:00")]
    assert story.retracted().count(n.BREACHED) == 1
    story.wake("2026-06-08 00:00:00.000001")
    assert refused(story, f"{MONDAY} 11:00", f.Responded()) == "too_late"


def test_a_withdrawal_takes_its_target_into_the_base() -> None:
    """Bounds: a withdrawal dated long before what it withdrew is folded first; the target stays void."""
    story = Story(f"{MONDAY} 09:00")
    story.tell("2026-01-12 12:00", f.SeverityChanged(severity="C"), identity="wrong")
    story.tell(f"{MONDAY} 12:00", f.FactWithdrawn(source="crm", id="wrong"))
    story.wake("2026-01-14 00:00")
    story.tell("2026-01-14 00:00", f.LabelsChanged(queue="x"))
    story.tell("2026-01-13 00:00", f.LabelsChanged(queue="y"))
    assert story.case.state is not None
    assert story.case.state.profile.severity == "B"


def test_a_withdrawal_of_what_is_closed_is_too_late() -> None:
    """Promise (d): it would have counted earlier, so it is set aside for its arrival and not taken without effect."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 09:30", f.SeverityChanged(severity="C"), identity="closed")
    story.tell("2026-01-13 09:00", f.SeverityChanged(severity="A"), identity="recent")
    assert refused(story, "2026-01-13 10:00", f.FactWithdrawn(source="crm", id="closed")) == "too_late"
    assert refused(story, "2026-01-13 10:00", f.FactWithdrawn(source="crm", id="unknown")) == "too_late"
    story.tell("2026-01-13 10:00", f.FactWithdrawn(source="crm", id="recent"), identity="withdrawal")
    assert story.case.state is not None
    assert story.case.state.profile.severity == "C"
    story.tell("2026-01-13 10:00", f.FactWithdrawn(source="crm", id="recent"), identity="withdrawal")
    assert story.effect == "duplicate"


def test_a_withdrawal_of_the_opening_is_too_late_as_soon_as_history_is_closed() -> None:
    """Bounds: the opening is the first to go into the base. Nothing depends on when that was done."""
    story = Story(f"{MONDAY} 09:00")
    story.wake("2026-01-12 09:00")
    story.tell("2026-01-12 09:00", f.LabelsChanged(queue="x"))
    story.wake("2026-01-12 09:00:00.000001")
    assert refused(story, "2026-01-12 10:00", f.FactWithdrawn(source="crm", id="open")) == "too_late"


def test_a_withdrawal_before_its_event_waits_while_history_is_open() -> None:
    """Events about events: it may come before the event. Where history is closed nobody could tell it from one about
    the base; sent again after the event it counts.
    """
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 10:00", f.FactWithdrawn(source="crm", id="wrong"))
    story.tell(f"{MONDAY} 10:00", f.SeverityChanged(severity="C"), identity="wrong")
    assert story.case.state is not None
    assert story.case.state.profile.severity == "B"
    story.wake("2026-01-20 09:00")
    withdrawal = f.FactWithdrawn(source="crm", id="wrong again")
    assert refused(story, "2026-01-20 09:00", withdrawal, identity="w") == "too_late"
    story.tell("2026-01-20 09:00", f.SeverityChanged(severity="C"), identity="wrong again")
    story.tell("2026-01-20 09:01", withdrawal, identity="w")
    assert story.case.state.profile.severity == "B"


def test_a_withdrawal_of_what_was_folded_early_is_too_late() -> None:
    """Bounds: too many facts close history earlier, for withdrawals too."""
    story = crowded()
    story.tell(f"{MONDAY} 09:30", f.LabelsChanged(queue="one too many"))
    assert refused(story, f"{MONDAY} 09:31", f.FactWithdrawn(source="crm", id="label3")) == "too_late"
    story.tell(f"{MONDAY} 09:31", f.FactWithdrawn(source="crm", id="label499"))
    assert ("crm", "label499") in withdrawn(story.case.facts)


# The end of a case


def test_a_case_that_ended_is_closed_and_then_forgotten() -> None:
    """Bounds: seven days after its end it shrinks to its base, after the retention nothing refers to it."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 10:00", f.Closed())
    closes = next_wake(story.case, story.bounds)
    assert closes == story.at("2026-01-12 10:00") + 1
    story._wake(closes)
    assert story.case.facts == []
    forgets = next_wake(story.case, story.bounds)
    assert forgets == story.at(f"{MONDAY} 10:00") + story.bounds.retention
    assert not is_forgettable(story.case, forgets - 1, story.bounds)
    assert is_forgettable(story.case, forgets, story.bounds)


def test_waking_always_moves_on() -> None:
    """Time: a backfilled case that ended long ago, with facts from after its end, is not woken for ever."""
    story = Story(None)
    story.wake("2026-06-01 00:00")
    for when, body in ((f"{MONDAY} 09:00", opening()), (f"{MONDAY} 10:00", f.Closed())):
        story.tell(when, body)
    story.tell("2026-05-31 00:00", f.LabelsChanged(queue="x"))
    now, jumps = story.now, 0
    while (due := next_wake(story.case, story.bounds)) is not None and not is_forgettable(
        story.case, due, story.bounds
    ):
        assert due > now
        wake(story.case, due, PACKS, story.bounds)
        now, jumps = due, jumps + 1
    assert jumps == 1


# Too many facts


def crowded(count: int = FACTS_MAX) -> Story:
    """A case with this many facts, one a second."""
    story = Story(f"{MONDAY} 09:00")
    start = story.at(f"{MONDAY} 09:00")
    for number in range(1, count):
        each = fact(start + number * SECOND, f.LabelsChanged(queue=f"q{number}"), f"label{number}")
        story._keep(fold(story.case, each, start, PACKS, story.bounds))
    return story


def test_the_oldest_facts_are_folded_early_and_that_is_said_once() -> None:
    """Bounds: at most 500 facts; then the oldest fold early, counted, one notice."""
    story = crowded()
    assert (len(story.case.facts), story.case.base) == (FACTS_MAX, None)
    said = story.tell(f"{MONDAY} 09:30", f.LabelsChanged(queue="one too many"))
    assert [each.kind for each in said] == [n.HISTORY_FOLDED]
    assert said[0]["facts"] == FACTS_MAX // 2
    assert len(story.case.facts) == FACTS_MAX + 1 - FACTS_MAX // 2
    assert refused(story, f"{MONDAY} 09:04", f.Responded()) == "too_late"
    for number in range(FACTS_MAX):
        story.tell(f"{MONDAY} 09:40:00.{number:06}", f.LabelsChanged(queue="more"))
    assert len(story.standing(n.HISTORY_FOLDED)) == 1


def test_an_early_fold_keeps_the_story() -> None:
    """Bounds: the verdicts of a crowded case are those of a quiet one, and survive its row."""
    story = crowded(FACTS_MAX + 100)
    story.case = decode_row("case-1", encode_row(Row(case=story.case), None), PACKS).case
    story.tell(f"{MONDAY} 10:00", f.SeverityChanged(severity="C"))
    story.tell(f"{MONDAY} 09:59", f.PlanChanged(plan="unified"))
    story.tell(f"{MONDAY} 12:59", f.Responded())
    story.wake(A_MONTH_LATER)
    assert (n.MET, f"{MONDAY} 12:59") in story.verdicts()
    assert story.one(n.MET)["remaining"] == 3600, "C on Unified from 09:59: 13:59"
    assert not story.standing(n.BREACHED)


def test_an_early_fold_says_what_it_decides() -> None:
    """Bounds: what the folded half decides is said now, wherever the watermark is, and once."""
    story = Story(f"{MONDAY} 09:00")
    for minute in range(FACTS_MAX + 1):
        when = f.Fact(
            at=story.now + minute * MINUTE * 2, source="crm", id=f"m{minute}", body=f.LabelsChanged(queue="x")
        )
        story._keep(fold(story.case, when, story.now, PACKS, story.bounds))
    assert story.when(n.BREACHED) == f"{MONDAY} 13:00"
    story.wake(A_MONTH_LATER)
    assert story.when(n.BREACHED) == f"{MONDAY} 13:00"


def test_what_an_early_fold_has_said_is_not_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the last of what is folded was withdrawn: then no fact has led as far as the fold has, and the breach
    of 13:00 is still to come for whoever has the case in memory.
    """
    monkeypatch.setattr(decide, "FACTS_MAX", 4)
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 14:00", f.CustomerResponded(), now=f"{MONDAY} 09:10", identity="wrong")
    for minute, gone in enumerate(("wrong", "unknown", "unheard of"), 10):
        story.tell(f"{MONDAY} 15:{minute}", f.FactWithdrawn(source="crm", id=gone), now=f"{MONDAY} 09:{minute}")
    assert story.when(n.BREACHED) == f"{MONDAY} 13:00"
    story.wake(f"{MONDAY} 16:00")
    assert story.when(n.BREACHED) == f"{MONDAY} 13:00"


def test_an_early_fold_does_not_cut_through_an_instant() -> None:
    """Bounds: what happened at one instant stays together, or the half that is kept would be said again."""
    story = Story(f"{MONDAY} 09:00")
    for number in range(10):
        language = "sv" if number % 2 else "en"
        story.tell(f"{MONDAY} 09:30", f.LanguageChanged(language=language), sequence=number, identity=f"l{number}")
        story.tell(f"{MONDAY} 09:30", f.SeverityChanged(severity="AC"[number % 2]), sequence=number)
    fold_early(story.case, story.packs)
    before = len(story.sent)
    story.tell(f"{MONDAY} 10:00", f.LabelsChanged(queue="x"))
    story.tell(f"{MONDAY} 09:45", f.LabelsChanged(queue="y"))
    assert story.sent[before:] == []


def test_folding_early_always_gets_smaller() -> None:
    """Bounds: a row above its size is folded until it fits; each fold leaves fewer facts."""
    story = Story(f"{MONDAY} 09:00")
    for number in range(8):
        story.tell(f"{MONDAY} 09:1{number}", f.FactWithdrawn(source="crm", id=f"later{number}"))
        story.tell(f"{MONDAY} 09:2{number}", f.LabelsChanged(queue="x"), identity=f"later{number}")
    while len(story.case.facts) > 1:
        before = len(story.case.facts)
        fold_early(story.case, story.packs)
        assert len(story.case.facts) < before


def test_a_second_opening_does_not_outlive_the_history_it_is_in() -> None:
    """Answered by a clock that was behind, opened twice; then the cut falls between the answer and the opening. What is
    kept of the case knows it as opened, once, also when it is read back: late labels say nothing."""
    case, bounds, began = Case(case_id="c"), Bounds(), Story(f"{MONDAY} 09:00").now
    opened_at = began + 6 * HOUR
    told = [
        (fact(began - MINUTE, f.Responded(), "answer"), began),
        (fact(opened_at, opening(), "first"), opened_at),
        (fact(opened_at, opening(), "second"), opened_at),
        (fact(began + 7 * DAY + HOUR, f.LabelsChanged(queue="x"), "label"), began + 7 * DAY + HOUR),
    ]
    for each, now in told:
        fold(case, each, now, PACKS, bounds)
    case = decode_row("c", encode_row(Row(case=case), None), PACKS).case
    now = began + 7 * DAY + 2 * HOUR
    late = fold(case, fact(opened_at + MINUTE, f.LabelsChanged(queue="y"), "late"), now, PACKS, bounds)
    assert late.notices == []
    assert case.state is not None
    assert isinstance(case.state.clocks["initial_response"], Stopped)


def test_a_late_fact_in_a_full_case_costs_little() -> None:
    """Bounds: folding anew is linear in the facts; histories do not grow with them."""
    story = Story(f"{MONDAY} 09:00")
    bodies: list[f.Body] = [
        f.SeverityChanged(severity="A"),
        f.PlanChanged(plan="unified"),
        f.LanguageChanged(language="de"),
        f.SeverityChanged(severity="C"),
        f.LanguageChanged(language="en"),
        f.PlanChanged(plan="standard"),
        f.SeverityChanged(severity="B"),
    ]
    for number in range(1, FACTS_MAX - 1):
        each = fact(story.now + number * SECOND, bodies[number % len(bodies)], f"s{number}")
        fold(story.case, each, story.now, PACKS, story.bounds)
    late = fact(story.now, f.SeverityChanged(severity="C"), "late")
    calls = calls_during(lambda: fold(story.case, late, story.now, PACKS, story.bounds), OF_PYTHON)
    assert calls < 500 * FACTS_MAX
    assert story.case.state is not None
    running = story.case.state.clocks["initial_response"]
    assert isinstance(running, Running)
    assert len(running.steps) <= len(bodies)


# Rows


def test_a_row_that_names_an_absent_pack_is_refused() -> None:
    """Packs: a row naming an absent version: refuse to start; another version would change verdicts."""
    story = Story(f"{MONDAY} 09:00")
    value = encode_row(Row(case=story.case), None)
    pack = PACKS.versions[0]
    changed = {name: getattr(pack, name) for name in pack.__dataclass_fields__} | {"version": "2027-01"}
    with pytest.raises(UnsafeState, match="2026-01"):
        decode_row("case-1", value, Packs(versions=(type(pack)(**changed),)))


def test_a_shorter_horizon_closes_more() -> None:
    """Bounds: the horizon is a setting; a case follows the one in force."""
    story = Story(f"{MONDAY} 09:00", bounds=Bounds(correction_horizon=DAY))
    story.wake(f"{TUESDAY} 10:00")
    assert refused(story, f"{MONDAY} 09:30", f.Responded()) == "too_late"
