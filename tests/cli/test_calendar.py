"""`sla-monitor calendar compute`: one answer a line, in order, whatever the lines are."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sla_monitor.cli import business_time
from sla_monitor.cli import main as cli
from sla_monitor.cli.business_time import CALENDARS_KEPT_MAX, INTERVALS_KEPT_MAX, LINE_BYTES_MAX, Computer
from sla_monitor.cli.calendar import lines_of
from sla_monitor.errors import EXIT_FINDINGS, EXIT_USAGE

ROOT = Path(__file__).parents[2]
WEEK = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
ALWAYS = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def answer(op: str, start: str, **said: Any) -> Any:
    question = {"id": 1, "op": op, "tz": "Europe/Berlin", "hours": WEEK, "start": start} | said
    found = Computer().answer(json.dumps(question).encode())
    assert found.pop("id") == 1
    return found.get("result", found)


def compute(text: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sla_monitor", "calendar", "compute"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False, cwd=ROOT)


def shown_in_the_page(kind: str) -> list[str]:
    page = (ROOT / "docs/calendars.md").read_text("utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def test_the_answers_in_the_documentation_are_those_of_the_command() -> None:
    """The page shows questions, and below them what is printed; one is bad, so the exit code is 1."""
    questions, answers = shown_in_the_page("jsonl")
    done = compute(questions)
    assert done.stdout == answers
    assert done.stderr == ""
    assert done.returncode == EXIT_FINDINGS


def test_good_questions_end_with_0() -> None:
    """An empty line is nobody's question."""
    question = {"id": "é", "op": "add", "tz": "UTC", "hours": WEEK, "start": "2026-01-05T09:00:00Z", "seconds": 60}
    done = compute(f"\n{json.dumps(question)}\n\n")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"id": "é", "result": "2026-01-05T09:01:00+00:00"}
    ]
    assert done.returncode == 0


def test_a_budget_used_up_at_closing_ends_there_or_at_the_next_opening() -> None:
    """`boundary` decides; nothing to use up is used up at once, and where it is open both are the same."""
    friday, monday = "2026-01-09T17:00:00+01:00", "2026-01-12T09:00:00+01:00"
    for start, used in (("2026-01-09T16:00:00+01:00", 3600), ("2026-01-09T17:00:00+01:00", 0)):
        assert answer("add", start, seconds=used) == friday
        assert answer("add", start, seconds=used, boundary="opening") == monday
    saturday = "2026-01-10T12:00:00+01:00"
    assert answer("add", saturday, seconds=0) == saturday
    assert answer("add", saturday, seconds=0, boundary="opening") == monday
    for boundary in ("closing", "opening"):
        assert answer("add", saturday, seconds=60, boundary=boundary) == "2026-01-12T09:01:00+01:00"


def test_going_back_a_budget_ends_at_opening() -> None:
    """`boundary` is about closing; it changes nothing here."""
    for boundary in ("closing", "opening"):
        found = answer("subtract", "2026-01-12T10:00:00+01:00", seconds=3600, boundary=boundary)
        assert found == "2026-01-12T09:00:00+01:00"


def test_times_are_those_of_the_calendar_s_zone() -> None:
    """Whatever offset the question has; fractions only where there are some."""
    assert answer("add", "2026-03-27T14:00:00Z", seconds=8 * 3600) == "2026-03-30T15:00:00+02:00"
    assert answer("add", "2026-01-09T07:00:00-02:00", seconds=0.25) == "2026-01-09T10:00:00.250000+01:00"
    assert answer("between", "2026-01-09T10:00:00+01:00", end="2026-01-09T10:00:01.5+01:00") == 1.5


def test_a_round_the_clock_day_is_as_long_as_it_is() -> None:
    """23 and 25 hours when the clocks change."""
    for day, after, hours in (("03-29", "03-30", 23), ("10-25", "10-26", 25), ("06-01", "06-02", 24)):
        start, end = (f"2026-{each}T00:00:00+00:00" for each in (day, after))
        first = answer("periods", start, hours={}, date_hours={f"2026-{day}": [["00:00", "24:00"]]}, end=end)
        local = answer(
            "between",
            "2026-01-01T00:00:00Z",
            end="2027-01-01T00:00:00Z",
            hours={},
            date_hours={f"2026-{day}": [["00:00", "24:00"]]},
        )
        assert local == hours * 3600
        assert len(first) == 1


