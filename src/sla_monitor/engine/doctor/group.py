"""The consumer group: who is in it, and whether its offsets fit the input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, GroupCoordinatorNotAvailableError, for_code

from sla_monitor.config.settings import Settings
from sla_monitor.engine.doctor.cluster import Connected
from sla_monitor.engine.doctor.findings import Finding, ok, problem, unknown, warning
from sla_monitor.engine.log import Log
from sla_monitor.engine.topics import topic_partitions

NAMED_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Of a partition of the input: its first offset, where it ends, and what the group has committed, if anything."""

    begin: int
    end: int
    committed: int | None


async def group(connected: Connected) -> list[Finding]:
    """Members and offsets. A group that nobody has joined yet has neither."""
    settings = connected.settings
    try:
        [described] = await connected.admin.describe_consumer_groups([settings.group])
        committed = await connected.admin.list_consumer_group_offsets(settings.group)
    except GroupCoordinatorNotAvailableError:
        return [ok("group", f"{settings.group}: nobody has joined any group of this cluster yet")]
    except GroupAuthorizationFailedError:
        return [_denied(settings)]
    fields: Any = described
    [(code, _, state, _, _, members, *_)] = fields.groups
    if code == GroupAuthorizationFailedError.errno:
        return [_denied(settings)]
    if code:
        return [unknown("group", f"{settings.group}: {for_code(code).__name__}")]
    hosts = [f"{member[1]} {member[2]}" for member in members]
    positions = await _positions(connected, {at: found.offset for at, found in committed.items()})
    return [*judge_members(settings, state, hosts), *judge_positions(settings, positions)]


async def access(connected: Connected) -> list[Finding]:
    """Only whether this user may use the group: a worker that may not would learn it after it has begun to join."""
    try:
        await connected.admin.list_consumer_group_offsets(connected.settings.group)
    except GroupCoordinatorNotAvailableError:
        pass
    except GroupAuthorizationFailedError:
        return [_denied(connected.settings)]
    return []


async def _positions(connected: Connected, committed: Mapping[TopicPartition, int]) -> dict[int, Position]:
    events = connected.settings.topics.events
    partitions = [TopicPartition(events, n) for n in range((await topic_partitions(connected.admin)).get(events, 0))]
    if not partitions:
        return {}
    log = Log(connected.settings)  # as a worker sees them: some brokers list ends that cannot be believed
    await log.start()
    try:
        begins, ends = {at: await log.begin(at) for at in partitions}, await log.ends(partitions)
    finally:
        await log.stop()
    return {at.partition: Position(begin=begins[at], end=ends[at], committed=committed.get(at)) for at in partitions}


def _denied(settings: Settings) -> Finding:
    todo = f"permit Read on the group {settings.group}"
    return problem("group", f"{settings.group}: this user may not use the group", todo)


def judge_members(settings: Settings, state: str, members: list[str]) -> Iterator[Finding]:
    """`members`: each with its host. The journal without transactions allows one worker."""
    name = settings.group
    if settings.journal == "at_least_once" and len(members) > 1:
        says = f"{name}: {len(members)} members ({', '.join(members[:NAMED_MAX])}), SLA_JOURNAL=at_least_once takes one"
        yield problem("group", says, "stop all workers but one")
    elif members:
        yield ok("group", f"{name}: {state}, {len(members)} members")
    else:
        yield ok("group", f"{name}: no worker is running")


def judge_positions(settings: Settings, positions: Mapping[int, Position]) -> Iterator[Finding]:
    """Offsets that no longer fit the input, as a worker would find them; the state's own position is not looked at."""
    events = settings.topics.events
    for number, at in positions.items():
        if at.committed is not None and at.committed > at.end:
            says = f"{events}/{number}: the group's offset {at.committed} is behind the end {at.end}"
            todo = "was the topic made anew? restore it, or start once with `run --accept-input-loss`"
            yield problem("group", says, todo)
        elif at.committed is not None and at.committed < at.begin:
            says = f"{events}/{number}: offsets {at.committed} to {at.begin - 1} were removed before they were read"
            todo = "lengthen retention.ms; if they were events (not empty transactions), `run --accept-input-loss`"
            yield warning("group", says, todo)
    known = [at for at in positions.values() if at.committed is not None]
    if known:
        lag = sum(max(0, at.end - max(at.begin, at.committed or 0)) for at in known)
        yield ok("group", f"{settings.group}: {lag:,} records behind in {len(known)} partitions")
