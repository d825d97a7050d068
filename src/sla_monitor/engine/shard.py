"""One assigned partition at work: opened, fed, committed batch by batch, suspended at a rebalance, closed.

States: `opening` (fencing, restoring) → `catching_up` (until the end of the log as it was at opening) → `live`.
`suspended`: revoked, memory and producer kept in case the partition comes back. `tripped`: the breaker stopped it.

Over 300 lines: what may happen to a shard at any of its awaits has to be read in one place.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from time import monotonic

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from sla_monitor.core.facts import SECOND
from sla_monitor.engine import canonical, crash
from sla_monitor.engine.journal import Journal
from sla_monitor.engine.log import Log
from sla_monitor.engine.partition import Partition, Rules
from sla_monitor.engine.records import Batch, Record
from sla_monitor.errors import Fatal, Fenced
from sla_monitor.wire import standing
from sla_monitor.wire.rows import ENDED, OPEN, ORPHANED, QUARANTINED
from sla_monitor.wire.standing import Standing

QUEUED_RECORDS_MAX = 8_000  # 8,000 x ~600 B = 5 MB a partition; then fetching pauses
QUEUED_BYTES_MAX = 8 << 20
RESUME_BELOW = 0.5  # of either maximum
TRANSACTION_RECORDS_MAX = 2_000
TRANSACTION_BYTES_MAX = 2 << 20  # of input
TIMERS_PER_TRANSACTION_MAX = 1_000  # cases woken
SLICE_RECORDS = 200  # folded before other shards get a turn: 200 x ~100 us = 20 ms
STARVED_SECONDS = 5.0  # records are in the log and do not come: well above a long poll of 1.5 s
REWINDS_MAX = 3  # in a row without a record folded, after 5, 10 and 15 s; then the watchdog's 60 s begin
_log = structlog.get_logger("sla_monitor.shard")
OPENING, CATCHING_UP, LIVE, SUSPENDED, TRIPPED, CLOSED = (
    "opening",
    "catching_up",
    "live",
    "suspended",
    "tripped",
    "closed",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a shard needs of its worker. `wall` is in seconds since the epoch."""

    rules: Callable[[], Rules]  # as of now: a reload changes them
    log: Log
    journal: Callable[[int], Journal]
    wall: Callable[[], float]
    settle: int  # microseconds
    session_timeout: float  # seconds
    pause: Callable[[TopicPartition], None]
    resume: Callable[[TopicPartition], None]
    rewind: Callable[[TopicPartition, int], Awaitable[None]]  # fetch again from this offset on
    committed: Callable[[Batch, float, float | None], None]  # batch, seconds it took, skew
    restored: Callable[[float, int], None]
    fenced: Callable[[], None]


