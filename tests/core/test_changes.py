"""What a change of severity, plan, access, language or place does to a running deadline."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sla_monitor.core import facts as f
from sla_monitor.core import notices as n
from sla_monitor.core.policy import Changes, Direction, Packs
from tests.core.stories import MONDAY, PACKS, Story, own_target

TUESDAY = "2026-01-06"


def to(severity: str) -> f.SeverityChanged:
    return f.SeverityChanged(severity=severity)


# What lowering does


def test_lowered_counts_from_submission() -> None:
    """SP-DOWN-CLOCK: the lower severity's target and hours, from submission."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 11:00", to("C"))
    assert story.deadline() == f"{MONDAY} 17:00"
    moved = story.one(n.DEADLINE_MOVED)
    assert (story.utc(moved["old_deadline"]), story.utc(moved["new_deadline"])) == (
        f"{MONDAY} 13:00",
        f"{MONDAY} 17:00",
    )
    assert (moved["cause"], moved["event"]) == ("event", {"source": "crm", "id": "e1"})
    assert (moved.when, moved["rule"], moved["severity"]) == (f"{MONDAY} 11:00", "SP-DOWN-CLOCK", "C")


def test_a_lowered_to_b_is_on_business_hours() -> None:
    """Initial response: unless 24x7 was given explicitly, a case lowered to B is on business hours."""
    implicit = Story("2026-01-10 20:00", severity="A")
    implicit.tell("2026-01-10 20:30", to("B"))
    assert implicit.deadline() == "2026-01-12 13:00"
    chosen = Story("2026-01-10 20:00", severity="A", access="24x7")
    chosen.tell("2026-01-10 20:30", to("B"))
    assert chosen.deadline() == "2026-01-11 00:00"


def test_lowered_twice() -> None:
    """SP-DOWN-CLOCK: each step counts from submission."""
    story = Story(f"{MONDAY} 09:00", severity="A")
    story.tell(f"{MONDAY} 09:20", to("B"))
    story.tell(f"{MONDAY} 10:00", to("C"))
    assert story.deadline() == f"{MONDAY} 17:00"
    story.wake(f"{TUESDAY} 00:00")
    assert story.when(n.BREACHED) == f"{MONDAY} 17:00"


def test_warnings_follow_the_deadline() -> None:
    """A warning said before a change stands; those of the new deadline are said at their new instants."""
    story = Story(f"{MONDAY} 09:00")
    story.wake(f"{MONDAY} 12:00")
    story.tell(f"{MONDAY} 12:10", to("C"))
    story.wake(f"{TUESDAY} 00:00")
    assert [(said["level"], said.when) for said in story.standing(n.WARNING)] == [
        (75, f"{MONDAY} 12:00"),
        (75, f"{MONDAY} 15:00"),
        (90, f"{MONDAY} 16:12"),
    ]


# What raising does


def test_raised_counts_from_the_change() -> None:
    """SP-UP-CLOCK: the higher severity's target and hours count from the change."""
    story = Story(f"{MONDAY} 09:00", severity="C")
    story.tell(f"{MONDAY} 10:00", to("A"))
    assert story.deadline() == f"{MONDAY} 11:00"
    story.wake(f"{TUESDAY} 00:00")
    assert [said.when for said in story.standing(n.WARNING)] == [f"{MONDAY} 10:45", f"{MONDAY} 10:54"]


def test_raised_is_never_later() -> None:
    """SP-UP-CLOCK: the deadline never becomes later than it was."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 12:30", to("A"))
    assert story.deadline() == f"{MONDAY} 13:00"
    assert not story.standing(n.DEADLINE_MOVED), "it did not move"
    story.wake(f"{TUESDAY} 00:00")
    assert story.when(n.BREACHED) == f"{MONDAY} 13:00"
    assert story.one(n.BREACHED)["rule"] == "SP-A"


def test_raised_twice() -> None:
    """SP-UP-CLOCK: C to B at ten (14:00), B to A at noon (13:00)."""
    story = Story(f"{MONDAY} 09:00", severity="C")
    story.tell(f"{MONDAY} 10:00", to("B"))
    assert story.deadline() == f"{MONDAY} 14:00"
    story.tell(f"{MONDAY} 12:00", to("A"))
    assert story.deadline() == f"{MONDAY} 13:00"


def test_raised_exactly_at_the_deadline_is_too_late() -> None:
    """SP-LT: at that instant the breach stands already; later changes do not move it."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 13:00", to("A"))
    assert story.one(n.BREACHED)["severity"] == "B"
    assert not story.standing(n.DEADLINE_MOVED)


