"""`sla-monitor doctor`, as a person and as a program sees it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sla_monitor.cli.doctor import print_text
from sla_monitor.cli.main import app
from sla_monitor.engine.doctor.findings import ok, problem, unknown, warning
from tests.kafka.broker import Broker, free_port
from tests.kafka.helpers import fresh_prefix

SECRET = "correct horse battery staple"
FINDINGS = [
    ok("broker", "answers"),
    warning("clock", "a little late", "set the clock"),
    problem("topics", "one is missing " * 20, "make it"),
    unknown("group", "nobody knows"),
]


def doctor(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *arguments])


def test_a_deployment_in_order_ends_with_0(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Warnings, such as one copy of each record, do not fail it."""
    monkeypatch.setenv("SLA_BROKER", broker.bootstrap)
    monkeypatch.setenv("SLA_TOPIC_PREFIX", fresh_prefix())
    monkeypatch.setenv("SLA_WEB_PORT", "0")
    made = CliRunner().invoke(app, ["topics", "create", "--partitions", "1"])
    assert made.exit_code == 0
    asked = doctor("--json")
    document = json.loads(asked.stdout)
    assert (asked.exit_code, document["healthy"]) == (0, True)
    assert document["counts"]["warning"] > 0


def test_findings_end_with_1_and_say_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens there; the option wins over the environment."""
    monkeypatch.setenv("SLA_BROKER", "nowhere.invalid:1")
    asked = doctor("--broker", f"127.0.0.1:{free_port()}")
    assert asked.exit_code == 1
    assert "→ nobody listens there" in asked.stdout
    assert "nowhere.invalid" not in asked.stdout


def test_wrong_settings_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program gets its document, whatever is wrong."""
    monkeypatch.setenv("SLA_JOURNAL", "paper")
    asked = doctor("--json")
    assert asked.exit_code == 1
    assert [each["check"] for each in json.loads(asked.stdout)["findings"] if each["level"] == "problem"] == [
        "settings"
    ]


def test_wrong_usage_ends_with_2() -> None:
    """As with every command."""
    assert doctor("--fix").exit_code == 2


def test_no_secret_is_printed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a token nor a password, for people or programs."""
    for name in ("SLA_WEB_TOKEN_FILE", "SLA_SASL_PASSWORD_FILE"):
        file = tmp_path / name
        file.write_text(SECRET)
        monkeypatch.setenv(name, str(file))
    monkeypatch.setenv("SLA_BROKER", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("SLA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("SLA_SASL_MECHANISM", "PLAIN")
    monkeypatch.setenv("SLA_SASL_USERNAME", "worker")
    for arguments in ([], ["--json"]):
        asked = doctor(*arguments)
        assert "SLA_WEB_TOKEN_FILE" in asked.output
        assert SECRET not in asked.output


def test_lines_are_aligned_and_plain_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """What was found begins in one column, also where it wraps; the sums come last."""
    print_text(FINDINGS)
    *lines, sums = capsys.readouterr().out.splitlines()
    assert "\x1b" not in "".join(lines)
    column = lines[0].index("answers")
    assert column == len("cannot be checked  topics  ") - len("topics") + len("broker")
    assert all(line[:column].strip() == "" or line[column] != " " for line in lines)
    assert [line[column:].strip() for line in lines if "→" in line] == ["→ set the clock", "→ make it"]
    assert sums == "1 ok, 1 warning, 1 problem, 1 cannot be checked"


@pytest.mark.parametrize(("name", "coloured"), [("FORCE_COLOR", True), ("NO_COLOR", False)])
def test_colours_are_for_those_who_want_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, *, coloured: bool
) -> None:
    """On a terminal, and never with NO_COLOR."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv(name, "1")
    print_text(FINDINGS)
    assert ("\x1b[3" in capsys.readouterr().out) is coloured
