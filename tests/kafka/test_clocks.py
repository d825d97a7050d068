"""Workers that tell another time than the broker: late perhaps, false never."""

from __future__ import annotations

import asyncio

from sla_monitor.wire.rows import PARTITION_KEY, decode_partition
from tests.kafka.broker import Broker
from tests.kafka.world import A_CASE, SECOND, WorkerProcess, World, a_world, event, eventually, now, shifted

SESSION = {"SLA_SESSION_TIMEOUT_SECONDS": "3"}
HELD = "the clock differs from the broker's by more than a minute: deadlines wait"


async def watermark(world: World) -> int:
    """As the state has it."""
    return decode_partition((await world.state())[PARTITION_KEY] or b"").watermark


async def breached(world: World) -> dict[str, int]:
    """When, by case."""
    return {each.case_id: each.at for each in await world.notices() if each.type == "sla.breached"}


async def retracted(world: World) -> int:
    return sum(each.type == "sla.retracted" for each in await world.notices())


async def is_held(worker: WorkerProcess) -> bool:
    page = await worker.page("/readyz") or {}
    return HELD in str(page.get("reason"))


async def test_a_slow_clock_takes_back_nothing(broker: Broker) -> None:
    """A worker half a minute behind takes over from a correct one that was killed: what was breached stays breached
    and the watermark never goes back."""
    async with a_world(broker.bootstrap, partitions=1, **SESSION) as world:
        first = world.start()
        await first.ready()
        began = now()
        await world.send(event("missed", "case.opened", began, **A_CASE, targets={"initial_response": 2}))
        await eventually(lambda: has_breach(world, "missed"), world.ends_of_logs)
        before = await watermark(world)
        first.kill()
        second = world.start(shifted(-30))
        await eventually(lambda: opened_by(second), world.ends_of_logs)
        await world.send(
            event("missed", "case.responded", now()),
            event("next", "case.opened", now(), **A_CASE, targets={"initial_response": 2}),
        )
        await world.caught_up()
        await asyncio.sleep(3)
        assert await retracted(world) == 0
        assert await breached(world) == {"missed": began + 2 * SECOND}  # "next" waits for that clock
        assert await watermark(world) >= before
        second.kill()
        world.start()
        await eventually(lambda: has_breach(world, "next"), world.ends_of_logs)
        assert await retracted(world) == 0


async def has_breach(world: World, case_id: str) -> bool:
    return case_id in await breached(world)


async def opened_by(worker: WorkerProcess) -> bool:
    return "catching_up" in (await worker.states()).values() or "live" in (await worker.states()).values()


async def test_a_clock_two_minutes_behind_fires_nothing(broker: Broker) -> None:
    """The broker's time on the first write gives it away; the ready page says why deadlines wait."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        worker = world.start(shifted(-120))
        await eventually(lambda: opened_by(worker), world.ends_of_logs)
        long_ago = now() - 200 * SECOND
        await world.send(event("missed", "case.opened", long_ago, **A_CASE, targets={"initial_response": 5}))
        await world.caught_up()
        await eventually(lambda: is_held(worker), world.ends_of_logs)
        assert await worker.metric("sla_clock_skew_seconds") < -100


async def test_a_clock_two_minutes_ahead_fires_nothing(broker: Broker) -> None:
    """A deadline a minute away is not breached because a worker with a wrong clock takes over, not even by its very
    first look at what is due."""
    async with a_world(broker.bootstrap, partitions=1, **SESSION) as world:
        first = world.start()
        await first.ready()
        await world.send(event("waiting", "case.opened", now(), **A_CASE, targets={"initial_response": 60}))
        await world.caught_up()
        first.kill()
        second = world.start(shifted(120))
        await eventually(lambda: is_held(second), world.ends_of_logs)
        await asyncio.sleep(1)
        assert await breached(world) == {}
