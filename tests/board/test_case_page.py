"""What is told of one case, from its row alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from sla_monitor.config.packs import load_packs
from sla_monitor.core.facts import DAY
from sla_monitor.engine.partition import ROW_BYTES_MAX, Rules
from sla_monitor.wire.trace_schema import trace_schema
from tests.board.worker import Worker, served
from tests.engine.feeding import clock

HOSTING = Rules(packs=load_packs(Path(__file__).parents[2] / "docs/examples/hosting.yaml"))


async def page(worker: Worker, case_id: str = "case-1") -> dict[str, Any]:
    async with served(worker) as client:
        return dict(await client.get(f"/cases/{case_id}"))


async def test_notices_are_those_that_were_sent() -> None:
    """Type, id, instant and data of each that stands, as the topic has them."""
    worker = Worker()
    fed = worker.of("case-1")
    fed.open("case-1")
    fed.wait(clock(1, 1))
    fed.tell("case-1", "case.responded", clock(1, 5))
    told = await page(worker)
    sent = [(each["type"], each["id"], each["time"], each["data"]) for each in fed.notices]
    assert sorted(sent, key=str) == sorted(
        [(each["type"], each["id"], each["time"], each["data"]) for each in told["notices"]], key=str
    )
    assert "sla.breached" in {each["type"] for each in told["notices"]}


async def test_what_was_taken_back_is_told_by_its_id() -> None:
    """An answer that arrives late withdraws the breach: both ids are there, what they said is in the topic."""
    worker = Worker()
    fed = worker.of("case-1")
    fed.open("case-1")
    fed.wait(clock(1, 1))
    fed.tell("case-1", "case.responded", clock(0, 58))
    told = (await page(worker))["notices"]
    [breach] = [each for each in fed.notices if each["type"] == "sla.breached"]
    [retraction] = [each for each in fed.notices if each["data"].get("retracts") == breach["id"]]
    by_id = {each["id"]: each for each in told}
    assert by_id[breach["id"]]["retracted_by"] == retraction["id"]
    assert by_id[retraction["id"]]["retracts"] == breach["id"]
    assert {each["id"] for each in fed.notices} == set(by_id)


async def test_what_this_worker_took_back_itself_it_still_knows() -> None:
    """When, why, and what the withdrawn notice had said, as far as its retraction repeats it."""
    worker = Worker()
    fed = worker.of("case-1")
    fed.open("case-1")
    fed.wait(clock(1, 1))
    fed.tell("case-1", "case.responded", clock(0, 58), "late")
    worker.remember()
    told = {each["id"]: each for each in (await page(worker))["notices"]}
    [breach] = [each for each in fed.notices if each["type"] == "sla.breached"]
    [retraction] = [each for each in fed.notices if each["data"].get("retracts") == breach["id"]]
    assert told[retraction["id"]]["data"] == retraction["data"]
    assert (told[retraction["id"]]["time"], told[retraction["id"]]["data"]["because"]) == (retraction["time"], "late")
    assert (told[breach["id"]]["time"], told[breach["id"]]["data"]) == (breach["time"], breach["data"])


async def test_events_are_told_as_they_were_sent() -> None:
    """In their names and units, without what was left out; one that was withdrawn says so."""
    worker = Worker()
    fed = worker.of("case-1")
    opening = {
        "severity": "B",
        "plan": "unified",
        "country": "US",
        "language": "en",
        "submitted_by": "admin",
        "targets": {"initial_response": 5400},
        "traits": ["third_party"],
        "fingerprint": {"build": "7"},
    }
    fed.tell("case-1", "case.opened", clock(0), "opened", **opening)
    fed.tell("case-1", "case.effort_logged", clock(0, 1), "effort", minutes=90, engineer="ann")
    fed.tell("case-1", "case.severity_changed", clock(0, 2), "wrong", severity="C")
    fed.tell("case-1", "case.fact_withdrawn", clock(0, 3), "withdrawn", source="crm", id="wrong")
    told = await page(worker)
    assert [(each["id"], each["type"], each["withdrawn"], each["data"]) for each in told["events"]] == [
        ("opened", "case.opened", False, opening),
        ("effort", "case.effort_logged", False, {"minutes": 90, "engineer": "ann"}),
        ("wrong", "case.severity_changed", True, {"severity": "C"}),
        ("withdrawn", "case.fact_withdrawn", False, {"source": "crm", "id": "wrong"}),
    ]
    assert told["case"]["severity"] == "B"


async def test_a_clock_that_has_ended_is_told_with_its_verdict() -> None:
    """Beside those that stand; what it was counted by too."""
    worker = Worker(wall=clock(0, 40))
    fed = worker.of("case-1")
    fed.open("case-1", customer="Contoso")
    fed.tell("case-1", "case.responded", clock(0, 20))
    fed.tell("case-1", "case.waiting_on_customer", clock(0, 30))
    waiting, ended = (await page(worker))["clocks"]
    assert (waiting["clock"], waiting["state"], waiting["remaining_seconds"]) == ("commitment", "running", 6600)
    assert (ended["clock"], ended["state"], ended["verdict"]) == ("initial_response", "ended", "met")
    assert (ended["deadline"], ended["ended_at"]) == ("2026-01-05T10:00:00Z", "2026-01-05T09:20:00Z")
    assert (ended["elapsed_seconds"], ended["target_seconds"], ended["customer"]) == (1200, 3600, "Contoso")


async def test_the_explanation_is_that_of_the_command() -> None:
    """The trace of the published schema, and the same in words."""
    worker = Worker()
    worker.of("case-1").open("case-1", country="DE", language="de", severity="B", plan="standard")
    told = await page(worker)
    Draft202012Validator(trace_schema()).validate(told["explain"])
    assert told["words"][0].startswith("case-1: opened 2026-01-05T09:00:00Z")
    assert any("initial_response: deadline" in line for line in told["words"])


async def test_the_calendar_is_the_one_that_counts_in_its_zone() -> None:
    """Open periods from the opening to the deadline, cut to both."""
    worker = Worker()
    worker.of("case-1").open("case-1", clock(6), country="DE", language="de", severity="B", plan="standard")
    told = await page(worker)
    deadline = told["clocks"][0]["deadline"]
    assert told["calendar"]["zone"] == "Europe/Berlin"
    assert told["calendar"]["open"][0][0] == "2026-01-05T15:00:00Z"
    assert told["calendar"]["open"][-1][1] == deadline
    assert told["calendar"]["truncated"] is False


async def test_years_of_open_hours_are_cut_short() -> None:
    """A target of months has hundreds of open days; the page says that there are more."""
    worker = Worker()
    targets = {"initial_response": 366 * 86_400}
    worker.of("case-1").open("case-1", country="DE", language="de", severity="B", plan="unified", targets=targets)
    told = await page(worker)
    assert (len(told["calendar"]["open"]), told["calendar"]["truncated"]) == (400, True)


async def test_a_paused_clock_says_since_when_and_why() -> None:
    """It has no deadline; what is used up stands still. The reason is that of the event, or its type."""
    worker = Worker(rules=HOSTING, wall=clock(5))
    for case_id, kind in (("case-1", "case.waiting_on_customer"), ("case-2", "case.resolution_proposed")):
        worker.of(case_id).open(case_id, severity="urgent", plan="managed", country="DE")
        worker.of(case_id).tell(case_id, kind, clock(1))
    async with served(worker) as client:
        paused = (await client.get("/cases?state=paused&sort=case_id"))["items"]
        page_of_one = await client.get("/cases/case-1")
        overview = await client.get("/overview")
    assert [(each["clock"], each["paused_since"], each["pause_reason"]) for each in paused] == [
        ("resolution", "2026-01-05T10:00:00Z", "information"),
        ("resolution", "2026-01-05T10:00:00Z", "case.resolution_proposed"),
    ]
    assert [(each["deadline"], each["remaining_seconds"], each["elapsed_seconds"]) for each in paused] == [
        (None, None, 3600)
    ] * 2
    assert [(each["state"], each["verdict"]) for each in page_of_one["clocks"] if each["clock"] == "resolution"] == [
        ("paused", "paused")
    ]
    assert (overview["counts"]["paused"], len(overview["paused"])) == (2, 2)


async def test_a_clock_that_runs_once_more_says_how_often_it_has_begun() -> None:
    """In lists and on the page alike; the runs before are there with their verdicts."""
    worker = Worker(rules=HOSTING, wall=clock(2))
    fed = worker.of("case-1")
    fed.open("case-1", severity="urgent", plan="managed", country="DE")
    for minutes in (5, 20, 40):
        fed.tell("case-1", "case.responded", clock(0, minutes))
    async with served(worker) as client:
        [item] = (await client.get("/cases?clock=periodic_update"))["items"]
        told = [each for each in (await client.get("/cases/case-1"))["clocks"] if each["clock"] == "periodic_update"]
    assert item["run"] == 3
    assert sorted((each["run"], each["state"], each["verdict"]) for each in told) == [
        (1, "ended", "met"),
        (2, "ended", "met"),
        (3, "running", "running"),
    ]


async def test_engineer_time_is_a_clock_while_it_has_a_limit() -> None:
    """It has no deadline: it is used up by work, not by time. At risk once a level was told, broken once all is."""
    worker = Worker(wall=clock(1))
    fed = worker.of("case-1")
    fed.open("case-1", traits=["performance_isolated"])
    seen = []
    for number, minutes in enumerate((60, 120, 60)):
        fed.tell("case-1", "case.effort_logged", clock(0, 1 + number), minutes=minutes)
        told = (await page(worker))["clocks"]
        seen += [
            (each["state"], each["elapsed_seconds"], each["target_seconds"], each["deadline"])
            for each in told
            if each["clock"] == "best_effort"
        ]
    assert seen == [
        ("running", 3600, 14400, None),
        ("at_risk", 10800, 14400, None),
        ("breached", 14400, 14400, None),
    ]


async def test_history_that_was_folded_for_good_is_not_made_up() -> None:
    """After the correction horizon only the result is known: no event, no notice, and no false retraction."""
    worker = Worker()
    fed = worker.of("case-1")
    fed.open("case-1")
    fed.wait(clock(1, 1))
    fed.wait(clock(2) + 8 * DAY)
    fed.tell("case-1", "case.waiting_on_customer", clock(2) + 8 * DAY, "late")
    worker.wall = clock(2) + 9 * DAY
    told = await page(worker)
    assert [each["id"] for each in told["events"]] == ["late"]
    assert all(each["retracted_by"] is None for each in told["notices"])
    assert told["explain"]["history_folded_before"] is not None
    assert told["clocks"][0]["state"] == "breached"


async def test_a_case_that_was_never_opened_shows_what_waits() -> None:
    worker = Worker()
    worker.of("case-1").tell("case-1", "case.responded", clock(0), "early")
    told = await page(worker)
    assert (told["case"]["status"], told["clocks"], told["calendar"]) == ("never_opened", [], None)
    assert [each["id"] for each in told["events"]] == ["early"]


async def test_a_case_as_large_as_a_row_may_be_is_answered() -> None:
    """Hundreds of events; the page is bounded by the row's bounds."""
    worker = Worker()
    fed = worker.of("case-1")
    fed.open("case-1")
    for number in range(450):
        fed.tell("case-1", "case.contact_attempted", clock(0) + number, f"attempt-{number}", reached=number % 2 == 0)
    told = await page(worker)
    assert len(told["events"]) + told["case"]["generation"] > 100
    assert len(json.dumps(told)) < 50 * ROW_BYTES_MAX


@pytest.mark.parametrize("case_id", ["%00owner", "%00partition", "", "nobody", "%FF", "..%2F..%2Fetc"])
async def test_rows_of_the_worker_itself_are_no_cases(case_id: str) -> None:
    """404, as for any other name that is none."""
    async with served(Worker()) as client:
        status, _, _ = await client.ask(f"/api/v1/cases/{case_id}" if case_id else "/api/v1/none")
    assert status == 404


async def test_a_case_in_quarantine_is_said_to_be() -> None:
    """Its clocks do not run, so nothing is shown that could be taken for the truth."""
    worker = Worker()
    fed = worker.of("case-1")
    fed.open("case-1")
    row = fed.partition._working[b"case-1"]
    fed.partition._quarantine(b"case-1", row, clock(0), clock(0), RuntimeError("defect"))
    fed.take()
    async with served(worker) as client:
        status, body, _ = await client.ask("/api/v1/cases/case-1")
        page_of_lists = await client.get("/cases")
    assert (status, "quarantine" in body["detail"], page_of_lists["total"]) == (404, True, 0)
