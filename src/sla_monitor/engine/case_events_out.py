"""Case events that the worker itself produces, when a person answers on the board: like any other producer.

They are no part of the worker's transactions: nothing was decided yet. The worker reads them again from the topic, as
it reads all others. The producer is made when it is first needed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from sla_monitor.config.settings import Settings
from sla_monitor.engine import sending
from sla_monitor.engine.kafka import client_options

PRODUCE_SECONDS_MAX = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Produced:
    """Where a record was written."""

    topic: str
    partition: int
    offset: int


class CaseEventsOut:
    """To the input topic."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def produce(self, partition: int, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> Produced:
        """Acknowledged by all replicas on return. OSError: it is not known to be written."""
        topic = self._settings.topics.events
        try:
            async with asyncio.timeout(PRODUCE_SECONDS_MAX):
                producer = await self._started()
                written = await producer.send_and_wait(topic, value, key=key, partition=partition, headers=headers)
        except (KafkaError, TimeoutError) as error:
            raise OSError(f"{topic} did not take the event: {type(error).__name__}") from error
        return Produced(topic=topic, partition=partition, offset=written.offset)

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **client_options(self._settings),
                    acks="all",
                    enable_idempotence=self._settings.journal == "transactional",  # else its broker may know no ids
                    request_timeout_ms=int(PRODUCE_SECONDS_MAX * 1_000),
                )
                try:
                    await producer.start()
                except BaseException:
                    await sending.close(producer)
                    raise
                self._producer = producer
            return self._producer

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        await sending.close(producer)