# What comes back


def test_restored_has_its_old_deadline_again() -> None:
    """SP-DOWN-BACK: B lowered to C and raised again: the old deadline returns, with a notice."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 10:00", to("C"))
    story.tell(f"{MONDAY} 11:00", to("B"))
    assert story.deadline() == f"{MONDAY} 13:00"
    restored = story.one(n.RESTORED)
    assert (restored["from"], restored["to"], restored["rule"]) == ("C", "B", "SP-DOWN-BACK")
    assert restored["evidence"] == {"events": [{"source": "crm", "id": "e2"}]}


def test_a_severity_never_held_is_not_restored() -> None:
    """SP-DOWN-BACK: A lowered to C, then B for the first time: a raise like any other (SP-UP-CLOCK)."""
    story = Story(f"{MONDAY} 09:00", severity="A")
    story.tell(f"{MONDAY} 09:30", to("C"))
    story.tell(f"{MONDAY} 10:00", to("B"))
    assert story.deadline() == f"{MONDAY} 14:00"
    assert not story.standing(n.RESTORED)
    story.tell(f"{MONDAY} 10:15", to("A"))
    assert story.one(n.RESTORED)["to"] == "A"
    assert story.when(n.BREACHED) == f"{MONDAY} 10:00"


def test_a_restored_deadline_in_the_past_is_broken_at_that_deadline() -> None:
    """SP-DOWN-BACK: A would have been due at ten; restored at eleven it was broken at ten, not at eleven."""
    story = Story(f"{MONDAY} 09:00", severity="A")
    story.tell(f"{MONDAY} 09:30", to("B"))
    said = story.tell(f"{MONDAY} 11:00", to("A"))
    breach = story.one(n.BREACHED)
    assert (breach.when, breach["severity"], breach["target_seconds"]) == (f"{MONDAY} 10:00", "A", 3600)
    assert [each.when for each in story.standing(n.OVERDUE)] == [f"{MONDAY} 10:30", f"{MONDAY} 11:00"]
    backdated = [each for each in said if each.when < f"{MONDAY} 11:00"]
    assert not any(each.notice.by_timer for each in backdated), "no timer was late: the change came only now"


def test_a_deadline_that_lands_in_the_past_waits_for_the_watermark() -> None:
    """Time: a breach is false if the answer was already in the log; a change ahead of the watermark says none yet."""
    story = Story(f"{MONDAY} 09:00", severity="A")
    story.tell(f"{MONDAY} 09:30", to("B"))
    story.tell(f"{MONDAY} 11:00", to("A"), now=f"{MONDAY} 09:30")
    assert not story.standing(n.BREACHED)
    story.tell(f"{MONDAY} 09:40", f.Responded(), now=f"{MONDAY} 09:40")
    story.wake(f"{TUESDAY} 00:00")
    assert not story.standing(n.BREACHED)
    assert n.BREACHED not in story.retracted()


def test_a_breach_is_frozen() -> None:
    """Known: later changes do not move a breach, nor take it back, nor make another."""
    story = Story(f"{MONDAY} 09:00", severity="A")
    story.wake(f"{MONDAY} 10:00")
    for hour, severity in ((11, "C"), (12, "B"), (13, "A")):
        story.tell(f"{MONDAY} {hour}:00", to(severity))
    story.wake("2026-01-31 00:00")
    assert story.when(n.BREACHED) == f"{MONDAY} 10:00"
    assert [said.when for said in story.standing(n.OVERDUE)] == [f"{MONDAY} 10:30", f"{MONDAY} 11:00"]


def test_what_would_have_been_broken_before_a_raise_was_broken_then() -> None:
    """SP-DOWN-CLOCK and frozen verdicts: a move to Germany as if from the start is due before the raise; the deadline
    is that of severity C, and so are its overdue levels."""
    story = Story("2026-01-05 00:00", zone="UTC", country="US", severity="C", plan="unified")  # Sunday evening there
    story.tell("2026-01-05 14:00", to("B"))
    story.tell("2026-01-05 15:00", f.LocationChanged(country="DE"))
    story.wake("2026-01-31 00:00")
    breach = story.one(n.BREACHED)
    assert (breach.when, breach["rule"], breach["elapsed_seconds"]) == ("2026-01-05 12:00", "SP-C", 4 * 3600)
    assert [said.when for said in story.standing(n.OVERDUE)] == ["2026-01-05 14:00", "2026-01-05 16:00"]


# Another pack may choose another way


def test_a_pack_may_keep_the_time_used_up() -> None:
    """Semantics decided, `keep_elapsed`: consumed open time stays, the rest runs on the new target and hours."""
    pack = PACKS.versions[0]
    keeping = replace(
        pack.clocks[0], changes=Changes(raised=Direction(how="keep_elapsed"), lowered=Direction(how="keep_elapsed"))
    )
    packs = Packs(versions=(replace(pack, clocks=(keeping,)),))
    story = Story(f"{MONDAY} 09:00", packs=packs)
    story.tell(f"{MONDAY} 10:00", to("A"))  # the hour is used up
    assert story.when(n.BREACHED) == f"{MONDAY} 10:00"
    story = Story(f"{MONDAY} 09:00", packs=packs)
    story.tell(f"{MONDAY} 10:00", to("C"))
    story.tell(f"{MONDAY} 12:00", f.LocationChanged(country="GB"))  # sideways: from the start
    story.tell(f"{MONDAY} 16:00", f.PlanChanged(plan="unified"))
    assert story.standing(n.DEADLINE_MOVED)
    story.wake("2026-01-31 00:00")
    assert story.when(n.BREACHED) == f"{MONDAY} 16:00"


def test_a_pack_may_switch_a_notice_off() -> None:
    """Contract, notices: all types are sent by default; a pack may switch some off."""
    quiet = Packs(versions=(replace(PACKS.versions[0], switched_off=frozenset({n.WARNING, n.CLOCK_STARTED})),))
    story = Story(f"{MONDAY} 09:00", packs=quiet)
    story.wake("2026-01-31 00:00")
    assert [said.kind for said in story.standing()] == [n.BREACHED, n.OVERDUE, n.OVERDUE]


# Plan, access, language, place


def test_a_better_plan_counts_from_the_change() -> None:
    """Semantics decided, raised: two hours from the change, never later than it was."""
    early = Story(f"{MONDAY} 09:00")
    early.tell(f"{MONDAY} 10:00", f.PlanChanged(plan="unified"))
    assert early.deadline() == f"{MONDAY} 12:00"
    late = Story(f"{MONDAY} 09:00")
    late.tell(f"{MONDAY} 12:00", f.PlanChanged(plan="unified"))
    assert late.deadline() == f"{MONDAY} 13:00"


def test_a_lower_plan_counts_from_the_start() -> None:
    """Semantics decided, lowered: as if the case had been so from its start."""
    story = Story(f"{MONDAY} 09:00", plan="professional_direct")
    story.tell(f"{MONDAY} 10:00", f.PlanChanged(plan="standard"))
    assert story.deadline() == f"{MONDAY} 13:00"


def test_wider_access_counts_from_the_change() -> None:
    """SP-B: 24x7 chosen later is honoured; four hours round the clock from then."""
    story = Story("2026-01-09 16:00")  # due on Monday at noon
    story.tell("2026-01-09 20:00", f.AccessChanged(access="24x7"))
    assert story.deadline() == "2026-01-10 00:00"


def test_narrower_access_counts_from_the_start() -> None:
    """Semantics decided: hours narrowed are as if so from the start."""
    story = Story("2026-01-09 16:00", access="24x7")
    story.tell("2026-01-09 18:00", f.AccessChanged(access="business_hours"))
    assert story.deadline() == "2026-01-12 12:00"


def test_a_language_without_english_narrows_the_hours() -> None:
    """SP-LANG-TR: an A case that goes on in German is served in German hours, from its start."""
    story = Story(f"{MONDAY} 20:00", severity="A")
    story.tell(f"{MONDAY} 20:30", f.LanguageChanged(language="de"))
    assert story.deadline() == f"{TUESDAY} 10:00"
    story.tell(f"{MONDAY} 20:40", f.LanguageChanged(language="de", accepts_english=True))
    assert story.deadline() == f"{MONDAY} 21:40"


def test_what_a_customer_accepts_stays_as_it_was() -> None:
    """`case.language_changed`: what is absent stays."""
    story = Story(f"{MONDAY} 20:00", severity="A", language="fi", accepts_english=True)
    story.tell(f"{MONDAY} 20:10", f.LanguageChanged(language="sv"))
    assert story.deadline() == f"{MONDAY} 21:00"


def test_another_place_is_as_if_from_the_start() -> None:
    """Semantics decided, sideways: the new country's hours, from submission."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 10:00", f.LocationChanged(country="GB"))
    assert story.deadline() == f"{MONDAY} 14:00"  # 09:00 in London is 10:00 here
    assert story.standing(n.DEADLINE_MOVED)[-1]["calendar"] == "SP-HRS-1:GB:Europe/London"


