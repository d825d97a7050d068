"""`sla-monitor policy`: findings as lines and exit codes, and what another pack would change as a table."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from sla_monitor.cli.policy import spelt
from sla_monitor.core.facts import HOUR, MINUTE, SECOND

ROOT = Path(__file__).parents[2]
BUILT_IN = ROOT / "src/sla_monitor/policies/default.yaml"
NIGHT = ROOT / "tests/oracle/night.yaml"
FAULTY = ROOT / "tests/config/check/faulty"
HOSTING = ROOT / "docs/examples/hosting.yaml"
NEXT = ROOT / "docs/examples/hosting-next.yaml"
EVENTS = ROOT / "docs/examples/a-morning.jsonl"

Policy = Callable[..., object]


@pytest.fixture
def policy(sla_monitor: Policy) -> Policy:
    """Runs the command in this process; answers with its exit code."""
    return partial(sla_monitor, "policy")


def test_a_clean_pack_is_one_word_and_exit_0(policy: Policy, capfd: pytest.CaptureFixture[str]) -> None:
    """Also of several; the built-in one is."""
    assert policy("check", BUILT_IN, ROOT / "tests/config/four_severities.yaml") == 0
    assert tuple(capfd.readouterr()) == ("clean\n", "")


def test_findings_are_lines_and_exit_1(policy: Policy, capfd: pytest.CaptureFixture[str]) -> None:
    """`file:line: level, kind: rule: text`, as editors understand it, then the sum."""
    assert policy("check", FAULTY / "uncited.yaml", FAULTY / "mixed_modes.yaml") == 1
    lines = capfd.readouterr().out.splitlines()
    assert f"{FAULTY / 'uncited.yaml'}:29: finding, uncited: R-2: defined, and never cited" in lines
    assert lines[-1].startswith("4 findings, 1 note")  # two of them: both files are version 1 of one pack


def test_notes_are_shown_and_leave_a_pack_clean(policy: Policy, capfd: pytest.CaptureFixture[str]) -> None:
    """Exit 0."""
    assert policy("check", NIGHT) == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line.split(": ")[1] for line in lines[:-1]] == ["note, mixed_modes", "note, not_contacted"]
    assert lines[-1] == "clean, 2 notes"


def test_findings_are_data_for_programs(policy: Policy, capfd: pytest.CaptureFixture[str]) -> None:
    """One JSON object: file, line, rule, kind, level, text of each."""
    path = FAULTY / "impossible_language.yaml"
    assert policy("check", "--json", path) == 1
    assert json.loads(capfd.readouterr().out) == {
        "files": [str(path)],
        "clean": False,
        "findings": [
            {
                "file": str(path),
                "line": 11,
                "rule": "R-1",
                "kind": "impossible",
                "level": "finding",
                "text": "no case matches it: its fields contradict each other",
            }
        ],
    }


def test_a_file_that_is_not_there_is_wrong_usage(policy: Policy, tmp_path: Path) -> None:
    """Exit 2; so are no files at all."""
    assert policy("check", tmp_path / "gone.yaml") == 2
    assert policy("check") == 2
    assert policy("diff", HOSTING, NEXT) == 2
    assert policy("diff", HOSTING, NEXT, "--events", tmp_path / "gone.jsonl") == 2


def test_a_pack_against_itself_is_one_line_and_exit_0(policy: Policy, capfd: pytest.CaptureFixture[str]) -> None:
    """No table where there is nothing to show."""
    assert policy("diff", HOSTING, HOSTING, "--events", EVENTS) == 0
    assert capfd.readouterr().out.splitlines() == [
        "6 cases, 11 open deadlines: 0 moved, 0 gone, 0 new; 0 verdicts flipped"
    ]


def test_another_pack_is_a_table_of_sums_and_exit_0(policy: Policy, capfd: pytest.CaptureFixture[str]) -> None:
    """Deadlines by clock, plan and severity, then verdicts, then all of it in one line."""
    assert policy("diff", HOSTING, NEXT, "--events", EVENTS) == 0
    lines = [line.split() for line in capfd.readouterr().out.splitlines()]
    assert ["resolution", "managed", "high", "1", "0", "1", "0", "0", "+16h", "+16h", "+16h"] in lines
    assert ["first_reply", "basic", "high", "met", "met", "late", "1"] in lines
    assert " ".join(lines[-1]) == "6 cases, 11 open deadlines: 3 moved, 2 gone, 0 new; 2 verdicts flipped"


def test_a_difference_is_data_for_programs(policy: Policy, capfd: pytest.CaptureFixture[str]) -> None:
    """Every case by its name, as one JSON object; `--until` moves the end of time."""
    assert policy("diff", HOSTING, NEXT, "--events", EVENTS, "--json", "--until", "2026-03-02T08:25:00Z") == 0
    told = json.loads(capfd.readouterr().out)
    assert (told["cases"], told["open_deadlines"], told["flips"]) == (4, 7, [])
    assert told["dead_letters"] == {"old": 0, "new": 0}
    assert {
        "case_id": "CASE-2002",
        "generation": 1,
        "about": "first_reply",
        "plan": "basic",
        "severity": "high",
        "old_deadline": "2026-03-02T09:00:00Z",
        "new_deadline": "2026-03-02T08:30:00Z",
        "by_seconds": -1800,
    } in told["moved"]
    assert policy("diff", HOSTING, NEXT, "--events", EVENTS, "--json") == 0
    flips = json.loads(capfd.readouterr().out)["flips"]
    assert [(each["case_id"], each["about"], each["old"], each["new"]) for each in flips] == [
        ("CASE-2002", "first_reply", "met", "met late"),
        ("CASE-2005", "service", "served", "declined"),
    ]


def test_events_that_cannot_be_used_are_told(policy: Policy, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """They are no difference between the packs, and no reason to fail."""
    events = tmp_path / "events.jsonl"
    events.write_bytes(EVENTS.read_bytes() + b"garbage\n")
    assert policy("diff", HOSTING, HOSTING, "--events", events) == 0
    last = capfd.readouterr().out.splitlines()[-1]
    assert last == "events that cannot be used: 1 under the old pack, 1 under the new"


def test_a_pack_that_does_not_load_is_refused(policy: Policy, capfd: pytest.CaptureFixture[str]) -> None:
    """Exit 2 and its problems, as everywhere."""
    assert policy("diff", HOSTING, FAULTY / "refused.yaml", "--events", EVENTS) == 2
    assert capfd.readouterr().err.startswith(f"{FAULTY / 'refused.yaml'}:10: ")


@pytest.mark.parametrize(
    ("length", "told"),
    [
        (0, "+0s"),
        (HOUR, "+1h"),
        (-HOUR - 30 * MINUTE, "-1h30m"),
        (30 * HOUR + SECOND, "+30h1s"),
        (SECOND // 2, "+0.5s"),
        (None, "-"),
    ],
)
def test_how_much_later_is_spelt_as_packs_spell_it(length: int | None, told: str) -> None:
    """Hours, minutes and seconds that are not zero."""
    assert spelt(length) == told
