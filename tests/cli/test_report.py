"""`sla-monitor report`: what stands in a period, as text, CSV and JSON; the same whatever was withdrawn on the way."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sla_monitor.config.packs import load_packs
from sla_monitor.engine.records import Outgoing
from sla_monitor.engine.simulation import Simulation
from tests.engine.feeding import A_CASE, NINE, clock, event

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
NOTICES = EXAMPLES / "a-month-notices.jsonl"
HOSTING = EXAMPLES / "hosting.yaml"
MONTH = ("--from", "2026-03-01T00:00:00Z", "--to", "2026-04-01T00:00:00Z")
JANUARY = ("--from", "2026-01-01T00:00:00Z", "--to", "2026-02-01T00:00:00Z")

Report = Callable[..., object]


@pytest.fixture
def report(sla_monitor: Report) -> Report:
    """Runs the command in this process; answers with its exit code."""
    return partial(sla_monitor, "report")


def simulated(*lines: bytes, until: int | None = None, pack: Path | None = None) -> list[bytes]:
    said: list[Outgoing] = []
    Simulation(load_packs(pack), said.append, lambda _: None).run(lines, until)
    return [notice.value for notice in said]


@pytest.fixture
def told(report: Report, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """The report of these notices as JSON."""

    def tell(*notices: bytes, period: tuple[str, ...] = JANUARY) -> Any:
        path = tmp_path / "notices.jsonl"
        path.write_bytes(b"".join(line + b"\n" for line in notices))
        assert report("--notices", path, *period, "--json") == 0
        return json.loads(capfd.readouterr().out)

    return tell


def test_the_notices_of_the_example_are_those_of_its_events() -> None:
    """What `simulate` says of them until April."""
    lines = (EXAMPLES / "a-month.jsonl").read_bytes().splitlines()
    april = NINE + 86 * 86_400_000_000 - 9 * 3_600_000_000
    assert simulated(*lines, until=april, pack=HOSTING) == NOTICES.read_bytes().splitlines()


def test_a_correction_counts_as_what_stands(told: Callable[..., Any]) -> None:
    """A breach that a late fact withdrew is none: the answer had been in time."""
    opened = event("case-1", "case.opened", NINE, "o", **A_CASE)
    late = json.loads(event("case-1", "case.responded", clock(0, 30), "r")) | {"arrivedat": "2026-01-05T11:00:00Z"}
    notices = simulated(opened, json.dumps(late).encode())
    kinds = [json.loads(line)["type"] for line in notices]
    assert {"sla.breached", "sla.retracted"} <= set(kinds)
    [row] = told(*notices)["attainment"]
    assert (row["met"], row["breached"], row["percent"]) == (1, 0, 100.0)
    assert told(*notices)["worst"] == []
    [before] = told(*notices[: kinds.index("sla.retracted")])["attainment"]
    assert (before["met"], before["breached"]) == (0, 1)


def test_an_erased_case_is_in_no_report(told: Callable[..., Any]) -> None:
    """Nothing of it is kept."""
    notices = simulated(event("case-1", "case.opened", NINE, "o", **A_CASE), until=clock(2))
    forgotten = json.loads(notices[-1]) | {"id": "f", "type": "case.forgotten", "data": {"case_id": "case-1"}}
    assert told(*notices)["attainment"]
    assert told(*notices, json.dumps(forgotten).encode())["attainment"] == []


def test_a_missed_clock_counts_where_its_deadline_is(told: Callable[..., Any]) -> None:
    """Also when it is met at last in another period; the end of a period is not in it."""
    opened = event("case-1", "case.opened", NINE, "o", **A_CASE)
    notices = simulated(opened, event("case-1", "case.responded", clock(3), "r"))
    at = "2026-01-05T{}:00:00Z"
    early, during, after = (("--from", at.format(a), "--to", at.format(b)) for a, b in (("09", 10), (10, 11), (11, 13)))
    assert told(*notices, period=early)["attainment"] == []
    [row] = told(*notices, period=during)["attainment"]
    assert (row["late"], row["met"]) == (1, 0)
    [worst] = told(*notices, period=during)["worst"]
    assert (worst["verdict"], worst["late_seconds"], worst["deadline"]) == ("met late", 7200, "2026-01-05T10:00:00Z")
    assert told(*notices, period=after)["attainment"] == []


def test_the_order_of_cases_changes_nothing(report: Report, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Notices of one case stay in order; those of others may come before or after, as from several partitions."""
    lines = NOTICES.read_bytes().splitlines(keepends=True)
    other = tmp_path / "other.jsonl"
    by_case = sorted(lines, key=lambda line: str(json.loads(bytes(line))["subject"]), reverse=True)
    other.write_bytes(b"".join(by_case))
    printed = []
    for path in (NOTICES, other):
        assert report("--notices", path, "--policy", HOSTING, *MONTH, "--json") == 0
        printed.append(capfd.readouterr().out)
    assert printed[0] == printed[1]


