"""A deadline written out: the days, the open periods one by one, their sum, and the clocks that were changed meanwhile.

Nothing is computed anew here: where a count ends is what the clock said; this is what the calendar has in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from sla_monitor.core.calendar import Calendar, CompiledCalendar
from sla_monitor.core.clock import Interrupted
from sla_monitor.core.facts import DAY
from sla_monitor.core.hours import Interval, Reason
from sla_monitor.core.stated import Stated
from sla_monitor.core.times import iso, seconds

Document = dict[str, Any]

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def count(calendar: Calendar, start: int, ends_at: int, *, credit: int = 0) -> Document:
    """What was consumed from `start` on, with the running sum; `credit` was consumed before, under earlier terms."""
    total = credit
    periods = []
    for opens, closes in calendar.periods(start, ends_at):
        total += closes - opens
        spent = {"seconds": seconds(closes - opens), "sum_seconds": seconds(total)}
        periods.append({"from": iso(opens), "to": iso(closes), **spent})
    return {
        "from": iso(start),
        "credit_seconds": seconds(credit),
        "periods": periods,
        "pauses": [{"from": iso(begins), "to": iso(ends)} for begins, ends in _pauses(calendar, (start, ends_at))],
        "sum_seconds": seconds(total),
        "ends_at": iso(ends_at),
    }


def _pauses(calendar: Calendar, span: Interval) -> Iterator[Interval]:
    """Of the clock, within the span; in them nothing is consumed."""
    for begins, ends in calendar.pauses if isinstance(calendar, Interrupted) else ():
        if begins < span[1] and span[0] < ends:
            yield max(begins, span[0]), min(ends, span[1])


def place(calendar: Calendar, local: Calendar, span: Interval) -> Document:
    """The calendar that counts, and what of it lies in the span. `local` is the one of the case's country: its zone is
    the case's, also where it is served round the clock.
    """
    calendar = calendar.calendar if isinstance(calendar, Interrupted) else calendar
    zone = local.zone if isinstance(local, CompiledCalendar) else UTC
    return {
        "name": calendar.name,
        "zone": getattr(zone, "key", str(zone)),
        "always_open": not isinstance(calendar, CompiledCalendar),
        "days": list(_days(calendar, span)) if isinstance(calendar, CompiledCalendar) else [],
        "interruptions": list(_interruptions(calendar, span)) if isinstance(calendar, CompiledCalendar) else [],
        "offset_changes": list(offset_changes(zone, span)),
    }


def _days(calendar: CompiledCalendar, span: Interval) -> Iterator[Document]:
    """Every local date that the span touches, with what is open on it as stated."""
    start, end = span
    # A date that was skipped (Samoa, 30 December 2011) has hours too, which then fall on the next one.
    midnight = datetime.combine(_local(start, calendar.zone).date(), time(), calendar.zone)
    before = (midnight.astimezone(UTC) - timedelta(microseconds=1)).astimezone(calendar.zone)
    first = before.date() + timedelta(days=1)
    last = _local(end, calendar.zone).date()
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        day = date.fromordinal(ordinal)
        stated = calendar.stated_on(day)
        yield {
            "date": day.isoformat(),
            "weekday": WEEKDAYS[day.weekday()],
            "open": _walls(stated.open),
            **_unusual(stated),
        }


def _unusual(stated: Stated) -> Document:
    """What makes a day other than its weekday is; of most days nothing."""
    told: Document = {}
    if stated.closings:
        told["hours"] = _walls(stated.hours)
        told["closings"] = [reason_of(each.reason) | {"closed": _walls(each.hours)} for each in stated.closings]
    if stated.instead_of is not None:
        ignored = [reason_of(each) for each in stated.ignored]
        told["own_hours"] = {"instead_of": _walls(stated.instead_of), "ignores": ignored}
    if stated.since is not None:
        told["since"] = stated.since.isoformat()
    return told


def reason_of(reason: Reason) -> Document:
    """What it is, and its names as far as they are known."""
    known = {"name": reason.name, "file": reason.file}
    return {"kind": reason.kind, **{what: text for what, text in known.items() if text}}


def _interruptions(calendar: CompiledCalendar, span: Interval) -> Iterator[Document]:
    """What closes for a while, as instants: its edges may lie anywhere, also in an hour that comes twice."""
    for (begins, ends), reason in calendar.interruptions(*span):
        yield {"from": iso(begins), "to": iso(ends), **reason_of(reason)}


def offset_changes(zone: tzinfo, span: Interval) -> Iterator[Document]:
    """Where the zone's clocks are changed within the span, to the second."""
    start, end = span
    before = start
    while before < end:
        after = min(before + DAY, end)
        old, new = _local(before, zone).utcoffset(), _local(after, zone).utcoffset()
        if old != new:
            low, high = before, after
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _local(middle, zone).utcoffset() == old else (low, middle)
            yield {"at": iso(high), "from": _offset(low, zone), "to": _offset(high, zone)}
        before = after


def _local(instant: int, zone: tzinfo) -> datetime:
    return (_EPOCH + timedelta(microseconds=instant)).astimezone(zone)


def _offset(instant: int, zone: tzinfo) -> str:
    return _local(instant, zone).isoformat()[-6:]


def _walls(hours: Iterable[Interval]) -> list[list[str]]:
    return [[_wall(opens), _wall(closes)] for opens, closes in hours]


def _wall(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
