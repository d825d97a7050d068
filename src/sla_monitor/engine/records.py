"""What a partition takes in and hands out: plain values, no Kafka client."""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sla_monitor.core.notices import Notice
from sla_monitor.core.values import value

Headers = Sequence[tuple[str, bytes]]  # a name that is not UTF-8 is decoded with `surrogateescape` (PEP 383)

HEADER_OBJECTS_BYTES = 200  # of memory: a tuple, a str and bytes, beside what they hold
HEADER_FRAMING_BYTES = 10  # at most, of one header: two lengths of up to 5 bytes


class Record(NamedTuple):
    """One record of the input, as fetched. `timestamp` is Kafka's, in milliseconds."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @property
    def checksum(self) -> int:
        """CRC-32 of key and value: enough to see that an offset now holds something else."""
        return zlib.crc32(self.value or b"", zlib.crc32(self.key or b""))

    @property
    def size(self) -> int:
        """About the memory it takes, in bytes. A megabyte of headers of three bytes each is seventy in memory."""
        size = len(self.key or b"") + len(self.value or b"")
        return size + _size(self.headers) + HEADER_OBJECTS_BYTES * len(self.headers) if self.headers else size


@value(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A notice and the bytes it goes out as."""

    notice: Notice
    detected: str
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A record that could not be used, as it came, and why."""

    reason: str
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def offset(self) -> int:
        """That the record has in the input."""
        return int(dict(self.headers)["dead-offset"])


@dataclass(slots=True, kw_only=True)
class Batch:
    """What one transaction writes, and what to count once it is committed."""

    rows: list[tuple[bytes, bytes | None]] = field(default_factory=list)
    notices: list[Outgoing] = field(default_factory=list)
    dead: list[DeadLetter] = field(default_factory=list)
    next_offset: int | None = None  # of the input; None: no record was read
    applied: int = -1  # where the partition stands with it: the last input record in its state,
    watermark: int = 0  # and the instant up to which its input is complete
    events: Counter[str] = field(default_factory=Counter)
    without_effect: Counter[str] = field(default_factory=Counter)
    mismatches: int = 0
    folded_early: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.rows or self.notices or self.dead or self.next_offset is not None)


def key_of(case_id: str) -> bytes:
    """Of a case that somebody typed. Bytes that are no UTF-8 arrive as surrogates (PEP 383); no case has such a key."""
    return case_id.encode("utf-8", "surrogateescape")


def dead_letter(record: Record, *, reason: str, detail: str, topic: str, partition: int, bytes_max: int) -> DeadLetter:
    """The record with why and whence in headers. One too large for the topic is replaced by its size and hash.

    The client writes names as UTF-8 only: another byte in one is spelt out, a backslash, an x and two digits.
    """
    about = (
        ("dead-reason", reason.encode()),
        ("dead-detail", detail.encode()),
        ("dead-topic", topic.encode()),
        ("dead-partition", str(partition).encode()),
        ("dead-offset", str(record.offset).encode()),
    )
    headers = tuple((_writable(name), value) for name, value in record.headers)
    size = len(record.key or b"") + len(record.value or b"")
    if size + _size(headers) + HEADER_FRAMING_BYTES * len(headers) <= bytes_max:
        return DeadLetter(reason=reason, key=record.key, value=record.value, headers=(*headers, *about))
    digest = hashlib.sha256(record.value or b"").hexdigest()
    original = size + _size(record.headers)
    replaced = (("dead-original-size", str(original).encode()), ("dead-original-sha256", digest.encode()))
    key = record.key if record.key is not None and len(record.key) <= bytes_max // 2 else None
    return DeadLetter(reason=reason, key=key, value=None, headers=(*about, *replaced))


def _writable(name: str) -> str:
    return name if name.isascii() else name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _size(headers: Headers) -> int:
    return sum(len(name.encode("utf-8", "surrogateescape")) + len(value or b"") for name, value in headers)
