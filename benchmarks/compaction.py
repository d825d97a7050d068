"""What the settings of the state topic are for: the time of a restore after cases have been written again and again.

The same rows, each written `PASSES` times, to a topic as the product makes it and to one that is only compacted, with
everything else as the broker has it. The broker's cleaner gets time; then a worker restores.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable

from benchmarks import many_cases
from benchmarks.ground import Ground, now_micros
from benchmarks.scale import a_deployment
from tests.kafka.helpers import create_topics, delete_topic, read_all

PASSES = 12
PARTITIONS = 1
QUIET_SECONDS = 5.0  # without a change of the topic's size: the cleaner has nothing left to do
CLEAN_SECONDS_MAX = 90.0
CLEANER = {"log.cleaner.backoff.ms": "1000", "log.retention.check.interval.ms": "1000", "file.delete.delay.ms": "500"}


async def measure(ground: Ground, cases: int, tell: Callable[[str], None]) -> dict[str, dict[str, float]]:
    """Records and bytes that a restore reads, and how long it takes, by whose settings the topic has."""
    now = now_micros()
    rows = list(itertools.chain.from_iterable(many_cases.rows(cases, first=0, now=now)))
    found = {}
    for name, configs in (("ours", None), ("plain", {"cleanup.policy": "compact"})):
        async with a_deployment(ground, f"compaction-{name}", PARTITIONS) as deployment:
            state = deployment.settings.topics.state
            if configs is not None:
                await delete_topic(ground.bootstrap, state)
                await create_topics(ground.bootstrap, state, partitions=PARTITIONS, configs=configs)
            await many_cases.write_partition_rows(ground.bootstrap, state, PARTITIONS, now)
            for _ in range(PASSES):
                await many_cases.write(ground.bootstrap, state, [rows], PARTITIONS)
            size = await _cleaned(ground, state)
            records = len(await read_all(ground.bootstrap, state))
            async with deployment.live("restore") as (_, seconds):
                pass
            found[name] = {"cases": cases, "records": records, "bytes": size, "restore_seconds": round(seconds, 3)}
            tell(
                f"{name:<6} settings: {cases:,} cases written {PASSES} times leave {records:,} records, "
                f"{size / 2**20:.0f} MiB; restored in {seconds:.1f} s"
            )
    return found


async def _cleaned(ground: Ground, topic: str) -> int:
    """Bytes of the topic on the broker's disk once they do not change any more."""
    folder = ground.folder / "broker" / "log" / f"{topic}-0"
    until, quiet_since, known = time.monotonic() + CLEAN_SECONDS_MAX, time.monotonic(), -1
    while time.monotonic() < until:
        await asyncio.sleep(0.5)
        size = sum(path.stat().st_size for path in folder.glob("*.log"))
        if size != known:
            known, quiet_since = size, time.monotonic()
        elif time.monotonic() - quiet_since > QUIET_SECONDS:
            break
    return known
