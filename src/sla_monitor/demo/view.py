"""The demo on a terminal: one frame from the ledger, at an instant. Needs rich, and no watch: `now` is an argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from sla_monitor.core import notices as n
from sla_monitor.demo.ledger import Ledger, RunningClock
from sla_monitor.demo.words import in_words, spoken

LINES_AROUND: Final = 12  # titles, headings, counts, the end of a frame, and the cursor
ROWS_MIN: Final = 3
BROKEN_MAX: Final = 3
NAME_CHARACTERS_MAX: Final = 22
SHARE_URGENT, SHARE_SOON = 0.1, 0.25  # of a deadline's time; as the plan's warnings

CALM, SOON, URGENT, BROKEN = "green", "yellow", "red", "bold red"
STYLES: Final = {
    n.WARNING: "yellow",
    n.BREACHED: BROKEN,
    n.OVERDUE: "red",
    n.MET: "green",
    n.RETRACTED: "bold cyan",
    n.DOWNGRADE_RECOMMENDED: "bold magenta",
    n.DOWNGRADED: "magenta",
    n.RESTORED: "magenta",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a frame shows besides the ledger. `customers`: name by case; `left`: microseconds until the demo ends by
    itself, None if it does not; `lines`: of the terminal.
    """

    customers: Mapping[str, str]
    metrics: str
    speed: float
    left: int | None = None
    lines: int = 24


def pace(speed: float) -> str:
    """How fast the plan runs, in words."""
    return f"one hour of the plan takes {spoken(3_600_000_000 / speed)} here; opening hours are the real ones"


def addresses(metrics: str) -> str:
    """Where the worker's pages are."""
    return f"board: {metrics.removesuffix('metrics')}   metrics: {metrics}"


def frame(ledger: Ledger, scene: Scene, now: int) -> RenderableType:
    """Everything at `now`."""
    rows = max(2 * ROWS_MIN, scene.lines - LINES_AROUND)
    deadlines = rows // 2
    return Group(
        _counts(ledger),
        Text(),
        _deadlines(ledger, scene, now, deadlines),
        Text(),
        _latest(ledger, scene, rows - deadlines),
        Text(),
        _footer(scene),
    )


def line(notice: Mapping[str, Any], scene: Scene) -> Text:
    """One notice where there is no terminal to draw on."""
    text = Text(f"{notice['time'][11:19]}  {notice['subject']}  {_name(scene, notice['subject'])}: ")
    return text.append(in_words(notice), style=STYLES.get(notice["type"], ""))


def summary(ledger: Ledger) -> Text:
    """What was seen, at the end."""
    counts = ledger.counts
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(ledger.kinds.items())) or "no notice"
    return Text(
        f"seen: {kinds}\n"
        f"in the end: met {counts.met}, met too late {counts.met_late}, breached {counts.breached}, "
        f"downgrades recommended {counts.downgrades}; taken back {counts.retracted}, dead letters {counts.dead}"
    )


def _counts(ledger: Ledger) -> Text:
    counts = ledger.counts
    return Text.assemble(
        ("sla-monitor demo", "bold"),
        f"   {counts.running} clocks running · ",
        (f"{counts.met} met", CALM),
        f" · {counts.met_late} met late · ",
        (f"{counts.breached} breached", URGENT),
        " · ",
        (f"{counts.retracted} taken back", "cyan"),
        f" · {counts.dead} dead letters",
        overflow="ellipsis",
        no_wrap=True,
    )


def _deadlines(ledger: Ledger, scene: Scene, now: int, rows: int) -> Table:
    table = a_table("Nearest deadlines", "Case", "Customer", "Severity", "Plan", "Clock", "Time left")
    table.columns[-1].justify = "right"
    broken = ledger.broken()[:BROKEN_MAX]
    for clock in [*broken, *ledger.nearest()[: rows - len(broken)]]:
        table.add_row(
            clock.case_id,
            _name(scene, clock.case_id),
            clock.severity,
            clock.plan.replace("_", " "),
            clock.clock.replace("_", " "),
            _left(clock, now),
        )
    return table


def _left(clock: RunningClock, now: int) -> Text:
    return time_left((clock.deadline or now) - now, clock.share_left(now), is_broken=clock.is_broken)


def time_left(left: float, share: float, *, is_broken: bool) -> Text:
    """Microseconds until a deadline, and how much that is of all the time there was."""
    if is_broken:
        return Text(f"{spoken(-left)} over", style=BROKEN)
    if left <= 0:
        return Text("now", style=URGENT)
    style = URGENT if share <= SHARE_URGENT else SOON if share <= SHARE_SOON else CALM
    return Text(spoken(left), style=style)


def _latest(ledger: Ledger, scene: Scene, rows: int) -> Table:
    table = a_table("Latest notices", "UTC", "Case", "Customer", "")
    table.expand, table.columns[-1].ratio = True, 1  # words that are too long take nothing from the other columns
    for notice in list(ledger.latest)[:rows]:
        words = Text(in_words(notice), style=STYLES.get(notice["type"], ""), overflow="ellipsis", no_wrap=True)
        table.add_row(notice["time"][11:19], notice["subject"], _name(scene, notice["subject"]), words)
    return table


def _footer(scene: Scene) -> Text:
    end = "Ctrl-C ends it" if scene.left is None else f"ends in {spoken(max(0, scene.left))}, or with Ctrl-C"
    return Text(f"{pace(scene.speed)}\n{addresses(scene.metrics)}\n{end}", style="dim", no_wrap=True)


def a_table(title: str, *headings: str) -> Table:
    table = Table(box=None, pad_edge=False, title=title, title_justify="left", title_style="bold", header_style="dim")
    for heading in headings:
        table.add_column(heading, no_wrap=True, overflow="ellipsis")
    return table


def _name(scene: Scene, case_id: str) -> str:
    return shortened(scene.customers.get(case_id, ""))


def shortened(name: str) -> str:
    """So that it takes nothing from other columns."""
    return name if len(name) <= NAME_CHARACTERS_MAX else f"{name[: NAME_CHARACTERS_MAX - 1]}…"
