"""One worker with very many open cases: memory, restore, scrape, and how late its timers are.

The state topic is written first, by the product's own code and settings, and grows from step to step. At each step a
fresh worker gets all partitions; the clock of the restore runs from their assignment to all of them being live. Memory
is what the machine holds for the process then, `peak` what it ever was.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import aiohttp

from benchmarks import many_cases, processor
from benchmarks.ground import Ground, now_micros
from benchmarks.lateness import due_cases
from sla_monitor.config.settings import Settings
from sla_monitor.engine.topics import create_topics
from tests.kafka.helpers import delete_topic
from tests.kafka.world import CONSOLE, WorkerProcess

PARTITIONS = 12
LIVE_SECONDS_MAX = 600.0
LOOK_SECONDS = 0.02
SCRAPES = 5
PREFIX = "scale."
MIB = 2**20
CASES_WHOLE = (10_000, 30_000, 100_000, 300_000, 1_000_000)
CASES_HUGE = (*CASES_WHOLE, 3_000_000)


@dataclass(frozen=True, kw_only=True)
class Step:
    """Bytes and seconds at this number of open cases. `state_bytes`: keys and values of their rows."""

    cases: int
    resident: int
    peak: int
    state_bytes: int
    restore_seconds: float
    scrape_seconds: float


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """The topics of one experiment, and how its workers are started."""

    ground: Ground
    settings: Settings
    partitions: int

    def worker(self, name: str) -> WorkerProcess:
        ours = {
            "SLA_BROKER": self.ground.bootstrap,
            "SLA_TOPIC_PREFIX": self.settings.topic_prefix,
            "SLA_GROUP": self.settings.group,
            "SLA_WEB_PORT": "0",
            "SLA_LOG_FORMAT": "json",
            "PYTHONUNBUFFERED": "1",
        }
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("SLA_")}
        return WorkerProcess(CONSOLE, {**inherited, **ours}, self.ground.folder / f"{self.settings.group}-{name}.log")

    @contextlib.asynccontextmanager
    async def live(self, name: str) -> AsyncIterator[tuple[WorkerProcess, float]]:
        """A worker with all partitions live, and the seconds from the assignment until then; ended afterwards."""
        worker = self.worker(name)
        try:
            yield worker, await self._restored(worker)
            worker.terminate()
            await worker.ended()
        finally:
            worker.close()

    async def _restored(self, worker: WorkerProcess) -> float:
        """The worker's log says when it was assigned: a page would answer late while rows are read."""
        async with asyncio.timeout(LIVE_SECONDS_MAX):
            while True:
                states = await worker.states()
                if len(states) == self.partitions and set(states.values()) == {"live"}:
                    live_at = datetime.now(UTC)
                    [assigned] = [line for line in worker.lines if line.get("event") == "assigned"]
                    return (live_at - datetime.fromisoformat(assigned["timestamp"])).total_seconds()
                await asyncio.sleep(LOOK_SECONDS)


@contextlib.asynccontextmanager
async def a_deployment(ground: Ground, name: str, partitions: int) -> AsyncIterator[Deployment]:
    """Topics as the product makes them, gone at the end."""
    settings = Settings(broker=ground.bootstrap, topic_prefix=f"{PREFIX}{name}.", group=f"{PREFIX}{name}")
    await create_topics(settings, partitions, 1)
    topics = settings.topics
    try:
        yield Deployment(ground=ground, settings=settings, partitions=partitions)
    finally:
        for topic in (topics.events, topics.state, topics.notices, topics.dead):
            await delete_topic(ground.bootstrap, topic)


async def grow(
    ground: Ground, cases: Sequence[int], tell: Callable[[str], None], *, due_a_second: int, due_seconds: int
) -> dict[str, object]:
    """The curve, an idle worker first, then the lateness with all of the cases there."""
    async with a_deployment(ground, "curve", PARTITIONS) as deployment:
        state, now = deployment.settings.topics.state, now_micros()
        await many_cases.write_partition_rows(ground.bootstrap, state, PARTITIONS, now)
        async with deployment.live("0") as (worker, _):
            await asyncio.sleep(1.0)
            idle = processor.resident_bytes(worker.pid)
        tell(f"{0:>9,} cases  {idle / MIB:>7.0f} MiB resident")
        steps: list[Step] = []
        written = size = 0
        for wanted in cases:
            chunks = many_cases.rows(wanted - written, first=written, now=now)
            size += (await many_cases.write(ground.bootstrap, state, chunks, PARTITIONS))[1]
            written = wanted
            steps.append(await _step(deployment, wanted, size))
            tell(told(steps[-1], idle))
        try:
            late = await due_cases(
                deployment, steps[-1].restore_seconds, a_second=due_a_second, seconds=due_seconds, cases=written
            )
        except RuntimeError as problem:  # the curve is worth having without it
            return as_plain(idle, steps) | {"problem": str(problem)}
        tell(str(late))
        return as_plain(idle, steps) | {"lateness": asdict(late)}


async def _step(deployment: Deployment, cases: int, size: int) -> Step:
    async with deployment.live(str(cases)) as (worker, restored):
        await asyncio.sleep(1.0)
        held = await worker.metric('sla_cases{state="open"}')
        if held != cases:
            raise RuntimeError(f"{cases:,} cases were written, the worker holds {held:,.0f}")
        resident = processor.resident_bytes(worker.pid)
        return Step(
            cases=cases,
            resident=resident,
            peak=processor.peak_resident_bytes(worker.pid),
            state_bytes=size,
            restore_seconds=restored,
            scrape_seconds=await scrape_seconds(worker.web_port),
        )


async def scrape_seconds(port: int) -> float:
    """One GET of the metrics page, the median of some."""
    took = []
    async with aiohttp.ClientSession() as session:
        for _ in range(SCRAPES):
            began = time.monotonic()
            async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
                assert answer.status == 200
                await answer.read()
            took.append(time.monotonic() - began)
    return statistics.median(took)


def told(step: Step, idle: int) -> str:
    each, rate = (step.resident - idle) / step.cases, step.cases / step.restore_seconds
    return (
        f"{step.cases:>9,} cases  {step.resident / MIB:>7.0f} MiB resident ({each:,.0f} bytes a case, peak "
        f"{step.peak / MIB:.0f} MiB)  restored in {step.restore_seconds:.1f} s ({rate:,.0f} cases/s)  "
        f"a scrape {step.scrape_seconds * 1e3:.1f} ms"
    )


def as_plain(idle: int, steps: Sequence[Step]) -> dict[str, object]:
    last = steps[-1]
    return {
        "partitions": PARTITIONS,
        "idle_bytes": idle,
        "steps": [{name: round(value, 4) for name, value in asdict(step).items()} for step in steps],
        "bytes_per_open_case": round((last.resident - idle) / last.cases),
        "restore_cases_per_second": round(last.cases / last.restore_seconds),
    }
