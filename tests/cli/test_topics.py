"""`sla-monitor topics create`, as a person and as a program sees it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from sla_monitor.cli.main import app
from sla_monitor.cli.topics import as_lines
from sla_monitor.engine.topics import TopicReport
from tests.kafka.broker import Broker
from tests.kafka.helpers import fresh_prefix


def test_one_command_makes_the_topics(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeating it is safe, and a program reads the same report."""
    monkeypatch.setenv("SLA_BROKER", broker.bootstrap)
    monkeypatch.setenv("SLA_TOPIC_PREFIX", prefix := fresh_prefix())
    made = CliRunner().invoke(app, ["topics", "create", "--partitions", "2", "--replication-factor", "1"])
    assert (made.exit_code, made.stdout.count("created  ")) == (0, 4)
    again = CliRunner().invoke(app, ["topics", "create", "--json"])
    assert again.exit_code == 0
    assert [(each["topic"], each["outcome"], each["problems"]) for each in json.loads(again.stdout)] == [
        (f"{prefix}case-events", "right", []),
        (f"{prefix}sla-notices", "right", []),
        (f"{prefix}sla-state", "right", []),
        (f"{prefix}case-events.dead", "right", []),
    ]


def test_problems_that_are_left_are_findings(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 1: the command ran, the topics are not right."""
    monkeypatch.setenv("SLA_BROKER", broker.bootstrap)
    monkeypatch.setenv("SLA_TOPIC_PREFIX", fresh_prefix())
    asked = CliRunner().invoke(app, ["topics", "create", "--partitions", "1", "--replication-factor", "3"])
    assert asked.exit_code == 1
    assert "InvalidReplicationFactorError" in asked.stdout


def test_a_report_is_a_line_with_its_reasons_below() -> None:
    """What was done and what is left stand under the topic they are about."""
    report = TopicReport(topic="sla-state", outcome="wrong", problems=("sla-state: has 3 partitions",))
    assert as_lines([report]) == "wrong    sla-state\n         sla-state: has 3 partitions"
