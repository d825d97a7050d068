"""What comes late, twice, too early, or was wrong: the notices that stand are those of the whole story."""

from __future__ import annotations

import pytest

from sla_monitor.core import facts as f
from sla_monitor.core import notices as n
from sla_monitor.core.decide import TWINS_MAX, Bounds, fold, next_wake, wake
from sla_monitor.core.policy import Packs
from sla_monitor.errors import BadEvent
from tests.core.stories import MONDAY, PACKS, Story, fact, opening, standing

TUESDAY = "2026-01-06"
MUCH_LATER = "2026-01-31 00:00"


def withdraw(identity: str) -> f.FactWithdrawn:
    return f.FactWithdrawn(source="crm", id=identity)


def breached() -> Story:
    """Opened at nine, and nobody has answered by half past one."""
    story = Story(f"{MONDAY} 09:00")
    story.wake(f"{MONDAY} 13:30")
    return story


# Late facts


def test_an_answer_that_comes_late_takes_the_breach_back() -> None:
    """Late fact: `sla.retracted`, then what is true."""
    story = breached()
    breach = story.one(n.BREACHED)
    said = story.tell(f"{MONDAY} 10:00", f.Responded(), identity="answer")
    assert [each.kind for each in said] == [n.RETRACTED] * 3 + [n.CLOCK_STOPPED, n.MET]
    assert story.verdicts() == [(n.MET, f"{MONDAY} 10:00")]
    assert all(each.notice.corrects for each in said)
    taken = next(each for each in said if each.notice.data.get("retracts") == breach.notice.id)
    assert (taken.when, taken["because"], taken["because_source"]) == (f"{MONDAY} 10:00", "answer", "crm")
    assert (taken["retracted_type"], taken["clock"], taken["rule"]) == (n.BREACHED, "initial_response", "SP-B")
    story.wake(MUCH_LATER)
    assert story.verdicts() == [(n.MET, f"{MONDAY} 10:00")]


def test_a_late_answer_after_the_deadline_leaves_the_breach() -> None:
    """Late fact: only what no longer follows is retracted."""
    story = breached()
    story.tell(f"{MONDAY} 13:10", f.Responded())
    assert story.retracted() == []
    assert [kind for kind, _ in story.verdicts()] == [n.WARNING, n.WARNING, n.BREACHED, n.MET]


def test_a_verdict_that_returns_has_the_next_revision() -> None:
    """Contract, notices: a notice sent again after a retraction has another id."""
    story = breached()
    first = story.one(n.BREACHED).notice
    story.tell(f"{MONDAY} 10:00", f.Responded(), identity="answer")
    story.tell(f"{MONDAY} 13:40", withdraw("answer"))
    second = story.one(n.BREACHED).notice
    assert second.id != first.id
    assert (second.at, second.data) == (first.at, first.data)
    assert story.retracted().count(n.MET) == 1


def test_a_late_change_moves_what_followed() -> None:
    """Late fact: lowered at ten, as is known only at half past one; the breach of one o'clock was none."""
    story = breached()
    story.tell(f"{MONDAY} 10:00", f.SeverityChanged(severity="C"))
    assert sorted(story.retracted()) == sorted([n.WARNING, n.WARNING, n.BREACHED])
    story.wake(MUCH_LATER)
    assert story.when(n.BREACHED) == f"{MONDAY} 17:00"


def test_a_late_fact_that_decides_nothing_retracts_nothing() -> None:
    """The idea, 1: only the difference is sent."""
    story = breached()
    assert story.tell(f"{MONDAY} 10:00", f.LabelsChanged(queue="emea")) == []
    assert story.tell(f"{MONDAY} 09:30", f.ContactUpdated(verified=True)) == []


def test_events_of_one_instant_are_ordered_by_sequence() -> None:
    """Contract, events in: `sequence` orders events with the same time, whatever the order they come in."""
    for order in ((1, 2), (2, 1)):
        story = Story(f"{MONDAY} 09:00")
        for number in order:
            severity = "AC"[number - 1]
            story.tell(f"{MONDAY} 10:00", f.SeverityChanged(severity=severity), sequence=number, identity=severity)
        assert story.case.state is not None
        assert story.case.state.profile.severity == "C"


# Before the opening


def test_what_comes_before_the_opening_waits_for_it() -> None:
    """Contract, bad input: an orphan waits; the notices are those of the whole story."""
    story = Story(None)
    assert story.tell(f"{MONDAY} 10:00", f.SeverityChanged(severity="C")) == []
    assert story.tell(f"{MONDAY} 11:00", f.Responded()) == []
    assert next_wake(story.case, story.bounds) is None
    story.tell(f"{MONDAY} 09:00", opening())
    assert story.verdicts() == [(n.MET, f"{MONDAY} 11:00")]
    assert story.one(n.MET)["severity"] == "C"


