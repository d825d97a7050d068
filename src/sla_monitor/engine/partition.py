"""One partition's cases, timers and watermark, without any I/O: records and time in, a batch to write out.

The worker and `simulate` use this same class. Memory runs ahead of Kafka: what `take` hands out counts as written. If
writing fails, the partition is thrown away and restored.

The module is over 300 lines: it is the one place where records, cases, timers and dead letters meet.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from itertools import chain

from sla_monitor.core import decide
from sla_monitor.core import notices as n
from sla_monitor.core.decide import Bounds, Case, Decision
from sla_monitor.core.facts import DAY, MINUTE, NAMES, Fact, FactWithdrawn, Opened
from sla_monitor.core.notices import Identity, Key, Notice
from sla_monitor.core.policy import Packs
from sla_monitor.engine.breaker import Breaker
from sla_monitor.engine.records import Batch, DeadLetter, Outgoing, Record, dead_letter
from sla_monitor.errors import BadEvent, UnsafeState
from sla_monitor.wire import outbound, rows
from sla_monitor.wire.inbound import CaseEvent, Decode, Erasure, Skipped, decode
from sla_monitor.wire.rows import NEVER, OPEN, ORPHANED, PARTITION_KEY, QUARANTINED, Orphan, PartitionRow, Row

ROW_BYTES_MAX = 64 * 1024  # a larger row folds its oldest facts early
MEASURED_EVERY_FACTS = 8  # how often a row is measured: 8 x ~3 KB above ROW_BYTES_MAX at worst
ORPHANS_MAX = 50  # a case
ORPHAN_BYTES_MAX = 48 * 1024  # a case, with keys and headers, so that its row stays below ROW_BYTES_MAX
VOID_FACTS_MAX = 100  # of a case without an opening, with those of openings that were withdrawn before they came
# Rows of cases that wait for their opening, a partition: each id that somebody makes up is one, for a day.
# 64 MiB of rows + 50,000 x ~600 B (keys, a timer, entries of dicts) = 94 MB at worst; 128 MiB on the broker.
WAITING_BYTES_MAX = 64 << 20
WAITING_CASES_MAX = 50_000
# What stays decoded, a worker; its partitions have equal shares. A case that is not among it costs half as much again.
WORKING_SET_MAX = 24_000  # cases; x ~5 KB = 120 MB
WORKING_BYTES_MAX = 96 << 20  # of their rows: decoded, large ones take up to five times as much, 480 MB at worst
STALE_TIMERS_FACTOR = 2  # timers are swept when they outnumber the cases by this


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What decides, beside the facts. Durations in microseconds."""

    packs: Packs
    bounds: Bounds = field(default_factory=Bounds)
    future_tolerance: int | None = 5 * MINUTE  # None: no event is in the future (simulate)
    orphan_window: int = DAY
    breaker_ratio: float = 0.5
    notices_from: int | None = None
    live_within: int | None = outbound.LIVE_WITHIN  # None: the worker is never behind (simulate)
    topic: str = "case-events"
    dead_bytes_max: int = 1_048_588  # of key, value and headers of a dead letter
    decode: Decode = decode  # who decides one record twice may remember what it says
    partitions: Callable[[], int] = lambda: 1  # of this worker, which share its room for decoded cases
    is_misplaced: Callable[[bytes, int], bool] = lambda _key, _partition: False
    misplaced_is_dead: bool = False


