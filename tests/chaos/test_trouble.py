"""One kind of trouble each, with a load going on; then peace, and the judge finds nothing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest

from tests.chaos import load, soak
from tests.chaos.judge import settled, shown
from tests.chaos.proxy import a_proxy
from tests.chaos.scene import SESSION_SECONDS, a_scene, stepped
from tests.kafka.broker import Broker, free_port
from tests.kafka.helpers import set_config
from tests.kafka.world import SECOND, World, now

SEED: Final = 20_261_122
EXIT_FATAL: Final = 70
JUDGED_WITHIN_SECONDS: Final = 60.0
UNTIL_REFUSED_SECONDS: Final = 30.0

pytestmark = pytest.mark.timeout(240)


async def with_load(world: World, seconds: float, trouble: Awaitable[None], cases: int = 150) -> None:
    """Cases begin over that time, while the trouble goes on. Whichever ends last."""
    await asyncio.gather(load.play(world, load.lives(SEED, cases, now() + SECOND, seconds)), trouble)


async def assert_nothing_is_wrong(world: World, *, clocks_differ_by: int = 0) -> None:
    """Once everything up to now is said. Some deadlines still lie ahead: the judge knows which."""
    for worker in world.workers:
        if worker.exit_code is None:
            worker.thaw()
    if all(worker.exit_code is not None for worker in world.workers):
        world.start()
    found = await settled(world, now(), JUDGED_WITHIN_SECONDS, clocks_differ_by=clocks_differ_by)
    assert not found, f"{shown(found)}\n{world.ends_of_logs()}"


async def test_a_small_soak(broker: Broker) -> None:
    """Workers killed, one frozen beyond its session, the broker killed and started again."""
    options = soak.Options(
        workers=2,
        partitions=4,
        cases=200,
        kills=3,
        stops=1,
        broker_restarts=1,
        seed=SEED,
        minutes=0.5,
        tail_seconds=2.0,
    )
    report = await soak.soak(broker, options, print)
    print(report.markdown())
    assert report.is_clean, shown(report.findings)
    assert report.exits["-9"] == options.kills  # how all others ended is among the findings


async def test_zombies(broker: Broker) -> None:
    """Each of two workers in turn is frozen beyond its session and wakes up to partitions that are others'."""

    async def freeze(world: World) -> None:
        for worker in world.workers[:2]:
            if worker.exit_code is None:
                worker.freeze()
                await asyncio.sleep(SESSION_SECONDS + 2)
                worker.thaw()
                await asyncio.sleep(1)

    async with a_scene(broker.bootstrap, partitions=4) as world:
        for worker in (world.start(), world.start(), world.start()):
            await worker.ready()
        await with_load(world, 10, freeze(world))
        await assert_nothing_is_wrong(world)
        assert {worker.exit_code for worker in world.workers} <= {None, EXIT_FATAL}


async def test_a_storm_of_rebalances(broker: Broker) -> None:
    """Every second a worker comes or goes, orderly or not: hardly ever is the group at rest."""

    async def storm(world: World) -> None:
        chance = random.Random(SEED)
        for number in range(14):
            running = [worker for worker in world.workers if worker.exit_code is None]
            if number % 2 or len(running) < 2:
                world.start()
            else:
                leaving = chance.choice(running)
                leaving.kill() if number % 4 else leaving.terminate()
            await asyncio.sleep(1)

    async with a_scene(broker.bootstrap, partitions=6) as world:
        for worker in (world.start(), world.start()):
            await worker.ready()
        await with_load(world, 14, storm(world))
        await assert_nothing_is_wrong(world)


async def test_a_network_that_misbehaves(tmp_path: Path) -> None:
    """Slow, then half-open (bytes vanish, connections stay), then cut, each shorter and longer than a session."""

    async def disturb(steps: list[tuple[Callable[[], None], float]], resume: Callable[[], None]) -> None:
        for trouble, seconds in steps:
            trouble()
            await asyncio.sleep(seconds)
            resume()
            await asyncio.sleep(2)

    port = free_port()
    own = Broker(tmp_path, proxy_port=port)
    await asyncio.to_thread(own.start)
    try:
        async with a_proxy(own.behind_proxy_port, port) as proxy, a_scene(own.bootstrap, partitions=2) as world:
            world.environment["SLA_BROKER"] = f"127.0.0.1:{port}"  # workers alone come through the proxy
            for worker in (world.start(), world.start()):
                await worker.ready()
            steps = [
                (lambda: proxy.delay(0.2), 4.0),
                (proxy.swallow, 1.0),
                (proxy.cut, 1.0),
                (proxy.swallow, SESSION_SECONDS + 1),
                (proxy.cut, SESSION_SECONDS + 1),
            ]
            supervisor = asyncio.ensure_future(restarted(world))
            await with_load(world, 20, disturb(steps, proxy.resume))
            await assert_nothing_is_wrong(world)
            supervisor.cancel()
            assert proxy.swallowed_bytes > 0
            assert {worker.exit_code for worker in world.workers} <= {None, EXIT_FATAL}
    finally:
        await asyncio.to_thread(own.kill)


async def restarted(world: World) -> None:
    """Whoever ended is started again, as an orchestrator does; until cancelled."""
    while True:
        ended = sum(worker.exit_code is not None for worker in world.workers)
        for _ in range(ended + 2 - len(world.workers)):
            world.start()
        await asyncio.sleep(0.2)


async def test_clocks_that_step(broker: Broker) -> None:
    """A worker's clock jumps ahead, back, far ahead, and is put right, while it works: what stands in the end is what
    the facts say. Ahead, deadlines fire early by as much; that is what the clock said."""
    ahead = 20

    async def step(clock: Path) -> None:
        for seconds in (ahead, -ahead, 0, 200, 0):
            await asyncio.to_thread(clock.write_text, str(seconds))
            await asyncio.sleep(3)

    async with a_scene(broker.bootstrap, partitions=2) as world:
        clock = world.folder / "clock"
        await asyncio.to_thread(clock.write_text, "0")
        worker = world.start(stepped(clock))
        await worker.ready()
        await with_load(world, 15, step(clock))
        await assert_nothing_is_wrong(world, clocks_differ_by=(ahead + 1) * SECOND)
        assert worker.exit_code is None, worker.end_of_log()


async def test_a_broker_that_refuses_writes(broker: Broker) -> None:
    """Of notices first, then of the state: no worker goes on, each says why, and nothing is lost by it."""
    async with a_scene(broker.bootstrap, partitions=1) as world:
        first = world.start()
        await first.ready()
        topics = world.settings.topics

        async def refuse() -> None:
            for topic in (topics.notices, topics.state):
                await asyncio.sleep(2)
                await set_config(broker.bootstrap, topic, max_message_bytes="100")
                assert await world.workers[-1].ended(UNTIL_REFUSED_SECONDS) == EXIT_FATAL
                await set_config(broker.bootstrap, topic, max_message_bytes="1048588")
                await world.start().ready()

        await with_load(world, 10, refuse())
        await assert_nothing_is_wrong(world)
