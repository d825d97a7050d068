"""One idea: when a case is served. Days are walked one after the other; an open hour is an interval of instants.

`docs/pitfalls/clocks-and-dst.md`: open time is elapsed time; an edge in the hour that is skipped moves forward by the
gap's length, one in the hour that comes twice means its first pass. `zoneinfo` with `fold=0` does both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

import holidays

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
END_OF_CALENDARS = (datetime(2106, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Interval = tuple[int, int]  # microseconds, from and to


@cache
def zone(name: str) -> ZoneInfo:
    """From the tzdata package, never from the machine."""
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


@cache
def days_off(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    if country not in holidays.list_supported_countries():
        return frozenset()
    found = holidays.country_holidays(country, subdiv=subdivision, years=year, observed=True)
    return frozenset(day for day in found if day.year == year)


@cache
def subdivisions(country: str) -> frozenset[str]:
    return frozenset(holidays.list_supported_countries().get(country, ()))


@dataclass(frozen=True)
class RoundTheClock:
    name: str = "24x7"

    def add(self, start: int, budget: int) -> int:
        if budget <= 0:
            return start
        return min(start + budget, END_OF_CALENDARS)

    def between(self, start: int, end: int) -> int:
        return max(0, end - start)


@dataclass(frozen=True)
class BusinessHours:
    name: str
    zone: ZoneInfo
    country: str
    subdivision: str | None
    hours: Sequence[tuple[int, int]]  # minutes of the local day, from and to
    weekend: frozenset[str]
    _days: dict[date, list[Interval]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def one_day(self) -> int:
        return sum(closes - opens for opens, closes in self.hours) * 60_000_000

    def open_on(self, day: date) -> list[Interval]:
        if day not in self._days:
            self._days[day] = self._opening(day)
        return self._days[day]

    def _opening(self, day: date) -> list[Interval]:
        if WEEKDAYS[day.weekday()] in self.weekend or day in days_off(self.country, self.subdivision, day.year):
            return []
        edges = [(self._edge(day, opens), self._edge(day, closes)) for opens, closes in self.hours]
        return [(opens, closes) for opens, closes in edges if opens < closes]

    def _edge(self, day: date, minute: int) -> int:
        local = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001  # wall time
        return micros(local.replace(tzinfo=self.zone).astimezone(UTC))

    def open_from(self, start: int) -> Iterator[Interval]:
        """What is open at `start` or later, cut at `start`, until calendars end."""
        day = (EPOCH + start * MICROSECOND).date() - timedelta(days=2)
        while day.year <= 2105:  # noqa: PLR2004  # where all calendars end
            for opens, closes in self.open_on(day):
                if closes > start:
                    yield max(opens, start), closes
            day += timedelta(days=1)

    def add(self, start: int, budget: int) -> int:
        """The instant at which `budget` of open time is used up: at closing, if that is when it is."""
        if budget <= 0:
            return start
        for opens, closes in self.open_from(start):
            if budget <= closes - opens:
                return opens + budget
            budget -= closes - opens
        return END_OF_CALENDARS

    def between(self, start: int, end: int) -> int:
        total = 0
        for opens, closes in self.open_from(start):
            if opens >= end:
                break
            total += min(closes, end) - opens
        return total


@dataclass(frozen=True)
class Interrupted:
    """Hours without the pauses of a clock: what is open in a pause counts for nothing."""

    hours: RoundTheClock | BusinessHours
    pauses: tuple[Interval, ...]

    @property
    def name(self) -> str:
        return self.hours.name

    def add(self, start: int, budget: int) -> int:
        """Pause by pause: what is left of the budget when one begins is used up after it."""
        for begins, ends in self.pauses:
            if start >= ends:
                continue
            if self.hours.between(start, begins) >= budget:
                return self.hours.add(start, budget)
            budget -= self.hours.between(start, begins)
            start = ends
        return self.hours.add(start, budget)

    def between(self, start: int, end: int) -> int:
        total = 0
        for begins, ends in self.pauses:
            if start < begins:
                total += self.hours.between(start, min(begins, end))
            start = max(start, ends)
        return total + self.hours.between(start, end)


Hours = RoundTheClock | BusinessHours | Interrupted
ROUND_THE_CLOCK = RoundTheClock()


def _minute(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def wall_hours(written: str | Sequence[str]) -> tuple[tuple[int, int], ...]:
    """`09:00-17:00`, or a list of such."""
    parts = [written] if isinstance(written, str) else written
    return tuple((_minute(part.split("-")[0]), _minute(part.split("-")[1])) for part in parts)


@cache
def business_hours(
    rule: str,
    hours: tuple[tuple[int, int], ...],
    zone_name: str,
    country: str,
    subdivision: str | None,
    weekend: frozenset[str],
) -> BusinessHours:
    place = f"{country}-{subdivision}" if subdivision else country
    return BusinessHours(f"{rule}:{place}:{zone_name}", zone(zone_name), country, subdivision, hours, weekend)


def calendar_of(
    rules: Sequence[Mapping[str, object]], table: Mapping[str, Mapping[str, object]], place: Mapping[str, object]
) -> BusinessHours:
    """The first rule for the country; its own zone, else the case's, else the one of the table."""
    country = str(place["country"])
    of_others = [rule for rule in rules if not rule.get("countries")]
    rule = next((rule for rule in rules if country in _list(rule.get("countries"))), None) or of_others[0]
    row = table[country]
    zone_name = rule.get("timezone") or place.get("timezone") or row["zone"]
    written = place.get("subdivision")
    subdivision = str(written).removeprefix(f"{country}-") if written else None
    if subdivision not in subdivisions(country):
        subdivision = None
    hours = rule["hours"]
    spans = wall_hours(hours if isinstance(hours, str) else [str(part) for part in _list(hours)])
    weekend = frozenset(str(day) for day in _list(row.get("weekend") or ["sat", "sun"]))
    return business_hours(str(rule["rule"]), spans, str(zone_name), country, subdivision, weekend)


def _list(found: object) -> list[object]:
    if found is None:
        return []
    return list(found) if isinstance(found, list | tuple) else [found]
