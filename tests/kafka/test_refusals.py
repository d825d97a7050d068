"""When state, input and offsets do not fit together the worker stops and says why, instead of guessing.

Few of these tests start workers; the others ask the journal, whose decision it is.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewPartitions, RecordsToDelete

from sla_monitor.config.packs import load_packs
from sla_monitor.config.settings import Settings
from sla_monitor.engine.journal import Journal
from sla_monitor.engine.log import as_record
from sla_monitor.engine.partition import Partition, Rules
from sla_monitor.engine.release import owned
from sla_monitor.engine.topics import create_topics
from sla_monitor.errors import UnsafeState
from sla_monitor.wire.rows import PARTITION_KEY, decode_partition
from tests.kafka.broker import Broker
from tests.kafka.helpers import admin_of, delete_topic, fresh_prefix, move_offsets, read_all
from tests.kafka.test_faults import EXIT_FATAL, critical, once, opened, started
from tests.kafka.world import CONSOLE, World, a_world, eventually, now

EXIT_USAGE = 2
ACCEPTING = (*CONSOLE, "--accept-input-loss")
BEFORE = ("one", "two", "three")
PACKS = load_packs(None)


@contextlib.asynccontextmanager
async def an_owner(world: World, *, accept: bool = False) -> AsyncIterator[tuple[Journal, Partition]]:
    """Partition 0 as a worker opens it."""
    content = Partition(0, Rules(packs=PACKS))
    async with owned(world.settings, content, accept_input_loss=accept) as opened_as:
        yield opened_as


async def apply(world: World, *names: str) -> None:
    """Sent, folded and committed, as by a worker that then ended in order."""
    await world.send(*map(opened, names))
    async with an_owner(world) as (journal, content):
        for record in await read_all(world.settings.broker, world.settings.topics.events):
            content.fold(as_record(record), now())  # type: ignore[arg-type]  # its key and value may be absent
        await journal.commit(content.take())


async def refusal(world: World) -> str:
    with pytest.raises(UnsafeState) as refused:
        async with an_owner(world):
            pass
    [problem] = refused.value.problems
    assert "--accept-input-loss" in problem
    return problem


async def accepted(world: World) -> int:
    """Where the operator's word lets it go on. A commit without any event is enough for the next start."""
    async with an_owner(world, accept=True) as (journal, content):
        following = content.next_offset
        await journal.commit(content.mark())
    return following


def the_input(world: World) -> TopicPartition:
    return TopicPartition(world.settings.topics.events, 0)


async def recreate(world: World, topic: str) -> None:
    """Deleted and made anew, as by an operator who thinks it helps."""
    await delete_topic(world.settings.broker, topic)
    await create_topics(world.settings, world.partitions, 1)


async def test_offsets_moved_ahead_end_the_worker_until_an_operator_accepts(broker: Broker) -> None:
    """Two events would be skipped in silence. With the operator's word they are, and the next start needs none."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        await apply(world, *BEFORE)
        await world.send(opened("skipped-1"), opened("skipped-2"))
        await move_offsets(broker.bootstrap, world.settings.group, {the_input(world): 5})
        worker = world.start()
        assert await worker.ended(30) == EXIT_FATAL
        [reason] = critical(worker.lines)
        assert "the group's offset 5 is ahead of the state, which goes on at 3" in reason
        worker = world.start(ACCEPTING)
        await worker.ready()
        await world.send(opened("later"))
        await world.caught_up()
        worker.terminate()
        assert await worker.ended() == 0
        assert started(await world.notices()) == once(*BEFORE, "later")
        async with an_owner(world) as (_, content):
            assert content.next_offset == 6


async def test_another_input_is_read_from_its_start_once_accepted(broker: Broker) -> None:
    """The topic was made anew and the group's offset kept: the worker refuses; with the operator's word it applies
    all that the new topic holds, also what lies below the offset."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        await apply(world, *BEFORE)
        await recreate(world, world.settings.topics.events)
        names = [f"new-{number}" for number in range(5)]
        await world.send(*map(opened, names))
        await move_offsets(broker.bootstrap, world.settings.group, {the_input(world): 3})
        assert "offset 2 holds another record than the one that was applied" in await refusal(world)
        worker = world.start(ACCEPTING)
        await worker.ready()
        await world.caught_up()
        assert started(await world.notices()) == once(*BEFORE, *names)


