"""The first response by example: the plan's table, its hours, its languages, and the verdicts at their edges."""

from __future__ import annotations

from typing import Any

import pytest

from sla_monitor.core import facts as f
from sla_monitor.core import notices as n
from tests.core.stories import MONDAY, Story, at, opening, own_target

FRIDAY = "2026-01-09"


def response_due(opened: str, zone: str = "Europe/Berlin", **terms: Any) -> str:
    """When a case opened at this local time must have been answered."""
    return Story(opened, zone=zone, **terms).deadline()


# The table of the plan


@pytest.mark.parametrize(
    ("severity", "plan", "hours", "rule"),
    [
        ("A", "standard", 1, "SP-A"),
        ("A", "professional_direct", 1, "SP-A"),
        ("A", "unified", 1, "SP-A"),
        ("B", "standard", 4, "SP-B"),
        ("B", "professional_direct", 2, "SP-B"),
        ("B", "unified", 2, "SP-B"),
        ("C", "standard", 8, "SP-C"),
        ("C", "professional_direct", 4, "SP-C"),
        ("C", "unified", 4, "SP-C"),
    ],
)
def test_the_table_of_the_plan(severity: str, plan: str, hours: int, rule: str) -> None:
    """SP-A, SP-B, SP-C: every cell; opened at opening time, the deadline is that many hours later on the same day."""
    story = Story(f"{MONDAY} 09:00", severity=severity, plan=plan)
    started = story.one(n.CLOCK_STARTED)
    assert story.utc(started["deadline"]) == f"{MONDAY} {9 + hours:02}:00"
    assert (started["rule"], started["target_seconds"]) == (rule, hours * 3600)
    assert (started["elapsed_seconds"], started["promised"]) == (0, True)


@pytest.mark.parametrize(
    ("severity", "access", "due"),
    [
        ("A", None, "2026-01-10 21:00"),
        ("A", "business_hours", "2026-01-10 21:00"),
        ("B", None, "2026-01-12 13:00"),
        ("B", "business_hours", "2026-01-12 13:00"),
        ("B", "24x7", "2026-01-11 00:00"),
        ("C", None, "2026-01-12 17:00"),
        ("C", "24x7", "2026-01-12 17:00"),
    ],
)
def test_access_is_read_for_b_only(severity: str, access: str | None, due: str) -> None:
    """SP-B: a Saturday evening; A is always served round the clock, C never, B if it was chosen."""
    assert response_due("2026-01-10 20:00", severity=severity, access=access) == due


@pytest.mark.parametrize("severity", ["A", "B", "C"])
def test_own_targets_win(severity: str) -> None:
    """SP-UNI: a case that carries its own target is measured by it, in the hours of its severity."""
    story = Story(f"{MONDAY} 09:00", severity=severity, plan="unified", targets=own_target(0.5))
    started = story.one(n.CLOCK_STARTED)
    assert story.utc(started["deadline"]) == f"{MONDAY} 09:30"
    assert (started["rule"], started["target_seconds"]) == ("SP-UNI", 1800)


def test_a_target_for_another_clock_says_nothing_about_this_one() -> None:
    """SP-UNI: own targets are by clock."""
    assert response_due(f"{MONDAY} 09:00", targets=(("resolution", f.HOUR),)) == f"{MONDAY} 13:00"


# In which hours


@pytest.mark.parametrize(
    ("opened", "due"),
    [
        (f"{MONDAY} 13:00", f"{MONDAY} 17:00"),  # used up exactly at closing
        (f"{MONDAY} 13:01", "2026-01-06 09:01"),
        (f"{MONDAY} 07:00", f"{MONDAY} 13:00"),  # before opening
        (f"{MONDAY} 17:00", "2026-01-06 13:00"),  # at closing it is closed
        (f"{FRIDAY} 15:00", "2026-01-12 11:00"),
    ],
)
def test_business_hours_in_germany(opened: str, due: str) -> None:
    """SP-HRS-1: weekdays 09:00 to 17:00 local time; a budget used up at closing ends at closing."""
    assert response_due(opened) == due


