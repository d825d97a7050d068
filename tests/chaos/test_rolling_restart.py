"""A new version is rolled out: workers are replaced one at a time, under load, and nobody who waits for a notice can
tell."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from itertools import count
from typing import Final

import pytest

from tests.chaos.failover import balanced
from tests.chaos.nursery import HatchedWorker
from tests.chaos.scene import opening
from tests.kafka.broker import Broker
from tests.kafka.world import SECOND, Notice, World, a_world, now, rfc3339

PARTITIONS: Final = 4
WORKERS: Final = 2
EVERY_SECONDS: Final = 0.1
CASES_AT_ONCE: Final = 8  # 80 cases a second, each with five deadlines
TARGETS: Final = (1, 2, 3)  # seconds: as long as it lasts there is always something due
GAP_SECONDS_MAX: Final = 5.0
DECIDED_BY_TIME: Final = frozenset({"sla.warning", "sla.breached", "sla.overdue"})
VERIFY: Final = (sys.executable, "-m", "sla_monitor", "verify", "--jobs", "1")


async def a_load(world: World, over: asyncio.Event) -> int:
    """Cases that nobody answers, until it is over; when the last of their deadlines is."""
    for number in count():
        await world.send(*(opening(TARGETS[(number + each) % len(TARGETS)]) for each in range(CASES_AT_ONCE)))
        if over.is_set():
            return now() + 2 * max(TARGETS) * SECOND
        await asyncio.sleep(EVERY_SECONDS)
    raise AssertionError


async def replace_each(world: World, over: asyncio.Event) -> None:
    """Each leaves in order: the first before its successor comes, as in Compose, the second once its successor has
    everything that it will have, as in Kubernetes.
    """
    first, second = world.workers
    try:
        first.terminate()
        assert await first.ended() == 0, first.end_of_log()
        world.start()
        await balanced(world)
        successor = world.start()
        await successor.ready()
        await balanced(world, spare=True)
        second.terminate()
        assert await second.ended() == 0, second.end_of_log()
        await balanced(world)
    finally:
        over.set()


def longest_gap(notices: Sequence[Notice]) -> float:
    """Seconds from an instant to the broker's time of the notice about it: the longest."""
    timed = [notice for notice in notices if notice.type in DECIDED_BY_TIME]
    assert len(timed) > 100, "too few deadlines to tell"
    return max(notice.appended_at - notice.at for notice in timed) / SECOND


@pytest.mark.alone
async def test_workers_are_replaced_one_at_a_time(broker: Broker) -> None:
    """Both end with 0; no notice about an instant comes more than 5 s after it, none is taken back, and `verify` finds
    nothing, up to the last deadline of all."""
    async with a_world(broker.bootstrap, partitions=PARTITIONS) as world:
        world.launch = HatchedWorker
        for _ in range(WORKERS):
            world.start()
        await balanced(world)
        over = asyncio.Event()
        last_deadline, _ = await asyncio.gather(a_load(world, over), replace_each(world, over))
        verify = world.start((*VERIFY, "--until", rfc3339(last_deadline)))
        assert await verify.ended() == 0, verify.text
        notices = await world.notices()
        assert [notice.id for notice in notices if notice.type == "sla.retracted"] == []
        gap = longest_gap(notices)
        print(f"{len(notices)} notices, the latest {gap:.2f} s after its instant")
        assert gap <= GAP_SECONDS_MAX, world.ends_of_logs()
