"""A batch's values into record batches of one partition, as few as they fit."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata

from sla_monitor.engine.records import Batch, Headers
from sla_monitor.wire.outbound import HEADERS, position_headers

BATCH_BYTES = 900_000  # below the broker's default message.max.bytes, framing included
REQUEST_BYTES_MAX = 64 << 20  # one record may be as large as the dead-letter topic allows; the broker decides
CLOSE_SECONDS = 2.0

Value = tuple[bytes | None, bytes | None, Headers]
Pending = list[asyncio.Future[RecordMetadata]]


def notices_of(batch: Batch) -> Iterable[Value]:
    """Each says how far its partition was."""
    headers = [*HEADERS, *position_headers(batch.applied, batch.watermark)]
    return ((notice.key, notice.value, headers) for notice in batch.notices)


def dead_of(batch: Batch) -> Iterable[Value]:
    """As they came, then why and whence, then how far the partition was."""
    position = position_headers(batch.applied, batch.watermark)
    return ((each.key, each.value, (*each.headers, *position)) for each in batch.dead)


async def close(producer: AIOKafkaProducer | None) -> None:
    """Lets go of it; never raises for a broker that is gone."""
    if producer is not None:
        with suppress(KafkaError, TimeoutError, OSError):
            await asyncio.wait_for(producer.stop(), CLOSE_SECONDS)


async def send(producer: AIOKafkaProducer, topic: str, partition: int, values: Iterable[Value]) -> Pending:
    """Hands them to the client, in this order; the caller awaits what is pending."""
    pending: Pending = []
    batch = producer.create_batch()
    for key, value, headers in values:
        if batch.append(key=key, value=value, timestamp=None, headers=list(headers)) is None:
            pending.append(await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            batch.append(key=key, value=value, timestamp=None, headers=list(headers))
    if batch.record_count():
        pending.append(await producer.send_batch(batch, topic, partition=partition))
    return pending
