"""A backup of the state as a file: JSON lines, so that it can be looked at, and a sum, so that it can be trusted.

{"format": 1, "input": …, "state": …, "group": …, "partitions": …}      what it is a backup of
{"partition": 0, "row": …, "state_end": …, "input_end": …, "rows": 2}   each partition, then its cases:
[key, row]                                                              in base64
{"lines": …, "sha256": …}                                               of all before it
"""

from __future__ import annotations

import hashlib
import os
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from sla_monitor.errors import BadConfiguration

FORMAT = 1
_Kind = TypeVar("_Kind")


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What was backed up: names of topics and group, how many partitions."""

    format: int = FORMAT
    input: str
    state: str
    group: str
    partitions: int


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One partition: its own row, where its topics ended, and how many rows of cases follow. `unread`: the input held
    records that were not in the state.
    """

    partition: int
    row: bytes
    state_end: int
    input_end: int
    unread: bool
    rows: int


class _Sum(msgspec.Struct, frozen=True, kw_only=True):
    lines: int
    sha256: str


def write(path: Path, origin: Origin, sections: Iterable[tuple[Section, Mapping[bytes, bytes]]]) -> _Sum:
    """Makes the file as a whole or not at all; only its owner may read it, for rows hold what events said.

    BadConfiguration: it is there already, or cannot be written.
    """
    if path.exists():
        raise BadConfiguration(f"{path}: is there already; a backup never replaces another")
    unfinished = path.with_name(path.name + ".part")
    digest, lines = hashlib.sha256(), 0
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            for line in _lines(origin, sections):
                file.write(line)
                digest.update(line)
                lines += 1
            total = _Sum(lines=lines, sha256=digest.hexdigest())
            file.write(msgspec.json.encode(total) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
    except OSError as error:
        raise BadConfiguration(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return total


def _lines(origin: Origin, sections: Iterable[tuple[Section, Mapping[bytes, bytes]]]) -> Iterator[bytes]:
    yield msgspec.json.encode(origin) + b"\n"
    for section, rows in sections:
        yield msgspec.json.encode(section) + b"\n"
        for key, value in rows.items():
            yield b'["%s","%s"]\n' % (b64encode(key), b64encode(value))


class Backup:
    """A file that was read once and is whole. `rows` reads it again: a million cases need no memory."""

    def __init__(self, path: Path) -> None:
        """BadConfiguration: not a backup, of a newer version, cut short or changed."""
        self._path = path
        try:
            with path.open("rb") as file:
                self.origin = _decode(file.readline(), Origin, path)
        except OSError as error:
            raise BadConfiguration(f"{path}: cannot be read ({error.strerror})") from error
        if self.origin.format > FORMAT:
            raise BadConfiguration(f"{path}: is of format {self.origin.format}, this version reads {FORMAT}")
        self._check_the_sum()
        self.sections = [section for section, _ in self._read(rows=False)]
        if [section.partition for section in self.sections] != list(range(self.origin.partitions)):
            raise BadConfiguration(f"{path}: does not have each of its {self.origin.partitions} partitions once")

    def _check_the_sum(self) -> None:
        digest, lines, last = hashlib.sha256(), 0, b""
        with self._path.open("rb") as file:
            for line in file:
                if last:
                    digest.update(last)
                    lines += 1
                last = line
        found = _Sum(lines=lines, sha256=digest.hexdigest())
        if not last.startswith(b'{"lines"') or _decode(last, _Sum, self._path) != found:
            raise BadConfiguration(f"{self._path}: was cut short or changed: its sum does not fit")

    def rows(self) -> Iterator[tuple[int, bytes, bytes]]:
        """(partition in the backup, key, row) of every case."""
        for section, row in self._read(rows=True):
            if row is not None:
                key, value = msgspec.json.decode(row, type=tuple[str, str])
                yield section.partition, b64decode(key), b64decode(value)

    def _read(self, *, rows: bool) -> Iterator[tuple[Section, bytes | None]]:
        with self._path.open("rb") as file:
            file.readline()
            while (line := file.readline()) and not line.startswith(b'{"lines"'):
                section = _decode(line, Section, self._path)
                if not rows:
                    yield section, None
                for _ in range(section.rows):
                    row = file.readline()
                    if rows:
                        yield section, row


def _decode(line: bytes, kind: type[_Kind], path: Path) -> _Kind:
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.MsgspecError as error:
        raise BadConfiguration(f"{path}: is no backup of the state ({error})") from error
