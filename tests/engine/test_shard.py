"""One shard with a journal and a log made of lists: everything that needs no broker to go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError

from sla_monitor.config.packs import load_packs
from sla_monitor.core.facts import SECOND
from sla_monitor.engine import shard as module
from sla_monitor.engine.assignment import Assignment
from sla_monitor.engine.journal import Committed, Journal
from sla_monitor.engine.log import Log
from sla_monitor.engine.partition import Partition, Rules
from sla_monitor.engine.records import Batch, Record
from sla_monitor.engine.shard import CATCHING_UP, LIVE, SUSPENDED, TRIPPED, Shard, Surroundings
from sla_monitor.engine.watermark import Watermarks
from sla_monitor.errors import Fatal, Fenced

PACKS = load_packs(None)
TP = TopicPartition("case-events", 0)
START = 1_790_000_000 * SECOND


def record(offset: int, *, kind: str = "case.opened", at: int = START, case_id: str = "", target: int = 60) -> Record:
    """A case opened with a target, or answered."""
    key = case_id or f"case-{offset}"
    opening: dict[str, Any] = {"severity": "A", "plan": "unified", "country": "US", "language": "en"}
    opening |= {"submitted_by": "admin", "targets": {"initial_response": target}}
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // SECOND))
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"e{offset}",
        "source": "/tests",
        "type": kind,
        "subject": key,
    }
    attributes |= {"time": f"{moment}.{at % SECOND:06}Z", "data": opening if kind == "case.opened" else {}}
    return Record(offset, at // 1_000, key.encode(), json.dumps(attributes).encode())


def rubbish(offset: int) -> Record:
    return Record(offset, START // 1_000, b"key", b"not JSON")


@dataclass
class Kafka:
    """Input, state and group of one partition, and what is asked of them."""

    input: dict[int, Record] = field(default_factory=dict)
    end: int = 0
    state: dict[bytes, bytes | None] = field(default_factory=dict)
    writes: int = 0  # to the state, by anybody
    batches: list[Batch] = field(default_factory=list)
    opened: int = 0
    fence_next: int = 0
    may_commit: asyncio.Event = field(default_factory=asyncio.Event)
    may_look: asyncio.Event = field(default_factory=asyncio.Event)
    paused: list[str] = field(default_factory=list)
    rewound_to: list[int] = field(default_factory=list)
    at_resume: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.may_commit.set()
        self.may_look.set()

    def put(self, *records: Record) -> list[Record]:
        for each in records:
            self.input[each.offset] = each
            self.end = max(self.end, each.offset + 1)
        return list(records)

    async def first_record(self, _: TopicPartition, start: int, end: int) -> Record | None:
        await self.may_look.wait()
        return next((self.input[offset] for offset in sorted(self.input) if start <= offset < end), None)

    async def ends(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, self.end)

    def resume(self, _: TopicPartition) -> None:
        self.paused.append("resume")
        self.at_resume()

    async def rewind(self, _: TopicPartition, offset: int) -> None:
        self.rewound_to.append(offset)

    @property
    def notices(self) -> list[tuple[str, int]]:
        return [(each.notice.kind, each.notice.at) for batch in self.batches for each in batch.notices]

    @property
    def breached(self) -> list[int]:
        return [at for kind, at in self.notices if kind == "sla.breached"]


class FakeJournal:
    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._writes = 0

    async def open(self, partition: Partition) -> int:
        self._kafka.opened += 1
        for key, value in self._kafka.state.items():
            partition.restore(key, value)
        partition.restored()
        self._writes = self._kafka.writes
        return len(self._kafka.state)

    async def is_current(self) -> bool:
        return self._kafka.writes == self._writes

    async def commit(self, batch: Batch) -> Committed:
        await self._kafka.may_commit.wait()
        if self._kafka.fence_next:
            self._kafka.fence_next -= 1
            raise Fenced("another worker owns this partition now")
        self._kafka.state.update(batch.rows)
        self._kafka.writes += 1
        self._writes = self._kafka.writes
        self._kafka.batches.append(batch)
        return Committed(skew_seconds=0.0)

    async def close(self) -> None:
        pass


def surroundings(kafka: Kafka, *, wall: Callable[[], float] = lambda: START / SECOND) -> Surroundings:
    return Surroundings(
        rules=lambda: Rules(packs=PACKS),
        log=cast("Log", kafka),
        journal=lambda _: cast("Journal", FakeJournal(kafka)),
        wall=wall,
        settle=0,
        session_timeout=10.0,
        pause=lambda _: kafka.paused.append("pause"),
        resume=kafka.resume,
        rewind=kafka.rewind,
        committed=lambda *_: None,
        restored=lambda *_: None,
        fenced=lambda: None,
    )


@contextlib.asynccontextmanager
async def a_shard(kafka: Kafka) -> AsyncIterator[tuple[Shard, asyncio.Task[None]]]:
    """At work, opened and at rest."""
    shard = Shard(TP, surroundings(kafka))
    task = asyncio.create_task(shard.run())
    await until(lambda: shard.state != module.OPENING and at_rest(shard))
    try:
        yield shard, task
    finally:
        kafka.may_commit.set()
        kafka.may_look.set()
        if not task.done():
            await asyncio.wait_for(shard.close(), 5)
        with contextlib.suppress(Fatal):
            await task


def at_rest(shard: Shard) -> bool:
    return shard._resting.is_set() and not shard._work.is_set()


async def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.001)


async def test_a_gap_that_holds_a_record_stops_the_worker() -> None:
    """Fetching has lost an event: better no worker than a wrong one. Directly after opening it is fetched again."""
    kafka = Kafka()
    zero, one, two, three = kafka.put(*(record(offset) for offset in range(4)))
    async with a_shard(kafka) as (shard, task):
        shard.offer([one])
        await until(lambda: kafka.rewound_to == [0])
        shard.offer([zero, one])
        await until(lambda: shard.content.next_offset == 2 and at_rest(shard))
        shard.offer([three])
        await until(task.done)
        assert str(task.exception()) == "partition 0: fetched offset 3, but 2 was never delivered"
        assert two.offset == 2


async def test_what_does_not_come_is_fetched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch dropped in a rebalance, and nothing new behind it: asked for again after 5 s, and 10, and 15; if nothing
    helps, the watchdog has its turn. With a record folded the count begins anew."""
    now = [1_000.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    kafka = Kafka()
    zero = kafka.put(record(0))
    async with a_shard(kafka) as (shard, _):
        rewound: list[int] = []
        for tenth in range(600):
            now[0] = 1_000 + tenth / 10
            if shard._head is None:
                shard.head(START, 1)
            await until(lambda: at_rest(shard))
            shard.fetch_again_if_starved()
            await until(lambda: at_rest(shard))
            if len(kafka.rewound_to) > len(rewound):
                rewound.append(round(now[0] - 1_000))
        assert rewound == [5, 15, 30]
        assert kafka.rewound_to == [0, 0, 0]
        shard.offer(zero)
        await until(lambda: shard.content.next_offset == 1 and at_rest(shard))
        shard.head(START + 1, 2)
        kafka.put(record(1))
        await until(lambda: at_rest(shard))
        now[0] += 6
        shard.fetch_again_if_starved()
        await until(lambda: len(kafka.rewound_to) == 4)
        assert kafka.rewound_to[-1] == 1


async def test_a_broker_that_does_not_say_who_wrote_only_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """An idle owner looks at its state now and then; that the broker is away is no reason to end."""
    kafka = Kafka()
    async with a_shard(kafka) as (shard, task):
        with monkeypatch.context() as patched:

            async def away(_: FakeJournal) -> bool:
                raise KafkaTimeoutError

            patched.setattr(FakeJournal, "is_current", away)
            shard.look()
            await until(lambda: at_rest(shard))
        assert not task.done()
        kafka.writes += 1
        shard.look()
        await until(lambda: kafka.opened == 2)


async def test_a_gap_of_nothing_is_passed_over() -> None:
    """Markers and aborted records have offsets and are never delivered."""
    kafka = Kafka()
    async with a_shard(kafka) as (shard, _):
        shard.offer(kafka.put(record(0)))
        shard.offer(kafka.put(record(5)))
        await until(lambda: shard.content.next_offset == 6)
        assert kafka.rewound_to == []


async def test_what_is_fetched_twice_is_folded_once() -> None:
    """The group's offset may be behind the state."""
    kafka = Kafka()
    async with a_shard(kafka) as (shard, _):
        records = kafka.put(record(0), record(1))
        shard.offer(records)
        await until(lambda: shard.content.next_offset == 2 and at_rest(shard))
        shard.offer([*records, *kafka.put(record(2))])
        await until(lambda: shard.content.next_offset == 3 and at_rest(shard))
        assert [kind for kind, _ in kafka.notices].count("sla.clock.started") == 3


async def test_suspended_it_ends_its_transaction_and_resumed_it_goes_on_without_a_restore() -> None:
    """What is queued is dropped, since it will be fetched again; memory is kept, nobody having written meanwhile."""
    kafka = Kafka()
    async with a_shard(kafka) as (shard, _):
        kafka.may_commit.clear()
        shard.offer(kafka.put(record(0)))
        await until(lambda: not at_rest(shard))
        suspension = asyncio.create_task(shard.suspend())
        await asyncio.sleep(0.02)
        assert not suspension.done()
        kafka.may_commit.set()
        await suspension
        assert shard.state == SUSPENDED
        assert kafka.batches[-1].next_offset == 1
        shard.offer(kafka.put(record(1)))
        await asyncio.sleep(0.02)
        assert shard.content.next_offset == 1
        shard.resume()
        shard.offer([record(1)])
        await until(lambda: shard.content.next_offset == 2)
        assert kafka.opened == 1


async def test_resumed_after_somebody_else_wrote_it_restores() -> None:
    """Memory is worth nothing then."""
    kafka = Kafka()
    async with a_shard(kafka) as (shard, _):
        shard.offer(kafka.put(record(0)))
        await until(lambda: shard.content.next_offset == 1 and at_rest(shard))
        await shard.suspend()
        kafka.writes += 1
        shard.resume()
        await until(lambda: kafka.opened == 2 and shard.state == CATCHING_UP)
        assert shard.content.next_offset == 1
        assert shard.cases_open == 1


async def test_revoked_again_before_it_woke_up_it_does_no_work() -> None:
    """Two rebalances in a row."""
    kafka = Kafka()
    async with a_shard(kafka) as (shard, _):
        await shard.suspend()
        shard.resume()
        await shard.suspend()
        written = kafka.writes
        await asyncio.sleep(0.02)
        assert shard.state == SUSPENDED
        assert kafka.writes == written
        shard.resume()
        shard.offer(kafka.put(record(0)))
        await until(lambda: shard.content.next_offset == 1)


async def test_revoked_while_it_looks_into_a_gap_or_for_the_end() -> None:
    """Its queue and its head are gone when the answer comes; it must not fall over that."""
    kafka = Kafka()
    async with a_shard(kafka) as (shard, task):
        kafka.may_look.clear()
        shard.offer(kafka.put(record(3)))
        await asyncio.sleep(0.01)
        suspension = asyncio.create_task(shard.suspend())
        await asyncio.sleep(0.01)
        kafka.may_look.set()
        await suspension
        shard.resume()
        await until(lambda: shard.state == CATCHING_UP and at_rest(shard))
        kafka.may_look.clear()
        shard.head(START, 3)
        await asyncio.sleep(0.01)
        suspension = asyncio.create_task(shard.suspend())
        await asyncio.sleep(0.01)
        kafka.may_look.set()
        await suspension
        assert not task.done()


async def test_fenced_once_it_opens_again_and_reads_again() -> None:
    """What it had folded and queued counts for nothing: the state says where to go on."""
    kafka = Kafka()
    async with a_shard(kafka) as (shard, _):
        shard.offer(kafka.put(record(0)))
        await until(lambda: shard.content.next_offset == 1 and at_rest(shard))
        kafka.fence_next = 1
        one, two = kafka.put(record(1), record(2))
        shard.offer([one])
        await until(lambda: kafka.rewound_to == [1])
        shard.offer([two])  # fetched before the rewind
        await until(lambda: kafka.rewound_to == [1, 1])
        shard.offer([one, two])
        await until(lambda: shard.content.next_offset == 3)
        assert kafka.opened == 2
        assert [kind for kind, _ in kafka.notices].count("sla.clock.started") == 3


async def test_fenced_twice_within_a_session_it_is_the_late_one() -> None:
    """Two workers that fence each other would never end."""
    kafka = Kafka()
    async with a_shard(kafka) as (shard, task):
        kafka.fence_next = 2
        shard.offer(kafka.put(record(0)))
        await until(lambda: kafka.rewound_to)
        shard.offer([record(0)])
        await until(task.done)
        assert str(task.exception()) == "partition 0: fenced again within the session time-out"


async def test_fenced_after_its_revocation_it_leaves_the_new_owner_alone() -> None:
    """It opens again only if the partition comes back."""
    kafka = Kafka()
    async with a_shard(kafka) as (shard, _):
        kafka.may_commit.clear()
        shard.offer(kafka.put(record(0)))
        await until(lambda: not at_rest(shard))
        suspension = asyncio.create_task(shard.suspend())
        kafka.fence_next = 1
        await asyncio.sleep(0.01)
        kafka.may_commit.set()
        await suspension
        assert kafka.opened == 1
        shard.resume()
        shard.offer([record(0)])
        await until(lambda: kafka.opened == 2 and shard.content.next_offset == 1)


async def test_fenced_while_it_closes_it_just_closes() -> None:
    """Opening again would take the partition from its new owner."""
    kafka = Kafka()
    async with a_shard(kafka) as (shard, task):
        kafka.may_commit.clear()
        shard.offer(kafka.put(record(0)))
        await until(lambda: not at_rest(shard))
        closing = asyncio.create_task(shard.close())
        kafka.fence_next = 1
        await asyncio.sleep(0.01)
        kafka.may_commit.set()
        await closing
        await task
        assert kafka.opened == 1


async def test_a_full_queue_pauses_fetching_until_half_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    """By records; offering never waits."""
    monkeypatch.setattr(module, "QUEUED_RECORDS_MAX", 20)
    monkeypatch.setattr(module, "TRANSACTION_RECORDS_MAX", 5)
    kafka = Kafka()
    async with a_shard(kafka) as (shard, _):
        queued: list[int] = []
        kafka.at_resume = lambda: queued.append(len(shard._queue))
        shard.offer(kafka.put(*(record(offset) for offset in range(25))))
        assert kafka.paused == ["pause"]
        await until(lambda: queued == [10])
        await until(lambda: shard.content.next_offset == 25)
        assert kafka.paused == ["pause", "resume"]


async def test_a_queue_of_large_events_pauses_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few are enough."""
    monkeypatch.setattr(module, "QUEUED_BYTES_MAX", 1_000)
    kafka = Kafka()
    async with a_shard(kafka) as (shard, _):
        shard.offer(kafka.put(*(record(offset) for offset in range(5))))
        await until(lambda: kafka.paused == ["pause", "resume"])
        assert shard._queued_bytes == 0


async def test_a_flood_of_rubbish_trips_the_partition_until_it_is_released(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is folded or fired any more; the operator's row lets it go on where it stopped."""
    monkeypatch.setattr(module, "TRANSACTION_RECORDS_MAX", 600)
    kafka = Kafka()
    async with a_shard(kafka) as (shard, _):
        records = kafka.put(record(0, target=5), *(rubbish(offset) for offset in range(1, 700)))
        shard.offer(records)
        await until(lambda: shard.state == TRIPPED)
        assert shard.content.next_offset == 502  # the 501st dead letter of 1,000 is more than half
        shard.head(START + 10 * SECOND, 700)
        shard.offer(kafka.put(record(700)))
        await asyncio.sleep(0.05)
        assert kafka.breached == []
        assert shard.content.next_offset == 502
        released = Partition(0, Rules(packs=PACKS))
        await FakeJournal(kafka).open(released)
        kafka.state.update(released.release().rows)
        kafka.writes += 1
        await until(lambda: kafka.rewound_to == [502], 3)
        shard.offer([*records[502:], record(700)])
        await until(lambda: shard.content.next_offset == 701)
        assert shard.state == CATCHING_UP


async def test_nothing_fires_before_the_queue_is_folded() -> None:
    """The answer lies in the queue, or is known to be in the log and on its way: its case is not breached."""
    kafka = Kafka()
    async with a_shard(kafka) as (shard, _):
        shard.offer(kafka.put(record(0, case_id="case", target=5)))
        await until(lambda: shard.content.next_offset == 1 and at_rest(shard))
        answer = kafka.put(record(1, kind="case.responded", case_id="case", at=START + SECOND))
        shard.head(START + 20 * SECOND, kafka.end)
        await asyncio.sleep(0.02)
        assert shard.content.row.watermark == 0
        assert kafka.breached == []
        shard.offer(answer)
        await until(lambda: shard.state == LIVE)
        assert shard.content.row.watermark == START + 20 * SECOND
        assert kafka.breached == []
        assert ("sla.met", START + SECOND) in kafka.notices


async def test_deadlines_fire_in_their_order_once_the_rest_of_the_log_is_empty() -> None:
    """Between the last record and the end lie only markers: looked up once."""
    kafka = Kafka()
    async with a_shard(kafka) as (shard, _):
        shard.offer(kafka.put(record(0, target=9), record(1, target=3), record(2, target=6)))
        await until(lambda: shard.content.next_offset == 3 and at_rest(shard))
        kafka.end = 8
        shard.head(START + 7 * SECOND, 8)
        await until(lambda: len(kafka.breached) == 2)
        assert kafka.breached == [START + 3 * SECOND, START + 6 * SECOND]
        kafka.may_look.clear()
        shard.head(START + 10 * SECOND, 8)
        await until(lambda: len(kafka.breached) == 3)


async def test_the_watermark_never_goes_back() -> None:
    """Not by a slower clock, and not by a restore."""
    kafka = Kafka()
    async with a_shard(kafka) as (shard, _):
        shard.offer(kafka.put(record(0, target=5)))
        shard.head(START + 10 * SECOND, 1)
        await until(lambda: kafka.breached)
        assert not shard.wants_head(START + 3 * SECOND)
        shard.head(START + 3 * SECOND, 1)
        await until(lambda: shard._head is None)
        assert shard.content.row.watermark == START + 10 * SECOND
    async with a_shard(kafka) as (shard, _):
        assert shard.content.row.watermark == START + 10 * SECOND


async def test_closing_does_not_wait_for_a_partition_that_never_comes_back() -> None:
    """Suspended shards close at once."""
    kafka = Kafka()
    async with a_shard(kafka) as (shard, _):
        await shard.suspend()
        await asyncio.wait_for(shard.close(), 1)


async def test_kept_partitions_take_records_while_others_still_close() -> None:
    """Faust fetches for them before the callback of the rebalance is over."""
    kafkas = [Kafka(), Kafka(), Kafka()]
    journals = [FakeJournal(kafka) for kafka in kafkas]
    slow = asyncio.Event()

    async def close_slowly() -> None:
        await slow.wait()

    journals[1].close = close_slowly  # type: ignore[method-assign]
    around = replace(surroundings(kafkas[0]), journal=lambda number: cast("Journal", journals[number]))
    failures: list[BaseException] = []
    assignment = Assignment("case-events", around, failures.append)
    await assignment.assigned([0, 1])
    await until(lambda: all(shard.state == CATCHING_UP and at_rest(shard) for shard in assignment.shards))
    await assignment.revoked([0, 1])
    assigning = asyncio.create_task(assignment.assigned([0, 2]))
    await asyncio.sleep(0)
    assignment.deliver(0, kafkas[0].put(record(0)))
    assignment.deliver(2, [record(0)])
    assignment.deliver(1, [record(0)])
    await until(lambda: all(shard.content.next_offset == 1 for shard in assignment.shards))
    assert not assigning.done()
    slow.set()
    await assigning
    assert [shard.partition for shard in assignment.shards] == [0, 2]
    await assignment.close()
    await assignment.assigned([0, 1])
    assert assignment.shards == []
    assert failures == []


async def test_before_the_brokers_time_is_known_nothing_is_asked() -> None:
    """A partition writes its row: the answer tells. More than a minute apart, deadlines wait, and the row is written
    now and then to see whether the clocks agree again."""
    kafka = Kafka()
    async with a_shard(kafka) as (shard, _):
        watermarks = Watermarks(cast("Log", kafka), lambda: [shard], lambda: START / SECOND + 100, 0)
        assert kafka.batches == []
        await watermarks.ask()
        await until(lambda: len(kafka.batches) == 1)
        assert shard._head is None
        watermarks.skew = 61.0
        await watermarks.ask()
        assert shard._head is None
        assert len(kafka.batches) == 1
        await watermarks.ask(anyway=True)
        await until(lambda: len(kafka.batches) == 2)
        watermarks.skew = -60.0
        await watermarks.ask()
        await until(lambda: shard.state == LIVE)
