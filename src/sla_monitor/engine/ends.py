"""Where partitions end, as a fetch tells it: for brokers whose list of offsets cannot be believed.

Tansu 0.6 lists the *first* offset of the newest record batch plus one as the end. A deadline would then fire before the
last records of a batch are folded: a false breach. A fetch from there carries the true end (ADR 0009).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, for_code
from aiokafka.protocol.fetch import FetchRequest

WAIT_MS = 1  # for new records; with 0 Tansu answers nothing at all
BYTES_MIN = 1
BYTES_MAX = 1 << 16  # of what is not read; a larger batch comes whole
READ_COMMITTED, READ_UNCOMMITTED = 1, 0


async def fetched_ends(
    client: AIOKafkaClient, listed: Mapping[TopicPartition, int], *, committed_only: bool
) -> dict[TopicPartition, int]:
    """The end of each partition, given what the broker lists, which must not be above it. KafkaError: as from any
    request.
    """
    topics = {place.topic for place in listed}
    if not topics <= client.cluster.topics():
        await client.set_topics(topics | client.cluster.topics())
    by_leader: dict[int, dict[str, list[tuple[int, int, int]]]] = defaultdict(lambda: defaultdict(list))
    for place, end in listed.items():
        leader = client.cluster.leader_for_partition(place)
        if leader is None or leader == -1:
            raise KafkaConnectionError(f"{place.topic}/{place.partition} has no leader")
        by_leader[leader][place.topic].append((place.partition, end, BYTES_MAX))
    ends = {}
    isolation = READ_COMMITTED if committed_only else READ_UNCOMMITTED
    for leader, wanted in by_leader.items():
        request = FetchRequest(WAIT_MS, BYTES_MIN, BYTES_MAX, isolation, list(wanted.items()))
        answer: Any = await client.send(leader, request)
        for topic, partitions in answer.topics:
            for number, error_code, high_watermark, stable_end, *_ in partitions:
                if error_code:
                    raise for_code(error_code)(f"{topic}/{number}")
                ends[TopicPartition(topic, number)] = stable_end if committed_only else high_watermark
    return ends