class Shard:
    """Runs as one task; everything it shares with others is set between its awaits."""

    def __init__(self, topic_partition: TopicPartition, surroundings: Surroundings) -> None:
        self.topic_partition = topic_partition
        self.partition = topic_partition.partition
        self._around = surroundings
        self._journal = surroundings.journal(self.partition)
        self.content = Partition(self.partition, surroundings.rules())
        self._queue: deque[Record] = deque()
        self._starts: set[int] = (
            set()
        )  # offsets at which a fetched batch begins: between batches anything may be missing
        self._queued_bytes = 0
        self._fetching_paused = False
        self._head: tuple[int, int] | None = None  # (watermark to reach, end of the log it needs)
        self._empty_until = 0  # no committed record in [next, here)
        self._record_at = -1  # a committed record is known to be here: no need to look again before it is folded
        self._work = asyncio.Event()
        self._resting = asyncio.Event()
        self._may_work = asyncio.Event()
        self._closing = False
        self._rewound = False  # batches fetched before the rewind may still arrive
        self._must_verify = False
        self._must_mark = False
        self._must_look = False
        self._must_rewind = False
        self._rewinds = 0  # since a record was folded
        self._is_stale = False  # fenced: memory and producer are worth nothing
        self._fenced_at: float | None = None
        self._look_again: asyncio.TimerHandle | None = None  # tripped: at the state, once a second
        self.moved_at = 0.0  # monotonic: the last time it made progress, or got work after a rest
        self.set_state(OPENING)
        self._may_work.set()

    # --- what others see ------------------------------------------------------------------------------------------

    def set_state(self, state: str) -> None:
        self.moved_at = monotonic()  # first, for the watchdog is another thread
        self.state = state
        self.state_since = self._around.wall()

    @property
    def lag_records(self) -> int:
        """Records known and not yet applied."""
        end = self._head[1] if self._head else self.content.next_offset
        return max(len(self._queue), end - self.content.next_offset) if end > self._empty_until else len(self._queue)

    @property
    def watermark(self) -> int | None:
        return self.content.row.watermark or None

    @property
    def cases_open(self) -> int:
        return self.content.counts[OPEN]

    @property
    def cases_ended(self) -> int:
        return self.content.counts[ENDED]

    @property
    def cases_orphaned(self) -> int:
        return self.content.counts[ORPHANED]

    @property
    def quarantined(self) -> int:
        return self.content.counts[QUARANTINED]

    @property
    def open_cases(self) -> Iterable[tuple[Standing, int]]:
        """How its open cases stand, and how many stand so."""
        packs = self.content.rules.packs
        return [(standing.read(said, packs), count) for said, count in self.content.standings.items()]

    @property
    def timers(self) -> int:
        return self.content.timers

    @property
    def next_due(self) -> int | None:
        return self.content.next_due

    @property
    def has_work(self) -> bool:
        busy = bool(self._queue) or self._head is not None or not self._resting.is_set()
        return self.state in {LIVE, CATCHING_UP} and busy

    def wants_head(self, settled: int, *, anyway: bool = False) -> bool:
        """Whether the end of the log should be asked for: something is due, or catching up must find its end.
        `anyway`: from time to time it is asked for all the same, so that records that never come are noticed.
        """
        if self._head is not None or self.state not in {LIVE, CATCHING_UP} or settled <= self.content.row.watermark:
            return False
        if anyway or self.state == CATCHING_UP:
            return True
        due = self.content.next_due
        return due is not None and due <= settled

    # --- what others do to it ---------------------------------------------------------------------------------------

    def offer(self, records: list[Record]) -> None:
        """Take a fetched batch. Never waits: above the bound, fetching this partition is paused."""
        self._wake_up()
        self._queue.extend(records)
        self._starts.add(records[0].offset)
        self._queued_bytes += sum(record.size for record in records)
        if len(self._queue) > QUEUED_RECORDS_MAX or self._queued_bytes > QUEUED_BYTES_MAX:
            self._fetching_paused = True
            self._around.pause(self.topic_partition)

    def head(self, watermark: int, end: int) -> None:
        """At the instant `watermark` (already less the settle time) the log ended at `end`."""
        if self._head is None and self.state in {LIVE, CATCHING_UP}:
            self._wake_up()
            self._head = (watermark, end)

    def mark(self) -> None:
        """Write the partition's row although nothing happened: the answer tells the broker's time."""
        self._must_mark = True
        self._wake_up()

    def look(self) -> None:
        """An operator may have written the state (a release): seen now, not only when a commit is refused."""
        self._must_look = True
        self._wake_up()

    def fetch_again_if_starved(self) -> None:
        """A batch may be dropped between rebalances while the client's position has moved on. Then nothing comes until
        something new is produced, so what is known to be missing is asked for again.
        """
        starved = self._head is not None and not self._queue and self._resting.is_set() and self._may_work.is_set()
        patience = STARVED_SECONDS * (1 + self._rewinds)
        if starved and self._rewinds < REWINDS_MAX and monotonic() - self.moved_at > patience:
            self._rewinds += 1
            self._must_rewind = True
            self._work.set()

    def _wake_up(self) -> None:
        """There will be work, before the next await. The watchdog must not see it with the time of the last rest."""
        if self._resting.is_set():
            self.moved_at = monotonic()
        self._work.set()

    def use(self, rules: Rules) -> None:
        """From the next record or deadline on."""
        self.content.use(rules)
        self._tell_missed()
        self.mark()

    def _tell_missed(self) -> None:
        """Not worth a refusal: nothing is decided wrongly, and the partition would stand still on every worker."""
        for version in sorted(self.content.missed):
            _log.error(
                "policy does not take over open cases: this partition came to its effective_from without it",
                version=version,
                partition=self.partition,
                remedy="give the open cases to a version with a later effective_from",
            )

    async def suspend(self) -> None:
        """Revoked: end the transaction under way, drop what is queued (it will be fetched again), keep the rest."""
        self._may_work.clear()
        self._work.set()
        self._forget_queue()
        crash.point("suspend.begin")
        if self.state == OPENING:
            return  # goes on opening; if the partition does not come back it is closed
        await self._resting.wait()
        if self.state in {LIVE, CATCHING_UP} and not self._may_work.is_set():  # else it came back meanwhile
            self.set_state(SUSPENDED)
        crash.point("suspend.rested")

    def resume(self) -> None:
        """Assigned again before it was closed."""
        self._forget_queue()
        self._rewound = True  # a batch fetched across the rebalance was dropped: the next may begin behind it
        self._must_verify = self.state != OPENING
        self._may_work.set()
        self._work.set()

    async def close(self) -> None:
        """End the transaction under way, leave the producer."""
        self._closing = True
        self._may_work.set()
        self._work.set()
        crash.point("close.begin")
        await self._resting.wait()
        crash.point("close.rested")
        await self._journal.close()
        crash.point("close.done")
        self.set_state(CLOSED)

    def _forget_queue(self) -> None:
        self._queue.clear()
        self._starts.clear()
        self._queued_bytes = 0
        self._fetching_paused = False  # a rebalance resumes fetching
        self._head = None

    # --- its task -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until closed. Errors other than one fencing go up and stop the process."""
        try:
            try:
                await self._open()
            except Fenced:
                await self._lose()
            while not self._closing:
                try:
                    await self._turn()
                except Fenced:
                    await self._lose()
        finally:
            self._resting.set()

    async def _open(self) -> None:
        began = monotonic()
        self.set_state(OPENING)
        self.content = Partition(self.partition, self._around.rules())
        self._is_stale = False
        self._record_at, self._head = -1, None
        self._rewound = True  # what was fetched meanwhile may begin elsewhere than the state goes on
        count = await self._journal.open(self.content)
        self._empty_until = self.content.row.empty_until  # retention may have taken it since
        self._around.restored(monotonic() - began, count)
        self._tell_missed()
        self.set_state(TRIPPED if self.content.row.tripped else CATCHING_UP)

    async def _lose(self) -> None:
        """Fenced. Revoked or closing meanwhile: whoever did it is the owner."""
        if self._closing:
            return
        if self._may_work.is_set():
            await self._reopen_once()
        else:
            self._is_stale = True
            self.set_state(SUSPENDED)

    async def _reopen_once(self) -> None:
        """Fenced while the partition is ours: somebody's late start. Twice within a session: we are the late one."""
        self._around.fenced()
        now = monotonic()
        if self._fenced_at is not None and now - self._fenced_at < self._around.session_timeout:
            raise Fatal(f"partition {self.partition}: fenced again within the session time-out")
        self._fenced_at = now
        await self._reopen()

    async def _reopen(self) -> None:
        """From the state as it is now; what was fetched before belongs to another position."""
        await self._journal.close()
        await self._open()
        await self._rewind()

    async def _rewind(self) -> None:
        self._forget_queue()
        if not self._may_work.is_set():
            return  # revoked: whoever gets it starts from the committed offset
        self._rewound = True
        await self._around.rewind(self.topic_partition, self.content.next_offset)
        self._around.resume(self.topic_partition)

    async def _turn(self) -> None:
        while not (self._work.is_set() and self._may_work.is_set()):
            self._resting.set()
            await self._work.wait()
            await self._may_work.wait()
        self._resting.clear()
        self._work.clear()
        if self._closing:
            return
        if self._must_verify:
            await self._verify()
            if not self._may_work.is_set():
                return  # revoked while opening anew
        if await self._began_anew():
            return
        if self._must_mark:
            await self._write(self.content.mark())
        if self.state == TRIPPED:
            await self._wait_for_release()
            return
        await self._fold_queued()
        more = await self._fire_due()
        if self._queue or more:
            self._work.set()
        self.moved_at = monotonic()

    async def _began_anew(self) -> bool:
        """Whether others have asked for a look at the state, and it has changed, or for records that do not come."""
        look, self._must_look = self._must_look, False
        rewind, self._must_rewind = self._must_rewind, False
        if look and self.state in {LIVE, CATCHING_UP} and await self._was_written_by_others():
            await self._lose()
            return True
        if rewind:
            await self._rewind()
        return rewind

    async def _was_written_by_others(self) -> bool:
        """A broker that does not answer only delays the answer: somebody asks again."""
        try:
            return not await self._journal.is_current()
        except KafkaError:
            return False

    async def _verify(self) -> None:
        """Back from a suspension: memory is valid if nobody else wrote meanwhile."""
        self._must_verify = False
        if not self._is_stale and await self._journal.is_current():
            self.set_state(TRIPPED if self.content.row.tripped else CATCHING_UP)
            crash.point("resume.verified")
        else:
            await self._journal.close()
            await self._open()

    async def _wait_for_release(self) -> None:
        """Tripped: nothing is read or fired until an operator writes the partition's row anew."""
        self._forget_queue()
        self._around.pause(self.topic_partition)  # a rebalance resumes it; the next look pauses it again
        if await self._journal.is_current():
            if self._look_again is not None:
                self._look_again.cancel()
            self._look_again = asyncio.get_running_loop().call_later(1.0, self._work.set)
            return
        await self._reopen()

    async def _fold_queued(self) -> None:
        """One transaction's worth of records."""
        if not self._queue:
            return
        folded = folded_bytes = 0
        now = self._now()  # once a slice: what is said in it is emitted at one instant
        while self._queue and folded < TRANSACTION_RECORDS_MAX and folded_bytes < TRANSACTION_BYTES_MAX:
            if (offset := self._queue[0].offset) in self._starts:
                self._starts.discard(offset)
                goes_on = await self._goes_on_at(offset)
                if not self._queue or self._queue[0].offset != offset:
                    break  # revoked meanwhile, or assigned anew
                if not goes_on:
                    await self._rewind()
                    break
            record = self._queue.popleft()
            size = record.size
            self._queued_bytes -= size
            crash.point("fold.before")
            self.content.fold(record, now)
            crash.point("fold.after")
            self._rewinds = 0
            folded += 1
            folded_bytes += size
            if self.content.breaker.tripped:
                break
            if folded % SLICE_RECORDS == 0:
                await asyncio.sleep(0)
                now = self._now()
        await self._commit()
        if self.content.row.tripped:
            self.set_state(TRIPPED)
            self._work.set()
        self._resume_fetching()

    async def _goes_on_at(self, offset: int) -> bool:
        """A batch must go on where the last one ended; a gap may hold only what nobody committed. False for a batch
        fetched before a rewind; Fatal if a record was never delivered.
        """
        following = max(self.content.next_offset, self._empty_until)
        if offset > following:
            missed = await self._around.log.first_record(self.topic_partition, following, offset)
            if missed is not None and self._rewound:
                return False
            if missed is not None:
                raise Fatal(
                    f"partition {self.partition}: fetched offset {offset}, but {missed.offset} was never delivered"
                )
        self._rewound = False
        return True

    def _resume_fetching(self) -> None:
        below = RESUME_BELOW * QUEUED_RECORDS_MAX, RESUME_BELOW * QUEUED_BYTES_MAX
        if self._fetching_paused and len(self._queue) <= below[0] and self._queued_bytes <= below[1]:
            self._fetching_paused = False
            self._around.resume(self.topic_partition)

    async def _fire_due(self) -> bool:
        """Move the watermark if the log up to it is folded, and fire what it has reached; True if more is due."""
        if self.state == TRIPPED:
            return False
        head = self._head
        if head is not None and await self._is_complete(head[1]) and self._head is head:
            self.content.advance(head[0])
            self._head = None
            crash.point("watermark.moved")
            if self.state == CATCHING_UP:
                self.set_state(LIVE)
        due = self.content.next_due
        if due is None or due > self.content.row.watermark:
            return False
        more = self.content.fire(self._now(), TIMERS_PER_TRANSACTION_MAX)
        crash.point("fire.after")
        await self._commit()
        return more

    async def _is_complete(self, end: int) -> bool:
        """Whether every committed record below `end` is folded. What lies between is read once and remembered."""
        following = max(self.content.next_offset, self._empty_until)
        if following >= end:
            return True
        if self._queue or self._record_at >= following:
            return False
        found = await self._around.log.first_record(self.topic_partition, following, end)
        if found is None:
            self._empty_until = self.content.row.empty_until = end
            self.mark()  # or retention would take what is there, and the next owner miss it
            return True
        self._record_at = found.offset
        return False

    async def _commit(self) -> None:
        batch = self.content.take()
        if not batch.is_empty:
            await self._write(batch)

    async def _write(self, batch: Batch) -> None:
        began = monotonic()
        done = await self._journal.commit(batch)
        seconds = monotonic() - began
        self._must_mark = False  # each batch has the partition's row
        self._around.committed(batch, seconds, done.skew_seconds)
        canonical.tell(self.partition, batch, seconds, done.skew_seconds)
        crash.point("commit.noted")

    def _now(self) -> int:
        return int(self._around.wall() * SECOND)
