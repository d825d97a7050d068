"""What the worker must know of the topics before it starts."""

from __future__ import annotations

from dataclasses import dataclass

from aiokafka.partitioner import murmur2

from sla_monitor.config.settings import Settings
from sla_monitor.engine.kafka import admin_client
from sla_monitor.engine.survey import check_topics
from sla_monitor.engine.topics import message_bytes_max, topic_configs, topic_partitions
from sla_monitor.errors import UnsafeState

DEAD_OVERHEAD_BYTES = 2_048  # of a dead letter: batch framing and the headers that say why


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """`partitions`: of every topic. `dead_bytes_max`: of key, value and headers that a dead letter can carry."""

    partitions: int
    dead_bytes_max: int


def partition_of(key: bytes, partitions: int) -> int:
    """Where all producers must put this key: murmur2, as Kafka's own client has it."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


async def verified_layout(settings: Settings) -> Layout:
    """UnsafeState with every problem of the topics; RefuseToStart if no broker answers."""
    problems = await check_topics(settings)
    if problems:
        raise UnsafeState(problems)
    async with admin_client(settings) as admin:
        counts = await topic_partitions(admin)
        dead = await topic_configs(admin, settings.topics.dead)
    return Layout(
        partitions=counts[settings.topics.events], dead_bytes_max=message_bytes_max(dead) - DEAD_OVERHEAD_BYTES
    )
