"""How late timers are: from due + settle to a reader of committed records having the notice.

Cases are added whose breach is due at an even pace, from a moment on at which the worker has long restored its state. A
reader in this process, read_committed, notes when each breach reaches it; so the transaction, its commit and the fetch
are in the figure.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks import many_cases
from benchmarks.ground import now_micros
from sla_monitor.wire import rfc3339

if TYPE_CHECKING:
    from benchmarks.scale import Deployment

START_SECONDS = 15.0  # until a worker has joined, on a busy machine
RESTORE_FACTOR = 2.0  # of what the last restore took
END_SECONDS_MAX = 60.0
SECOND = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Lateness:
    """Seconds, of `breaches` that came due at a pace of `a_second`, beside `timers` that wait."""

    timers: int
    a_second: int
    breaches: int
    median: float
    p99: float
    most: float

    def __str__(self) -> str:
        return (
            f"{self.breaches:,} breaches at {self.a_second:,} a second beside {self.timers:,} timers: late by "
            f"{self.median:.3f} s (median), {self.p99:.3f} s (p99), {self.most:.3f} s (most)"
        )


async def due_cases(
    deployment: Deployment, restore_seconds: float, *, a_second: int, seconds: int, cases: int
) -> Lateness:
    """RuntimeError: the worker was not live when the first of them came due, or not all were told."""
    count, bootstrap, topics = a_second * seconds, deployment.ground.bootstrap, deployment.settings.topics
    making = count / 2_000  # seconds that the rows take to be made and written, on a busy machine
    first_at = now_micros() + int((making + START_SECONDS + restore_seconds * RESTORE_FACTOR) * SECOND)
    due_at = [first_at + number * SECOND // a_second for number in range(count)]
    rows = many_cases.due_rows(due_at, first=0, now=now_micros())
    await many_cases.write(bootstrap, topics.state, [rows], deployment.partitions)
    reader = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        fetch_max_wait_ms=10,
    )
    await reader.start()
    try:
        reader.assign([TopicPartition(topics.notices, number) for number in range(deployment.partitions)])
        async with deployment.live("due"):
            if now_micros() > first_at:
                raise RuntimeError("the restore took longer than allowed for; the lateness was not measured")
            settle = int(deployment.settings.settle_seconds * SECOND)
            found = await _breaches(reader, count, (due_at[-1] + settle) / SECOND + END_SECONDS_MAX, settle)
    finally:
        await reader.stop()
    late = sorted(found)
    return Lateness(
        timers=cases,
        a_second=a_second,
        breaches=count,
        median=round(late[count // 2], 4),
        p99=round(late[count * 99 // 100], 4),
        most=round(late[-1], 4),
    )


async def _breaches(reader: AIOKafkaConsumer, count: int, until: float, settle: int) -> list[float]:
    found: list[float] = []
    while len(found) < count:
        if time.time() > until:
            raise RuntimeError(f"only {len(found)} of {count} breaches were told")
        fetched = await reader.getmany(timeout_ms=50)
        seen_at = now_micros()
        for records in fetched.values():
            for record in records:
                notice = json.loads(record.value or b"")
                if notice["type"] == "sla.breached":
                    found.append((seen_at - rfc3339.parse(notice["time"]) - settle) / SECOND)
        await asyncio.sleep(0)
    return found
