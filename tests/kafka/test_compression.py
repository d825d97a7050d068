"""Producers choose how they compress; the worker reads them all."""

from __future__ import annotations

from aiokafka import AIOKafkaProducer

from tests.kafka.broker import Broker
from tests.kafka.world import A_CASE, a_world, event, now

CODECS = ("gzip", "snappy", "lz4", "zstd")


async def test_every_compression_is_read(broker: Broker) -> None:
    """One case from a producer of each codec: a clock started for each, no dead letter, no worker stopped."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        worker = world.start()
        await worker.ready()
        for codec in CODECS:
            opened = event(f"case-{codec}", "case.opened", now(), **A_CASE, targets={"initial_response": 600})
            async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, compression_type=codec) as producer:
                await producer.send_and_wait(world.settings.topics.events, opened.value, key=opened.key)
        await world.caught_up()
        assert [notice.case_id for notice in await world.notices()] == [f"case-{codec}" for codec in CODECS]
        assert not await world.dead()