def test_an_orphan_that_only_another_pack_understands_changes_nothing() -> None:
    """Packs: a case keeps the version of its opening; a severity of a later one means nothing to it."""
    older = PACKS.versions[0]
    newer = type(older)(
        **{
            name: getattr(older, name)
            for name in older.__dataclass_fields__
            if name not in {"version", "effective_from", "severities"}
        },
        version="2026-02",
        effective_from=older.effective_from + f.DAY * 9_501,  # on 2026-01-05
        severities=("A", "B", "C", "D"),
    )
    story = Story(None, packs=Packs(versions=(older, newer)))
    story.tell("2026-02-01 10:00", f.SeverityChanged(severity="D"))
    story.tell("2026-01-02 09:00", opening())
    assert story.case.state is not None
    assert (story.case.policy_key, story.case.state.profile.severity) == (older.key, "B")


# Withdrawn facts


def test_a_response_that_was_wrong() -> None:
    """`case.fact_withdrawn`: the response counts no more; the clock runs as if it had never been."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 10:00", f.Responded(), identity="answer")
    said = story.tell(f"{MONDAY} 11:00", withdraw("answer"))
    assert [each.kind for each in said] == [n.RETRACTED, n.RETRACTED]
    assert all(each.when == f"{MONDAY} 11:00" for each in said)
    story.wake(MUCH_LATER)
    assert story.when(n.BREACHED) == f"{MONDAY} 13:00"


def test_a_withdrawal_may_come_before_what_it_withdraws() -> None:
    """`case.fact_withdrawn`: kept until its target arrives, which then changes nothing."""
    story = Story(f"{MONDAY} 09:00")
    assert story.tell(f"{MONDAY} 10:30", withdraw("answer")) == []
    assert story.effect == "no_effect"
    assert story.tell(f"{MONDAY} 10:00", f.Responded(), identity="answer") == []
    story.wake(MUCH_LATER)
    assert story.when(n.BREACHED) == f"{MONDAY} 13:00"
    assert story.retracted() == []


def test_a_withdrawal_dated_before_its_target_holds_too() -> None:
    """`case.fact_withdrawn`: clocks of two systems differ; identity counts, not time."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 10:00", f.Responded(), identity="answer")
    story.tell(f"{MONDAY} 09:30", withdraw("answer"))
    assert story.verdicts() == []


def test_a_withdrawal_cannot_be_withdrawn() -> None:
    """Known: what was wrong stays wrong; the producer tells the truth by a new event."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 10:00", f.Responded(), identity="answer")
    story.tell(f"{MONDAY} 10:30", withdraw("answer"), identity="sorry")
    story.tell(f"{MONDAY} 10:40", withdraw("sorry"))
    assert story.verdicts() == []
    story.tell(f"{MONDAY} 10:05", f.Responded(), identity="true answer")
    assert story.verdicts() == [(n.MET, f"{MONDAY} 10:05")]


def test_a_withdrawn_opening_takes_everything_back() -> None:
    """`case.fact_withdrawn` of the opening: nothing stands, nothing is due; a true opening starts anew."""
    story = breached()
    before = story.one(n.BREACHED).notice
    story.tell(f"{MONDAY} 13:40", withdraw("open"))
    assert standing(story.sent) == []
    assert next_wake(story.case, story.bounds) is None
    story.tell(f"{MONDAY} 09:00", opening(severity="C"), identity="open again")
    assert story.deadline() == f"{MONDAY} 17:00"
    story.wake(MUCH_LATER)
    assert story.one(n.BREACHED).notice.id != before.id


def test_a_second_opening_that_is_withdrawn_already_is_no_conflict() -> None:
    """Known: a conflict is decided by arrival; what was declared wrong before it arrived cannot be in conflict."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 09:30", withdraw("wrong"))
    assert story.tell(f"{MONDAY} 08:00", opening(severity="A"), identity="wrong") == []
    assert story.deadline() == f"{MONDAY} 13:00"


# Duplicates and conflicts


def test_a_duplicate_has_no_effect() -> None:
    """Contract, events in: (source, id) identifies an event; the trace of a delivery is not its content."""
    story = Story(f"{MONDAY} 09:00")
    answer = fact(story.at(f"{MONDAY} 10:00"), f.Responded(by="eve"), "answer")
    story.tell(f"{MONDAY} 10:00", f.Responded(by="eve"), identity="answer")
    again = f.Fact(at=answer.at, source="crm", id="answer", body=answer.body, traceparent="00-1-1-00")
    decision = fold(story.case, again, story.now, PACKS, story.bounds)
    assert (decision.notices, decision.effect) == ([], "duplicate")
    assert len(story.case.facts) == 2


