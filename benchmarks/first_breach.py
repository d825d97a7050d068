"""From `git clone` to a breached case on the board, and to the explanation of why: the wait of a first-time user.

    python benchmarks/first_breach.py [--runs 3] [--cold]

Two commands, timed: each run clones this repository's HEAD into a new folder and starts `scripts/demo --json` there.
Then it does what a person at the board would: opens the page that the demo names, looks at what is breached until there
is something, and opens that case, which must have a breach and an explanation. The demo is then ended by SIGTERM, must
exit with 0, and the folder goes. `--cold`: pip without its cache, so that everything is downloaded.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
LOOK_SECONDS = 0.2
BREACHED_SECONDS_MAX = 120.0  # after the board is there
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy knows the loopback of this machine


@dataclass(frozen=True, kw_only=True)
class Waited:
    """Seconds from the first command to each."""

    cloned: float
    board: float
    breached: float
    explained: float


def waited(folder: Path, environment: dict[str, str]) -> Waited:
    """Of one first time. RuntimeError: something did not come, or the demo ended badly."""
    began_at = time.monotonic()
    subprocess.run(["git", "clone", "--quiet", f"file://{ROOT}", str(folder / "clone")], check=True)
    cloned = time.monotonic() - began_at
    command = [folder / "clone/scripts/demo", "--json"]
    demo = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        board = _address(demo)
        with _DIRECTLY.open(board) as page:
            assert b"<title>SLA board</title>" in page.read()
        shown = time.monotonic() - began_at
        case_id = _breached(board)
        breached = time.monotonic() - began_at
        _must_explain(_get(f"{board}/api/v1/cases/{case_id}"))
        explained = time.monotonic() - began_at
    finally:
        demo.send_signal(signal.SIGTERM)
        demo.communicate()
    if demo.returncode != 0:
        raise RuntimeError(f"exit code {demo.returncode}")
    return Waited(cloned=cloned, board=shown, breached=breached, explained=explained)


def _address(demo: subprocess.Popen[str]) -> str:
    """Of the board, as the demo says it."""
    assert demo.stderr
    for line in demo.stderr:
        if found := re.search(r"(http://\S+?)/metrics", line):
            return found[1]
    raise RuntimeError(f"no board; exit code {demo.wait()}")


def _breached(board: str) -> str:
    """The first case that the overview shows as breached."""
    until = time.monotonic() + BREACHED_SECONDS_MAX
    while time.monotonic() < until:
        if shown := _get(f"{board}/api/v1/overview")["breached"]:
            return str(shown[0]["case_id"])
        time.sleep(LOOK_SECONDS)
    raise RuntimeError("no case was breached")


def _must_explain(case: dict[str, Any]) -> None:
    """RuntimeError: the case's page has no breach, or says nothing about why."""
    if not any(notice["type"] == "sla.breached" for notice in case["notices"]):
        raise RuntimeError(f"{case['case']['case_id']} has no breach")
    counts = [count for life in case["explain"]["clocks"] for count in life["counts"]]
    if not case["words"] or not any(count["ends_at"] for count in counts):
        raise RuntimeError(f"{case['case']['case_id']} is not explained")


def _get(url: str) -> Any:
    with _DIRECTLY.open(url) as answer:
        return json.load(answer)


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds from `git clone` to a breached case on the board, and to why")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cold", action="store_true", help="pip without its cache")
    arguments = parser.parse_args()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLA_")}
    environment |= {"SLA_WEB_PORT": "0"} | ({"PIP_NO_CACHE_DIR": "1"} if arguments.cold else {})
    cache = "no pip cache" if arguments.cold else "pip cache as it is"
    print(f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, {cache}", flush=True)
    seconds = []
    for _ in range(arguments.runs):
        with tempfile.TemporaryDirectory(prefix="first-breach-") as folder:
            found = waited(Path(folder), environment)
        print(
            f"cloned after {found.cloned:.1f} s, the board after {found.board:.1f} s, "
            f"a breached case on it after {found.breached:.1f} s, why after {found.explained:.1f} s",
            flush=True,
        )
        seconds.append(found.explained)
    print(f"median: {sorted(seconds)[len(seconds) // 2]:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
