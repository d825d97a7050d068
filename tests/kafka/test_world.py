"""The deployment that the tests on Kafka stand on: it starts, works, and is gone afterwards."""

from __future__ import annotations

import asyncio

from tests.kafka.broker import Broker
from tests.kafka.world import A_CASE, SECOND, a_world, event, now, shifted, standing


async def test_a_case_goes_in_and_its_notices_come_out(broker: Broker) -> None:
    """Opened, answered in time: a clock that started and stopped, a target met, committed with the input's offset."""
    async with a_world(broker.bootstrap, partitions=2) as world:
        worker = world.start()
        page = await worker.ready(partitions=2)
        assert [each["state"] for each in page["partitions"]] == ["live", "live"]
        began = now()
        await world.send(
            event("case-1", "case.opened", began, **A_CASE, targets={"initial_response": 60}),
            event("case-1", "case.responded", began + SECOND),
        )
        await world.caught_up()
        notices = [notice for notice in await world.notices() if notice.clock == "initial_response"]
        assert {notice.type for notice in standing(notices)} >= {"sla.clock.started", "sla.met"}
        assert {notice.case_id for notice in notices} == {"case-1"}
        worker.terminate()
        assert await worker.ended() == 0


async def test_a_worker_may_live_by_another_clock(broker: Broker) -> None:
    """Ten seconds ahead, a deadline five seconds from now has passed."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        worker = world.start(shifted(10))
        await worker.ready()
        await world.send(event("case-1", "case.opened", now(), **A_CASE, targets={"initial_response": 5}))
        async with asyncio.timeout(4):
            while not [notice for notice in await world.notices() if notice.type == "sla.breached"]:
                await asyncio.sleep(0.05)
