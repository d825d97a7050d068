"""The journal for a broker without transactions: one worker, and nothing lost; after a crash some may be said twice,
each with the id it had.

A batch is written in steps, each acknowledged before the next: the whole batch as a redo row, then the rows of its
cases, then notices and dead letters, then the partition's row together with the end of the redo row, then the input
offset. Who finds a redo row writes what it holds once more. So a batch is decided once, and its steps may be repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.structs import RecordMetadata

from sla_monitor.config.settings import Settings
from sla_monitor.engine import crash, sending
from sla_monitor.engine.journal import Committed
from sla_monitor.engine.log import Log
from sla_monitor.engine.opening import StateRows, name_of, restore, verify_position
from sla_monitor.engine.ownership import owners_since, plain_producer, write_owner
from sla_monitor.engine.partition import Partition
from sla_monitor.engine.records import Batch
from sla_monitor.errors import Fatal
from sla_monitor.wire.own_rows import OwnerRow, Redo, encode_redo
from sla_monitor.wire.rows import PARTITION_KEY


class AtLeastOnceJournal:
    """See `Journal`. `epoch` is its worker's; `commit_input` is how the group's offset is committed."""

    def __init__(
        self,
        settings: Settings,
        log: Log,
        number: int,
        *,
        epoch: int,
        commit_input: Callable[[TopicPartition, int], Awaitable[None]],
        accept_input_loss: bool = False,
    ) -> None:
        self._settings, self._log, self._epoch, self._commit_input = settings, log, epoch, commit_input
        self._accept_input_loss = accept_input_loss
        self._events = TopicPartition(settings.topics.events, number)
        self._state = TopicPartition(settings.topics.state, number)
        self._batches = 0
        self._seen = 0  # every row below is known
        self._producer: AIOKafkaProducer | None = None

    async def open(self, partition: Partition) -> int:
        self._producer = plain_producer(self._settings)
        await self._producer.start()
        await write_owner(self._producer, self._state, OwnerRow(epoch=self._epoch, owner=""))
        crash.point("redo.opened")
        self._seen = await self._log.high_watermark(self._state)
        found = StateRows(partition)
        count = await restore(self._settings, self._state, self._seen, found.take)
        if found.epoch > self._epoch:
            raise self._overtaken(found.epoch)
        redo = found.redo()
        if redo is not None:
            for key, value in redo.rows:
                partition.restore(key, value)
        partition.restored()
        crash.point("redo.restored")
        await verify_position(self._log, self._events, partition, accept_input_loss=self._accept_input_loss)
        if redo is not None:
            await self._say(redo, found.redo_keys)
        elif found.redo_keys:
            await self._write((key, None) for key in found.redo_keys)  # it was never whole, so nothing followed
        crash.point("redo.repeated")
        await self._commit_input(self._events, partition.next_offset)  # the last owner may have died just before
        return count

    async def is_current(self) -> bool:
        await self._look()
        return True

    async def commit(self, batch: Batch) -> Committed:
        await self._look()
        crash.point("redo.looked")
        redo = _redo(batch)
        keys: list[bytes] = []
        if any(key != PARTITION_KEY for key, _ in batch.rows) or batch.notices or batch.dead:
            self._batches += 1
            chunks = encode_redo(redo, (self._epoch, self._batches))
            keys = [key for key, _ in chunks]
            await self._write(chunks)
            crash.point("redo.written")
        await self._say(redo, keys)
        if batch.next_offset is not None:
            await self._commit_input(self._events, batch.next_offset)
        crash.point("redo.offset")
        return Committed(skew_seconds=None)

    async def _say(self, redo: Redo, redo_keys: list[bytes]) -> None:
        """What follows the redo row, in any case from its start: who repeats it changes nothing."""
        topics = self._settings.topics
        await self._write((key, value) for key, value in redo.rows if key != PARTITION_KEY)
        crash.point("redo.rows")
        await self._send(topics.notices, redo.notices)
        crash.point("redo.notices")
        await self._send(topics.dead, redo.dead)
        crash.point("redo.dead")
        done = [(key, value) for key, value in redo.rows if key == PARTITION_KEY]
        await self._write([*done, *((key, None) for key in redo_keys)])  # one record batch: Kafka appends it whole
        crash.point("redo.done")

    async def _write(self, rows: Iterable[tuple[bytes, bytes | None]]) -> None:
        values: list[sending.Value] = [(key, value, ()) for key, value in rows]
        written = await self._send(self._state.topic, values)
        if len(written) == 1 and written[0].offset == self._seen:  # else the next look reads it
            self._seen += len(values)

    async def _send(self, topic: str, values: Iterable[sending.Value]) -> list[RecordMetadata]:
        pending = await sending.send(self._opened(), topic, self._state.partition, values)
        return list(await asyncio.gather(*pending))

    async def _look(self) -> None:
        """Fatal if a worker with a higher epoch has opened the partition: what is in memory here is worth nothing."""
        owners, self._seen = await owners_since(self._log, self._state, self._seen)
        for owner in owners:
            if owner.epoch > self._epoch:
                raise self._overtaken(owner.epoch)

    def _overtaken(self, epoch: int) -> Fatal:
        return Fatal(f"{name_of(self._state)}: another worker has taken over, epoch {epoch}")

    def _opened(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise RuntimeError("the journal is not open")
        return self._producer

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        await sending.close(producer)


def _redo(batch: Batch) -> Redo:
    return Redo(rows=batch.rows, notices=list(sending.notices_of(batch)), dead=list(sending.dead_of(batch)))
