"""Which clocks are found, in which order, page by page."""

from __future__ import annotations

from typing import Any

import pytest

from sla_monitor.board import index
from sla_monitor.board.own import Own
from sla_monitor.core.facts import MINUTE, SECOND
from tests.board.worker import Client, Worker, served
from tests.engine.feeding import NINE, clock

SEVERITIES = ("A", "B", "C")
PLANS = ("standard", "professional_direct", "unified")


def a_worker(cases: int = 40, partitions: int = 3) -> Worker:
    """Cases a minute apart, whose fields differ."""
    worker = Worker(count=partitions)
    for number in range(cases):
        worker.of(f"case-{number:03}").open(
            f"case-{number:03}",
            NINE + number * MINUTE,
            severity=SEVERITIES[number % 3],
            plan=PLANS[number // 3 % 3],
            access="24x7",
            queue=f"queue-{number % 4}",
            customer=f"customer-{number % 5}",
        )
    worker.wall = clock(1)
    return worker


async def walked(client: Client, question: str) -> list[dict[str, Any]]:
    """Every page, by the cursors."""
    found, after = [], ""
    while True:
        page = await client.get(f"/cases?{question}{after}")
        found += page["items"]
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


@pytest.mark.parametrize("limit", [1, 7, 200])
@pytest.mark.parametrize("sort", ["deadline", "opened", "case_id"])
async def test_pages_are_the_whole_list_once_whatever_their_size(sort: str, limit: int) -> None:
    """Across partitions: none twice, none missing, in order."""
    key = {"deadline": "deadline", "opened": "opened_at", "case_id": "case_id"}[sort]
    async with served(a_worker()) as client:
        found = await walked(client, f"sort={sort}&limit={limit}")
    places = [(each[key], each["case_id"], each["clock"]) for each in found]
    assert places == sorted(places)
    assert sorted({each["case_id"] for each in found}) == [f"case-{number:03}" for number in range(40)]
    assert len(places) == len(set(places)) == 40


async def test_a_page_goes_on_where_it_ended_though_cases_come_and_go() -> None:
    """The cursor is a place, not a count: what is added before it, or ends, moves nothing to another page."""
    worker = a_worker()
    async with served(worker) as client:
        first = await client.get("/cases?sort=case_id&limit=10")
        worker.of("case-0005").open("case-0005")
        worker.of("case-009").tell("case-009", "case.resolved", clock(1))
        second = await client.get(f"/cases?sort=case_id&limit=10&after={first['next']}")
    assert [each["case_id"] for each in second["items"]] == [f"case-{number:03}" for number in range(10, 20)]


@pytest.mark.parametrize("partitions", [1, 3])
async def test_a_case_that_moves_while_a_page_is_made_takes_no_other_along(
    monkeypatch: pytest.MonkeyPatch, partitions: int
) -> None:
    """Its deadline is behind all others by the time it is put into words: the next page begins where this one ended."""
    worker = a_worker(partitions=partitions)
    words = Own._clocks
    moved: list[str] = []

    async def move_first(self: Own, found: Any, turns: Any) -> Any:
        found = list(found)
        if not moved:
            moved.append(found[-2][1].decode())
            worker.of(moved[0]).tell(moved[0], "case.severity_changed", clock(1), severity="C", by="support")
        return await words(self, found, turns)

    monkeypatch.setattr(Own, "_clocks", move_first)
    async with served(worker) as client:
        found = await walked(client, "limit=7")
    assert {each["case_id"] for each in found} == {f"case-{number:03}" for number in range(40)}


@pytest.mark.parametrize(
    ("question", "numbers"),
    [
        ("severity=A", range(0, 40, 3)),
        ("severity=A&severity=B", [number for number in range(40) if number % 3 < 2]),
        ("queue=queue-1", range(1, 40, 4)),
        ("customer=customer-2&queue=queue-3", [7, 27]),
        ("search=case-01", range(10, 20)),
        ("plan=unified&severity=C", [8, 17, 26, 35]),
        ("severity=none", []),
    ],
)
async def test_filters_together_must_all_fit(question: str, numbers: range | list[int]) -> None:
    """One given several times: any of these. The total is that of all pages."""
    async with served(a_worker()) as client:
        found = await walked(client, f"sort=case_id&limit=6&{question}")
        page = await client.get(f"/cases?limit=1&{question}")
    assert [each["case_id"] for each in found] == [f"case-{number:03}" for number in numbers]
    assert page["total"] == len(found)


async def test_a_facet_counts_what_its_filter_could_choose_instead() -> None:
    """The other filters hold, its own does not."""
    async with served(a_worker()) as client:
        page = await client.get("/cases?severity=A&queue=queue-0")
    assert page["facets"]["severity"] == {"A": 4, "B": 3, "C": 3}
    assert page["facets"]["queue"] == {"queue-0": 4, "queue-1": 3, "queue-2": 3, "queue-3": 4}
    assert page["total"] == 4
    assert sum(page["facets"]["plan"].values()) == 4


async def test_more_queues_than_can_be_listed_are_found_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Producers may call them what they like: what is kept of their names is bounded, what is found is not."""
    monkeypatch.setattr(index, "QUEUES_NAMED_MAX", 2)
    async with served(a_worker(partitions=1)) as client:
        whole = await client.get("/cases?limit=1")
        pages = [await client.get(f"/cases?queue=queue-{number}") for number in range(4)]
    assert (whole["total"], len(whole["facets"]["queue"])) == (40, 2)
    assert [page["total"] for page in pages] == [10, 10, 10, 10]


NO_QUESTIONS = [
    "limit=0",
    "limit=201",
    "limit=ten",
    "limit=-1",
    "limit=1&limit=2",
    "sort=none",
    "state=none",
    "colour=red",
    "search=a&search=b",
    "after=x",
    "after=bnVsbA",
    "after=%00",
    "after=WyJvcGVuZWQiLDEsImEiLCJiIl0",
    "after=WyJkZWFkbGluZSIsMSwiXHVkODAwIiwiYiJd",  # the case id is half a surrogate pair
    "after=" + "W1tb" * 1_500,  # lists in lists
]


@pytest.mark.parametrize("question", NO_QUESTIONS)
async def test_a_question_that_is_none_is_refused(question: str) -> None:
    """400 and what is wrong; a cursor of another order too."""
    async with served(Worker()) as client:
        status, body, headers = await client.ask(f"/api/v1/cases?{question}")
    assert (status, headers["Content-Type"].partition(";")[0]) == (400, "application/problem+json")
    assert body["detail"]


async def test_a_clock_is_told_with_what_it_rests_on() -> None:
    """As the case stands: its labels, target, rule and sentence, what is used up and what is left."""
    worker = Worker()
    worker.of("case-1").open("case-1", queue="finance", customer="Contoso")
    worker.wall = NINE + 15 * MINUTE
    async with served(worker) as client:
        [item] = (await client.get("/cases"))["items"]
    assert item["clause"].startswith("Severity A")
    del item["clause"]
    assert item == {
        "case_id": "case-1",
        "generation": 1,
        "severity": "A",
        "plan": "unified",
        "country": "US",
        "customer": "Contoso",
        "product": "",
        "queue": "finance",
        "clock": "initial_response",
        "run": 1,
        "state": "running",
        "promised": True,
        "deadline": "2026-01-05T10:00:00Z",
        "remaining_seconds": 2700.0,
        "target_seconds": 3600.0,
        "elapsed_seconds": 900.0,
        "paused_since": None,
        "pause_reason": None,
        "rule": "SP-A",
        "calendar": "24x7",
        "opened_at": "2026-01-05T09:00:00Z",
    }


async def test_states_follow_the_watermark_and_not_the_clock_on_the_wall() -> None:
    """A deadline that passed on the wall is no breach before the input is known to be complete."""
    worker = Worker()
    fed = worker.of("case-1")
    fed.open("case-1")
    async with served(worker) as client:
        seen = []
        for watermark in (clock(0, 10), clock(0, 50), clock(1) - 1, clock(1)):
            fed.wait(watermark)
            worker.wall = clock(1) + 30 * SECOND
            [item] = (await client.get("/cases"))["items"]
            seen.append((item["state"], item["remaining_seconds"]))
    assert seen == [("running", -30), ("at_risk", -30), ("at_risk", -30), ("breached", -30)]


async def test_a_case_that_ends_is_listed_no_more() -> None:
    worker = Worker()
    worker.of("case-1").open("case-1")
    async with served(worker) as client:
        before = await client.get("/cases")
        worker.of("case-1").tell("case-1", "case.resolved", clock(0, 5))
        after = await client.get("/cases")
    assert (before["total"], after["total"], after["items"]) == (1, 0, [])