@pytest.mark.parametrize(
    ("severity", "body"),
    [
        ("B", f.SeverityChanged(severity="B", by="customer", reason="sure")),
        ("B", f.PlanChanged(plan="standard")),
        ("B", f.LocationChanged(country="DE")),
        ("B", f.LanguageChanged(language="en")),
        ("B", f.TraitsChanged(remove=("custom_code",))),
        ("B", f.LabelsChanged(queue="emea")),
        ("A", f.PlanChanged(plan="unified")),  # A has one hour in every plan
        ("A", f.AccessChanged(access="business_hours")),  # and is always round the clock
        ("C", f.AccessChanged(access="24x7")),  # C never
        ("B", f.LanguageChanged(language="de")),  # on business hours already
        ("B", f.AccessChanged(access="business_hours")),
    ],
)
def test_changes_that_change_nothing_say_nothing(severity: str, body: f.Body) -> None:
    """A change that leaves target and hours as they were moves nothing."""
    story = Story(f"{MONDAY} 09:00", severity=severity)
    before = story.deadline()
    assert story.tell(f"{MONDAY} 09:30", body) == []
    story.wake("2026-01-31 00:00")
    assert story.when(n.BREACHED) == before


def test_own_targets_stay_through_changes() -> None:
    """SP-UNI: own targets win at every severity; only the hours change."""
    story = Story("2026-01-10 20:00", severity="A", targets=own_target(3))
    assert story.deadline() == "2026-01-10 23:00"
    story.tell("2026-01-10 21:00", to("C"))
    assert story.deadline() == "2026-01-12 12:00"


def test_changes_after_the_response_say_nothing_of_it() -> None:
    """A clock that has stopped has no deadline to move; a severity held before still returns with a notice."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 10:00", f.Responded())
    assert story.tell(f"{MONDAY} 11:00", to("C")) == []
    assert [said.kind for said in story.tell(f"{MONDAY} 12:00", to("B"))] == [n.RESTORED]


def test_a_case_that_is_over_changes_in_silence() -> None:
    """After the end nothing is promised any more."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 10:00", f.Closed())
    for body in (to("A"), f.LanguageChanged(language="fi"), f.WaitingOnCustomer(), f.ContactAttempted(reached=False)):
        assert story.tell(f"{MONDAY} 11:00", body) == []
    assert story.wake("2026-01-31 00:00") == []
