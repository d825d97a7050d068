"""Header names that are not UTF-8, though Kafka says they are: read all the same, with nothing lost.

Kafka's brokers and Java clients take any bytes for a name; aiokafka raises UnicodeDecodeError, at the same record for
ever. Its parser in C stays the one that reads. Where it gives up, the rest of what was fetched goes through its parser
in Python, with such names decoded by `surrogateescape` (PEP 383); `wire/inbound.py` then refuses the record.

The names leaned on here are held by tests/engine/test_lenient.py.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.legacy_records import LegacyRecordBatch
from aiokafka.record.memory_records import MemoryRecords

LENGTH = struct.Struct(">8xi")  # of a batch: its first offset, then how many bytes follow
MAGIC_OFFSET = 16  # of a batch: the version of its format; headers came with 2


def install() -> None:
    """For every consumer of this process that is started later or has not fetched yet; again is no harm.

    aiokafka looks the two names up in its module, at each fetch: there is no parameter and no method between.
    """
    vars(fetcher).update(MemoryRecords=Fetched, PartitionRecords=Records)


class Fetched(MemoryRecords):  # type: ignore[misc, valid-type]  # a class, says its .pyi, that is final: it is not
    """The parser in C, with the bytes it reads, which it has but does not show."""

    def __init__(self, fetched: bytes) -> None:
        super().__init__(fetched)
        self.fetched = fetched


class Records(fetcher.PartitionRecords):
    """The records of a partition that one fetch brought. `next_fetch_offset` is behind the last one handed out."""

    def _unpack_records(self) -> Iterator[Any]:
        try:
            yield from super()._unpack_records()
        except UnicodeDecodeError:
            # Its batch is begun once more: what it did for aborted transactions is the same twice.
            self._records = Remaining(self._records.fetched, self.next_fetch_offset)
            yield from super()._unpack_records()


class Remaining:
    """In place of `Fetched`: its batches from the one on that has `offset`."""

    def __init__(self, fetched: bytes, offset: int) -> None:
        self._batches = (batch for batch in _batches(fetched) if batch.next_offset > offset)
        self._next = next(self._batches, None)

    def has_next(self) -> bool:
        return self._next is not None

    def next_batch(self) -> Any:
        batch, self._next = self._next, next(self._batches, None)
        return batch


def _batches(fetched: bytes) -> Iterator[Any]:
    """The whole ones: a broker may cut off the last."""
    start = 0
    while start + LENGTH.size <= len(fetched):
        end = start + LENGTH.size + LENGTH.unpack_from(fetched, start)[0]
        if end > len(fetched):
            return
        batch, magic = fetched[start:end], fetched[start + MAGIC_OFFSET]
        yield LenientBatch(batch) if magic > 1 else LegacyRecordBatch(batch, magic)
        start = end


class LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # final for checkers of types
    """A batch whose parser meets only text."""

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = LenientBytes(self._buffer)


class LenientBytes(bytearray):
    """The parser takes names out as slices and decodes these; nothing else is decoded."""

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        return LenientBytes(found) if isinstance(at, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> str:
        return super().decode(encoding, errors)