def test_the_same_id_of_another_source_is_another_event() -> None:
    """Contract, events in: identity is (source, id)."""
    story = Story(f"{MONDAY} 09:00")
    other = fact(story.at(f"{MONDAY} 10:00"), f.Responded(), "open", source="bot")
    assert fold(story.case, other, story.now, PACKS, story.bounds).effect == ""


@pytest.mark.parametrize(
    ("when", "body", "identity"),
    [
        (f"{MONDAY} 10:00", f.Responded(by="adam"), "answer"),
        (f"{MONDAY} 10:01", f.Responded(by="eve"), "answer"),
        (f"{MONDAY} 10:00", f.Closed(), "answer"),
        (f"{MONDAY} 09:00", opening(severity="C"), "another opening"),
        (f"{MONDAY} 09:01", opening(), "another opening"),
    ],
)
def test_a_conflict_is_refused_and_changes_nothing(when: str, body: f.Body, identity: str) -> None:
    """Contract, bad input: the same identity with other content; a second opening of another content."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 10:00", f.Responded(by="eve"), identity="answer")
    facts = list(story.case.facts)
    with pytest.raises(BadEvent) as refused:
        story.tell(when, body, identity=identity)
    assert refused.value.reason == "conflict"
    assert story.case.facts == facts
    assert story.verdicts() == [(n.MET, f"{MONDAY} 10:00")]


def test_a_second_opening_of_the_same_content_is_a_duplicate() -> None:
    """Semantics decided: a second `case.opened`, same content: duplicate."""
    story = Story(f"{MONDAY} 09:00")
    for number in range(10):  # a producer that retries under ever new ids does not fill the case
        assert story.tell(f"{MONDAY} 09:00", opening(), identity=f"open again {number}") == []
        assert story.effect == "duplicate"
    assert len(story.case.facts) == TWINS_MAX


@pytest.mark.parametrize(
    "body",
    [
        f.SeverityChanged(severity="Z"),
        f.PlanChanged(plan="platinum"),
        f.LocationChanged(country="XX"),
        opening(severity="Z"),
    ],
)
def test_what_the_pack_does_not_know_is_invalid(body: f.Body) -> None:
    """Contract, bad input: labels that the case's pack does not have."""
    story = Story(None if isinstance(body, f.Opened) else f"{MONDAY} 09:00")
    with pytest.raises(BadEvent) as refused:
        story.tell(f"{MONDAY} 10:00", body)
    assert refused.value.reason == "invalid"


# The watermark


def test_an_event_ahead_of_the_watermark_fires_nothing_early() -> None:
    """Time: a breach is false if the answer was already in the log; a label of tomorrow proves nothing about today."""
    story = Story(f"{MONDAY} 09:00")
    assert story.tell(f"{TUESDAY} 09:00", f.LabelsChanged(queue="emea"), now=f"{MONDAY} 09:00") == []
    assert next_wake(story.case, story.bounds) == story.at(f"{MONDAY} 12:00")
    story.tell(f"{MONDAY} 10:00", f.Responded(), now=f"{MONDAY} 09:00")
    assert story.verdicts() == [(n.MET, f"{MONDAY} 10:00")]
    assert story.retracted() == []


def test_what_was_held_back_is_said_when_the_watermark_arrives() -> None:
    """Time: then all deadlines fire, in their order."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{TUESDAY} 09:00", f.LabelsChanged(queue="emea"), now=f"{MONDAY} 09:00")
    said = story.wake(f"{MONDAY} 13:00")
    assert [each.kind for each in said] == [n.WARNING, n.WARNING, n.BREACHED]
    assert all(each.notice.by_timer for each in said)


def test_a_decision_at_or_after_the_deadline_is_said_at_once() -> None:
    """Time: a fact that decides (a response after the deadline) decides at once, whatever the watermark is."""
    story = Story(f"{MONDAY} 09:00")
    said = story.tell(f"{MONDAY} 14:00", f.Responded(), now=f"{MONDAY} 09:00")
    assert [each.kind for each in said] == [n.WARNING, n.WARNING, n.BREACHED, n.CLOCK_STOPPED, n.MET]


def test_an_earlier_answer_corrects_what_was_decided_ahead() -> None:
    """Late fact: the first response of 10:00 arrives after a second one of 14:00."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 14:00", f.Responded(), now=f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 10:00", f.Responded(), now=f"{MONDAY} 09:00")
    assert story.verdicts() == [(n.MET, f"{MONDAY} 10:00")]


def test_the_watermark_need_not_stop_anywhere() -> None:
    """Time: one wake-up long after everything says the same as one at every instant."""
    story = Story(f"{MONDAY} 09:00")
    wake_once = wake(story.case, story.at(MUCH_LATER), PACKS, Bounds())
    assert [notice.kind for notice in wake_once.notices] == [n.WARNING, n.WARNING, n.BREACHED, n.OVERDUE, n.OVERDUE]
