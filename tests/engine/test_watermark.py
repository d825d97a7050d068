"""How far the input is known to be complete: asked for when, and only when, a deadline waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from sla_monitor.core.facts import SECOND
from sla_monitor.engine import watermark
from sla_monitor.engine.log import Log
from sla_monitor.engine.shard import Shard
from sla_monitor.engine.watermark import Watermarks
from tests.engine.fakes import FakeLog

WALL = 1_000.0


class WaitingShard:
    """A shard in which a deadline waits, or not."""

    def __init__(self, partition: int, due: int | None) -> None:
        self.topic_partition = TopicPartition("events", partition)
        self.due = due
        self.heads: list[tuple[int, int]] = []
        self.marks = 0
        self.looks = 0

    def look(self) -> None:
        self.looks += 1

    def fetch_again_if_starved(self) -> None:
        pass

    def wants_head(self, settled: int, *, anyway: bool = False) -> bool:
        return anyway or (self.due is not None and self.due <= settled)

    def head(self, instant: int, end: int) -> None:
        self.heads.append((instant, end))

    def mark(self) -> None:
        self.marks += 1


def watermarks(
    log: FakeLog, *shards: WaitingShard, wall: Callable[[], float] = lambda: WALL, settle: int = 2 * SECOND
) -> Watermarks:
    made = Watermarks(cast("Log", log), lambda: cast("list[Shard]", shards), wall, settle)
    made.skew = 0.0
    return made


def a_settable_clock(monkeypatch: pytest.MonkeyPatch) -> tuple[SimpleNamespace, FakeLog, WaitingShard, Watermarks]:
    """The clock is what the test sets it to; a deadline waits in the shard."""
    clock = SimpleNamespace(wall=WALL, monotonic=50.0)
    monkeypatch.setattr(watermark, "monotonic", lambda: clock.monotonic)
    log, shard = FakeLog(), WaitingShard(0, 5 * SECOND)
    return clock, log, shard, watermarks(log, shard, wall=lambda: clock.wall)


async def test_nothing_due_asks_nothing() -> None:
    """An idle worker sends no requests."""
    log = FakeLog()
    await watermarks(log, WaitingShard(0, None), WaitingShard(1, 999 * SECOND)).ask()
    assert log.asked == []


async def test_one_request_serves_all_partitions_that_wait() -> None:
    """Those with nothing due are left alone."""
    log = FakeLog()
    log.end = 42
    shards = [WaitingShard(0, 998 * SECOND), WaitingShard(1, None), WaitingShard(2, 5 * SECOND)]
    await watermarks(log, *shards).ask()
    assert [[each.partition for each in asked] for asked in log.asked] == [[0, 2]]
    assert [shard.heads for shard in shards] == [[(998 * SECOND, 42)], [], [(998 * SECOND, 42)]]


async def test_the_wall_time_is_noted_before_asking() -> None:
    """What was written after the question may be missing from the answer, so the answer is about the time before."""
    walls = iter([WALL, WALL + 30])
    shard = WaitingShard(0, 0)
    await watermarks(FakeLog(), shard, wall=lambda: next(walls)).ask()
    assert shard.heads == [(998 * SECOND, 0)]


async def test_nothing_fires_before_the_brokers_time_is_known() -> None:
    """A worker that starts with a wrong clock must not say a word by it."""
    log, shard = FakeLog(), WaitingShard(0, 0)
    marks = watermarks(log, shard)
    marks.skew = None
    await marks.ask(anyway=True)
    assert (marks.is_held, log.asked, shard.heads) == (False, [], [])


async def test_clocks_that_differed_are_compared_again_now_and_then() -> None:
    """One partition writes its row, and the answer tells the broker's time."""
    shards = [WaitingShard(0, None), WaitingShard(1, None)]
    marks = watermarks(FakeLog(), *shards)
    marks.skew = 3_600.0
    await marks.ask()
    assert [shard.marks for shard in shards] == [0, 0]
    await marks.ask(anyway=True)
    assert [shard.marks for shard in shards] == [1, 0]


