"""A topic read from its beginning to where it ends now, for commands: committed records only, a fetch in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from sla_monitor.config.settings import Settings
from sla_monitor.engine import lenient
from sla_monitor.engine.kafka import client_options
from sla_monitor.engine.log import Log
from sla_monitor.errors import UnsafeState

POLL_MS = 200

Found = ConsumerRecord[bytes | None, bytes | None]


async def records_of(settings: Settings, topic: str, numbers: Iterable[int]) -> AsyncIterator[Found]:
    """By partition, each in the order of its offsets. What is written meanwhile is not read. UnsafeState: Kafka does
    not give them.
    """
    lenient.install()
    reader: Any = AIOKafkaConsumer(
        **client_options(settings),
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",  # `latest` may overtake the seek below, and nothing would be read
    )
    log = Log(settings)
    try:
        await log.start()
        await reader.start()
        partitions = [TopicPartition(topic, number) for number in numbers]
        ends = await log.ends(partitions)
        for partition in partitions:
            reader.assign([partition])
            await reader.seek_to_beginning(partition)
            while await reader.position(partition) < ends[partition]:
                for records in (await reader.getmany(partition, timeout_ms=POLL_MS)).values():
                    for record in records:
                        if record.offset < ends[partition]:
                            yield record
    except (KafkaError, TimeoutError, OSError) as error:
        raise UnsafeState(f"{topic}: {type(error).__name__}: {error}") from error
    finally:
        await reader.stop()
        await log.stop()
