"""Promise (b) for more than one partition: whatever their number and wherever batches end, the same file, the same
bytes.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from aiokafka.partitioner import murmur2
from hypothesis import given
from hypothesis import strategies as st

from sla_monitor.engine.partition import Partition, Rules
from sla_monitor.engine.records import Record
from sla_monitor.engine.simulation import arrival_of
from tests.engine.feeding import PACKS, clock
from tests.engine.test_simulation import Told, files, modest, opened, responded

RULES = Rules(packs=PACKS, future_tolerance=None, live_within=None, topic="events")


class Replay:
    """A file through partitions of their own, each folding what murmur2 of the key gives it.

    What they say is merged back as `simulate` orders it: before a line all timers up to its arrival, by instant and
    case, then the line. `chance` ends a batch after one step in `ends_one_in`, and one batch in two is the last before
    a restart from the state.
    """

    def __init__(
        self, lines: Iterable[bytes], until: int, partitions: int, chance: random.Random, ends_one_in: int
    ) -> None:
        self._chance, self._ends_one_in = chance, ends_one_in
        self._partitions = [Partition(number, RULES) for number in range(partitions)]
        self._state: list[dict[bytes, bytes]] = [{} for _ in range(partitions)]
        self._spoken: list[list[bytes]] = [[] for _ in range(partitions)]
        self._order: list[int] = []  # which partition spoke, notice by notice
        now = 0
        for offset, line in enumerate(lines):
            arrival = arrival_of(line)
            arrived = max(now, arrival.at or 0)
            if arrived <= until:
                now = arrived
                self._move(now)
                number = (murmur2(arrival.key or b"") & 0x7FFFFFFF) % partitions
                self._partitions[number].fold(Record(offset, now // 1_000, arrival.key, line), now)
                self._stepped(number)
        self._move(max(until, now))
        for number in range(partitions):
            self._end_batch(number)
        heads = [iter(each) for each in self._spoken]
        self.said = [next(heads[number]) for number in self._order]

    def _move(self, now: int) -> None:
        for partition in self._partitions:
            partition.advance(now)
        while due := min(
            (
                (partition.next_due, partition._timers[0][1], number)
                for number, partition in enumerate(self._partitions)
                if partition.next_due is not None and partition.next_due <= now
            ),
            default=None,
        ):
            number = due[-1]
            self._partitions[number].fire(now, 1)
            self._stepped(number)

    def _stepped(self, number: int) -> None:
        """Whatever was said in this step is this partition's turn."""
        known = self._order.count(number) - len(self._spoken[number])
        self._order += [number] * (len(self._partitions[number]._batch.notices) - known)
        if not self._chance.randrange(self._ends_one_in):
            self._end_batch(number)

    def _end_batch(self, number: int) -> None:
        partition = self._partitions[number]
        batch = partition.take()
        self._spoken[number] += [notice.value for notice in batch.notices]
        for key, value in batch.rows:
            if value is None:
                self._state[number].pop(key, None)
            else:
                self._state[number][key] = value
        if self._chance.randrange(2):
            again = Partition(number, RULES)
            for key, value in self._state[number].items():
                again.restore(key, value)
            again.restored()
            again.advance(partition.row.watermark)
            self._partitions[number] = again


@modest
@given(files(), st.integers(1, 5), st.integers(1, 6), st.randoms(use_true_random=False))
def test_any_number_of_partitions_and_any_cut_of_batches_give_the_same_bytes(
    lines: list[bytes], partitions: int, ends_one_in: int, chance: random.Random
) -> None:
    """Restarts between batches included."""
    said = Replay(lines, clock(9), partitions, chance, ends_one_in).said
    assert b"\n".join(said) == b"\n".join(Told(lines, clock(9)).said)


@pytest.mark.parametrize("ends_one_in", [1, 3, 1_000])
def test_many_cases_in_many_partitions_are_said_in_the_order_of_one(ends_one_in: int) -> None:
    """Forty cases whose timers fall between each other's events and often at one instant."""
    lines = []
    for number in range(40):
        lines.append(opened(f"case-{number}", clock(0, number % 7)))
        if number % 3:
            lines.append(responded(clock(0, 20 + number), clock(0, 70 + number % 11), f"case-{number}"))
    lines.sort(key=lambda each: arrival_of(each).at or 0)
    told = Told(lines, clock(9))
    assert "retracted" in told.kinds
    for partitions in (1, 2, 3, 7):
        replay = Replay(lines, clock(9), partitions, random.Random(partitions), ends_one_in)
        assert replay.said == told.said