def test_pause_debt_is_open_time_paused_against_the_target(report: Report, capfd: pytest.CaptureFixture[str]) -> None:
    """Two hours counted, five paused, four promised: met, because it was parked. As CSV."""
    assert report("--notices", NOTICES, "--policy", HOSTING, *MONTH, "--csv", "pauses") == 0
    [row] = csv.DictReader(io.StringIO(capfd.readouterr().out))
    assert (row["case_id"], row["clock"], row["state"]) == ("CASE-3003", "resolution", "met")
    assert (row["counted_seconds"], row["paused_seconds"], row["target_seconds"]) == ("7200", "18000", "14400")


def test_a_clock_that_pauses_when_the_period_ends_is_debt_too(
    report: Report, capfd: pytest.CaptureFixture[str]
) -> None:
    """An hour counted and so far three paused, at noon, of four: it looks well for its pause alone."""
    day = ("--from", "2026-03-04T00:00:00Z", "--to")
    for end, states in (("2026-03-04T10:59:59Z", []), ("2026-03-04T11:00:00Z", ["paused"])):
        assert report("--notices", NOTICES, "--policy", HOSTING, *day, end, "--json") == 0
        pauses = json.loads(capfd.readouterr().out)["pauses"]
        assert [each["state"] for each in pauses if each["case_id"] == "CASE-3003"] == states


def test_hours_that_the_packs_do_not_have_are_told(
    report: Report, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A pause on them is left out, and said to be."""
    path = tmp_path / "notices.jsonl"
    path.write_bytes(NOTICES.read_bytes().replace(b'"calendar":"24x7"', b'"calendar":"H-GONE:DE:Europe/Berlin"'))
    assert report("--notices", path, "--policy", HOSTING, *MONTH, "--json") == 0
    made = json.loads(capfd.readouterr().out)
    assert (made["pauses"], made["paused_clocks"], made["paused_clocks_of_unknown_hours"]) == ([], 1, 1)


def test_nothing_of_a_long_line_is_cut_off(report: Report, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A case is known by its whole id, and an instant by all of its digits."""
    case_id = "CASE-" + "7" * 60
    path = tmp_path / "notices.jsonl"
    opened = event(case_id, "case.opened", NINE + 123_456, "o", **A_CASE)
    path.write_bytes(b"".join(line + b"\n" for line in simulated(opened, until=clock(2))))
    assert report("--notices", path, *JANUARY) == 0
    shown = capfd.readouterr().out
    assert (case_id in shown, "2026-01-05T10:00:00.123456Z" in shown, "…" in shown) == (True, True, False)


def test_lines_that_are_no_notices_are_findings(
    report: Report, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Counted on standard error, exit 1; the others are reported."""
    path = tmp_path / "notices.jsonl"
    path.write_bytes(b'garbage\n{"subject": "x", "time": "2026-03-02T00:00:00Z"}\n' + NOTICES.read_bytes())
    assert report("--notices", path, "--policy", HOSTING, *MONTH) == 1
    printed = capfd.readouterr()
    assert printed.err == "2 lines are no notices\n"
    assert "9 promises decided, 5 kept" in printed.out


def test_wrong_usage_is_told_before_anything_is_read(report: Report, capfd: pytest.CaptureFixture[str]) -> None:
    """Exit 2: a period that ends before it begins, two sources, two formats, no period."""
    back = ("--from", MONTH[3], "--to", MONTH[1])
    assert report("--notices", NOTICES, *back) == 2
    assert report("--notices", NOTICES, *MONTH, "--broker", "127.0.0.1:1") == 2
    assert report("--notices", NOTICES, *MONTH, "--csv", "worst", "--json") == 2
    assert report("--policy", HOSTING, *MONTH) == 2
    assert report("--notices", NOTICES) == 2
    assert capfd.readouterr().out == ""
