"""A check that fails hides none of the others."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiokafka.errors import KafkaConnectionError

from sla_monitor.config.settings import Settings
from sla_monitor.engine.doctor import examination
from sla_monitor.engine.doctor.examination import LOCAL, OF_KAFKA, examine, made, without_settings
from sla_monitor.engine.doctor.findings import Finding, as_document, is_healthy, ok, problem, unknown, warning
from sla_monitor.engine.doctor.permissions import needed
from sla_monitor.errors import RefuseToStart
from tests.kafka.broker import free_port

SECRET = "correct horse battery staple"


async def raising(error: Exception) -> list[Finding]:
    raise error


@pytest.mark.parametrize("error", [KafkaConnectionError("gone"), OSError("gone"), RefuseToStart("gone")])
async def test_a_check_that_could_not_be_made_says_why(error: Exception) -> None:
    """It is not fine, and not a problem of the deployment."""
    [finding] = await made("clock", raising(error))
    assert (finding.check, finding.level) == ("clock", "cannot be checked")
    assert "gone" in finding.says


async def test_a_defect_is_a_problem_that_shows_no_value() -> None:
    """What a defect says may have been a secret."""
    [finding] = await made("clock", raising(ValueError(SECRET)))
    assert finding.level == "problem"
    assert "cannot be checked" in finding.says
    assert "ValueError in test_examination.py" in finding.says
    assert SECRET not in str(finding)


async def test_a_check_that_hangs_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for ever."""
    monkeypatch.setattr(examination, "CHECK_SECONDS_MAX", 0.0)

    async def hanging() -> list[Finding]:
        await asyncio.Event().wait()
        return []

    [finding] = await made("group", hanging())
    assert (finding.level, "TimeoutError" in finding.says) == ("cannot be checked", True)


async def test_without_a_broker_the_local_checks_remain() -> None:
    """The broker is the problem, what hangs on it cannot be checked, and each check is there."""
    findings = await examine(Settings(broker=f"127.0.0.1:{free_port()}", web_port=0))
    levels = {finding.check: finding.level for finding in findings}
    assert levels.keys() == LOCAL.keys() | OF_KAFKA.keys()
    assert levels["broker"] == "problem"
    assert {levels[name] for name in OF_KAFKA if name != "broker"} == {"cannot be checked"}
    assert "problem" not in {levels[name] for name in LOCAL}


async def test_wrong_settings_are_findings_too() -> None:
    """Each with its name; what needs no settings is looked at all the same."""
    findings = await without_settings(["SLA_BROKER: wrong", "SLA_JOURNAL: wrong"])
    levels = {finding.check: finding.level for finding in findings}
    assert [finding.says for finding in findings if finding.level == "problem"] == [
        "SLA_BROKER: wrong",
        "SLA_JOURNAL: wrong",
    ]
    assert levels.keys() == {"settings"} | LOCAL.keys() | OF_KAFKA.keys()
    assert levels["tzdata"] == "ok"


def test_only_problems_fail() -> None:
    """Warnings and what cannot be checked do not, alone."""
    fine = [ok("a", ""), warning("b", "", ""), unknown("c", "")]
    assert is_healthy(fine)
    assert not is_healthy([*fine, problem("d", "", "")])


def test_programs_get_every_finding_and_the_sums() -> None:
    """With the same words as people."""
    document = as_document([ok("a", "says"), problem("b", "says", "do")])
    assert document["healthy"] is False
    assert document["counts"] == {"ok": 1, "warning": 0, "problem": 1, "cannot_be_checked": 0}
    assert document["findings"][1] == {"check": "b", "level": "problem", "says": "says", "what_to_do": "do"}


def first_cells(heading: str) -> list[str]:
    """The table of the page that begins with this heading, without its code marks."""
    page = (Path(__file__).parents[3] / "docs/doctor.md").read_text("utf-8")
    rows = page.partition(f"| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [row.replace("`", "").strip("| ") for row in rows]


def test_the_page_names_every_check() -> None:
    """In the order in which they are made."""
    names = [row.partition(" |")[0] for row in first_cells("check")]
    assert [name for name in names if name not in ("settings", "replication")] == [*LOCAL, *OF_KAFKA]


def test_the_page_names_the_permissions_that_run_needs() -> None:
    """Those that are asked for, topic by topic."""
    stated = dict(row.split(" | ") for row in first_cells("on"))
    asked = {topic: ", ".join(operations) for topic, operations in needed(Settings().topics).items()}
    assert {topic: stated[topic] for topic in asked} == asked
