"""What tests ask of a broker beside the code they test: make topics, read what stands in them and what is committed."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any, Literal

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import GroupCoordinatorNotAvailableError, for_code

Isolation = Literal["read_committed", "read_uncommitted"]
Record = ConsumerRecord[bytes | None, bytes | None]

LEADERS_SECONDS_MAX = 10


def fresh_prefix() -> str:
    """A prefix for topics, groups and transactional ids that no other test has."""
    return f"t{uuid.uuid4().hex[:10]}."


@contextlib.asynccontextmanager
async def admin_of(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """A started admin client, closed at the end."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def create_topics(
    bootstrap: str, *topics: str, partitions: int = 1, configs: Mapping[str, str] | None = None
) -> None:
    """Makes topics, all alike, and returns when each partition has a leader."""
    async with admin_of(bootstrap) as admin:
        new = [NewTopic(topic, partitions, 1, topic_configs=dict(configs or {})) for topic in topics]
        answer: Any = await admin.create_topics(new)
        for topic, code, message in answer.topic_errors:
            if code:
                raise for_code(code)(f"{topic}: {message}")
        async with asyncio.timeout(LEADERS_SECONDS_MAX):
            while not await _all_have_leaders(admin, topics, partitions):
                await asyncio.sleep(0.02)


async def read_all(bootstrap: str, topic: str, isolation: Isolation = "read_committed") -> list[Record]:
    """Every record that stands in a topic now, by partition and offset; with read_committed none of an open or
    aborted transaction."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level=isolation, auto_offset_reset="earliest")
    records: list[Record] = []
    await consumer.start()
    try:
        partitions = await _partitions(bootstrap, topic)
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning()
        for partition in partitions:
            while await consumer.position(partition) < ends[partition]:
                batches = await consumer.getmany(*partitions, timeout_ms=50)
                records += [record for batch in batches.values() for record in batch]
    finally:
        await consumer.stop()
    return sorted(
        (record for record in records if record.offset < ends[TopicPartition(topic, record.partition)]),
        key=lambda record: (record.partition, record.offset),
    )


async def committed(bootstrap: str, group: str, topic: str) -> dict[int, int]:
    """The committed offsets of a group, by partition; those without one are absent."""
    async with admin_of(bootstrap) as admin:
        try:
            offsets = await admin.list_consumer_group_offsets(group)
        except GroupCoordinatorNotAvailableError:  # a new broker has no topic of offsets before the first group
            return {}
    return {partition.partition: at.offset for partition, at in offsets.items() if partition.topic == topic}


async def move_offsets(bootstrap: str, group: str, offsets: Mapping[TopicPartition, int]) -> None:
    """As an operator's tool does it, while the group has no members."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(list(offsets))
        await consumer.commit(dict(offsets))
    finally:
        await consumer.stop()


async def delete_topic(bootstrap: str, topic: str) -> None:
    """Deletes it and returns when it is gone."""
    async with admin_of(bootstrap) as admin:
        answer: Any = await admin.delete_topics([topic])
        for name, code in answer.topic_error_codes:
            if code:
                raise for_code(code)(name)
        async with asyncio.timeout(LEADERS_SECONDS_MAX):
            while topic in {each["topic"] for each in await admin.describe_topics() if not each["error_code"]}:
                await asyncio.sleep(0.02)


async def set_config(bootstrap: str, topic: str, **changes: str) -> None:
    """Sets configs of a topic, `_` for `.` in their names; those it has already stay."""
    async with admin_of(bootstrap) as admin:
        answers: Any = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        [(_, _, _, _, entries)] = answers[0].resources
        kept = {name: value for name, value, _, source, *_ in entries if source == 1}  # 1: set on the topic itself
        values = kept | {name.replace("_", "."): value for name, value in changes.items()}
        answers = await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, values)])
        [(code, message, _, _)] = answers[0].resources
        if code:
            raise for_code(code)(message)


async def _partitions(bootstrap: str, topic: str) -> list[TopicPartition]:
    async with admin_of(bootstrap) as admin:
        [described] = await admin.describe_topics([topic])
    if described["error_code"]:
        raise for_code(described["error_code"])(topic)
    return sorted(TopicPartition(topic, each["partition"]) for each in described["partitions"])


async def _all_have_leaders(admin: AIOKafkaAdminClient, topics: tuple[str, ...], partitions: int) -> bool:
    described = await admin.describe_topics(list(topics))
    return all(
        len(topic["partitions"]) == partitions and all(each["leader"] >= 0 for each in topic["partitions"])
        for topic in described
    )
