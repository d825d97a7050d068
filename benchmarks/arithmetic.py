"""What a deadline costs: `add` on a compiled calendar beside `workclock` (Rust) and `businesstimedelta`.

    python -m benchmarks.arithmetic

One calendar for all: weekdays from 9 to 17 in Berlin, closed on the public holidays of Germany. The same instants of a
year, in and out of hours; budgets of 4 and of 40 hours of open time. Each library gets instants as it takes them: ours
integers, the others datetimes with a zone, made beforehand. They take turns; an answer that is not the same everywhere
is counted. Processor time, so that others on the machine disturb less.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall
from importlib import resources
from zoneinfo import ZoneInfo

import holidays

from sla_monitor.core.calendar import CompiledCalendar
from sla_monitor.core.facts import HOUR
from sla_monitor.core.hours import WeeklyHours

ZONE, YEAR, OPENS, CLOSES = "Europe/Berlin", 2026, 9, 17
BUDGET_HOURS = (4, 40)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Add = Callable[[int], object]  # the answer to the question of this number
Answer = Callable[[object], int]  # as microseconds since the epoch


@dataclass(frozen=True, kw_only=True)
class Library:
    """How it is asked for a deadline of a budget, over instants that it was given before."""

    name: str
    adding: Callable[[Sequence[int], int], Add]
    answer: Answer
    questions: int  # a round; the slow one is asked fewer


def ours(closed: dict[int, frozenset[date]]) -> Library:
    weekly = dict.fromkeys(range(5), ((OPENS * 60, CLOSES * 60),))
    hours = WeeklyHours(weekly=weekly, closed=lambda year: closed.get(year, frozenset()))
    calendar = CompiledCalendar("office", hours, ZoneInfo(ZONE))

    def adding(starts: Sequence[int], hours: int) -> Add:
        budget = hours * HOUR
        return lambda number: calendar.add(starts[number], budget)

    return Library(name="ours", adding=adding, answer=lambda found: found, questions=20_000)  # type: ignore[arg-type]


def with_workclock(closed: dict[int, frozenset[date]]) -> Library:
    os.environ["TZDIR"] = str(resources.files("tzdata").joinpath("zoneinfo"))  # the same zones for everybody
    import workclock  # noqa: PLC0415 - it reads the environment

    days = workclock.Holidays(sorted(day for each in closed.values() for day in each))
    found = workclock.Schedule([workclock.WorkDay(wall(OPENS), wall(CLOSES)), days], time_zone=ZONE)

    def adding(starts: Sequence[int], hours: int) -> Add:
        moments, budget = [moment(start) for start in starts], timedelta(hours=hours)
        return lambda number: found.add(moments[number], budget)

    return Library(name="workclock", adding=adding, answer=instant, questions=20_000)


def with_businesstimedelta(closed: dict[int, frozenset[date]]) -> Library:
    import businesstimedelta  # noqa: PLC0415 - in the extra `benchmarks`
    import pytz  # noqa: PLC0415 - it comes along

    zone = pytz.timezone(ZONE)
    office = businesstimedelta.WorkDayRule(
        start_time=wall(OPENS), end_time=wall(CLOSES), working_days=list(range(5)), tz=zone
    )
    dates = {day: "closed" for each in closed.values() for day in each}
    rules = businesstimedelta.Rules([office, businesstimedelta.HolidayRule(dates, tz=zone)])

    def adding(starts: Sequence[int], hours: int) -> Add:
        moments = [moment(start).astimezone(zone) for start in starts]
        budget = businesstimedelta.BusinessTimeDelta(rules, hours=hours)
        return lambda number: moments[number] + budget

    return Library(name="businesstimedelta", adding=adding, answer=instant, questions=400)


def moment(at: int) -> datetime:
    return EPOCH + timedelta(microseconds=at)


def instant(at: object) -> int:
    assert isinstance(at, datetime)
    return (at - EPOCH) // timedelta(microseconds=1)


def measure(rounds: int) -> dict[str, object]:
    """Microseconds of each library by budget, median and spread, and how often it says something else than we do."""
    closed = {year: frozenset(holidays.country_holidays("DE", years=year)) for year in (YEAR, YEAR + 1)}
    libraries = [ours(closed), with_workclock(closed), with_businesstimedelta(closed)]
    chance = random.Random(1)
    begin, end = instant(datetime(YEAR, 1, 1, tzinfo=UTC)), instant(datetime(YEAR, 12, 1, tzinfo=UTC))
    starts = [chance.randrange(begin, end) // 1_000_000 * 1_000_000 for _ in range(max(x.questions for x in libraries))]
    result: dict[str, object] = {}
    for hours in BUDGET_HOURS:
        asked = {each.name: each.adding(starts, hours) for each in libraries}
        took: dict[str, list[float]] = {each.name: [] for each in libraries}
        for _ in range(rounds):
            for each in libraries:
                took[each.name].append(microseconds(asked[each.name], each.questions))
        result[str(hours)] = {
            each.name: {
                "microseconds": round(statistics.median(took[each.name]), 3),
                "least": round(min(took[each.name]), 3),
                "most": round(max(took[each.name]), 3),
                "asked": each.questions,
                "differing": differing(each, asked[each.name], libraries[0], asked["ours"]),
            }
            for each in libraries
        }
    return result


def microseconds(add: Add, questions: int) -> float:
    """Of processor time a question, with the loop and the look-up of the instant, which are the same for all."""
    for number in range(min(questions, 100)):
        add(number)
    began = time.process_time()
    for number in range(questions):
        add(number)
    return (time.process_time() - began) / questions * 1e6


def differing(library: Library, add: Add, judge: Library, judged: Add) -> int:
    return sum(library.answer(add(number)) != judge.answer(judged(number)) for number in range(library.questions))


def told(result: dict[str, object]) -> str:
    lines = []
    for hours, each in result.items():
        assert isinstance(each, dict)
        lines += [
            f"add {hours:>2} h  {name:<18} {found['microseconds']:>8.2f} µs "
            f"({found['least']:.2f} to {found['most']:.2f}); {found['differing']} of {found['asked']} answers differ"
            for name, found in each.items()
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(told(measure(5)))
