"""A calendar as people look at it: days as the clocks of its zone show them, a week and a year drawn, an .ics file.

Everything is asked of the compiled calendar, so what is seen is what deadlines are made of.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby, pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

import icalendar
from rich.table import Table

from sla_monitor.cli.explained_words import reason as reason_words
from sla_monitor.core.calendar import Calendar, CompiledCalendar
from sla_monitor.core.explain.counting import reason_of
from sla_monitor.core.hours import Interval
from sla_monitor.core.times import iso_in, seconds

USUAL, OTHER, CLOSED, REST = "open as usual", "other hours", "closed though usually open", "closed as usual"
MARKS: Final = {USUAL: "█", OTHER: "▒", CLOSED: "x", REST: "·"}
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UIDS = uuid.UUID("b5b07ee5-8a06-4d0f-9a1c-0d2f1b6a5a0e")  # of this use alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A local date: its open periods as instants, how long that is, and what it is among its weekdays of the year."""

    day: date
    periods: tuple[Interval, ...]
    kind: str = USUAL

    @property
    def open(self) -> int:
        """Microseconds."""
        return sum(closes - opens for opens, closes in self.periods)


def instant(zone: ZoneInfo, day: date, hour: int = 0) -> int:
    """Where a local hour begins."""
    local = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(hours=hour)  # by the wall clock
    return (local - _EPOCH) // timedelta(microseconds=1)


def days_from(calendar: Calendar, zone: ZoneInfo, first: date, number: int) -> list[Day]:
    """So many dates, one after the other."""
    dates = [first + timedelta(days=n) for n in range(number)]
    ends = [(instant(zone, day), instant(zone, day + timedelta(days=1))) for day in dates]
    return [Day(day=day, periods=tuple(calendar.periods(*each))) for day, each in zip(dates, ends, strict=True)]


def year_of(calendar: Calendar, zone: ZoneInfo, year: int) -> list[Day]:
    """All days of a year, each held against what is most often so on its weekday."""
    first, after = date(year, 1, 1), date(year + 1, 1, 1)
    days = days_from(calendar, zone, first, (after - first).days)
    lengths = {weekday: Counter(day.open for day in days if day.day.weekday() == weekday) for weekday in range(7)}
    usual = {weekday: counted.most_common(1)[0][0] for weekday, counted in lengths.items()}
    return [Day(day=day.day, periods=day.periods, kind=kind_of(day.open, usual[day.day.weekday()])) for day in days]


def kind_of(length: int, usual: int) -> str:
    if length == usual:
        return USUAL if usual else REST
    return OTHER if length else CLOSED


def week_table(calendar: Calendar, zone: ZoneInfo, days: Sequence[Day]) -> Table:
    """A line a day: an hour of the wall clock is one mark, full where it is open from beginning to end."""
    table = Table("", "0     6     12    18     ", "open", "", box=None, pad_edge=False)
    for each in days:
        periods = " ".join(f"{clock(opens, zone)}-{clock(closes, zone, end=True)}" for opens, closes in each.periods)
        name = f"{WEEKDAYS[each.day.weekday()]} {each.day}"
        table.add_row(name, bar(calendar, zone, each.day), f"{seconds(each.open) / 3600:g} h", periods or "closed")
    return table


def bar(calendar: Calendar, zone: ZoneInfo, day: date) -> str:
    """24 marks; a blank is an hour that the clocks skip."""
    edges = [instant(zone, day, hour) for hour in range(25)]
    hours = [(first, max(first, last)) for first, last in pairwise(edges)]
    return "".join(mark(calendar.between(first, last), last - first) for first, last in hours)


def mark(opened: int, whole: int) -> str:
    if not whole:
        return " "
    return "·" if not opened else "█" if opened == whole else "▌"


def clock(at: int, zone: ZoneInfo, *, end: bool = False) -> str:
    """Wall time; midnight as the end of a period is 24:00."""
    text = (_EPOCH + timedelta(microseconds=at)).astimezone(zone).strftime("%H:%M")
    return "24:00" if end and text == "00:00" else text


def year_lines(days: Sequence[Day]) -> Iterator[str]:
    """A line a month, a mark a day; weeks are not told apart, so that the same day of each month is one column."""
    yield "    1   5    10   15   20   25   30"
    for month, of_month in groupby(days, key=lambda day: day.day.month):
        yield f"{MONTHS[month - 1]} {''.join(MARKS[day.kind] for day in of_month)}"
    yield "  ".join(f"{shown} {kind}" for kind, shown in MARKS.items())


def reasons_of(calendar: Calendar, zone: ZoneInfo, days: Sequence[Day]) -> dict[date, str]:
    """By date what closes it, or a part of it: holidays, events and breaks; and where the pack has hours of its own."""
    found: dict[date, str] = {}
    if not isinstance(calendar, CompiledCalendar):
        return found
    for each in days:
        stated = calendar.stated_on(each.day)
        span = instant(zone, each.day), instant(zone, each.day + timedelta(days=1))
        reasons = [closing.reason for closing in stated.closings]
        reasons += [reason for _, reason in calendar.interruptions(*span)] if each.periods else []
        words = dict.fromkeys(reason_words(reason_of(reason)) for reason in reasons)
        found[each.day] = "; ".join(
            [*(["hours of this date in the pack"] if stated.instead_of is not None else []), *words]
        )
    return found


def exceptions(days: Sequence[Day], names: Mapping[date, str]) -> Iterator[tuple[Day, str]]:
    """Days that are not as usual, and why."""
    return ((day, names.get(day.day, "")) for day in days if day.kind in {OTHER, CLOSED})


def document(
    calendar: Calendar, zone: ZoneInfo, week: Sequence[Day], year: Sequence[Day], names: Mapping[date, str]
) -> Any:
    """The same as data."""

    def said(day: Day) -> dict[str, Any]:
        periods = [[iso_in(edge, zone) for edge in period] for period in day.periods]
        return {"date": str(day.day), "open_seconds": seconds(day.open), "periods": periods}

    return {
        "calendar": calendar.name,
        "timezone": zone.key,
        "ordinary_day_seconds": seconds(calendar.day),
        "open_seconds_of_the_year": seconds(sum(day.open for day in year)),
        "week": [said(day) for day in week],
        "exceptions": [said(day) | {"kind": day.kind, "name": name} for day, name in exceptions(year, names)],
    }


def ics(calendar: Calendar, zone: ZoneInfo, year: int) -> bytes:
    """The open periods of a year as an iCalendar file; the same calendar gives the same bytes."""
    file = icalendar.Calendar()
    file.add("VERSION", "2.0")
    file.add("PRODID", "-//sla-monitor//calendar show//EN")
    file.add("X-WR-CALNAME", calendar.name)
    stamp = datetime(year, 1, 1, tzinfo=UTC)
    for opens, closes in calendar.periods(instant(zone, date(year, 1, 1)), instant(zone, date(year + 1, 1, 1))):
        event = icalendar.Event()
        event.add("UID", str(uuid.uuid5(_UIDS, f"{calendar.name} {opens}")))
        event.add("DTSTAMP", stamp)
        event.add("DTSTART", _EPOCH + timedelta(microseconds=opens))
        event.add("DTEND", _EPOCH + timedelta(microseconds=closes))
        event.add("SUMMARY", f"Open: {calendar.name}")
        file.add_component(event)
    text: bytes = file.to_ical()
    return text
