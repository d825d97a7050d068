"""Crash points: a way to die at a chosen step, and nothing at all without being asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sla_monitor.engine import crash
from sla_monitor.errors import BadConfiguration

SOURCE = Path(crash.__file__).parent
DYING = """
from sla_monitor.engine import crash
crash.arm({"SLA_CRASH_AT": "fold.after:3"})
for number in range(1, 9):
    print(number, flush=True)
    crash.point("fold.before")
    crash.point("fold.after")
"""


def test_the_process_dies_at_the_third_time() -> None:
    """Killed, not ended: no handler of the process runs."""
    died = subprocess.run([sys.executable, "-c", DYING], capture_output=True, text=True, check=False)
    assert (died.returncode, died.stdout.split()) == (-9, ["1", "2", "3"])


@pytest.mark.parametrize("text", ["nowhere", "fold.after:0", "fold.after:-1", "fold.after:x"])
def test_a_place_that_does_not_exist_is_refused(text: str) -> None:
    """A chaos run that kills nobody proves nothing."""
    with pytest.raises(BadConfiguration, match="SLA_CRASH_AT"):
        crash.arm({"SLA_CRASH_AT": text})


def test_without_the_variable_nothing_is_armed() -> None:
    """Production code passes by every point."""
    crash.arm({})
    for name in (*crash.POINTS, *crash.REDO_POINTS):
        crash.point(name)


def test_every_point_is_in_the_code_once() -> None:
    """A name in the list that no code passes would count as tested."""
    code = "".join(path.read_text() for path in SOURCE.glob("*.py") if path.name != "crash.py")
    for name in (*crash.POINTS, *crash.REDO_POINTS):
        assert code.count(f'"{name}"') == 1, name
