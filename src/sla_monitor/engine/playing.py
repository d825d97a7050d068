"""Case events produced, and topics followed as they grow: the two ends of a demo, each on a client of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from sla_monitor.config.settings import Settings
from sla_monitor.engine import lenient
from sla_monitor.engine.kafka import admin_client, client_options
from sla_monitor.engine.log import Log
from sla_monitor.engine.reading import POLL_MS, Found
from sla_monitor.engine.topics import create_topics, topic_partitions
from sla_monitor.errors import Fatal, UnsafeState

STOP_SECONDS_MAX = 3.0  # a broker that is gone answers nobody


async def make_topics(settings: Settings, partitions: int) -> int:
    """Creates or repairs the topics; those that exist keep their number of partitions, which is returned. UnsafeState:
    what is left to be done.
    """
    count = await partitions_now(settings) or partitions
    problems = [problem for report in await create_topics(settings, count) for problem in report.problems]
    if problems:
        raise UnsafeState(problems)
    return count


async def partitions_now(settings: Settings) -> int:
    """Of `case-events`; 0 if there is no such topic."""
    async with admin_client(settings) as admin:
        return (await topic_partitions(admin)).get(settings.topics.events, 0)


class Sender:
    """Produces to `case-events`; the partition follows from the key."""

    def __init__(self, producer: Any, topic: str) -> None:
        self._producer, self._topic = producer, topic

    async def send(self, key: bytes | None, value: bytes | None) -> None:
        """Acknowledged on return, so that the records of a case stay in order. Fatal: it could not be written."""
        try:
            await self._producer.send_and_wait(self._topic, value, key=key)
        except (KafkaError, OSError) as error:
            raise Fatal(f"{self._topic}: an event could not be sent: {type(error).__name__}: {error}") from error


@asynccontextmanager
async def a_sender(settings: Settings) -> AsyncIterator[Sender]:
    """A connected sender. Fatal: no broker answers."""
    producer: Any = AIOKafkaProducer(**client_options(settings))
    try:
        try:
            await producer.start()
        except (KafkaError, OSError) as error:
            raise Fatal(f"no connection to {settings.broker}: {error}") from error
        yield Sender(producer, settings.topics.events)
    finally:
        await _stopped(producer)


async def records_so_far(settings: Settings, partitions: int) -> int:
    """How many records `case-events` ever had: a number that only grows, whatever retention takes away."""
    return sum((await _ends(settings, _partitions(settings.topics.events, partitions))).values())


async def followed(
    settings: Settings, topics: Sequence[str], partitions: int, is_over: asyncio.Event
) -> AsyncIterator[Found]:
    """Every committed record of these topics from the beginning, then each as it comes; once it `is_over`, up to where
    they end then.

    In the order of offsets within a partition. Fatal: Kafka does not give them.
    """
    wanted = [each for topic in topics for each in _partitions(topic, partitions)]
    ends: dict[TopicPartition, int] | None = None
    async with _a_reader(settings) as reader:
        try:
            reader.assign(wanted)
            await reader.seek_to_beginning()
            while ends is None or [each for each in wanted if await reader.position(each) < ends[each]]:
                for records in (await reader.getmany(timeout_ms=POLL_MS)).values():
                    for record in records:
                        yield record
                if is_over.is_set() and ends is None:
                    ends = await _ends(settings, wanted)
        except (KafkaError, OSError) as error:
            raise Fatal(f"{', '.join(topics)}: {type(error).__name__}: {error}") from error


@asynccontextmanager
async def _a_reader(settings: Settings) -> AsyncIterator[Any]:
    lenient.install()
    reader: Any = AIOKafkaConsumer(
        **client_options(settings),
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
    )
    try:
        await reader.start()
        yield reader
    finally:
        await _stopped(reader)


async def _ends(settings: Settings, wanted: list[TopicPartition]) -> dict[TopicPartition, int]:
    """Asked of the log: not every broker tells a consumer the truth (engine/ends.py)."""
    log = Log(settings)
    try:
        await log.start()
        return await log.ends(wanted)
    finally:
        await log.stop()


def _partitions(topic: str, count: int) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for number in range(count)]


async def _stopped(client: Any) -> None:
    """Closed, or left to the end of the process."""
    with suppress(TimeoutError, KafkaError, OSError):
        async with asyncio.timeout(STOP_SECONDS_MAX):
            await client.stop()