@pytest.mark.parametrize(
    ("country", "zone", "opened", "due"),
    [
        ("US", "America/Los_Angeles", f"{MONDAY} 05:00", f"{MONDAY} 10:00"),
        ("US", "America/Los_Angeles", f"{MONDAY} 15:00", "2026-01-06 07:00"),
        ("CA", "America/Los_Angeles", f"{FRIDAY} 17:00", "2026-01-12 09:00"),
        ("JP", "Asia/Tokyo", f"{MONDAY} 14:00", "2026-01-06 09:30"),
        ("EG", "Africa/Cairo", "2026-01-15 15:00", "2026-01-18 11:00"),  # Thursday to Sunday
        ("SA", "Asia/Riyadh", "2026-01-16 12:00", "2026-01-18 13:00"),  # a Friday
        ("MX", "America/Mexico_City", f"{MONDAY} 07:00", f"{MONDAY} 13:00"),  # not North America to the plan
        ("GB", "Europe/London", f"{MONDAY} 14:00", "2026-01-06 10:00"),
    ],
)
def test_hours_follow_the_country(country: str, zone: str, opened: str, due: str) -> None:
    """SP-HRS-NA Pacific 06:00 to 18:00, SP-HRS-JP to 17:30, SP-HRS-1 in the country's zone with its own weekend."""
    assert response_due(opened, zone, country=country) == due


def test_north_america_ignores_the_time_zone() -> None:
    """SP-HRS-NA: always Pacific; elsewhere the case's own zone counts."""
    new_york = response_due(f"{MONDAY} 09:00", "America/New_York", country="US", timezone="America/New_York")
    assert new_york == f"{MONDAY} 13:00"  # 06:00 Pacific is 09:00 there
    perth = response_due(f"{MONDAY} 09:00", "Australia/Perth", country="AU", timezone="Australia/Perth")
    assert perth == f"{MONDAY} 13:00"


@pytest.mark.parametrize(
    ("country", "subdivision", "zone", "opened", "due"),
    [
        ("DE", None, "Europe/Berlin", "2026-01-05 15:00", "2026-01-06 11:00"),
        ("DE", "BY", "Europe/Berlin", "2026-01-05 15:00", "2026-01-07 11:00"),  # Epiphany in Bavaria
        ("DE", None, "Europe/Berlin", "2026-04-02 15:00", "2026-04-07 11:00"),  # Easter
        ("US", None, "America/Los_Angeles", "2026-07-02 16:00", "2026-07-06 08:00"),  # observed on Friday
        ("CA", None, "America/Los_Angeles", "2026-07-02 16:00", "2026-07-03 08:00"),  # not a Canadian one
        ("CA", None, "America/Los_Angeles", "2026-06-30 16:00", "2026-07-02 08:00"),
        ("JP", None, "Asia/Tokyo", "2026-01-09 15:30", "2026-01-13 11:00"),  # Coming of Age Day
    ],
)
def test_holidays_are_closed(country: str, subdivision: str | None, zone: str, opened: str, due: str) -> None:
    """SP-HRS-*: no holidays; those of the country and of the subdivision, observed days included."""
    assert response_due(opened, zone, country=country, subdivision=subdivision) == due


@pytest.mark.parametrize(
    ("opened", "severity", "due"),
    [
        ("2026-03-29 01:30", "A", "2026-03-29 03:30"),  # the hour from two to three does not exist
        ("2026-10-25 02:30", "A", "2026-10-25 02:30"),  # it comes twice: an hour later is half past two again
        ("2026-03-27 16:00", "C", "2026-03-30 16:00"),  # business hours stay on the wall clock
        ("2026-10-23 16:00", "C", "2026-10-26 16:00"),
    ],
)
def test_when_the_clocks_change(opened: str, severity: str, due: str) -> None:
    """Calendars: time is elapsed time; opening hours are wall time."""
    assert response_due(opened, severity=severity) == due


# In which language

NIGHT = "2026-01-05 20:00"
NEXT_MORNING_A = "2026-01-06 10:00"


