"""Questions about business time as JSON lines: what `sla-monitor calendar compute` reads (docs/calendars.md).

A question states its calendar in full, so nothing here knows of packs. Everything that is wrong with one is a
ValueError in words for whoever wrote it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec

from sla_monitor.core.hours import MINUTES_A_DAY, Interval, WeeklyHours, dated_shifts, weekly_shifts
from sla_monitor.errors import BadConfiguration
from sla_monitor.wire import rfc3339

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
INTERVALS_A_DAY_MAX = 48  # every half hour; what a question may make us compile is bounded by it
DATES_MAX = 10_000  # in each of holidays, date_hours and breaks: 27 years of days
SECONDS_MAX = 10**10  # 317 years

_TIME = re.compile(r"([01]\d|2[0-4]):([0-5]\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

Intervals = list[tuple[str, str]]


class _Said(msgspec.Struct, kw_only=True, frozen=True):
    """A question as it is written; names that it does not know are ignored."""

    op: Literal["add", "subtract", "between", "periods"]
    tz: str
    start: str
    hours: dict[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], Intervals] = {}
    holidays: list[str] = []
    date_hours: dict[str, Intervals] = {}
    breaks: dict[str, Intervals] = {}
    seconds: int | Decimal | None = None
    end: str | None = None
    count: int | None = None
    boundary: Literal["closing", "opening"] = "closing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """`add`, or `subtract` where `back`: where a budget of open time ends."""

    start: int
    budget: int
    back: bool
    opening: bool  # used up exactly at closing, it ends at the next opening instead


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """The open periods from `start` on: `count` of them, or those up to `end`."""

    start: int
    count: int | None
    end: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question. `zone` is as written; the same text in `calendar` means the same calendar."""

    zone: str
    hours: WeeklyHours
    calendar: str
    question: Moved | Between | Periods


def read_query(line: bytes) -> tuple[str | int | None, Query | ValueError]:
    """The id of a question, None if it has no usable one, and the question, or what is wrong with it."""
    asked = None
    try:
        said = _object(line)
        if not isinstance(said.get("id"), str | int | None):
            raise ValueError("id is neither text nor a whole number")  # noqa: TRY301, TRY004 # told like all the rest
        asked = said.pop("id", None)
        return asked, _query(said)
    except BadConfiguration as wrong:
        problem = ValueError("; ".join(wrong.problems))
    except ValueError as wrong:  # msgspec.ValidationError is one
        problem = wrong
    return asked, problem


def _object(line: bytes) -> dict[str, Any]:
    """What a line says; null says nothing."""
    try:
        said = json.loads(line, parse_float=Decimal, parse_constant=_no_number, object_pairs_hook=_each_name_once)
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except RecursionError:
        raise ValueError("not JSON: nested too deep") from None
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None
    if not isinstance(said, dict):
        raise ValueError("a question is a JSON object")  # noqa: TRY004 # told like all the rest
    return {name: value for name, value in said.items() if value is not None}


def _query(said: dict[str, Any]) -> Query:
    query = msgspec.convert(said, _Said)
    for name, dates in (("holidays", query.holidays), ("date_hours", query.date_hours), ("breaks", query.breaks)):
        if len(dates) > DATES_MAX:
            raise ValueError(f"{name}: more than {DATES_MAX} dates")
    weekly = weekly_shifts({WEEKDAYS.index(day): _intervals(day, each) for day, each in query.hours.items()})
    calendar = json.dumps([said.get(name) for name in ("tz", "hours", "holidays", "date_hours", "breaks")])
    closed = frozenset(_date(day) for day in query.holidays)
    hours = WeeklyHours(
        weekly=weekly,
        date_hours=dated_shifts(
            {_date(day): _intervals(day, each) for day, each in query.date_hours.items()},
            lambda day: weekly.get(day.weekday(), ()),
        ),
        breaks=dated_shifts({_date(day): _intervals(day, each) for day, each in query.breaks.items()}),
        closed=lambda _: closed,
    )
    return Query(zone=query.tz, hours=hours, calendar=calendar, question=_question(query))


def _question(said: _Said) -> Moved | Between | Periods:
    start = _instant("start", said.start)
    match said.op:
        case "add" | "subtract":
            budget = _budget(said.seconds)
            return Moved(start=start, budget=budget, back=said.op == "subtract", opening=said.boundary == "opening")
        case "between":
            if said.end is None:
                raise ValueError("`between` needs `end`")
            return Between(start=start, end=_end(start, said.end))
        case "periods":
            if (said.count is None) == (said.end is None):
                raise ValueError("`periods` needs either `count` or `end`")
            if said.count is not None and said.count < 0:
                raise ValueError("count is negative")
            return Periods(start=start, count=said.count, end=None if said.end is None else _end(start, said.end))


def _end(start: int, text: str) -> int:
    end = _instant("end", text)
    if end < start:
        raise ValueError("end is before start")
    return end


def _budget(seconds: int | Decimal | None) -> int:
    """Microseconds."""
    if seconds is None:
        raise ValueError("`add` and `subtract` need `seconds`")
    if seconds < 0:
        raise ValueError("seconds is negative")
    if seconds > SECONDS_MAX:
        raise ValueError("seconds is more than any calendar has")
    budget = Decimal(seconds).scaleb(6)
    if budget != budget.to_integral_value():
        raise ValueError("seconds is finer than a microsecond")
    return int(budget)


def _instant(name: str, text: str) -> int:
    try:
        return rfc3339.parse_any(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _date(text: str) -> date:
    try:
        if _DATE.fullmatch(text):
            found = date.fromisoformat(text)
            found + timedelta(days=1)  # the last day of all calendars has no day after it
            return found
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"{text[:40]!r} is not a date such as 2026-01-31")


def _intervals(day: str, written: Intervals) -> tuple[Interval, ...]:
    """In minutes; what ends before it begins ends on the next day."""
    if len(written) > INTERVALS_A_DAY_MAX:
        raise ValueError(f"{day}: more than {INTERVALS_A_DAY_MAX} intervals")
    found = tuple((_minute(opens), _minute(closes)) for opens, closes in written)
    for (opens, closes), said in zip(found, written, strict=True):
        if opens in {closes, MINUTES_A_DAY}:
            raise ValueError(f"{day}: {said[0]} to {said[1]} is no interval; round the clock is 00:00 to 24:00")
    return found


def _minute(text: str) -> int:
    match = _TIME.fullmatch(text)
    minute = int(match[1]) * 60 + int(match[2]) if match else MINUTES_A_DAY + 1
    if minute > MINUTES_A_DAY:
        raise ValueError(f"{text[:40]!r} is not a time of day such as 09:00; 24:00 ends a day")
    return minute


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice[:40]!r} twice in one object")
    return found


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is not a number")
