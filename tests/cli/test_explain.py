"""`sla-monitor explain`: in words, as data, and what it says where there is nothing to explain."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from sla_monitor.core import decide
from sla_monitor.wire.trace_schema import trace_schema
from tests.cli.packs import hosting
from tests.core.test_calendar import at
from tests.engine.feeding import A_CASE, NINE, clock, event
from tests.explain.checker import problems

OPENED = event("case-1", "case.opened", NINE, "o", **A_CASE)
RESPONDED = event("case-1", "case.responded", clock(0, 30), "r")
OTHER = event("case-2", "case.opened", NINE, "o", **A_CASE)

CLOSED = [
    "Tue 2026-12-22 15:00 to 18:00 closed: a break of this date in the pack",
    "Wed 2026-12-23 closed by the pack, instead of 09:00-17:00",
    "Thu 2026-12-24 hours 09:00-12:00 by the pack, instead of 09:00-17:00",
    "Fri 2026-12-25 hours 10:00-11:00 by the pack, instead of 09:00-17:00, though Christmas Day",
    "Sat 2026-12-26 closed: Second Day of Christmas",
    "Sun 2026-12-27 closed",
    "Mon 2026-12-28 closed: Works holidays (closures.ics)",
    "Tue 2026-12-29 closed: Works holidays (closures.ics)",
    "Wed 2026-12-30 closed: Works holidays (closures.ics)",
    "Thu 2026-12-31 closed: Works holidays (closures.ics)",
    "Fri 2027-01-01 closed: New Year's Day; Works holidays (closures.ics)",
    "Sat 2027-01-02 closed",
    "Sun 2027-01-03 closed",
    "Tue 2027-01-05 hours were changed; these hold from here on",
    "Wed 2027-01-06 15:00 to 16:00 closed: All hands (closures.ics)",
]

Run = Callable[..., object]


@pytest.fixture
def run(sla_monitor: Run) -> Run:
    """Runs the command in this process; answers with its exit code."""
    return partial(sla_monitor, "explain")


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """A file of these lines."""

    def write(*lines: bytes) -> Path:
        path = tmp_path / "events.jsonl"
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        return path

    return write


@pytest.fixture
def trace(run: Run, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """What `--json` prints, which is as its schema says and adds up."""

    def explained(*arguments: object) -> dict[str, Any]:
        assert run(*arguments, "--json") == 0
        found = dict(json.loads(capsys.readouterr().out))
        Draft202012Validator(trace_schema()).validate(found)
        assert "clocks" not in found or problems(found) == []
        return found

    return explained


def test_what_was_closed_is_told_by_its_name(
    run: Run,
    trace: Callable[..., dict[str, Any]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Holidays, events with and without times, breaks, dates of the pack, and hours that were changed for good."""
    pack = hosting(
        tmp_path,
        "  - {rule: H-OFFICE, hours: 09:00-17:00, closures: closures.ics, breaks: {2026-12-22: 15:00-18:00},\n"
        "     dates: {2026-12-23: [], 2026-12-24: 09:00-12:00, 2026-12-25: 10:00-11:00}}\n"
        "  - {rule: H-OFFICE, since: 2027-01-05, hours: 08:00-18:00, closures: closures.ics}\n",
    )
    said = {"severity": "normal", "plan": "basic", "country": "DE", "language": "de", "submitted_by": "admin"}
    events = tmp_path / "events.jsonl"
    events.write_bytes(event("case-1", "case.opened", at("2026-12-22T14:30+01:00"), "o", **said))
    monkeypatch.setenv("COLUMNS", "140")
    assert run("case-1", "--events", events, "--policy", pack) == 0
    _, _, resolution = capsys.readouterr().out.partition("resolution: deadline")
    rows = re.findall(r"^  (\w{3} \d{4}-\S+ (?!\S+ to \S+  ).*?)(?:  .*)?$", resolution, re.MULTILINE)
    assert rows == CLOSED
    trace("case-1", "--events", events, "--policy", pack)


def test_a_case_of_a_file_is_explained_as_of_its_last_arrival(
    trace: Callable[..., dict[str, Any]], file: Callable[..., Path]
) -> None:
    """Lines of other cases are passed over, whenever they come."""
    later = event("case-2", "case.responded", clock(5), "r")
    found = trace("case-1", "--events", file(OPENED, OTHER, RESPONDED, later))
    assert (found["case_id"], found["as_of"]) == ("case-1", "2026-01-05T09:30:00Z")
    assert [life["verdict"]["state"] for life in found["clocks"]] == ["met"]


def test_the_time_of_the_explanation_may_be_given(
    trace: Callable[..., dict[str, Any]], file: Callable[..., Path]
) -> None:
    """What arrives later is not read; what time brings until then is."""
    path = file(OPENED, RESPONDED)
    before = trace("case-1", "--events", path, "--at", "2026-01-05T09:20:00Z")
    assert before["clocks"][0]["verdict"]["state"] == "running"
    alone = trace("case-1", "--events", file(OPENED), "--at", "2026-01-05T12:00:00Z")
    assert alone["clocks"][0]["verdict"] == {"state": "breached", "at": "2026-01-05T10:00:00Z"}


