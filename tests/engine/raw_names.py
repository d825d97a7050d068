"""Batches of records as a client writes them that takes any bytes for a header's name."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple, Self

from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.util import calc_crc32c

CONTROL = 0x20  # an attribute of a batch: transaction markers
CRC = struct.Struct(">I")
CRC_OFFSET, ATTRIBUTES_OFFSET = 17, 21


class RawName(str):  # noqa: SLOT000 - it keeps the bytes beside the text
    """A name that encodes to these bytes, if the builder in Python asks it; the one in C takes no subclass."""

    raw: bytes

    def __new__(cls, raw: bytes) -> Self:
        name = super().__new__(cls, raw.decode("utf-8", "replace"))
        name.raw = raw
        return name

    def encode(self, *_: object) -> bytes:
        return self.raw


Headers = Sequence[tuple[bytes, bytes | None]]


class Written(NamedTuple):
    """A record to be."""

    key: bytes | None
    value: bytes | None
    headers: Headers = ()


def batch(
    offset: int, *records: Written, compression: int = 0, producer: int | None = None, control: bool = False
) -> bytes:
    """A batch as a broker stores it. `producer`: it is part of a transaction of this one."""
    transactional, identity = (0, -1) if producer is None else (1, producer)
    builder = _DefaultRecordBatchBuilderPy(2, compression, transactional, identity, 0, 0, 64 << 20)
    for number, (key, value, headers) in enumerate(records):
        named: list[tuple[str, bytes | None]] = [(RawName(name), text) for name, text in headers]
        builder.append(number, 1_000 + number, key, value, named)
    built = bytearray(builder.build())
    struct.pack_into(">q", built, 0, offset)
    if control:
        built[ATTRIBUTES_OFFSET + 1] |= CONTROL
    CRC.pack_into(built, CRC_OFFSET, calc_crc32c(bytes(built[ATTRIBUTES_OFFSET:])))
    return bytes(built)


def abort(offset: int, producer: int) -> bytes:
    """The marker that ends a transaction which never was."""
    return batch(offset, Written(struct.pack(">hh", 0, 0), b"\x00" * 6), producer=producer, control=True)
