"""The customer's side by example: silences, unreached attempts, recommended and automatic downgrades."""

from __future__ import annotations

from typing import Any

import pytest

from sla_monitor.core import facts as f
from sla_monitor.core import notices as n
from tests.core.stories import AUTOMATIC, MONDAY, Said, Story

TUESDAY = "2026-01-06"
WAITING = f.WaitingOnCustomer()
BACK = f.CustomerResponded()
UNREACHED = f.ContactAttempted(reached=False)
REACHED = f.ContactAttempted(reached=True)
MUCH_LATER = "2026-02-28 00:00"


def answered(**terms: Any) -> Story:
    """A case whose first response is given, so that only the commitment is left to speak."""
    story = Story(f"{MONDAY} 09:00", **terms)
    story.tell(f"{MONDAY} 09:01", f.Responded(), identity="response")
    return story


def recommended(story: Story) -> list[str]:
    """For a silence or attempts; facts that are grounds by themselves speak besides."""
    return [said.when for said in story.standing(n.DOWNGRADE_RECOMMENDED) if said["evidence"]["broken_by"] != "fact"]


def severity_now(story: Story) -> str:
    assert story.case.state is not None
    return story.case.state.profile.severity


# How long a silence may last: SP-DOWN-SILENCE


@pytest.mark.parametrize(
    ("terms", "broken", "rule", "to"),
    [
        ({"severity": "A"}, f"{MONDAY} 18:00", "SP-DOWN-A", "B"),
        ({"severity": "A", "language": "de"}, f"{TUESDAY} 10:00", "SP-DOWN-A", "B"),
        ({"severity": "B", "access": "24x7"}, f"{MONDAY} 20:00", "SP-DOWN-B", "C"),
        ({"severity": "B", "access": "24x7", "language": "de"}, f"{TUESDAY} 12:00", "SP-DOWN-B", "C"),
        ({"severity": "B"}, f"{TUESDAY} 16:00", "SP-DOWN-RES", "C"),
        ({"severity": "B", "country": "JP", "timezone": "Asia/Tokyo"}, f"{TUESDAY} 09:30", "SP-DOWN-RES", "C"),
    ],
)
def test_how_long_a_silence_breaks_the_commitment(terms: dict[str, Any], broken: str, rule: str, to: str) -> None:
    """SP-DOWN-SILENCE: A 2 h, B on 24x7 4 h, otherwise a day's open time; open time unless served round the clock.

    Support waits from 16:00 on a Monday. In Tokyo that is midnight: a day of 8.5 hours ends at 17:30 there.
    """
    story = answered(**terms)
    story.tell(f"{MONDAY} 16:00", WAITING, identity="wait")
    story.wake(MUCH_LATER)
    found = story.one(n.DOWNGRADE_RECOMMENDED)
    assert (found.when, found["rule"], found["from"], found["to"]) == (broken, rule, terms["severity"], to)


def test_the_evidence_of_a_silence() -> None:
    """Commitment: a downgrade carries which commitment, which silence, which events."""
    story = answered(severity="A")
    story.tell(f"{MONDAY} 16:00", WAITING, identity="wait")
    story.wake(MUCH_LATER)
    assert story.one(n.DOWNGRADE_RECOMMENDED)["evidence"] == {
        "broken_by": "silence",
        "since": "2026-01-05T15:00:00Z",
        "silence_seconds": 7200,
        "limit_seconds": 7200,
        "calendar": "24x7",
        "events": [{"source": "crm", "id": "wait"}],
    }


def test_nothing_goes_below_c() -> None:
    """Commitment: the commitment of a C case has a clock, but nothing follows."""
    story = answered(severity="C")
    story.tell(f"{MONDAY} 16:00", WAITING)
    for minute in (1, 2, 3):
        story.tell(f"{TUESDAY} 09:0{minute}", UNREACHED)
    story.wake(MUCH_LATER)
    assert recommended(story) == []


@pytest.mark.parametrize("begins", [WAITING, f.WaitingOnCustomer(reason="resources"), f.ResolutionProposed()])
def test_what_begins_a_silence(begins: f.Body) -> None:
    """SP-DOWN-SILENCE: waiting on the customer, or a proposed resolution."""
    story = answered(severity="A")
    story.tell(f"{MONDAY} 10:00", begins)
    story.wake(MUCH_LATER)
    assert recommended(story) == [f"{MONDAY} 12:00"]


