"""Which partitions are ours, and their shards: made on assignment, suspended on revocation, closed when they are gone.

Revocation is eager: every rebalance revokes everything and mostly gives it back. So a revoked shard only suspends;
what does not come back is closed, all in parallel.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import structlog
from aiokafka import TopicPartition

from sla_monitor.engine.records import Record
from sla_monitor.engine.shard import OPENING, Shard, Surroundings

CLOSE_SECONDS = 3.0

_log = structlog.get_logger("sla_monitor.assignment")


class Assignment:
    """`failed` is called with the error of a shard that ended by one; it must end the process."""

    def __init__(self, topic: str, surroundings: Surroundings, failed: Callable[[BaseException], None]) -> None:
        self._topic, self._surroundings, self._failed = topic, surroundings, failed
        self._shards: dict[int, Shard] = {}
        self._tasks: dict[Shard, asyncio.Task[None]] = {}
        self._revoked: set[int] = set()
        self._closed = False
        self.joined = False

    @property
    def shards(self) -> list[Shard]:
        return list(self._shards.values())

    def deliver(self, partition: int, records: list[Record]) -> None:
        """Hand a fetched batch to its shard. Never waits; a batch for a partition that is not ours is dropped."""
        shard = self._shards.get(partition)
        if shard is not None and partition not in self._revoked and records:
            shard.offer(records)

    async def revoked(self, partitions: Iterable[int]) -> None:
        """Each ends its transaction under way. One that hangs must not hold up the group: its successor fences it."""
        leaving = [self._shards[number] for number in partitions if number in self._shards]
        self._revoked.update(shard.partition for shard in leaving)
        if leaving:
            suspensions = [asyncio.ensure_future(shard.suspend()) for shard in leaving]
            await asyncio.wait(suspensions, timeout=CLOSE_SECONDS)

    async def assigned(self, partitions: Iterable[int]) -> None:
        """The new assignment: known shards go on, new ones open in the background, the others close.

        Those that stay come first, before anything is awaited: Faust fetches for them while the others still close,
        and what is delivered to a shard that is not there or not resumed would be lost.
        """
        if self._closed:
            return
        ours = set(partitions)
        leaving = [shard for number, shard in self._shards.items() if number not in ours]
        self.joined = True
        self._revoked.clear()
        for number in sorted(ours):
            shard = self._shards.get(number)
            if shard is not None:
                shard.resume()
            else:
                self._open(number)
        await self._close(leaving)

    def _open(self, number: int) -> None:
        shard = Shard(TopicPartition(self._topic, number), self._surroundings)
        self._shards[number] = shard
        task = asyncio.get_running_loop().create_task(shard.run(), name=f"shard-{number}")
        self._tasks[shard] = task
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)

    async def close(self) -> None:
        """All of them: the worker stops. A rebalance that is under way opens nothing any more."""
        self._closed = True
        await self._close(self.shards)

    async def _close(self, leaving: list[Shard]) -> None:
        for shard in leaving:
            del self._shards[shard.partition]
        await asyncio.gather(*(self._close_one(shard) for shard in leaving))

    async def _close_one(self, shard: Shard) -> None:
        """A transaction that does not end in time is left open; the next owner's fencing aborts it."""
        task = self._tasks.pop(shard)
        try:
            if shard.state == OPENING:
                task.cancel()
            await asyncio.wait_for(shard.close(), CLOSE_SECONDS)
        except TimeoutError:
            _log.warning("closed in the middle of a transaction", partition=shard.partition)
        finally:
            task.cancel()
            await asyncio.wait([task], timeout=1.0)
