"""The trace of `sla-monitor explain` in words. It only reads the trace: what is told is what `--json` says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import tzinfo
from io import StringIO
from typing import Any, Final

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from sla_monitor.cli import explained_counts as counts
from sla_monitor.cli import explained_words as w
from sla_monitor.cli.explained_words import INDENT, Trace
from sla_monitor.engine.dead import readable

PAGE_CHARACTERS: Final = 100
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
    sys.stdout.write("".join(f"{line}\n" for line in _lines(trace, Console(markup=False, highlight=False))))


def lines(trace: Trace) -> list[str]:
    """The same without a terminal: no colours, and as wide as a page of text."""
    return _lines(
        trace, Console(markup=False, highlight=False, width=PAGE_CHARACTERS, color_system=None, file=StringIO())
    )


def _lines(trace: Trace, console: Console) -> list[str]:
    with console.capture() as captured:
        for part in told(_readable(trace)):
            console.print(part)
    return [line.rstrip() for line in captured.get().splitlines()]


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
        yield from (f"  {each['at']} {w.by(each['by'])}" for each in trace["waiting_events"])
        return
    policy = trace["policy"]
    yield f"Policy {policy['name']} {policy['version']}; now {w.listed(trace['case'])}."
    if trace["history_folded_before"]:
        yield f"What lies before {trace['history_folded_before']} was folded for good: only its result is known."
    yield from _coverage(trace)
    for life in trace["clocks"]:
        yield from _clock(life, policy["version"], trace["changes"])
    for silence in trace["silences"]:
        yield from _silence(silence, policy["version"])
    yield from _effort(trace)
    yield from _changes(trace)
    yield from _downgrades(trace)
    yield from _story(trace)
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


# --- clocks -------------------------------------------------------------------------------------------------------


def _clock(life: Trace, version: str, changes: list[Trace]) -> Iterator[RenderableType]:
    again = w.run(life["run"]) + (f", generation {life['generation']}" if life["generation"] > 1 else "")
    zone = w.zone_of(life["counts"][life["decisive_count"]])
    due_at = life["deadline"]
    due = "paused, no deadline" if due_at is None else f"deadline {w.local(due_at, zone)} ({due_at})"
    yield from _heading(f"{life['clock']}{again}: {due}")
    if not life["promised"]:
        yield Padding("Tracked, not promised.", INDENT)
    for index, count in enumerate(life["counts"]):
        after = life["counts"][index + 1] if index + 1 < len(life["counts"]) else count
        until = after["from"] if after["how"] == "keep_elapsed" and after is not count else ""
        number = index + 1 if len(life["counts"]) > 1 else 0
        change = "" if count["change"] is None else f", {w.by(changes[count['change']]['by'])}"
        yield from counts.told(count, version, number=number, until=until, change=change)
    if life["decisive_count"] != len(life["counts"]) - 1:
        yield Padding(f"Count {life['decisive_count'] + 1} ends first: a raise never moves a deadline later.", INDENT)
    yield w.facts(_end_of(life, zone))


def _pause(pause: Trace, zone: tzinfo) -> str:
    begun = f", {w.by(pause['by'])}" if pause["by"] else ""
    if pause["to"] is None:
        return f"since {w.local(pause['from'], zone)}{begun}"
    ended = f"; {w.by(pause['ended_by'])}" if pause["ended_by"] else ""
    return f"{w.local(pause['from'], zone)} to {w.local(pause['to'], zone, since=pause['from'])}{begun}{ended}"


def _end_of(life: Trace, zone: tzinfo) -> Iterator[tuple[str, str]]:
    if life["started_by"]:
        yield "began", f"{w.local(life['started_at'], zone)}, {w.by(life['started_by'])}"
    for each in life["pauses"]:
        yield "paused", _pause(each, zone)
    for each in life["warnings"]:
        of = "" if each["deadline"] == life["deadline"] else f", of a deadline {w.local(each['deadline'], zone)}"
        yield "told", f"{each['level']} percent at {w.local(each['at'], zone)}{of}"
    for each in life["warnings_to_come"]:
        yield "to come", f"{each['level']} percent at {w.local(each['at'], zone)}"
    if life["ended_at"]:
        yield "ended", f"{w.local(life['ended_at'], zone)}, {w.by(life['ended_by'])}"
    verdict = life["verdict"]
    words = VERDICTS[verdict["state"]]
    if "remaining_seconds" in verdict and verdict["state"] == "met":
        words += f", {w.seconds(verdict['remaining_seconds'])} left"
    if "late_by_seconds" in verdict:
        words += f", by {w.seconds(verdict['late_by_seconds'])}"
    yield "verdict", words


# --- the rest -------------------------------------------------------------------------------------------------------


def _coverage(trace: Trace) -> Iterator[RenderableType]:
    found = trace["coverage"]
    if found is not None:
        tracked = "" if found["promised"] or found["outcome"] == "declined" else ", tracked and not promised"
        told = f"Coverage: {found['outcome']}{tracked} by {found['rule']}{w.because(found)}. {found['advice']}"
        yield told.rstrip()


def _silence(silence: Trace, version: str) -> Iterator[RenderableType]:
    count = silence["count"]
    zone = w.zone_of(count)
    limit = "no limit" if silence["deadline"] is None else f"limit {w.local(silence['deadline'], zone)}"
    yield from _heading(f"{silence['clock']}: support waits since {w.local(silence['since'], zone)}, {limit}")
    yield from counts.told(count, version)
    rows = [("waits", w.by(silence["by"]))]
    if silence["not_before"] != silence["since"]:
        rows.append(("changed", f"its terms changed {w.local(silence['not_before'], zone)}; not broken before that"))
    rows.append(("verdict", SILENCES[silence["verdict"]["state"]] + w.when(silence["verdict"], zone)))
    yield w.facts(rows)


def _effort(trace: Trace) -> Iterator[RenderableType]:
    effort = trace["effort"]
    if effort is not None:
        worked, limit = w.seconds(effort["worked_seconds"]), w.seconds(effort["limit_seconds"])
        yield from _heading(f"engineer time: {worked} of {limit}")
        yield w.facts([("limit", f"{effort['rule']}{w.because(effort)}"), ("then", effort["advice"])])


def _changes(trace: Trace) -> Iterator[RenderableType]:
    if not trace["changes"]:
        return
    yield from _heading("changes")
    for change in trace["changes"]:
        fields = ", ".join(f"{name} {w.plain(old)} → {w.plain(new)}" for name, (old, new) in change["fields"].items())
        yield Padding(f"{change['at']} {fields}; {w.by(change['by'])}", INDENT)
        for effect in change["effects"]:
            yield Padding(f"{effect['clock']}{w.run(effect['run'])}: {_effect(effect)}", (0, 0, 0, 4))


def _effect(effect: Trace) -> str:
    old, new = effect["old_deadline"], effect["new_deadline"]
    rule = f", {effect['rule']}" if "rule" in effect else ""
    if effect["how"] in {"stands", "ended"}:
        return HOW[effect["how"]]
    if old == new:
        stays = "no deadline while it is paused" if old is None else f"the deadline stays {old}"
        return f"{HOW[effect['how']]}{rule}; {stays}"
    return f"{HOW[effect['how']]}{rule}: {old or 'none'} → {new or 'none'}"


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
    return "; ".join([*(f"{name} {w.plain(value)}" for name, value in known.items()), *([events] if events else [])])


def _story(trace: Trace) -> Iterator[RenderableType]:
    """What was decided besides, of coverage, contact, effort, scripts and reopening; clocks are told above."""
    others = [each for each in trace["story"] if each["type"].partition(".")[0] not in {"sla", "severity"}]
    if not others:
        return
    yield from _heading("also decided")
    for each in others:
        yield Padding(f"{each['at']} {each['type']}, {each['rule']}; {w.by(each['by'])}", INDENT)
        for more in filter(None, (each.get("advice", ""), ", ".join(each.get("failed", [])))):
            yield Padding(more, (0, 0, 0, 4))


def _clauses(trace: Trace) -> Iterator[RenderableType]:
    yield from _heading("rules")
    yield w.facts((rule, _clause(said)) for rule, said in trace["rules"].items())


def _clause(said: Trace) -> str:
    earlier = "".join(f" Version {version}: {clause}" for version, clause in said.get("earlier", {}).items())
    return f"{said['clause']} ({said['origin']}){earlier}"