def test_a_silence_before_the_first_response_counts() -> None:
    """SP-DOWN-SILENCE: before the first response too."""
    story = Story(f"{MONDAY} 09:00", severity="A")
    story.tell(f"{MONDAY} 09:10", WAITING)
    story.wake(f"{MONDAY} 11:10")
    assert recommended(story) == [f"{MONDAY} 11:10"]
    assert story.when(n.BREACHED) == f"{MONDAY} 10:00"


@pytest.mark.parametrize("sign", [BACK, REACHED, f.ResolutionRejected(), f.Resolved(), f.Closed(), f.Cancelled()])
def test_what_ends_a_silence(sign: f.Body) -> None:
    """SP-DOWN-SILENCE: the customer's next sign, or the end; one microsecond before the limit is in time."""
    story = answered(severity="A")
    story.tell(f"{MONDAY} 10:00", WAITING)
    said = story.tell(f"{MONDAY} 11:59:59.999999", sign)
    assert [each.kind for each in said] == [n.CLOCK_STOPPED]
    story.wake(MUCH_LATER)
    assert recommended(story) == []


@pytest.mark.parametrize("sign", [BACK, REACHED, f.Resolved()])
def test_a_sign_at_exactly_the_limit_is_too_late(sign: f.Body) -> None:
    """SP-DOWN-SILENCE: broken = elapsed >= limit."""
    story = answered(severity="A")
    story.tell(f"{MONDAY} 10:00", WAITING)
    story.tell(f"{MONDAY} 12:00", sign)
    assert recommended(story) == [f"{MONDAY} 12:00"]


@pytest.mark.parametrize(
    "body", [WAITING, f.ResolutionProposed(), UNREACHED, f.Responded(), f.WorkStarted(engineer="eve")]
)
def test_what_does_not_restart_a_silence(body: f.Body) -> None:
    """SP-DOWN-SILENCE: a second waiting and an unreached attempt do not restart it, nor does what support does."""
    story = answered(severity="A")
    story.tell(f"{MONDAY} 10:00", WAITING)
    story.tell(f"{MONDAY} 11:00", body)
    story.wake(MUCH_LATER)
    assert recommended(story) == [f"{MONDAY} 12:00"]


def test_every_silence_counts_for_itself() -> None:
    """SP-DOWN-SILENCE: one recommendation per silence; a second silence may have a second."""
    story = answered(severity="A")
    story.tell(f"{MONDAY} 10:00", WAITING)
    story.tell(f"{MONDAY} 11:00", BACK)
    story.tell(f"{MONDAY} 11:30", WAITING)
    story.tell(f"{MONDAY} 15:00", BACK)
    story.tell(f"{MONDAY} 16:00", WAITING)
    story.wake(MUCH_LATER)
    assert recommended(story) == [f"{MONDAY} 13:30", f"{MONDAY} 18:00"]


def test_the_commitment_has_a_clock() -> None:
    """Contract, clocks: `commitment` starts and stops, and has no warning, breach or met of its own."""
    story = answered(severity="A")
    story.tell(f"{MONDAY} 10:00", WAITING)
    story.tell(f"{MONDAY} 11:00", BACK)
    life = [said for said in story.standing() if said.notice.data.get("clock") == "commitment"]
    assert [(said.kind, said["elapsed_seconds"], said["rule"]) for said in life] == [
        (n.CLOCK_STARTED, 0, "SP-DOWN-A"),
        (n.CLOCK_STOPPED, 3600, "SP-DOWN-A"),
    ]
    assert story.utc(life[0]["deadline"]) == f"{MONDAY} 12:00"


def test_a_clock_that_starts_twice_in_one_instant_started_once() -> None:
    """The promise (a): notices are a set; a late fact elsewhere must not take a second copy back."""
    story = answered(severity="A")
    for body in (WAITING, BACK, WAITING, BACK, WAITING):
        story.tell(f"{MONDAY} 10:00", body)
    story.tell(f"{MONDAY} 09:30", f.LabelsChanged(queue="emea"))
    assert story.retracted() == []
    story.wake(MUCH_LATER)
    assert recommended(story) == [f"{MONDAY} 12:00"]


# Attempts that reach nobody


