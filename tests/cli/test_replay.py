"""`sla-monitor replay --dry-run`: what would be said anew, against what stands."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sla_monitor.cli import main as cli

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
PACK, NEXT = EXAMPLES / "hosting.yaml", EXAMPLES / "hosting-next.yaml"
EVENTS = EXAMPLES / "a-morning.jsonl"
NOON = ("--until", "2026-03-02T12:00:00Z")

Replay = Callable[..., tuple[object, dict[str, Any]]]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> object:
    monkeypatch.setattr(sys, "argv", ["sla-monitor", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code or 0


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Path:
    """What a worker with the first pack has said about the morning."""
    assert run(monkeypatch, "simulate", EVENTS, "--policy", PACK, *NOON) == 0
    notices = tmp_path / "notices.jsonl"
    notices.write_text(capfd.readouterr().out, "utf-8")
    return notices


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Replay:
    def command(*arguments: object) -> tuple[object, dict[str, Any]]:
        code = run(monkeypatch, "replay", "--dry-run", "--json", *arguments)
        return code, json.loads(capfd.readouterr().out)

    return command


def test_the_same_pack_says_the_same(said: Path, replay: Replay) -> None:
    """Exit 0, and every notice is there once."""
    code, told = replay("--events", EVENTS, "--notices", said, "--policy", PACK, *NOON)
    assert (code, told["same"], told["differences"], told["unusable"]) == (0, True, {}, 0)
    assert told["decided"] == told["standing"] > 0


def test_another_pack_says_what_it_changes(said: Path, replay: Replay) -> None:
    """By case: a case that is no longer served has no clocks, one whose answer is due sooner is late. A case that both
    treat alike is not named."""
    code, told = replay("--events", EVENTS, "--notices", said, "--policy", NEXT, *NOON)
    assert (code, told["same"]) == (1, False)
    assert set(told["differences"]) == {"say", "withdraw", "replace"}
    found = {(each["kind"], each["case_id"], each["subject"].split()[0]) for each in told["examples"]}
    assert ("say", "CASE-2005", "coverage.declined") in found
    assert ("withdraw", "CASE-2005", "sla.clock.started") in found
    assert sum(told["differences"].values()) == len(told["examples"])


def test_of_nothing_that_was_said_all_is_new(replay: Replay) -> None:
    """Without notices: what would be sent."""
    code, told = replay("--events", EVENTS, "--policy", PACK, *NOON)
    assert (code, set(told["differences"]), told["standing"]) == (1, {"say"}, 0)
    assert told["differences"]["say"] == told["decided"]


def test_a_case_and_a_part_of_time(said: Path, replay: Replay) -> None:
    """Events of that case are all heard, however early; other notices are not looked at."""
    notices = [json.loads(line) for line in said.read_text("utf-8").splitlines()]
    late = [each for each in notices if each["subject"] == "CASE-2002" and each["time"] >= "2026-03-02T09:00:00Z"]
    given = ("--events", EVENTS, "--notices", said, "--policy", PACK, *NOON, "--case", "CASE-2002")
    _, told = replay(*given, "--from", "2026-03-02T09:00:00Z")
    assert (told["cases"], told["standing"], told["same"]) == (1, len(late), True)
    _, told = replay(*given, "--to", "2026-03-02T09:00:00Z")
    assert told["standing"] == len([each for each in notices if each["subject"] == "CASE-2002"]) - len(late)


def test_what_was_taken_back_does_not_stand(replay: Replay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The first example of all: a breach that a late answer withdrew. Without its retraction it would be withdrawn."""
    events, notices = EXAMPLES / "first-case.jsonl", tmp_path / "notices.jsonl"
    with notices.open("w") as file:
        monkeypatch.setattr(sys, "stdout", file)
        run(monkeypatch, "simulate", events)
    monkeypatch.undo()
    lines = notices.read_text("utf-8").splitlines()
    assert replay("--events", events, "--notices", notices)[1]["same"]
    notices.write_text("\n".join(line for line in lines if '"sla.retracted"' not in line), "utf-8")
    code, told = replay("--events", events, "--notices", notices)
    assert (code, told["differences"]) == (1, {"withdraw": 1})
    assert told["examples"][0]["subject"] == "sla.breached initial_response (generation 1)"


def test_events_that_cannot_be_used_are_counted(replay: Replay, tmp_path: Path) -> None:
    """And lines that are no notice are not what anybody said."""
    events, notices = tmp_path / "events.jsonl", tmp_path / "notices.jsonl"
    events.write_bytes(b"no event\n" + EVENTS.read_bytes().splitlines()[0].replace(b'"high"', b'"highest"') + b"\n")
    notices.write_text("no notice\n", "utf-8")
    _, told = replay("--events", events, "--notices", notices, "--policy", PACK)
    assert (told["unusable"], told["standing"]) == (2, 0)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--dry-run", "--notices", EVENTS),
        ("--dry-run", *NOON),
        ("--dry-run", "--events", EVENTS, "--broker", "127.0.0.1:1"),
        ("--dry-run", "--events", EVENTS, "--from", "2026-04-01T00:00:00Z", "--to", "2026-03-01T00:00:00Z"),
    ],
)
def test_wrong_usage_is_said(monkeypatch: pytest.MonkeyPatch, arguments: tuple[object, ...]) -> None:
    """Exit 2; above all without --dry-run, for nothing is ever sent again."""
    assert run(monkeypatch, "replay", *arguments) == 2


def test_for_people_it_is_lines(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], said: Path) -> None:
    """Each difference with its case, then the sums."""
    given = ("--dry-run", "--events", EVENTS, "--notices", said, *NOON)
    assert run(monkeypatch, "replay", *given, "--policy", NEXT) == 1
    shown = capfd.readouterr().out.splitlines()
    assert "say: CASE-2005: coverage.declined H-MANAGED (generation 1); expected 2026-03-02T08:30:00Z" in shown
    assert shown[-1].startswith("8 events, 6 cases; ")
