"""One partition of a live deployment, cut so that its input, its state and what it said belong together.

The state says how far it is: an offset of the input and a watermark. Each notice and dead letter says the same of the
transaction it came in, and both only grow. So what belongs to the state is what says no more than the state does.

After the state is read, the ends of notices and dead letters are noted, open transactions included; all of them that
belong to the state are below, and are read once nothing below is open any more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from sla_monitor.config.settings import Settings
from sla_monitor.engine.kafka import client_options
from sla_monitor.engine.log import Log
from sla_monitor.engine.verify.evidence import Evidence
from sla_monitor.errors import UnsafeState
from sla_monitor.wire import rows
from sla_monitor.wire.outbound import position_of
from sla_monitor.wire.own_rows import is_of_a_case
from sla_monitor.wire.rows import NEVER, PARTITION_KEY, PartitionRow

FETCH_BYTES = 8 << 20
RECORDS_AT_ONCE = 5_000  # x ~1 KB = 5 MB
POLL_MS = 200
LOOK_AGAIN_SECONDS = 0.25
FIRING_SECONDS_MAX = 10.0  # several transactions may fire what one watermark has reached
OPEN_SECONDS_MAX = 75.0  # longer than the transaction time-out of a worker

Record = ConsumerRecord[bytes | None, bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Where the partition stands: everything up to `applied` is in it, and time up to `watermark`. `judged_at`: the
    instant up to which its notices must be there. The `_gone_to` fields say what retention has removed: records of the
    input up to this offset, or what was said of them; -1 where nothing is gone.
    """

    applied: int
    watermark: int
    judged_at: int
    reached: bool  # what `--until` asked for
    events_gone_to: int
    notices_gone_to: int
    dead_gone_to: int


