"""Where the time of a whole worker goes: `sla-monitor run` under cProfile, on a broker and a backlog of its own.

    PYTHONPATH=.:src python benchmarks/profile_worker.py [--events 60000] [--seconds 20] [--top 40] [--sort tottime]

Only the thread that decides and commits is profiled; the client's fetching has one of its own. A profile makes small
calls look dear: it tells where to look, `scripts/bench --only race --contenders ours` tells what was gained.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import pstats
import sys

from benchmarks import race
from benchmarks.contenders import OURS, TOPIC
from benchmarks.ground import Ground, a_broker, filled_topic, now_micros
from benchmarks.workload import events

PARTITIONS = 4
SPAN_SECONDS = 3 * 86_400
PROFILED = """
import cProfile, sys
from sla_monitor.cli.main import main
profile = cProfile.Profile()
sys.argv = ["sla-monitor", "run"]
try:
    profile.runcall(main)
finally:
    profile.dump_stats("profile")
"""


async def profiled(ground: Ground, count: int, seconds: float) -> race.Measured:
    made = events(count, until=now_micros() - 60_000_000, span_seconds=SPAN_SECONDS)
    await filled_topic(ground, TOPIC, made, PARTITIONS)
    contender = dataclasses.replace(OURS, command=lambda: [sys.executable, "-c", PROFILED])
    return await race.a_turn(ground, contender, "profiled", PARTITIONS, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--top", type=int, default=40)
    parser.add_argument("--sort", default="tottime", help="as pstats has it: tottime, cumtime, ncalls")
    arguments = parser.parse_args()
    with a_broker() as ground:
        found = asyncio.run(profiled(ground, arguments.events, arguments.seconds))
        stats = pstats.Stats(str(ground.folder / "ours-profiled" / "profile"))
    print(f"{race.told(OURS, [found])}, while profiled")
    stats.strip_dirs().sort_stats(arguments.sort).print_stats(arguments.top)


if __name__ == "__main__":
    main()
