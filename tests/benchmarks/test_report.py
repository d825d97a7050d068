"""docs/benchmarks.md says what was measured, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_results_give() -> None:
    """No figure is written by hand: the page rendered from `benchmarks/results.json` is the page that is there."""
    command = [sys.executable, "-m", "benchmarks.report", "--check"]
    done = subprocess.run(
        command, check=False, cwd=ROOT, env={"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
