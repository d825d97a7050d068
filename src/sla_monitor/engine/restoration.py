"""A backup written into an empty state topic: of the same input, or as the beginning of another one.

Everything is one transaction: either all cases are there or none. What would lose a case or say a notice twice is
refused before anything is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.structs import RecordMetadata

from sla_monitor.config.settings import Settings
from sla_monitor.core.policy import Packs
from sla_monitor.engine import sending
from sla_monitor.engine.backup import Quiet, quiet
from sla_monitor.engine.kafka import admin_client, client_options
from sla_monitor.engine.layout import partition_of
from sla_monitor.engine.opening import name_of, verify_position
from sla_monitor.engine.partition import Partition, without_missed
from sla_monitor.engine.rules import rules_of
from sla_monitor.errors import RefuseToStart, UnsafeState
from sla_monitor.wire import rows
from sla_monitor.wire.backup_file import Backup
from sla_monitor.wire.outbound import position_of
from sla_monitor.wire.rows import PARTITION_KEY, Orphan, PartitionRow, decode_partition, encode_partition

TRANSACTION_TIMEOUT_MS = 900_000  # the longest that Kafka grants by default; a million cases take half a minute
LAST_NOTICES = 100  # looked at for the newest position: markers of transactions lie between them
AT_ONCE = 5_000  # rows handed to the client before it is waited for: 5,000 x ~700 B = 3.5 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """A record to write."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was written. `resent`: events of cases not yet opened, which the new input got instead of a row."""

    partitions: int
    cases: int
    resent: int


async def restore_same(settings: Settings, packs: Packs, backup: Backup) -> Restored:
    """The state as it was, beside the input that it was decided from. UnsafeState with every reason against it."""
    async with quiet(settings) as at_rest:
        problems = [*await _not_empty(at_rest, settings.topics.state)]
        here = (settings.topics.events, at_rest.layout.partitions)
        if here != (backup.origin.input, backup.origin.partitions):
            raise UnsafeState(
                f"the backup is of {backup.origin.input} with {backup.origin.partitions} partitions, this is {here[0]} "
                f"with {here[1]}: into another input a backup goes with --new-input"
            )
        own = {section.partition: decode_partition(section.row) for section in backup.sections}
        for number, row in own.items():
            problems += await _problems(at_rest, packs, number, row)
        if problems:
            raise UnsafeState(problems)
        kept = (Put(topic=settings.topics.state, partition=at, key=key, value=row) for at, key, row in backup.rows())
        return await _write(at_rest, own, kept, offsets=True)


async def _problems(at_rest: Quiet, packs: Packs, number: int, row: PartitionRow) -> list[str]:
    """As a worker's start would find them, and whether more was said since."""
    settings = at_rest.settings
    content, problems = Partition(number, rules_of(settings, packs, at_rest.layout)), []
    try:
        content.restore(PARTITION_KEY, encode_partition(row))
        content.restored()
        await verify_position(
            at_rest.log, TopicPartition(settings.topics.events, number), content, accept_input_loss=False
        )
    except RefuseToStart as refusal:
        problems += refusal.problems
    notices = TopicPartition(settings.topics.notices, number)
    end = (await at_rest.log.ends([notices]))[notices]
    begin = max(await at_rest.log.begin(notices), end - LAST_NOTICES)
    found = await at_rest.log.records(notices, begin, end, records_max=LAST_NOTICES)
    said_at = position_of(found[-1].headers) if found else None
    if said_at is not None and (said_at[0] > row.applied or said_at[1] > row.watermark):
        problems.append(f"{name_of(notices)}: more was said since the backup; it would be said again")
    return problems


async def restore_new(settings: Settings, packs: Packs, backup: Backup) -> Restored:
    """The cases as the beginning of another, empty input, of any number of partitions: each goes where its key goes
    there. UnsafeState with every reason against it.
    """
    async with quiet(settings) as at_rest:
        problems = [
            *await _not_empty(at_rest, settings.topics.state),
            *await _not_empty(at_rest, settings.topics.events),
        ]
        problems += await _old_ones_went_on(at_rest, backup)
        own_rows = {section.partition: decode_partition(section.row) for section in backup.sections}
        problems += moved_apart(
            packs, {each.partition: own_rows[each.partition] for each in backup.sections if each.rows}
        )
        begun = as_beginning([*own_rows.values()])
        own = dict.fromkeys(range(at_rest.layout.partitions), begun)
        try:
            content = Partition(0, rules_of(settings, packs, at_rest.layout))
            content.restore(PARTITION_KEY, encode_partition(begun))
            content.restored()
        except RefuseToStart as refusal:
            problems += refusal.problems
        if problems:
            raise UnsafeState(problems)
        await _begin_late(at_rest)
        return await _write(at_rest, own, _moved(settings, packs, backup, len(own)), offsets=False)


async def _not_empty(at_rest: Quiet, topic: str) -> list[str]:
    problems = []
    ends = await at_rest.log.ends(at_rest.of(topic))
    for partition, end in ends.items():
        if await at_rest.log.first_record(partition, await at_rest.log.begin(partition), end) is not None:
            problems.append(f"{name_of(partition)}: is not empty; a backup goes into topics that are newly made")
    return problems