async def test_offsets_moved_ahead(broker: Broker) -> None:
    """Accepted, the worker goes on at the operator's offset; one beyond the end is not believed."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        await apply(world, *BEFORE)
        await world.send(opened("skipped"), opened("next"))
        await move_offsets(broker.bootstrap, world.settings.group, {the_input(world): 4})
        assert "the group's offset 4 is ahead of the state, which goes on at 3" in await refusal(world)
        assert await accepted(world) == 4
        async with an_owner(world) as (_, content):
            assert content.next_offset == 4


async def test_offsets_moved_back(broker: Broker) -> None:
    """The state knows better: nothing is refused, and what is read again has no effect."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        await apply(world, *BEFORE)
        await move_offsets(broker.bootstrap, world.settings.group, {the_input(world): 0})
        await apply(world, "later")
        assert started(await world.notices()) == once(*BEFORE, "later")


async def test_a_state_topic_made_anew(broker: Broker) -> None:
    """Offsets without their state: every open case would be forgotten."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        await apply(world, *BEFORE)
        await recreate(world, world.settings.topics.state)
        assert "the group's offset 3 is ahead of the state, which goes on at 0" in await refusal(world)
        assert await accepted(world) == 3
        async with an_owner(world) as (_, content):
            assert content.next_offset == 3


@pytest.mark.parametrize("length", [0, 2])
async def test_an_input_topic_made_anew_and_shorter(broker: Broker, length: int) -> None:
    """The state stands beyond its end. What is in the new topic is not what was applied."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        await apply(world, *BEFORE)
        await recreate(world, world.settings.topics.events)
        await world.send(*(opened(f"new-{number}") for number in range(length)))
        said = await refusal(world)
        assert f"the state goes on at 3, the input ends at {length}: is it another topic of that name?" in said
        assert await accepted(world) == 0
        async with an_owner(world) as (_, content):
            assert content.next_offset == 0


async def test_an_input_topic_made_anew_and_as_long(broker: Broker) -> None:
    """At the offset applied last there is another record now."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        await apply(world, *BEFORE)
        await recreate(world, world.settings.topics.events)
        await world.send(*map(opened, BEFORE))
        assert "offset 2 holds another record than the one that was applied" in await refusal(world)
        assert await accepted(world) == 0
        async with an_owner(world) as (_, content):
            assert content.next_offset == 0


async def test_events_that_retention_took_before_they_were_read(broker: Broker) -> None:
    """A worker that was away for longer than the input is kept."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        await apply(world, *BEFORE)
        await world.send(opened("gone-1"), opened("gone-2"), opened("left"))
        async with admin_of(broker.bootstrap) as admin:
            await admin.delete_records({the_input(world): RecordsToDelete(before_offset=5)})
        assert "the input begins at 5, the state goes on at 3: retention removed some of it" in await refusal(world)
        assert await accepted(world) == 5
        async with an_owner(world) as (_, content):
            assert content.next_offset == 5


