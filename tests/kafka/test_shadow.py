"""A shadow works beside the live deployment: it reads the same input and touches nothing else of it."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Final

from sla_monitor.config.settings import as_shadow
from sla_monitor.engine.topics import create_topics
from sla_monitor.engine.verify.shadow import Comparison, compare_shadow
from tests.chaos.nursery import HatchedWorker
from tests.chaos.scene import garbage, opening, warning_earlier
from tests.kafka.broker import Broker
from tests.kafka.helpers import read_all
from tests.kafka.world import SECOND, World, a_world, now

CASES: Final = 10
TARGET_SECONDS: Final = 10
WAIT_SECONDS: Final = 40.0
EXIT_FINDINGS: Final = 1


async def start_shadow(world: World, name: str, **environment: str) -> None:
    """As an operator does: topics, then a worker."""
    reports = await create_topics(as_shadow(world.settings, name), None, 1)
    assert [report.outcome for report in reports] == ["right", "created", "created", "created"]
    world.start((sys.executable, "-m", "sla_monitor", "run", "--shadow", name), **environment)


async def live_side(world: World) -> tuple[object, ...]:
    """What a shadow must not touch."""
    events = await read_all(world.settings.broker, world.settings.topics.events)
    return await world.notices(), await world.committed(), await world.state(), events


async def compared(world: World, name: str) -> Comparison:
    return await compare_shadow(world.settings, as_shadow(world.settings, name), now(), WAIT_SECONDS)


async def test_a_shadow_says_the_same_or_what_its_pack_says(broker: Broker, tmp_path: Path) -> None:
    """The same version differs in nothing. One that warns at 50 percent, and not at 75 and 90, differs in exactly that
    for each case. The live topics and the live group are as they were."""
    pack = warning_earlier(tmp_path)
    async with a_world(broker.bootstrap, partitions=2) as world:
        world.launch = HatchedWorker
        live = world.start()
        began = now() - 60 * SECOND
        await world.send(*(opening(TARGET_SECONDS, began) for _ in range(CASES)), garbage())
        await live.ready()
        await world.caught_up()
        assert (await compare_shadow(world.settings, world.settings, now(), WAIT_SECONDS)).is_same
        before = await live_side(world)

        await start_shadow(world, "same")
        await start_shadow(world, "next", SLA_POLICY=str(pack))
        same, other = await compared(world, "same"), await compared(world, "next")
        assert same.is_same, same.tally.examples
        assert same.tally.cases == CASES + 1
        assert Counter((each.kind, each.subject) for each in other.tally.examples) == {
            ("missing", "sla.warning initial_response 75 (generation 1)"): CASES,
            ("missing", "sla.warning initial_response 90 (generation 1)"): CASES,
            ("extra", "sla.warning initial_response 50 (generation 1)"): CASES,
        }
        command = world.start((sys.executable, "-m", "sla_monitor", "shadow", "compare", "next"))
        assert await command.ended() == EXIT_FINDINGS
        assert f"missing: {2 * CASES} (the live one says it, the shadow does not)" in command.text
        assert await live_side(world) == before
