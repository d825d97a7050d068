"""The restore of the same cases with more and fewer partitions: each shard reads its own part of the state."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks import many_cases
from benchmarks.ground import Ground, now_micros
from benchmarks.scale import a_deployment

COUNTS = (1, 4, 12, 48)


async def measure(ground: Ground, cases: int, rounds: int, tell: Callable[[str], None]) -> dict[str, list[float]]:
    """Seconds, one a round, by the number of partitions."""
    now = now_micros()
    chunks: Sequence[Sequence[many_cases.Pair]] = list(many_cases.rows(cases, first=0, now=now))
    found: dict[str, list[float]] = {}
    for count in COUNTS:
        async with a_deployment(ground, f"restore-{count}", count) as deployment:
            state = deployment.settings.topics.state
            await many_cases.write_partition_rows(ground.bootstrap, state, count, now)
            await many_cases.write(ground.bootstrap, state, chunks, count)
            found[str(count)] = []
            for number in range(rounds):
                async with deployment.live(str(number)) as (_, seconds):
                    found[str(count)].append(round(seconds, 3))
        told = ", ".join(f"{seconds:.1f}" for seconds in found[str(count)])
        tell(f"{cases:,} cases in {count} partitions: restored in {told} s")
    return found
