"""Opening hours as people state them: by weekday and by date, in local wall time, with what is taken away from them.

Everything acts on local dates, from 00:00 to 24:00. A night shift is two intervals, one to 24:00 and one from 00:00 of
the next date; so a closed day ends a shift at its midnight, and the hours after the next midnight are the next date's.
`core/calendar.py` makes instants of it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final, Protocol

from sla_monitor.core.facts import MINUTE
from sla_monitor.errors import BadConfiguration

Interval = tuple[int, int]
Hours = tuple[Interval, ...]  # (opens, closes) in minutes of a local day, 0..1440; 1440 is "24:00"

MINUTES_A_DAY = 1_440
FIRST_YEAR = 1900
LAST_YEAR = 2105
ALL_DAY: Hours = ((0, MINUTES_A_DAY),)


def never_closed(_year: int) -> frozenset[date]:
    """No day of this year is closed."""
    return frozenset()


def no_outages(_year: int) -> Hours:
    """Nothing closes for a while in this year."""
    return ()


# Why a date or a part of it is closed; the last one where nobody says.
HOLIDAY: Final = "holiday"
HALF_DAY: Final = "half_day"
CLOSURE: Final = "closure"
BREAK: Final = "break"
CLOSED: Final = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something is closed. `name`: what the holiday or the event is called, "" if nobody knows. `file`: of the
    event.
    """

    kind: str
    name: str = ""
    file: str = ""


