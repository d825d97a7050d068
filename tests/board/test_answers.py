"""A person answers a recommended downgrade on the board: a case event, once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sla_monitor.wire.inbound import CaseEvent, decode
from tests.board.test_together import a_pair, both
from tests.board.worker import Client, Worker, served
from tests.engine.feeding import STRUCTURED, Fed, clock

TOKEN = "a-token"


def wait_for_the_customer(fed: Fed, case_id: str = "case-1") -> None:
    """Two hours of silence, which allow a step down from severity A."""
    fed.open(case_id, customer="Contoso", queue="finance")
    fed.tell(case_id, "case.responded", clock(0, 5))
    fed.tell(case_id, "case.waiting_on_customer", clock(0, 10), f"{case_id}-wait")
    fed.wait(clock(2, 10))


def a_worker(token: str | None = TOKEN) -> Worker:
    worker = Worker(token=token, wall=clock(3))
    wait_for_the_customer(worker.of("case-1"))
    return worker


async def press(
    client: Client, verb: str, recommendation: str, case_id: str = "case-1", **body: Any
) -> tuple[int, Any]:
    path = f"/api/v1/cases/{case_id}/downgrades/{recommendation}/{verb}"
    status, told, _ = await client.ask(path, method="POST", json=body or None)
    return status, told


async def recommended(client: Client) -> dict[str, Any]:
    [found] = (await client.get("/overview"))["downgrades"]
    return dict(found)


def arrive(worker: Worker) -> list[str]:
    """What was produced is read by the worker, as everything is."""
    [*records] = worker.produced
    worker.produced.clear()
    fed = worker.of("case-1")
    fed.wall = worker.wall
    for _, key, value in records:
        fed.fold(key, value, STRUCTURED)
    return fed.take()


async def test_what_waits_for_a_person_is_shown_with_its_evidence() -> None:
    """The id of the notice that recommended it, the step, the rule and its sentence, and why."""
    worker = a_worker()
    async with served(worker) as client:
        overview = await client.get("/overview")
        page = await client.get("/cases/case-1")
    [found] = overview["downgrades"]
    [notice] = [each for each in worker.of("case-1").notices if each["type"] == "severity.downgrade_recommended"]
    assert page["downgrades"] == [found]
    assert overview["counts"]["downgrades_waiting"] == 1
    assert found["clause"]
    del found["clause"]
    assert found == {
        "case_id": "case-1",
        "recommendation": notice["id"],
        "severity": "A",
        "plan": "unified",
        "customer": "Contoso",
        "queue": "finance",
        "from": "A",
        "to": "B",
        "rule": notice["data"]["rule"],
        "since": notice["time"],
        "evidence": notice["data"]["evidence"],
    }


@pytest.mark.parametrize(
    ("verb", "kind", "follows"),
    [
        ("confirm", "case.downgrade_confirmed", ["severity.downgraded"]),
        ("decline", "case.downgrade_declined", []),
    ],
)
async def test_an_answer_becomes_a_case_event_that_the_worker_takes(verb: str, kind: str, follows: list[str]) -> None:
    """In the partition of the case, under its key; read again it has its effect, and nothing waits any more."""
    worker = a_worker()
    async with served(worker) as client:
        recommendation = (await recommended(client))["recommendation"]
        status, told = await press(client, verb, recommendation, by="Ann")
        [(partition, key, value)] = worker.produced
        received = decode(key, value, STRUCTURED)
        assert arrive(worker)[: len(follows)] == follows
        overview = await client.get("/overview")
    assert isinstance(received, CaseEvent)
    assert (status, told["type"], told["topic"], told["partition"]) == (202, kind, "case-events", partition)
    assert (json.loads(value)["id"], json.loads(value)["data"]["by"]) == (told["event_id"], "Ann")
    assert overview["downgrades"] == []


async def test_pressing_twice_sends_one_event() -> None:
    """Both are told where it is; once it was read, that it was answered."""
    worker = a_worker()
    async with served(worker) as client:
        recommendation = (await recommended(client))["recommendation"]
        first, second = await press(client, "confirm", recommendation), await press(client, "confirm", recommendation)
        arrive(worker)
        third, _ = await press(client, "confirm", recommendation)
    assert (first[0], second, third) == (202, first, 409)
    assert worker.of("case-1").counted["duplicate"] == 0


async def test_an_answer_cannot_be_taken_back_by_the_other_one() -> None:
    """409 while the event is on its way, and after it was read."""
    worker = a_worker()
    async with served(worker) as client:
        recommendation = (await recommended(client))["recommendation"]
        await press(client, "confirm", recommendation)
        on_the_way, _ = await press(client, "decline", recommendation)
        arrive(worker)
    async with served(worker) as client:  # another process, which remembers nothing
        afterwards, told = await press(client, "decline", recommendation)
    assert (on_the_way, afterwards, worker.produced) == (409, 409, [])
    assert told["title"] == "Conflict"


@pytest.mark.parametrize(
    ("case_id", "recommendation"),
    [("case-1", "6d3b7a52-6ff5-5d33-9c5c-000000000000"), ("case-1", "x%2Fy"), ("nobody", "x"), ("%00owner", "x")],
)
async def test_what_was_never_recommended_cannot_be_answered(case_id: str, recommendation: str) -> None:
    """404, and nothing is produced."""
    worker = a_worker()
    async with served(worker) as client:
        status, _ = await press(client, "confirm", recommendation, case_id)
    assert (status, worker.produced) == (404, [])


async def test_a_customer_who_came_back_leaves_the_recommendation_open() -> None:
    """A sign of life after it changes nothing of it: a person may still answer."""
    worker = a_worker()
    worker.of("case-1").tell("case-1", "case.customer_responded", clock(2, 30))
    async with served(worker) as client:
        status, _ = await press(client, "confirm", (await recommended(client))["recommendation"])
    assert status == 202


async def test_a_recommendation_that_was_withdrawn_cannot_be_answered() -> None:
    """An earlier sign of life arrives late: there was no silence of two hours."""
    worker = a_worker()
    async with served(worker) as client:
        recommendation = (await recommended(client))["recommendation"]
        said = worker.of("case-1").tell("case-1", "case.customer_responded", clock(1))
        status, _ = await press(client, "confirm", recommendation)
    assert "sla.retracted" in said
    assert (status, worker.produced) == (409, [])


async def test_nothing_is_changed_without_a_token_file() -> None:
    """Not even on loopback: 403 whatever token is sent."""
    worker = a_worker(token=None)
    async with served(worker) as client:
        recommendation = (await recommended(client))["recommendation"]
        path = f"/api/v1/cases/case-1/downgrades/{recommendation}/confirm"
        for headers in ({}, {"Authorization": f"Bearer {TOKEN}"}):
            status, body, _ = await client.ask(path, method="POST", headers=headers)
            assert (status, "SLA_WEB_TOKEN_FILE" in body["detail"]) == (403, True)
    assert worker.produced == []


async def test_a_shadow_says_nothing_to_the_deployment_that_it_looks_at() -> None:
    """What it recommends is a question of its own; its input is that of the live workers."""
    worker = a_worker()
    worker.is_shadow = True
    async with served(worker) as client:
        status, body = await press(client, "confirm", (await recommended(client))["recommendation"])
    assert (status, worker.produced) == (403, [])
    assert "shadow" in body["detail"]


async def test_a_broker_that_does_not_answer_is_told_and_asking_again_is_safe() -> None:
    """503 with words. Asked again the same bytes are sent: a duplicate at most, and no contradiction."""
    worker = a_worker()
    async with served(worker) as client:
        recommendation = (await recommended(client))["recommendation"]
        worker.is_kafka_there = False
        status, body = await press(client, "confirm", recommendation)
        worker.is_kafka_there = True
        worker.wall += 1
        again, told = await press(client, "confirm", recommendation)
        assert worker.produced[0] == worker.produced[1]
        assert json.loads(worker.produced[0][2])["id"] == told["event_id"]
        arrive(worker)
    assert (status, again) == (503, 202)
    assert body["detail"].startswith("Kafka did not say")
    fed = worker.of("case-1")
    assert (fed.counted["duplicate"], fed.dead) == (1, [])


@pytest.mark.parametrize("body", [{"by": 1}, {"by": "x" * 201}, {"to": "C"}, ["by"]])
async def test_a_body_that_is_none_is_refused(body: Any) -> None:
    worker = a_worker()
    async with served(worker) as client:
        recommendation = (await recommended(client))["recommendation"]
        path = f"/api/v1/cases/case-1/downgrades/{recommendation}/confirm"
        status, _, _ = await client.ask(path, method="POST", json=body)
    assert (status, worker.produced) == (400, [])


async def test_any_worker_takes_an_answer_and_the_one_that_has_the_case_produces() -> None:
    """So what it remembers of answers is in one place."""
    first, second = a_pair(0, TOKEN)
    holder = first if first.partition_of("case-1") in first.fed else second
    wait_for_the_customer(holder.of("case-1"))
    async with both(first, second) as (one, other):
        client = other if holder is first else one
        [found] = (await client.get("/overview"))["downgrades"]
        status, _ = await press(client, "confirm", found["recommendation"], by="Ann")
        conflict, _ = await press(client, "decline", found["recommendation"])
        unknown, _ = await press(client, "confirm", "none")
    assert (status, conflict, unknown, len(holder.produced)) == (202, 409, 404, 1)
    assert json.loads(holder.produced[0][2])["data"]["by"] == "Ann"