class CutReader:
    """Reads one partition into `evidence`. Any method may raise KafkaError."""

    def __init__(
        self, settings: Settings, log: Log, reader: AIOKafkaConsumer, number: int, tell: Callable[[str, int], None]
    ) -> None:
        topics = settings.topics
        self._events, self._notices, self._state, self._dead = (
            TopicPartition(topic, number) for topic in (topics.events, topics.notices, topics.state, topics.dead)
        )
        self._log, self._reader, self._tell = log, reader, tell
        self._row = PartitionRow()
        self._state_read = 0
        self._input_end = 0

    async def read(self, evidence: Evidence, until: int | None, wait_seconds: float) -> Cut:
        """All of it. `until`: waits so long for the partition to get there."""
        reached = await self._read_state(evidence, until, wait_seconds)
        row = self._row
        ends = {each: await self._log.high_watermark(each) for each in (self._notices, self._dead)}
        dead_gone_to = await self._read_dead(evidence, await self._stable(self._dead, ends[self._dead]))
        notices_gone_to = await self._read_notices(evidence, await self._stable(self._notices, ends[self._notices]))
        events_gone_to = await self._read_events(evidence)
        return Cut(
            applied=row.applied,
            watermark=row.watermark,
            judged_at=row.watermark if until is None or not reached else max(row.watermark, until),
            reached=reached,
            events_gone_to=events_gone_to,
            notices_gone_to=notices_gone_to,
            dead_gone_to=dead_gone_to,
        )

    # --- the state ------------------------------------------------------------------------------------------------

    async def _read_state(self, evidence: Evidence, until: int | None, wait_seconds: float) -> bool:
        """The newest state, and newer ones until it has reached `until` and nothing is due; False if that takes too
        long.
        """
        began = time.monotonic()
        while True:
            await self._follow_state(evidence)
            waited = time.monotonic() - began
            next_due = min(evidence.next_due, self._moving_at(waited))
            reached = until is None or await self._has_reached(until, next_due)
            is_quiet = next_due > self._row.watermark or waited > max(FIRING_SECONDS_MAX, wait_seconds)
            if is_quiet and (reached or waited > wait_seconds):
                return reached
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    def _moving_at(self, waited: float) -> int:
        """When cases are taken over, which their rows do not say: while the worker is at it, or may be about to be."""
        row = self._row
        is_under_way = 0 < row.moving_at <= row.watermark
        return row.moving_at if is_under_way or (row.moving_at and waited < FIRING_SECONDS_MAX) else NEVER

    async def _has_reached(self, until: int, next_due: int) -> bool:
        """By its watermark, which is only written with something else: or nothing is due and all input is applied."""
        if self._row.watermark >= until:
            return True
        if next_due <= until or time.time() * 1_000_000 <= until:
            return False
        end = (await self._log.ends([self._events]))[self._events]
        following = max(self._row.applied + 1, await self._log.begin(self._events))
        return await self._log.first_record(self._events, following, end) is None

    async def _follow_state(self, evidence: Evidence) -> None:
        end = (await self._log.ends([self._state]))[self._state]
        async for records in self._between(self._state, self._state_read, end):
            evidence.add_rows(self._case_rows(records))
        self._state_read = end

    def _case_rows(self, records: list[Record]) -> Iterator[tuple[bytes, int | None, int]]:
        for record in records:
            if record.key == PARTITION_KEY:
                self._row = rows.decode_partition(record.value) if record.value else PartitionRow()
            elif record.key is not None and is_of_a_case(record.key):
                status, wake_at = rows.header(record.value) if record.value else (None, NEVER)
                yield record.key, status, wake_at

    # --- what was said --------------------------------------------------------------------------------------------

    def _belongs(self, record: Record) -> bool:
        """Said at or before the state; what says nothing of its position is from before there were any."""
        position = position_of(record.headers)
        return position is None or (position[0] <= self._row.applied and position[1] <= self._row.watermark)

    async def _read_notices(self, evidence: Evidence, end: int) -> int:
        def take(records: list[Record]) -> None:
            evidence.add_notices(
                (record.key, record.offset, record.timestamp, _applied(record), record.value)
                for record in records
                if self._belongs(record)
            )

        return await self._read_said(self._notices, end, take)

    async def _read_dead(self, evidence: Evidence, end: int) -> int:
        return await self._read_said(self._dead, end, lambda records: evidence.add_dead(self._letters(records)))

    async def _read_said(self, partition: TopicPartition, end: int, take: Callable[[list[Record]], None]) -> int:
        """Hands on what is left; returns up to which record of the input what was said may be gone."""
        begin = await self._log.begin(partition)
        gone_to = -1 if begin == 0 else self._row.applied  # unless what is left says more
        first = begin > 0
        async for records in self._between(partition, begin, end):
            if first:
                gone_to, first = _gone_to(records[0], gone_to), False
            take(records)
        return gone_to

    def _letters(self, records: list[Record]) -> Iterator[tuple[int, str]]:
        for record in records:
            offset, reason = _letter(record)
            if self._belongs(record) and (offset <= self._row.applied or position_of(record.headers)):
                yield offset, reason

    async def _stable(self, partition: TopicPartition, end: int) -> int:
        """Once nothing below `end` is open."""
        give_up_at = time.monotonic() + OPEN_SECONDS_MAX
        while (await self._log.ends([partition]))[partition] < end:
            if time.monotonic() > give_up_at:
                raise UnsafeState(f"{partition.topic}/{partition.partition}: an open transaction hides its end")
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        return end

    # --- the input ------------------------------------------------------------------------------------------------

    async def _read_events(self, evidence: Evidence) -> int:
        begin = await self._log.begin(self._events)
        async for records in self._between(self._events, begin, self._row.applied + 1):
            evidence.add_events(
                (record.key, record.offset, record.timestamp, record.value, _known(record.headers))
                for record in records
            )
        return begin - 1

    async def _between(self, partition: TopicPartition, begin: int, end: int) -> AsyncIterator[list[Record]]:
        """Committed records in [begin, end), which must be stable, in order; progress is told."""
        begin = max(begin, await self._log.begin(partition))
        if begin >= end:
            return
        self._reader.assign([partition])
        self._reader.seek(partition, begin)
        count = 0
        while await self._reader.position(partition) < end:
            fetched = await self._reader.getmany(partition, timeout_ms=POLL_MS, max_records=RECORDS_AT_ONCE)
            records = [record for record in fetched.get(partition, ()) if record.offset < end]
            if records:
                count += len(records)
                self._tell(partition.topic, count)
                yield records


def _known(headers: Sequence[tuple[str, bytes | None]]) -> list[tuple[str, bytes]]:
    """A header may have no value, whatever the client declares."""
    return [(name, text) for name, text in headers if text is not None]


def _applied(record: Record) -> int | None:
    position = position_of(record.headers)
    return None if position is None else position[0]


def _gone_to(first: Record, otherwise: int) -> int:
    """What was said of the input up to here may be gone, if this is the first that is left."""
    applied = _applied(first)
    return otherwise if applied is None else applied


def _letter(record: Record) -> tuple[int, str]:
    """Whose it is and why. The last header of a name counts: a dead letter that was sent again has two."""
    about = dict(record.headers)
    try:
        return int(about["dead-offset"]), about["dead-reason"].decode()
    except (KeyError, ValueError):
        return -1, "no dead-offset"


@asynccontextmanager
async def a_cut_reader(settings: Settings, number: int, tell: Callable[[str, int], None]) -> AsyncIterator[CutReader]:
    """Connected."""
    log = Log(settings)
    await log.start()
    reader = AIOKafkaConsumer(
        **client_options(settings),
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    try:
        await reader.start()
        yield CutReader(settings, log, reader, number, tell)
    finally:
        await reader.stop()
        await log.stop()
