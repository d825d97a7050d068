"""Workers that come and go while others are slow: nothing hangs, nothing is lost or said twice."""

from __future__ import annotations

import pytest

from tests.kafka.broker import Broker
from tests.kafka.test_faults import began, critical, once, opened, started
from tests.kafka.world import WorkerProcess, a_world, eventually, patched

PARTITIONS = 6  # dealt out evenly to two workers and to three
CASES = 3_000
SETTLED_SECONDS_MAX = 25.0

SLOW_WRITING = """
import asyncio
from sla_monitor.engine import transactional
from sla_monitor.engine.transactional import TransactionalJournal
def slowed(owner, name, seconds):
    at_once = getattr(owner, name)
    async def slowly(*arguments):
        await asyncio.sleep(seconds)
        return await at_once(*arguments)
    setattr(owner, name, slowly)
slowed(TransactionalJournal, "commit", 0.5)
slowed(transactional, "restore", 1.0)
slowed(TransactionalJournal, "close", 1.0)
"""

SLOW_FOLDING = """
import time
from sla_monitor.engine.partition import Partition
fold = Partition.fold
def slowly(self, record, wall):
    if record.offset % 20 == 0:  # seldom: on a busy machine each sleep may take much longer
        time.sleep(0.01)
    fold(self, record, wall)
Partition.fold = slowly
"""


async def has_partitions(worker: WorkerProcess) -> bool:
    return bool(await worker.states())


@pytest.mark.parametrize("fault", [SLOW_WRITING, SLOW_FOLDING], ids=["writing", "folding"])
async def test_a_slow_worker_through_four_rebalances(broker: Broker, fault: str) -> None:
    """A backlog and a worker that is slow at it. Two join, one after the other, and leave again."""
    names = [f"case-{number}" for number in range(CASES)]
    async with a_world(broker.bootstrap, partitions=PARTITIONS) as world:
        await world.send(*map(opened, names))
        slow = world.start(patched(fault))
        await eventually(lambda: began(world), world.ends_of_logs)
        second = world.start(patched(fault))
        await eventually(lambda: has_partitions(second), world.ends_of_logs, SETTLED_SECONDS_MAX)
        third = world.start()
        await eventually(lambda: has_partitions(third), world.ends_of_logs, SETTLED_SECONDS_MAX)
        second.terminate()
        assert await second.ended() == 0, second.end_of_log()
        third.terminate()
        assert await third.ended() == 0, third.end_of_log()
        await slow.ready(SETTLED_SECONDS_MAX, partitions=PARTITIONS)
        await world.caught_up()
        assert started(await world.notices()) == once(*names)
        assert [critical(worker.lines) for worker in world.workers] == [[], [], []]
