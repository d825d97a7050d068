"""Header names that are not UTF-8: nothing else is read otherwise. Also what `engine/lenient.py` leans on inside
aiokafka: a new version that fails here is not taken before lenient.py has been read against it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy
from hypothesis import given
from hypothesis import strategies as st

from sla_monitor.engine.lenient import Fetched, LenientBatch, Records, install
from tests.engine.raw_names import Written, abort, batch

GOOD, BAD = (
    b"x-name",
    b"x-\xff\xed\xb2\x80-\xc3\xbc",
)  # two that are no UTF-8 (the second a lone surrogate), one that is
DECODED = "x-\udcff\udced\udcb2\udc80-ü"
SOME = Written(b"key", b"value", [(GOOD, b"1")])
WILD = Written(b"key", None, [(GOOD, None), (BAD, b"\xfe"), (BAD, None)])
CODECS = {"none": 0, "gzip": 1}
WHERE = TopicPartition("topic", 0)

Original: Any = Records.__base__  # whatever another test has installed


def reading(fetched: bytes, offset: int = 0, aborted: Any = (), kinds: Any = (Fetched, Records)) -> Any:
    """As a fetcher makes it of an answer."""
    parser, records = kinds
    return records(WHERE, parser(fetched), aborted, offset, None, None, True, fetcher.READ_COMMITTED)  # noqa: FBT003


@pytest.fixture
def _restored() -> Iterator[None]:
    kept = {name: vars(fetcher)[name] for name in ("MemoryRecords", "PartitionRecords")}
    yield
    vars(fetcher).update(kept)


def test_aiokafka_alone_stops_at_such_a_name() -> None:
    """The defect that is mended here. Once it is mended there, lenient.py can go."""
    with pytest.raises(UnicodeDecodeError):
        list(reading(batch(0, WILD), kinds=(MemoryRecords, Original)))


@pytest.mark.parametrize("codec", CODECS)
def test_such_a_name_loses_nothing(codec: str) -> None:
    """Names, null values, key, value, offset and timestamp, also of the records around it, however compressed."""
    fetched = batch(7, SOME, WILD, SOME, compression=CODECS[codec]) + batch(10, SOME)
    found = list(reading(fetched, 7))
    assert [record.offset for record in found] == [7, 8, 9, 10]
    assert [record.timestamp for record in found] == [1_000, 1_001, 1_002, 1_000]
    assert [(record.key, record.value) for record in found] == [each[:2] for each in (SOME, WILD, SOME, SOME)]
    assert found[1].headers == (("x-name", None), (DECODED, b"\xfe"), (DECODED, None))
    assert {record.headers for record in (found[0], found[2], found[3])} == {(("x-name", b"1"),)}
    assert DECODED.encode("utf-8", "surrogateescape") == BAD


def test_what_is_read_otherwise_stays_in_c() -> None:
    """Its parser reads on as before; the one in Python takes over only where it gives up."""
    records = Fetched(batch(0, SOME) + batch(1, WILD))
    assert type(records.next_batch()) is DefaultRecordBatch
    begun = reading(batch(0, SOME) + batch(1, WILD))
    next(begun)
    assert type(begun._records) is Fetched


def test_reading_goes_on_behind_what_was_handed_out() -> None:
    """The position is that behind the last record, in the midst of a batch too; the end is that of the last batch."""
    begun = reading(batch(0, SOME, SOME) + batch(5, SOME, WILD, SOME), 1)
    behind = [begun.next_fetch_offset, *((next(begun), begun.next_fetch_offset)[1] for _ in range(4))]
    assert behind == [1, 2, 6, 7, 8]
    assert list(begun) == []
    assert begun.next_fetch_offset == 8


def test_a_batch_that_is_cut_off_is_left_for_the_next_fetch() -> None:
    """Brokers cut answers at a number of bytes."""
    begun = reading(batch(0, WILD) + batch(1, WILD)[:-1])
    assert [record.offset for record in begun] == [0]
    assert begun.next_fetch_offset == 1


def test_a_broken_batch_is_still_an_error() -> None:
    """Lenient with names only."""
    fetched = bytearray(batch(0, WILD) + batch(1, WILD))
    fetched[-1] ^= 1
    begun = reading(bytes(fetched))
    assert next(begun).offset == 0
    with pytest.raises(CorruptRecordException, match="CRC"):
        next(begun)


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, bytes, int, list[tuple[int, int]]]:
    """The same answer of a broker twice, the first with wild names; where in its first batch to start; what was
    aborted."""
    wild = plain = b""
    offset, start, aborted, open_since = 5, 0, list[tuple[int, int]](), dict[int, int]()
    for _ in range(draw(st.integers(1, 8))):
        producer = draw(st.sampled_from([None, None, 1, 2]))
        if producer in open_since and draw(st.booleans()):
            aborted.append((producer, open_since.pop(producer)))
            wild, plain, offset = wild + abort(offset, producer), plain + abort(offset, producer), offset + 1
            continue
        names = draw(st.lists(st.sampled_from([GOOD, BAD]), min_size=1, max_size=4))
        compression = draw(st.sampled_from(list(CODECS.values())))
        if producer is not None:
            open_since.setdefault(producer, offset)
        some = [Written(b"%d" % number, b"", [(name, b"")]) for number, name in enumerate(names)]
        good = [Written(key, value, [(GOOD, b"")]) for key, value, _ in some]
        wild += batch(offset, *some, compression=compression, producer=producer)
        plain += batch(offset, *good, compression=compression, producer=producer)
        start = start or draw(st.integers(offset, offset + len(names) - 1))
        offset += len(names) + draw(st.sampled_from([0, 0, 2]))  # compaction leaves gaps
    return wild, plain, start, aborted


@given(answers())
def test_names_change_nothing_but_names(answer: tuple[bytes, bytes, int, list[tuple[int, int]]]) -> None:
    """The same records in the same order, with the same positions, as if the names had been good; aborted ones out."""
    wild, plain, start, aborted = answer

    def steps(begun: Any) -> list[tuple[int, bytes, int]]:
        return [*((record.offset, record.key, begun.next_fetch_offset) for record in begun), begun.next_fetch_offset]

    original = (MemoryRecords, Original)
    assert steps(reading(wild, start, aborted)) == steps(reading(plain, start, aborted, original))


# --- the shape of aiokafka ------------------------------------------------------------------------------------------


def test_the_fetcher_asks_its_module_for_both_names() -> None:
    """At each fetch, with the arguments in this order; it asks nothing else of them."""
    source = inspect.getsource(fetcher.Fetcher._proc_fetch_request)
    assert "records = MemoryRecords(part_data[-1])" in source
    assert "partition_records = PartitionRecords(" in source
    assert "MemoryRecords" in vars(fetcher)
    assert set(inspect.signature(_MemoryRecordsPy).parameters) == {"bytes_data"}


@pytest.mark.usefixtures("_restored")
def test_install_reaches_the_fetcher() -> None:
    """Twice is once."""
    install()
    install()
    assert vars(fetcher)["MemoryRecords"] is Fetched
    assert vars(fetcher)["PartitionRecords"] is Records


def test_the_generator_of_records_can_be_begun_again() -> None:
    """It keeps all that matters in attributes, and asks of records only what `Remaining` has."""
    source = inspect.getsource(Original)
    assert "self._records_iterator = self._unpack_records()" in source
    assert (
        "records = self._records\n        while records.has_next():\n            next_batch = records.next_batch()"
        in source
    )
    assert source.count("records.") == 2 + source.count("_records.")
    assert "if record.offset < self.next_fetch_offset:" in source
    assert "_aborted_producers.discard(" in source
    assert "_aborted_producers.add(" in source


def test_the_parser_in_python_decodes_names_and_nothing_else() -> None:
    """As slices of its buffer, which is whole after `_maybe_uncompress`."""
    source = inspect.getsource(_DefaultRecordBatchPy)
    assert source.count(".decode(") == 1
    assert 'buffer[pos : pos + h_key_len].decode("utf-8")' in source
    assert "self._maybe_uncompress()" in inspect.getsource(_DefaultRecordBatchPy.__iter__)
    assert LenientBatch.__mro__[1] is _DefaultRecordBatchPy
    assert DefaultRecordBatch is not _DefaultRecordBatchPy, "no parser in C: each record costs some ten times as much"
