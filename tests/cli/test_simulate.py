"""`sla-monitor simulate`: case events in, notices out, dead letters named; the same bytes wherever it runs."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from sla_monitor.cli import main as cli
from sla_monitor.config.packs import load_packs
from tests.engine.feeding import A_CASE, NINE, clock, event

OPENED = event("case-1", "case.opened", NINE, "o", **A_CASE)
RESPONDED = event("case-1", "case.responded", clock(0, 30), "r")
BUILT_IN = Path(cli.__file__).parents[1] / "policies" / "default.yaml"

Simulate = Callable[..., object]


@pytest.fixture
def simulate(sla_monitor: Simulate) -> Simulate:
    """Runs the command in this process; answers with its exit code."""
    return partial(sla_monitor, "simulate")


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """A file of these lines."""

    def write(*lines: bytes, end: bytes = b"\n") -> Path:
        path = tmp_path / "events.jsonl"
        path.write_bytes(b"".join(line + end for line in lines))
        return path

    return write


def kinds(out: str) -> list[str]:
    return [json.loads(line)["type"] for line in out.splitlines()]


def test_events_in_and_notices_out_one_line_each(
    simulate: Simulate, file: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit 0, nothing on standard error, JSON lines on standard output."""
    assert simulate(file(OPENED, RESPONDED)) == 0
    shown = capfd.readouterr()
    assert kinds(shown.out) == ["sla.clock.started", "sla.clock.stopped", "sla.met"]
    assert shown.out.endswith("}\n")
    assert shown.err == ""