@pytest.mark.parametrize("skew", [60.5, -60.5])
async def test_clocks_that_differ_too_much_fire_nothing(skew: float) -> None:
    """Above a minute, ahead or behind, a breach would be a guess."""
    log, shard = FakeLog(), WaitingShard(0, 0)
    marks = watermarks(log, shard)
    marks.skew = skew
    await marks.ask()
    assert (marks.is_held, log.asked, shard.heads) == (True, [], [])
    marks.skew = skew / 2
    await marks.ask()
    assert (marks.is_held, len(shard.heads)) == (False, 1)


async def test_a_broker_that_does_not_answer_only_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked again, a second later instead of at once; any other error goes up."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await asyncio.sleep(0)

    monkeypatch.setattr(watermark, "asyncio", SimpleNamespace(sleep=sleep))
    log, shard = FakeLog(), WaitingShard(0, 0)
    log.fails = [ZeroDivisionError(), KafkaConnectionError(), KafkaConnectionError()]
    with pytest.raises(ZeroDivisionError):
        await watermarks(log, shard).run()
    often = watermark.ASK_EVERY_SECONDS
    assert slept == [often, 1.0, often, 1.0, often]


async def test_now_and_then_everybody_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nothing is due: a consumer that has silently stopped must show as lag."""
    times = iter([0.0, 14.0, 16.0, 16.0, 17.0, 30.0, 32.0, 32.0])
    rounds: list[bool] = []

    async def sleep(_seconds: float) -> None:
        if len(rounds) == 5:
            raise asyncio.CancelledError

    async def ask(*, anyway: bool = False) -> None:
        rounds.append(anyway)

    monkeypatch.setattr(watermark, "asyncio", SimpleNamespace(sleep=sleep))
    monkeypatch.setattr(watermark, "monotonic", lambda: next(times))
    marks = watermarks(FakeLog())
    monkeypatch.setattr(marks, "ask", ask)
    with pytest.raises(asyncio.CancelledError):
        await marks.run()
    assert rounds == [False, True, False, False, True]


async def test_a_clock_that_was_set_must_be_known_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the first look after a jump of 200 s would fire what is due in three minutes: a commit is asked for first.
    A measurement that the jump fell into shows nothing; time that only passes is no jump."""
    clock, log, shard, marks = a_settable_clock(monkeypatch)
    await marks.ask()
    clock.wall, clock.monotonic = clock.wall + 30, clock.monotonic + 30
    await marks.ask()
    assert (len(log.asked), shard.marks) == (2, 0)
    clock.wall += 200
    await marks.ask()
    assert (len(log.asked), shard.marks) == (2, 1)
    clock.wall += 5
    marks.measured(0.1, took=1.0)
    assert marks.skew is None
    clock.wall, clock.monotonic = clock.wall + 3, clock.monotonic + 3
    marks.measured(205.0, took=1.0)
    await marks.ask()
    assert marks.is_held
    assert (len(log.asked), shard.marks) == (2, 1)


async def test_a_jump_that_a_look_saw_first_was_in_the_middle_of_the_commit_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The commit began before the jump and is answered after it: by its two readings the broker's time fits, whatever
    the clock shows now. Only one that began later tells."""
    clock, log, shard, marks = a_settable_clock(monkeypatch)
    await marks.ask()
    clock.wall, clock.monotonic = clock.wall + 200.1, clock.monotonic + 0.1
    await marks.ask()
    clock.wall, clock.monotonic = clock.wall + 0.1, clock.monotonic + 0.1
    marks.measured(0.0, took=0.3)
    assert marks.skew is None
    await marks.ask()
    assert (len(log.asked), shard.marks) == (1, 2)
    clock.wall, clock.monotonic = clock.wall + 0.1, clock.monotonic + 0.1
    marks.measured(200.0, took=0.1)
    assert marks.is_held
