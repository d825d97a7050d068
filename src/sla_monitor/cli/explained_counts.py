"""One count of an explanation in words: its terms, and in the order of time what was open, what was closed and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from operator import attrgetter, itemgetter
from typing import Final

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table

from sla_monitor.cli import explained_words as w
from sla_monitor.cli.explained_words import INDENT, Trace

MOMENT: Final = timedelta(microseconds=1)
ROWS_MAX: Final = 60  # of one count; of more, the first and the last are shown
MODES: Final = {
    "from_start": "",
    "from_change": " (the new target counts from the change; never later than before)",
    "keep_elapsed": " (what was used up is kept)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table. `cells`: what, seconds, sum."""

    begins: datetime
    ends: datetime
    cells: tuple[str, str, str]


def told(count: Trace, version: str, *, number: int = 0, until: str = "", change: str = "") -> Iterator[RenderableType]:
    """`version`: that the case is one of now. `number`: of several. `until`: when other terms took along what was used
    up; what this count would have had then matters to nobody. `change`: that it is of.
    """
    zone, calendar, hours = w.zone_of(count), count["calendar"], count["hours"]
    rows = [
        ("target", _target(count["target"])),
        ("hours", f"{hours['serve'].replace('_', ' ')}, {hours['rule']}{w.because(hours)}"),
        ("calendar", f"{calendar['name']}; times are of {calendar['zone']}{_since(_entries(calendar))}"),
        ("from", f"{w.local(count['from'], zone)}{MODES[count['how']]}{change}"),
    ]
    if count["credit_seconds"]:
        rows.append(("kept", f"{w.seconds(count['credit_seconds'])}, used up before under other terms"))
    if count["policy"] != version:
        rows.insert(0, ("version", f"{count['policy']} of the pack, which the case was one of then"))
    if number:
        yield Padding(f"Count {number}", INDENT)
    yield w.facts(rows)
    shown = _before(count, until) if until else count
    yield Padding(_table(_rows(shown, zone)), INDENT)
    yield w.facts([("sum", _sum(shown, zone, is_cut=bool(until)))])


def _since(days: list[Trace]) -> str:
    """Where hours were changed for good before this count, and not on the way."""
    begins = {day.get("since") for day in days}
    since = begins.pop() if len(begins) == 1 else None
    return f"; hours since {since}" if since else ""


def _target(target: Trace) -> str:
    source = "the case's own" if target["source"] == "case" else "of the pack"
    day = f", an ordinary day of {target['one_day_of']}" if "one_day_of" in target else ""
    return f"{w.seconds(target['seconds'])}{day}, {source}, {target['rule']}{w.because(target)}"


def _sum(count: Trace, zone: tzinfo, *, is_cut: bool) -> str:
    if is_cut:
        return f"{w.seconds(count['sum_seconds'])} until {w.local(count['ends_at'], zone)}, when the terms changed"
    if not count["reaches_target"]:
        return f"{w.seconds(count['sum_seconds'])}; no calendar reaches further than {count['ends_at']}"
    return f"{w.seconds(count['sum_seconds'])}, the target, at {w.local(count['ends_at'], zone)}"


def _before(count: Trace, until: str) -> Trace:
    """The part of a count that lies before a change."""
    end = datetime.fromisoformat(until)
    periods, total = [], count["credit_seconds"]
    for each in count["periods"]:
        begins, ends = (datetime.fromisoformat(each[edge]) for edge in ("from", "to"))
        if begins < end < ends:
            spent = (end - begins) / timedelta(seconds=1)
            spent = int(spent) if spent.is_integer() else spent
            periods.append({**each, "to": until, "seconds": spent, "sum_seconds": total + spent})
        elif begins < end:
            periods.append(each)
        total = periods[-1]["sum_seconds"] if periods else total
    return {**count, "periods": periods, "sum_seconds": total, "ends_at": until}


