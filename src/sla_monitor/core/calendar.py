"""Business time: adding open time to an instant, and measuring it between two.

Instants are microseconds since the epoch (UTC), durations are elapsed microseconds: a day that is open round the clock
has 23 or 25 hours when the clocks change. A wall-clock edge that falls into the hour skipped in spring moves forward by
the length of the gap; one that comes twice in autumn means its first pass. Open intervals are half open, [from, to).

Hours open it; breaks and closed days close it again, whatever opened it.

A calendar is compiled to sorted open intervals in UTC with running totals, a year of UTC at a time and only the years
that are asked for; `add` and `between` are then two binary searches.

Over 300 lines: the compilation of hours and the questions put to them are one contract, tested as one.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final, Protocol

from sla_monitor.core.facts import DAY, MINUTE
from sla_monitor.core.hours import (
    FIRST_YEAR,
    LAST_YEAR,
    Interval,
    OpeningHours,
    Reason,
    merged,
    without,
)
from sla_monitor.core.stated import Stated, interruptions, stated
from sla_monitor.errors import BadConfiguration

INTERVALS_COMPILED_MAX = 400_000  # x 3 lists x (8 B pointer + 32 B integer) = 48 MB: 500 calendars of 3 years

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_YEAR_STARTS: Final = [
    (date(year, 1, 1).toordinal() - _EPOCH_ORDINAL) * DAY for year in range(FIRST_YEAR, LAST_YEAR + 2)
]
HORIZON_START, HORIZON_END = _YEAR_STARTS[0], _YEAR_STARTS[-1]


class BeyondHorizon(ValueError):
    """An instant, or the end of a budget, lies outside the years 1900 to 2105 that calendars cover."""


class Calendar(Protocol):
    """When a case is served."""

    @property
    def name(self) -> str:
        """What notices and explanations call it; the same name means the same hours."""
        ...

    @property
    def day(self) -> int:
        """Open microseconds of an ordinary day: the longest weekday."""
        ...

    def add(self, start: int, budget: int) -> int:
        """Return the earliest instant t >= start with between(start, t) >= budget; ValueError if budget < 0."""
        ...

    def between(self, start: int, end: int) -> int:
        """Open microseconds in [start, end); 0 if end <= start."""
        ...

    def periods(self, start: int, end: int) -> Iterator[Interval]:
        """Open intervals within [start, end), clipped to it, ascending, never touching."""
        ...


class RoundTheClock:
    """Always open; elapsed time is open time."""

    __slots__ = ()
    name = "24x7"
    day = DAY

    def add(self, start: int, budget: int) -> int:
        return start + _checked(budget)

    def subtract(self, end: int, budget: int) -> int:
        return end - _checked(budget)

    def between(self, start: int, end: int) -> int:
        return end - start if end > start else 0

    def opens_at(self, instant: int) -> int:
        return instant

    def periods(self, start: int, end: int) -> Iterator[Interval]:
        if start < end:
            yield start, end


ALWAYS_OPEN: Final = RoundTheClock()


def alike(one: Calendar, other: Calendar) -> bool:
    """Whether both have the same hours. A rule keeps its id, and so its calendars their names, when a later version of
    the pack says something else there.
    """
    if one is other:
        return True
    return one.name == other.name and getattr(one, "stated", None) == getattr(other, "stated", None)


class Room:
    """What a family of calendars may keep compiled; the one that grew longest ago is forgotten first.

    A forgotten calendar still works: it compiles again when it is asked.
    """

    __slots__ = ("_intervals", "_intervals_max", "_sizes")

    def __init__(self, intervals_max: int = INTERVALS_COMPILED_MAX) -> None:
        self._intervals_max = intervals_max
        self._sizes: dict[CompiledCalendar, int] = {}
        self._intervals = 0

    @property
    def intervals(self) -> int:
        """Number of open intervals kept now; above the bound only if a single calendar is."""
        return self._intervals

    def take(self, calendar: CompiledCalendar, size: int) -> None:
        """Note the size of a calendar that grew; others are forgotten until all fit, never this one."""
        self._intervals += size - self._sizes.pop(calendar, 0)
        self._sizes[calendar] = size
        while self._intervals > self._intervals_max and len(self._sizes) > 1:
            oldest = next(iter(self._sizes))
            self._intervals -= self._sizes.pop(oldest)
            oldest.forget()


class CompiledCalendar:
    """Opening hours in one zone. Every method raises BeyondHorizon outside 1900 to 2105 (UTC).

    BadConfiguration if it never opens. Where closed days leave no open time at all, `add` finds out at the horizon.
    """

    __slots__ = (
        "__weakref__",
        "_base",
        "_ends",
        "_from",
        "_hours",
        "_room",
        "_starts",
        "_totals",
        "_until",
        "_zone",
        "day",
        "name",
        "stated",
    )

    def __init__(
        self, name: str, hours: OpeningHours, zone: tzinfo, room: Room | None = None, stated: object = None
    ) -> None:
        """`stated`: what the hours are from, to tell whether two of one name are the same."""
        if not hours.ever_opens():
            raise BadConfiguration(f"calendar {name}: it never opens")
        self.name, self.stated = name, stated
        self.day = hours.longest_day()
        self._hours = hours
        self._zone = zone
        self._room = room or Room()
        self.forget()

    def __repr__(self) -> str:
        return f"CompiledCalendar({self.name!r})"

    @property
    def zone(self) -> tzinfo:
        """Whose wall clock its hours are on."""
        return self._zone

    def stated_on(self, day: date) -> Stated:
        """What is said of a local date, on the wall clock, wherever that is changed. For explanations."""
        return stated(self._hours, day)

    def interruptions(self, start: int, end: int) -> Iterator[tuple[Interval, Reason]]:
        """What takes open time away in [start, end), whatever the days say, by name. For explanations."""
        found: dict[tuple[Interval, Reason], None] = {}
        for year in range(_year_of(start), _year_of(end) + 1):
            found |= dict.fromkeys(interruptions(self._hours, year))
        for (begins, ends), reason in found:
            opens, closes = max(begins, start), min(ends, end)
            if opens < closes and any(
                closing > opens and opening < closes for opening, closing in self._near(opens, closes)
            ):
                yield (begins, ends), reason

    def _near(self, start: int, end: int) -> list[Interval]:
        """What the days around a stretch of time have open, interruptions aside."""
        first, last = (_EPOCH_ORDINAL + instant // DAY for instant in (start, end))
        opened, cuts = self._of_dates(range(first - 2, last + 3))
        return without(merged(opened), merged(cuts))

    def add(self, start: int, budget: int) -> int:
        """Return the earliest t >= start with between(start, t) >= budget: used up at closing, it is closing time."""
        if budget <= 0:
            return start + _checked(budget)
        while True:
            if start >= self._from:
                ends = self._ends
                totals = self._totals
                size = len(ends)
                i = bisect_right(ends, start)
                if i < size:
                    opens = self._starts[i]
                    target = totals[i] - ends[i] + (start if start > opens else opens) + budget  # noqa: FURB136 hot
                    i = bisect_left(totals, target, i)
                    if i < size:
                        return ends[i] - totals[i] + target
            self._within_horizon(start, start + budget)
            self._grow_towards(start)

    def subtract(self, end: int, budget: int) -> int:
        """Return the latest t <= end with between(t, end) >= budget: used up at opening, it is opening time."""
        if budget <= 0:
            return end - _checked(budget)
        self._cover(end, end)
        while True:
            target = self._open_before(end) - budget
            if target >= self._base:
                i = bisect_right(self._totals, target)
                return self._ends[i] - self._totals[i] + target
            self._grow_towards(self._from - 1)

    def between(self, start: int, end: int) -> int:
        """Open microseconds in [start, end); 0 if end <= start."""
        if end <= start:
            return 0
        if start < self._from or end > self._until:
            self._cover(start, end)
        starts = self._starts
        ends = self._ends
        totals = self._totals
        size = len(ends)
        i = bisect_right(ends, start)
        if i == size:
            return 0
        opens = starts[i]
        before = totals[i] - ends[i] + (start if start > opens else opens)  # noqa: FURB136 hot
        i = bisect_right(ends, end, i)
        if i == size:
            return totals[-1] - before
        opens = starts[i]
        return totals[i] - ends[i] + (end if end > opens else opens) - before  # noqa: FURB136 hot

    def opens_at(self, instant: int) -> int:
        """`instant` itself if open then, else the next opening; at closing time it is closed."""
        return self.add(instant, 1) - 1

    def periods(self, start: int, end: int) -> Iterator[Interval]:
        """Open intervals within [start, end), clipped, never touching; compiled a year at a time as they are read."""
        if start < end:
            self._within_horizon(start, end)
        pending: Interval | None = None
        while start < end:
            until = min(end, _YEAR_STARTS[_year_of(start) - FIRST_YEAR + 1])
            for opens, closes in self._clipped(start, until):
                if pending is None:
                    pending = opens, closes
                elif pending[1] == opens:  # open across the border of two years
                    pending = pending[0], closes
                else:
                    yield pending
                    pending = opens, closes
            start = until
        if pending is not None:
            yield pending

    def forget(self) -> None:
        """Give the compiled years back; nothing else changes."""
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._totals: list[int] = []  # open time up to the end of each interval; its zero is arbitrary
        self._base = 0  # open time up to `_from`, on the same scale
        self._from = HORIZON_END  # [_from, _until) is compiled; nothing yet
        self._until = HORIZON_END

    def _open_before(self, instant: int) -> int:
        """Open time up to a compiled instant, on the scale of `_totals`."""
        i = bisect_left(self._starts, instant)
        return self._totals[i - 1] - max(0, self._ends[i - 1] - instant) if i else self._base

    def _clipped(self, start: int, end: int) -> list[Interval]:
        self._cover(start, end)
        first, last = bisect_right(self._ends, start), bisect_left(self._starts, end)
        pairs = zip(self._starts[first:last], self._ends[first:last], strict=True)
        return [(max(opens, start), min(closes, end)) for opens, closes in pairs]

    def _within_horizon(self, start: int, end: int) -> None:
        if start < HORIZON_START or end > HORIZON_END:
            raise BeyondHorizon(f"{self.name}: outside {FIRST_YEAR} to {LAST_YEAR}")

    def _cover(self, start: int, end: int) -> None:
        self._within_horizon(start, end)
        while start < self._from:
            self._grow_towards(start)
        while end > self._until:
            self._grow_towards(end)

    def _grow_towards(self, instant: int) -> None:
        """Compile one year more: that of the instant if there is none yet, else the next before or after the rest."""
        if self._from == self._until:
            self._from = self._until = _YEAR_STARTS[_year_of(instant) - FIRST_YEAR]
        elif instant < HORIZON_START or (instant >= self._from and self._until == HORIZON_END):
            raise BeyondHorizon(f"{self.name}: not that much open time within {FIRST_YEAR} to {LAST_YEAR}")
        if instant < self._from:
            self._grow_backward(_year_of(self._from - 1))
        else:
            self._grow_forward(_year_of(self._until))
        self._room.take(self, len(self._ends))

    def _grow_forward(self, year: int) -> None:
        starts, ends = self._compile(year)
        total = self._totals[-1] if self._totals else self._base
        totals = [total := total + closes - opens for opens, closes in zip(starts, ends, strict=True)]
        self._starts, self._ends, self._totals = self._starts + starts, self._ends + ends, self._totals + totals
        self._until = _YEAR_STARTS[year - FIRST_YEAR + 1]

    def _grow_backward(self, year: int) -> None:
        starts, ends = self._compile(year)
        total = self._base = self._base - sum(ends) + sum(starts)
        totals = [total := total + closes - opens for opens, closes in zip(starts, ends, strict=True)]
        self._starts, self._ends, self._totals = starts + self._starts, ends + self._ends, totals + self._totals
        self._from = _YEAR_STARTS[year - FIRST_YEAR]

    def _compile(self, year: int) -> tuple[list[int], list[int]]:
        """Return starts and ends of one UTC year, clipped to it; local dates may lie two days off (Pacific/Apia)."""
        opened, cuts = self._of_dates(range(date(year, 1, 1).toordinal() - 2, date(year + 1, 1, 1).toordinal() + 2))
        cuts += self._hours.outages(year)
        first, last = _YEAR_STARTS[year - FIRST_YEAR], _YEAR_STARTS[year - FIRST_YEAR + 1]
        inside = [(max(opens, first), min(closes, last)) for opens, closes in opened]
        intervals = without(merged(inside), merged(cuts))
        return [opens for opens, _ in intervals], [closes for _, closes in intervals]

    def _of_dates(self, ordinals: range) -> tuple[list[Interval], list[Interval]]:
        """What opens and what closes on local dates, as instants."""
        opened: list[Interval] = []
        cuts: list[Interval] = []
        for ordinal in ordinals:
            hours, breaks = self._hours.on(date.fromordinal(ordinal))
            opened += [(self._edge(ordinal, opens), self._edge(ordinal, closes)) for opens, closes in hours]
            cuts += [(self._edge(ordinal, opens), self._edge(ordinal, closes)) for opens, closes in breaks]
        return opened, cuts

    def _edge(self, ordinal: int, minute: int) -> int:
        """Return the instant of a wall time; `fold=0` is the first pass and, in a gap, forward by its length."""
        wall = datetime.fromordinal(ordinal) + timedelta(minutes=minute)
        offset = self._zone.utcoffset(wall.replace(tzinfo=self._zone)) or timedelta()
        return (ordinal - _EPOCH_ORDINAL) * DAY + minute * MINUTE - offset // _MICROSECOND


def _checked(budget: int) -> int:
    if budget < 0:
        raise ValueError("a budget of open time cannot be negative")
    return budget


def _year_of(instant: int) -> int:
    """Return the UTC year of an instant within the horizon; the very end counts to the last year."""
    return min(LAST_YEAR, FIRST_YEAR - 1 + bisect_right(_YEAR_STARTS, instant))