def test_words_say_what_the_trace_says(
    run: Run, file: Callable[..., Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a line has little room; and without a terminal there is no colour in it."""
    for columns in ("100", "40"):
        monkeypatch.setenv("COLUMNS", columns)
        assert run("case-1", "--events", file(OPENED, RESPONDED)) == 0
        shown = capsys.readouterr().out
        assert max(map(len, shown.splitlines())) <= int(columns)
        assert not any(line.endswith(" ") for line in shown.splitlines())
        assert "\x1b" not in shown
        words = " ".join(shown.split())
        assert "initial_response: deadline Mon 2026-01-05 02:00 (2026-01-05T10:00:00Z)" in words
        assert "SP-A, because severity is A" in words
        assert columns == "40" or "Mon 2026-01-05 01:00 to 02:00 3,600 3,600" in words
        assert "met: in time, 1,800 s left" in words


def test_long_counts_are_told_in_weeks(
    run: Run,
    trace: Callable[..., dict[str, Any]],
    file: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a year of working days the first and the last are read one by one, and what was closed between by its name."""
    monkeypatch.setenv("COLUMNS", "120")
    year = {"targets": {"initial_response": 250 * 8 * 3600}, "severity": "C", "country": "DE"}
    path = file(event("case-1", "case.opened", NINE, "o", **(A_CASE | year)))
    assert run("case-1", "--events", path) == 0
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) < 80
    words = " ".join(shown.split())
    assert "Mon 2026-01-12 to Tue 2026-12-22, 339 days alike: Mon Tue Wed Thu Fri 09:00-17:00; Sat Sun closed" in words
    assert "Mon 2026-01-19 09:00 to Mon 2026-12-14 17:00, 231 periods 6,652,800 6,937,200" in words
    assert "Fri 2026-04-03 closed: Good Friday" in words
    assert len(json.dumps(trace("case-1", "--events", path))) < 10_000


def test_counts_of_many_years_are_cut_in_words(
    run: Run, file: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """The data has all of it."""
    years = {"targets": {"initial_response": 365 * 24 * 3600}, "severity": "C", "country": "DE"}
    path = file(event("case-1", "case.opened", NINE, "o", **(A_CASE | years)))
    assert run("case-1", "--events", path) == 0
    shown = capsys.readouterr().out
    assert len(shown.splitlines()) < 110
    assert "more, see --json" in shown


def test_an_unknown_case_is_named_and_exit_1(
    run: Run, file: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """With the file in which it is not, also as data."""
    path = file(OPENED)
    for more in ((), ("--json",)):
        assert run("case-9", "--events", path, *more) == 1
        shown = capsys.readouterr()
        assert (shown.out, shown.err) == ("", f"case-9: unknown: no event of this case that can be used is in {path}\n")


def test_an_id_that_is_not_utf_8_is_an_unknown_case(run: Run, file: Callable[..., Path]) -> None:
    """As a shell hands over the bytes that somebody typed: exit 1, not a defect."""
    assert run(os.fsdecode(b"case-\xff"), "--events", file(OPENED)) == 1


def test_what_is_set_aside_is_named_with_its_line(
    run: Run, file: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """It explains nothing, and the rest is explained."""
    bad = event("case-1", "case.severity_changed", clock(0, 10), "x", severity="Z")
    path = file(OTHER, OPENED, bad)
    assert run("case-1", "--events", path, "--json") == 0
    shown = capsys.readouterr()
    assert shown.err == f"{path}:3: set aside: invalid\n"
    assert json.loads(shown.out)["changes"] == []


def test_a_case_never_opened_lists_what_waits(
    run: Run, trace: Callable[..., dict[str, Any]], file: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """In words as in data."""
    path = file(RESPONDED)
    assert trace("case-1", "--events", path)["status"] == "never_opened"
    assert run("case-1", "--events", path) == 0
    shown = capsys.readouterr().out
    assert "never opened" in shown
    assert "2026-01-05T09:30:00Z case.responded r of crm" in shown


def test_no_terminal_obeys_the_id_of_an_event(
    run: Run, file: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Producers choose ids; what is no printable character is spelt out."""
    assert run("case-1", "--events", file(OPENED, event("case-1", "case.responded", clock(0, 30), "r\x1b[2J\r"))) == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "r\\u001b[2J\\r" in shown


def test_a_case_in_quarantine_is_not_explained(
    run: Run, file: Callable[..., Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect has set it aside: exit 1, and the name of the defect."""

    def defect(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(decide, "continue_with", defect)
    assert run("case-1", "--events", file(OPENED, RESPONDED)) == 1
    assert "case-1: in quarantine: deciding about it failed with ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize(
    "more",
    [
        ("--events", "nothing.jsonl"),
        ("--events", __file__, "--broker", "127.0.0.1:1"),
        ("--events", __file__, "--partition", "0"),
        ("--policy", __file__),
        ("--events", __file__, "--at", "yesterday"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(
    run: Run, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    """Exit 2, nothing on standard output."""
    assert run("case-1", *more) == 2
    assert capsys.readouterr().out == ""


def test_a_pack_that_is_wrong_is_told_line_by_line(
    run: Run, file: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is explained."""
    pack = tmp_path / "pack.yaml"
    pack.write_text("name: [", "utf-8")
    assert run("case-1", "--events", file(OPENED), "--policy", pack) == 2
    assert "pack.yaml:" in capsys.readouterr().err
