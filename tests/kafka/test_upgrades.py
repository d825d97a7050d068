"""A deployment whose state an older version wrote: taken over as it is, written anew where something changes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import msgspec
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from sla_monitor.core.facts import DAY
from sla_monitor.core.policy import Packs
from sla_monitor.engine.journal import Journal
from sla_monitor.engine.log import as_record
from sla_monitor.engine.partition import Partition, Rules
from sla_monitor.engine.release import owned
from sla_monitor.wire.rows import PARTITION_KEY, decode_partition
from sla_monitor.wire.upgrades import VERSION
from tests.engine.feeding import NINE, event
from tests.kafka.broker import Broker
from tests.kafka.helpers import admin_of, read_all
from tests.kafka.world import Event, World, a_world
from tests.wire.rows import corpus

FIRST: Path = corpus.FOLDERS[0]
OF_CASES = [path for path in sorted(FIRST.glob("*.bin")) if path.stem not in {"partition", "every_body"}]
STORED = decode_partition((FIRST / "partition.bin").read_bytes())
[PACK] = [version for version in corpus.CORPUS.versions if version.key == "corpus/1"]
PACKS = Packs(versions=(replace(PACK, digest=STORED.packs[PACK.key]),))


@contextlib.asynccontextmanager
async def an_owner(world: World) -> AsyncIterator[tuple[Journal, Partition]]:
    """Partition 0 as a worker opens it that has the pack of the corpus."""
    async with owned(world.settings, Partition(0, Rules(packs=PACKS))) as opened_as:
        yield opened_as


async def test_a_state_topic_of_version_1_is_taken_over(broker: Broker) -> None:
    """Every row is read, a case that goes on is written as of today, the others stay as they are until they do."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        await an_input_that_ends_where_the_state_does(world)
        for path in OF_CASES:
            await world.producer.send_and_wait(world.settings.topics.state, path.read_bytes(), key=path.stem.encode())
        row = (FIRST / "partition.bin").read_bytes()
        await world.producer.send_and_wait(world.settings.topics.state, row, key=PARTITION_KEY)
        async with an_owner(world) as (journal, content):
            assert content.next_offset == STORED.applied + 1
            assert sum(content.counts) == len(OF_CASES)
            value = event("base_running", "case.responded", NINE + 10 * DAY, "answer")
            await world.send(Event(key=b"base_running", value=value))
            [record] = await read_all(broker.bootstrap, world.settings.topics.events)
            content.fold(as_record(record), NINE + 10 * DAY)  # type: ignore[arg-type]  # its key may be absent
            batch = content.take()
            assert [letter.reason for letter in batch.dead] == []
            await journal.commit(batch)
        async with an_owner(world) as (_, content):
            assert content.next_offset == STORED.applied + 2
        state = await world.state()
        versions = {key: (value or b"")[0] for key, value in state.items() if key != PARTITION_KEY}
        assert versions == {path.stem.encode(): VERSION if path.stem == "base_running" else 1 for path in OF_CASES}
        assert msgspec.msgpack.decode(state[PARTITION_KEY] or b"")[0] == VERSION


async def an_input_that_ends_where_the_state_does(world: World) -> None:
    """What was applied has left the input."""
    await world.send(*(Event(key=b"old", value=b"%d" % number) for number in range(STORED.applied + 1)))
    partition = TopicPartition(world.settings.topics.events, 0)
    async with admin_of(world.settings.broker) as admin:
        await admin.delete_records({partition: RecordsToDelete(before_offset=STORED.applied + 1)})