def three_attempts(story: Story, hour: int = 14) -> list[Said]:
    said = []
    for minute in (0, 10, 20):
        said += story.tell(f"{MONDAY} {hour}:{minute:02}", UNREACHED, identity=f"attempt-{hour}-{minute}")
    return said


def test_three_attempts_in_a_row_break_it_at_once() -> None:
    """SP-DOWN-SILENCE: whether or not support is waiting; the evidence names them."""
    story = answered()
    three_attempts(story)
    found = story.one(n.DOWNGRADE_RECOMMENDED)
    assert (found.when, found["rule"], found["to"]) == (f"{MONDAY} 14:20", "SP-DOWN-RES", "C")
    evidence = found["evidence"]
    assert (evidence["broken_by"], evidence["attempts"]) == ("attempts", 3)
    assert [event["id"] for event in evidence["events"]] == ["attempt-14-0", "attempt-14-10", "attempt-14-20"]


@pytest.mark.parametrize("sign", [REACHED, BACK, f.ResolutionRejected()])
def test_attempts_are_counted_in_a_row(sign: f.Body) -> None:
    """SP-DOWN-SILENCE: a sign of life between them starts the run anew."""
    story = answered()
    story.tell(f"{MONDAY} 10:00", UNREACHED)
    story.tell(f"{MONDAY} 10:10", UNREACHED)
    story.tell(f"{MONDAY} 10:20", sign)
    story.tell(f"{MONDAY} 10:30", UNREACHED)
    story.tell(f"{MONDAY} 10:40", UNREACHED)
    assert recommended(story) == []
    story.tell(f"{MONDAY} 10:50", UNREACHED)
    assert recommended(story) == [f"{MONDAY} 10:50"]


def test_a_run_is_used_once() -> None:
    """SP-DOWN-SILENCE: the fourth attempt, and the sixth, say nothing new."""
    story = answered()
    three_attempts(story, 10)
    assert three_attempts(story, 11) == []


def test_a_run_uses_the_silence_it_happened_in() -> None:
    """SP-DOWN-SILENCE: one recommendation per silence or run, never two: first by attempts, …"""
    story = answered(severity="A")
    story.tell(f"{MONDAY} 13:30", WAITING)
    three_attempts(story)
    story.wake(MUCH_LATER)
    assert recommended(story) == [f"{MONDAY} 14:20"]


def test_a_broken_silence_uses_the_run_that_follows() -> None:
    """SP-DOWN-SILENCE: … or first by silence."""
    story = answered(severity="A")
    story.tell(f"{MONDAY} 10:00", WAITING)
    three_attempts(story)
    assert recommended(story) == [f"{MONDAY} 12:00"]


def test_a_long_run_keeps_a_bounded_evidence() -> None:
    """Bounds: a thousand attempts are not kept in the silence; the run is still one."""
    story = answered()
    for number in range(40):
        story.tell(f"{MONDAY} 10:{number:02}", UNREACHED)
    assert story.case.state is not None
    assert len(story.case.state.silence.attempts) == 16
    assert recommended(story) == [f"{MONDAY} 10:02"]


# Changes while support waits


def test_a_silence_takes_the_limit_of_the_severity() -> None:
    """SP-DOWN-SILENCE: counted from when it began, by the limit that holds."""
    story = answered(access="24x7")
    story.tell(f"{MONDAY} 10:00", WAITING)
    story.tell(f"{MONDAY} 11:00", f.SeverityChanged(severity="A"))
    moved = story.standing(n.DEADLINE_MOVED)[-1]
    assert (moved["clock"], story.utc(moved["new_deadline"])) == ("commitment", f"{MONDAY} 12:00")
    story.wake(MUCH_LATER)
    assert recommended(story) == [f"{MONDAY} 12:00"]
    assert story.one(n.DOWNGRADE_RECOMMENDED)["rule"] == "SP-DOWN-A"


def test_a_silence_at_c_is_not_used_up_there() -> None:
    """Nothing can follow at C; raised to A in the same silence, the commitment is broken at the raise."""
    story = answered(severity="C")
    story.tell(f"{MONDAY} 10:00", WAITING, identity="wait")
    story.wake(f"{TUESDAY} 18:00")
    assert not recommended(story)
    story.tell(f"{TUESDAY} 19:00", f.SeverityChanged(severity="A"), identity="raise")
    story.wake(MUCH_LATER)
    assert recommended(story) == [f"{TUESDAY} 19:00"]


