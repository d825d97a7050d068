"""The log that is asked: what it answers, on a real broker."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.group_coordinator import GroupCoordinator

from sla_monitor.engine.log import Log
from tests.kafka.broker import Broker
from tests.kafka.world import A_CASE, a_world, event, now


async def test_a_look_at_a_record_leaves_the_groups_offsets_in_reach(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record may have been looked at before the client has found the coordinator of its group."""
    looked = asyncio.Event()
    find_coordinator = GroupCoordinator.ensure_coordinator_known

    async def find_it_late(coordinator: Any) -> None:
        await looked.wait()
        await find_coordinator(coordinator)

    async with a_world(broker.bootstrap) as world:
        worker = world.start()
        await worker.ready()
        await world.send(event("case-1", "case.opened", now(), **A_CASE))
        await world.caught_up()
        partition = TopicPartition(world.settings.topics.events, 0)
        monkeypatch.setattr(GroupCoordinator, "ensure_coordinator_known", find_it_late)
        log = Log(world.settings)
        await log.start()
        try:
            found = await log.first_record(partition, 0, 1)
            looked.set()
            assert found is not None
            assert found.offset == 0
            assert await log.committed(partition) == 1
        finally:
            await log.stop()
