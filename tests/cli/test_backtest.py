"""`sla-monitor backtest`: the sums as tables and as JSON, exit codes, nothing on standard error but for a terminal."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from rich.console import Console

from sla_monitor.cli import backtest as command

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
PACKS = ("--old", EXAMPLES / "hosting.yaml", "--new", EXAMPLES / "hosting-next.yaml")
EVENTS = EXAMPLES / "a-morning.jsonl"

Backtest = Callable[..., object]


@pytest.fixture
def backtest(sla_monitor: Backtest) -> Backtest:
    """Runs the command in this process; answers with its exit code."""
    return partial(sla_monitor, "backtest")


def test_flips_are_data_for_programs(backtest: Backtest, capfd: pytest.CaptureFixture[str]) -> None:
    """The finest counts, the sums by each dimension, the first cases."""
    assert backtest(EVENTS, *PACKS, "--json", "--examples", 1) == 0
    printed = capfd.readouterr()
    assert printed.err == ""
    told = json.loads(printed.out)
    place = {"plan": "basic", "severity": "high", "region": "DE", "week": "2026-W10"}
    turn = {"about": "first_reply", "old": "met", "new": "met late"}
    assert turn | place | {"count": 1} in told["flips"]
    assert told["examples"] == [{"case_id": "CASE-2002", "generation": 1} | turn | place]
    assert told["by"]["week"] == [{"week": "2026-W10", "cases": 6, "changed": 2}]
    assert (told["events"], told["cases"], told["changed"]) == (8, 6, 2)


def test_flips_may_be_a_reason_to_fail(backtest: Backtest, capfd: pytest.CaptureFixture[str]) -> None:
    """`--check` for pipelines: exit 1 if there are any, 0 if there are none."""
    assert backtest(EVENTS, *PACKS, "--check") == 1
    same = ("--old", EXAMPLES / "hosting.yaml", "--new", EXAMPLES / "hosting.yaml")
    assert backtest(EVENTS, *same, "--check") == 0
    last = capfd.readouterr().out.splitlines()[-1]
    assert last == "8 events, 6 cases, 0 changed (0.0%); 0 verdicts flipped"


def test_events_that_cannot_be_used_are_told(
    backtest: Backtest, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """They are no difference between the packs."""
    events = tmp_path / "events.jsonl"
    events.write_bytes(b"garbage\n")
    assert backtest(events, *PACKS) == 0
    assert capfd.readouterr().out.splitlines() == [
        "1 events, 0 cases, 0 changed (-); 0 verdicts flipped",
        "events that cannot be used: 1 under the old pack, 1 under the new",
    ]


def test_one_source_of_events_is_wanted(backtest: Backtest, tmp_path: Path) -> None:
    """Neither, both, or a file that is not there: wrong usage. So is a pack that does not load."""
    assert backtest(*PACKS) == 2
    assert backtest(EVENTS, *PACKS, "--broker", "127.0.0.1:1") == 2
    assert backtest(tmp_path / "gone.jsonl", *PACKS) == 2
    assert backtest(EVENTS, "--old", EVENTS, "--new", EVENTS) == 2


def test_a_terminal_sees_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """On standard error, a bar for each thing that is done."""
    screen = io.StringIO()
    monkeypatch.setattr(command, "Console", lambda **_: Console(file=screen, force_terminal=True, width=100))
    with command.progress() as tell:
        tell("bytes read", 300, 400)
    assert "bytes read" in screen.getvalue()
    assert "300/400" in screen.getvalue()
