"""Who hears of what: routes by severity and plan, what silences what, and how a message reads."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from sla_monitor.config.packs import load_packs
from tests.deploy.composed import read_yaml
from tests.deploy.fixtures import Monitoring
from tests.deploy.queries import ROOT, rules
from tests.deploy.running import Server, a_webhook, an_alertmanager
from tests.kafka.world import eventually

CONFIG = ROOT / "deploy/alertmanager/alertmanager.yml"
FILE = read_yaml(CONFIG)
ALERTS = [rule for rule in rules() if rule.alert]
MATCHER = re.compile(r'(\w+)(=|!=|=~|!~)"(.*)"')


def amtool(monitoring: Monitoring, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([monitoring.amtool, *arguments], capture_output=True, text=True, check=False)


def test_alertmanager_takes_the_file(monitoring: Monitoring) -> None:
    """`amtool check-config`, templates included."""
    checked = amtool(monitoring, "check-config", str(CONFIG))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "1 templates" in checked.stdout


def test_a_receiver_that_is_none_is_found(monitoring: Monitoring, tmp_path: Path) -> None:
    """The same check does say no."""
    spoiled = tmp_path / "alertmanager.yml"
    spoiled.write_text(CONFIG.read_text("utf-8").replace("receiver: digest", "receiver: digests"), "utf-8")
    assert amtool(monitoring, "check-config", str(spoiled)).returncode != 0


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("severity=critical case_severity=A plan=unified", "page-unified"),
        ("severity=critical case_severity=A plan=standard", "page"),
        ("severity=critical alertname=SlaWorkerAbsent", "page"),
        ("severity=warning case_severity=B plan=unified", "ticket-unified"),
        ("severity=warning case_severity=B plan=professional_direct", "ticket"),
        ("severity=warning alertname=SlaReloadFailed", "ticket"),
        ("severity=info plan=unified", "digest"),
        ("severity=unheard_of", "ticket"),
    ],
)
def test_an_alert_goes_to_whoever_it_is_for(monitoring: Monitoring, labels: str, receiver: str) -> None:
    """`amtool config routes test`: by how soon somebody must look, and by the customer's plan."""
    found = amtool(monitoring, "config", "routes", "test", f"--config.file={CONFIG}", *labels.split())
    assert found.stdout.split() == [receiver], found.stderr


def test_plans_that_are_routed_apart_are_plans_of_the_pack() -> None:
    """A slip in a name would send nobody anything."""
    named = set(re.findall(r'plan="(\w+)"', CONFIG.read_text("utf-8")))
    assert named <= set(load_packs().versions[0].plans)


def test_what_silences_and_is_silenced_are_alerts_that_exist() -> None:
    """Each name in an inhibition is that of some rule, and the labels that must be equal are ones they have."""
    names = {rule.alert for rule in ALERTS}
    for rule in FILE["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            label, operator, value = matcher_of(matcher)
            assert label == "alertname"
            assert {*value.split("|")} <= names or (operator, value) == ("=~", "Sla.+")


def matcher_of(text: str) -> tuple[str, str, str]:
    match = MATCHER.fullmatch(text)
    assert match is not None, text
    return match[1], match[2], match[3]


def an_alert(name: str, **labels: str) -> dict[str, Any]:
    return {"labels": {"alertname": name, "job": "sla-monitor", **labels}, "annotations": {"summary": name}}


async def silenced(server: Server, alerts: Iterable[dict[str, Any]]) -> set[tuple[str, str]]:
    """(name, plan or instance) of the alerts that another one silences, once all are known."""
    posted = list(alerts)
    assert await server.post("/api/v2/alerts", posted) == 200
    known: list[dict[str, Any]] = []

    async def all_are_known() -> bool:
        nonlocal known
        known = await server.get("/api/v2/alerts") or []
        return len(known) == len(posted) and all(each["status"]["state"] != "unprocessed" for each in known)

    await eventually(all_are_known, lambda: json.dumps(known), 30)
    return {
        (each["labels"]["alertname"], each["labels"].get("plan") or each["labels"].get("instance", ""))
        for each in known
        if each["status"]["inhibitedBy"]
    }


async def test_a_breach_silences_its_warning_and_no_other(monitoring: Monitoring, tmp_path: Path) -> None:
    """Of the same deployment, severity and plan; so does a cause what follows from it, of the same worker."""
    a = {"case_severity": "A", "severity": "warning"}
    async with a_webhook() as hook, an_alertmanager(monitoring, tmp_path / "alertmanager", hook) as server:
        found = await silenced(
            server,
            [
                an_alert("SlaPromiseBroken", plan="unified", case_severity="A", severity="critical"),
                an_alert("SlaPromiseAtRisk", plan="unified", **a),
                an_alert("SlaPromiseAtRisk", plan="standard", **a),
                an_alert("SlaDeadlinesHeld", instance="worker-1", severity="critical"),
                an_alert("SlaClockSkewed", instance="worker-1", severity="warning"),
                an_alert("SlaClockSkewed", instance="worker-2", severity="warning"),
                an_alert("SlaPartitionTripped", instance="worker-3", severity="critical"),
                an_alert("SlaTimersStuck", instance="worker-3", severity="critical"),
                an_alert("SlaTimersStuck", instance="worker-4", severity="critical"),
            ],
        )
    wanted = {("SlaPromiseAtRisk", "unified"), ("SlaClockSkewed", "worker-1"), ("SlaTimersStuck", "worker-3")}
    assert found == wanted


async def test_without_a_worker_nothing_else_is_said(monitoring: Monitoring, tmp_path: Path) -> None:
    """Of that deployment: every other alert there is. Those of another one go on."""
    others = sorted({rule.alert for rule in ALERTS} - {"SlaWorkerAbsent"})
    elsewhere = an_alert("SlaTimersStuck", severity="critical", instance="elsewhere")
    elsewhere["labels"]["job"] = "other"
    async with a_webhook() as hook, an_alertmanager(monitoring, tmp_path / "alertmanager", hook) as server:
        found = await silenced(
            server,
            [
                an_alert("SlaWorkerAbsent", severity="critical"),
                *(an_alert(name, severity="warning") for name in others),
                elsewhere,
            ],
        )
    assert found == {(name, "") for name in others}


def test_a_message_begins_with_what_is_wrong(monitoring: Monitoring, tmp_path: Path) -> None:
    """Title and text of the templates: how grave, what, since when, and where to read on."""
    alert = {
        "status": "firing",
        "labels": {"severity": "critical"},
        "annotations": {"summary": "A promise is broken", "description": "3 cases.", "runbook_url": "deploy/x.md"},
        "startsAt": "2026-03-02T09:00:00Z",
    }
    group = {"status": "firing", "alerts": [alert, alert], "commonLabels": {"severity": "critical"}}
    (tmp_path / "group.json").write_text(json.dumps(group), "utf-8")
    said = {
        name: amtool(
            monitoring,
            *("template", "render", f"--template.glob={CONFIG.parent}/templates/*.tmpl"),
            *(f'--template.text={{{{ template "sla.{name}" . }}}}', f"--template.data={tmp_path / 'group.json'}"),
        ).stdout
        for name in ("title", "text")
    }
    assert said["title"].strip() == "CRITICAL: A promise is broken (and 1 more)"
    text = "A promise is broken\n3 cases.\nRunbook: deploy/x.md\nSince: 2026-03-02 09:00:00 UTC\n"
    assert said["text"].strip() == f"{text}\n{text}".strip()
