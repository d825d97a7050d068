"""The board of a real deployment: any worker answers for all of them, and what a person decides goes through Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from sla_monitor.engine.layout import partition_of
from tests.kafka.broker import Broker
from tests.kafka.world import A_CASE, SECOND, Event, WorkerProcess, World, a_world, event, eventually, now

PARTITIONS = 4
CASES = 20
SESSION_SECONDS = 6.0
TOKEN = "the-token-of-a-test"
SETTLED_SECONDS_MAX = 40.0
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
SILENT = "case-silent"

Answer = tuple[int, Any]


async def ask(worker: WorkerProcess, path: str, method: str = "GET", token: str = TOKEN) -> Answer:
    """Status and body; status 0: nobody answers."""
    try:
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
            session.request(method, f"http://127.0.0.1:{worker.web_port}/api/v1{path}") as answer,
        ):
            return answer.status, await answer.json(content_type=None)
    except aiohttp.ClientError:
        return 0, None


async def until(seen: Callable[[], Awaitable[Answer]], is_so: Callable[[Answer], bool], world: World) -> Answer:
    """Asks until the answer is so."""
    found: Answer = (0, None)

    async def holds() -> bool:
        nonlocal found
        found = await seen()
        return is_so(found)

    await eventually(holds, lambda: f"{str(found)[-2_000:]}\n{world.ends_of_logs()}", SETTLED_SECONDS_MAX)
    return found


def some_cases() -> list[Event]:
    """Open ones, and one whose customer has been silent for longer than severity A allows."""
    opened_at = now() - 10 * MINUTE
    events = [event(f"case-{number}", "case.opened", opened_at + number * SECOND, **A_CASE) for number in range(CASES)]
    before = now() - 3 * HOUR
    events.append(event(SILENT, "case.opened", before, **A_CASE))
    events.append(event(SILENT, "case.responded", before + MINUTE))
    events.append(event(SILENT, "case.waiting_on_customer", before + 2 * MINUTE))
    return events


def has_all(answer: Answer) -> bool:
    status, page = answer
    return status == 200 and page["complete"] and page["total"] == CASES  # the silent one has no clock any more


async def test_any_worker_answers_for_all_and_a_decision_goes_through_kafka(broker: Broker, tmp_path: Path) -> None:
    """Two workers say the same. An answer to a recommendation, given to the worker that has not got the case, becomes
    an event and then a notice. One worker is killed: its partitions are said to be missing, its cases are 503; when the
    other has them, everything is there again."""
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN)
    async with a_world(
        broker.bootstrap,
        partitions=PARTITIONS,
        SLA_SESSION_TIMEOUT_SECONDS=str(SESSION_SECONDS),
        SLA_WEB_TOKEN_FILE=str(token_file),
    ) as world:
        await world.send(*some_cases())
        workers = [world.start(), world.start()]
        for worker in workers:
            await worker.ready()
        pages = [await until(partial(ask, each, "/cases?limit=200"), is_of_both, world) for each in workers]
        assert [item["case_id"] for item in pages[0][1]["items"]] == [item["case_id"] for item in pages[1][1]["items"]]
        assert {each["owner"] for each in pages[0][1]["partitions"]} == {
            f"http://127.0.0.1:{worker.web_port}" for worker in workers
        }
        assert (await ask(workers[0], "/cases", token="another"))[0] == 401
        await a_decision(world, workers)
        await a_failure(world, workers)


def is_of_both(answer: Answer) -> bool:
    """And each of the two workers has some."""
    return has_all(answer) and len({each["owner"] for each in answer[1]["partitions"]}) == 2


async def a_decision(world: World, workers: list[WorkerProcess]) -> None:
    other = await without(workers, SILENT)
    _, overview = await until(lambda: ask(other, "/overview"), lambda told: bool(told[1]["downgrades"]), world)
    [found] = overview["downgrades"]
    path = f"/cases/{SILENT}/downgrades/{found['recommendation']}/confirm"
    pressed = await asyncio.gather(*(ask(other, path, "POST") for _ in range(3)))
    assert {status for status, _ in pressed} <= {202, 409}, pressed  # 409: the event was read in between
    accepted = [told for status, told in pressed if status == 202]
    assert len({told["event_id"] for told in accepted}) == 1
    assert {told["partition"] for told in accepted} == {partition_of(SILENT.encode(), PARTITIONS)}
    await until(lambda: ask(other, f"/cases/{SILENT}"), lambda told: told[1]["case"]["severity"] == "B", world)
    said = [each for each in await world.notices() if each.type == "severity.downgraded"]
    assert [(each.case_id, each.data["from"], each.data["to"]) for each in said] == [(SILENT, "A", "B")]
    assert await world.dead() == []
    assert (await ask(other, path, "POST"))[0] == 409


async def without(workers: list[WorkerProcess], case_id: str) -> WorkerProcess:
    """The worker that has not got the case."""
    states = [await worker.states() for worker in workers]
    return workers[1 if partition_of(case_id.encode(), PARTITIONS) in states[0] else 0]


async def a_failure(world: World, workers: list[WorkerProcess]) -> None:
    survivor, victim = workers
    lost = set(await victim.states())
    case_id = next(f"case-{n}" for n in range(CASES) if partition_of(f"case-{n}".encode(), PARTITIONS) in lost)
    victim.kill()
    _, page = await until(
        lambda: ask(survivor, "/cases"), lambda told: told[0] == 200 and not told[1]["complete"], world
    )
    missing = {each["partition"]: each["state"] for each in page["partitions"] if not each["answered"]}
    assert set(missing) == lost
    assert set(missing.values()) == {"unreachable"}
    status, problem = await ask(survivor, f"/cases/{case_id}")
    assert (status, problem["partition_state"], problem["partition"] in lost) == (503, "unreachable", True)
    _, page = await until(lambda: ask(survivor, "/cases?limit=200"), has_all, world)
    assert {each["owner"] for each in page["partitions"]} == {f"http://127.0.0.1:{survivor.web_port}"}
    assert (await ask(survivor, f"/cases/{case_id}"))[1]["case"]["case_id"] == case_id
