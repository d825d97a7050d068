"""A small batch that unpacks to a large one: what the setting that docs/pitfalls/compression.md names does about it."""

from __future__ import annotations

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from tests.kafka.broker import Broker
from tests.kafka.helpers import set_config
from tests.kafka.test_faults import opened, started
from tests.kafka.world import World, a_world

MIB = 1 << 20
CODECS = {"gzip": (1, 500), "zstd": (4, 5_000)}  # its number in a batch, and how much smaller it makes nothing at least


async def throw(world: World, codec: str) -> None:
    """Eight mebibytes in one record, a few kilobytes on the way."""
    producer = AIOKafkaProducer(
        bootstrap_servers=world.settings.broker, compression_type=codec, max_request_size=64 * MIB
    )
    await producer.start()
    try:
        await producer.send_and_wait(world.settings.topics.events, bytes(8 * MIB), key=b"bomb", partition=0)
    finally:
        await producer.stop()


@pytest.mark.parametrize("codec", CODECS)
def test_how_small_a_large_batch_is(codec: str) -> None:
    """Brokers bound what a batch is on the way, so a megabyte may be a gigabyte here, or twenty."""
    number, ratio = CODECS[codec]
    batch = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=number,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 30,
    )
    batch.append(0, 0, b"bomb", bytes(16 * MIB), [])
    assert len(bytes(batch.build())) < 16 * MIB / ratio


@pytest.mark.parametrize("codec", CODECS)
async def test_a_topic_without_compression_refuses_what_is_too_large_unpacked(broker: Broker, codec: str) -> None:
    """As it is by default, the broker takes it and it is a dead letter here; with `compression.type` `uncompressed`
    the broker measures what it unpacks to. Producers that compress small batches notice nothing."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        await throw(world, codec)
        await set_config(broker.bootstrap, world.settings.topics.events, compression_type="uncompressed")
        with pytest.raises(MessageSizeTooLargeError):
            await throw(world, codec)
        worker = world.start()
        await worker.ready()
        await world.send(opened("after"))
        await world.caught_up()
        assert started(await world.notices()) == {"after": 1}
        assert [dict(letter.headers)["dead-reason"] for letter in await world.dead()] == [b"too_large"]
