"""What a shard has around it, without Kafka: a journal and a log that obey the test."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, cast

from aiokafka import TopicPartition

from sla_monitor.engine.journal import Committed
from sla_monitor.engine.log import Log
from sla_monitor.engine.partition import Partition, Rules
from sla_monitor.engine.records import Batch, Record
from sla_monitor.engine.shard import Surroundings
from tests.engine.feeding import A_CASE, NINE, RULES, event


class FakeJournal:
    """Opens and commits when its gates are open."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.may_open, self.may_commit = asyncio.Event(), asyncio.Event()
        self.may_open.set()
        self.may_commit.set()
        self.current = True
        self.opened = self.closed = 0
        self.committed: list[Batch] = []
        self.fails: BaseException | None = None

    async def open(self, partition: Partition) -> int:
        await self.may_open.wait()
        partition.restored()
        self.opened += 1
        return 0

    async def is_current(self) -> bool:
        return self.current

    async def commit(self, batch: Batch) -> Committed:
        await self.may_commit.wait()
        if self.fails is not None:
            raise self.fails
        self.committed.append(batch)
        return Committed(skew_seconds=None)

    async def close(self) -> None:
        self.closed += 1


class FakeLog:
    """Ends of partitions as the test sets them; nothing lies between what is delivered."""

    def __init__(self) -> None:
        self.end = 0
        self.asked: list[list[TopicPartition]] = []
        self.fails: list[BaseException] = []

    async def ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        self.asked.append(list(partitions))
        if self.fails:
            raise self.fails.pop()
        return dict.fromkeys(self.asked[-1], self.end)

    async def first_record(self, _partition: TopicPartition, _start: int, _end: int) -> Record | None:
        return None


class Around:
    """The surroundings of every shard of a worker, and what became of them."""

    def __init__(self, rules: Rules = RULES) -> None:
        self.journals: dict[int, list[FakeJournal]] = {}
        self.log = FakeLog()
        self.opens_at_once = True
        self.wall = NINE / 1_000_000
        self.surroundings = Surroundings(
            rules=lambda: rules,
            log=cast("Log", self.log),
            journal=self._journal,
            wall=lambda: self.wall,
            settle=0,
            session_timeout=10.0,
            pause=_nothing,
            resume=_nothing,
            rewind=_nothing_later,
            committed=_nothing,
            restored=_nothing,
            fenced=_nothing,
        )

    def _journal(self, partition: int) -> FakeJournal:
        made = FakeJournal(partition)
        if not self.opens_at_once:
            made.may_open.clear()
        self.journals.setdefault(partition, []).append(made)
        return made


def _nothing(*_: Any) -> None:
    pass


async def _nothing_later(*_: Any) -> None:
    pass


async def settled() -> None:
    """Everybody who can go on without time passing has gone on."""
    for _ in range(50):
        await asyncio.sleep(0)


def opening(offset: int, case_id: str = "case-1") -> Record:
    value = event(case_id, "case.opened", NINE, "o", **A_CASE)
    return Record(offset, NINE // 1_000, case_id.encode(), value)
