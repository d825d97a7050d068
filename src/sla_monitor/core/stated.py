"""What is said of a local date, for those who ask why: its hours, what they replace, and by name what closes it.

Everything is on the wall clock, in minutes of the date. Nothing here decides: `core/calendar.py` compiles the same
hours, and whoever adds an explanation up finds out if the two differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from sla_monitor.core.hours import (
    ALL_DAY,
    BREAK,
    CLOSED,
    HALF_DAY,
    MINUTES_A_DAY,
    DatedHours,
    Hours,
    Interval,
    OpeningHours,
    Reason,
    WeeklyHours,
    merged,
    without,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What closes a date, or a part of it, whatever has opened it."""

    reason: Reason
    hours: Hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A date: `hours` less `closings`. `instead_of`: the hours of its weekday, where the date has its own, and
    `ignored`: the holidays that these win over. `since`: where hours were changed for good, from when these hold.
    """

    hours: Hours
    closings: tuple[Closing, ...] = ()
    instead_of: Hours | None = None
    ignored: tuple[Reason, ...] = ()
    since: date | None = None

    @property
    def open(self) -> Hours:
        """What is left, in order; interruptions aside."""
        cuts = merged(each for closing in self.closings for each in closing.hours)
        return tuple(without(merged(self.hours), cuts))


def stated(hours: OpeningHours, day: date) -> Stated:
    """What is said of a date by the version that holds on it."""
    version = hours.in_force(day) if isinstance(hours, DatedHours) else hours
    weekly, own = version.weekly.get(day.weekday(), ()), version.date_hours.get(day)
    return Stated(
        hours=weekly if own is None else own,
        closings=tuple(_closings(version, day)),
        instead_of=None if own is None else weekly,
        ignored=() if own is None or version.reasons is None else tuple(version.reasons.ignored(day)),
        since=hours.begins(day) if isinstance(hours, DatedHours) else None,
    )


def _closings(version: WeeklyHours, day: date) -> Iterator[Closing]:
    """Whole days first; where one is closed, all that would close a part of it says nothing more."""
    named = version.reasons
    if day in version.closed(day.year):
        for reason in (named.closed(day) if named else ()) or (Reason(kind=CLOSED),):
            yield Closing(reason=reason, hours=ALL_DAY)
        return
    if version.early_minute < MINUTES_A_DAY and day in version.early(day.year):
        for reason in (named.early(day) if named else ()) or (Reason(kind=HALF_DAY),):
            yield Closing(reason=reason, hours=((version.early_minute, MINUTES_A_DAY),))
    if breaks := version.breaks.get(day):
        yield Closing(reason=Reason(kind=BREAK), hours=breaks)


def interruptions(hours: OpeningHours, year: int) -> list[tuple[Interval, Reason]]:
    """What closes a stretch of time that touches a year of UTC, by name; each once, in order."""
    versions: Sequence[WeeklyHours] = (
        [hours] if isinstance(hours, WeeklyHours) else [each for _, each in hours.versions]
    )
    found: dict[tuple[Interval, Reason], None] = {}
    for version in versions:
        named = version.reasons.outages(year) if version.reasons else ()
        found |= dict.fromkeys(named or [(each, Reason(kind=CLOSED)) for each in version.outages(year)])
    return sorted(found, key=lambda each: (each[0], each[1].name, each[1].file))
