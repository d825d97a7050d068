"""The journal against the in-memory Kafka, where the order of two steps is the example."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from aiokafka import TopicPartition

from sla_monitor.engine import crash, transactional
from sla_monitor.engine.log import Log
from sla_monitor.engine.partition import Partition
from sla_monitor.engine.transactional import TransactionalJournal
from sla_monitor.errors import Fenced, UnsafeState
from tests.engine.feeding import RULES
from tests.simulated.kafka import Cluster, Transaction
from tests.simulated.schedule import in_memory
from tests.simulated.scheduler import Loop
from tests.simulated.world import EVENTS, SETTINGS, STATE, World

INPUT, ROWS = TopicPartition(EVENTS, 0), TopicPartition(STATE, 0)


def opened(at: str, happens: Callable[[Cluster], None]) -> None:
    """A journal opens, and something happens meanwhile."""
    chance = Random(0)
    loop = Loop(chance)
    world = World(loop, chance, 1, TransactionalJournal)
    world.kafka.calm = True

    def reached(name: str) -> None:
        if name == at:
            happens(world.kafka)

    async def scenario() -> None:
        log = Log(SETTINGS)
        await log.start()
        await TransactionalJournal(SETTINGS, log, 0, wall=loop.time).open(Partition(0, RULES))

    crash.at_points(reached)
    try:
        with in_memory(world):
            loop.run(scenario())
    finally:
        crash.at_points(None)


def test_a_successor_that_is_ahead_is_a_fencing() -> None:
    """A worker that slept between reading the state and checking the position must not call for an operator."""

    def succeeded(kafka: Cluster) -> None:
        kafka.log(INPUT).append(b"case", b"{}")
        kafka.log(ROWS).append(b"case", b"row")
        kafka.offsets[INPUT] = 1

    with pytest.raises(Fenced, match="took this partition while it opened"):
        opened("open.restored", succeeded)


def test_an_offset_ahead_of_a_state_that_nobody_wrote_is_unsafe() -> None:
    """Then some of the state is lost."""

    def moved(kafka: Cluster) -> None:
        kafka.log(INPUT).append(b"case", b"{}")
        kafka.offsets[INPUT] = 1

    with pytest.raises(UnsafeState, match="ahead of the state"):
        opened("open.restored", moved)


def test_what_a_process_sleeps_through_is_no_wait() -> None:
    """A worker paused for an hour while it opens looks again before it gives up on another's open transaction."""
    others = Transaction("another")

    def slept(kafka: Cluster) -> None:
        kafka.log(ROWS).append(b"case", b"row", transaction=others)
        kafka.loop.later(3_600.2, kafka._finish, others, "aborted")
        kafka.loop.later(0.01, kafka.loop.sleep_through, 3_600)

    opened("open.fenced", slept)


def test_who_starts_later_and_dies_in_a_transaction_is_fenced_in_turn() -> None:
    """A partition went to another worker and came back while it still opened here: nobody else ends what that left."""
    taken = iter([True])

    def take(kafka: Cluster) -> None:
        if next(taken, False):
            identity = f"{STATE}-0"
            epoch = kafka.start_producer(identity)
            kafka.produce(identity, epoch, "another", ROWS, [(b"case", b"row", ())])

    opened("open.fenced", take)


def test_a_transaction_that_stays_open_is_unsafe() -> None:
    """For ten seconds it is waited for, and once more after another fencing."""
    with pytest.raises(UnsafeState, match="hides the newest state"):
        opened("open.fenced", _stays_open)
    assert pytest.approx(10) == transactional.STABLE_LOOKS_MAX * transactional.LOOK_EVERY_SECONDS


def _stays_open(kafka: Cluster) -> None:
    """Of a producer with an id of its own: nothing that a worker would do."""
    kafka.log(ROWS).append(b"case", b"row", transaction=Transaction("another"))
