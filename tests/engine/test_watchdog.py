"""The watchdog ends a process that hangs, and no other."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import cast

import pytest
from aiokafka import TopicPartition

from sla_monitor.engine import shard as shards
from sla_monitor.engine import watchdog
from sla_monitor.engine.shard import CATCHING_UP, OPENING, Shard
from sla_monitor.engine.watchdog import Watchdog, end_process
from sla_monitor.errors import EXIT_FATAL
from tests.engine.fakes import Around, opening, settled


class Clock:
    """A monotonic clock that the test turns."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(watchdog, "time", SimpleNamespace(monotonic=made))
    monkeypatch.setattr(shards, "monotonic", made)
    return made


@dataclass
class StandingShard:
    """A shard as the watchdog sees it."""

    partition: int
    has_work: bool
    moved_at: float


class Ended(Exception):
    """The process would have ended."""


def dog(watched: Iterable[object] = (), stalls: list[float] | None = None) -> Watchdog:
    """With a session time-out of ten seconds."""

    def end(reason: str) -> None:
        raise Ended(reason)

    said = [] if stalls is None else stalls
    return Watchdog(10.0, lambda: cast("list[Shard]", list(watched)), said.append, end)


def test_a_loop_that_turns_is_left_alone(clock: Clock) -> None:
    """Every look tells how long the loop has been silent; up to the session time-out nothing happens."""
    stalls: list[float] = []
    watching = dog(stalls=stalls)
    clock.now += 10.0
    watching.look()
    watching.beat()
    clock.now += 1.0
    watching.look()
    assert stalls == [10.0, 1.0]


def test_a_loop_that_stalls_longer_than_the_session_ends_the_process(clock: Clock) -> None:
    """Faust's heartbeats come from another thread: Kafka would never take the partitions from it."""
    watching = dog()
    clock.now += 10.1
    with pytest.raises(Ended, match=r"stalled for 10\.1 s"):
        watching.look()


def test_a_partition_with_records_that_does_not_move_ends_the_process(clock: Clock) -> None:
    """After a minute, with its number in the reason."""
    watching = dog([StandingShard(3, has_work=True, moved_at=clock.now)])
    watching.look()
    clock.now += 60.0
    watching.beat()
    watching.look()
    clock.now += 0.5
    watching.beat()
    with pytest.raises(Ended, match="partition 3 "):
        watching.look()


def test_a_partition_without_work_may_rest_for_ever(clock: Clock) -> None:
    """Quiet is not stuck."""
    dog([StandingShard(0, has_work=False, moved_at=clock.now - 86_400)]).look()


async def test_work_after_a_long_rest_is_no_standstill(clock: Clock) -> None:
    """The thread may look at any moment: from the first one on which there is work, the time counts from then."""
    around = Around()
    shard = Shard(TopicPartition("events", 0), around.surroundings)
    running = asyncio.create_task(shard.run())
    watching = dog([shard])
    await settled()
    at_rest = not shard.has_work
    around.journals[0][0].may_commit.clear()
    clock.now += 3_600
    watching.beat()
    shard.offer([opening(0)])
    watching.look()
    await settled()
    assert (at_rest, shard.has_work) == (True, True)
    watching.look()
    clock.now += 61
    watching.beat()
    with pytest.raises(Ended, match="partition 0 "):
        watching.look()
    around.journals[0][0].may_commit.set()
    await settled()
    clock.now += 3_600
    watching.beat()
    shard.head(1, 1)
    watching.look()
    await shard.close()
    await running


async def test_a_long_opening_is_no_standstill(clock: Clock) -> None:
    """A restore of minutes is progress, and so is a release after hours of being tripped: a new state, a new count."""
    around = Around()
    around.opens_at_once = False
    shard = Shard(TopicPartition("events", 0), around.surroundings)
    running = asyncio.create_task(shard.run())
    watching = dog([shard])
    await settled()
    shard.offer([opening(0)])
    assert shard.state == OPENING
    clock.now += 300
    watching.beat()
    watching.look()
    around.journals[0][0].may_commit.clear()
    around.journals[0][0].may_open.set()
    await settled()
    assert shard.state == CATCHING_UP
    assert shard.has_work
    watching.look()
    around.journals[0][0].may_commit.set()
    await shard.close()
    await running


def test_the_clock_of_progress_is_set_before_there_is_work(clock: Clock) -> None:
    """The watchdog is a thread of its own: between two lines of `offer` it may look."""
    shard = Shard(TopicPartition("events", 0), Around().surroundings)
    shard.set_state(CATCHING_UP)
    shard._resting.set()
    seen: list[tuple[bool, float]] = []

    class Watched(list[object]):
        """Records of which somebody asks for the first one, as `offer` does."""

        def __iter__(self) -> object:  # type: ignore[override]
            seen.append((shard.has_work, clock.now - shard.moved_at))
            return super().__iter__()

    clock.now += 3_600
    shard.offer(Watched([opening(0)]))  # type: ignore[arg-type]
    assert shard.has_work
    assert [working for working, _ in seen] == [False, True]
    assert {standing for _, standing in seen} == {0.0}


def test_the_thread_looks_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """From its own thread, without the loop; stopped, it ends."""
    monkeypatch.setattr(watchdog, "LOOK_EVERY_SECONDS", 0.001)
    looked, threads = threading.Event(), list[str]()

    def stalled(_seconds: float) -> None:
        threads.append(threading.current_thread().name)
        looked.set()

    watching = Watchdog(10.0, list, stalled)
    watching.start()
    assert looked.wait(10)
    watching.stop()
    for thread in threading.enumerate():
        if thread.name == "watchdog":
            thread.join(10)
            assert not thread.is_alive()
    assert set(threads) == {"watchdog"}


def test_the_end_of_the_process_is_immediate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 70, without a shutdown that would still commit."""
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    end_process("a reason")
    assert codes == [EXIT_FATAL]
