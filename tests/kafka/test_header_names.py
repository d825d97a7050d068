"""Names of headers that are not UTF-8, on a real broker: Kafka takes any bytes, and so must whoever reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.structs import RecordMetadata

from sla_monitor.engine import lenient
from sla_monitor.engine.log import Log
from tests.engine.raw_names import Headers, RawName, Written
from tests.kafka.broker import Broker
from tests.kafka.helpers import Record
from tests.kafka.load import problems
from tests.kafka.test_bad_input import ABOUT, good_cases, partition_of, whence
from tests.kafka.world import A_CASE, SECOND, World, a_world, event, now

PARTITIONS = 2
NAME = b"x-\xff-\xc3\xbc"
SPELT = "x-\\xff-ü"  # as the dead letter has it
HEADERS = ((b"x-before", b"\x00\xff"), (NAME, b"\xfe"), (NAME, None), (b"x-after", None))
SPELT_HEADERS: list[tuple[str, bytes | None]] = [
    ("x-before", b"\x00\xff"),
    (SPELT, b"\xfe"),
    (SPELT, None),
    ("x-after", None),
]
GZIP = 1


class Wild:
    """A producer that takes any bytes as a name. Not idempotent: aiokafka's numbers only batches built in C."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer, self._topic = producer, topic

    async def send(self, partition: int, *records: Written, compression: int = 0) -> RecordMetadata:
        """All in one batch; the place of the first."""
        batch = self._producer.create_batch()
        batch._builder = _DefaultRecordBatchBuilderPy(2, compression, 0, -1, -1, 0, 64 << 20)
        for key, value, headers in records:
            named = [(RawName(name), text) for name, text in headers]
            assert batch.append(timestamp=None, key=key, value=value, headers=named) is not None
        sent = await self._producer.send_batch(batch, self._topic, partition=partition)
        place: RecordMetadata = await sent
        return place


@asynccontextmanager
async def a_wild_producer(world: World) -> AsyncIterator[Wild]:
    producer = AIOKafkaProducer(bootstrap_servers=world.settings.broker, max_request_size=64 << 20)
    await producer.start()
    try:
        yield Wild(producer, world.settings.topics.events)
    finally:
        await producer.stop()


def opened(case_id: str, headers: Headers = ()) -> Written:
    """An opening that is good but for these."""
    good = event(case_id, "case.opened", now() - 10 * SECOND, **A_CASE)
    return Written(good.key, good.value, headers)


@pytest.fixture(autouse=True)
def _lenient() -> None:
    """The harness reads the input too."""
    lenient.install()


async def test_such_a_record_is_set_aside_and_nobody_else_notices(broker: Broker) -> None:
    """As the first record there is, among good ones of its batch, compressed, with a null value and in a row: each is
    a dead letter once, `invalid`, with its bytes, key and headers; every other record has just its effect, and the
    worker that met the first has met them all."""
    names = [f"wild-{number}" for number in range(60)]
    here, there = ([name for name in names if partition_of(name) == each] for each in range(PARTITIONS))
    async with a_world(broker.bootstrap, partitions=PARTITIONS) as world, a_wild_producer(world) as wild:
        sent: dict[tuple[int, int], Written] = {}

        async def send(partition: int, *records: Written, compression: int = 0) -> None:
            first = await wild.send(partition, *records, compression=compression)
            sent.update({(partition, first.offset + number): each for number, each in enumerate(records)})

        await send(0, opened(here[0], HEADERS))
        worker = world.start()
        await worker.ready(partitions=PARTITIONS)
        cases = good_cases(200)
        good = [each for case in cases for _, each in case.events]
        for number in range(5):
            await world.send(*good[number * 60 : number * 60 + 60])
            among = opened(here[2 * number + 1]), opened(here[0], HEADERS), opened(here[2 * number + 2])
            await send(0, *among, compression=GZIP if number % 2 else 0)
            await send(1, Written(there[0].encode(), None, HEADERS), Written(None, b"", HEADERS))
            await send(1, *[opened(there[0], HEADERS)] * 10)
        await world.caught_up()

        bad = {place: record for place, record in sent.items() if record.headers}
        letters = await world.dead()
        assert Counter(map(whence, letters)) == Counter(bad.keys())
        for letter in letters:
            assert_as_it_came(letter, bad[whence(letter)])
        notices = await world.notices()
        planned = {case.case_id for case in cases}
        assert problems(cases, [each for each in notices if each.case_id in planned], now()) == []
        others = Counter((each.case_id, each.type) for each in notices if each.case_id not in planned)
        assert others == Counter((name, "sla.clock.started") for name in here[1:11])
        assert await worker.metric('sla_dead_letters_total{reason="invalid"}') == len(bad)
        assert await worker.states() == {0: "live", 1: "live"}


def assert_as_it_came(letter: Record, sent: Written) -> None:
    """But for what the client cannot write, which is spelt out."""
    headers, about = letter.headers[: len(SPELT_HEADERS)], dict(letter.headers[len(SPELT_HEADERS) :])
    assert (letter.key, letter.value) == (sent.key, sent.value)
    assert (list(headers), list(about)) == (SPELT_HEADERS, list(ABOUT))
    assert (about["dead-reason"], about["dead-detail"]) == (b"invalid", b"headers: a name is not UTF-8")


async def test_the_log_finds_such_a_record(broker: Broker) -> None:
    """It is asked before a gap is taken for empty, and whether an offset holds what was applied there."""
    async with a_world(broker.bootstrap) as world, a_wild_producer(world) as wild:
        await wild.send(0, opened("case-1"), opened("case-2", HEADERS))
        log = Log(world.settings)
        await log.start()
        try:
            found = await log.first_record(TopicPartition(world.settings.topics.events, 0), 1, 2)
        finally:
            await log.stop()
        assert found is not None
        assert (found.offset, found.key) == (1, b"case-2")
        assert found.headers[1] == (NAME.decode("utf-8", "surrogateescape"), b"\xfe")


async def test_a_dead_letter_fits_whatever_its_names_are(broker: Broker) -> None:
    """Spelling a name out takes four times its bytes, and headers have a frame each that no name or value shows:
    what is then too large for the dead letters is there with its size and hash."""
    async with a_world(broker.bootstrap) as world, a_wild_producer(world) as wild:
        worker = world.start()
        await worker.ready()
        await wild.send(0, Written(b"long", b"1", [(b"\xff" * 900_000, b"")]))
        await wild.send(0, Written(b"many", b"2", [(b"", None)] * 1_000_000), compression=GZIP)
        await wild.send(0, opened("case-1"))
        await world.caught_up()
        long, many = await world.dead()
        about = [dict(each.headers) for each in (long, many)]
        assert [(each.key, each.value) for each in (long, many)] == [(b"long", None), (b"many", None)]
        assert [each["dead-reason"] for each in about] == [b"invalid", b"invalid"]
        assert [each["dead-original-size"] for each in about] == [b"900005", b"5"]
        assert [notice.type for notice in await world.notices()] == ["sla.clock.started"]
