"""`replay --dry-run` of a live deployment: it reads beside the worker and touches nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from sla_monitor.config.packs import load_packs
from sla_monitor.engine.replaying import Answer, Question, replay_topic
from tests.chaos.nursery import HatchedWorker
from tests.chaos.scene import garbage, opening, warning_earlier
from tests.kafka.broker import Broker
from tests.kafka.helpers import read_all
from tests.kafka.world import SECOND, World, a_world, now

CASES = 5
TARGET_SECONDS = 10


async def replayed(world: World, pack: Path | None = None) -> Answer:
    return await asyncio.to_thread(replay_topic, Question(packs=load_packs(pack)), world.settings)


async def everything(world: World) -> tuple[object, ...]:
    """What a replay must not touch."""
    events = await read_all(world.settings.broker, world.settings.topics.events)
    return await world.notices(), await world.committed(), await world.state(), await world.dead(), events


async def test_it_says_what_another_pack_would_change(broker: Broker, tmp_path: Path) -> None:
    """Nothing under the pack of the worker; under one that warns at 50 percent, and not at 75 and 90, exactly that for
    each case. The dead letter is one again, and every topic is as it was."""
    pack = warning_earlier(tmp_path)
    async with a_world(broker.bootstrap, partitions=2) as world:
        world.launch = HatchedWorker
        worker = world.start()
        began = now() - 60 * SECOND
        await world.send(*(opening(TARGET_SECONDS, began) for _ in range(CASES)), garbage())
        await worker.ready()
        await world.caught_up()
        before = await everything(world)
        same, other = await replayed(world), await replayed(world, pack)
        assert not same.differs, same.tally.examples
        assert (same.unusable, same.tally.unverifiable.total()) == (1, 0)
        assert same.standing == same.decided == len(before[0])  # type: ignore[arg-type]  # the notices
        assert Counter((each.kind, each.subject) for each in other.tally.examples) == {
            ("say", "sla.warning initial_response 50 (generation 1)"): CASES,
            ("withdraw", "sla.warning initial_response 75 (generation 1)"): CASES,
            ("withdraw", "sla.warning initial_response 90 (generation 1)"): CASES,
        }
        assert await everything(world) == before
