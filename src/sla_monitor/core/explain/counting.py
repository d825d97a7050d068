"""A deadline written out: the days, the open periods one by one, their sum, and the clocks that were changed meanwhile.

Nothing is computed anew here: where a count ends is what the clock said; this is what the calendar has in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from sla_monitor.core.calendar import Calendar, CompiledCalendar
from sla_monitor.core.clock import Interrupted
from sla_monitor.core.explain.stretches import DATES_MAX, Stretch, stretches, together
from sla_monitor.core.facts import DAY
from sla_monitor.core.hours import Interval, Reason
from sla_monitor.core.stated import Stated
from sla_monitor.core.times import iso, seconds

Document = dict[str, Any]

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def count(
    calendar: Calendar, start: int, ends_at: int, *, credit: int = 0, until: int | None = None, is_long: bool = False
) -> Document:
    """What was consumed from `start` on, with the running sum; `credit` was consumed before, under earlier terms.
    `is_long`: periods are told together, but none across `until`, from where on other terms count.
    """
    total = credit
    periods = []
    found = list(calendar.periods(start, ends_at))
    for group in together(found, until) if is_long else ([period] for period in found):
        open_time = sum(closes - opens for opens, closes in group)
        total += open_time
        number = {"periods": len(group)} if len(group) > 1 else {}
        spent = {"seconds": seconds(open_time), "sum_seconds": seconds(total)}
        periods.append({"from": iso(group[0][0]), "to": iso(group[-1][1]), **number, **spent})
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
    pauses = list(_pauses(calendar, span))
    calendar = calendar.calendar if isinstance(calendar, Interrupted) else calendar
    zone = local.zone if isinstance(local, CompiledCalendar) else UTC
    return {
        "name": calendar.name,
        "zone": getattr(zone, "key", str(zone)),
        "always_open": not isinstance(calendar, CompiledCalendar),
        **(_told(calendar, span, pauses) if isinstance(calendar, CompiledCalendar) else NO_HOURS),
        "offset_changes": list(offset_changes(zone, span)),
    }


NO_HOURS: Final[Document] = {"days": [], "interruptions": []}


def _told(calendar: CompiledCalendar, span: Interval, pauses: list[Interval]) -> Document:
    """Every local date that the span touches, with what is open on it as stated; of many, like ones together, and of a
    pause only that it was one.
    """
    dates = _dates(calendar, span)
    if len(dates) <= DATES_MAX:
        return {
            "days": [_day(calendar, day) for day in dates],
            "interruptions": list(_interruptions(calendar, span, [])),
        }
    paused = [day for day in dates if pauses and _is_paused(calendar, day, pauses)]
    like = stretches(dates, calendar.stated_on, paused)
    done = {day for stretch in like for day in stretch.dates}
    return {
        "days": [_day(calendar, day) for day in dates if day not in done],
        "stretches": [_stretch(each) for each in like],
        "interruptions": list(_interruptions(calendar, span, pauses)),
    }


def _is_paused(calendar: CompiledCalendar, day: date, pauses: list[Interval]) -> bool:
    midnights = (datetime.combine(each, time(), calendar.zone) for each in (day, day + timedelta(days=1)))
    begins, ends = ((each.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1) for each in midnights)
    return any(since <= begins and ends <= until for since, until in pauses)


def _stretch(stretch: Stretch) -> Document:
    told: Document = {
        "from": stretch.dates[0].isoformat(),
        "to": stretch.dates[-1].isoformat(),
        "dates": len(stretch.dates),
    }
    if stretch.week is None:
        return told | {"paused": True}
    since = {} if stretch.since is None else {"since": stretch.since.isoformat()}
    return told | {"week": {WEEKDAYS[day]: _walls(hours) for day, hours in stretch.week.items()}} | since


def _dates(calendar: CompiledCalendar, span: Interval) -> list[date]:
    start, end = span
    # A date that was skipped (Samoa, 30 December 2011) has hours too, which then fall on the next one.
    midnight = datetime.combine(_local(start, calendar.zone).date(), time(), calendar.zone)
    before = (midnight.astimezone(UTC) - timedelta(microseconds=1)).astimezone(calendar.zone)
    first = before.date() + timedelta(days=1)
    last = _local(end, calendar.zone).date()
    return [date.fromordinal(ordinal) for ordinal in range(first.toordinal(), last.toordinal() + 1)]


def _day(calendar: CompiledCalendar, day: date) -> Document:
    stated = calendar.stated_on(day)
    return {
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


def _interruptions(calendar: CompiledCalendar, span: Interval, pauses: list[Interval]) -> Iterator[Document]:
    """What closes for a while, as instants: its edges may lie anywhere, also in an hour that comes twice. Within one of
    these pauses it takes nothing away.
    """
    for (begins, ends), reason in calendar.interruptions(*span):
        if any(since <= begins and ends <= until for since, until in pauses):
            continue
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
