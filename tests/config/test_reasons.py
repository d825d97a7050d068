"""What the calendars of a pack say of why a day is closed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sla_monitor.config.calendars import CalendarRule, CountryCalendars
from sla_monitor.config.closures import Closures, Year
from sla_monitor.config.holiday_dates import Holidays, Kind, holiday_dates
from sla_monitor.config.packs import country_table
from sla_monitor.core.calendar import CompiledCalendar
from sla_monitor.core.facts import HOUR
from sla_monitor.core.hours import Reason
from tests.config.test_closures import closures
from tests.core.test_calendar import at

OFFICE = ((540, 1020),)
EVENTS = (
    "SUMMARY:Stocktaking\nDTSTART;VALUE=DATE:20261225",
    "SUMMARY:Patches\nDTSTART:20260601T080000Z\nDTEND:20260601T090000Z",
    "SUMMARY:Backups\nDTSTART:20260601T230000Z\nDTEND:20260602T010000Z",
)


@pytest.fixture
def file(tmp_path: Path) -> Closures:
    return closures(tmp_path, *EVENTS)


def calendar(
    *rules: CalendarRule, country: str = "DE", part: str | None = None, drop: date | None = None
) -> CompiledCalendar:
    """The one of a place; `drop`: a day that no package has any more, and only a lock still has."""

    def lookup(code: str, subdivision: str | None, kind: Kind, year: int) -> frozenset[date]:
        return holiday_dates(code, subdivision, kind, year) | ({drop} if drop else set())

    found = CountryCalendars(rules, country_table(), lookup=lookup).calendar_for(country, part, None)
    assert isinstance(found, CompiledCalendar)
    return found


def reasons(found: CompiledCalendar, day: str) -> list[Reason]:
    return [closing.reason for closing in found.stated_on(date.fromisoformat(day)).closings]


def test_a_day_may_be_closed_for_two_reasons(file: Closures) -> None:
    """A holiday by its name, and an event by its title and file."""
    found = calendar(CalendarRule(rule="R", hours=OFFICE, closures=(file,)))
    assert reasons(found, "2026-12-25") == [
        Reason(kind="holiday", name="Christmas Day"),
        Reason(kind="closure", name="Stocktaking", file="closed.ics"),
    ]
    assert reasons(found, "2026-12-24") == []
    assert reasons(found, "2026-04-06") == [Reason(kind="holiday", name="Easter Monday")]


def test_a_half_day_is_called_by_its_name_and_closes_its_end() -> None:
    """Christmas Eve in South Australia; the day keeps its hours, the closing takes from them."""
    half = Holidays(early=Kind(categories=("half_day",)), early_minute=720)
    found = calendar(CalendarRule(rule="R", hours=OFFICE, holidays=half), country="AU", part="SA")
    stated = found.stated_on(date(2026, 12, 24))
    [closing] = stated.closings
    assert (closing.reason.kind, closing.hours) == ("half_day", ((720, 1440),))
    assert "Christmas Eve" in closing.reason.name
    assert (stated.hours, stated.open) == (OFFICE, ((540, 720),))


def test_hours_of_a_date_say_what_they_replace_and_which_holiday_they_win_over() -> None:
    """Christmas Day is worked, the 28th is not; a break is one of its date."""
    rule = CalendarRule(
        rule="R",
        hours=OFFICE,
        date_hours={date(2026, 12, 25): ((600, 660),), date(2026, 12, 28): ()},
        breaks={date(2026, 12, 29): ((600, 660),)},
    )
    worked, closed, cut, usual = (calendar(rule).stated_on(date(2026, 12, day)) for day in (25, 28, 29, 30))
    assert (worked.open, worked.instead_of) == (((600, 660),), OFFICE)
    assert worked.ignored == (Reason(kind="holiday", name="Christmas Day"),)
    assert (closed.open, closed.instead_of, closed.ignored, closed.closings) == ((), OFFICE, (), ())
    assert [(each.reason, each.hours) for each in cut.closings] == [(Reason(kind="break"), ((600, 660),))]
    assert (usual.open, usual.instead_of, usual.closings, usual.since) == (OFFICE, None, (), None)


def test_what_only_a_lock_has_has_no_name(file: Closures) -> None:
    """Closed all the same: holidays that the package, and events that the file no longer has."""
    [stretch] = file.year(2026).instants[:1]
    file.years[2026] = Year(dates=frozenset({date(2026, 6, 5)}), instants=((stretch[0], stretch[0].replace(hour=12)),))
    found = calendar(CalendarRule(rule="R", hours=OFFICE, closures=(file,)), drop=date(2026, 6, 8))
    assert reasons(found, "2026-06-08") == [Reason(kind="holiday")]
    assert reasons(found, "2026-06-05") == [Reason(kind="closure", file="closed.ics")]
    [(_, reason)] = found.interruptions(at("2026-06-01T00:00Z"), at("2026-06-02T00:00Z"))
    assert reason == Reason(kind="closure", file="closed.ics")


def test_an_interruption_is_told_once_and_only_where_it_takes_open_time_away(file: Closures) -> None:
    """Both versions of the hours name the file; backups by night concern nobody, nor does what lies outside."""
    first = CalendarRule(rule="R", hours=OFFICE, closures=(file,))
    later = CalendarRule(rule="R", hours=OFFICE, closures=(file,), begins=date(2026, 6, 1))
    found = calendar(first, later)
    patches = (at("2026-06-01T08:00Z"), at("2026-06-01T09:00Z"))
    whole = list(found.interruptions(at("2025-12-01T00:00Z"), at("2027-01-10T00:00Z")))
    assert whole == [(patches, Reason(kind="closure", name="Patches", file="closed.ics"))]
    assert list(found.interruptions(patches[1], patches[1] + HOUR)) == []
    assert list(found.interruptions(patches[0] + 1, patches[0] + 2)) == whole
    assert [found.stated_on(date(2026, month, 1)).since for month in (5, 6)] == [None, date(2026, 6, 1)]
