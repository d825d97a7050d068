"""Someone at the door with a watch: open time found by walking through it, a minute or a second at a time.

It shares nothing with what it judges: it reads questions as they are written, asks a zone only what its clocks show at
an instant (never which instant a wall time is), and counts steps. `docs/calendars.md` is all it knows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
A_DAY = 86_400
MARGIN = 3 * A_DAY  # what dates before and after may have in the stretch that is asked about
SECOND = 1_000_000

Question = Mapping[str, Any]
Span = tuple[int, int]


class Outside(Exception):
    """The walk ends before the answer is found."""


@cache
def zone_of(name: str) -> ZoneInfo:
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


class Stretch:
    """Elapsed time around a moment, and what the clocks of a zone show at each step of it."""

    def __init__(self, zone: str, first: int, last: int, step: int) -> None:
        """`first` and `last`: what may be asked about, in seconds since the epoch; `step`: 60 or 1 second."""
        self.zone, self.step = zone_of(zone), step
        self.first, self.last = first, last
        self.begin = (first - MARGIN) // step * step
        self.steps = (last + MARGIN - self.begin) // step
        self.shown: dict[int, int] = {}  # wall time in steps -> the first step at which it was shown
        for n in range(self.steps):
            self.shown.setdefault(self._wall(datetime.fromtimestamp(self.begin + n * step, self.zone)), n)

    def _wall(self, local: datetime) -> int:
        return (local.toordinal() * A_DAY + local.hour * 3600 + local.minute * 60 + local.second) // self.step

    def whole(self) -> bool:
        """Whether every offset is a whole number of steps; otherwise they are too coarse to see the clocks turn."""
        ends = (EPOCH + timedelta(seconds=self.begin + n * self.step) for n in range(0, self.steps, 3600 // self.step))
        return all((at.astimezone(self.zone).utcoffset() or timedelta()).seconds % self.step == 0 for at in ends)

    def dates(self) -> list[date]:
        """All dates of which something may lie in what is asked about, also those that the clocks never showed."""
        start = (EPOCH + timedelta(seconds=self.first)).date() - timedelta(days=1)
        end = (EPOCH + timedelta(seconds=self.last)).date() + timedelta(days=1)
        return [start + timedelta(days=n) for n in range((end - start).days + 1)]

    def edge(self, day: date, minute: int) -> int:
        """The step at which the clocks first show it; if never, as long after the last they did show before it."""
        wall = last = (day.toordinal() * A_DAY + minute * 60) // self.step
        while last not in self.shown:
            last -= 1
            assert wall - last <= 2 * A_DAY, "the margin is too small"
        return self.shown[last] + wall - last


class Walker:
    """Answers questions about one calendar within one stretch."""

    def __init__(self, stretch: Stretch, question: Question) -> None:
        self.stretch, self.step = stretch, stretch.step * SECOND
        self.open = bytearray(stretch.steps)
        for day in stretch.dates():
            if str(day) not in question.get("holidays", ()):
                self._mark(day, hours_on(day, question), 1)
        for day in stretch.dates():
            self._mark(day, shifts_on(day, question.get("breaks", {})), 0)
            if str(day) in question.get("holidays", ()):
                self._mark(day, [(0, 1440)], 0)

    def _mark(self, day: date, spans: Sequence[Span], value: int) -> None:
        for opens, closes in spans:
            first, last = self.stretch.edge(day, opens), self.stretch.edge(day, closes)
            if first < last:
                self.open[first:last] = bytes([value]) * (last - first)

    def answer(self, question: Question) -> str | float | list[list[str]]:
        start = micros(question["start"])
        match question["op"]:
            case "add":
                return self._shown(self.add(start, budget(question), opening=question.get("boundary") == "opening"))
            case "subtract":
                return self._shown(self.subtract(start, budget(question)))
            case "between":
                found = sum(closes - opens for opens, closes in self.slices(start, micros(question["end"])))
                return found / SECOND if found % SECOND else found // SECOND
            case _:
                return [[self._shown(edge) for edge in period] for period in self.periods(start, question)]

    def _shown(self, instant: int) -> str:
        return (EPOCH + timedelta(microseconds=instant)).astimezone(self.stretch.zone).isoformat()

    def _at(self, instant: int) -> int:
        """The step an instant lies in."""
        return (instant - self.stretch.begin * SECOND) // self.step

    def _steps(self, start: int, *, back: bool = False) -> Iterator[tuple[int, Span]]:
        """Step after step, each with its beginning and end, the first one cut at `start`."""
        step = self._at(start - 1 if back else start)
        begins = self.stretch.begin * SECOND + step * self.step
        first, last = self.stretch.first * SECOND, self.stretch.last * SECOND - self.step
        while first <= begins <= last:
            ends = begins + self.step
            yield self.open[step], (begins, min(ends, start)) if back else (max(begins, start), ends)
            step, begins = (step - 1, begins - self.step) if back else (step + 1, ends)
        raise Outside

    def add(self, start: int, left: int, *, opening: bool) -> int:
        if not left and not opening:
            return start
        for is_open, (begins, ends) in self._steps(start):
            if is_open:
                if left < ends - begins or (left == ends - begins and not opening):
                    return begins + left
                left -= ends - begins
        raise Outside

    def subtract(self, end: int, left: int) -> int:
        if not left:
            return end
        for is_open, (begins, ends) in self._steps(end, back=True):
            if is_open:
                if left <= ends - begins:
                    return ends - left
                left -= ends - begins
        raise Outside

    def slices(self, start: int, end: int) -> Iterator[Span]:
        """Open steps of [start, end), the first and last cut."""
        for is_open, (begins, ends) in self._steps(start) if start < end else ():
            if is_open and begins < end:
                yield begins, min(ends, end)
            if ends >= end:
                return

    def periods(self, start: int, question: Question) -> list[Span]:
        end = micros(question["end"]) if "end" in question else self.stretch.last * SECOND
        wanted = question.get("count", 10**9)
        found: list[Span] = []
        for opens, closes in self.slices(start, end):
            if found and found[-1][1] == opens:
                found[-1] = found[-1][0], closes
            elif len(found) == wanted:
                return found
            else:
                found.append((opens, closes))
        if "count" in question and wanted:
            raise Outside  # too few, or the last one may go on
        return found


def hours_on(day: date, question: Question) -> list[Span]:
    """Hours of one date: its own ones or its weekday's; what began the day before and passed midnight is its too."""
    special, before = question.get("date_hours", {}), day - timedelta(days=1)
    weekly = {n: question["hours"].get(name, []) for n, name in enumerate(WEEKDAYS)}
    if str(day) in special:
        found = first_part(special[str(day)])
    else:
        found = first_part(weekly[day.weekday()]) + second_part(weekly[before.weekday()])
    return found + second_part(special.get(str(before), []))


def shifts_on(day: date, by_date: Mapping[str, list[list[str]]]) -> list[Span]:
    before = day - timedelta(days=1)
    return first_part(by_date.get(str(day), [])) + second_part(by_date.get(str(before), []))


def first_part(written: list[list[str]]) -> list[Span]:
    spans = [(minutes(opens), minutes(closes)) for opens, closes in written]
    return [(opens, closes if closes > opens else 1440) for opens, closes in spans]


def second_part(written: list[list[str]]) -> list[Span]:
    spans = [(minutes(opens), minutes(closes)) for opens, closes in written]
    return [(0, closes) for opens, closes in spans if closes < opens]


def minutes(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def micros(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def budget(question: Question) -> int:
    return round(float(question["seconds"]) * SECOND)
