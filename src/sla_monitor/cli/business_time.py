"""Answers to questions about open time: the work behind `sla-monitor calendar compute`.

What a stream of questions keeps in memory is bounded: the calendars of the latest ones, each with a bound of its own.
"""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

from sla_monitor.config.zones import UnknownPlace, zone_named
from sla_monitor.core.calendar import HORIZON_END, BeyondHorizon, CompiledCalendar, Room
from sla_monitor.core.hours import Interval
from sla_monitor.core.times import iso_in, seconds
from sla_monitor.errors import BadConfiguration
from sla_monitor.wire.queries import Between, Moved, Periods, Query, read_query

LINE_BYTES_MAX: Final = 1_048_576  # 1 MiB; a question is about 300 B
PERIODS_MAX: Final = 100_000  # in one answer: ~6 MB of text, ~40 MB while it is made
CALENDARS_KEPT_MAX: Final = 16  # questions about one calendar usually follow each other
INTERVALS_KEPT_MAX: Final = 20_000  # of each of them: 80 years of weekdays; 16 x 2.4 MB = 38 MB


class TooMuch(ValueError):
    """An answer larger than anyone wants to read."""


class Computer:
    """Answers one question after the other."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[CompiledCalendar, Room]] = {}  # the latest at the end

    def answer(self, line: bytes) -> dict[str, Any]:
        """`{"id": …, "result": …}` or `{"id": …, "error": …}`, whatever the line is."""
        if len(line) > LINE_BYTES_MAX:
            return {"id": None, "error": f"longer than {LINE_BYTES_MAX} bytes"}
        asked, query = read_query(line)
        try:
            if isinstance(query, ValueError):
                raise query
            return {"id": asked, "result": self._result(query)}
        except UnknownPlace:
            return {"id": asked, "error": "tz is not a name of tzdata"}
        except BadConfiguration as refusal:
            return {"id": asked, "error": "; ".join(refusal.problems)}
        except ValueError as wrong:
            return {"id": asked, "error": str(wrong)}

    def _result(self, query: Query) -> str | float | list[list[str]]:
        zone = zone_named(query.zone)
        compiled, room = self._kept.pop(query.calendar) if query.calendar in self._kept else self._made(query)
        self._kept[query.calendar] = compiled, room
        try:
            match query.question:
                case Moved(start=start, budget=budget, back=True):
                    return iso_in(compiled.subtract(start, budget), zone)
                case Moved(start=start, budget=budget, opening=opening):
                    end = compiled.add(start, budget)
                    return iso_in(compiled.opens_at(end) if opening else end, zone)
                case Between(start=start, end=end):
                    return seconds(compiled.between(start, end))
                case Periods() as wanted:
                    return [[iso_in(edge, zone) for edge in period] for period in periods(compiled, wanted)]
        finally:
            if room.intervals > INTERVALS_KEPT_MAX:
                compiled.forget()

    def _made(self, query: Query) -> tuple[CompiledCalendar, Room]:
        while len(self._kept) >= CALENDARS_KEPT_MAX:
            del self._kept[next(iter(self._kept))]
        room = Room()
        return CompiledCalendar(query.zone, query.hours, zone_named(query.zone), room), room


def periods(compiled: CompiledCalendar, wanted: Periods) -> list[Interval]:
    """The open periods that were asked for. BeyondHorizon if there are not as many, or one has no end."""
    end = HORIZON_END if wanted.end is None else wanted.end
    most = PERIODS_MAX + 1 if wanted.count is None else wanted.count
    found = list(islice(compiled.periods(wanted.start, end), min(most, PERIODS_MAX + 1)))
    if len(found) > PERIODS_MAX:
        raise TooMuch(f"more than {PERIODS_MAX} periods")
    if wanted.count is not None and (len(found) < wanted.count or (found and found[-1][1] == HORIZON_END)):
        raise BeyondHorizon(f"{compiled.name}: not as many periods begin and end before the year 2106")
    return found
