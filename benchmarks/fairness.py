"""Before the race: whoever runs the core really does the same.

Each reads a small topic to its end, and the notices that it sent are compared by their ids, which follow from what they
say.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from benchmarks import race
from benchmarks.contenders import TOPIC, Contender, Turn
from benchmarks.ground import Ground, filled_topic, remove_all_but
from benchmarks.workload import Event
from tests.kafka.helpers import read_all

SECONDS_MAX = 120.0  # of the slowest


async def differing(
    ground: Ground,
    contenders: Sequence[Contender],
    events: Sequence[Event],
    partitions: int,
    tell: Callable[[str], None],
) -> tuple[int, list[str]]:
    """How many notices the first one sent, and who sent others or did not get to the end. Leaves an empty broker."""
    await filled_topic(ground, TOPIC, events, partitions)
    sent: dict[str, set[str]] = {}
    problems = []
    for contender in (each for each in contenders if each.notices):

        async def look(turn: Turn, contender: Contender = contender) -> None:
            assert contender.notices
            records = await read_all(ground.bootstrap, contender.notices(turn))
            sent[contender.title] = {json.loads(record.value or b"")["id"] for record in records}
            tell(f"{contender.title}: {len(sent[contender.title]):,} notices about {len(events):,} events")

        try:
            await race.a_turn(ground, contender, "same", partitions, SECONDS_MAX, enough=1.0, look=look)
        except race.ContenderEnded as error:
            problems.append(str(error))
    await remove_all_but(ground.bootstrap, [])
    first = next(iter(sent.values()), set())
    problems += [
        f"{title}: {len(ids - first)} notices that {next(iter(sent))} did not send, {len(first - ids)} are missing"
        for title, ids in sent.items()
        if ids != first
    ]
    return len(first), problems
