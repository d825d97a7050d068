"""An overview of the board on a terminal: one frame, or what is new as lines. No watch: how long ago it was said is an
argument.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sla_monitor.board.models import Clock, Downgrade, Overview
from sla_monitor.core.facts import SECOND
from sla_monitor.demo import view
from sla_monitor.demo.words import spoken
from sla_monitor.engine.dead import readable
from sla_monitor.wire import rfc3339

LINES_AROUND: Final = 9  # titles, headings, counts, the end of a frame, and the cursor
ROWS_MIN: Final = 4
WAITING_SHOWN_MAX: Final = 5
BREACHED_SHARE: Final = 3  # a third of the rows, at most, is for what is broken already


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a frame shows besides. `lost`: why there is no connection, "" while there is one."""

    url: str
    passed_seconds: float
    lost: str = ""
    lines: int = 24


def frame(overview: Overview, scene: Scene) -> RenderableType:
    """Everything, as long after it was said as `scene` says."""
    rows = max(2 * ROWS_MIN, scene.lines - LINES_AROUND)
    waiting = overview.downgrades[: min(WAITING_SHOWN_MAX, rows // 3)]
    rows -= len(waiting) + 2 if waiting else 0
    parts: list[RenderableType] = [_counts(overview), Text(), _clocks(overview, scene, rows)]
    if waiting:
        parts += [Text(), _downgrades(waiting)]
    return Group(*parts, Text(), _footer(overview, scene))


def news(before: Overview | None, now: Overview) -> Iterator[str]:
    """A line for each clock that is broken, each downgrade that waits, and each partition that is missing now and was
    not before.
    """
    if before is None:
        yield f"{now.now[11:19]}  {_summary(now)}"
    known = {(each.case_id, each.clock) for each in before.breached} if before else set()
    for clock in reversed(now.breached):
        if (clock.case_id, clock.clock) not in known:
            yield f"{now.now[11:19]}  {_who(clock)}: {_plain(clock.clock)} BREACHED, due {clock.deadline}"
    recommended = {each.recommendation for each in before.downgrades} if before else set()
    for downgrade in now.downgrades:
        if downgrade.recommendation not in recommended:
            step = f"{downgrade.from_} to {downgrade.to}"
            yield f"{now.now[11:19]}  {_safe(downgrade.case_id)}: downgrade from {step} waits for a person"
    missing = _missing(now)
    if missing != (_missing(before) if before else ""):
        yield f"{now.now[11:19]}  {missing or 'every partition answers'}"


def lost(why: str) -> str:
    return f"not connected: {why}; trying again"


def _summary(overview: Overview) -> str:
    counts = overview.counts
    return (
        f"{counts.open} cases open, {counts.running} clocks running, {counts.at_risk} at risk, "
        f"{counts.breached} breached, {counts.paused} paused, {counts.downgrades_waiting} downgrades waiting"
    )


def _counts(overview: Overview) -> Text:
    counts = overview.counts
    return Text.assemble(
        (overview.deployment, "bold"),
        f"   {counts.open} cases · {counts.running} clocks running · ",
        (f"{counts.at_risk} at risk", view.SOON),
        " · ",
        (f"{counts.breached} breached", view.URGENT),
        f" · {counts.paused} paused · ",
        (f"{counts.downgrades_waiting} downgrades waiting", "magenta"),
        overflow="ellipsis",
        no_wrap=True,
    )


def _clocks(overview: Overview, scene: Scene, rows: int) -> Table:
    table = view.a_table("Nearest deadlines", "Case", "Customer", "Severity", "Plan", "Clock", "Time left")
    table.columns[-1].justify = "right"
    broken = overview.breached[: max(1, rows // BREACHED_SHARE)]
    for clock in [*broken, *overview.nearest[: max(1, rows - len(broken))]]:
        table.add_row(
            _safe(clock.case_id),
            _short(clock.customer),
            _safe(clock.severity),
            _plain(clock.plan),
            _plain(clock.clock),
            _left(clock, scene.passed_seconds),
        )
    return table


def _left(clock: Clock, passed_seconds: float) -> Text:
    """By the worker's clock: what was left when it was said, less what has passed since."""
    left = ((clock.remaining_seconds or 0.0) - passed_seconds) * SECOND
    opened_at, due_at = rfc3339.parse_any(clock.opened_at), rfc3339.parse_any(clock.deadline or clock.opened_at)
    return view.time_left(left, left / max(1, due_at - opened_at), is_broken=clock.state == "breached")


def _downgrades(waiting: list[Downgrade]) -> Table:
    table = view.a_table("Downgrades that wait for a person", "Case", "Customer", "Step", "Rule", "Since")
    for each in waiting:
        table.add_row(
            _safe(each.case_id), _short(each.customer), f"{each.from_} → {each.to}", each.rule, f"{each.since[:19]}Z"
        )
    return table


def _footer(overview: Overview, scene: Scene) -> Text:
    if scene.lost:
        ago = spoken(scene.passed_seconds * SECOND)
        return Text(f"NOT CONNECTED: {scene.lost}; this was so {ago} ago", style=view.BROKEN, no_wrap=True)
    missing = _missing(overview)
    text = Text(no_wrap=True)
    if missing:
        text.append(f"{missing}\n", style=view.URGENT)
    return text.append(f"board: {scene.url}/   Ctrl-C ends it", style="dim")


def _missing(overview: Overview) -> str:
    """Which partitions are not in it, by how they are."""
    found: dict[str, list[str]] = {}
    for each in overview.partitions:
        if not each.answered or each.state == "stopped":
            found.setdefault(each.state, []).append(str(each.partition))
    parts = [f"{', '.join(numbers)} {state}" for state, numbers in sorted(found.items())]
    return f"incomplete: partition {'; '.join(parts)}" if parts else ""


def _who(clock: Clock) -> str:
    return _safe(clock.case_id) + (f"  {_safe(clock.customer)}" if clock.customer else "")


def _plain(name: str) -> str:
    return _safe(name).replace("_", " ")


def _short(name: str) -> str:
    return view.shortened(_safe(name))


def _safe(text: str) -> str:
    """Producers choose it: no terminal is to obey it."""
    return readable(text.encode("utf-8", "replace")) or ""
