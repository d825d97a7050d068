"""The worker's decisions without a worker: a file of case events in, notices out, on a clock of the file's own.

The same `Partition` as in the worker. The watermark is the arrival: what a file says is complete up to there. So the
same input gives the same bytes, wherever and whenever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import msgspec

from sla_monitor.core.decide import Bounds
from sla_monitor.core.facts import DAY
from sla_monitor.core.policy import Packs
from sla_monitor.engine.partition import Partition, Rules
from sla_monitor.engine.records import Batch, DeadLetter, Outgoing, Record
from sla_monitor.wire import rfc3339
from sla_monitor.wire.inbound import Decode, decode

FOR_GOOD = 200 * 366 * DAY  # longer than any calendar reaches
NOTHING_FOLDED = Bounds(correction_horizon=FOR_GOOD, retention=FOR_GOOD)
STEPS_AT_ONCE = 1_000  # in a batch: records and cases woken; 1,000 x (~1 notice of 1.5 KB + a case of ~5 KB) = 7 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What one line says of itself before it is decoded: whose it is and when it came."""

    key: bytes | None
    at: int | None  # microseconds; None: it has no usable time, so the clock stays where it is


def arrival_of(line: bytes) -> Arrival:
    """A structured event, with `arrivedat` if it came late. Never raises: decoding tells what is wrong."""
    try:
        event = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Arrival(key=None, at=None)
    if not isinstance(event, dict):
        return Arrival(key=None, at=None)
    subject, at = event.get("subject"), event.get("arrivedat")
    if at is None:  # null means absent, as in every attribute
        at = event.get("time")
    try:
        arrived = rfc3339.parse(at) if isinstance(at, str) else None
    except ValueError:
        arrived = None
    return Arrival(key=subject.encode() if isinstance(subject, str) else None, at=arrived)


def arrivals(lines: Iterable[bytes], until: int | None = None) -> Iterator[tuple[Record, int]]:
    """What each line holds, and the instant at which it is heard: its arrival, but never before that of an earlier
    line. Lines that arrive after `until` are left out.
    """
    now = 0
    for offset, line in enumerate(lines):
        if line.strip():
            arrival = arrival_of(line)
            arrived = max(now, arrival.at or 0)
            if until is None or arrived <= until:
                now = arrived
                yield Record(offset, now // 1_000, arrival.key, line), now


class Simulation:
    """`say` gets each notice, `bury` each dead letter, at the latest when time ends."""

    def __init__(
        self,
        packs: Packs,
        say: Callable[[Outgoing], None],
        bury: Callable[[DeadLetter], None],
        decode: Decode = decode,
    ) -> None:
        rules = Rules(packs=packs, future_tolerance=None, live_within=None, topic="events", decode=decode)
        self._partition = Partition(0, rules)
        self._say, self._bury = say, bury
        self._now = self._steps = 0

    def run(self, lines: Iterable[bytes], until: int | None = None) -> None:
        """All lines, then time up to `until` (inclusive; without it, the last arrival). Lines that arrive later are
        not read.
        """
        for record, now in arrivals(lines, until):
            self.hear(record, now)
        self.end(until)

    def hear(self, record: Record, now: int) -> None:
        """The next record, at an instant that is no earlier than that of the last one."""
        self._move(now)
        self._partition.fold(record, now)
        self._count_step()

    def end(self, until: int | None) -> None:
        """Time goes on up to `until`, unless it is there already; all that follows from it is said."""
        if until is not None:
            self._move(max(until, self._now))
        self._hand_out(self._partition.take())

    def end_for_good(self, until: int | None) -> None:
        """The same is said, for a quarter less of the work: no record comes after this one, so history is not closed
        against those that are too late, and what a later one would find is not encoded.
        """
        self._partition.rules = replace(self._partition.rules, bounds=NOTHING_FOLDED)
        if until is not None:
            self._move(max(until, self._now))
        self._hand_out(self._partition.last_words())

    @property
    def now(self) -> int:
        """The simulated time, microseconds since the epoch."""
        return self._now

    def _move(self, now: int) -> None:
        self._now = now
        self._partition.advance(now)
        while self._partition.fire(now, 1):
            self._count_step()

    def _count_step(self) -> None:
        """A case that several steps change is encoded once for all of them: that is a third of what a step costs."""
        self._steps += 1
        if self._steps % STEPS_AT_ONCE == 0:
            self._hand_out(self._partition.take())

    def _hand_out(self, batch: Batch) -> None:
        for notice in batch.notices:
            self._say(notice)
        for letter in batch.dead:
            self._bury(letter)
