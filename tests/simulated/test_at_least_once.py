"""The journal for brokers without transactions, against the in-memory Kafka: where it dies is the example."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

import pytest
from aiokafka import TopicPartition

from sla_monitor.config.settings import Settings
from sla_monitor.engine import crash
from sla_monitor.engine.at_least_once import AtLeastOnceJournal
from sla_monitor.engine.log import Log, as_record
from sla_monitor.engine.ownership import BEAT_SECONDS, WATCH_SECONDS, Ownership
from sla_monitor.engine.partition import Partition
from sla_monitor.engine.transactional import TransactionalJournal
from sla_monitor.errors import Fatal, RefuseToStart, UnsafeState
from sla_monitor.wire.own_rows import OWNER_KEY, REDO_PREFIX, is_of_a_case
from tests.engine.feeding import A_CASE, NINE, RULES, STRUCTURED, clock, event
from tests.simulated.kafka import Builder, Cluster, PlainProducer
from tests.simulated.schedule import in_memory
from tests.simulated.scheduler import Loop
from tests.simulated.world import DEAD, EVENTS, NOTICES, STATE, World

SETTINGS = Settings(journal="at_least_once")
INPUT, ROWS, SAID, BURIED = (TopicPartition(topic, 0) for topic in (EVENTS, STATE, NOTICES, DEAD))
TIMES_MAX = 12  # a life passes no point more often

# Two a batch: a case that is answered, one that is not, one that is erased, and what cannot be read.
STORY: list[tuple[bytes | None, bytes | None]] = [
    (b"case-1", event("case-1", "case.opened", NINE, "a", **A_CASE)),
    (b"case-2", event("case-2", "case.opened", NINE, "b", **A_CASE)),
    (b"case-3", event("case-3", "case.opened", NINE, "c", **A_CASE)),
    (b"case-1", b"not JSON"),
    (b"case-1", event("case-1", "case.responded", clock(0, 30), "d")),
    (b"case-3", None),
    (b"case-2", b"not JSON either"),
]
STOPS = (clock(0, 50), clock(2))


class Died(BaseException):
    """As a process that is killed: nobody handles it."""


def in_memory_kafka(scenario: Callable[[Cluster], Coroutine[Any, Any, None]]) -> Cluster:
    """Runs it on a loop whose time costs nothing."""
    chance = Random(0)
    loop = Loop(chance)
    world = World(loop, chance, 1, TransactionalJournal)
    world.kafka.calm = True
    with in_memory(world):
        loop.run(scenario(world.kafka))
    return world.kafka


def dying(*places: tuple[str, int]) -> Callable[[str], None]:
    """At the first place, at the how-manieth time; whoever goes on dies at the next, and so on."""
    ahead = [name for name, number in places for _ in range(number)]
    deadly = set(itertools.accumulate(number for _, number in places))
    passed = 0

    def reached(name: str) -> None:
        nonlocal passed
        if ahead[passed : passed + 1] == [name]:
            passed += 1
            if passed in deadly:
                raise Died

    return reached


async def live(kafka: Cluster) -> int:
    """One worker after the other, until the story is told to its end; returns how many died."""
    for key, value in STORY:
        kafka.log(INPUT).append(key, value, () if value is None else STRUCTURED)
    epoch = 0
    while True:
        epoch += 1
        log = Log(SETTINGS)
        await log.start()
        try:
            await _tell(kafka, log, epoch)
        except Died:
            continue
        return epoch - 1


async def _tell(kafka: Cluster, log: Log, epoch: int) -> None:
    async def commit_input(place: TopicPartition, offset: int) -> None:
        kafka.offsets[place] = offset

    journal = AtLeastOnceJournal(SETTINGS, log, 0, epoch=epoch, commit_input=commit_input)
    partition = Partition(0, RULES)
    await journal.open(partition)
    entries = kafka.log(INPUT).entries
    while partition.next_offset < len(entries):
        for entry in entries[partition.next_offset : partition.next_offset + 2]:
            partition.fold(as_record(entry), clock(0, 30))  # type: ignore[arg-type]  # what a fetched record is made of
        await journal.commit(partition.take())
    for until in STOPS:
        partition.advance(until)
        while partition.fire(until, 1):
            pass
        batch = partition.take()
        if not batch.is_empty:
            await journal.commit(batch)
    await journal.close()


def said(kafka: Cluster) -> list[dict[str, Any]]:
    return [json.loads(entry.value or b"") for entry in kafka.log(SAID).entries]


def buried(kafka: Cluster) -> set[bytes]:
    """Which offsets of the input are among the dead letters."""
    return {dict(entry.headers)["dead-offset"] for entry in kafka.log(BURIED).entries}


def rows(kafka: Cluster) -> dict[bytes | None, bytes | None]:
    """The state as compaction leaves it, without what the journal keeps for itself."""
    newest = {entry.key: entry.value for entry in kafka.log(ROWS).entries}
    return {key: value for key, value in newest.items() if is_of_a_case(key) and value is not None}


@pytest.fixture(scope="module")
def undisturbed() -> Cluster:
    """The story as it goes when nobody dies."""

    async def scenario(kafka: Cluster) -> None:
        assert await live(kafka) == 0

    return in_memory_kafka(scenario)


def test_undisturbed_nothing_is_said_twice(undisturbed: Cluster) -> None:
    """And the story has everything in it that can go wrong."""
    ids = [notice["id"] for notice in said(undisturbed)]
    assert len(ids) == len(set(ids))
    kinds = Counter(notice["type"] for notice in said(undisturbed))
    assert kinds["sla.clock.started"] == 3
    assert kinds["sla.breached"] == kinds["sla.met"] == kinds["case.forgotten"] == 1
    assert buried(undisturbed) == {b"3", b"6"}
    assert set(rows(undisturbed)) == {b"case-1", b"case-2"}


def lived_through(*places: tuple[str, int]) -> tuple[Cluster, int]:
    deaths = 0

    async def scenario(kafka: Cluster) -> None:
        nonlocal deaths
        deaths = await live(kafka)

    crash.at_points(dying(*places))
    try:
        return in_memory_kafka(scenario), deaths
    finally:
        crash.at_points(None)


def assert_same(kafka: Cluster, undisturbed: Cluster) -> None:
    """Nothing is missing or false; what is repeated is the same to the byte; state and position are the same."""
    by_id: dict[str, set[str]] = {}
    for notice in said(kafka):
        by_id.setdefault(notice["id"], set()).add(json.dumps(notice))
    assert by_id.keys() == {notice["id"] for notice in said(undisturbed)}
    assert all(len(bytes_) == 1 for bytes_ in by_id.values())
    assert buried(kafka) == buried(undisturbed)
    assert rows(kafka) == rows(undisturbed)
    standing = {
        entry.key: entry.value for entry in kafka.log(ROWS).entries if (entry.key or b"").startswith(REDO_PREFIX)
    }
    assert set(standing.values()) == {None}
    assert kafka.offsets[INPUT] == len(STORY)


@pytest.mark.parametrize("point", crash.REDO_POINTS)
def test_wherever_it_dies_nothing_is_missing_and_what_is_repeated_is_the_same(point: str, undisturbed: Cluster) -> None:
    """At each time that a life passes the point."""
    died_at = 0
    for number in range(1, TIMES_MAX):
        kafka, deaths = lived_through((point, number))
        if not deaths:
            break
        died_at = number
        assert_same(kafka, undisturbed)
    assert died_at


@pytest.mark.parametrize("again", ["redo.rows", "redo.notices", "redo.dead", "redo.done"])
def test_who_repeats_a_batch_may_die_as_well(again: str, undisturbed: Cluster) -> None:
    """Twice, while it does so."""
    kafka, deaths = lived_through(("redo.written", 2), (again, 1), (again, 1))
    assert deaths == 3
    assert_same(kafka, undisturbed)


@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_batch_that_is_too_large_for_one_row_is_whole_or_not_there(
    number: int, monkeypatch: pytest.MonkeyPatch, undisturbed: Cluster
) -> None:
    """Its rows are many, and it may die between any two of them: what stands alone is nothing, and is cleared away."""
    monkeypatch.setattr("sla_monitor.wire.own_rows.CHUNK_BYTES", 200)
    monkeypatch.setattr(Builder, "append", _full_with_one)
    send_batch, left = PlainProducer.send_batch, number

    async def dies(self: PlainProducer, batch: Builder, topic: str, *, partition: int) -> Any:
        nonlocal left
        left -= any(key.startswith(REDO_PREFIX) and value is not None for key, value, _ in batch.values if key)
        if left == 0:
            left = -1
            raise Died
        return await send_batch(self, batch, topic, partition=partition)

    monkeypatch.setattr(PlainProducer, "send_batch", dies)
    kafka, deaths = lived_through()
    assert deaths == 1
    assert_same(kafka, undisturbed)


def _full_with_one(self: Builder, *, key: Any, value: Any, timestamp: None, headers: Any) -> object:  # noqa: ARG001
    if self.values:
        return None
    self.values.append((key, value, headers))
    return self


# --- one worker --------------------------------------------------------------------------------------------------


async def _open(log: Log, epoch: int) -> tuple[AtLeastOnceJournal, Partition]:
    async def nowhere(_place: TopicPartition, _offset: int) -> None:
        pass

    journal, partition = AtLeastOnceJournal(SETTINGS, log, 0, epoch=epoch, commit_input=nowhere), Partition(0, RULES)
    await journal.open(partition)
    return journal, partition


async def _log() -> Log:
    log = Log(SETTINGS)
    await log.start()
    return log


def test_who_was_frozen_stops_at_its_next_step() -> None:
    """Another worker has taken over meanwhile: what is in memory here must not be written."""

    async def scenario(kafka: Cluster) -> None:
        log = await _log()
        frozen, partition = await _open(log, 1)
        await _open(log, 2)
        partition.advance(clock(1))
        before = kafka.log(ROWS).end
        with pytest.raises(Fatal, match="another worker has taken over, epoch 2"):
            await frozen.commit(partition.mark())
        with pytest.raises(Fatal, match="another worker has taken over, epoch 2"):
            await _open(log, 1)
        assert [entry.key for entry in kafka.log(ROWS).entries[before:]] == [OWNER_KEY]

    in_memory_kafka(scenario)


def test_transactions_are_not_mixed_with_a_batch_that_is_not_done() -> None:
    """The journal with transactions would not send what was decided: it says who can."""

    async def scenario(kafka: Cluster) -> None:
        crash.at_points(dying(("redo.written", 1)))
        with pytest.raises(Died):
            await _tell_story(kafka)
        log = await _log()
        with pytest.raises(UnsafeState, match="SLA_JOURNAL=at_least_once"):
            await TransactionalJournal(SETTINGS, log, 0, wall=lambda: 0.0).open(Partition(0, RULES))
        await _tell(kafka, log, 2)
        await TransactionalJournal(SETTINGS, log, 0, wall=lambda: 0.0).open(Partition(0, RULES))

    try:
        in_memory_kafka(scenario)
    finally:
        crash.at_points(None)


async def _tell_story(kafka: Cluster) -> None:
    for key, value in STORY:
        kafka.log(INPUT).append(key, value, () if value is None else STRUCTURED)
    await _tell(kafka, await _log(), 1)


def test_a_worker_with_transactions_ends_one_without() -> None:
    """It cannot fence it, so it takes its row away; whoever has it stops at the next look, and at the next beat."""

    async def scenario(kafka: Cluster) -> None:
        log = await _log()
        owner = Ownership(SETTINGS, log)
        await owner.take()
        journal, partition = await _open(log, owner.epoch)
        await journal.commit(partition.mark())
        await TransactionalJournal(SETTINGS, log, 0, wall=lambda: 0.0).open(Partition(0, RULES))
        with pytest.raises(Fatal, match="a worker with transactions has taken over"):
            await journal.commit(partition.mark())
        with pytest.raises(Fatal, match="a worker with transactions has taken over"):
            await owner.beat()
        assert [entry.value for entry in kafka.log(ROWS).entries if entry.key == OWNER_KEY][-1] is None
        successor = Ownership(SETTINGS, await _log())
        await successor.take()
        assert successor.epoch == 1

    in_memory_kafka(scenario)


def owners(scenario: Callable[[Callable[[], Coroutine[Any, Any, Ownership]]], Coroutine[Any, Any, None]]) -> None:
    """Each has a log of its own, as another process has."""

    async def candidate() -> Ownership:
        return Ownership(SETTINGS, await _log())

    async def alone(_kafka: Cluster) -> None:
        await scenario(candidate)

    in_memory_kafka(alone)


def test_a_second_worker_refuses_while_the_first_lives() -> None:
    """Also long after it has started."""

    async def scenario(candidate: Callable[[], Coroutine[Any, Any, Ownership]]) -> None:
        first, second = await candidate(), await candidate()
        await first.take()
        beating = asyncio.ensure_future(first.keep())
        await asyncio.sleep(60)
        with pytest.raises(RefuseToStart, match="another worker of sla-monitor is running"):
            await second.take()
        beating.cancel()

    owners(scenario)


def test_after_an_orderly_end_the_next_one_starts_at_once() -> None:
    """And has a higher epoch."""

    async def scenario(candidate: Callable[[], Coroutine[Any, Any, Ownership]]) -> None:
        first, second = await candidate(), await candidate()
        await first.take()
        await first.release()
        began = asyncio.get_running_loop().time()
        await second.take()
        assert asyncio.get_running_loop().time() - began < BEAT_SECONDS
        assert second.epoch == 2

    owners(scenario)


def test_who_died_is_succeeded_once_it_has_missed_its_beats() -> None:
    """And should it come back, it stops."""

    async def scenario(candidate: Callable[[], Coroutine[Any, Any, Ownership]]) -> None:
        first, second = await candidate(), await candidate()
        await first.take()
        for _ in range(3):
            await first.beat()
        began = asyncio.get_running_loop().time()
        await second.take()
        assert asyncio.get_running_loop().time() - began >= WATCH_SECONDS
        assert second.epoch == first.epoch + 1
        with pytest.raises(Fatal, match="has taken over"):
            await first.beat()

    owners(scenario)


def test_of_two_that_start_together_one_refuses() -> None:
    """Whoever's row stands first has it."""

    async def scenario(candidate: Callable[[], Coroutine[Any, Any, Ownership]]) -> None:
        both = await candidate(), await candidate()
        ends = await asyncio.gather(*(one.take() for one in both), return_exceptions=True)
        assert {type(end) for end in ends} == {type(None), RefuseToStart}

    owners(scenario)
