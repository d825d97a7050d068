"""Every command shows examples in its help, and each of them is run as it stands there."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from sla_monitor.cli import main as cli
from sla_monitor.cli.examples import EXAMPLES
from tests.deploy.program import command_problems
from tests.kafka.broker import Broker
from tests.kafka.helpers import fresh_prefix

ROOT = Path(__file__).parents[2]
LINES = [line for examples in EXAMPLES.values() for line, _ in examples]

# Run elsewhere: three that go on until they are told to end, two that resolve the holidays of 250 countries, one twice.
ELSEWHERE = {
    "doctor": "tests/cli/test_doctor.py",
    "verify --json": "tests/kafka/test_verify.py",
    "run": "tests/kafka/test_ending.py",
    "watch": "tests/cli/test_watch.py",
    "demo": "tests/cli/test_demo.py",
    "calendar lock": "tests/cli/test_calendar.py",
}
# With Kafka, in the order in which they are run; the exit code where it is not 0, and why.
WITH_KAFKA: dict[str, tuple[int, str]] = {
    "topics create --partitions 3": (0, ""),
    "traffic --duration 1 --seed 7": (0, ""),
    "dead list": (0, ""),
    "dead list --reason key_mismatch --json": (0, ""),
    "dead show 0:1207": (1, "there is none"),
    "dead replay --reason orphan_expired --dry-run": (0, ""),
    "dead resume 0": (2, "nothing has stopped it"),
    "quarantine list": (0, ""),
    "quarantine release CASE-1000123": (2, "it is not there"),
    "explain CASE-1000123 --json": (1, "there is no such case"),
    "replay --dry-run --case CASE-1000123": (0, ""),
    "report --from 2026-03-01T00:00:00Z --to 2026-04-01T00:00:00Z --json": (0, ""),
    "verify": (0, ""),
    "state backup state.jsonl": (0, ""),
    "state restore state.jsonl": (0, ""),
    "shadow compare next": (2, "there is no such shadow"),
}


def run(monkeypatch: pytest.MonkeyPatch, line: str) -> object:
    """The exit code of this command line; `<` gives it a file."""
    arguments = shlex.split(line)
    if "<" in arguments:
        *arguments, _, name = arguments
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(Path(name).read_bytes())))
    monkeypatch.setattr(sys, "argv", ["sla-monitor", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code or 0


def commands(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(name, command) of all of them."""
    for name, each in command.commands.items():
        if hasattr(each, "commands"):
            yield from commands(each, f"{path}{name} ")
        else:
            yield f"{path}{name}", each


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """What an example writes stays out of the checkout, whose files it sees."""
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    (tmp_path / "deploy/prometheus/rules").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_command_has_examples_in_its_help() -> None:
    """And there are none of a command that does not exist."""
    found = dict(commands(get_command(cli.app)))
    assert set(found) == set(EXAMPLES)
    for name, command in found.items():
        for line, meaning in EXAMPLES[name]:
            assert f"sla-monitor {line}" in command.epilog
            assert meaning in command.epilog
            assert line.startswith(f"{name} ") or line == name


def test_the_help_shows_them(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Below the options, each on a line of its own."""
    monkeypatch.setenv("COLUMNS", "120")
    assert run(monkeypatch, "simulate --help") == 0
    shown = [line.strip() for line in capsys.readouterr().out.splitlines()]
    for line, meaning in EXAMPLES["simulate"]:
        assert shown.index(meaning) == shown.index(f"sla-monitor {line}") + 1


@pytest.mark.parametrize("line", LINES)
def test_an_example_parses(line: str) -> None:
    """Options included."""
    assert list(command_problems(shlex.split(line.partition("<")[0]))) == []


@pytest.mark.parametrize(
    "line", [line for line in LINES if line not in WITH_KAFKA and not line.startswith(tuple(ELSEWHERE))], ids=str
)
@pytest.mark.usefixtures("folder")
def test_an_example_is_fine_without_kafka(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], line: str
) -> None:
    """It says something, and ends with 0."""
    monkeypatch.setenv("SLA_BROKER", "127.0.0.1:1")
    assert run(monkeypatch, line) == 0, capfd.readouterr()
    assert any(capfd.readouterr())


@pytest.mark.usefixtures("folder")
def test_the_other_examples_are_run_with_kafka(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], broker: Broker
) -> None:
    """All of them on one deployment, one after the other, each with its exit code."""
    prefix = fresh_prefix()
    settings = {"BROKER": broker.bootstrap, "TOPIC_PREFIX": prefix, "GROUP": f"{prefix}group"}
    monkeypatch.setattr(os, "cpu_count", lambda: 1)  # a process for each would take longer to start than to work
    for name, value in settings.items():
        monkeypatch.setenv(f"SLA_{name}", value)
    for line, (code, why) in WITH_KAFKA.items():
        assert run(monkeypatch, line) == code, (line, why, capfd.readouterr())


def test_no_example_is_forgotten() -> None:
    """Each is of one kind."""
    assert set(WITH_KAFKA) <= set(LINES)
    assert all((ROOT / path).exists() for path in ELSEWHERE.values())
