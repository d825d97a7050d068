"""Workers fail; what they owe is said all the same, and only once."""

from __future__ import annotations

import asyncio

from tests.kafka.broker import Broker
from tests.kafka.load import assert_said_once_and_for_good, notices_of, planned, play
from tests.kafka.world import SECOND, WorkerProcess, World, a_world, eventually, now

SEED = 20_260_202
CASES = 400
OPENED_OVER_SECONDS = 8
PARTITIONS = 4
SESSION_SECONDS = 6.0
FROZEN_SECONDS = 8.0  # longer than the session: its partitions are somebody else's when it wakes up
EXIT_FATAL = 70
SETTLED_SECONDS_MAX = 30.0


async def at(instant_at: int) -> None:
    """Until then."""
    await asyncio.sleep(max(0.0, (instant_at - now()) / SECOND))


async def all_live(world: World, share_at_least: int = 0) -> None:
    """Until the workers that run have every partition between them, each once, all at work."""
    found: list[dict[int, str]] = []

    async def is_so() -> bool:
        nonlocal found
        found = [await worker.states() for worker in world.workers if worker.exit_code is None]
        return (
            sorted(number for each in found for number in each) == list(range(PARTITIONS))
            and all(state == "live" for each in found for state in each.values())
            and min(map(len, found)) >= share_at_least
        )

    await eventually(is_so, lambda: f"{found}\n{world.ends_of_logs()}", SETTLED_SECONDS_MAX)


async def kill_and_restart(world: World, victim: WorkerProcess, when: int) -> None:
    """As when its machine fails and another takes its place at once."""
    await at(when)
    victim.kill()
    world.start()


async def freeze_and_thaw(world: World, victim: WorkerProcess, when: int) -> None:
    """As when its machine hangs. It may find out by itself that it is late, and then ends with 70."""
    await at(when)
    victim.freeze()
    await asyncio.sleep(FROZEN_SECONDS)
    victim.thaw()
    for _ in range(60):
        if victim.exit_code is not None:
            assert victim.exit_code == EXIT_FATAL, victim.end_of_log()
            world.start()
            return
        await asyncio.sleep(0.05)


async def test_a_killed_worker_and_a_frozen_one_cost_no_notice(broker: Broker) -> None:
    """One worker of two is killed and replaced, the other frozen beyond its session: nothing is wrong, missing,
    withdrawn or said twice."""
    async with a_world(
        broker.bootstrap, partitions=PARTITIONS, SLA_SESSION_TIMEOUT_SECONDS=str(SESSION_SECONDS)
    ) as world:
        first, second = world.start(), world.start()
        await all_live(world, PARTITIONS // 2)
        start = now() + SECOND // 5
        plan = planned(SEED, CASES, start, OPENED_OVER_SECONDS)
        await asyncio.gather(
            play(world, plan, SEED),
            kill_and_restart(world, second, start + 2 * SECOND),
            freeze_and_thaw(world, first, start + 9 * SECOND),
        )
        await all_live(world)
        notices = await notices_of(world, plan, max(case.deadline for case in plan))
        assert_said_once_and_for_good(notices)
        assert await world.dead() == []
        ended = [worker.exit_code for worker in world.workers if worker.exit_code is not None]
        assert -9 in ended
        assert set(ended) <= {-9, EXIT_FATAL}
