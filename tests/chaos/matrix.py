"""The crash matrix: a worker dies at each named point while it deals with each kind of trigger; what the next one says
must be right, once.

One cell is one world: state from before, a worker that is to die, the trigger, a clean worker. Many run at a time,
for most of a cell is waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from sla_monitor.engine.crash import POINTS
from tests.chaos.judge import settled, shown
from tests.chaos.scene import a_scene, answer, garbage, opening, settle_state
from tests.kafka.world import SECOND, Event, WorkerProcess, World, event, eventually, now, patched

Trigger = Literal["event", "timer", "overdue", "dead letter"]
TRIGGERS: Final[tuple[Trigger, ...]] = ("event", "timer", "overdue", "dead letter")

UNREACHABLE: Final[dict[tuple[str, Trigger], str]] = {
    ("fold.before", "timer"): "a deadline that falls due folds no record",
    ("fold.after", "timer"): "a deadline that falls due folds no record",
}

AT_ONCE: Final = 6  # cells; two processes each, mostly waiting
DIES_WITHIN_SECONDS: Final = 60.0
JUDGED_WITHIN_SECONDS: Final = 60.0
ORPHAN_SECONDS: Final = 3
TRIGGER_EVERY_SECONDS: Final = 0.1
EXIT_KILLED: Final = -9

# The crash point counts from the moment a file is there: what a worker does to become ready is no trigger.
GATED: Final = """
import os
from sla_monitor.engine import crash
arm = crash.arm
def arm_once_told(environment):
    arm(environment)
    reached = crash._reached
    crash.at_points(lambda here: os.path.exists({gate!r}) and reached(here))
crash.arm = arm_once_told
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One crash point under one trigger."""

    point: str
    trigger: Trigger

    @property
    def family(self) -> str:
        return self.point.partition(".")[0]

    @property
    def needs_rebalance(self) -> bool:
        """Closing also comes with SIGTERM: the two take turns."""
        return self.family in {"suspend", "resume"} or (
            self.family == "close" and self.trigger in {"overdue", "dead letter"}
        )

    @property
    def is_told(self) -> bool:
        """Whether it dies only after the trigger; else already while it starts, with the trigger waiting for it."""
        return self.family != "open" and (self.trigger != "overdue" or self.family in {"suspend", "resume", "close"})

    @property
    def time(self) -> int:
        """At the how-manieth: the first commit of a worker only asks for the broker's time, the next is overdue's."""
        return 2 if self.family == "commit" and self.trigger == "overdue" else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`problems`: what the judge found, or that it did not come to the crash."""

    cell: Cell
    seconds: float
    problems: str = ""


def full() -> list[Cell]:
    """Every combination that can be."""
    return [
        Cell(point=point, trigger=trigger)
        for point in POINTS
        for trigger in TRIGGERS
        if (point, trigger) not in UNREACHABLE
    ]


def short() -> list[Cell]:
    """Each point once, the triggers in turn."""
    cells = []
    for number, point in enumerate(POINTS):
        turn = TRIGGERS[number % len(TRIGGERS) :] + TRIGGERS[: number % len(TRIGGERS)]
        trigger = next(each for each in turn if (point, each) not in UNREACHABLE)
        cells.append(Cell(point=point, trigger=trigger))
    return cells


async def run(bootstrap: str, cells: Iterable[Cell], at_once: int = AT_ONCE) -> list[Outcome]:
    """All of them, in the order given."""
    turn = asyncio.Semaphore(at_once)

    async def one(cell: Cell) -> Outcome:
        async with turn:
            began = time.monotonic()
            try:
                problems = await _play(bootstrap, cell)
            except Exception as error:  # noqa: BLE001 - one cell does not end the others
                problems = f"{type(error).__name__}: {error}"
            return Outcome(cell=cell, seconds=time.monotonic() - began, problems=problems)

    return list(await asyncio.gather(*map(one, cells)))


def table(outcomes: Iterable[Outcome]) -> str:
    """Points down, triggers across; seconds from the world's begin to the judge's word."""
    found = {(each.cell.point, each.cell.trigger): each for each in outcomes}
    lines = ["| point | " + " | ".join(TRIGGERS) + " |", "|---" * (len(TRIGGERS) + 1) + "|"]
    for point in POINTS:
        words = []
        for trigger in TRIGGERS:
            outcome = found.get((point, trigger))
            if outcome is None:
                words.append("cannot be" if (point, trigger) in UNREACHABLE else "")
            else:
                words.append(f"{'WRONG' if outcome.problems else 'ok'} {outcome.seconds:.0f} s")
        lines.append(f"| {point} | " + " | ".join(words) + " |")
    return "\n".join(lines)