async def test_retention_of_what_was_read_is_nothing(broker: Broker) -> None:
    """An input that is quiet for longer than it is kept is empty, and nothing is missing."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        await apply(world, *BEFORE)
        async with admin_of(broker.bootstrap) as admin:
            await admin.delete_records({the_input(world): RecordsToDelete(before_offset=3)})
        async with an_owner(world) as (_, content):
            assert content.next_offset == 3


async def abort_one(world: World, name: str) -> None:
    """A record that nobody may read, and the marker that says so."""
    producer = AIOKafkaProducer(bootstrap_servers=world.settings.broker, transactional_id=f"{fresh_prefix()}aborts")
    await producer.start()
    try:
        await producer.begin_transaction()
        sent = opened(name)
        await producer.send_and_wait(world.settings.topics.events, sent.value, key=sent.key, partition=0)
        await producer.abort_transaction()
    finally:
        await producer.stop()


async def test_retention_of_what_nobody_committed_is_nothing_once_it_was_looked_at(broker: Broker) -> None:
    """Behind the last record there is an aborted transaction and its marker, and retention takes them too. A worker
    that has seen that there was nothing says so in its row; unseen, it may have been events."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        await apply(world, *BEFORE)
        await abort_one(world, "never")
        worker = world.start()
        await worker.ready()
        await eventually(lambda: _empty_until(world, 5), worker.end_of_log)
        worker.terminate()
        assert await worker.ended() == 0
        await abort_one(world, "unseen")
        async with admin_of(broker.bootstrap) as admin:
            await admin.delete_records({the_input(world): RecordsToDelete(before_offset=5)})
        async with an_owner(world) as (_, content):
            assert content.next_offset == 3
        worker = world.start()
        await worker.ready()
        await world.send(opened("later"))
        await world.caught_up()
        worker.terminate()
        assert await worker.ended() == 0
        assert started(await world.notices()) == once(*BEFORE, "later")
        await world.send(opened("gone"), opened("left"))
        async with admin_of(broker.bootstrap) as admin:
            await admin.delete_records({the_input(world): RecordsToDelete(before_offset=9)})
        assert "the input begins at 9, the state goes on at 8: retention removed some of it" in await refusal(world)
        assert await accepted(world) == 9
        async with an_owner(world) as (_, content):
            assert content.row.empty_until == 0


async def _empty_until(world: World, offset: int) -> bool:
    value = (await world.state())[PARTITION_KEY]
    return value is not None and decode_partition(value).empty_until == offset


async def test_unequal_numbers_of_partitions(broker: Broker) -> None:
    """The topics are named, before the group is joined."""
    async with a_world(broker.bootstrap, partitions=2) as world:
        topics = world.settings.topics
        async with admin_of(broker.bootstrap) as admin:
            await admin.create_partitions({topics.notices: NewPartitions(3)})
        worker = world.start()
        assert await worker.ended() == EXIT_USAGE
        [line] = worker.text.splitlines()
        assert line.startswith(f"{topics.notices}: has 3 partitions, {topics.events} has 2")


async def test_missing_topics(broker: Broker) -> None:
    """Each is named, with the command that makes it."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        prefix = fresh_prefix()
        worker = world.start(SLA_TOPIC_PREFIX=prefix)
        assert await worker.ended() == EXIT_USAGE
        assert [line.split(":")[0] for line in worker.text.splitlines()] == list(Settings(topic_prefix=prefix).topics)


async def test_a_web_port_that_is_taken(broker: Broker) -> None:
    """One clear line, and the group is not joined."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        first = world.start()
        await first.ready()
        second = world.start(SLA_WEB_PORT=str(first.web_port))
        assert await second.ended() == EXIT_USAGE
        [line] = second.text.splitlines()
        assert line.startswith(f"cannot listen on 127.0.0.1:{first.web_port}")
        assert "set SLA_WEB_PORT to a free one" in line


def test_all_that_is_wrong_is_told_at_once(broker: Broker, tmp_path: Path) -> None:
    """A pack, a secret, the port and the topics: nobody has to start four times to learn of four."""
    pack, token = tmp_path / "pack.yaml", tmp_path / "token"
    pack.write_text("name: broken\n")
    token.touch()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        worker = subprocess.run(
            CONSOLE,
            env={
                "SLA_BROKER": broker.bootstrap,
                "SLA_TOPIC_PREFIX": (prefix := fresh_prefix()),
                "SLA_POLICY": str(pack),
                "SLA_WEB_TOKEN_FILE": str(token),
                "SLA_WEB_PORT": str(port),
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert (worker.returncode, worker.stdout) == (EXIT_USAGE, "")
    for begins in (
        f"{pack}:1: 'version' is missing",
        f"SLA_WEB_TOKEN_FILE: {token} is empty",
        f"cannot listen on 127.0.0.1:{port}",
        *(f"{topic}: is missing" for topic in Settings(topic_prefix=prefix).topics),
    ):
        assert [line for line in worker.stderr.splitlines() if line.startswith(begins)], begins