@pytest.mark.parametrize(
    ("terms", "due", "limited"),
    [
        ({"language": "en"}, "2026-01-05 21:00", False),
        ({"language": "de"}, NEXT_MORNING_A, False),
        ({"language": "zh"}, NEXT_MORNING_A, False),
        ({"language": "ja"}, NEXT_MORNING_A, False),
        ({"language": "fi"}, NEXT_MORNING_A, True),
        ({"language": "fi", "accepts_english": True}, "2026-01-05 21:00", False),
        ({"language": "fi", "accepts_translation": True}, "2026-01-05 21:00", False),
        ({"language": "de", "accepts_english": True}, "2026-01-05 21:00", False),
    ],
)
def test_languages_at_night(terms: dict[str, Any], due: str, limited: bool) -> None:  # noqa: FBT001
    """SP-LANG-24, SP-LANG-TR: round the clock is in English or translated; else the country's hours, A included."""
    story = Story(NIGHT, severity="A", **terms)
    assert story.deadline() == due
    assert bool(story.standing(n.COVERAGE_LIMITED)) == limited


@pytest.mark.parametrize("language", ["en", "es", "fr", "de", "it", "pt", "zh", "ja"])
def test_local_languages_are_not_limited(language: str) -> None:
    """SP-LANG-LOC: the nine languages of the plan (both kinds of Chinese are one tag)."""
    assert not Story(f"{MONDAY} 09:00", language=language).standing(n.COVERAGE_LIMITED)


def test_limited_coverage_is_said_once() -> None:
    """SP-LANG-TR: one `coverage.limited` naming the rule, however often the language changes."""
    story = Story(f"{MONDAY} 09:00", language="fi")
    story.tell(f"{MONDAY} 10:00", f.LanguageChanged(language="en"))
    story.tell(f"{MONDAY} 11:00", f.LanguageChanged(language="sv"))
    limited = story.one(n.COVERAGE_LIMITED)
    assert (limited.when, limited["rule"], bool(limited["advice"])) == (f"{MONDAY} 09:00", "SP-LANG-TR", True)


# The verdicts


def test_warnings_breach_and_overdue_of_a_case_nobody_answers() -> None:
    """Levels of 75 and 90 percent before, the breach at the deadline, 150 and 200 percent of open time after it."""
    story = Story(f"{MONDAY} 09:00")
    story.wake("2026-01-31 00:00")
    assert story.verdicts() == [
        (n.WARNING, f"{MONDAY} 12:00"),
        (n.WARNING, f"{MONDAY} 12:36"),
        (n.BREACHED, f"{MONDAY} 13:00"),
        (n.OVERDUE, f"{MONDAY} 15:00"),
        (n.OVERDUE, f"{MONDAY} 17:00"),
    ]
    first, second = story.standing(n.WARNING)
    assert [(each["level"], each["remaining"]) for each in (first, second)] == [(75, 3600), (90, 1440)]
    assert [(each["level"], each["late_by"]) for each in story.standing(n.OVERDUE)] == [(150, 7200), (200, 14400)]
    breach = story.one(n.BREACHED)
    assert (breach["elapsed_seconds"], story.utc(breach["deadline"])) == (4 * 3600, breach.when)


def test_overdue_levels_count_open_time() -> None:
    """Overdue is a level of the target: outside the hours nothing is used up."""
    story = Story(f"{MONDAY} 13:00")
    story.wake("2026-01-31 00:00")
    assert [each.when for each in story.standing(n.OVERDUE)] == ["2026-01-06 11:00", "2026-01-06 13:00"]


def test_one_microsecond_before_the_deadline_is_met() -> None:
    """SP-LT: strictly less."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 12:59:59.999999", f.Responded())
    story.wake("2026-01-31 00:00")
    met = story.one(n.MET)
    assert (met["remaining"], "late" in met.notice.data) == (0.000001, False)
    assert not story.standing(n.BREACHED)


@pytest.mark.parametrize("now", [None, f"{MONDAY} 09:00"])
def test_exactly_at_the_deadline_is_late(now: str | None) -> None:
    """SP-LT: at the target it is breached; the answer decides it at once, wherever the watermark is."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 13:00", f.Responded(), now=now)
    assert story.when(n.BREACHED) == f"{MONDAY} 13:00"
    assert (story.one(n.MET)["late"], story.one(n.MET)["late_by"]) == (True, 0)
    assert [said["level"] for said in story.standing(n.WARNING)] == [75, 90]


def test_late_by_counts_open_time() -> None:
    """Contract, `sla.met`: late_by is open time since the deadline, and no overdue level follows the answer."""
    story = Story(f"{MONDAY} 13:30")  # due on Tuesday 09:30
    story.tell("2026-01-06 11:15", f.Responded())
    story.wake("2026-01-31 00:00")
    met = story.one(n.MET)
    assert (met["late"], met["late_by"], met["remaining"]) == (True, 6300, 0)
    assert not story.standing(n.OVERDUE)


