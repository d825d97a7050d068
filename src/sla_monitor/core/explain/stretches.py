"""A count over many dates: its first and last days one by one, between them like dates together and the others by name.

So an explanation of years stays one that can be read, and added up: weeks, less what is told of single dates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Final

from sla_monitor.core.hours import Hours, Interval
from sla_monitor.core.stated import Stated
from sla_monitor.core.times import iso

DATES_MAX: Final = 62  # two months: a count of no more dates is told date by date and period by period
EDGE_DATES: Final = 7  # at each end, told one by one
EDGE_PERIODS: Final = 10  # at each end, told one by one
LIKE_DATES_MIN: Final = 7  # of fewer each is told


@dataclass(slots=True, kw_only=True)
class Stretch:
    """Dates between which there are only others like them and those that are told by themselves. `week`: what is open
    on each weekday; None: all of it is in a pause, where nothing counts whatever is open.
    """

    dates: list[date]
    week: dict[int, Hours] | None = None
    since: date | None = None


Told = tuple[date, Stated | None]  # None: in a pause


def stretches(dates: Sequence[date], stated_on: Callable[[date], Stated], pauses: Sequence[date]) -> list[Stretch]:
    """Those to be told together, in order. `pauses`: the dates among them that are wholly in a pause."""
    paused = set(pauses)
    inner = dates[EDGE_DATES : len(dates) - EDGE_DATES]
    told: list[Told] = [(day, None if day in paused else stated_on(day)) for day in inner]
    usual = [(day, said) for day, said in told if said is None or _is_usual(said)]
    found = []
    for (is_paused, since), alike in groupby(usual, lambda each: (each[1] is None, each[1] and each[1].since)):
        run = list(alike)
        stretch = Stretch(dates=[day for day, _ in run]) if is_paused else _weeks(run, since)
        if len(stretch.dates) >= LIKE_DATES_MIN:
            found.append(stretch)
    return found


def _is_usual(said: Stated) -> bool:
    return not said.closings and said.instead_of is None


def _weeks(run: Sequence[Told], since: date | None) -> Stretch:
    """A weekday's hours are those that most of its dates have; a date with others (what a dated shift of the day before
    leaves on it) is told by itself.
    """
    seen: dict[int, Counter[Hours]] = {}
    for day, said in run:
        if said is not None:
            seen.setdefault(day.weekday(), Counter())[said.open] += 1
    week = {weekday: counted.most_common(1)[0][0] for weekday, counted in sorted(seen.items())}
    like = [day for day, said in run if said is not None and said.open == week[day.weekday()]]
    return Stretch(dates=like, week=week, since=since)


def together(periods: Sequence[Interval], until: int | None) -> Iterator[list[Interval]]:
    """The first and the last one by one, those between a year at a time; none across `until`, where other terms took
    along what was used up.
    """
    ends = len(periods) - EDGE_PERIODS

    def of(numbered: tuple[int, Interval]) -> tuple[object, ...]:
        number, (opens, closes) = numbered
        if number < EDGE_PERIODS or number >= ends or (until is not None and opens < until < closes):
            return (number,)
        return iso(opens)[:4], until is not None and until <= opens

    for _, group in groupby(enumerate(periods), of):
        yield [period for _, period in group]
