"""Where producers put cases: a case lives in one partition, and the worker cannot bring together what was spread."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from sla_monitor.config.settings import Settings
from sla_monitor.engine.doctor.cluster import Connected
from sla_monitor.engine.doctor.findings import Finding, ok, problem, unknown
from sla_monitor.engine.doctor.newest import newest
from sla_monitor.engine.layout import partition_of
from sla_monitor.engine.topics import topic_partitions

EXPLAINED = 0.9  # of what is misplaced must be where another partitioner puts it, to name that one


async def partitioner(connected: Connected) -> list[Finding]:
    """Looks at the newest records of the input."""
    events = connected.settings.topics.events
    count = (await topic_partitions(connected.admin)).get(events)
    if count is None:
        return [unknown("partitioner", f"{events} is missing")]
    found = await newest(connected.settings, {events: count})
    sample = [Sampled(key=record.key, partition=at.partition) for at, records in found.items() for record in records]
    return [judge_partitioner(connected.settings, sample, count)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """A record's key and where it is."""

    key: bytes | None
    partition: int


def judge_partitioner(settings: Settings, sample: Iterable[Sampled], partitions: int) -> Finding:
    """Each key must be where murmur2 puts it."""
    keyed = [(each.key, each.partition) for each in sample if each.key is not None]
    if not keyed:
        return ok("partitioner", f"{settings.topics.events} has no record to look at yet")
    if partitions == 1:
        return ok("partitioner", "one partition: no producer can be wrong")
    wrong = [(key, partition) for key, partition in keyed if partition_of(key, partitions) != partition]
    if not wrong:
        return ok("partitioner", f"the newest {len(keyed):,} records are where murmur2 of their key puts them")
    fate = "dead-lettered" if settings.partition_check == "strict" else "taken for other cases"
    says = f"{len(wrong):,} of the newest {len(keyed):,} records are in another partition than murmur2 of their key"
    todo = "let every producer use murmur2: librdkafka partitioner=murmur2_random (docs/pitfalls/partitioner.md)"
    if _is_crc32(wrong, partitions):
        says += ", where librdkafka's default puts them"
    return problem("partitioner", f"{says}; they are {fate}", todo)


def _is_crc32(wrong: list[tuple[bytes, int]], partitions: int) -> bool:
    """By chance one of `partitions` would be there."""
    return sum(zlib.crc32(key) % partitions == partition for key, partition in wrong) >= EXPLAINED * len(wrong)
