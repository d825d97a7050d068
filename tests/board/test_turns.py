"""The board never keeps the worker's event loop: its work is cut into slices, one between two turns of all others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sla_monitor.board import index, own, turns
from sla_monitor.board.own import Own
from sla_monitor.board.query import parsed
from sla_monitor.board.turns import Turns
from tests.board.worker import Worker
from tests.engine.feeding import NINE

CASES = 60


@pytest.fixture(autouse=True)
def _one_step_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look at the time says that the slice is over: no clock decides what is seen here."""
    monkeypatch.setattr(turns, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(own, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(index, "CASES_AT_ONCE", 5)


def a_worker(partitions: int = 3) -> Worker:
    worker = Worker(count=partitions)
    for number in range(CASES):
        worker.of(f"case-{number}").open(f"case-{number}", NINE + number)
    return worker


async def turns_of_others(work: Callable[[], Awaitable[Any]]) -> int:
    """How often the loop has come round to somebody else while this was done."""
    count = 0

    async def other() -> None:
        nonlocal count
        while True:
            await asyncio.sleep(0)
            count += 1

    task = asyncio.create_task(other())
    await work()
    task.cancel()
    return count


async def test_the_first_look_gives_way_after_every_slice() -> None:
    """Sixty cases, each a slice: others had their turn at least as often."""
    held = Own(a_worker())
    assert await turns_of_others(held.overview) >= CASES
    held.close()


async def test_a_question_gives_way_on_its_walk_and_while_it_puts_it_in_words() -> None:
    """Twelve steps through the index and sixty clocks."""
    held = Own(a_worker())
    await held.overview()
    wanted = parsed([("limit", "200")])
    assert await turns_of_others(lambda: held.cases(wanted)) >= CASES + CASES // 5
    held.close()


async def test_a_case_that_has_not_changed_is_not_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second question costs a walk over fifty bytes a clock; one that was written is looked at once."""
    looked: list[bytes] = []
    look_at = index.Index._look_at

    def look(self: index.Index, key: bytes) -> None:
        looked.append(key)
        look_at(self, key)

    monkeypatch.setattr(index.Index, "_look_at", look)
    worker = a_worker()
    held = Own(worker)
    await held.overview()
    assert len(looked) == CASES
    worker.of("case-7").tell("case-7", "case.responded", NINE + 100)
    await held.overview()
    assert looked[CASES:] == [b"case-7"]
    held.close()


async def test_many_questions_at_once_take_one_slice_between_two_turns_of_others() -> None:
    """All slices go through one gate, and it opens only after everybody else had a turn: also between the last slice
    of one question and the first of another."""
    gate, slices = asyncio.Lock(), 0

    async def question(pauses: int) -> None:
        nonlocal slices
        work = Turns(gate)
        async with work:
            slices += 1
            for _ in range(pauses):
                await work.pause()
                slices += 1

    rounds = await turns_of_others(lambda: asyncio.gather(*(question(number % 3) for number in range(30))))
    assert slices == 60
    assert rounds >= slices
    assert not gate.locked()


async def test_a_question_that_is_given_up_leaves_the_gate_open() -> None:
    """Who asked has gone, in the middle of a slice or between two."""
    gate = asyncio.Lock()

    async def question() -> None:
        work = Turns(gate, rest=0.001)
        async with work:
            while True:
                await work.pause()

    tasks = [asyncio.create_task(question()) for _ in range(3)]
    for _ in range(5):
        await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert not gate.locked()


async def test_an_index_that_nobody_asks_for_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the partition keeps no list of changes for it any more."""
    worker = a_worker(1)
    held = Own(worker)
    await held.overview()
    kept = [worker.fed[0].partition.touched]
    held.forget_unused()
    kept.append(worker.fed[0].partition.touched)
    monkeypatch.setattr(own, "UNUSED_SECONDS", -1.0)
    held.forget_unused()
    kept.append(worker.fed[0].partition.touched)
    assert kept == [set(), set(), None]
    assert (await held.overview()).counts.open == CASES
    held.close()


async def test_lists_that_are_not_read_yet_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that takes longer than a question waits: the partition is being read, and the answer is incomplete."""
    monkeypatch.setattr(own, "READING_SECONDS_MAX", 0.0)
    held = Own(a_worker(1))
    first = await held.overview()
    assert (first.complete, first.partitions[0].state, first.counts.open) == (False, "restoring", 0)
    later = first
    while not later.complete:
        await asyncio.sleep(0)
        later = await held.overview()
    assert later.counts.open == CASES
    held.close()


async def test_a_partition_that_was_restored_anew_is_read_anew() -> None:
    """Its rows are others now; what was known of the old ones is worth nothing."""
    worker = a_worker(1)
    held = Own(worker)
    await held.overview()
    again = worker.fed[0].restarted()
    again.erase("case-1")
    worker.fed[0], worker.shards[0].content = again, again.partition
    assert (await held.overview()).counts.open == CASES - 1
    held.close()