@pytest.mark.parametrize("body", [f.Responded(), f.Resolved(), f.Closed()])
def test_what_counts_as_the_first_response(body: f.Body) -> None:
    """Semantics decided: resolved or closed with the clock open counts as the first response."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 10:00", body)
    story.wake("2026-01-31 00:00")
    assert story.verdicts() == [(n.MET, f"{MONDAY} 10:00")]
    assert story.one(n.MET)["remaining"] == 3 * 3600
    assert story.when(n.CLOCK_STOPPED) == f"{MONDAY} 10:00"


@pytest.mark.parametrize(
    "body", [f.ContactAttempted(reached=True), f.WorkStarted(engineer="eve"), f.ResolutionProposed()]
)
def test_what_does_not_stop_the_clock(body: f.Body) -> None:
    """Initial response: contacted alone, or work started alone, is not the response."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 10:00", body)
    story.wake(f"{MONDAY} 13:00")
    assert story.when(n.BREACHED) == f"{MONDAY} 13:00"


def test_a_second_response_changes_nothing() -> None:
    """A clock that has stopped stays stopped."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 10:00", f.Responded())
    assert story.tell(f"{MONDAY} 11:00", f.Responded()) == []
    assert story.effect == "no_effect"
    assert story.tell(f"{MONDAY} 12:00", f.Closed()) == []


def test_cancelled_ends_without_a_verdict() -> None:
    """Semantics decided: cancelled, clocks end without verdict."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 10:00", f.Cancelled())
    story.wake("2026-01-31 00:00")
    assert story.verdicts() == [(n.CANCELLED, f"{MONDAY} 10:00")]
    assert story.when(n.CLOCK_STOPPED) == f"{MONDAY} 10:00"


def test_cancelled_at_the_deadline_is_a_breach() -> None:
    """Paused time row: in time only if strictly before the deadline; a breach is not cancelled afterwards."""
    story = Story(f"{MONDAY} 09:00")
    story.tell(f"{MONDAY} 13:00", f.Cancelled())
    story.wake("2026-01-31 00:00")
    assert [kind for kind, _ in story.verdicts()] == [n.WARNING, n.WARNING, n.BREACHED]


def test_a_response_before_the_opening_counts_as_at_the_opening() -> None:
    """Semantics decided: clocks of two systems differ; nothing is left of the target but all of it."""
    story = Story(None)
    assert story.tell(f"{MONDAY} 08:59", f.Responded()) == []
    story.tell(f"{MONDAY} 09:00", opening(), identity="open")
    assert story.verdicts() == [(n.MET, f"{MONDAY} 09:00")]
    assert story.one(n.MET)["remaining"] == 4 * 3600


def test_a_target_that_no_calendar_reaches_is_no_accident() -> None:
    """Targets of ten years are allowed on the wire; a deadline beyond every calendar is never reached, nor an error."""
    ten_years = (("initial_response", 3650 * f.DAY),)
    story = Story("2095-01-03 09:00", severity="C", targets=ten_years)
    story.tell("2096-01-03 09:00", f.SeverityChanged(severity="A"))
    story.tell("2096-01-04 09:00", f.SeverityChanged(severity="C"))
    story.tell("2099-12-31 09:00", f.Responded())
    assert story.when(n.MET) == "2099-12-31 09:00"


def test_every_notice_says_what_it_rests_on() -> None:
    """Contract, notices: case, generation, severity, plan, rule, policy; of a clock also its numbers and calendar."""
    story = Story(f"{MONDAY} 09:00", country="US", plan="unified", severity="C")
    said = story.one(n.CLOCK_STARTED).notice
    assert said.at == at(f"{MONDAY} 09:00")
    assert said.data == {
        "case_id": "case-1",
        "generation": 1,
        "severity": "C",
        "plan": "unified",
        "rule": "SP-C",
        "policy": {"name": "vendor-support", "version": "2026-01"},
        "clock": "initial_response",
        "deadline": "2026-01-05T18:00:00Z",
        "target_seconds": 4 * 3600,
        "elapsed_seconds": 0,
        "calendar": "SP-HRS-NA:US:America/Los_Angeles",
        "promised": True,
    }