def test_a_limit_that_has_passed_breaks_the_commitment_at_the_change() -> None:
    """SP-DOWN-SILENCE: it cannot have been broken before the change; nor is it said ahead of the watermark."""
    story = answered(access="24x7")
    story.tell(f"{MONDAY} 10:00", WAITING)
    story.tell(f"{MONDAY} 13:00", f.SeverityChanged(severity="A"), now=f"{MONDAY} 10:00")
    assert recommended(story) == []
    story.wake(f"{MONDAY} 13:00")
    assert recommended(story) == [f"{MONDAY} 13:00"]


# The answer: confirmed or declined


def broken(**terms: Any) -> tuple[Story, str]:
    """A case whose silence was broken at noon, and the id of the recommendation."""
    story = answered(**({"severity": "A"} | terms))
    story.tell(f"{MONDAY} 10:00", WAITING)
    story.wake(f"{MONDAY} 12:00")
    return story, story.one(n.DOWNGRADE_RECOMMENDED).notice.id


def test_confirmed() -> None:
    """SP-DOWN-MODE: a person confirms by an event; the severity is one step lower from then on."""
    story, recommendation = broken()
    story.tell(f"{MONDAY} 12:30", f.DowngradeConfirmed(recommendation=recommendation), identity="yes")
    done = story.one(n.DOWNGRADED)
    assert (done.when, done["from"], done["to"], done["rule"]) == (f"{MONDAY} 12:30", "A", "B", "SP-DOWN-A")
    assert done["evidence"] == {"recommendation": recommendation, "events": [{"source": "crm", "id": "yes"}]}
    assert severity_now(story) == "B"


def test_confirmed_moves_an_open_deadline() -> None:
    """SP-DOWN-CLOCK: the first response, if still open, takes the lower severity's target, from submission."""
    story = Story(f"{MONDAY} 09:00", access="24x7")
    for minute in (0, 1, 2):
        story.tell(f"{MONDAY} 10:0{minute}", UNREACHED)
    recommendation = story.one(n.DOWNGRADE_RECOMMENDED).notice.id
    story.tell(f"{MONDAY} 10:30", f.DowngradeConfirmed(recommendation=recommendation))
    assert story.deadline() == f"{MONDAY} 17:00"


def test_declined() -> None:
    """SP-DOWN-MODE: declined once, it cannot be confirmed any more."""
    story, recommendation = broken()
    assert story.tell(f"{MONDAY} 12:30", f.DowngradeDeclined(recommendation=recommendation)) == []
    assert story.effect == ""
    assert story.tell(f"{MONDAY} 12:40", f.DowngradeConfirmed(recommendation=recommendation)) == []
    assert (story.effect, severity_now(story)) == ("no_effect", "A")


def test_confirmed_twice() -> None:
    """SP-DOWN-MODE: one recommendation is one step."""
    story, recommendation = broken()
    story.tell(f"{MONDAY} 12:30", f.DowngradeConfirmed(recommendation=recommendation))
    assert story.tell(f"{MONDAY} 12:40", f.DowngradeConfirmed(recommendation=recommendation)) == []
    assert (story.effect, severity_now(story)) == ("no_effect", "B")


@pytest.mark.parametrize("answer", [f.DowngradeConfirmed, f.DowngradeDeclined])
def test_an_answer_to_nothing(answer: type[f.DowngradeConfirmed | f.DowngradeDeclined]) -> None:
    """SP-DOWN-SILENCE: an id that was never sent has no effect, counted."""
    story, _ = broken()
    assert story.tell(f"{MONDAY} 12:30", answer(recommendation="no-such-notice")) == []
    assert (story.effect, severity_now(story)) == ("no_effect", "A")


def test_confirming_what_was_retracted_has_no_effect() -> None:
    """SP-DOWN-SILENCE: the customer had been there after all, as a late fact says."""
    story, recommendation = broken()
    story.tell(f"{MONDAY} 11:00", BACK)
    assert n.DOWNGRADE_RECOMMENDED in story.retracted()
    assert story.tell(f"{MONDAY} 12:30", f.DowngradeConfirmed(recommendation=recommendation)) == []
    assert (story.effect, severity_now(story)) == ("no_effect", "A")