def test_periods_are_counted_or_cut_off() -> None:
    """From inside a period on; the last one is cut off at `end`, never by `count`."""
    start = "2026-01-09T16:00:00+01:00"
    friday = [start, "2026-01-09T17:00:00+01:00"]
    assert answer("periods", start, count=2) == [friday, ["2026-01-12T09:00:00+01:00", "2026-01-12T17:00:00+01:00"]]
    assert answer("periods", start, count=0) == []
    until = "2026-01-12T10:00:00+01:00"
    assert answer("periods", start, end=until) == [friday, ["2026-01-12T09:00:00+01:00", until]]
    assert answer("periods", start, end=start) == []


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"hours": {}}, "calendar Europe/Berlin: it never opens"),
        ({"hours": {}, "date_hours": {"2026-01-05": [["09:00", "17:00"]]}, "holidays": ["2026-01-05"]}, "never opens"),
        ({"seconds": 10**10}, "outside 1900 to 2105"),
        ({"seconds": 10**9}, "not that much open time within 1900 to 2105"),
        ({"hours": {}, "date_hours": {"2025-01-06": [["09:00", "17:00"]]}}, "not that much open time"),
        ({"start": "1899-12-31T00:00:00Z"}, "outside 1900 to 2105"),
        ({"op": "subtract", "seconds": 10**9}, "not that much open time"),
        ({"op": "between", "end": "2106-01-02T00:00:00Z"}, "outside 1900 to 2105"),
        ({"op": "periods", "count": 50_000}, "not as many periods"),
        ({"op": "periods", "count": 1, "hours": ALWAYS}, "not as many periods begin and end"),
        ({"tz": "Mars/Phobos"}, "tz is not a name of tzdata"),
        ({"tz": "../UTC"}, "tz is not a name of tzdata"),
    ],
)
def test_what_has_no_answer_is_an_error_not_a_loop(said: dict[str, Any], problem: str) -> None:
    """A calendar that never opens, more time than all calendars have, a zone that does not exist."""
    asked: dict[str, Any] = {"op": "add", "start": "2026-01-05T09:00:00Z", "seconds": 60} | said
    assert problem in answer(**asked)["error"]


@pytest.mark.parametrize("said", [{"count": 6}, {"end": "2026-01-13T00:00:00Z"}])
def test_an_answer_has_a_largest_size(said: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """More periods than anyone reads are an error, before they fill the memory."""
    start = "2026-01-05T00:00:00Z"
    monkeypatch.setattr(business_time, "PERIODS_MAX", 5)
    assert answer("periods", start, **said) == {"error": "more than 5 periods"}
    assert len(answer("periods", start, count=5)) == 5


def test_bad_lines_are_answered_and_the_rest_go_on() -> None:
    """One answer for each line, in order, also for what is not JSON or far too long."""
    good = json.dumps({"id": 1, "op": "add", "tz": "UTC", "hours": WEEK, "start": "2026-01-05T09:00:00Z", "seconds": 0})
    done = compute(
        "\n".join(["{", good, f'"{"x" * (3 * LINE_BYTES_MAX)}"', good.replace('"seconds": 0', '"seconds": -1')])
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(each["id"], "error" in each) for each in answers] == [(None, True), (1, False), (None, True), (1, True)]
    assert answers[2]["error"] == f"longer than {LINE_BYTES_MAX} bytes"
    assert done.returncode == EXIT_FINDINGS


def test_lines_are_read_one_at_a_time() -> None:
    """The first is there before the second is asked for; of one without end only its beginning is kept."""
    file = io.BytesIO(b"one\n" + b"x" * (5 * LINE_BYTES_MAX) + b"\n\nlast")
    lines = lines_of(file)
    assert next(lines) == b"one\n"
    assert file.tell() == 4
    assert [len(line) for line in lines] == [LINE_BYTES_MAX + 1, 4]


def test_what_is_kept_is_bounded() -> None:
    """Of many calendars the latest; of one that was asked about a century only little."""
    computer = Computer()
    start, end = "1901-01-01T00:00:00Z", "2100-01-01T00:00:00Z"
    for minute in range(CALENDARS_KEPT_MAX + 5):
        hours = {"mon": [["09:00", f"17:{minute:02}"]]}
        asked = {"op": "between", "tz": "UTC", "hours": hours, "start": start, "end": start}
        assert computer.answer(json.dumps(asked).encode()) == {"id": None, "result": 0}
    assert len(computer._kept) == CALENDARS_KEPT_MAX
    asked = {"op": "between", "tz": "UTC", "hours": WEEK, "start": start, "end": end}
    assert computer.answer(json.dumps(asked).encode())["result"] > 10**9
    compiled, room = next(reversed(computer._kept.values()))
    assert room.intervals > INTERVALS_KEPT_MAX
    assert compiled._ends == []
    assert computer.answer(json.dumps(asked).encode())["result"] > 10**9


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> object:
    monkeypatch.setattr(sys, "argv", ["sla-monitor", "calendar", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


def test_a_lock_is_written_checked_and_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Missing: a finding. Written: none. Changed by hand: a finding, which is told once more when it is written."""
    pack = tmp_path / "pack.yaml"
    shutil.copy(ROOT / "tests/config/four_severities.yaml", pack)
    lock = tmp_path / "calendars.lock"
    assert run(monkeypatch, "lock", "--check", "--policy", pack) == EXIT_FINDINGS
    assert "is missing" in capsys.readouterr().out
    assert not lock.exists()
    assert run(monkeypatch, "lock", "--policy", pack, "--years", 2026, 2026) == 0
    assert capsys.readouterr().out.endswith("lines, 2026 to 2026\n")
    assert run(monkeypatch, "lock", "--check", "--policy", tmp_path) == 0
    lock.write_text(lock.read_text().replace("DE 2026 0101 ", "DE 2026 "))
    for arguments, code in ((["--check"], EXIT_FINDINGS), (["--years", 2026, 2027], 0)):
        assert run(monkeypatch, "lock", "--policy", pack, *arguments) == code
        assert capsys.readouterr().out.startswith("holidays DE 2026: +2026-01-01\n")
    assert "DE 2027 0101 " in lock.read_text()


def test_a_lock_has_years_of_calendars_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "lock", "--years", 2026, 2106) == EXIT_USAGE
    assert "1900 to 2105" in capsys.readouterr().err
