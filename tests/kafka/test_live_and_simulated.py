"""What a live run said and what `simulate` says of the same events with their arrivals: promises (a) to (c)."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from tests.kafka.broker import Broker
from tests.kafka.helpers import read_all
from tests.kafka.load import planned, play
from tests.kafka.world import A_CASE, CONSOLE, SECOND, Event, World, a_world, event, now, rfc3339

PARTITIONS = 3
SEED = 20_260_603
LATE = 6


async def called(world: World, *arguments: str) -> str:
    """The output of a command that finds nothing wrong."""
    done = await asyncio.to_thread(
        subprocess.run, [*CONSOLE[:-1], *arguments], env=world.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def as_file(world: World) -> str:
    """The input topic: each event with its arrival, in the order of arrival."""
    records = await read_all(world.settings.broker, world.settings.topics.events)
    records.sort(key=lambda record: (record.timestamp, record.partition, record.offset))
    lines = [json.loads(record.value or b"") | {"arrivedat": rfc3339(record.timestamp * 1_000)} for record in records]
    return "".join(json.dumps(line) + "\n" for line in lines)


def by_case(notices: list[dict[str, Any]], until: int) -> dict[str, list[dict[str, Any]]]:
    """Those about instants up to `until`."""
    found: dict[str, list[dict[str, Any]]] = {}
    for notice in notices:
        if notice["time"].removesuffix("Z") <= rfc3339(until).removesuffix("Z"):
            found.setdefault(notice["subject"], []).append(notice)
    return found


def without_pairs(notices: list[dict[str, Any]]) -> Counter[str]:
    """A notice and its retraction are left out, and of the rest the id, `emittedat` and `detected`."""
    withdrawn = {notice["data"]["retracts"] for notice in notices if notice["type"] == "sla.retracted"}
    assert withdrawn <= {notice["id"] for notice in notices}
    return Counter(
        json.dumps([notice["type"], notice["time"], notice["data"]], sort_keys=True)
        for notice in notices
        if notice["type"] != "sla.retracted" and notice["id"] not in withdrawn
    )


def late_answers(began: int) -> tuple[list[Event], list[Event]]:
    """Openings whose breach is said at once, and answers in time that come after it."""
    names = [f"late-{number}" for number in range(LATE)]
    openings = [event(name, "case.opened", began, **A_CASE, targets={"initial_response": 5}) for name in names]
    return openings, [event(name, "case.responded", began + 4 * SECOND) for name in names]


async def test_a_live_run_and_simulate_agree(broker: Broker, tmp_path: Path) -> None:
    """The digest of what stands is one string; transcripts differ by pairs of a notice and its retraction only, and
    where there is no such pair the ids are the same as well."""
    async with a_world(broker.bootstrap, partitions=PARTITIONS) as world:
        worker = world.start()
        await worker.ready()
        openings, answers = late_answers(now() - 20 * SECOND)
        await world.send(*openings)
        await play(world, planned(SEED, 60, now() + SECOND // 5, 3), SEED)
        await world.send(*answers)
        await world.caught_up()
        until = now()
        found = json.loads(await called(world, "verify", "--json", "--until", rfc3339(until)))
        live = by_case([notice.value for notice in await world.notices()], until)
        file = tmp_path / "events.jsonl"
        await asyncio.to_thread(file.write_text, await as_file(world))
        arguments = ("simulate", str(file), "--until", rfc3339(until))
        digest = dict(line.split() for line in (await called(world, *arguments, "--digest")).splitlines())
        simulated = by_case([json.loads(line) for line in (await called(world, *arguments)).splitlines()], until)

    assert digest["standing:"] == found["digest"]["found"] == found["digest"]["expected"]
    assert live.keys() == simulated.keys()
    assert len(live) == 60 + LATE
    pairs = 0
    for case_id, notices in live.items():
        other = simulated[case_id]
        assert without_pairs(notices) == without_pairs(other), case_id
        if "sla.retracted" in {each["type"] for each in notices + other}:
            pairs += 1
        else:
            assert {each["id"] for each in notices} == {each["id"] for each in other}
    assert pairs >= LATE