# --- one cell -----------------------------------------------------------------------------------------------------


async def _play(bootstrap: str, cell: Cell) -> str:
    partitions = 2 if cell.needs_rebalance else 1
    async with a_scene(bootstrap, partitions=partitions, SLA_ORPHAN_SECONDS=str(ORPHAN_SECONDS)) as world:
        await _history(world, cell)
        victim, clean = await _crash(world, cell)
        if victim.exit_code != EXIT_KILLED:
            return f"exit code {victim.exit_code}\n{victim.end_of_log()}"
        clean = clean or world.start()
        await clean.ready(partitions=partitions)
        problems = await settled(world, now(), JUDGED_WITHIN_SECONDS)
        return f"{shown(problems)}\n{world.ends_of_logs()}" if problems else ""


async def _history(world: World, cell: Cell) -> None:
    """Cases the state knows: one that is quiet, one that is answered, and what the trigger is about."""
    began = now()
    known = [opening(3_600, began) for _ in range(4)]
    await world.send(*known, answer(known[0], began + SECOND // 10))
    waiting: list[Event] = []
    if cell.trigger == "timer" and not cell.is_told:
        await world.send(*(opening(seconds) for seconds in (2, 3, 4, 6)))
    if cell.trigger == "overdue":
        overdue = [opening(5, began - 12 * SECOND) for _ in range(4)]
        await world.send(*overdue)
        if cell.family != "commit":  # its count is of commits: a backlog would add one
            waiting = [answer(each, began - 10 * SECOND) for each in overdue[:2]]
    await settle_state(world)
    if not cell.is_told:
        waiting += list(_sent(cell)) + ([answer(known[1])] if cell.trigger == "event" else [])
    await world.send(*waiting)


async def _crash(world: World, cell: Cell) -> tuple[WorkerProcess, WorkerProcess | None]:
    """The worker that died, and the clean one if it has begun."""
    gate = world.folder / "gate"
    armed = {"SLA_CRASH_AT": f"{cell.point}:{cell.time}"}
    if not cell.is_told:
        victim = world.start(**armed)
        await victim.ended(DIES_WITHIN_SECONDS)
        return victim, None
    victim = world.start(patched(GATED.format(gate=str(gate))), **armed)
    if cell.trigger == "overdue":  # in the middle of it, if it comes to that
        await eventually(lambda: "assigned" in victim.text, victim.end_of_log, DIES_WITHIN_SECONDS)
    else:
        await victim.ready(partitions=world.partitions)
    async with _triggered(world, cell, gate):
        clean = world.start() if cell.needs_rebalance else None
        if cell.family == "close" and clean is None:
            await asyncio.sleep(5 * TRIGGER_EVERY_SECONDS)
            victim.terminate()
        await victim.ended(DIES_WITHIN_SECONDS)
    return victim, clean


@contextlib.asynccontextmanager
async def _triggered(world: World, cell: Cell, gate: Path) -> AsyncIterator[None]:
    """The trigger again and again until the block ends; the crash point counts from before its first effect."""
    if cell.family in {"watermark", "fire", "commit"} and cell.trigger in {"timer", "dead letter"}:
        await world.send(*_sent(cell))  # what lies in the future is committed first, with the gate still closed
        await world.caught_up()
    await asyncio.to_thread(gate.touch)

    async def again() -> None:
        while True:
            await world.send(*_sent(cell))
            await asyncio.sleep(TRIGGER_EVERY_SECONDS)

    repeated = cell.family in {"suspend", "resume", "close"}
    task = asyncio.ensure_future(again() if repeated else world.send(*_once(cell)))
    try:
        yield
    finally:
        if repeated:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _once(cell: Cell) -> Iterator[Event]:
    """What has its effect at once; a timer has been sent already."""
    if cell.trigger == "event" or (cell.trigger == "dead letter" and cell.family not in {"watermark", "fire"}):
        yield from _sent(cell)


def _sent(cell: Cell) -> Iterator[Event]:
    """One round of the trigger."""
    match cell.trigger:
        case "event":
            moves_time = cell.family in {"watermark", "fire"}  # a warning of it is due as soon as it is known
            opened = opening(3_600, now() - 3_000 * SECOND) if moves_time else opening(60)
            yield from (opened, opening(60), opening(60))
        case "timer":
            yield from (opening(2), opening(3))
        case "dead letter" if cell.family in {"watermark", "fire"}:  # only an orphan becomes one by time alone
            lost = opening(60)
            yield event((lost.key or b"").decode(), "case.responded", now())
        case "dead letter":
            yield from (garbage(), opening(60), garbage())
        case "overdue":
            return
