"""Rows of very many open cases, made by the worker's own code, and the state topic that holds them.

Every case is opened a minute before; every other one was answered and waits for its customer, so that rows of one fact
and of three are mixed. Each has a timer, hours away. `due_rows` are cases whose breach is the next thing that happens.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from aiokafka import AIOKafkaProducer

from benchmarks.ground import BATCH_BYTES
from benchmarks.workload import partition_of
from sla_monitor.config.packs import load_packs
from sla_monitor.core.times import iso
from sla_monitor.engine.partition import Partition, Rules
from sla_monitor.engine.records import Record
from sla_monitor.wire.rows import PARTITION_KEY, PartitionRow, encode_partition

SECOND = 1_000_000
CHUNK_CASES = 10_000
FAR_SECONDS = 30 * 86_400  # the target of those that only wait: no level of it is reached while they are measured
DUE_TARGET_SECONDS = 86_400  # a day: the warnings are long said when the breach is due

Pair = tuple[bytes, bytes]  # key and value of a record of the state topic


def rows(count: int, *, first: int, now: int) -> Iterator[list[Pair]]:
    """`count` cases from this number on, in chunks, by as many processes as the machine has cores."""
    starts = range(first, first + count, CHUNK_CASES)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(_chunk, starts, (min(CHUNK_CASES, first + count - each) for each in starts), _same(now))


def _same(value: int) -> Iterator[int]:
    while True:
        yield value


def _chunk(first: int, count: int, now: int) -> list[Pair]:
    cases = ((f"CASE-{number:08d}", number) for number in range(first, first + count))
    return _decided((event for case, number in cases for event in _waiting(case, number, now)), now)


def _waiting(case_id: str, number: int, now: int) -> Iterator[bytes]:
    opened_at = now - 60 * SECOND
    yield _opened(case_id, number, opened_at, FAR_SECONDS)
    if number % 2:
        yield event(case_id, "case.responded", opened_at + 20 * SECOND, {"by": f"engineer-{number % 60}"})
        yield event(case_id, "case.waiting_on_customer", opened_at + 40 * SECOND, {"reason": "information"})


def due_rows(due_at: Sequence[int], *, first: int, now: int) -> list[Pair]:
    """Cases that break their promise at these instants; up to `now` everything is decided."""
    made = (
        _opened(f"DUE-{first + number:08d}", number, at - DUE_TARGET_SECONDS * SECOND, DUE_TARGET_SECONDS)
        for number, at in enumerate(due_at)
    )
    return _decided(made, now)


@functools.cache
def _rules() -> Rules:
    return Rules(packs=load_packs())


def _decided(events: Iterable[bytes], now: int) -> list[Pair]:
    """As a worker that has read these events up to `now` leaves its state, without the partition's own row."""
    partition = Partition(0, _rules())
    for offset, value in enumerate(events):
        partition.fold(Record(offset, now // 1_000, json.loads(value)["subject"].encode(), value), now)
    partition.advance(now)
    while partition.fire(now, 10_000):
        pass
    batch = partition.take()
    assert not batch.dead
    return [(key, value) for key, value in batch.rows if value is not None and key != PARTITION_KEY]


def partition_row(now: int) -> bytes:
    """Of a partition that has applied nothing of its input yet, with the pack that all cases opened under."""
    packs = {policy.key: policy.digest for policy in load_packs().versions}
    return encode_partition(PartitionRow(watermark=now, packs=packs))


def _opened(case_id: str, number: int, at: int, target_seconds: int) -> bytes:
    said: dict[str, object] = {
        "severity": "A",
        "plan": "unified",
        "country": "US",
        "language": "en",
        "submitted_by": "admin",
        "fingerprint": {"build": f"24.{number % 12}", "error": f"E{number % 997:04d}", "environment": "production"},
        "customer": f"customer-{number % 400}",
        "product": "finance",
        "queue": "emea-1",
        "targets": {"initial_response": target_seconds},
    }
    return event(case_id, "case.opened", at, said)


def event(case_id: str, kind: str, at: int, said: dict[str, object]) -> bytes:
    """A case event whose id is a UUID that follows from what it is."""
    attributes = {
        "specversion": "1.0",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{case_id} {kind} {at}")),
        "source": "/crm/cases",
        "type": kind,
        "subject": case_id,
        "time": iso(at),
        "data": said,
    }
    return json.dumps(attributes).encode()


async def write(bootstrap: str, topic: str, chunks: Iterable[Sequence[Pair]], partitions: int) -> tuple[int, int]:
    """Each row to the partition of its case, acknowledged on return. Returns rows and their bytes, keys included."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=BATCH_BYTES)
    await producer.start()
    count = size = 0
    pending = []
    try:
        batches = {number: producer.create_batch() for number in range(partitions)}
        made = iter(chunks)
        while (chunk := await asyncio.to_thread(next, made, None)) is not None:  # the client must not starve meanwhile
            for key, value in chunk:
                number = partition_of(key, partitions)
                count, size = count + 1, size + len(key) + len(value)
                if batches[number].append(key=key, value=value, timestamp=None) is None:
                    pending.append(await producer.send_batch(batches[number], topic, partition=number))
                    batches[number] = producer.create_batch()
                    batches[number].append(key=key, value=value, timestamp=None)
        pending += [
            await producer.send_batch(batch, topic, partition=number)
            for number, batch in batches.items()
            if batch.record_count()
        ]
        await asyncio.gather(*pending)
    finally:
        await producer.stop()
    return count, size


async def write_partition_rows(bootstrap: str, topic: str, partitions: int, now: int) -> None:
    """Without it a partition would not know which pack its cases stand under."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for number in range(partitions):
            await producer.send_and_wait(topic, partition_row(now), key=PARTITION_KEY, partition=number)
    finally:
        await producer.stop()
