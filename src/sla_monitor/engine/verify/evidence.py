"""What Kafka holds of one partition, on disk, to be read case by case: any number of records, the memory of one case.

A temporary SQLite file; it is gone with the object.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from sla_monitor.oracle import LogRecord
from sla_monitor.wire.rows import NEVER

CACHE_KIB = 32 * 1024  # of SQLite's pages in memory
SCHEMA = """
CREATE TABLE events (key BLOB, offset INTEGER PRIMARY KEY, timestamp INTEGER, value BLOB, headers BLOB);
CREATE TABLE notices (key BLOB, offset INTEGER PRIMARY KEY, timestamp INTEGER, applied INTEGER, value BLOB);
CREATE TABLE dead (offset INTEGER PRIMARY KEY, reason TEXT, times INTEGER);
CREATE TABLE rows (key BLOB PRIMARY KEY, status INTEGER, wake_at INTEGER) WITHOUT ROWID;
"""
INDEXES = "CREATE INDEX events_by_key ON events (key, offset); CREATE INDEX notices_by_key ON notices (key, offset);"

Headers = list[tuple[str, bytes]]
_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[tuple[bytes, bytes]]).decode


@dataclass(frozen=True, slots=True)
class Said:
    """A notice as it stands in the topic. `applied`: the offset its transaction had reached; None in older ones."""

    offset: int
    timestamp_ms: int
    applied: int | None
    value: bytes | None


@dataclass(slots=True, kw_only=True)
class CaseEvidence:
    """All there is about one key. `dead`: reasons of its dead letters by offset. `status`: of its state row."""

    key: bytes | None
    records: list[LogRecord] = field(default_factory=list)
    dead: dict[int, str] = field(default_factory=dict)
    notices: list[Said] = field(default_factory=list)
    status: int | None = None
    wake_at: int = NEVER


class Evidence:
    """Filled by topic, then read by case."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sla-monitor-verify-")
        self._base = sqlite3.connect(Path(self._folder.name) / "evidence", isolation_level=None)
        self._base.execute("PRAGMA journal_mode = OFF")
        self._base.execute("PRAGMA synchronous = OFF")
        self._base.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self._base.executescript(SCHEMA)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.close()
        self._folder.cleanup()

    # --- filling ------------------------------------------------------------------------------------------------

    def add_events(self, records: Iterable[tuple[bytes | None, int, int, bytes | None, Headers]]) -> None:
        """(key, offset, timestamp in ms, value, headers)."""
        self._insert(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?)",
            ((key, offset, at, value, _packed(headers)) for key, offset, at, value, headers in records),
        )

    def add_notices(self, records: Iterable[tuple[bytes | None, int, int, int | None, bytes | None]]) -> None:
        """(key, offset, timestamp in ms, applied, value)."""
        self._insert("INSERT INTO notices VALUES (?, ?, ?, ?, ?)", records)

    def add_dead(self, letters: Iterable[tuple[int, str]]) -> None:
        """(offset of the input record, reason); how often one comes is kept."""
        again = "INSERT INTO dead VALUES (?, ?, 1) ON CONFLICT (offset) DO UPDATE SET times = times + 1"
        self._insert(again, letters)

    def add_rows(self, rows: Iterable[tuple[bytes, int | None, int]]) -> None:
        """(key, status, wake_at) in the order of the state topic; a status of None deletes it."""
        self._base.execute("BEGIN")
        for key, status, wake_at in rows:
            if status is None:
                self._base.execute("DELETE FROM rows WHERE key = ?", (key,))
            else:
                self._base.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", (key, status, wake_at))
        self._base.execute("COMMIT")

    def _insert(self, statement: str, values: Iterable[tuple[Any, ...]]) -> None:
        self._base.execute("BEGIN")
        self._base.executemany(statement, values)
        self._base.execute("COMMIT")

    # --- reading ------------------------------------------------------------------------------------------------

    @property
    def next_due(self) -> int:
        """The earliest instant at which a case waits to be looked at; NEVER if none does."""
        [(at,)] = self._base.execute("SELECT min(wake_at) FROM rows")
        return NEVER if at is None else int(at)

    def index(self) -> None:
        """Before the first case is read."""
        self._base.executescript(INDEXES)

    def repeated_dead(self) -> list[int]:
        """Input offsets with more than one dead letter."""
        return [offset for (offset,) in self._base.execute("SELECT offset FROM dead WHERE times > 1 ORDER BY offset")]

    def dead_of_nothing(self) -> list[tuple[int, str]]:
        """(offset, reason) of dead letters whose record is not among the events."""
        return list(
            self._base.execute(
                "SELECT offset, reason FROM dead WHERE offset NOT IN (SELECT offset FROM events) ORDER BY offset"
            )
        )

    def keyless_notices(self) -> list[int]:
        """Offsets of notices about no case."""
        return [at for (at,) in self._base.execute("SELECT offset FROM notices WHERE key IS NULL ORDER BY offset")]

    def cases(self) -> Iterator[CaseEvidence]:
        """Each key once, in order; records without a key are one each."""
        yield from self._keyless()
        streams = (
            groupby(self._events("key IS NOT NULL"), itemgetter(0)),
            groupby(
                self._base.execute(
                    "SELECT key, offset, timestamp, applied, value FROM notices"
                    " WHERE key IS NOT NULL ORDER BY key, offset"
                ),
                itemgetter(0),
            ),
            groupby(self._base.execute("SELECT key, status, wake_at FROM rows ORDER BY key"), itemgetter(0)),
        )
        heads = [_head(stream) for stream in streams]
        while keys := [head[0] for head in heads if head is not None]:
            key = min(keys)
            case = CaseEvidence(key=key)
            for number, (head, take) in enumerate(zip(heads, (_take_events, _take_notices, _take_row), strict=True)):
                if head is not None and head[0] == key:
                    take(case, head[1])
                    heads[number] = _head(streams[number])
            yield case

    def _keyless(self) -> Iterator[CaseEvidence]:
        for found in self._events("key IS NULL"):
            case = CaseEvidence(key=None)
            _take_events(case, [found])
            yield case

    def _events(self, which: str) -> Iterator[tuple[Any, ...]]:
        return self._base.execute(
            "SELECT e.key, e.offset, e.timestamp, e.value, e.headers, d.reason"  # noqa: S608 - `which` is ours
            f" FROM events e LEFT JOIN dead d ON d.offset = e.offset WHERE e.{which} ORDER BY e.key, e.offset"
        )


def _head(stream: Iterator[tuple[bytes, Iterator[tuple[Any, ...]]]]) -> tuple[bytes, list[tuple[Any, ...]]] | None:
    found = next(stream, None)
    return None if found is None else (found[0], list(found[1]))


def _take_events(case: CaseEvidence, found: list[tuple[Any, ...]]) -> None:
    for key, offset, timestamp, value, headers, reason in found:
        record = LogRecord(offset, timestamp, key, value, _unpacked(headers))
        case.records.append(record)
        if reason is not None:
            case.dead[offset] = reason


def _take_notices(case: CaseEvidence, found: list[tuple[Any, ...]]) -> None:
    case.notices = [Said(*columns) for _, *columns in found]


def _take_row(case: CaseEvidence, found: list[tuple[Any, ...]]) -> None:
    [(_, case.status, case.wake_at)] = found


def _packed(headers: Headers) -> bytes | None:
    """Names as the bytes they were: one may be no UTF-8."""
    return _pack([(name.encode("utf-8", "surrogateescape"), text) for name, text in headers]) if headers else None


def _unpacked(packed: bytes | None) -> Headers:
    if packed is None:
        return []
    return [(name.decode("utf-8", "surrogateescape"), text) for name, text in _unpack(packed)]
