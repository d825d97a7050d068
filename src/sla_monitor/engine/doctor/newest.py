"""The newest records of a topic, a few of each partition, for checks that look at what is really written."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from sla_monitor.config.settings import Settings
from sla_monitor.engine import lenient
from sla_monitor.engine.kafka import client_options

LOG_APPEND_TIME = 1
SAMPLE_SECONDS_MAX = 5.0
SAMPLE_MAX = 1_000  # records of a topic: x ~1 KB = 1 MB
A_PARTITION_MAX = 50
FETCH_BYTES_MAX = 256 << 10  # a partition and request
POLL_MS = 100

Found = dict[TopicPartition, list[ConsumerRecord[bytes | None, bytes | None]]]


async def newest(settings: Settings, topics: dict[str, int], a_partition_max: int = A_PARTITION_MAX) -> Found:
    """Of each of these topics, given with their numbers of partitions. Committed records only, in no group, and as many
    as come within 5 seconds: fewer are no error.
    """
    if not topics:
        return {}
    lenient.install()
    reader: Any = AIOKafkaConsumer(
        **client_options(settings),
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=FETCH_BYTES_MAX,
    )
    found: Found = {}
    await reader.start()
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(SAMPLE_SECONDS_MAX):
                await _read(reader, topics, a_partition_max, found)
    finally:
        await reader.stop()
    return found


async def _read(reader: Any, topics: dict[str, int], a_partition_max: int, found: Found) -> None:
    partitions = [TopicPartition(topic, number) for topic, count in topics.items() for number in range(count)]
    ends = await reader.end_offsets(partitions)
    begins = await reader.beginning_offsets(partitions)
    reader.assign(partitions)
    for partition in partitions:
        wanted = max(1, min(a_partition_max, SAMPLE_MAX // topics[partition.topic]))
        reader.seek(partition, max(begins[partition], ends[partition] - wanted))
    waiting = {partition for partition in partitions if begins[partition] < ends[partition]}
    while waiting:
        for partition, records in (await reader.getmany(*waiting, timeout_ms=POLL_MS)).items():
            found.setdefault(partition, []).extend(record for record in records if record.offset < ends[partition])
        waiting -= {each for each in list(waiting) if await reader.position(each) >= ends[each]}
