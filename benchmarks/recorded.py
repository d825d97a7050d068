"""How long `sla-monitor backtest` takes over a year of events: `python -m benchmarks.recorded --events 1000000`.

Makes a file of cases with ten events each, spread over a year, and decides it under the built-in pack and one that
promises more. Not a part of `scripts/bench`: it says minutes of one command, and compares with nobody.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sla_monitor.config.packs import BUILT_IN

BEGAN = datetime(2025, 1, 6, tzinfo=UTC)
DAYS = 350
EVENTS_A_CASE = 10
PLACES = (("US", "en"), ("DE", "de"), ("FR", "fr"), ("JP", "en"), ("BR", "en"), ("GB", "en"))
PLANS = ("standard", "professional_direct", "unified")


def case_events(number: int, chance: random.Random) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """Opened, answered, worked on, waiting and going on, resolved: as a case goes, sometimes late."""
    country, language = chance.choice(PLACES)
    at = BEGAN + timedelta(seconds=chance.randrange(DAYS * 86_400))
    opening = {
        "severity": chance.choices("ABC", (1, 3, 6))[0],
        "plan": chance.choice(PLANS),
        "country": country,
        "language": language,
        "submitted_by": "admin",
    }
    steps: list[tuple[str, dict[str, Any], float]] = [
        ("opened", opening, 0),
        ("work_started", {"engineer": "e-1"}, 0.5),
        ("responded", {}, chance.expovariate(1 / 3)),
        ("waiting_on_customer", {}, 2),
        ("customer_responded", {}, chance.expovariate(1 / 8)),
        ("work_stopped", {"engineer": "e-1"}, 1),
        ("severity_changed", {"severity": "B", "by": "support"}, 1),
        ("resolution_proposed", {}, 4),
        ("resolved", {}, chance.expovariate(1 / 20)),
        ("closed", {}, 24),
    ]
    for step, (kind, data, hours) in enumerate(steps):
        at += timedelta(hours=hours)
        yield (
            at,
            {
                "specversion": "1.0",
                "id": f"{number}-{step}",
                "source": "/recorded",
                "type": f"case.{kind}",
                "subject": f"CASE-{number:07}",
                "time": at.isoformat(),
                **({"data": data} if data else {}),
            },
        )


def write_events(path: Path, count: int) -> None:
    """In the order in which they happened."""
    chance = random.Random(7)
    cases = (case_events(number, chance) for number in range(count // EVENTS_A_CASE))
    lines = [(at, json.dumps(event)) for case in cases for at, event in case]
    lines.sort(key=lambda line: line[0])
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for _, line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    count = parser.parse_args().events
    with tempfile.TemporaryDirectory(prefix="sla-monitor-recorded-") as folder:
        events, new = Path(folder) / "events.jsonl", Path(folder) / "new.yaml"
        old = BUILT_IN / "default.yaml"
        text, shorter = old.read_text("utf-8"), "{severity: A}, target: 30m}"
        assert "{severity: A}, target: 1h}" in text
        new.write_text(text.replace("{severity: A}, target: 1h}", shorter), "utf-8")
        write_events(events, count)
        command = [sys.executable, "-m", "sla_monitor", "backtest", str(events), "--old", str(old), "--new", str(new)]
        began = time.monotonic()
        done = subprocess.run([*command, "--json", "--examples", "0"], capture_output=True, check=True)
        seconds = time.monotonic() - began
        told = json.loads(done.stdout)
        bytes_read = events.stat().st_size
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds = used.ru_utime + used.ru_stime  # of all processes: what it takes, however busy the machine is
    print(
        f"{told['events']:,} events ({bytes_read / 1e6:,.0f} MB), {told['cases']:,} cases, "
        f"{told['changed']:,} changed, "
        f"{told['dead_letters']['old']:,} cannot be used: {seconds:.0f} s, {cpu_seconds:.0f} s of processors "
        f"({cpu_seconds / count * 1e6:.0f} µs an event); largest process {used.ru_maxrss / 1024:,.0f} MiB"
    )


if __name__ == "__main__":
    main()
