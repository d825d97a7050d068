"""What can go wrong while the worker writes: nothing is committed by halves, nothing is lost or said twice."""

from __future__ import annotations

import asyncio
from collections import Counter

from aiokafka import AIOKafkaProducer

from tests.kafka.broker import Broker
from tests.kafka.helpers import set_config
from tests.kafka.world import A_CASE, Event, Notice, World, a_world, event, eventually, now, patched

EXIT_FATAL = 70
CLOSING_SECONDS_MAX = 8.0
LONG_SESSION_SECONDS = 30.0
DEFAULT_MESSAGE_BYTES = "1048588"


def opened(case_id: str) -> Event:
    """A case whose deadline is far away."""
    return event(case_id, "case.opened", now(), **A_CASE, targets={"initial_response": 3_600})


def started(notices: list[Notice]) -> Counter[str]:
    """How often each case's clock was said to have started."""
    return Counter(each.case_id for each in notices if each.type == "sla.clock.started")


def once(*case_ids: str) -> Counter[str]:
    return Counter(case_ids)


def critical(text: list[dict[str, object]]) -> list[str]:
    """The lines that say why the process stopped."""
    return [str(line["reason"]) for line in text if line.get("level") == "critical"]


async def test_a_refused_notice_takes_its_offset_and_its_row_along(broker: Broker) -> None:
    """The notices topic refuses a batch: the transaction ends, the process too, saying why in one line. Neither the
    input's offset nor the case's row stands without the notice. Once the topic is mended, all is said, once."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        worker = world.start()
        await worker.ready()
        await world.send(opened("before"))
        await world.caught_up()
        await set_config(broker.bootstrap, world.settings.topics.notices, max_message_bytes="100")
        await world.send(opened("refused"))
        assert await worker.ended() == EXIT_FATAL
        [reason] = critical(worker.lines)
        assert "MessageSizeTooLarge" in reason
        assert await world.committed() == {0: 1}
        assert b"refused" not in await world.state()
        assert started(await world.notices()) == once("before")
        await set_config(broker.bootstrap, world.settings.topics.notices, max_message_bytes=DEFAULT_MESSAGE_BYTES)
        world.start()
        await world.caught_up()
        assert started(await world.notices()) == once("before", "refused")
        assert b"refused" in await world.state()


async def fence(world: World, partition: int) -> None:
    """As a worker that starts late does: the producer of the partition is somebody else's now."""
    producer = AIOKafkaProducer(
        bootstrap_servers=world.settings.broker, transactional_id=f"{world.settings.topics.state}-{partition}"
    )
    await producer.start()
    await producer.stop()


async def test_a_worker_fenced_by_mistake_takes_its_partition_back(broker: Broker) -> None:
    """Somebody starts a producer of the same name in the middle of a backlog: the owner opens the partition again,
    once, and goes on where the state does."""
    names = [f"case-{number}" for number in range(3_000)]
    async with a_world(broker.bootstrap, partitions=1) as world:
        await world.send(*map(opened, names))
        worker = world.start()
        await eventually(lambda: began(world), world.ends_of_logs)
        await fence(world, 0)
        await world.caught_up()
        assert started(await world.notices()) == once(*names)
        assert await worker.metric("sla_shards_fenced_total") == 1
        await world.send(opened("afterwards"))
        await world.caught_up()
        assert started(await world.notices())["afterwards"] == 1


async def began(world: World) -> bool:
    return any((await world.committed()).values())


async def test_an_idle_worker_that_was_fenced_finds_out_when_it_writes(broker: Broker) -> None:
    """Nothing to do, fenced, then an event: it is applied once."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        worker = world.start()
        await worker.ready()
        await world.send(opened("before"))
        await world.caught_up()
        await fence(world, 0)
        await world.send(opened("after"))
        await world.caught_up()
        assert started(await world.notices()) == once("before", "after")
        assert worker.exit_code is None


async def test_sigterm_ends_the_transaction_and_leaves_the_group(broker: Broker) -> None:
    """In the middle of a backlog: exit code 0 in time, and another worker has the partitions at once, long before
    the session time-out."""
    names = [f"case-{number}" for number in range(3_000)]
    async with a_world(broker.bootstrap, partitions=4, SLA_SESSION_TIMEOUT_SECONDS=str(LONG_SESSION_SECONDS)) as world:
        await world.send(*map(opened, names))
        first = world.start()
        await eventually(lambda: began(world), world.ends_of_logs)
        first.terminate()
        assert await first.ended(CLOSING_SECONDS_MAX) == 0, first.end_of_log()
        assert critical(first.lines) == []
        second = world.start()
        await second.ready(LONG_SESSION_SECONDS / 2, partitions=4)
        await world.caught_up()
        assert started(await world.notices()) == once(*names)


SLOW_OPENING = """
import asyncio
from sla_monitor.engine import transactional
restore = transactional.restore
async def slowly(*arguments):
    await asyncio.sleep(20)
    return await restore(*arguments)
transactional.restore = slowly
"""


async def test_sigterm_while_partitions_are_opened(broker: Broker) -> None:
    """Restoring takes long and is not waited for."""
    async with a_world(broker.bootstrap, partitions=2) as world:
        worker = world.start(patched(SLOW_OPENING))
        await eventually(lambda: "assigned" in worker.text, worker.end_of_log)
        await asyncio.sleep(0.5)
        worker.terminate()
        assert await worker.ended(CLOSING_SECONDS_MAX) == 0, worker.end_of_log()
        assert critical(worker.lines) == []


HANGING_COMMIT = """
import asyncio
from aiokafka import AIOKafkaProducer
async def never(self):
    await asyncio.sleep(3600)
AIOKafkaProducer.commit_transaction = never
"""


async def test_sigterm_while_a_transaction_hangs(broker: Broker) -> None:
    """It is left open within the closing deadline; the next owner aborts it and says everything, once."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        worker = world.start(patched(HANGING_COMMIT))
        await eventually(lambda: "assigned" in worker.text, worker.end_of_log)
        await world.send(opened("case"))
        await asyncio.sleep(2)
        worker.terminate()
        await worker.ended(CLOSING_SECONDS_MAX + 2)
        assert await world.committed() == {0: 0}
        world.start()
        await world.caught_up()
        assert started(await world.notices()) == once("case")