def test_dead_letters_are_lines_on_standard_error_and_exit_1(
    simulate: Simulate, file: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    """`file:line: reason: detail`, as editors understand it; the notices are all there."""
    path = file(OPENED, b"garbage", b"", event("case-1", "case.paused", NINE, "x"), RESPONDED)
    assert simulate(path) == 1
    shown = capfd.readouterr()
    assert kinds(shown.out) == ["sla.clock.started", "sla.clock.stopped", "sla.met"]
    assert shown.err.splitlines() == [
        f"{path}:2: not_json: line 1 column 1",
        f"{path}:4: unknown_type: type: not a type of this version",
    ]


def test_standard_input_is_a_dash(
    simulate: Simulate, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """And is named so where something is wrong with it."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(OPENED + b"\r\nx\r\n")))
    assert simulate("-", "--until", "2026-01-05T09:45:00Z") == 1
    shown = capfd.readouterr()
    assert kinds(shown.out) == ["sla.clock.started", "sla.warning"]
    assert shown.err == "-:2: not_json: line 1 column 1\n"


def test_the_end_of_time_may_be_given_in_any_zone(
    simulate: Simulate, file: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    """Inclusive, to the microsecond."""
    path = file(OPENED)
    for until, last in (("2026-01-05T11:00:00+01:00", "sla.breached"), ("2026-01-05T09:59:59.999999Z", "sla.warning")):
        assert simulate(path, "--until", until) == 0
        assert kinds(capfd.readouterr().out)[-1] == last


@pytest.mark.parametrize("until", ["tomorrow", "2026-01-05", "2026-01-05T10:00:00", ""])
def test_an_end_that_is_no_time_is_wrong_usage(
    simulate: Simulate, file: Callable[..., Path], capfd: pytest.CaptureFixture[str], until: str
) -> None:
    """Exit 2, nothing read; without an offset an instant would be guessed."""
    assert simulate(file(OPENED), "--until", until) == 2
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "--until" in shown.err


def test_a_file_that_is_not_there_is_wrong_usage(
    simulate: Simulate, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit 2, and so is a folder."""
    assert simulate(tmp_path / "nothing.jsonl") == 2
    assert simulate(tmp_path) == 2
    assert capfd.readouterr().out == ""


def test_another_policy_decides_otherwise(
    simulate: Simulate, file: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A pack, or a folder of its versions, by the case's opening."""
    packs = tmp_path / "packs"
    packs.mkdir()
    (packs / "old.yaml").write_text(BUILT_IN.read_text("utf-8"), "utf-8")
    newer = BUILT_IN.read_text("utf-8").replace("{severity: A}, target: 1h}", "{severity: A}, target: 2h}")
    newer = newer.replace('version: "2026-01"', 'version: "two"').replace("2000-01-01T00", "2026-01-05T00")
    (packs / "new.yaml").write_text(newer, "utf-8")
    path = file(OPENED)
    deadlines = []
    for policy in (packs / "old.yaml", packs / "new.yaml", packs):
        assert simulate(path, "--policy", policy) == 0
        deadlines.append(json.loads(capfd.readouterr().out)["data"]["deadline"][11:16])
    assert deadlines == ["10:00", "11:00", "11:00"]


def test_a_pack_with_a_problem_is_refused_with_file_and_line(
    simulate: Simulate, file: Callable[..., Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit 2 before anything is said."""
    pack = tmp_path / "pack.yaml"
    pack.write_text(BUILT_IN.read_text("utf-8").replace("target: 1h", "target: 1 fortnight"), "utf-8")
    assert simulate(file(OPENED), "--policy", pack) == 2
    shown = capfd.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"{pack}:")


def test_an_empty_file_says_nothing(
    simulate: Simulate, file: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    """Exit 0: there is nothing wrong with it."""
    assert simulate(file()) == 0
    assert simulate(file(b"", b"   ")) == 0
    assert tuple(capfd.readouterr()) == ("", "")


def test_a_file_without_a_newline_at_its_end_is_read_to_its_end(
    simulate: Simulate, file: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    """As editors on other systems leave it."""
    assert simulate(file(OPENED + b"\r\n" + RESPONDED, end=b"")) == 0
    assert kinds(capfd.readouterr().out)[-1] == "sla.met"


def test_the_same_file_gives_the_same_bytes_everywhere(file: Callable[..., Path]) -> None:
    """Whatever the hash seed, the time zone, the locale and the process: contract, `simulate`."""
    lines = []
    for number in range(30):
        case_id = f"case-{number}"
        data = A_CASE | {"country": ["DE", "US", "JP"][number % 3], "severity": "ABC"[number % 3]}
        data |= {"traits": ["custom_code", "third_party"], "fingerprint": {"error": "e", "build": "b"}}
        lines.append(event(case_id, "case.opened", clock(0, number % 7), f"{case_id}-o", **data))
        lines.append(event(case_id, "case.waiting_on_customer", clock(0, 20 + number), f"w{number}"))
        lines.append(
            event(case_id, "case.severity_changed", clock(1, number), f"s{number}", severity="CAB"[number % 3])
        )
    path = file(*lines, event("orphan", "case.responded", NINE, "r"), b"garbage")
    running = []
    for seed, zone, locale in (("1", "Asia/Tokyo", "C"), ("2", "America/Los_Angeles", "C.UTF-8")):
        environment = os.environ | {"PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": locale}
        alone = "from sla_monitor.cli.simulate import app; app()"  # without the worker's libraries: half the time
        command = [sys.executable, "-c", alone, str(path), "--until", "2026-03-01T00:00:00Z"]
        running.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    ((out, err),) = {process.communicate() for process in running}
    assert [process.returncode for process in running] == [1, 1]
    assert len(out.splitlines()) > 100
    assert err.decode().splitlines() == [
        f"{path}:{len(lines) + 2}: not_json: line 1 column 1",
        f"{path}:{len(lines) + 1}: orphan_expired: its case was not opened in time",
    ]


def test_the_built_in_pack_is_the_default(
    simulate: Simulate, file: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    """And every notice names it."""
    assert simulate(file(OPENED)) == 0
    policy = load_packs().versions[0]
    said = json.loads(capfd.readouterr().out)["data"]["policy"]
    assert said == {"name": policy.name, "version": policy.version}
