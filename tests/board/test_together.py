"""Any worker answers for all, and says whom it could not ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web

from sla_monitor.board.models import Cases, Overview
from sla_monitor.board.others import LOCAL
from sla_monitor.core.facts import MINUTE
from sla_monitor.engine.holdings import Verdicts
from sla_monitor.engine.layout import partition_of
from sla_monitor.observe.health import serve
from tests.board.worker import Client, Worker, served
from tests.engine.feeding import NINE, clock

PARTITIONS = 4
TOKEN = "a-token"
GONE = "http://127.0.0.1:1"


def a_pair(cases: int = 30, token: str | None = TOKEN) -> tuple[Worker, Worker]:
    """Two workers with two partitions each, of one deployment."""
    first = Worker(count=PARTITIONS, numbers=[0, 2], token=token)
    second = Worker(count=PARTITIONS, numbers=[1, 3], token=token)
    for number in range(cases):
        case_id = f"case-{number:03}"
        fed = (first.fed | second.fed)[partition_of(case_id.encode(), PARTITIONS)]
        fed.open(case_id, NINE + number * MINUTE, queue=f"queue-{number % 3}")
    first.wall = second.wall = clock(1)
    return first, second


def know_each_other(first: Worker, second: Worker) -> None:
    """As after an assignment."""
    first.elsewhere = dict.fromkeys(second.fed, second.url)
    second.elsewhere = dict.fromkeys(first.fed, first.url)


@asynccontextmanager
async def both(first: Worker, second: Worker) -> AsyncIterator[tuple[Client, Client]]:
    async with served(first) as one, served(second) as other:
        know_each_other(first, second)
        yield one, other


def case_of(worker: Worker) -> str:
    """Some case that this worker holds."""
    return next(key.decode() for fed in worker.fed.values() for key in fed.partition.rows)


async def walked(client: Client, question: str) -> list[dict[str, Any]]:
    found, after = [], ""
    while True:
        page = await client.get(f"/cases?{question}{after}")
        assert page["complete"] is True
        found += page["items"]
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


@pytest.mark.parametrize("sort", ["deadline", "opened", "case_id"])
async def test_both_workers_list_the_same_cases_in_the_same_order(sort: str) -> None:
    """Page by page, merged: all of them, none twice."""
    async with both(*a_pair()) as (one, other):
        asked = f"sort={sort}&limit=7"
        lists = [await walked(one, asked), await walked(other, asked)]
    assert [[each["case_id"] for each in found] for found in lists] == 2 * [[f"case-{n:03}" for n in range(30)]]


async def test_counts_facets_and_attainment_are_sums() -> None:
    """And every partition is told with its owner."""
    first, second = a_pair()
    kind = {"plan": "unified", "severity": "A", "clock": "initial_response"}
    first.counted = [Verdicts(**kind, met=3, met_late=0, breached=1)]
    second.counted = [Verdicts(**kind, met=4, met_late=1, breached=2)]
    async with both(first, second) as (one, other):
        overview, page = await one.get("/overview"), await other.get("/cases?queue=queue-0&limit=5")
        owners = {each["partition"]: each["owner"] for each in overview["partitions"]}
        assert owners == {0: first.url, 1: second.url, 2: first.url, 3: second.url}
    assert overview["complete"] is True
    assert (overview["counts"]["open"], len(overview["nearest"])) == (30, 20)
    assert [each["case_id"] for each in overview["nearest"]] == [f"case-{number:03}" for number in range(20)]
    assert overview["attainment"] == [kind | {"met": 7, "met_late": 1, "breached": 3, "attained": 0.7}]
    assert (page["total"], page["facets"]["queue"]) == (10, {"queue-0": 10, "queue-1": 10, "queue-2": 10})


async def test_a_case_is_shown_by_whichever_worker_is_asked() -> None:
    """The same page, through the owner; an id is a part of an address whatever is in it."""
    first, second = a_pair()
    odd = "a/b?c=d#e %2F ü"
    (first.fed | second.fed)[partition_of(odd.encode(), PARTITIONS)].open(odd)
    async with both(first, second) as (one, other):
        for case_id in (case_of(first), case_of(second), odd):
            asked = f"/cases/{quote(case_id, safe='')}"
            here, there = await one.get(asked), await other.get(asked)
            assert here["case"]["case_id"] == case_id
            assert here == there


async def test_a_case_in_a_partition_of_its_producers_choice_is_found() -> None:
    """Not where murmur2 of its id puts it: whoever has it is found."""
    first, second = a_pair()
    home = partition_of(b"case-x", PARTITIONS)
    astray = next(number for number in range(PARTITIONS) if number != home and number % 2 != home % 2)
    (first.fed | second.fed)[astray].open("case-x")
    async with both(first, second) as (one, other):
        found = [(await client.get("/cases/case-x"))["case"]["case_id"] for client in (one, other)]
        status, _, _ = await one.ask("/api/v1/cases/nobody")
    assert (found, status) == (["case-x", "case-x"], 404)


async def test_a_worker_that_is_gone_is_missing_and_said_to_be() -> None:
    """Lists are incomplete and name its partitions; its cases are 503 with what is known; ours are shown."""
    first, second = a_pair()
    async with served(first) as client:
        first.elsewhere = dict.fromkeys(second.fed, GONE)
        overview, page = await client.get("/overview"), await client.get("/cases")
        status, body, headers = await client.ask(f"/api/v1/cases/{case_of(second)}")
        ours = await client.get(f"/cases/{case_of(first)}")
    for told in (overview, page):
        assert told["complete"] is False
        assert [(each["partition"], each["state"]) for each in told["partitions"] if not each["answered"]] == [
            (1, "unreachable"),
            (3, "unreachable"),
        ]
    assert (status, body["partition_state"], body["owner"]) == (503, "unreachable", GONE)
    assert int(headers["Retry-After"]) > 0
    assert ours["case"]["case_id"] == case_of(first)


@pytest.mark.parametrize(("state", "told"), [("opening", "restoring"), ("suspended", "moving"), ("closed", "moving")])
async def test_a_partition_that_moves_is_said_to(state: str, told: str) -> None:
    """By the worker that has it, and through another one; nothing of what it was is shown."""
    first, second = a_pair()
    for shard in second.shards.values():
        shard.state = state
    async with both(first, second) as (one, other):
        for client in (one, other):
            status, body, _ = await client.ask(f"/api/v1/cases/{case_of(second)}")
            assert (status, body["partition_state"], body["since"][:4]) == (503, told, "2026")
            page = await client.get("/cases")
            assert (page["complete"], page["total"]) == (False, sum(len(f.partition.rows) for f in first.fed.values()))
            assert {each["state"] for each in page["partitions"] if not each["answered"]} == {told}


async def test_partitions_that_nobody_has_are_unowned() -> None:
    """As while the group waits for its first assignment."""
    first, second = a_pair()
    async with served(first) as client:
        page = await client.get("/cases")
        status, body, _ = await client.ask(f"/api/v1/cases/{case_of(second)}")
    assert {each["partition"]: each["state"] for each in page["partitions"]} == {
        0: "live",
        2: "live",
        1: "unowned",
        3: "unowned",
    }
    assert (status, body["partition_state"]) == (503, "unowned")


async def test_a_worker_whose_partitions_have_gone_elsewhere_says_that_they_move() -> None:
    """The assignment names it, and it has them no more."""
    first, second = a_pair()
    async with both(first, second) as (one, _):
        second.shards.clear()
        second._holdings.clear()
        page = await one.get("/cases")
    assert {each["state"] for each in page["partitions"] if not each["answered"]} == {"moving"}


async def test_a_question_between_workers_is_answered_for_oneself_alone() -> None:
    """Two that think of each other as the owner of everything do not ask each other for ever."""
    first, second = a_pair()
    async with both(first, second) as (one, _):
        first.elsewhere = second.elsewhere = dict.fromkeys(range(PARTITIONS), second.url)
        asked = {"Authorization": f"Bearer {TOKEN}", LOCAL: "1"}
        status, page, _ = await one.ask("/api/v1/cases", headers=asked)
        whole = await one.get("/cases")
        missing, _, _ = await one.ask("/api/v1/cases/nobody")
    assert (status, {each["partition"] for each in page["partitions"]}) == (200, {0, 2})
    assert (whole["total"], missing) == (30, 404)


async def test_a_worker_with_another_token_is_not_asked_twice_nor_told_of() -> None:
    """It refuses: its partitions are unreachable, and the answer holds neither token."""
    first, second = a_pair()
    second.token = "another-token"
    async with both(first, second) as (one, _):
        page = await one.get("/cases")
        status, body, _ = await one.ask(f"/api/v1/cases/{case_of(second)}")
    assert (page["complete"], status, body["partition_state"]) == (False, 503, "unreachable")
    assert "token" not in str(page) + str(body)


async def test_a_worker_that_answers_nonsense_or_sends_elsewhere_is_unreachable() -> None:
    """And the token goes only where the group says a worker is: redirects are not followed."""
    first, second = a_pair()
    asked: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPFound(f"http://127.0.0.1:{thief.port}/stolen")

    async def stolen(_request: web.Request) -> web.Response:
        asked.append("stolen")
        return web.json_response({"nonsense": True})

    sends, takes = web.Application(), web.Application()
    sends.router.add_get("/{path:.*}", elsewhere)
    takes.router.add_get("/{path:.*}", stolen)
    thief, other = await serve("127.0.0.1", 0, takes), await serve("127.0.0.1", 0, sends)
    try:
        async with served(first) as client:
            for port in (other.port, thief.port):
                first.elsewhere = dict.fromkeys(second.fed, f"http://127.0.0.1:{port}")
                page = await client.get("/cases")
                assert {each["state"] for each in page["partitions"] if not each["answered"]} == {"unreachable"}
    finally:
        await thief()
        await other()
    assert asked == ["/api/v1/cases", "stolen"]


async def test_a_worker_that_hangs_costs_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up, and the rest is answered."""
    monkeypatch.setattr("sla_monitor.board.others.QUESTION_SECONDS_MAX", 0.1)
    first, second = a_pair()
    never = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    app = web.Application()
    app.router.add_get("/{path:.*}", hang)
    stop = await serve("127.0.0.1", 0, app)
    try:
        async with served(first) as client:
            first.elsewhere = dict.fromkeys(second.fed, f"http://127.0.0.1:{stop.port}")
            overview = Overview.model_validate(await client.get("/overview"))
            page = Cases.model_validate(await client.get("/cases"))
    finally:
        never.set()
        await stop()
    assert not overview.complete
    assert page.total == overview.counts.open == sum(len(fed.partition.rows) for fed in first.fed.values())
