"""An event costs no more work than it did when `benchmarks/work.json` was written."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.work import RISE_MAX, rises

ROOT = Path(__file__).parents[2]


def test_an_event_takes_no_more_work_than_the_baseline() -> None:
    """Calls, decisions, calendar steps, memory and bytes are counted in a process of their own, so that nothing a test
    has left behind counts. A rise that is meant: `python -m benchmarks.work --renew`."""
    command = [sys.executable, "-m", "benchmarks.work"]
    done = subprocess.run(
        command, check=False, cwd=ROOT, env={"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "decisions" in done.stdout


def test_a_rise_of_more_than_a_tenth_is_one() -> None:
    """And what was not counted before is one too; a fall is none."""
    before = {"calls": 100.0, "bytes": 100.0}
    assert rises({"calls": 100.0 * (1 + RISE_MAX), "bytes": 10.0}, before) == []
    assert rises({"calls": 110.1, "bytes": 100.0}, before) == ["calls: 110.1 an event, 100.0 in the baseline"]
    assert rises({"steps": 1.0}, before) == ["steps: 1.0 an event, 0 in the baseline"]
