"""How the parts of an explanation read: times, durations, fields of a case, events, and what closes a calendar."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Any, Final

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table

from sla_monitor.config.zones import zone_named

Trace = dict[str, Any]

INDENT: Final = (0, 0, 0, 2)
PLAIN: Final = {True: "true", False: "false", None: "none"}


def facts(rows: Iterable[tuple[str, str]]) -> RenderableType:
    """Names and what there is to say of them, each as wide as it may be."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    return Padding(table, INDENT)


def zone_of(count: Trace) -> tzinfo:
    return zone_named(count["calendar"]["zone"])


def local(instant: str, zone: tzinfo, *, since: str = "") -> str:
    """`Mon 2026-01-05 09:00`, on the wall clock of the zone; without the date if `since` has the same one, and with the
    offset in an hour that comes twice.
    """
    moment = datetime.fromisoformat(instant).astimezone(zone)
    time = moment.strftime("%H:%M")
    if moment.second or moment.microsecond:
        time = moment.strftime("%H:%M:%S.%f").rstrip("0").rstrip(".")
    if moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset():
        time += moment.isoformat()[-6:]
    if since and datetime.fromisoformat(since).astimezone(zone).date() == moment.date():
        return time
    return f"{moment:%a %Y-%m-%d} {time}"


def seconds(duration: float) -> str:
    return f"{number(duration)} s"


def number(duration: float) -> str:
    return f"{duration:,}"


def because(document: Trace) -> str:
    asked = document["because"]
    return f", because {listed(asked)}" if asked else ", for all others"


def listed(fields: Trace) -> str:
    return ", ".join(f"{name} is {plain(value)}" for name, value in fields.items())


def plain(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(str, value)) + "]"
    if isinstance(value, dict):
        return ", ".join(f"{name} {plain(each)}" for name, each in value.items())
    return PLAIN[value] if isinstance(value, bool | None) else str(value)


def when(verdict: Trace, zone: tzinfo) -> str:
    at = f"; {local(verdict['at'], zone)}" if verdict["at"] else ""
    return at + (f", {by(verdict['by'])}" if verdict["by"] else "")


def by(event: Trace | None) -> str:
    return f"{event['type']} {event['id']} of {event['source']}" if event else "time, by the pack"


def run(number: int) -> str:
    """Behind the name of a clock; the first is the usual one."""
    return f", run {number}" if number > 1 else ""


def reason(closing: Trace) -> str:
    """What closes something, by its name. What only a lock has, no package or file names any more."""
    name, file = closing.get("name", ""), closing.get("file", "")
    match closing["kind"]:
        case "holiday":
            return name or "a holiday that only calendars.lock has"
        case "half_day":
            return f"{name or 'in calendars.lock'}, half day"
        case "closure":
            return f"{name or 'an event that only calendars.lock has'} ({file})"
        case "break":
            return "a break of this date in the pack"
        case _:
            return "by its calendar"


def reasons(closings: Iterable[Trace]) -> str:
    return "; ".join(reason(each) for each in closings)


def hours(pairs: Iterable[Iterable[str]]) -> str:
    """`09:00-12:00 13:00-17:00`."""
    return " ".join("-".join(pair) for pair in pairs) or "none"
