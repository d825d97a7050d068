"""Nobody ran for hours; a worker died and another is there. Neither costs a verdict."""

from __future__ import annotations

import random
from typing import Final

import pytest

from tests.chaos.failover import balanced, failover_seconds, open_cases
from tests.chaos.judge import settled, shown
from tests.chaos.scene import SESSION_SECONDS, a_scene, answer, opening
from tests.kafka.broker import Broker
from tests.kafka.world import SECOND, now

CASES: Final = 1_000
HOURS: Final = 6
OUTAGE: Final = HOURS * 3_600 * SECOND
BEYOND_SESSION_SECONDS_MAX: Final = 40.0  # on a busy machine; benchmarks/failover.py holds the promise of 3 s
WITHIN_SECONDS: Final = 60.0


@pytest.mark.timeout(240)
async def test_six_hours_without_a_worker(broker: Broker) -> None:
    """A thousand cases stood in the state when the worker died; every deadline lies in the six hours since. Half were
    answered in time, and the answers wait in the log. Not one of those is breached, not even for a moment; of the
    others none is missing.

    Time is not waited for: the first worker has a settle time longer than the outage, so for its decisions it is still
    the time before. It commits the openings, decides no deadline and is killed. The next has the true settle time.
    """
    chance = random.Random(CASES)
    async with a_scene(broker.bootstrap, partitions=2) as world:
        began = now() - OUTAGE - 60 * SECOND
        cases = [opening(seconds, began) for seconds in (chance.randint(60, HOURS * 3_600 - 60) for _ in range(CASES))]
        first = world.start(SLA_SETTLE_SECONDS=str((HOURS + 1) * 3_600))
        await first.ready()
        await world.send(*cases)
        await world.caught_up()
        assert {each.type for each in await world.notices()} == {"sla.clock.started"}
        first.kill()
        answered = cases[::2]
        await world.send(*(answer(each, began + chance.randint(1, 59) * SECOND) for each in answered))
        world.start()
        await world.caught_up(WITHIN_SECONDS)
        found = await settled(world, now(), WITHIN_SECONDS)
        assert not found, f"{shown(found)}\n{world.ends_of_logs()}"
        notices = await world.notices()
        breached = {each.key for each in notices if each.type == "sla.breached"}
        assert breached == {each.key for each in cases[1::2]}
        assert not [each for each in notices if each.type == "sla.retracted"]


@pytest.mark.timeout(240)
async def test_the_partitions_of_a_dead_worker_are_live_elsewhere(broker: Broker) -> None:
    """One of two is killed: the other has everything, live, and goes on."""
    async with a_scene(broker.bootstrap, partitions=4) as world:
        await open_cases(world, 400)
        victim, heir = world.start(), world.start()
        await balanced(world)
        seconds = await failover_seconds(world, victim, heir)
        print(f"{seconds:.1f} s")
        assert seconds < SESSION_SECONDS + BEYOND_SESSION_SECONDS_MAX
        await world.send(opening(60))
        await world.caught_up()
        assert await settled(world, now(), WITHIN_SECONDS) == []
