"""From `git clone` to the first breach on screen: the wait of somebody who sees this for the first time.

    python benchmarks/first_breach.py [--runs 3] [--cold]

Each run clones this repository's HEAD into a new folder, starts `scripts/demo --json` there, and stops the clock at the
first `sla.breached` on standard output. The demo is then ended by SIGTERM, must exit with 0, and the folder goes.
`--cold`: pip without its cache, so that everything is downloaded.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent


def first_breach(folder: Path, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds until the clone was there, and until the breach was said. RuntimeError: it was not, or it ended badly."""
    began_at = time.monotonic()
    subprocess.run(["git", "clone", "--quiet", f"file://{ROOT}", str(folder / "clone")], check=True)
    cloned = time.monotonic() - began_at
    demo = subprocess.Popen([folder / "clone/scripts/demo", "--json"], env=environment, stdout=subprocess.PIPE)
    assert demo.stdout
    for line in demo.stdout:
        if json.loads(line)["type"] == "sla.breached":
            seconds = time.monotonic() - began_at
            break
    else:
        raise RuntimeError(f"no breach was said; exit code {demo.wait()}")
    demo.send_signal(signal.SIGTERM)
    demo.stdout.close()
    if demo.wait() != 0:
        raise RuntimeError(f"exit code {demo.returncode}")
    return cloned, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds from `git clone` to the first breach on screen")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--cold", action="store_true", help="pip without its cache")
    arguments = parser.parse_args()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLA_")}
    environment |= {"PIP_NO_CACHE_DIR": "1"} if arguments.cold else {}
    cache = "no pip cache" if arguments.cold else "pip cache as it is"
    print(f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, {cache}", flush=True)
    seconds = []
    for _ in range(arguments.runs):
        with tempfile.TemporaryDirectory(prefix="first-breach-") as folder:
            cloned, breached = first_breach(Path(folder), environment)
        print(f"cloned after {cloned:.1f} s, first breach after {breached:.1f} s", flush=True)
        seconds.append(breached)
    print(f"median: {sorted(seconds)[len(seconds) // 2]:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
