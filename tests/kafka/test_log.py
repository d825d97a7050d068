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


async def test_a_look_at_a_record_may_end_before_the_client_has_found_its_group(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that has a group looks for its coordinator once it is assigned, and fails if that is over by then."""
    looked = asyncio.Event()
    find_coordinator = GroupCoordinator.ensure_coordinator_known

    async def find_it_late(coordinator: Any) -> None:
        await looked.wait()
        await find_coordinator(coordinator)

    async with a_world(broker.bootstrap) as world:
        await world.send(event("case-1", "case.opened", now(), **A_CASE))
        monkeypatch.setattr(GroupCoordinator, "ensure_coordinator_known", find_it_late)
        log = Log(world.settings)
        await log.start()
        found = await log.first_record(TopicPartition(world.settings.topics.events, 0), 0, 1)
        looked.set()
        await log.stop()
        assert found is not None
        assert found.offset == 0


async def test_ends_that_are_asked_for_at_once_are_all_told(broker: Broker) -> None:
    """As when a worker of the journal without transactions opens its partitions: one without an answer would end it."""
    async with a_world(broker.bootstrap, partitions=4, SLA_JOURNAL="at_least_once") as world:
        log = Log(world.settings)
        await log.start()
        try:
            events = [TopicPartition(world.settings.topics.events, number) for number in range(4)]
            assert await asyncio.gather(*map(log.high_watermark, events)) == [0, 0, 0, 0]
        finally:
            await log.stop()
