"""The broker all contenders run against, and the input topic that is filled once for all of them."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError

from benchmarks.workload import Event, partition_of
from tests.kafka.broker import Broker
from tests.kafka.helpers import admin_of, create_topics, delete_topic

BATCH_BYTES = 500_000  # of one produce request for a partition: what a busy producer with a linger would send


@dataclass(frozen=True, kw_only=True)
class Ground:
    """`folder` is for logs and for what contenders keep on disk; `broker_pid` is that of the Java process."""

    bootstrap: str
    broker_pid: int
    folder: Path


@contextlib.contextmanager
def a_broker(**properties: str) -> Iterator[Ground]:
    """One Apache Kafka node on loopback with a new data folder; both are gone at the end."""
    with tempfile.TemporaryDirectory(prefix="sla-monitor-bench-") as folder:
        broker = Broker(Path(folder) / "broker", properties=properties)
        broker.start()
        try:
            yield Ground(bootstrap=broker.bootstrap, broker_pid=broker.pid, folder=Path(folder))
        finally:
            broker.stop()


async def filled_topic(ground: Ground, topic: str, events: Iterable[Event], partitions: int) -> int:
    """Creates it and writes the events, each to the partition of its key, with its own time. Returns how many."""
    await create_topics(ground.bootstrap, topic, partitions=partitions)
    return await fill(ground.bootstrap, topic, events, partitions)


async def fill(bootstrap: str, topic: str, events: Iterable[Event], partitions: int) -> int:
    """In the order given within a partition; acknowledged on return."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=BATCH_BYTES)
    await producer.start()
    count, pending = 0, []
    try:
        batches = {number: producer.create_batch() for number in range(partitions)}
        for count, (at, key, value) in enumerate(events, start=1):  # noqa: B007 - the last one is how many
            number = partition_of(key, partitions)
            if batches[number].append(key=key, value=value, timestamp=at // 1_000) is None:
                pending.append(await producer.send_batch(batches[number], topic, partition=number))
                batches[number] = producer.create_batch()
                batches[number].append(key=key, value=value, timestamp=at // 1_000)
        pending += [
            await producer.send_batch(batch, topic, partition=number)
            for number, batch in batches.items()
            if batch.record_count()
        ]
        await asyncio.gather(*pending)
    finally:
        await producer.stop()
    return count


async def end_offsets(bootstrap: str, topic: str, partitions: int) -> dict[int, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        ends = await consumer.end_offsets([TopicPartition(topic, number) for number in range(partitions)])
    finally:
        await consumer.stop()
    return {partition.partition: end for partition, end in ends.items()}


async def remove_all_but(bootstrap: str, kept: Iterable[str]) -> None:
    """Topics that a contender made, so that the next one finds the same broker."""
    async with admin_of(bootstrap) as admin:
        found = [each for each in await admin.list_topics() if not each.startswith("__") and each not in set(kept)]
    for topic in found:
        await delete_topic(bootstrap, topic)


class Offsets:
    """What a group has committed of a topic, asked again and again over one connection."""

    def __init__(self, admin: AIOKafkaAdminClient, group: str, topic: str) -> None:
        self._admin, self._group, self._topic = admin, group, topic

    async def committed(self) -> dict[int, int]:
        """By partition; empty as long as there is no such group."""
        try:
            found = await self._admin.list_consumer_group_offsets(self._group)
        except GroupCoordinatorNotAvailableError:  # a new broker has no topic of offsets yet
            return {}
        return {
            partition.partition: at.offset
            for partition, at in found.items()
            if partition.topic == self._topic and at.offset >= 0
        }

    async def members(self) -> int:
        """Of the group, when it is not in the middle of a rebalance; else 0."""
        with contextlib.suppress(KafkaError):
            response: Any
            [response] = await self._admin.describe_consumer_groups([self._group])
            _, _, state, _, _, members, *_ = response.groups[0]
            return len(members) if state == "Stable" else 0
        return 0


@contextlib.asynccontextmanager
async def offsets_of(bootstrap: str, group: str, topic: str) -> AsyncIterator[Offsets]:
    async with admin_of(bootstrap) as admin:
        yield Offsets(admin, group, topic)


async def settled_broker(seconds: float = 1.0) -> None:
    """A moment in which the broker ends what the last contender left it: flushing, deleting, closing connections."""
    await asyncio.sleep(seconds)


def now_micros() -> int:
    return int(time.time() * 1e6)
