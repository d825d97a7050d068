"""Puts each known mistake into a copy of the code and looks who finds it: `python -m tests.oracle.seeded`.

A mistake that nobody finds means that the proof is worth less than it says: exit 1. `--write` puts the list and the
rate into docs/mistakes.md, `--only TEXT` takes those whose name has it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.oracle.mistakes import MISTAKES, MOVES, ORACLE, SCHEDULES, Mistake

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "mistakes.md"
SEEDS: Final = {ORACLE: "0..1500", MOVES: "0..1500", SCHEDULES: "0..2500"}
PROGRAM: Final = {ORACLE: "tests.oracle.differential", MOVES: "tests.oracle.moving", SCHEDULES: "tests.simulated"}
SECONDS_MAX: Final = 240
SEED = re.compile(r"--seed[ =](\d+)")


@dataclass(frozen=True, slots=True)
class Result:
    mistake: Mistake
    seed: int | None  # the first one that found it; None: nobody did


def with_mistake(mistake: Mistake, folder: Path) -> Path:
    """A copy of the package with the mistake in it; the folder to put on the path. ValueError if its text is gone."""
    shutil.copytree(ROOT / "src" / "sla_monitor", folder / "sla_monitor", ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "sla_monitor" / mistake.file
    text = path.read_text()
    for good, bad in mistake.changes:
        if text.count(good) != 1:
            raise ValueError(f"{mistake.name}: {mistake.file} has {text.count(good)} times: {good}")
        text = text.replace(good, bad)
    compile(text, mistake.file, "exec")
    path.write_text(text)
    return folder


def search(mistake: Mistake) -> Result:
    """Run who is to find it until a seed does."""
    with tempfile.TemporaryDirectory() as name:
        folder = with_mistake(mistake, Path(name))
        command = [sys.executable, "-m", PROGRAM[mistake.found_by], "--seeds", SEEDS[mistake.found_by], "--first"]
        environment = os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
        ran = subprocess.run(
            command, cwd=name, env=environment, capture_output=True, text=True, timeout=SECONDS_MAX, check=False
        )
    found = SEED.search(ran.stdout + ran.stderr)
    if ran.returncode == 1 and found:
        return Result(mistake, int(found[1]))
    if ran.returncode:
        raise RuntimeError(f"{mistake.name}: exit code {ran.returncode}\n{ran.stdout[-2_000:]}{ran.stderr[-2_000:]}")
    return Result(mistake, None)


def page(results: list[Result]) -> Iterator[str]:
    found = sum(result.seed is not None for result in results)
    yield "# Mistakes that the proof must find\n"
    yield f"<!-- Written by `python -m tests.oracle.seeded --write`. Found: {found} of {len(results)}. -->\n"
    yield (
        "Each of these is put into a copy of the code, one at a time. Then the same comparison runs that holds the\n"
        "worker to the oracle (made-up cases, seeds from 0), or the same simulated schedules of crashes and\n"
        "rebalances. The seed is the first one at which it was found.\n"
    )
    yield f"**{found} of {len(results)} are found.** `python -m tests.oracle.seeded` runs them all.\n"
    yield "| mistake | where | found by | seed |\n|---|---|---|---|"
    for result in results:
        one, seed = result.mistake, "**not found**" if result.seed is None else result.seed
        yield f"| {one.name} | `{one.file}` | {one.found_by} | {seed} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="mistakes whose name has this text")
    parser.add_argument("--write", action="store_true", help="write docs/mistakes.md")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    chosen = [mistake for mistake in MISTAKES if options.only in mistake.name]
    results = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for result in pool.map(search, chosen):
            seed = "NOT FOUND" if result.seed is None else f"seed {result.seed}"
            print(f"{seed:>10}  {result.mistake.found_by:9}  {result.mistake.name}", flush=True)
            results.append(result)
    if options.write:
        PAGE.write_text("\n".join(page(results)) + "\n")
    return int(any(result.seed is None for result in results))


if __name__ == "__main__":
    sys.exit(main())