def _table(rows: list[Row]) -> Table:
    shown = [row.cells for row in sorted(rows, key=attrgetter("begins"))]
    if len(shown) > ROWS_MAX:
        half, left_out = ROWS_MAX // 2, len(shown) - ROWS_MAX
        shown = [*shown[:half], (f"… {left_out} more, see --json", "", ""), *shown[-half:]]
    table = Table("open", "seconds", "sum", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for cells in shown:
        table.add_row(*cells)
    return table


# --- rows -----------------------------------------------------------------------------------------------------------


def _rows(count: Trace, zone: tzinfo) -> list[Row]:
    """Of those that begin together, days come before what is on them."""
    calendar = count["calendar"]
    rows = [*_of_versions(_entries(calendar), zone), *(row for day in calendar["days"] for row in _of_day(day, zone))]
    rows += [_of_stretch(each, zone) for each in calendar.get("stretches", []) if "week" in each]
    for each in count["periods"]:
        words = f"{w.local(each['from'], zone)} to {w.local(each['to'], zone, since=each['from'])}"
        if "periods" in each:
            words += f", {w.number(each['periods'])} periods"
        rows.append(_row(each["from"], each["to"], words, w.number(each["seconds"]), w.number(each["sum_seconds"])))
    for each in calendar["interruptions"]:
        words = f"{w.local(each['from'], zone)} to {w.local(each['to'], zone, since=each['from'])}"
        rows.append(_row(each["from"], each["to"], f"{words} closed: {w.reason(each)}", "-"))
    for each in count["pauses"]:
        words = f"{w.local(each['from'], zone)} paused to {w.local(each['to'], zone, since=each['from'])}"
        rows.append(_row(each["from"], each["to"], words, "-"))
    for each in calendar["offset_changes"]:
        words = f"{w.local(each['at'], zone)} clocks go from {each['from']} to {each['to']}"
        rows.append(_row(each["at"], each["at"], words))
    begins, ends = (datetime.fromisoformat(count[edge]) for edge in ("from", "ends_at"))
    return [row for row in rows if row.begins < ends and begins < row.ends]


def _row(begins: str, ends: str, words: str, seconds: str = "", total: str = "") -> Row:
    opens, closes = datetime.fromisoformat(begins), datetime.fromisoformat(ends)
    return Row(begins=opens, ends=max(closes, opens + MOMENT), cells=(words, seconds, total))


def _entries(calendar: Trace) -> list[Trace]:
    """Days and, by their first one, stretches of like days, in order."""
    begun = [{**each, "date": each["from"]} for each in calendar.get("stretches", []) if "week" in each]
    found = [{**each, "weekday": f"{date.fromisoformat(each['date']):%a}"} for each in begun]
    return sorted([*calendar["days"], *found], key=itemgetter("date"))


def _of_stretch(stretch: Trace, zone: tzinfo) -> Row:
    """Weekdays with the same hours together."""
    by_hours: dict[str, list[str]] = {}
    for weekday, hours in stretch["week"].items():
        by_hours.setdefault(w.hours(hours) if hours else "closed", []).append(weekday)
    week = "; ".join(f"{' '.join(weekdays)} {hours}" for hours, weekdays in by_hours.items())
    first, last = (f"{date.fromisoformat(stretch[edge]):%a} {stretch[edge]}" for edge in ("from", "to"))
    words = f"{first} to {last}, {w.number(stretch['dates'])} days alike: {week}"
    return _on_wall({"date": stretch["from"]}, zone, "00:00", "24:00", words)


def _of_versions(days: list[Trace], zone: tzinfo) -> Iterator[Row]:
    """Where hours are changed for good."""
    for yesterday, today in pairwise(days):
        if yesterday.get("since") != today.get("since"):
            yield _on_wall(today, zone, "00:00", "24:00", f"{_name(today)} hours were changed; these hold from here on")


def _of_day(day: Trace, zone: tzinfo) -> Iterator[Row]:
    """What is not as on other days of its weekday."""
    closings, stated = day.get("closings", []), day["hours" if "hours" in day else "open"]
    instead = _instead(day["own_hours"]) if "own_hours" in day else ""
    if instead and stated:
        yield _on_wall(day, zone, "00:00", "24:00", f"{_name(day)} hours {w.hours(stated)}{instead}")
    if not day["open"]:
        why = f": {w.reasons(closings)}" if closings else "" if stated else instead
        yield _on_wall(day, zone, "00:00", "24:00", f"{_name(day)} closed{why}", "-")
        return
    for closing in closings:
        for begins, ends in closing["closed"]:
            if any(opens < ends and begins < closes for opens, closes in day["hours"]):
                words = f"{_name(day)} {begins} to {ends} closed: {w.reason(closing)}"
                yield _on_wall(day, zone, begins, ends, words, "-")


def _instead(own: Trace) -> str:
    ignored = f", though {w.reasons(own['ignores'])}" if own["ignores"] else ""
    return f" by the pack, instead of {w.hours(own['instead_of'])}{ignored}"


def _name(day: Trace) -> str:
    return f"{day['weekday']} {day['date']}"


def _on_wall(day: Trace, zone: tzinfo, begins: str, ends: str, words: str, seconds: str = "") -> Row:
    midnight = datetime.combine(date.fromisoformat(day["date"]), time(), zone)
    edges = (midnight + timedelta(hours=int(edge[:2]), minutes=int(edge[3:])) for edge in (begins, ends))
    opens, closes = (edge.astimezone(UTC) for edge in edges)
    return Row(begins=opens, ends=closes, cells=(words, seconds, ""))
