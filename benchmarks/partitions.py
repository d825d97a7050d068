"""What more partitions in one worker cost: each has a producer and transactions of its own.

The same events on topics of 1, 12 and 48 partitions, ours alone, exactly once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks import race
from benchmarks.contenders import OURS, TOPIC
from benchmarks.ground import Ground, filled_topic
from benchmarks.workload import Event
from tests.kafka.helpers import delete_topic

COUNTS = (1, 12, 48)


async def measure(
    ground: Ground, events: Sequence[Event], *, rounds: int, seconds: float, tell: Callable[[str], None]
) -> dict[str, list[race.Measured]]:
    """By the number of partitions. The input topic is made anew for each."""
    found: dict[str, list[race.Measured]] = {}
    for count in COUNTS:
        await delete_topic(ground.bootstrap, TOPIC)
        await filled_topic(ground, TOPIC, events, count)
        turns = [await race.a_turn(ground, OURS, f"{count}p{number}", count, seconds) for number in range(rounds)]
        tell(f"{count:>2} partitions  {race.told(OURS, turns)}")
        found[str(count)] = turns
    return found