class Partition:
    """The state of one partition of the input."""

    def __init__(self, number: int, rules: Rules, row: PartitionRow | None = None) -> None:
        self.number = number
        self.rules = rules
        self.packs = rules.packs  # without what this partition has missed
        self.row = row or PartitionRow()
        self.breaker = Breaker(rules.breaker_ratio, self.row.outcomes, self.row.outcomes_seen)
        self.rows: dict[bytes, bytes] = {}
        self.counts = [0, 0, 0, 0]  # rows by status
        self.standings: Counter[bytes] = Counter()  # open cases by how they stand; a few dozen ways, not cases
        self._timers: list[tuple[int, bytes]] = []
        self._working: dict[bytes, Row] = {}  # decoded cases, the least recently used first
        self._wakes: dict[bytes, int] = {}  # of changed cases, until they are encoded; NEVER for none
        self._gone: set[bytes] = set()
        self._waiting: dict[bytes, int] = {}  # bytes of the row of each case that waits for its opening
        self._waiting_bytes = 0
        self._decoded_bytes = 0  # of rows decoded or changed since the working set was measured
        self.touched: set[bytes] | None = None  # cases written since somebody looked (engine/holdings.py); None: nobody
        self._last: Record | None = None  # record of the batch
        self._batch = Batch()
        self._learn_moves()

    # --- restoring ----------------------------------------------------------------------------------------------

    def restore(self, key: bytes, value: bytes | None) -> None:
        """One record of the state topic, in its order."""
        if key == PARTITION_KEY:
            self.row = rows.decode_partition(value) if value else PartitionRow()
            self.breaker = Breaker(self.rules.breaker_ratio, self.row.outcomes, self.row.outcomes_seen)
        elif value is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = value

    def restored(self) -> None:
        """All rows are here: timers are read off their headers, what waits is weighed. UnsafeState if a pack changed or
        is missing.
        """
        for name, digest in self.row.packs.items():
            policy = rows.policy_named(name, self.rules.packs)
            if policy.digest != digest:
                raise UnsafeState(f"policy pack {name} is not the one the state was decided by: give it a new version")
        self._learn_moves()
        self.counts = [0, 0, 0, 0]
        self.standings.clear()
        self._timers.clear()  # a reload may have been here while rows were read
        for key, value in self.rows.items():
            status, wake_at = rows.header(value)
            self.counts[status] += 1
            if (stands := rows.standing(value)) is not None:
                self.standings[stands] += 1
            if status == ORPHANED and rows.has_orphans(value):
                self._weigh(key, len(value))
            if wake_at != NEVER:
                self._timers.append((wake_at, key))
        heapq.heapify(self._timers)
        self._wake_for_moves()

    # --- another policy -----------------------------------------------------------------------------------------

    def use(self, rules: Rules) -> None:
        """From the next record or instant on. What was decided stays."""
        self.rules = rules
        self._learn_moves()
        for row in self._working.values():
            if row.case.state is not None:
                row.case.state.be_moved_by(self.packs.moves_after(row.case.state.policy))
        self._wake_for_moves()

    @property
    def missed(self) -> frozenset[str]:
        """Versions that take over open cases, and were not there when this partition came to that instant. Its cases
        stay with the version they had, for what was decided since must not change.
        """
        return self.packs.missed

    def _learn_moves(self) -> None:
        """Written with the next batch, so that no later owner takes one that is known here for one that was missed.
        In time is before any instant that something may have been decided at, be it by time or by a fact ahead of it.
        """
        packs, row = self.rules.packs, self.row
        for policy in packs.moving:
            if policy.key not in row.moves and policy.effective_from > max(row.watermark, row.latest):
                row.moves += (policy.key,)
                row.packs[policy.key] = policy.digest
                row.moving_at = min(row.moving_at or NEVER, policy.effective_from)
        self.packs = without_missed(packs, row)

    def _wake_for_moves(self) -> None:
        """Whoever is open at that instant is looked at then; the rows on the broker need not say so."""
        instant = self.row.moving_at
        if not instant:
            return
        for key, value in self.rows.items():
            status, wake_at = rows.header(value)
            if status == OPEN and wake_at > instant:
                self.rows[key] = rows.waking_at(value, instant)
        for key, wake_at in self._wakes.items():
            state = self._working[key].case.state
            if state is not None and state.ended_at is None and wake_at > instant:
                self._wakes[key] = instant
        keys = chain(self.rows, (key for key in self._wakes if key not in self.rows))
        wakes = ((self._wake_of(key), key) for key in keys)  # anew, so that the timers put forward are not left behind
        self._timers = [(at, key) for at, key in wakes if at is not None and at != NEVER]
        heapq.heapify(self._timers)

    def _note_moves_done(self) -> None:
        """Once nothing is due up to that instant any more, the next one is waited for."""
        due, row = self.next_due, self.row
        while 0 < row.moving_at <= row.watermark and (due is None or due > row.moving_at):
            later = (each.effective_from for each in self.packs.moving if each.effective_from > row.moving_at)
            row.moving_at = min(later, default=0)

    # --- records ------------------------------------------------------------------------------------------------

    @property
    def next_offset(self) -> int:
        return self.row.applied + 1

    def fold(self, record: Record, wall: int) -> None:
        """Take one record. Whatever it holds, it ends as facts, as a dead letter or as a count."""
        if record.offset < self.next_offset:
            return
        dead = False
        try:
            self._receive(record, wall)
        except BadEvent as bad:
            dead = True
            self._bury(record, bad.reason, bad.detail)
        self.breaker.note(dead=dead)
        self.row.applied = record.offset
        self._last = record
        self._batch.next_offset = record.offset + 1

    def _receive(self, record: Record, wall: int) -> None:
        received = self.rules.decode(record.key, record.value, record.headers)
        match received:
            case CaseEvent(case_id=case_id, fact=fact):
                self._fold_fact(record, case_id, fact, wall)
            case Erasure(case_id=case_id):
                self._erase(record, case_id, wall)
            case Skipped(reason=reason):
                self._batch.without_effect[reason] += 1

    def _fold_fact(self, record: Record, case_id: str, fact: Fact, wall: int) -> None:
        tolerance = self.rules.future_tolerance
        if tolerance is not None and fact.at > max(wall, self.row.watermark) + tolerance:
            raise BadEvent("future", "time is beyond the tolerance")
        key = case_id.encode()
        row = self._row(key, wall)
        if row is None:
            self._check_place(key)
            row = Row(case=Case(case_id=case_id))
        if row.quarantined:
            raise BadEvent("quarantined", "an earlier event of this case failed")
        case = row.case
        was_open = case.state is not None
        self._check_orphan(key, row, record, fact)
        before = decide.kept(case)
        try:
            decision = decide.fold(case, fact, self.row.watermark, self.packs, self.rules.bounds)
        except BadEvent:
            raise
        except Exception as error:
            row.case = before  # what was half decided has not been said
            self._quarantine(key, row, fact.at, wall, error)
            raise BadEvent("internal_error", type(error).__name__) from error
        self._batch.events[NAMES[type(fact.body)]] += 1
        if decision.effect:
            self._batch.without_effect[decision.effect] += 1
        if decision.is_known:
            return
        self.row.latest = max(self.row.latest, fact.at)
        if case.state is not None:
            row.orphans = []
        elif not was_open:  # else it has withdrawn the opening: it waits for nothing
            self._keep_orphan(row, record, fact, wall)
        self._perform(decision, wall)
        self._keep_small(key, row, wall)
        self._changed(key, row)

    def _check_place(self, key: bytes) -> None:
        if self.rules.is_misplaced(key, self.number):
            self._batch.mismatches += 1
            if self.rules.misplaced_is_dead:
                raise BadEvent("partition_mismatch", "not the partition that murmur2 of the key gives")

    def _check_orphan(self, key: bytes, row: Row, record: Record, fact: Fact) -> None:
        """Whether there is room for what waits: in this case's row, and beside all others of the partition."""
        if row.case.state is not None:
            return
        if isinstance(fact.body, Opened):
            if not _withdrawals(row.case, fact):
                return
            if len(row.case.facts) >= VOID_FACTS_MAX or len(rows.encode_row(row, None)) > ROW_BYTES_MAX:
                raise BadEvent("orphan_overflow", "too many withdrawn openings of this case")
            return
        size = _orphan_bytes(record)
        if len(row.orphans) >= ORPHANS_MAX or sum(map(_orphan_bytes, row.orphans)) + size > ORPHAN_BYTES_MAX:
            raise BadEvent("orphan_overflow", "too many events wait for this case's opening")
        is_new = key not in self._waiting
        if (is_new and len(self._waiting) >= WAITING_CASES_MAX) or self._waiting_bytes + size > WAITING_BYTES_MAX:
            raise BadEvent("orphan_overflow", "too many cases of this partition wait for their opening")

    def _weigh(self, key: bytes, size: int) -> None:
        """Its row takes so much of what all waiting cases may take together; 0: it does not wait. The bytes of a row
        depend on what it says alone, so this is the same wherever batches end and after a restart.
        """
        self._waiting_bytes += size - self._waiting.pop(key, 0)
        if size:
            self._waiting[key] = size

    def _keep_orphan(self, row: Row, record: Record, fact: Fact, wall: int) -> None:
        if isinstance(fact.body, Opened):  # withdrawn before it came: both have had their effect
            row.orphans = [orphan for orphan in row.orphans if orphan.identity not in _withdrawals(row.case, fact)]
            return
        orphan = Orphan(
            identity=fact.identity,
            arrived_at=wall,
            offset=record.offset,
            key=record.key or b"",
            value=record.value,
            headers=tuple(record.headers),
        )
        row.orphans.append(orphan)

    def _keep_small(self, key: bytes, row: Row, wall: int) -> None:
        """Fold early what makes a row too large. When depends on its facts alone, never on where a batch ends."""
        if len(row.case.facts) % MEASURED_EVERY_FACTS:
            return
        while len(row.case.facts) > 1 and row.case.state and len(rows.encode_row(row, None)) > ROW_BYTES_MAX:
            before = decide.kept(row.case)
            try:
                notices, folded = decide.fold_early(row.case, self.packs)
            except Exception as error:  # noqa: BLE001 - a defect of the pure core belongs to its case
                row.case = before
                self._quarantine(key, row, self.row.watermark, wall, error)
                return
            self._perform(Decision(notices=notices, folded_early=folded), wall)

    def _erase(self, record: Record, case_id: str, wall: int) -> None:
        """The case is forgotten, and that is the last thing said of it."""
        key = case_id.encode()
        row = self._row(key, wall)
        if row is None:
            self._batch.without_effect["unknown_case"] += 1
            return
        about = Key(0, "erasure", n.FORGOTTEN)
        identity = n.notice_id(case_id, ("", ""), about, record.offset)
        at = record.timestamp * 1_000
        self._say(Notice(id=identity, kind=n.FORGOTTEN, case_id=case_id, at=at, data={"case_id": case_id}), wall)
        self._drop(key)

    # --- time ---------------------------------------------------------------------------------------------------

    def advance(self, watermark: int) -> None:
        """The input is known to be complete up to here. Never goes back."""
        self.row.watermark = max(self.row.watermark, watermark)

    @property
    def next_due(self) -> int | None:
        """The earliest instant that waits for the watermark."""
        while self._timers:
            at, key = self._timers[0]
            if self._wake_of(key) == at:
                return at
            heapq.heappop(self._timers)
        return None

    @property
    def timers(self) -> int:
        return len(self._timers)

    def fire(self, wall: int, cases_max: int) -> bool:
        """What the watermark has reached, in the order (instant, case); True if more is due than `cases_max`."""
        for _ in range(cases_max):
            at = self.next_due
            if at is None or at > self.row.watermark:
                return False
            _, key = heapq.heappop(self._timers)
            self._wake(key, at, wall)
        return (due := self.next_due) is not None and due <= self.row.watermark

    def _wake(self, key: bytes, at: int, wall: int) -> None:
        row = self._row(key, wall)
        if row is None or row.quarantined:
            return
        if row.case.state is None:
            self._expire_orphans(key, row)
            return
        if decide.is_forgettable(row.case, at, self.rules.bounds):
            self._drop(key)
            return
        before = decide.kept(row.case)
        try:
            decision = self._woken(row.case, at)
        except Exception as error:  # noqa: BLE001 - a defect of the pure core belongs to its case
            row.case = before  # what was half decided has not been said
            self._quarantine(key, row, at, wall, error)
            return
        self._perform(decision, wall)
        self._changed(key, row)

    def _woken(self, case: Case, at: int) -> Decision:
        decision = decide.wake(case, at, self.packs, self.rules.bounds)
        following = decide.next_wake(case, self.rules.bounds)
        if following is not None and following <= at and not decide.is_forgettable(case, at, self.rules.bounds):
            raise AssertionError("woken, and nothing moved on")
        return decision

    def _expire_orphans(self, key: bytes, row: Row) -> None:
        limit = self.row.watermark - self.rules.orphan_window
        expired = [orphan for orphan in row.orphans if orphan.arrived_at <= limit]
        row.orphans = [orphan for orphan in row.orphans if orphan.arrived_at > limit]
        gone = {orphan.identity for orphan in expired}
        row.case.facts = [fact for fact in row.case.facts if fact.identity not in gone]
        for orphan in expired:
            record = Record(orphan.offset, 0, orphan.key, orphan.value, orphan.headers)
            self._bury(record, "orphan_expired", "its case was not opened in time")
        if row.orphans or (row.case.facts and self._next_wake(row) > self.row.watermark):
            self._changed(key, row)
        else:
            self._drop(key)

    # --- rows ---------------------------------------------------------------------------------------------------

    def _row(self, key: bytes, wall: int) -> Row | None:
        """A case decoded and folded, from the working set or from its bytes; in quarantine if it cannot be folded."""
        row = self._working.pop(key, None)
        if row is None:
            value = self.rows.get(key)
            if value is None or key in self._gone:
                return None
            self._decoded_bytes += len(value)
            row = rows.decode_row(key.decode(), value, self.packs)
            if not row.quarantined:
                self._load(key, row, value, wall)
        self._working[key] = row  # now the most recently used
        return row

    def _load(self, key: bytes, row: Row, value: bytes, wall: int) -> None:
        try:
            decide.load(row.case, self.packs)
        except Exception as error:  # noqa: BLE001 - a defect of the pure core belongs to its case
            row.case = rows.decode_row(row.case.case_id, value, self.packs).case  # as it was
            self._quarantine(key, row, self.row.watermark, wall, error)

    def _changed(self, key: bytes, row: Row) -> None:
        """Remember to write it, and when to look at it again."""
        self._working.pop(key, None)
        self._working[key] = row
        waits = bool(row.orphans) and not row.quarantined
        if waits or key in self._waiting:
            self._weigh(key, len(rows.encode_row(row, None)) if waits else 0)
        wake_at = self._next_wake(row)
        if wake_at != self._wake_of(key) and wake_at != NEVER:
            heapq.heappush(self._timers, (wake_at, key))
        self._wakes[key] = wake_at
        self._gone.discard(key)  # last: the timer of a case that was gone may be gone too

    def _next_wake(self, row: Row) -> int:
        if row.quarantined:
            return NEVER
        case = row.case
        if case.state is not None:
            wake_at = decide.next_wake(case, self.rules.bounds)
            return NEVER if wake_at is None else wake_at
        if row.orphans:
            return min(orphan.arrived_at for orphan in row.orphans) + self.rules.orphan_window
        return max((fact.at for fact in case.facts), default=0) + self.rules.bounds.retention

    def _wake_of(self, key: bytes) -> int | None:
        wake_at = self._wakes.get(key)
        if wake_at is None and key not in self._gone and (value := self.rows.get(key)) is not None:
            wake_at = rows.header(value)[1]
        return wake_at

    def _drop(self, key: bytes) -> None:
        self._working.pop(key, None)
        self._wakes.pop(key, None)
        self._weigh(key, 0)
        self._gone.add(key)

    def _quarantine(self, key: bytes, row: Row, at: int, wall: int, error: Exception) -> None:
        """Its timers stop, its events go to the dead letters, everybody else goes on."""
        row.quarantined, row.failure = True, (type(error).__name__, at)
        case_id = row.case.case_id
        about = Key(0, "quarantine", n.QUARANTINED)
        identity = n.notice_id(case_id, (str(self.number), str(self.row.applied)), about, at)
        data: dict[str, object] = {"case_id": case_id, "error": type(error).__name__}
        self._say(Notice(id=identity, kind=n.QUARANTINED, case_id=case_id, at=at, data=data), wall)
        self._changed(key, row)

    def take_up(self, case_id: str, wall: int) -> str:
        """A case in quarantine is decided anew by the code of today, from what was kept of it: as it was before the
        event or the instant that it failed at. Goes on as if it had only been late, or stays and the answer is why.
        UnsafeState: it is not in quarantine.
        """
        key = case_id.encode()
        row = self._row(key, wall)
        if row is None or not row.quarantined:
            raise UnsafeState(f"no case of that name is in quarantine in partition {self.number}")
        before = decide.kept(row.case)
        try:
            decision = self._woken(row.case, self.row.watermark)
        except Exception as error:  # noqa: BLE001 - a defect of the pure core belongs to its case
            row.case, row.failure = before, (type(error).__name__, self.row.watermark)
            self._changed(key, row)
            return type(error).__name__
        row.quarantined, row.failure = False, None
        row.orphans = [replace(orphan, arrived_at=wall) for orphan in row.orphans]  # the opening may be replayed now
        self._perform(decision, wall)
        self._changed(key, row)
        return ""

    def quarantined(self) -> list[tuple[str, tuple[str, int] | None]]:
        """The cases set aside, and what each failed with: the error's name and the instant."""
        cases = (key.decode() for key, value in sorted(self.rows.items()) if rows.header(value)[0] == QUARANTINED)
        return [(case, rows.decode_row(case, self.rows[case.encode()], self.packs).failure) for case in cases]

    # --- what goes out --------------------------------------------------------------------------------------------

    def _perform(self, decision: Decision, wall: int) -> None:
        self._batch.folded_early += decision.folded_early
        for notice in decision.notices:
            self._say(notice, wall)

    def _say(self, notice: Notice, wall: int) -> None:
        how = outbound.detected(notice, wall, self.rules.notices_from, self.rules.live_within)
        value = outbound.encode(notice, wall, how)
        self._batch.notices.append(Outgoing(notice=notice, detected=how, key=notice.case_id.encode(), value=value))

    def _bury(self, record: Record, reason: str, detail: str) -> None:
        letter: DeadLetter = dead_letter(
            record,
            reason=reason,
            detail=detail,
            topic=self.rules.topic,
            partition=self.number,
            bytes_max=self.rules.dead_bytes_max,
        )
        self._batch.dead.append(letter)

    def take(self) -> Batch:
        """Everything since the last call, as one transaction writes it."""
        for key, wake_at in self._wakes.items():
            row = self._working[key]
            value = rows.encode_row(row, None if wake_at == NEVER else wake_at)
            self._count(key, value)
            self.rows[key] = value
            self._decoded_bytes += len(value)
            self._batch.rows.append((key, value))
            self._name_pack(row)
        for key in sorted(self._gone):
            if key in self.rows:
                self._count(key, None)
                del self.rows[key]
                self._batch.rows.append((key, None))
        self._wakes.clear()
        self._gone.clear()
        if self.touched is not None:
            self.touched.update(key for key, _ in self._batch.rows)
        self._trim()
        batch, self._batch = self._batch, Batch()
        if not batch.is_empty:
            self.row.outcomes, self.row.outcomes_seen = self.breaker.window()
            self.row.tripped = self.breaker.tripped
            if self._last is not None:
                self.row.applied_timestamp, self.row.applied_checksum = self._last.timestamp, self._last.checksum
                self._last = None
            self._note_moves_done()
            batch.rows.append((PARTITION_KEY, rows.encode_partition(self.row)))
            batch.applied, batch.watermark = self.row.applied, self.row.watermark
        return batch

    def last_words(self) -> Batch:
        """What `take` would say, without rows: nobody goes on from here."""
        batch, self._batch = self._batch, Batch()
        return batch

    def release(self) -> Batch:
        """An operator lets a tripped partition go on, with an empty window: the batch that says so."""
        self.breaker = Breaker(self.rules.breaker_ratio)
        self.row.outcomes, self.row.outcomes_seen = self.breaker.window()
        self.row.tripped = False
        return self.mark()

    def mark(self) -> Batch:
        """The partition's row as it is. Only between two calls of `take`."""
        self._note_moves_done()
        return Batch(rows=[(PARTITION_KEY, rows.encode_partition(self.row))])

    def _count(self, key: bytes, after: bytes | None) -> None:
        """From the bytes that are replaced and those that replace them: what was never added is never taken away."""
        for value, change in ((self.rows.get(key), -1), (after, 1)):
            if value is None:
                continue
            self.counts[rows.header(value)[0]] += change
            if (stands := rows.standing(value)) is not None:
                self.standings[stands] += change
                if not self.standings[stands]:
                    del self.standings[stands]

    def _name_pack(self, row: Row) -> None:
        key = row.case.policy_key
        if key and key not in self.row.packs:
            self.row.packs[key] = rows.policy_named(key, self.rules.packs).digest

    def _trim(self) -> None:
        sharing = max(1, self.rules.partitions())
        cases_max, bytes_max = WORKING_SET_MAX // sharing, WORKING_BYTES_MAX // sharing
        for key in _oldest(self._working, len(self._working) - cases_max):
            del self._working[key]
        if self._decoded_bytes > bytes_max:
            self._trim_to(bytes_max // 2)
        if len(self._timers) > STALE_TIMERS_FACTOR * len(self.rows) + cases_max:
            self._timers = [(at, key) for at, key in set(self._timers) if self._wake_of(key) == at]
            heapq.heapify(self._timers)

    def _trim_to(self, bytes_max: int) -> None:
        """Measured seldom: only when that many bytes have been decoded or changed again."""
        self._decoded_bytes = sum(len(self.rows[key]) for key in self._working)
        for key in list(self._working):
            if self._decoded_bytes <= bytes_max:
                break
            self._decoded_bytes -= len(self.rows[key])
            del self._working[key]


def without_missed(packs: Packs, row: PartitionRow) -> Packs:
    """The packs as a partition's cases follow them: it has come to the instant of the others without them."""
    passed = max(row.watermark, row.latest)
    late = (each for each in packs.moving if each.key not in row.moves and each.effective_from <= passed)
    return replace(packs, missed=frozenset(each.key for each in late))


def _orphan_bytes(waiting: Orphan | Record) -> int:
    headers = sum(len(name) + len(text or b"") for name, text in waiting.headers)
    return len(waiting.key or b"") + len(waiting.value or b"") + headers


def _withdrawals(case: Case, fact: Fact) -> set[Identity]:
    """Which events said that this one was wrong."""
    return {
        known.identity
        for known in case.facts
        if isinstance(known.body, FactWithdrawn) and (known.body.source, known.body.id) == fact.identity
    }


def _oldest(working: Iterable[bytes], count: int) -> list[bytes]:
    return [key for key, _ in zip(working, range(max(0, count)), strict=False)]
