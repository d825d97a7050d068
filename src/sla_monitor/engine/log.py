"""Kafka as a log that can be asked: ends, starts, committed offsets and single records, on connections of its own.

Faust's consumer would answer only after its long poll (1.5 s); these answer in about a millisecond.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.client import AIOKafkaClient

from sla_monitor.config.settings import Settings
from sla_monitor.engine import lenient
from sla_monitor.engine.ends import fetched_ends
from sla_monitor.engine.kafka import client_options
from sla_monitor.engine.records import Record
from sla_monitor.errors import Fatal

METADATA_MAX_AGE_MS = 30_000  # how soon a changed number of partitions is noticed
POLL_MS = 200


class Log:
    """Shared by all shards of a worker. Every method may raise KafkaError."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reading = asyncio.Lock()
        self._committed_only: AIOKafkaConsumer
        self._all: AIOKafkaConsumer
        self._client: AIOKafkaClient | None = None

    async def start(self) -> None:
        lenient.install()
        options = client_options(self._settings)
        self._committed_only = AIOKafkaConsumer(
            **options,
            enable_auto_commit=False,
            isolation_level="read_committed",
            metadata_max_age_ms=METADATA_MAX_AGE_MS,
            auto_offset_reset="none",
        )
        # Asked for the group's offsets, as it never gets an assignment: a client with a group looks for the coordinator
        # after `assign`, and one that was unsubscribed meanwhile ends with an AssertionError (aiokafka 0.14).
        self._all = AIOKafkaConsumer(
            **options,
            group_id=self._settings.group,
            enable_auto_commit=False,
            isolation_level="read_uncommitted",
            auto_offset_reset="none",
        )
        await self._committed_only.start()
        await self._all.start()
        if self._settings.journal == "at_least_once":  # Kafka lists ends that can be believed
            self._client = AIOKafkaClient(**options)
            await self._client.bootstrap()
            # All of ours at once: of two that ask for an unknown topic in the same moment, the client keeps one waiting
            # for its leader and tells the other that it has none (aiokafka 0.14).
            await self._client.set_topics(self._settings.topics)

    async def stop(self) -> None:
        await self._committed_only.stop()
        await self._all.stop()
        if self._client is not None:
            await self._client.close()

    async def ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The last stable offset of each: everything below it is decided, committed or aborted."""
        found: dict[TopicPartition, int] = await self._committed_only.end_offsets(list(partitions))
        return found if self._client is None else await fetched_ends(self._client, found, committed_only=True)

    async def high_watermark(self, partition: TopicPartition) -> int:
        """The end including open transactions."""
        found: dict[TopicPartition, int] = await self._all.end_offsets([partition])
        if self._client is not None:
            found = await fetched_ends(self._client, found, committed_only=False)
        return found[partition]

    async def begin(self, partition: TopicPartition) -> int:
        """The first offset that retention has left."""
        found: dict[TopicPartition, int] = await self._all.beginning_offsets([partition])
        return found[partition]

    async def committed(self, partition: TopicPartition) -> int | None:
        """The group's committed offset."""
        found: int | None = await self._all.committed(partition)
        return found

    def partitions(self, topic: str) -> int:
        """The number of partitions as of the last metadata; 0 if unknown."""
        return len(self._committed_only.partitions_for_topic(topic) or ())

    async def topics(self) -> set[str]:
        """All that this user may see."""
        return set(await self._committed_only.topics())

    async def first_record(self, partition: TopicPartition, start: int, end: int) -> Record | None:
        """The first committed record in [start, end), or None: then there are only aborted and control records.

        `end` must be at most the last stable offset. Fatal if retention has removed some of it: nobody can tell then.
        """
        found = await self.records(partition, start, end, records_max=1)
        return found[0] if found else None

    async def records(self, partition: TopicPartition, start: int, end: int, *, records_max: int) -> list[Record]:
        """The first committed records in [start, end), by the same rules."""
        found: list[Record] = []
        if start >= end:
            return found
        async with self._reading:
            reader = self._committed_only
            begin = await self.begin(partition)
            if begin > start:
                name = f"{partition.topic}/{partition.partition}"
                raise Fatal(f"{name}: retention removed offsets {start} to {begin - 1} before they were read")
            reader.assign([partition])
            try:
                reader.seek(partition, start)  # at once, before the client looks for a place by itself
                while start < end and len(found) < records_max:
                    fetched: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]
                    left = records_max - len(found)
                    fetched = await reader.getmany(partition, timeout_ms=POLL_MS, max_records=left)
                    found += [as_record(each) for each in fetched.get(partition, ()) if each.offset < end]
                    start = await reader.position(partition)
            finally:
                reader.unsubscribe()
        return found


def as_record(found: ConsumerRecord[bytes, bytes]) -> Record:
    """A fetched record without the client's bookkeeping."""
    return Record(found.offset, found.timestamp, found.key, found.value, found.headers)
