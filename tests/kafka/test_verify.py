"""`verify` on a real deployment: it finds nothing where nothing is wrong, and what somebody has put there."""

from __future__ import annotations

import asyncio
import json
import subprocess
from dataclasses import dataclass
from typing import Any

from tests.kafka.broker import Broker
from tests.kafka.load import planned, play
from tests.kafka.world import A_CASE, CONSOLE, SECOND, Event, World, a_world, event, now, rfc3339

PARTITIONS = 2
SEED = 20_260_601


@dataclass(frozen=True, slots=True)
class Verified:
    """What the command said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        return dict(json.loads(self.out))

    @property
    def findings(self) -> dict[str, int]:
        return dict(self.document["findings"])


async def verify(world: World, *arguments: str) -> Verified:
    """As an operator calls it."""
    command = [*CONSOLE[:-1], "verify", "--json", *arguments]
    done = await asyncio.to_thread(
        subprocess.run, command, env=world.environment, capture_output=True, text=True, check=False
    )
    return Verified(done.returncode, done.stdout, done.stderr)


def assert_clean(found: Verified) -> None:
    assert found.code == 0, found.out + found.err
    document = found.document
    assert (document["clean"], document["findings"], document["unverifiable"]) == (True, {}, {})
    assert document["digest"]["expected"] == document["digest"]["found"]


async def a_varied_load(world: World) -> None:
    """Cases answered in time, late and never; garbage, erasures, late facts, orphans, what is not for us."""
    start = now() + SECOND // 5
    plan = planned(SEED, 60, start, 4)
    began = now() - 60 * SECOND
    strange = [
        Event(key=b"garbage", value=b"no JSON"),
        Event(key=None, value=b"{}", partition=0),
        event("early", "case.responded", began + SECOND),
        event("late", "case.opened", began, **A_CASE, targets={"initial_response": 10}),
        event("erased", "case.opened", began, event_id="once", **A_CASE),
        event("future", "case.opened", now() + 3600 * SECOND, **A_CASE),
        event("strange", "com.example.ping", began),
    ]
    await asyncio.gather(play(world, plan, SEED), world.send(*strange))
    await world.caught_up()
    await world.send(
        event("early", "case.opened", began, **A_CASE),
        event("late", "case.responded", began + 5 * SECOND),
        Event(key=b"erased", value=None),
        event("erased", "case.opened", began, event_id="once", **A_CASE),
        event("erased", "case.opened", began, event_id="once", **{**A_CASE, "severity": "B"}),
        Event(key=b"unheard-of", value=None),
    )
    await world.caught_up()


async def test_it_is_clean_after_two_workers_and_says_how_late_they_were(broker: Broker) -> None:
    """Also while events flow, also up to an instant, also in as many processes as one likes."""
    async with a_world(broker.bootstrap, partitions=PARTITIONS) as world:
        for _ in range(2):
            world.start()
        for worker in world.workers:
            await worker.ready()
        flowing = asyncio.create_task(a_varied_load(world))
        while not flowing.done():
            assert_clean(await verify(world))
        await flowing
        found = await verify(world, "--until", rfc3339(now()))
        assert_clean(found)
        document = found.document
        assert document["cases"] >= 60 + 7
        assert document["dead_letters"] == 4
        assert all(each["reached"] for each in document["partitions"].values())
        assert document["lateness_seconds"]["live"]["sla.breached"]["p99"] < 5
        one = await verify(world, "--jobs", "1", "--until", rfc3339(now()))
        assert_clean(one)
