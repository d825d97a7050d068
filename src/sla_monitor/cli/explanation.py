"""The trace of `sla-monitor explain` in words. It only reads the trace: what is told is what `--json` says.

Over 300 lines: the words for all parts of one page are read side by side.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from typing import Any, Final

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sla_monitor.config.zones import zone_named
from sla_monitor.engine.dead import readable

Trace = dict[str, Any]

ROWS_MAX: Final = 60  # of one count; of more, the first and the last are shown
INDENT: Final = (0, 0, 0, 2)
HOW: Final = {
    "from_start": "counted from the start, as if it had always been so",
    "from_change": "the new target counts from the change; never later than before",
    "keep_elapsed": "what was used up is kept",
    "restored": "the deadline from before the downgrade returns",
    "started": "began to run",
    "ended": "ended",
    "stands": "no effect: it has ended or has its verdict",
}
VERDICTS: Final = {
    "running": "running, no verdict yet",
    "paused": "paused: no deadline until it goes on; counted as if it went on now",
    "breached": "breached: nothing came before the deadline; at the deadline itself is too late",
    "met": "met: in time",
    "met_late": "met late: at the deadline or after it",
    "cancelled": "ended without a verdict",
}
SILENCES: Final = {
    "waiting": "support waits",
    "broken": "broken: the silence reached its limit",
    "over": "over: the commitment was kept this time",
    "used_by_attempts": "attempts in a row that reached nobody came first; the silence counts no more",
    "nothing_follows": "nothing follows from a silence at this severity",
}


def show(trace: Trace) -> None:
    """On standard output, as wide as it is, without the blanks that fill tables up."""
    console = Console(markup=False, highlight=False)
    with console.capture() as captured:
        for part in told(_readable(trace)):
            console.print(part)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def _readable(told_of: Any) -> Any:
    """Producers choose the ids of events and cases: no terminal is to obey them."""
    if isinstance(told_of, dict):
        return {name: _readable(value) for name, value in told_of.items()}
    if isinstance(told_of, list):
        return [_readable(value) for value in told_of]
    return readable(told_of.encode("utf-8", "replace")) if isinstance(told_of, str) else told_of


def told(trace: Trace) -> Iterator[RenderableType]:
    """Part by part, for a console of any width."""
    yield Text.assemble((trace["case_id"], "bold"), f": {_status(trace)}; as of {trace['as_of']}")
    if trace["status"] == "never_opened":
        yield "No clock runs: the opening has not come, and these events wait for it."
        yield from (f"  {each['at']} {_by(each['by'])}" for each in trace["waiting_events"])
        return
    policy = trace["policy"]
    yield f"Policy {policy['name']} {policy['version']}; now {_listed(trace['case'])}."
    if trace["history_folded_before"]:
        yield f"What lies before {trace['history_folded_before']} was folded for good: only its result is known."
    yield from _coverage(trace)
    for life in trace["clocks"]:
        yield from _clock(life)
    for silence in trace["silences"]:
        yield from _silence(silence)
    yield from _effort(trace)
    yield from _changes(trace)
    yield from _downgrades(trace)
    yield from _clauses(trace)


def _status(trace: Trace) -> str:
    return {
        "never_opened": "never opened",
        "open": f"opened {trace.get('opened_at')}",
        "declined": f"opened {trace.get('opened_at')}, not served",
        "ended": f"opened {trace.get('opened_at')}, ended {trace.get('ended_at')}",
    }[trace["status"]]


def _heading(text: str) -> Iterator[RenderableType]:
    yield ""
    yield Text(text, style="bold")


def _facts(rows: Iterable[tuple[str, str]]) -> RenderableType:
    """Names and what there is to say of them, each as wide as it may be."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    return Padding(table, INDENT)


# --- clocks -------------------------------------------------------------------------------------------------------


def _clock(life: Trace) -> Iterator[RenderableType]:
    again = f", run {life['run']}" if life["run"] > 1 else ""
    again += f", generation {life['generation']}" if life["generation"] > 1 else ""
    zone = _zone(life["counts"][life["decisive_count"]])
    due_at = life["deadline"]
    due = "paused, no deadline" if due_at is None else f"deadline {_local(due_at, zone)} ({due_at})"
    yield from _heading(f"{life['clock']}{again}: {due}")
    if not life["promised"]:
        yield Padding("Tracked, not promised.", INDENT)
    for index, count in enumerate(life["counts"]):
        yield from _count(count, number=index + 1 if len(life["counts"]) > 1 else 0)
    if life["decisive_count"] != len(life["counts"]) - 1:
        yield Padding(f"Count {life['decisive_count'] + 1} ends first: a raise never moves a deadline later.", INDENT)
    yield _facts(_end_of(life, zone))


