"""Why the days of a calendar are closed: holidays by their names, closures by the titles of their events.

What is closed is asked of the same sources as the calendar's own hours, so a lock counts here too. A day that only the
lock has, because packages and files no longer say so, has no name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from sla_monitor.config.closures import Closures
from sla_monitor.config.holiday_dates import Holidays, Kind
from sla_monitor.config.holiday_names import holiday_names
from sla_monitor.core.hours import CLOSURE, HALF_DAY, HOLIDAY, Interval, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedReasons:
    """Of one calendar. `lookup`: the days of a kind there, as the calendar has them; `own`: dates with own hours."""

    country: str
    part: str | None
    zone: ZoneInfo
    holidays: Holidays
    closures: Sequence[Closures]
    own: frozenset[date]
    lookup: Callable[[str, str | None, Kind, int], frozenset[date]]

    def closed(self, day: date) -> list[Reason]:
        """Its holiday, unless the date has hours of its own, and the events of each file."""
        found = [] if day in self.own else list(self._of_kind(self.holidays.closed, HOLIDAY, day))
        return found + [
            Reason(kind=CLOSURE, name=each.title_of_date(day), file=each.name)
            for each in self.closures
            if day in each.year(day.year).dates
        ]

    def early(self, day: date) -> list[Reason]:
        """The half day that it is."""
        return [] if day in self.own else list(self._of_kind(self.holidays.early, HALF_DAY, day))

    def ignored(self, day: date) -> list[Reason]:
        """The holiday, or half day, that it would be."""
        if day not in self.own:
            return []
        kinds = ((self.holidays.closed, HOLIDAY), (self.holidays.early, HALF_DAY))
        return [reason for kind, called in kinds for reason in self._of_kind(kind, called, day)]

    def outages(self, year: int) -> list[tuple[Interval, Reason]]:
        """The events with times of each file, in the calendar's zone."""
        found: list[tuple[Interval, Reason]] = []
        for each in self.closures:
            titles = each.titles_of_outages(year, self.zone)
            found += [
                (outage, Reason(kind=CLOSURE, name=titles.get(outage, ""), file=each.name))
                for outage in each.year(year).outages(self.zone)
            ]
        return found

    def _of_kind(self, kind: Kind | None, called: str, day: date) -> Iterator[Reason]:
        if kind is not None and day in self.lookup(self.country, self.part, kind, day.year):
            name = holiday_names(self.country, self.part, kind, day.year).get(day, "")
            yield Reason(kind=called, name=name)
