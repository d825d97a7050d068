"""What the board costs a worker: memory of its index, the first look, each question, and how long the loop is kept.

    python -m benchmarks.board 100000

One partition with so many open cases, in this process alone: no broker, no server. A heartbeat on the same loop stands
for timers: the longest time between two of its beats is what a timer may have to wait.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from benchmarks import many_cases
from sla_monitor.board.own import Own
from sla_monitor.board.query import parsed
from sla_monitor.config.packs import load_packs
from sla_monitor.core.policy import Packs
from sla_monitor.engine.holdings import Holding, Verdicts
from sla_monitor.engine.partition import Partition, Rules

MEASURED_CASES = 5_000  # of which memory is traced, for that is slow
QUESTIONS = {
    "overview": "",
    "first page by deadline": "limit=50",
    "page of 200 by deadline": "limit=200",
    "one plan, by opening": "sort=opened&plan=standard",
    "search": "search=CASE-00001&sort=case_id",
}


@dataclass(kw_only=True)
class OnePartition:
    """See `board.deployment.Deployment`."""

    shard: Any
    packs: Packs
    name: str = "benchmark"
    url: str = "http://127.0.0.1:6066"
    partitions: int = 1
    token: str | None = None
    is_on_loopback: bool = True
    is_shadow: bool = False
    held: list[Holding] = field(default_factory=list)

    def now(self) -> int:
        return time.time_ns() // 1_000

    def holdings(self) -> Sequence[Holding]:
        return self.held

    def owners(self) -> Mapping[int, str]:
        return {0: self.url}

    def partition_of(self, _case_id: str) -> int:
        return 0

    def retraction(self, _notice_id: str) -> None:
        return None

    def verdicts(self) -> Sequence[Verdicts]:
        return []

    async def produce(self, *_: Any) -> Any:
        raise OSError


class Beat:
    """The longest work of this thread between two turns of others, seconds; what other processes take is not in it."""

    def __init__(self) -> None:
        self.longest, self._last = 0.0, time.thread_time()

    def note(self) -> None:
        now = time.thread_time()
        self.longest, self._last = max(self.longest, now - self._last), now

    async def run(self) -> None:
        while True:
            self.note()
            await asyncio.sleep(0.001)


async def timed(name: str, work: Callable[[], Awaitable[Any]]) -> Any:
    """Done once, and what it took."""
    beat = Beat()
    beating = asyncio.create_task(beat.run())
    await asyncio.sleep(0)
    wall, cpu = time.perf_counter(), time.thread_time()
    found = await work()
    beat.note()
    wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
    beating.cancel()
    print(f"{name:26} {wall * 1e3:8.0f} ms, processor {cpu * 1e3:8.0f} ms, at a stretch {beat.longest * 1e3:5.1f} ms")
    return found


async def measured(count: int) -> None:
    packs, now = load_packs(), time.time_ns() // 1_000
    partition = Partition(0, Rules(packs=packs))
    for chunk in many_cases.rows(count, first=0, now=now):
        partition.rows.update(chunk)
    partition.restored()
    gc.freeze()
    shard = SimpleNamespace(partition=0, state="live", state_since=0.0, watermark=now, content=partition)
    worker = OnePartition(shard=shard, packs=packs, held=[Holding(cast(Any, shard))])
    own = Own(worker)
    [index] = [own._index_of(each) for each in worker.holdings()]  # noqa: SLF001
    await timed(f"first look at {count:,} cases", lambda: own._refresh(index))  # noqa: SLF001
    for name, question in QUESTIONS.items():
        wanted = parsed(tuple(part.split("=")) for part in question.split("&")) if question else None  # type: ignore[misc]
        await timed(name, own.overview if wanted is None else lambda wanted=wanted: own.cases(wanted))  # type: ignore[misc]
    await timed("deep page", lambda: deep(own))
    for key in list(partition.rows)[:1_000]:
        (partition.touched or set()).add(key)
    await timed("overview, 1,000 changed", own.overview)
    own.close()
    for key in list(partition.rows)[MEASURED_CASES:]:
        del partition.rows[key]
    tracemalloc.start()
    await own._refresh(own._index_of(worker.held[0]))  # noqa: SLF001
    print(f"memory of the index: {tracemalloc.get_traced_memory()[0] / len(partition.rows):.0f} bytes a case")
    own.close()


async def deep(own: Own) -> Any:
    """A page behind half of the cases."""
    half = await own.cases(parsed([("sort", "case_id"), ("limit", "1"), ("search", "CASE-0005")]))
    after = [("after", half.next)] if half.next else []
    return await own.cases(parsed([("sort", "case_id"), ("limit", "50"), *after]))


if __name__ == "__main__":
    asyncio.run(measured(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