async def _old_ones_went_on(at_rest: Quiet, backup: Backup) -> list[str]:
    """What was in the old topics and is not in the backup would be lost. Elsewhere they cannot be looked at."""
    origin, log = backup.origin, at_rest.log
    visible = await log.topics()
    problems = [
        f"{origin.input}/{section.partition}: the backup lacks events that no worker had applied"
        for section in backup.sections
        if section.unread
    ]
    for topic, ends in (
        (origin.input, [section.input_end for section in backup.sections]),
        (origin.state, [section.state_end for section in backup.sections]),
    ):
        if topic not in at_rest.settings.topics and topic in visible:
            found = await log.ends([TopicPartition(topic, number) for number in range(len(ends))])
            problems += [
                f"{name_of(at)}: went on since the backup, from {ends[at.partition]} to {end}: make another one"
                for at, end in found.items()
                if end != ends[at.partition]
            ]
    return problems


async def _begin_late(at_rest: Quiet) -> None:
    """One record into each partition of the input, and deleted: a log that does not begin at 0 tells everybody,
    `verify` too, that there was something before it.
    """
    settings, partitions = at_rest.settings, at_rest.of(at_rest.settings.topics.events)
    fresh = [partition for partition in partitions if await at_rest.log.begin(partition) == 0]
    producer = AIOKafkaProducer(**client_options(settings))
    await producer.start()
    try:
        for at in fresh:
            await producer.send_and_wait(at.topic, b"", partition=at.partition)
    finally:
        await producer.stop()
    if fresh:
        async with admin_client(settings) as admin:
            await admin.delete_records({partition: RecordsToDelete(before_offset=1) for partition in fresh})


def moved_apart(packs: Packs, own: dict[int, PartitionRow]) -> list[str]:
    """Versions that took over the cases of one partition and came too late for another. A partition knows this of all
    its cases alike, so theirs cannot come together: some would have to be decided anew. `own`: of those with cases.
    """
    problems = []
    for policy in packs.moving:
        took = [number for number, row in own.items() if policy.key in row.moves]
        missed = [number for number, row in own.items() if policy.key in without_missed(packs, row).missed]
        if took and missed:
            problems.append(
                f"{policy.key}: takes over open cases, but partitions {_listed(missed)} came to its effective_from "
                f"without it, and {_listed(took)} did not: their cases cannot be in one partition"
            )
    return problems


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers))


def as_beginning(own: list[PartitionRow]) -> PartitionRow:
    """A partition of another input, of which nothing is applied. Time was decided in each up to its own watermark, and
    all of its input is in the state: so the latest holds for all, and none goes back.
    """
    return PartitionRow(
        watermark=max(row.watermark for row in own),
        packs={name: digest for row in own for name, digest in row.packs.items()},
        moves=tuple(dict.fromkeys(name for row in own for name in row.moves)),
        moving_at=min((row.moving_at for row in own if row.moving_at), default=0),
        latest=max(row.latest for row in own),
    )


def _moved(settings: Settings, packs: Packs, backup: Backup, partitions: int) -> Iterator[Put]:
    """Events that wait for the opening of their case say where they stood: they go into the new input as they came,
    and wait there.
    """
    topics = settings.topics
    for _, key, value in backup.rows():
        at = partition_of(key, partitions)
        waiting = _waiting(key, value, packs)
        if not waiting:
            yield Put(topic=topics.state, partition=at, key=key, value=value)
        for each in waiting:
            yield Put(topic=topics.events, partition=at, key=each.key, value=each.value, headers=each.headers)


def _waiting(key: bytes, value: bytes, packs: Packs) -> list[Orphan]:
    """In the order in which they came; none where the row holds more than these events and so has to stay."""
    if rows.header(value)[0] != rows.ORPHANED or not rows.has_orphans(value):
        return []
    row = rows.decode_row(key.decode(), value, packs)
    waiting = sorted(row.orphans, key=lambda orphan: orphan.offset)
    return waiting if {fact.identity for fact in row.case.facts} <= {each.identity for each in waiting} else []


async def _write(at_rest: Quiet, own: dict[int, PartitionRow], puts: Iterator[Put], *, offsets: bool) -> Restored:
    settings = at_rest.settings
    producer = AIOKafkaProducer(
        **client_options(settings),
        transactional_id=f"{settings.topics.state}-restore",
        transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        max_batch_size=sending.BATCH_BYTES,
        max_request_size=sending.REQUEST_BYTES_MAX,
    )
    cases = resent = 0
    await producer.start()
    try:
        async with producer.transaction():
            while some := list(islice(puts, AT_ONCE)):
                await asyncio.gather(*[await _sent(producer, put) for put in some])
                events = sum(put.topic == settings.topics.events for put in some)
                cases, resent = cases + len(some) - events, resent + events
            for number, row in own.items():
                put = Put(topic=settings.topics.state, partition=number, key=PARTITION_KEY, value=encode_partition(row))
                await (await _sent(producer, put))
            if offsets:
                events_topic = settings.topics.events
                following = {TopicPartition(events_topic, at): row.applied + 1 for at, row in own.items()}
                await producer.send_offsets_to_transaction(following, settings.group)
    finally:
        await producer.stop()
    return Restored(partitions=len(own), cases=cases, resent=resent)


async def _sent(producer: AIOKafkaProducer, put: Put) -> asyncio.Future[RecordMetadata]:
    future: asyncio.Future[RecordMetadata] = await producer.send(
        put.topic, put.value, key=put.key, partition=put.partition, headers=list(put.headers)
    )
    return future