def test_a_confirmation_is_taken_back_with_its_recommendation() -> None:
    """The promise (a): the late fact may come after the confirmation; what followed from it goes too."""
    story, recommendation = broken()
    story.tell(f"{MONDAY} 12:30", f.DowngradeConfirmed(recommendation=recommendation))
    story.tell(f"{MONDAY} 11:00", BACK)
    assert {n.DOWNGRADE_RECOMMENDED, n.DOWNGRADED} <= set(story.retracted())
    assert severity_now(story) == "A"


def test_confirmed_after_the_customer_came_back() -> None:
    """SP-DOWN-MODE: the commitment was broken all the same; support may still lower it."""
    story, recommendation = broken()
    story.tell(f"{MONDAY} 12:15", BACK)
    story.tell(f"{MONDAY} 12:30", f.DowngradeConfirmed(recommendation=recommendation))
    assert severity_now(story) == "B"


def test_a_severity_changed_meanwhile_answers_the_recommendation() -> None:
    """Commitment: one step from the severity it was made for; that severity is gone."""
    story, recommendation = broken()
    story.tell(f"{MONDAY} 12:15", f.SeverityChanged(severity="B"))
    assert story.tell(f"{MONDAY} 12:30", f.DowngradeConfirmed(recommendation=recommendation)) == []
    assert severity_now(story) == "B"


def test_a_customer_who_comes_back_can_be_raised_again() -> None:
    """SP-DOWN-BACK: after a confirmed downgrade the severity returns with a notice, and its silence counts anew."""
    story, recommendation = broken()
    story.tell(f"{MONDAY} 12:30", f.DowngradeConfirmed(recommendation=recommendation))
    story.tell(f"{MONDAY} 13:00", BACK)
    story.tell(f"{MONDAY} 13:00:01", f.SeverityChanged(severity="A"))
    assert (story.one(n.RESTORED)["from"], story.one(n.RESTORED)["to"]) == ("B", "A")
    story.tell(f"{MONDAY} 14:00", WAITING)
    story.wake(MUCH_LATER)
    assert recommended(story) == [f"{MONDAY} 12:00", f"{MONDAY} 16:00"]


# Automatic


def test_automatic_lowers_at_once() -> None:
    """SP-DOWN-MODE, automatic: the silence itself lowers, and one silence lowers one step only."""
    story = Story(f"{MONDAY} 09:00", severity="A", access="24x7", packs=AUTOMATIC)
    story.tell(f"{MONDAY} 09:05", UNREACHED)
    story.tell(f"{MONDAY} 09:06", WAITING)
    story.tell(f"{MONDAY} 09:30", f.Responded())
    story.wake(MUCH_LATER)
    done = story.one(n.DOWNGRADED)
    assert (done.when, done["from"], done["to"]) == (f"{MONDAY} 11:06", "A", "B")
    assert done["evidence"]["broken_by"] == "silence"
    assert not story.standing(n.DOWNGRADE_RECOMMENDED)
    assert severity_now(story) == "B"


def test_automatic_attempts_move_an_open_deadline() -> None:
    """SP-DOWN-CLOCK with SP-DOWN-MODE: lowered by the third attempt, the response takes the lower target."""
    story = Story(f"{MONDAY} 09:00", packs=AUTOMATIC)
    for minute in (0, 1, 2):
        story.tell(f"{MONDAY} 10:0{minute}", UNREACHED)
    assert story.when(n.DOWNGRADED) == f"{MONDAY} 10:02"
    assert story.deadline() == f"{MONDAY} 17:00"


def test_automatic_waits_for_the_watermark() -> None:
    """Time: an event ahead of the watermark does not make the silence before it known."""
    story = Story(f"{MONDAY} 09:00", severity="A", packs=AUTOMATIC)
    story.tell(f"{MONDAY} 09:10", WAITING)
    story.tell(f"{MONDAY} 12:00", f.LabelsChanged(queue="emea"), now=f"{MONDAY} 09:10")
    assert not story.standing(n.DOWNGRADED, n.BREACHED)
    story.tell(f"{MONDAY} 09:20", BACK, now=f"{MONDAY} 09:20")
    story.wake(MUCH_LATER)
    assert not story.standing(n.DOWNGRADED)
    assert n.DOWNGRADED not in story.retracted()