def _end_of(life: Trace, zone: tzinfo) -> Iterator[tuple[str, str]]:
    for each in life["warnings"]:
        yield "told", f"{each['level']} percent at {_local(each['at'], zone)}"
    for each in life["warnings_to_come"]:
        yield "to come", f"{each['level']} percent at {_local(each['at'], zone)}"
    if life["ended_at"]:
        yield "ended", f"{_local(life['ended_at'], zone)}, {_by(life['ended_by'])}"
    verdict = life["verdict"]
    words = VERDICTS[verdict["state"]]
    if "remaining_seconds" in verdict and verdict["state"] == "met":
        words += f", {_seconds(verdict['remaining_seconds'])} left"
    if "late_by_seconds" in verdict:
        words += f", by {_seconds(verdict['late_by_seconds'])}"
    yield "verdict", words


def _count(count: Trace, *, number: int = 0) -> Iterator[RenderableType]:
    zone, target, hours, calendar = _zone(count), count["target"], count["hours"], count["calendar"]
    source = "the case's own" if target["source"] == "case" else "of the pack"
    rows = [
        ("target", f"{_seconds(target['seconds'])}, {source}, {target['rule']}{_because(target)}"),
        ("hours", f"{hours['serve'].replace('_', ' ')}, {hours['rule']}{_because(hours)}"),
        ("calendar", f"{calendar['name']}; times are of {calendar['zone']}"),
        ("from", f"{_local(count['from'], zone)}{_mode(count)}"),
    ]
    if count["credit_seconds"]:
        rows.append(("kept", f"{_seconds(count['credit_seconds'])}, used up before under other terms"))
    if number:
        yield Padding(f"Count {number}", INDENT)
    yield _facts(rows)
    yield Padding(_periods(count, zone), INDENT)
    sum_ = f"{_seconds(count['sum_seconds'])}, the target, at {_local(count['ends_at'], zone)}"
    short = f"{_seconds(count['sum_seconds'])}; no calendar reaches further than {count['ends_at']}"
    yield _facts([("sum", sum_ if count["reaches_target"] else short)])


def _mode(count: Trace) -> str:
    return f" ({HOW[count['how']]})" if count["how"] != "from_start" else ""


