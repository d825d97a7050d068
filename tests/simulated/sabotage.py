"""Ways to break the worker that the schedules must notice: each takes one rule away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

from aiokafka import TopicPartition
from aiokafka.structs import RecordMetadata

from sla_monitor.engine import sending
from sla_monitor.engine.journal import Committed
from sla_monitor.engine.partition import Partition
from sla_monitor.engine.records import Batch
from sla_monitor.engine.shard import Shard
from sla_monitor.engine.transactional import TransactionalJournal
from tests.simulated.world import World

NOWHERE = TopicPartition("", 0)
Sabotage = Callable[[World], AbstractContextManager[Any]]


@contextmanager
def without_fencing(world: World) -> Iterator[None]:
    """A producer that started earlier goes on."""
    world.kafka.has_fencing = False
    yield


@contextmanager
def deaf_to_refusals(world: World) -> Iterator[None]:
    """What becomes of a sent batch is not looked at."""
    world.kafka.refusals = 0.05
    send = sending.send

    async def sent(*given: Any) -> list[asyncio.Future[RecordMetadata]]:
        return [asyncio.ensure_future(_whatever(future)) for future in await send(*given)]

    with patch.object(sending, "send", sent):
        yield


async def _whatever(future: asyncio.Future[RecordMetadata]) -> RecordMetadata:
    (answer,) = await asyncio.gather(future, return_exceptions=True)
    return answer if isinstance(answer, RecordMetadata) else RecordMetadata("", 0, NOWHERE, 0, 0, 0, 0)


@contextmanager
def by_the_wall(_: World) -> Iterator[None]:
    """The watermark does not wait for what lies unread in the log."""

    async def always(*_: Any) -> bool:
        return True

    with patch.object(Shard, "_is_complete", always):
        yield


def _after_opening(change: Callable[[Partition], None]) -> AbstractContextManager[Any]:
    opens = TransactionalJournal.open

    async def opened(self: TransactionalJournal, partition: Partition) -> int:
        count = await opens(self, partition)
        change(partition)
        return count

    return patch.object(TransactionalJournal, "open", opened)


def forgetting_its_position(_: World) -> AbstractContextManager[Any]:
    """After a takeover the worker folds what it gets, from the start of the input if it gets that."""

    def forget(partition: Partition) -> None:
        partition.row.applied = -1

    return _after_opening(forget)


def forgetting_its_watermark(_: World) -> AbstractContextManager[Any]:
    """After a takeover the new worker's clock decides, however slow it is."""

    def forget(partition: Partition) -> None:
        partition.row.watermark = 0

    return _after_opening(forget)


@contextmanager
def offsets_apart(_: World) -> Iterator[None]:
    """The position is committed with the next transaction instead of its own."""
    commit = TransactionalJournal.commit
    late: dict[int, int | None] = {}

    async def committed(self: TransactionalJournal, batch: Batch) -> Committed:
        number = self._events.partition
        batch.next_offset, late[number] = late.get(number), batch.next_offset
        return await commit(self, batch)

    with patch.object(TransactionalJournal, "commit", committed):
        yield


def trusting_its_memory(_: World) -> AbstractContextManager[Any]:
    """A partition that comes back is taken up as it was, whoever had it meanwhile."""

    async def always(_self: TransactionalJournal) -> bool:
        return True

    return patch.object(TransactionalJournal, "is_current", always)
