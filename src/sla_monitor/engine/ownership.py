"""Who runs a deployment whose broker has no transactions: one worker, and it can prove it is the only one.

Partition 0 of the state topic has the owner's row. It is written anew every second; who wants to start watches it for
a while and refuses if it moves. Each start has a higher epoch, and an owner that sees one above its own stops. This
is weaker than fencing: between looking and writing there is a moment in which a worker that was frozen could still
write. So it is for demonstrations and development (ADR 0009).
"""

from __future__ import annotations

import asyncio
import itertools
import uuid

from aiokafka import AIOKafkaProducer, TopicPartition

from sla_monitor.config.settings import Settings
from sla_monitor.engine import sending
from sla_monitor.engine.kafka import client_options
from sla_monitor.engine.log import Log
from sla_monitor.engine.opening import name_of, restore
from sla_monitor.errors import Fatal, RefuseToStart
from sla_monitor.wire.own_rows import OWNER_KEY, OwnerRow, decode_owner, encode_owner

BEAT_SECONDS = 1.0
WATCH_SECONDS = 4.0  # longer than an owner may miss its beats while it lives
RECORDS_AT_ONCE = 1_000


def plain_producer(settings: Settings) -> AIOKafkaProducer:
    """One that needs nothing of a broker: idempotent ones ask for a producer id, as transactions do (KIP-98)."""
    return AIOKafkaProducer(
        **client_options(settings),
        acks="all",
        enable_idempotence=False,
        max_batch_size=sending.BATCH_BYTES,
        max_request_size=sending.REQUEST_BYTES_MAX,
    )


async def write_owner(producer: AIOKafkaProducer, state: TopicPartition, row: OwnerRow) -> None:
    """Acknowledged on return."""
    [written] = await sending.send(producer, state.topic, state.partition, [(OWNER_KEY, encode_owner(row), ())])
    await written


async def owners_since(log: Log, state: TopicPartition, seen: int) -> tuple[list[OwnerRow], int]:
    """The owner's rows from the offset `seen` on, and up to where there are no more. Fatal: a worker with transactions
    has ended them and runs the deployment.
    """
    end = await log.high_watermark(state)
    found: list[OwnerRow] = []
    while seen < end:
        records = await log.records(state, seen, end, records_max=RECORDS_AT_ONCE)
        rows = [each.value for each in records if each.key == OWNER_KEY]
        if None in rows:
            raise Fatal(f"{name_of(state)}: a worker with transactions has taken over")
        found += [decode_owner(row) for row in rows if row]
        seen = records[-1].offset + 1 if len(records) == RECORDS_AT_ONCE else end
    return found, seen


class Ownership:
    """Taken before the group is joined, kept while the worker runs, released at its end."""

    def __init__(self, settings: Settings, log: Log) -> None:
        self._settings, self._log = settings, log
        self._state = TopicPartition(settings.topics.state, 0)
        self._name = uuid.uuid4().hex
        self._row: OwnerRow | None = None
        self._seen = 0  # every row of partition 0 below this offset is known
        self._producer: AIOKafkaProducer

    @property
    def epoch(self) -> int:
        """Higher than that of any owner before."""
        if self._row is None:
            raise RuntimeError("nobody has taken the ownership")
        return self._row.epoch

    async def take(self) -> None:
        """RefuseToStart if another worker shows signs of life, or starts at the same moment and was first."""
        last = await self._last()
        if last is not None and not last.released:
            await self._watch(last)
        row = OwnerRow(epoch=last.epoch + 1 if last else 1, owner=self._name)
        self._producer = plain_producer(self._settings)
        await self._producer.start()
        await write_owner(self._producer, self._state, row)
        before = itertools.takewhile(lambda other: other.owner != self._name, await self._new())
        if any(other.epoch >= row.epoch for other in before):
            await self._producer.stop()
            raise RefuseToStart(self._refusal("has started at the same moment"))
        self._row = row

    async def keep(self) -> None:
        """Shows signs of life until it is cancelled. Fatal once another worker has taken over."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            await self.beat()

    async def beat(self) -> None:
        """One sign of life, after a look at who else gave one."""
        if self._row is None:
            return
        for other in await self._new():
            if other.epoch > self._row.epoch:
                raise Fatal(f"{self._settings.group}: another worker has taken over, epoch {other.epoch}")
        self._row = OwnerRow(epoch=self._row.epoch, owner=self._name, beat=self._row.beat + 1)
        await write_owner(self._producer, self._state, self._row)

    async def release(self) -> None:
        """The next one may start at once. Nothing happens if it was never taken."""
        row, self._row = self._row, None
        if row is None:
            return
        gone = OwnerRow(epoch=row.epoch, owner=self._name, beat=row.beat, released=True)
        await write_owner(self._producer, self._state, gone)
        await self._producer.stop()

    async def _last(self) -> OwnerRow | None:
        """The newest row. The whole partition is read: rows are few where this journal is for."""
        newest: list[OwnerRow] = []

        def take(key: bytes, value: bytes | None) -> None:
            if key == OWNER_KEY:
                newest[:] = [decode_owner(value)] if value else []

        self._seen = await self._log.high_watermark(self._state)
        await restore(self._settings, self._state, self._seen, take)
        return newest[0] if newest else None

    async def _watch(self, last: OwnerRow) -> None:
        looked = 0.0
        while looked < WATCH_SECONDS:
            await asyncio.sleep(BEAT_SECONDS / 2)
            looked += BEAT_SECONDS / 2
            rows = await self._new()
            if any(row.released and row.owner == last.owner for row in rows):
                return
            if rows:
                raise RefuseToStart(self._refusal("is running"))

    async def _new(self) -> list[OwnerRow]:
        found, self._seen = await owners_since(self._log, self._state, self._seen)
        return found

    def _refusal(self, what: str) -> str:
        return (
            f"SLA_GROUP: another worker of {self._settings.group} {what}. The at-least-once journal is for one worker: "
            "end the other, or use a broker with transactions and SLA_JOURNAL=transactional"
        )