class Reasons(Protocol):
    """What closes hours, by name. Explanations ask; deadlines do not."""

    def closed(self, day: date) -> Sequence[Reason]:
        """Of a date that is closed."""
        ...

    def early(self, day: date) -> Sequence[Reason]:
        """Of a date that closes early."""
        ...

    def ignored(self, day: date) -> Sequence[Reason]:
        """Of a date that is not closed, or not early, because it has hours of its own."""
        ...

    def outages(self, year: int) -> Sequence[tuple[Interval, Reason]]:
        """Those of the hours, each with its reason."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyHours:
    """Local opening hours: `weekly` by weekday (0 = Monday), replaced on the dates of `date_hours`, cut by `breaks`.

    A date that `closed(year)` holds is closed whatever the others say; one that `early(year)` holds is closed from
    `early_minute` on. `outages(year)` are instants, [from, to) in microseconds, that touch a year of UTC.
    BadConfiguration names every interval that is not one.
    """

    weekly: Mapping[int, Hours]
    date_hours: Mapping[date, Hours] = field(default_factory=dict)
    breaks: Mapping[date, Hours] = field(default_factory=dict)
    closed: Callable[[int], frozenset[date]] = never_closed
    early: Callable[[int], frozenset[date]] = never_closed
    early_minute: int = MINUTES_A_DAY
    outages: Callable[[int], Sequence[Interval]] = no_outages
    reasons: Reasons | None = None

    def __post_init__(self) -> None:
        problems = [f"weekday {weekday} is not 0 to 6" for weekday in self.weekly if weekday not in range(7)]
        for what, table in (("weekday", self.weekly), ("date", self.date_hours), ("break on", self.breaks)):
            for key, hours in table.items():
                problems += [
                    f"{what} {key}: {opens} to {closes} is not an interval of minutes within 0 to {MINUTES_A_DAY}"
                    for opens, closes in hours
                    if not 0 <= opens < closes <= MINUTES_A_DAY
                ]
        if problems:
            raise BadConfiguration(problems)

    def on(self, day: date) -> tuple[Hours, Hours]:
        """What opens on a date, and what closes on it whatever has opened it; as the wall clock shows them."""
        if day in self.closed(day.year):
            return (), ALL_DAY
        cuts = self.breaks.get(day, ())
        if self.early_minute < MINUTES_A_DAY and day in self.early(day.year):
            cuts = (*cuts, (self.early_minute, MINUTES_A_DAY))
        hours = self.date_hours.get(day)
        return self.weekly.get(day.weekday(), ()) if hours is None else hours, cuts

    def ever_opens(self) -> bool:
        """Whether a weekday, or else at least one date that is not closed, has open time."""
        return any(self.weekly.values()) or any(
            open_on(self, day) for day in self.date_hours if FIRST_YEAR <= day.year <= LAST_YEAR
        )

    def longest_day(self) -> int:
        """Open microseconds of the longest weekday; of the longest date if no weekday is open."""
        days = self.weekly if any(self.weekly.values()) else self.date_hours
        return max(sum(closes - opens for opens, closes in merged(hours)) for hours in days.values()) * MINUTE


@dataclass(frozen=True, slots=True)
class DatedHours:
    """Hours that change for good on some dates: each of `versions` holds from its date to that of the next.

    The first holds before its date too.
    """

    versions: Sequence[tuple[date, WeeklyHours]]  # ascending, one at least

    def in_force(self, day: date) -> WeeklyHours:
        """The version that holds on a date."""
        return self.versions[self._position(day)][1]

    def begins(self, day: date) -> date | None:
        """From when that version holds; None: from the beginning."""
        position = self._position(day)
        return self.versions[position][0] if position else None

    def _position(self, day: date) -> int:
        return max(0, bisect_right(self.versions, day, key=lambda version: version[0]) - 1)

    def on(self, day: date) -> tuple[Hours, Hours]:
        """As that of the version in force."""
        return self.in_force(day).on(day)

    def outages(self, year: int) -> list[Interval]:
        """Those of every version: an interruption is a fact whatever the hours around it are."""
        return [outage for _, version in self.versions for outage in version.outages(year)]

    def ever_opens(self) -> bool:
        """Whether any version does."""
        return any(version.ever_opens() for _, version in self.versions)

    def longest_day(self) -> int:
        """That of the version with the longest."""
        return max(version.longest_day() for _, version in self.versions if version.ever_opens())


OpeningHours = WeeklyHours | DatedHours


def open_on(hours: OpeningHours, day: date) -> Hours:
    """Open time of a local date as the wall clock shows it, in order; interruptions aside."""
    opened, cuts = hours.on(day)
    return tuple(without(merged(opened), merged(cuts)))


def past_midnight(shifts: Sequence[Interval]) -> tuple[Hours, Hours]:
    """Split what may end on the next day (closes <= opens, such as 22:00 to 06:00) at midnight.

    Returns the hours of the day itself, and those of the day after.
    """
    today = tuple((opens, closes if opens < closes else MINUTES_A_DAY) for opens, closes in shifts)
    tomorrow = tuple((0, closes) for opens, closes in shifts if 0 < closes <= opens)
    return today, tomorrow


def weekly_shifts(shifts: Mapping[int, Iterable[Interval]]) -> dict[int, Hours]:
    """Hours by weekday of shifts that may end on the next weekday."""
    weekly: dict[int, Hours] = {}
    for weekday, (today, tomorrow) in {day: past_midnight(tuple(each)) for day, each in shifts.items()}.items():
        weekly[weekday] = weekly.get(weekday, ()) + today
        if tomorrow:
            weekly[(weekday + 1) % 7] = weekly.get((weekday + 1) % 7, ()) + tomorrow
    return weekly


def dated_shifts(
    shifts: Mapping[date, Iterable[Interval]], otherwise: Callable[[date], Hours] = lambda _: ()
) -> dict[date, Hours]:
    """Hours by date of shifts that may end on the next date, which keeps its own hours: its shifts, or `otherwise`."""
    split = {day: past_midnight(tuple(each)) for day, each in shifts.items()}
    dated = {day: today for day, (today, _) in split.items()}
    for day, (_, tomorrow) in split.items():
        if tomorrow:
            after = day + timedelta(days=1)
            dated[after] = dated.get(after, otherwise(after)) + tomorrow
    return dated


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Sort intervals; those that touch or overlap become one, those that end before they begin vanish."""
    result: list[Interval] = []
    for opens, closes in sorted(intervals):
        if opens >= closes:
            continue
        if result and opens <= result[-1][1]:
            result[-1] = result[-1][0], max(closes, result[-1][1])
        else:
            result.append((opens, closes))
    return result


def without(intervals: Sequence[Interval], cuts: Sequence[Interval]) -> list[Interval]:
    """Intervals less the cuts; both sorted and apart (`merged`), and so is the result."""
    result: list[Interval] = []
    passed = 0  # cuts that end before every interval to come
    for opens, closes in intervals:
        while passed < len(cuts) and cuts[passed][1] <= opens:
            passed += 1
        start, cut = opens, passed
        while cut < len(cuts) and cuts[cut][0] < closes:
            begins, ends = cuts[cut]
            if start < begins:
                result.append((start, begins))
            start, cut = max(start, ends), cut + 1
        if start < closes:
            result.append((start, closes))
    return result