def _periods(count: Trace, zone: tzinfo) -> RenderableType:
    """What was open, what was closed and where the clocks were changed, in the order of time."""
    rows: list[tuple[str, tuple[str, str, str]]] = []
    for each in count["periods"]:
        words = f"{_local(each['from'], zone)} to {_local(each['to'], zone, since=each['from'])}"
        rows.append((_local_key(each["from"], zone), (words, _number(each["seconds"]), _number(each["sum_seconds"]))))
    rows += [
        (day["date"], (f"{day['weekday']} {day['date']} {day.get('holiday', 'closed')}", "-", ""))
        for day in count["calendar"]["days"]
        if not day["open"]
    ]
    for each in count["pauses"]:
        words = f"{_local(each['from'], zone)} paused to {_local(each['to'], zone, since=each['from'])}"
        rows.append((_local_key(each["from"], zone), (words, "-", "")))
    for change in count["calendar"]["offset_changes"]:
        words = f"{_local(change['at'], zone)} clocks go from {change['from']} to {change['to']}"
        rows.append((_local_key(change["at"], zone), (words, "", "")))
    rows.sort(key=lambda row: row[0])
    if len(rows) > ROWS_MAX:
        half, left_out = ROWS_MAX // 2, len(rows) - ROWS_MAX
        rows = [*rows[:half], ("", (f"… {left_out} more, see --json", "", "")), *rows[-half:]]
    table = Table("open", "seconds", "sum", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for _, row in rows:
        table.add_row(*row)
    return table


# --- the rest -------------------------------------------------------------------------------------------------------


def _coverage(trace: Trace) -> Iterator[RenderableType]:
    found = trace["coverage"]
    if found is not None and found["outcome"] != "covered":
        yield f"Coverage: {found['outcome']} by {found['rule']}{_because(found)}. {found['advice']}"


def _silence(silence: Trace) -> Iterator[RenderableType]:
    count = silence["count"]
    zone = _zone(count)
    limit = "no limit" if silence["deadline"] is None else f"limit {_local(silence['deadline'], zone)}"
    yield from _heading(f"{silence['clock']}: support waits since {_local(silence['since'], zone)}, {limit}")
    yield from _count(count)
    rows = [("waits", _by(silence["by"]))]
    if silence["not_before"] != silence["since"]:
        rows.append(("changed", f"its terms changed {_local(silence['not_before'], zone)}; not broken before that"))
    rows.append(("verdict", SILENCES[silence["verdict"]["state"]] + _when(silence["verdict"], zone)))
    yield _facts(rows)


def _effort(trace: Trace) -> Iterator[RenderableType]:
    effort = trace["effort"]
    if effort is not None:
        worked, limit = _seconds(effort["worked_seconds"]), _seconds(effort["limit_seconds"])
        yield from _heading(f"engineer time: {worked} of {limit}")
        yield _facts([("limit", f"{effort['rule']}{_because(effort)}"), ("then", effort["advice"])])


def _changes(trace: Trace) -> Iterator[RenderableType]:
    if not trace["changes"]:
        return
    yield from _heading("changes")
    for change in trace["changes"]:
        fields = ", ".join(f"{name} {_value(old)} → {_value(new)}" for name, (old, new) in change["fields"].items())
        yield Padding(f"{change['at']} {fields}; {_by(change['by'])}", INDENT)
        for effect in change["effects"]:
            rule = f", {effect['rule']}" if "rule" in effect else ""
            moved = f": {effect['old_deadline'] or 'none'} → {effect['new_deadline'] or 'none'}"
            same = effect["old_deadline"] == effect["new_deadline"]
            again = f", run {effect['run']}" if effect["run"] > 1 else ""
            words = f"{effect['clock']}{again}: {HOW[effect['how']]}{rule}{'' if same else moved}"
            yield Padding(words, (0, 0, 0, 4))


def _downgrades(trace: Trace) -> Iterator[RenderableType]:
    if not trace["downgrades"]:
        return
    yield from _heading("downgrades")
    for each in trace["downgrades"]:
        yield Padding(f"{each['at']} {each['type']} {each['from']} → {each['to']}, {each['rule']}", INDENT)
        yield Padding(f"evidence: {_evidence(each['evidence'])}", (0, 0, 0, 4))


def _evidence(evidence: Trace) -> str:
    known = {name: value for name, value in evidence.items() if name != "events"}
    events = ", ".join(f"{each['id']} of {each['source']}" for each in evidence.get("events", []) if each)
    return "; ".join([*(f"{name} {_value(value)}" for name, value in known.items()), *([events] if events else [])])


def _clauses(trace: Trace) -> Iterator[RenderableType]:
    yield from _heading("rules")
    yield _facts((rule, f"{said['clause']} ({said['origin']})") for rule, said in trace["rules"].items())


# --- words ----------------------------------------------------------------------------------------------------------


def _zone(count: Trace) -> tzinfo:
    return zone_named(count["calendar"]["zone"])


def _local(instant: str, zone: tzinfo, *, since: str = "") -> str:
    """`Mon 2026-01-05 09:00`, on the wall clock of the zone; without the date if `since` has the same one."""
    moment = datetime.fromisoformat(instant).astimezone(zone)
    time = moment.strftime("%H:%M")
    if moment.second or moment.microsecond:
        time = moment.strftime("%H:%M:%S.%f").rstrip("0").rstrip(".")
    if since and datetime.fromisoformat(since).astimezone(zone).date() == moment.date():
        return time
    return f"{moment:%a %Y-%m-%d} {time}"


def _local_key(instant: str, zone: tzinfo) -> str:
    return datetime.fromisoformat(instant).astimezone(zone).isoformat()


def _seconds(value: float) -> str:
    return f"{_number(value)} s"


def _number(value: float) -> str:
    return f"{value:,}"


def _because(document: Trace) -> str:
    asked = document["because"]
    return f", because {_listed(asked)}" if asked else ", for all others"


def _listed(fields: Trace) -> str:
    return ", ".join(f"{name} is {_value(value)}" for name, value in fields.items())


def _value(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(str, value)) + "]"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(each)}" for name, each in value.items())
    return (
        {True: "true", False: "false", None: "none"}.get(value, str(value))
        if isinstance(value, bool | None)
        else str(value)
    )


def _when(verdict: Trace, zone: tzinfo) -> str:
    at = f"; {_local(verdict['at'], zone)}" if verdict["at"] else ""
    return at + (f", {_by(verdict['by'])}" if verdict["by"] else "")


def _by(event: Trace | None) -> str:
    return f"{event['type']} {event['id']} of {event['source']}" if event else "time, by the pack"
