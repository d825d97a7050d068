"""Producers of case events that use transactions: what they abort never happened, what they hold open comes late."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaProducer

from tests.kafka.broker import Broker
from tests.kafka.test_faults import once, opened, started
from tests.kafka.world import A_CASE, SECOND, Event, World, a_world, event, eventually, now


@contextlib.asynccontextmanager
async def a_transaction(world: World, *events: Event, commit: bool) -> AsyncIterator[None]:
    """Events of a transaction that is open inside and ends with the block."""
    producer = AIOKafkaProducer(
        bootstrap_servers=world.settings.broker, transactional_id=f"{world.settings.topic_prefix}crm"
    )
    await producer.start()
    try:
        await producer.begin_transaction()
        for each in events:
            await producer.send_and_wait(world.settings.topics.events, each.value, key=each.key)
        yield
        await (producer.commit_transaction() if commit else producer.abort_transaction())
    finally:
        await producer.stop()


async def test_what_a_producer_aborts_never_happened(broker: Broker) -> None:
    """At the very start of the topic, where the group has no offset yet, in the middle, and at the end, where a
    deadline needs to know that nothing committed lies there."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        async with a_transaction(world, opened("aborted-1"), opened("aborted-2"), commit=False):
            pass
        await world.send(opened("one"))
        worker = world.start()
        await worker.ready()
        async with a_transaction(world, opened("aborted-3"), commit=False):
            pass
        began = now()
        await world.send(event("two", "case.opened", began, **A_CASE, targets={"initial_response": 2}))
        async with a_transaction(world, event("two", "case.responded", began + SECOND), commit=False):
            pass
        await eventually(lambda: has(world, "sla.breached"), world.ends_of_logs)
        assert started(await world.notices()) == once("one", "two")
        async with a_transaction(world, opened("committed"), commit=True):
            pass
        await world.caught_up()
        assert started(await world.notices()) == once("one", "two", "committed")
        assert not await has(world, "sla.retracted")
        assert worker.exit_code is None


async def test_an_aborted_start_of_the_topic_is_no_gap(broker: Broker) -> None:
    """Only aborted records, then a worker, then the first event."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        for _ in range(3):
            async with a_transaction(world, opened("aborted"), commit=False):
                pass
        worker = world.start()
        await worker.ready()
        await world.send(opened("one"))
        await world.caught_up()
        assert started(await world.notices()) == once("one")
        worker.terminate()
        assert await worker.ended() == 0


async def test_an_open_transaction_delays_its_own_records_only(broker: Broker) -> None:
    """An answer in time lies in a transaction that stays open beyond the deadline. Deadlines of the partition fire all
    the same, that case's too: nobody can know of the answer. Once committed it is a late fact: the breach is taken
    back. What was sent behind the open transaction is judged when it is seen, as of when it happened."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        worker = world.start()
        await worker.ready()
        began = now()
        target = {"initial_response": 3}
        await world.send(*(event(name, "case.opened", began, **A_CASE, targets=target) for name in ("mute", "held")))
        async with a_transaction(world, event("held", "case.responded", began + SECOND), commit=True):
            await world.send(event("behind", "case.opened", began, **A_CASE, targets=target))
            await eventually(lambda: breaches(world, {"mute", "held"}), world.ends_of_logs)
            assert "behind" not in started(await world.notices())
        await eventually(lambda: breaches(world, {"mute", "held", "behind"}), world.ends_of_logs)
        notices = await world.notices()
        assert {each.at for each in notices if each.type == "sla.breached"} == {began + 3 * SECOND}
        withdrawn = [each for each in notices if each.data.get("retracted_type") == "sla.breached"]
        assert [each.case_id for each in withdrawn] == ["held"]
        assert [(each.case_id, each.at) for each in notices if each.type == "sla.met"] == [("held", began + SECOND)]


async def has(world: World, kind: str) -> bool:
    return any(each.type == kind for each in await world.notices())


async def breaches(world: World, names: set[str]) -> bool:
    return {each.case_id for each in await world.notices() if each.type == "sla.breached"} == names
