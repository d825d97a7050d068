"""The command line: help that lists every setting, and errors that are lines and exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import NoReturn

import pytest

from sla_monitor import __version__
from sla_monitor.cli import main as cli
from sla_monitor.config.settings import NAMES
from sla_monitor.errors import Fatal


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """The exit code of `sla-monitor` with these arguments."""
    monkeypatch.setattr(sys, "argv", ["sla-monitor", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


def test_help_lists_every_setting(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody has to leave the terminal to learn what may be set."""
    assert run(monkeypatch, "--help") == 0
    shown = capsys.readouterr().out
    assert [name for name in NAMES if name not in shown] == []


def test_the_version_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """For scripts and for reports of defects."""
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"sla-monitor {__version__}\n"


def test_bad_settings_are_lines_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2, each problem on its line, nothing on standard output."""
    monkeypatch.setenv("SLA_WEB_PORT", "-1")
    monkeypatch.setenv("SLA_BREAKER_RATIO", "2")
    assert run(monkeypatch, "topics", "create") == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert [line.partition(":")[0] for line in shown.err.splitlines()] == ["SLA_BREAKER_RATIO", "SLA_WEB_PORT"]


def test_a_locale_without_the_signs_of_an_answer_spoils_none() -> None:
    """A pipe gets UTF-8 whatever the machine speaks: an arrow in an explanation is no reason to fail."""
    asked = ["explain", "CASE-1000123", "--events", "docs/examples/first-case.jsonl"]
    command = [sys.executable, "-m", "sla_monitor", *asked]
    environment = {**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr.decode()) == (0, "")
    assert "\N{RIGHTWARDS ARROW}" in ended.stdout.decode()


def test_an_unknown_command_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2, as for any other wrong usage."""
    assert run(monkeypatch, "topics", "craete") == 2


def test_a_fatal_error_is_one_line_and_exit_70(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What restarts the worker sees a crash, who reads the log sees why."""

    def crash() -> NoReturn:
        raise Fatal("another worker owns partition 3")

    monkeypatch.setattr(cli, "app", crash)
    assert run(monkeypatch) == 70
    assert capsys.readouterr().err == "sla-monitor: another worker owns partition 3\n"


def test_a_defect_never_looks_like_findings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1 says that a command worked and found something."""

    def defect() -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "app", defect)
    assert run(monkeypatch) == 70
    assert "Traceback" in capsys.readouterr().err
