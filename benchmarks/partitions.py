"""What more partitions in one worker cost: each has a producer and transactions of its own.

The same events on topics of 1, 12 and 48 partitions, ours alone, exactly once. A turn may take longer than in the race:
partitions share one thread, and the first commit of the last of 48 comes when each has had a transaction's records.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks import race
from benchmarks.contenders import OURS, TOPIC
from benchmarks.ground import Ground, filled_topic, remove_all_but
from benchmarks.workload import Event

COUNTS = (1, 12, 48)
TURN_SECONDS_MAX = 60.0


async def measure(
    ground: Ground, events: Sequence[Event], *, rounds: int, tell: Callable[[str], None]
) -> dict[str, list[race.Measured]]:
    """By the number of partitions. The input topic is made anew for each."""
    found: dict[str, list[race.Measured]] = {}
    for count in COUNTS:
        await remove_all_but(ground.bootstrap, [])
        await filled_topic(ground, TOPIC, events, count)
        turns = [
            await race.a_turn(ground, OURS, f"{count}p{number}", count, TURN_SECONDS_MAX) for number in range(rounds)
        ]
        tell(f"{count:>2} partitions  {race.told(OURS, turns)}")
        found[str(count)] = turns
    return found
