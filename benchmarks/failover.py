"""A worker of two dies ten times: until its partitions are live with the other, in seconds.

Four partitions with 1,000 open cases each, on a broker of its own. Promised: at most the session time-out and 3 s.
Exit code 1 if one of the ten took longer.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from tests.chaos.failover import PARTITIONS, balanced, failover_seconds, open_cases  # noqa: E402 - after the path is set
from tests.chaos.scene import a_scene  # noqa: E402
from tests.kafka.broker import Broker  # noqa: E402

BEYOND_SESSION_SECONDS_MAX = 3.0
SESSION_SECONDS = 6.0


async def measure(bootstrap: str, times: int, session_seconds: float) -> list[float]:
    """One figure a death, each printed as it comes; a new worker takes the place of the dead one."""
    figures = []
    async with a_scene(bootstrap, partitions=PARTITIONS, SLA_SESSION_TIMEOUT_SECONDS=str(session_seconds)) as world:
        await open_cases(world)
        victim, heir = world.start(), world.start()
        for _ in range(times):
            await balanced(world)
            await asyncio.sleep(1.0)
            figures.append(await failover_seconds(world, victim, heir))
            print(f"{figures[-1]:.2f} s", flush=True)
            victim, heir = heir, world.start()
    return figures


def main() -> int:
    """By hand, or `scripts/soak --failover`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--session-seconds", type=float, default=SESSION_SECONDS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sla-monitor-failover-") as data:
        broker = Broker(Path(data))
        broker.start()
        try:
            figures = asyncio.run(measure(broker.bootstrap, given.times, given.session_seconds))
        finally:
            broker.kill()
    allowed = given.session_seconds + BEYOND_SESSION_SECONDS_MAX
    print(f"longest {max(figures):.2f} s, allowed {allowed:.2f} s (session {given.session_seconds:.0f} s)")
    return int(max(figures) > allowed)


if __name__ == "__main__":
    sys.exit(main())
