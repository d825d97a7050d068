"""Whatever stands in the input topic: it is set aside as it came, and nobody else notices."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.partitioner import murmur2
from aiokafka.structs import RecordMetadata

from sla_monitor.wire.rows import PARTITION_KEY
from tests.kafka.broker import Broker
from tests.kafka.helpers import Record
from tests.kafka.load import PlannedCase, problems
from tests.kafka.world import (
    A_CASE,
    CONSOLE,
    SECOND,
    Event,
    Notice,
    WorkerProcess,
    World,
    a_world,
    envelope,
    event,
    eventually,
    now,
)

HOUR_SECONDS: Final = 3_600
MAX_MESSAGE_BYTES: Final = 1_048_588  # of the input topic: Kafka's default
EVENT_BYTES_MAX: Final = 256 * 1024
SECRET: Final = "do-not-quote-me"  # stands in payloads; no detail may have it
HEADERS: Final = (("x-trace", b"\x00\xff"), ("x-twice", b"1"), ("x-twice", b"2"), ("x-null", None))
ABOUT: Final = (
    *("dead-reason", "dead-detail", "dead-topic", "dead-partition", "dead-offset"),
    *("sla-applied", "sla-watermark"),
)
PARTITIONS: Final = 2
FLOOD: Final = 600  # bad records; more than half of the last 1,000 stops a partition
TRIPS_AT: Final = 501


def partition_of(case_id: str) -> int:
    """Where a case belongs."""
    return int((murmur2(case_id.encode()) & 0x7FFFFFFF) % PARTITIONS)


def written(attributes: object, key: str | None = None, partition: int | None = None) -> Event:
    """Any JSON as a record, under its subject as key if no other is said."""
    subject = key if key is not None else str(attributes["subject"]) if isinstance(attributes, dict) else "x"
    return Event(key=subject.encode(), value=json.dumps(attributes).encode(), headers=HEADERS, partition=partition)


def spoiled(case_id: str, **instead: Any) -> Event:
    """An opening with other attributes; None leaves one out."""
    attributes = envelope(case_id, "case.opened", now(), **A_CASE, customer=SECRET) | instead
    kept = {name: value for name, value in attributes.items() if value is not None}
    return written(kept, key=case_id)


def with_data(case_id: str, **data: Any) -> Event:
    """An opening with other data."""
    return written(envelope(case_id, "case.opened", now(), **(A_CASE | {"customer": SECRET} | data)))


def as_large_as(size: int, key: bytes) -> Event:
    """A record whose value has this many bytes and is JSON."""
    frame = json.dumps(envelope(key.decode(), "case.opened", now(), **A_CASE, customer="")).encode()
    return Event(key=key, value=frame.replace(b'"customer": ""', b'"customer": "%s"' % (b"x" * (size - len(frame)))))


def garbage(known: str) -> Iterator[tuple[str, Event]]:
    """Reason and record: everything that may come from somebody who knows no better. `known` is a good case, opened
    by its event `<case>-opened`."""
    good = envelope("bad-good", "case.opened", now(), **A_CASE)
    yield "not_json", Event(key=b"bad-1", value=b"\xff\xfe" + SECRET.encode(), headers=HEADERS)
    yield "not_json", Event(key=b"bad-2", value=b"")
    yield "not_json", Event(key=b"bad-3", value=json.dumps(good).encode()[:-1], headers=HEADERS)
    yield "invalid", written([good], key="bad-4")
    yield "invalid", with_data("bad-5", severity=1)
    yield "invalid", with_data("bad-6", accepts_english="yes")
    yield "invalid", with_data("bad-7", severity=SECRET)
    yield "invalid", with_data("bad-8", severity="D")  # a letter, but none of the plan's
    yield "invalid", spoiled("bad-9", source=None)
    yield "invalid", spoiled("bad-10", specversion="0.3")
    yield "invalid", spoiled("bad-11", data=SECRET)
    yield "key_mismatch", written(good, key=known)
    yield "no_key", Event(key=None, value=json.dumps(good).encode(), headers=HEADERS, partition=1)
    yield "no_key", Event(key=None, value=None, headers=HEADERS, partition=0)
    yield "invalid", Event(key=PARTITION_KEY, value=None, headers=HEADERS, partition=0)  # the worker's own row
    yield "invalid", Event(key=b"\xc3", value=json.dumps(good).encode(), partition=1)
    yield "bad_time", spoiled("bad-12", time="2026-01-05T09:00:00")
    yield "bad_time", spoiled("bad-13", time="2126-01-05T09:00:00Z")
    yield "future", written(envelope("bad-14", "case.opened", now() + HOUR_SECONDS * SECOND, **A_CASE))
    yield "unknown_type", spoiled("bad-15", type="case.teleported")
    yield "conflict", written(envelope(known, "case.responded", now(), event_id=f"{known}-opened"))
    yield "conflict", written(envelope(known, "case.opened", now(), **(A_CASE | {"severity": "B"})))
    yield "too_large", as_large_as(EVENT_BYTES_MAX + 1, b"bad-16")


async def send_one(broker: Broker, topic: str, sent: Event, compression: str | None = None) -> RecordMetadata:
    """By a producer of its own: what the broker refuses must not disturb the order of others."""
    producer = AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap, max_request_size=64 << 20, compression_type=compression
    )
    await producer.start()
    try:
        future = await producer.send(topic, sent.value, key=sent.key, partition=0, headers=list(sent.headers))
        place: RecordMetadata = await future
        return place
    finally:
        await producer.stop()


async def send_the_largest(broker: Broker, topic: str) -> tuple[Event, RecordMetadata]:
    """The largest record that the input topic takes: one byte more is refused."""
    key = b"bad-largest"
    size = MAX_MESSAGE_BYTES - 61 - 11 - len(key)  # framing of a batch and of a record of this size
    with pytest.raises(MessageSizeTooLargeError):
        await send_one(broker, topic, as_large_as(size + 1, key))
    largest = as_large_as(size, key)
    return largest, await send_one(broker, topic, largest)


def good_cases(count: int) -> list[PlannedCase]:
    """Opened ten seconds ago; every second one answered since."""
    began = now() - 10 * SECOND
    return [
        PlannedCase(
            case_id=f"good-{number}",
            opened_at=began + number,
            target_seconds=HOUR_SECONDS,
            answered_at=began + 5 * SECOND if number % 2 else None,
        )
        for number in range(count)
    ]


def assert_as_it_came(letter: Record, sent: Event, reason: str, topic: str) -> None:
    """The original bytes, key and headers, then why and whence, without a word of the payload."""
    about = dict(letter.headers[len(sent.headers) :])
    assert (letter.key, letter.value) == (sent.key, sent.value)
    assert tuple(letter.headers[: len(sent.headers)]) == sent.headers
    assert tuple(about) == ABOUT
    assert (about["dead-reason"], about["dead-topic"]) == (reason.encode(), topic.encode())
    assert SECRET.encode() not in about["dead-detail"]


def whence(letter: Record) -> tuple[int, int]:
    """(partition, offset) of what a dead letter was."""
    about = dict(letter.headers)
    return int(about["dead-partition"]), int(about["dead-offset"])


async def test_garbage_is_set_aside_once_as_it_came_and_good_events_do_not_notice(broker: Broker) -> None:
    """One bad record in a hundred: each is a dead letter once, with its reason and its original bytes, key and
    headers; every good case has just the notices it should have."""
    async with a_world(broker.bootstrap, partitions=PARTITIONS) as world:
        worker = world.start()
        await worker.ready(partitions=PARTITIONS)
        cases, topic = good_cases(1_500), world.settings.topics.events
        good = [each for case in cases for _, each in case.events]
        await world.send(*good[:2])
        bad = list(garbage(cases[0].case_id))
        expected: dict[tuple[int, int], tuple[str, Event]] = {}
        step = len(good) // len(bad)
        for number, (reason, sent) in enumerate(bad):
            first, *_ = await world.send(sent, *good[number * step : (number + 1) * step])
            expected[first.partition, first.offset] = (reason, sent)
        await world.send(*good[len(bad) * step :])
        largest, place = await send_the_largest(broker, topic)
        expected[place.partition, place.offset] = ("too_large", largest)
        await world.caught_up()
        letters = await world.dead()
        assert Counter(map(whence, letters)) == Counter(expected.keys())
        for letter in letters:
            reason, sent = expected[whence(letter)]
            assert_as_it_came(letter, sent, reason, topic)
        assert problems(cases, await world.notices(), now()) == []
        assert len(bad) / len(good) == pytest.approx(0.01, rel=0.1)
        assert sum([await worker.metric(f'sla_dead_letters_total{{reason="{each}"}}') for each in reasons(bad)]) == (
            len(expected)
        )


def reasons(bad: Sequence[tuple[str, Event]]) -> set[str]:
    return {reason for reason, _ in bad}


async def test_what_is_no_fault_is_no_dead_letter(broker: Broker) -> None:
    """An event without data in binary mode is applied, a null value erases its case once, an unknown case's is only
    counted, types of others are skipped; what compression made small enough for the input, and nothing makes small
    enough for the dead letters, is there with its size and hash."""
    async with a_world(broker.bootstrap, partitions=PARTITIONS) as world:
        worker = world.start()
        await worker.ready(partitions=PARTITIONS)
        began = now() - 10 * SECOND
        await world.send(
            binary("answered", "case.opened", began, A_CASE),
            binary("answered", "case.responded", began + SECOND, None),
            event("erased", "case.opened", began, **A_CASE),
            event("brief", "case.opened", began, **A_CASE),
            Event(key=b"brief", value=None),
            written(envelope("whatever", "com.example.ping", began)),
        )
        await world.caught_up()
        assert (await world.state())[b"erased"] is not None
        await world.send(
            Event(key=b"erased", value=None),
            Event(key=b"erased", value=None, headers=HEADERS),
            Event(key=b"never-heard-of", value=None),
        )
        await world.caught_up()
        notices = await world.notices()
        assert kinds(notices, "answered") == ["sla.clock.started", "sla.clock.stopped", "sla.met"]
        assert kinds(notices, "erased") == ["sla.clock.started", "case.forgotten"]
        assert kinds(notices, "brief") == ["sla.clock.started", "case.forgotten"]
        assert {notice.case_id for notice in notices} == {"answered", "erased", "brief"}
        state = await world.state()
        assert state[b"answered"] is not None
        assert state[b"erased"] is None
        assert b"never-heard-of" not in state
        assert await world.dead() == []
        assert await worker.metric('sla_events_without_effect_total{reason="unknown_case"}') == 2
        assert await worker.metric('sla_events_without_effect_total{reason="other_type"}') == 1
        await assert_too_large_for_the_dead_letters(broker, world)


def binary(case_id: str, kind: str, at: int, data: dict[str, Any] | None) -> Event:
    """The same event in binary mode: its attributes are headers."""
    attributes = envelope(case_id, kind, at)
    del attributes["data"]
    headers = tuple((f"ce_{name}", str(value).encode()) for name, value in attributes.items())
    if data is None:
        return Event(key=case_id.encode(), value=None, headers=headers)
    headers = (*headers, ("content-type", b"application/json"))
    return Event(key=case_id.encode(), value=json.dumps(data).encode(), headers=headers)


def kinds(notices: Sequence[Notice], case_id: str) -> list[str]:
    return [notice.type for notice in notices if notice.case_id == case_id]


async def assert_too_large_for_the_dead_letters(broker: Broker, world: World) -> None:
    value = b"x" * (4 << 20)
    assert len(gzip.compress(value)) < MAX_MESSAGE_BYTES
    sent = Event(key=b"bad-zipped", value=value, headers=HEADERS)
    place = await send_one(broker, world.settings.topics.events, sent, compression="gzip")
    await world.caught_up()
    [letter] = await world.dead()
    about = dict(letter.headers)
    assert (letter.key, letter.value, whence(letter)) == (b"bad-zipped", None, (place.partition, place.offset))
    assert about["dead-reason"] == b"too_large"
    assert int(about["dead-original-size"]) >= len(value)
    assert about["dead-original-sha256"].decode() == hashlib.sha256(value).hexdigest()


async def test_a_flood_of_garbage_stops_its_partition_and_no_other(broker: Broker) -> None:
    """More than half of 1,000 bad: the partition is `tripped`, its offset and its deadlines stay where they are, also
    after a restart, while the other partition goes on; the operator's word lets it go on without a loss."""
    async with a_world(broker.bootstrap, partitions=PARTITIONS) as world:
        worker = world.start()
        await worker.ready(partitions=PARTITIONS)
        names = [f"case-{number}" for number in range(100)]
        flooded = [name for name in names if partition_of(name) == 0]
        others = iter([name for name in names if partition_of(name) == 1])
        bad = [Event(key=flooded[0].encode(), value=b"no JSON, number %d" % number) for number in range(FLOOD)]
        deadline = now() + 5 * SECOND
        watched = event(flooded[1], "case.opened", deadline - 3 * SECOND, **A_CASE, targets={"initial_response": 3})
        await world.send(watched, *bad, event(flooded[2], "case.opened", now(), **A_CASE))
        await until_tripped(worker)
        await assert_stopped_where_it_tripped(world, next(others))

        worker.terminate()
        assert await worker.ended() == 0
        again = world.start()
        await until_tripped(again)
        await asyncio.sleep(max(0.0, (deadline + SECOND // 2 - now()) / SECOND))
        await assert_stopped_where_it_tripped(world, next(others))

        resume = [*CONSOLE[:-1], "dead", "resume", "0"]
        done = await asyncio.to_thread(
            subprocess.run, resume, env=world.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        await again.ready(partitions=PARTITIONS)
        await world.caught_up()
        assert Counter(letter.value for letter in await world.dead()) == Counter(each.value for each in bad)
        await eventually_said(world, lambda notices: "sla.breached" in kinds(notices, flooded[1]))
        assert kinds(await world.notices(), flooded[2]) == ["sla.clock.started"]


async def until_tripped(worker: WorkerProcess) -> None:
    """Partition 0 is, and says so; the other works."""

    async def is_so() -> bool:
        return await worker.states() == {0: "tripped", 1: "live"}

    await eventually(is_so, worker.end_of_log)
    page = await worker.page("/readyz")
    assert page is not None
    assert not page["ready"]
    assert "dead resume 0" in page["reason"]


async def assert_stopped_where_it_tripped(world: World, other: str) -> None:
    """A case of the other partition is served; of this one, nothing."""
    await world.send(event(other, "case.opened", now(), **A_CASE))
    await world.caught_up(partitions=[1])
    await eventually_said(world, lambda notices: kinds(notices, other) == ["sla.clock.started"])
    assert (await world.committed())[0] == 1 + TRIPS_AT
    assert len(await world.dead()) == TRIPS_AT
    assert {notice.type for notice in await world.notices() if notice.partition == 0} == {"sla.clock.started"}


async def eventually_said(world: World, holds: Callable[[list[Notice]], bool]) -> None:
    notices: list[Notice] = []

    async def is_so() -> bool:
        nonlocal notices
        notices = await world.notices()
        return holds(notices)

    await eventually(is_so, lambda: f"{[notice.value for notice in notices]}\n{world.ends_of_logs()}")
