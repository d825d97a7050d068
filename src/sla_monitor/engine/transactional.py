"""The journal on Kafka transactions: rows, notices, dead letters and input offsets of a batch become visible together.

The producer's transactional id is the state topic and the partition, so starting it fences the last owner and ends
its open transaction (KIP-98). Only then is the state read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import ProducerFenced
from aiokafka.structs import RecordMetadata

from sla_monitor.config.settings import Settings
from sla_monitor.engine import crash, sending
from sla_monitor.engine.journal import Committed
from sla_monitor.engine.kafka import client_options
from sla_monitor.engine.log import Log
from sla_monitor.engine.opening import StateRows, name_of, restore, verify_position
from sla_monitor.engine.partition import Partition
from sla_monitor.engine.records import Batch
from sla_monitor.errors import Fenced, UnsafeState
from sla_monitor.wire.own_rows import OWNER_KEY

RETRY_BACKOFF_MS = 20  # 100, the default, makes the slowest percent of transactions take 130 ms instead of 50
TRANSACTION_TIMEOUT_MS = 60_000
REQUEST_TIMEOUT_MS = 20_000
STABLE_LOOKS_MAX = 200  # 200 x 50 ms = 10 s, not counting what a suspended process has slept through
LOOK_EVERY_SECONDS = 0.05
LOG_APPEND_TIME = 1


class TransactionalJournal:
    """See `Journal`."""

    def __init__(
        self, settings: Settings, log: Log, number: int, *, wall: Callable[[], float], accept_input_loss: bool = False
    ) -> None:
        self._settings, self._log, self._wall = settings, log, wall
        self._accept_input_loss = accept_input_loss
        self._events = TopicPartition(settings.topics.events, number)
        self._state = TopicPartition(settings.topics.state, number)
        self._state_end = 0
        self._producer: AIOKafkaProducer | None = None

    async def open(self, partition: Partition) -> int:
        await self._fence()
        try:
            self._state_end = await self._stable_end()
        except UnsafeState:
            # Somebody may have started after us and died in the middle of a transaction: a newer epoch ends it.
            await self.close()
            await self._fence()
            self._state_end = await self._stable_end()
        crash.point("open.stable")
        found = StateRows(partition)
        count = await restore(self._settings, self._state, self._state_end, found.take)
        if found.redo() is not None:
            raise UnsafeState(
                f"{name_of(self._state)}: a batch of the at-least-once journal is not done: let a worker with "
                "SLA_JOURNAL=at_least_once start once and end in order, then change the journal"
            )
        partition.restored()
        crash.point("open.restored")
        try:
            await verify_position(self._log, self._events, partition, accept_input_loss=self._accept_input_loss)
        except UnsafeState as unsafe:
            if await self.is_current():
                raise
            # The next owner has gone on while we were opening, so what we read is old: no reason to alarm anybody.
            raise Fenced(f"{name_of(self._state)}: another worker took this partition while it opened") from unsafe
        crash.point("open.verified")
        if found.epoch:  # of a worker without transactions: it cannot be fenced, so it is told
            await self.commit(Batch(rows=[(OWNER_KEY, None)]))
        return count

    async def _fence(self) -> None:
        self._producer = AIOKafkaProducer(
            **client_options(self._settings),
            transactional_id=f"{self._state.topic}-{self._state.partition}",
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            retry_backoff_ms=RETRY_BACKOFF_MS,
            max_batch_size=sending.BATCH_BYTES,
            max_request_size=sending.REQUEST_BYTES_MAX,
        )
        crash.point("open.begin")
        await self._producer.start()  # from here on the last owner is fenced
        crash.point("open.fenced")

    async def _stable_end(self) -> int:
        """Where the state ends, once the fenced owner's transaction is out of it."""
        for _ in range(STABLE_LOOKS_MAX):
            stable = (await self._log.ends([self._state]))[self._state]
            end = await self._log.high_watermark(self._state)
            if stable == end:
                return end
            await asyncio.sleep(LOOK_EVERY_SECONDS)
        raise UnsafeState(f"{name_of(self._state)}: an open transaction of somebody else hides the newest state")

    async def is_current(self) -> bool:
        return await self._log.high_watermark(self._state) <= self._state_end

    async def commit(self, batch: Batch) -> Committed:
        try:
            return await self._commit(batch)
        except ProducerFenced as fenced:
            raise Fenced(f"{name_of(self._state)}: another worker owns this partition now") from fenced

    async def _commit(self, batch: Batch) -> Committed:
        producer = self._opened()
        await producer.begin_transaction()
        crash.point("commit.begin")
        try:
            sent_at = self._wall()
            pending = await self._send_all(producer, batch)
            # Every one is awaited: Kafka would commit a transaction from which a refused batch is missing.
            written: list[RecordMetadata] = await asyncio.gather(*pending)
            answered_at = self._wall()
            crash.point("commit.acknowledged")
            if batch.next_offset is not None:
                await producer.send_offsets_to_transaction({self._events: batch.next_offset}, self._settings.group)
            crash.point("commit.offsets")
        except ProducerFenced:
            raise
        except BaseException:
            with suppress(Exception):  # a client whose sender has died would never answer
                await asyncio.wait_for(producer.abort_transaction(), sending.CLOSE_SECONDS)
            raise
        await producer.commit_transaction()
        crash.point("commit.done")
        ours = [record for record in written if record.topic == self._state.topic]
        if ours:
            self._state_end = _end_after(ours, len(batch.rows))
        return Committed(skew_seconds=_skew(written, sent_at, answered_at))

    async def _send_all(self, producer: AIOKafkaProducer, batch: Batch) -> sending.Pending:
        topics, number = self._settings.topics, self._state.partition
        pending: sending.Pending = []
        for topic, values, sent in (
            (topics.state, ((key, value, ()) for key, value in batch.rows), "commit.state"),
            (topics.notices, sending.notices_of(batch), "commit.notices"),
            (topics.dead, sending.dead_of(batch), "commit.dead"),
        ):
            pending += await sending.send(producer, topic, number, values)
            crash.point(sent)
        return pending

    def _opened(self) -> AIOKafkaProducer:
        if self._producer is None:
            raise RuntimeError("the journal is not open")
        return self._producer

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        await sending.close(producer)


def _end_after(written: list[RecordMetadata], rows: int) -> int:
    """Where the state ends if only we wrote: `offset` is that of a batch's first record; one commit marker follows."""
    return min(record.offset for record in written) + rows + 1


def _skew(written: Iterable[RecordMetadata], sent_at: float, answered_at: float) -> float | None:
    """How far the broker's time lies outside of the interval in which it must have answered."""
    stamped = [record.timestamp for record in written if record.timestamp_type == LOG_APPEND_TIME]
    if not stamped or stamped[0] is None:
        return None
    broker = stamped[0] / 1_000
    if broker < sent_at:
        return sent_at - broker
    return min(0.0, answered_at - broker)
