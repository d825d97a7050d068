"""One idea: when a case is served. Days are walked one after the other; an open hour is an interval of instants.

`docs/pitfalls/clocks-and-dst.md`: open time is elapsed time; an edge in the hour that is skipped moves forward by the
gap's length, one in the hour that comes twice means its first pass. `zoneinfo` with `fold=0` does both.
`docs/calendars.md`: what a pack may say of hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache, cached_property
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

from sla_monitor.oracle.days_off import DaysOff, subdivisions

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
ONE_DAY = timedelta(days=1)
END_OF_CALENDARS = (datetime(2106, 1, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
A_DAY = 24 * 60
WEEKEND = ("sat", "sun")
PUBLIC = ("public",)
Interval = tuple[int, int]  # microseconds, or minutes of a local day, from and to
Entry = Mapping[str, Any]  # of a pack's `calendars`


@cache
def zone(name: str) -> ZoneInfo:
    """From the tzdata package, never from the machine."""
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def micros(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


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
    """`entries` hold one after the other, each since its date; `holidays` is the section of the pack."""

    name: str
    zone: ZoneInfo
    country: str
    subdivision: str | None
    entries: Sequence[Entry]
    weekend: frozenset[str]
    holidays: Entry
    days_off: DaysOff
    _days: dict[date, list[Interval]] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def one_day(self) -> int:
        """The longest weekday of any entry; of one that has no open weekday, the longest date."""
        longest = 0
        for entry in self.entries:
            some_week = [self._of_weekday(entry, day) for day in week(date(2026, 1, 5))]
            dated = [self._begun(entry, day) for day in written_dates(entry)]
            lengths = [length(spans) for spans in some_week]
            longest = max([longest, *(lengths if any(lengths) else map(length, dated))])
        return longest * 60_000_000

    def in_force(self, day: date) -> Entry:
        begun = [entry for entry in self.entries if entry.get("since") is None or as_date(entry["since"]) <= day]
        return begun[-1]

    def closed(self, day: date) -> bool:
        """By a closure, or by a holiday that the pack gives no hours of its own."""
        entry = self.in_force(day)
        if any(day in self.days_off.closures(name, day.year)[0] for name in many(entry.get("closures"))):
            return True
        return day not in written_dates(entry) and self._is(day, "categories", entry)

    def _is(self, day: date, what: str, entry: Entry) -> bool:
        said = entry.get("holidays") or self.holidays
        half = said.get("half_days") or {}
        wanted = said.get("categories", PUBLIC) if what == "categories" else half.get("categories", ["half_day"])
        observed = bool(said.get("observed", True))
        place = self.country, self.subdivision
        return day in self.days_off.holidays(*place, many(wanted), day.year, observed=observed)

    def _of_weekday(self, entry: Entry, day: date) -> list[Interval]:
        """Hours of an ordinary day: its own, and what is left of a shift of the day before."""
        return heads(self._written(entry, day)) + tails(self._written(entry, day - ONE_DAY))

    def _written(self, entry: Entry, day: date) -> list[str]:
        name = WEEKDAYS[day.weekday()]
        if entry.get("week"):
            return many(entry["week"].get(name))
        return [] if name in self.weekend else many(entry.get("hours"))

    def _begun(self, entry: Entry, day: date) -> list[Interval]:
        dated = written_dates(entry)
        spans = heads(dated[day]) if day in dated else self._of_weekday(entry, day)
        return spans + tails(dated.get(day - ONE_DAY, []))

    def _cuts(self, day: date) -> list[Interval]:
        """What is closed on a date, as instants, whatever opened it."""
        entry = self.in_force(day)
        breaks = {as_date(key): many(value) for key, value in (entry.get("breaks") or {}).items()}
        spans = heads(breaks.get(day, [])) + tails(breaks.get(day - ONE_DAY, []))
        half = (entry.get("holidays") or self.holidays).get("half_days")
        if half and day not in written_dates(entry) and self._is(day, "half_days", entry):
            spans.append((_minute(str(half["close"])), A_DAY))
        if self.closed(day):
            spans = [(0, A_DAY)]
        return [(self._edge(day, begins), self._edge(day, ends)) for begins, ends in spans]

    def _outages(self, day: date) -> list[Interval]:
        names = {name for entry in self.entries for name in many(entry.get("closures"))}
        found = [stretch for name in sorted(names) for stretch in self.days_off.closures(name, day.year)[1]]
        return [(self._instant(begins), self._instant(ends)) for begins, ends in found]

    def _instant(self, moment: datetime) -> int:
        return micros(moment if moment.tzinfo else moment.replace(tzinfo=self.zone))

    def open_on(self, day: date) -> list[Interval]:
        if day not in self._days:
            self._days[day] = self._opening(day)
        return self._days[day]

    def _opening(self, day: date) -> list[Interval]:
        if self.closed(day):
            return []
        begun = self._begun(self.in_force(day), day)
        edges = [(self._edge(day, opens), self._edge(day, closes)) for opens, closes in begun]
        cuts = [cut for near in (day - ONE_DAY, day, day + ONE_DAY) for cut in self._cuts(near)]
        cuts += [cut for near in {day - ONE_DAY, day, day + ONE_DAY} for cut in self._outages(near)]
        return less(one_by_one(edges), cuts)

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
            day += ONE_DAY

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


def edges_of(written: str) -> Interval:
    opens, closes = written.split("-")
    return _minute(opens), _minute(closes)


def heads(written: Sequence[str]) -> list[Interval]:
    """The part of each period that is on its own date."""
    return [(opens, closes if opens < closes else A_DAY) for opens, closes in map(edges_of, written)]


def tails(written: Sequence[str]) -> list[Interval]:
    """The part of each period that is on the next date."""
    return [(0, closes) for opens, closes in map(edges_of, written) if 0 < closes < opens]


def one_by_one(intervals: Sequence[Interval]) -> list[Interval]:
    """The same time without overlaps, in order; what ends before it begins is nothing."""
    found: list[Interval] = []
    for begins, ends in sorted(intervals):
        start = max(begins, found[-1][1]) if found else begins
        if start < ends:
            found.append((start, ends))
    return found


def less(intervals: Sequence[Interval], cuts: Sequence[Interval]) -> list[Interval]:
    left = list(intervals)
    for begins, ends in cuts:
        if begins < ends:
            before = [(opens, min(closes, begins)) for opens, closes in left if opens < begins]
            left = before + [(max(opens, ends), closes) for opens, closes in left if closes > ends]
    return sorted(left)


def length(spans: Sequence[Interval]) -> int:
    return sum(ends - begins for begins, ends in one_by_one(spans))


def week(monday: date) -> list[date]:
    return [monday + timedelta(days=n) for n in range(7)]


def as_date(written: object) -> date:
    """YAML may have made a date of it already."""
    return written if isinstance(written, date) else date.fromisoformat(str(written))


def written_dates(entry: Entry) -> dict[date, list[str]]:
    return {as_date(key): many(value) for key, value in (entry.get("dates") or {}).items()}


def calendar_of(
    pack: Mapping[str, Any], days_off: DaysOff, table: Mapping[str, Mapping[str, object]], place: Mapping[str, object]
) -> BusinessHours:
    """By the entries for the country; their own zone, else the case's, else the one of the table."""
    country = str(place["country"])
    entries = [entry for entry in pack["calendars"] if country in many(entry.get("countries"))]
    entries = entries or [entry for entry in pack["calendars"] if not entry.get("countries")]
    entries.sort(key=lambda entry: str(entry.get("since") or ""))
    first, row = entries[0], table[country]
    zone_name = str(first.get("timezone") or place.get("timezone") or row["zone"])
    written = place.get("subdivision")
    subdivision = str(written).removeprefix(f"{country}-") if written else None
    if subdivision not in subdivisions(country):
        subdivision = None
    where = f"{country}-{subdivision}" if subdivision else country
    return BusinessHours(
        name=f"{first['rule']}:{where}:{zone_name}",
        zone=zone(zone_name),
        country=country,
        subdivision=subdivision,
        entries=[{name: said for name, said in entry.items() if name != "countries"} for entry in entries],
        weekend=frozenset(str(day) for day in many(row.get("weekend") or WEEKEND)),
        holidays=pack.get("holidays") or {},
        days_off=days_off,
    )


def many(found: object) -> list[Any]:
    if found is None:
        return []
    return list(found) if isinstance(found, list | tuple) else [found]
