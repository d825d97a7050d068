"""Contenders over the same events, one after the other in every round, timed alike.

What counts is committed: the offsets of a contender's group on the input topic are asked for every few milliseconds.
The clock starts when every partition has an offset (and every worker its partitions), so start, group join and restore
are left out. It ends at the commit that brings the topic to nine tenths, or at the last commit within the seconds a
turn may take: a slow contender does not have to finish, since only events between the two commits are counted. At both
ends everybody is in the middle of work, so that nobody gains by committing much at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import statistics
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import IO

from benchmarks import processor
from benchmarks.contenders import ROOT, TOPIC, Contender, Turn, nothing
from benchmarks.ground import Ground, Offsets, end_offsets, offsets_of, remove_all_but, settled_broker

POLL_SECONDS = 0.02
ENOUGH = 0.9  # of the topic: the last tenth has fewer partitions at work
START_SECONDS_MAX = 90.0  # until the clock starts; the warm-up is in it
END_SECONDS_MAX = 12.0  # from SIGTERM on
LOG_CHARACTERS_SHOWN = 3_000


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Of one turn. Processor time in microseconds an event, of the contender's processes and of the broker; memory of
    its processes at the end, in bytes.
    """

    events_per_second: float
    processor: float
    broker_processor: float
    resident: int
    events: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Sample:
    at: float
    committed: int
    spent: float
    broker_spent: float
    resident: int


class ContenderEnded(Exception):
    """It ended, or did not begin, while it was timed; the text has the end of its log."""


async def a_turn(
    ground: Ground,
    contender: Contender,
    run: int | str,
    partitions: int,
    seconds: float,
    *,
    enough: float = ENOUGH,
    look: Callable[[Turn], Awaitable[None]] = nothing,
) -> Measured:
    """One contender from start to end; afterwards the broker has the input topic alone. `run` tells turns apart; `look`
    is called when all is timed and its topics are still there.
    """
    group = f"{contender.name}-{run}".replace("_", "-")
    folder = ground.folder / group
    folder.mkdir()
    turn = Turn(bootstrap=ground.bootstrap, group=group, partitions=partitions, folder=folder)
    ends = await end_offsets(ground.bootstrap, TOPIC, partitions)
    await contender.prepare(turn)
    log = folder / "log"
    processes: list[subprocess.Popen[bytes]] = []
    try:
        with log.open("wb") as output:
            processes += [_start(contender, turn, output) for _ in range(contender.workers)]
        async with offsets_of(ground.bootstrap, group, TOPIC) as offsets:
            timed = _Timed(ground, contender, processes, offsets, ends)
            found = measured(await timed.samples(seconds, enough))
            await look(turn)
            return found
    except (ContenderEnded, TimeoutError) as error:
        text = log.read_text(errors="replace")[-LOG_CHARACTERS_SHOWN:]
        raise ContenderEnded(f"{contender.title}: {error}\n{text}") from error
    finally:
        _end(processes)
        await remove_all_but(ground.bootstrap, [TOPIC])
        await settled_broker()


def _start(contender: Contender, turn: Turn, output: IO[bytes]) -> subprocess.Popen[bytes]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SLA_")}
    ours = {"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    return subprocess.Popen(
        contender.command(),
        env={**inherited, **ours, **contender.environment(turn)},
        cwd=turn.folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
    )


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.send_signal(signal.SIGTERM)
    until = time.monotonic() + END_SECONDS_MAX
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.1, until - time.monotonic()))
            continue
        process.kill()
        process.wait()


@dataclass(frozen=True)
class _Timed:
    ground: Ground
    contender: Contender
    processes: Sequence[subprocess.Popen[bytes]]
    offsets: Offsets
    ends: dict[int, int]

    async def samples(self, seconds: float, enough: float) -> list[Sample]:
        """Of the time that counts, the first one at its start."""
        await self._until_all_partitions_move()
        found = [await self._sample()]
        while found[-1].committed < enough * sum(self.ends.values()) and found[-1].at - found[0].at < seconds:
            await asyncio.sleep(POLL_SECONDS)
            found.append(await self._sample())
        return found

    async def _until_all_partitions_move(self) -> None:
        give_up_at = time.monotonic() + START_SECONDS_MAX
        while True:
            self._check()
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"no commit in every partition within {START_SECONDS_MAX:.0f} s")
            committed = await self.offsets.committed()
            ready = all(committed.get(number, 0) > 0 or end == 0 for number, end in self.ends.items())
            if ready and self.contender.workers in {1, await self.offsets.members()}:
                return
            await asyncio.sleep(POLL_SECONDS)

    async def _sample(self) -> Sample:
        self._check()
        committed = await self.offsets.committed()
        return Sample(
            at=time.monotonic(),
            committed=sum(committed.values()),
            spent=sum(processor.seconds(process.pid) for process in self.processes),
            broker_spent=processor.seconds(self.ground.broker_pid),
            resident=sum(processor.resident_bytes(process.pid) for process in self.processes),
        )

    def _check(self) -> None:
        for process in self.processes:
            if process.poll() is not None:
                raise ContenderEnded(f"ended with {process.returncode}")


def measured(samples: Sequence[Sample]) -> Measured:
    """Between the first commit seen and the last one that moved. ContenderEnded: there was only one commit."""
    moved = [after for before, after in itertools.pairwise(samples) if after.committed > before.committed]
    if not moved:
        raise ContenderEnded("nothing was committed after the clock had started: more events are needed")
    first, last = samples[0], moved[-1]
    events, seconds = last.committed - first.committed, last.at - first.at
    return Measured(
        events_per_second=events / seconds,
        processor=(last.spent - first.spent) / events * 1e6,
        broker_processor=(last.broker_spent - first.broker_spent) / events * 1e6,
        resident=last.resident,
        events=events,
        seconds=seconds,
    )


async def race(
    ground: Ground,
    contenders: Sequence[Contender],
    *,
    partitions: int,
    rounds: int,
    seconds: float,
    tell: Callable[[str], None],
) -> tuple[dict[str, list[Measured]], list[str]]:
    """By name, one figure a round, and what went wrong: who fails is out for the rest.

    The order turns by one place each round, so that nobody is always first.
    """
    found: dict[str, list[Measured]] = {each.name: [] for each in contenders}
    failed: dict[str, str] = {}
    for number in range(rounds):
        place = number % len(contenders)
        for contender in [*contenders[place:], *contenders[:place]]:
            if contender.name in failed:
                continue
            try:
                one = await a_turn(ground, contender, number, partitions, seconds)
            except ContenderEnded as error:
                failed[contender.name] = str(error)
                found[contender.name] = []
                continue
            found[contender.name].append(one)
            tell(f"round {number + 1}  {told(contender, [one])}")
    return found, list(failed.values())


def told(contender: Contender, found: Sequence[Measured]) -> str:
    rates = [each.events_per_second for each in found]
    costs = [each.processor for each in found]
    return (
        f"{contender.title:<46}{statistics.median(rates):>9,.0f} events/s ({min(rates):,.0f} to {max(rates):,.0f})  "
        f"processor {statistics.median(costs):>5,.1f} µs an event, broker "
        f"{statistics.median([each.broker_processor for each in found]):>4,.1f}"
    )


def as_plain(found: dict[str, list[Measured]]) -> dict[str, list[dict[str, float]]]:
    return {name: [{k: round(v, 3) for k, v in asdict(one).items()} for one in each] for name, each in found.items()}
