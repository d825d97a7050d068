"""Closed days and hours from iCalendar files (RFC 5545): works holidays, moving days, planned maintenance.

An event of whole days closes these dates in each calendar's own zone; one with times closes that stretch of time
everywhere, and one with times of no zone (floating) that stretch of each zone's own clock. Recurring events, exceptions
(EXDATE, RECURRENCE-ID) and further dates (RDATE) are resolved by `recurring-ical-events`. Events that are cancelled, or
marked as free time (TRANSP:TRANSPARENT), close nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar, Event

from sla_monitor.config.zones import zone_named, zone_names
from sla_monitor.core.hours import FIRST_YEAR, LAST_YEAR, Interval

BYTES_MAX = 1_048_576  # 1 MiB; a year of single closures is about 20 KB
EVENTS_MAX = 2_000
TITLE_CHARS_MAX = 120  # of a title, as explanations show it
RECURRING_MAX = 100  # x 366 days = 36,600 stretches a year, ~10 MB
TOO_OFTEN = {"SECONDLY", "MINUTELY", "HOURLY"}  # such events are hours, not closures; each costs minutes to resolve
BY_TIME = {"BYHOUR", "BYMINUTE", "BYSECOND"}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class BadClosures(ValueError):
    """What is wrong with an iCalendar file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """What is closed in a year of UTC: whole dates, stretches of time, and stretches of the local clock."""

    dates: frozenset[date] = frozenset()
    instants: tuple[tuple[datetime, datetime], ...] = ()
    floating: tuple[tuple[datetime, datetime], ...] = ()

    def outages(self, zone: ZoneInfo) -> list[Interval]:
        """The stretches as microseconds since the epoch, for a calendar in this zone."""
        return [outage(begins, ends, zone) for begins, ends in [*self.instants, *self.floating]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """An event as it comes in a year: from, to, and what it is called."""

    begins: date | datetime
    ends: date | datetime
    title: str


@dataclass(frozen=True, slots=True)
class Closures:
    """One iCalendar file, resolved a year at a time and remembered. `found`: for explanations."""

    name: str
    calendar: Calendar = field(repr=False)
    years: dict[int, Year] = field(default_factory=dict, repr=False)  # at most 206: all that calendars cover
    found: dict[int, tuple[Occurrence, ...]] = field(default_factory=dict, repr=False)  # likewise

    def year(self, year: int) -> Year:
        """What is closed in it; nothing outside the years of calendars."""
        if year not in self.years:
            self.years[year] = self.resolved(year)
        return self.years[year]

    def resolved(self, year: int) -> Year:
        """What the file says, whatever is remembered."""
        found = self._occurrences(year)
        timed = [
            (each.begins, each.ends)
            for each in found
            if isinstance(each.begins, datetime) and isinstance(each.ends, datetime)
        ]
        return Year(
            dates=frozenset(day for each in found if is_whole(each) for day in dates(each.begins, each.ends, year)),
            instants=tuple(sorted(span for span in timed if span[0].tzinfo is not None)),
            floating=tuple(sorted(span for span in timed if span[0].tzinfo is None)),
        )

    def title_of_date(self, day: date) -> str:
        """What the events are called that close a date; "" if the file, unlike its lock, has none."""
        found = (each for each in self._remembered(day.year) if is_whole(each) and each.begins <= day < each.ends)
        return "; ".join(dict.fromkeys(each.title for each in found))

    def titles_of_outages(self, year: int, zone: ZoneInfo) -> dict[Interval, str]:
        """What the events with times are called, by when they are in a zone."""
        found: dict[Interval, dict[str, None]] = {}
        for each in self._remembered(year):
            if isinstance(each.begins, datetime) and isinstance(each.ends, datetime):
                found.setdefault(outage(each.begins, each.ends, zone), {})[each.title] = None
        return {span: "; ".join(titles) for span, titles in found.items()}

    def _remembered(self, year: int) -> tuple[Occurrence, ...]:
        if year not in self.found:
            self.found[year] = self._occurrences(year)
        return self.found[year]

    def _occurrences(self, year: int) -> tuple[Occurrence, ...]:
        if not FIRST_YEAR <= year <= LAST_YEAR:
            return ()
        first, last = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
        day = timedelta(days=1)  # floating times, and dates of other zones, may lie a day off
        found = recurring_ical_events.of(self.calendar).between(first - day, last + day)
        return tuple(
            Occurrence(begins=plain(event.start), ends=plain(event.end), title=title_of(event))
            for event in found
            if closes(event)
        )


def read_closures(path: Path, name: str) -> Closures:
    """Read a file; `name` is what its lock calls it. BadClosures: it cannot be read, or is not what it should be."""
    try:
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise BadClosures(f"cannot be read: {error.strerror}") from error
    if len(content) > BYTES_MAX:
        raise BadClosures("larger than 1 MiB")
    try:
        calendar = Calendar.from_ical(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadClosures("not UTF-8") from error
    except (ValueError, LookupError) as error:
        raise BadClosures(f"not iCalendar: {error}") from error
    if not isinstance(calendar, Calendar):
        raise BadClosures("not iCalendar: no VCALENDAR")
    problems = [problem for event in calendar.walk("VEVENT") if (problem := wrong_with(event))]
    events = calendar.walk("VEVENT")
    if not events:
        problems.append("no event in it")
    if len(events) > EVENTS_MAX or sum("RRULE" in event for event in events) > RECURRING_MAX:
        problems.append(f"more than {EVENTS_MAX} events, or than {RECURRING_MAX} that recur")
    if problems:
        raise BadClosures("; ".join(problems))
    closures = Closures(name, calendar)
    try:
        closures.year(
            min(plain(event.start).year for event in events if isinstance(event, Event))
        )  # what cannot be resolved shows here, not at night
    except (ValueError, LookupError, TypeError) as error:
        raise BadClosures(f"its events cannot be resolved: {error}") from error
    return closures


def wrong_with(event: Any) -> str | None:
    """Why an event is no closure, or None."""
    title = title_of(event)[:60]
    said = event.get("RRULE", [])
    for rule in said if isinstance(said, list) else [said]:
        if TOO_OFTEN.intersection(rule.get("FREQ", [])) or BY_TIME & rule.keys():
            return f"{title}: recurs more often than daily"
    try:
        begins, ends = plain(event.start), plain(event.end)
    except (ValueError, LookupError) as error:
        return f"{title}: {error}"
    if isinstance(begins, datetime) != isinstance(ends, datetime):
        return f"{title}: begins with a time and ends without one, or the other way"
    if isinstance(begins, datetime) and isinstance(ends, datetime) and (begins.tzinfo is None) != (ends.tzinfo is None):
        return f"{title}: one of its times has no zone"
    if begins >= ends:
        return f"{title}: ends when it begins or before"
    return None


def title_of(event: Any) -> str:
    """What an event is called; one without a title by its id."""
    return str(event.get("SUMMARY") or event.get("UID") or "an event")[:TITLE_CHARS_MAX]


def is_whole(occurrence: Occurrence) -> bool:
    """Whether it is one of whole days."""
    return not isinstance(occurrence.begins, datetime)


def outage(begins: datetime, ends: datetime, zone: ZoneInfo) -> Interval:
    """A stretch of time as microseconds since the epoch; without a zone of its own it is one of this zone's clock."""
    local = (each if each.tzinfo else each.replace(tzinfo=zone) for each in (begins, ends))
    opens, closes = ((each - _EPOCH) // _MICROSECOND for each in local)
    return opens, closes


def closes(event: Event) -> bool:
    """Not a cancelled one, nor one that is marked as free time."""
    return str(event.get("STATUS")) != "CANCELLED" and str(event.get("TRANSP")) != "TRANSPARENT"


def plain(moment: date | datetime) -> date | datetime:
    """A time in the zone that our tzdata has under its name, never the machine's."""
    key = getattr(moment.tzinfo, "key", None) if isinstance(moment, datetime) else None
    if isinstance(moment, datetime) and key in zone_names():
        return moment.replace(tzinfo=zone_named(str(key)))
    return moment


def dates(begins: date, ends: date, year: int) -> Iterator[date]:
    """Whole days of a year; the last is the one before `ends`."""
    day = max(begins, date(year, 1, 1))
    while day < min(ends, date(year + 1, 1, 1)):
        yield day
        day += timedelta(days=1)
