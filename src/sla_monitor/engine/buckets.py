"""What a command reads of many cases, on disk by case, so that it needs the memory of a small part of them at a time.

Temporary files, gone with the object. A case is in one bucket with all that is about it, so buckets may be worked on in
any order, and several at once.
"""

from __future__ import annotations

import pickle
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

BUCKETS = 128  # 1 M records of 400 B are 3 MB in each; 128 open files x 8 KiB of buffer = 1 MiB


class Buckets:
    """Filled, then closed by asking for `paths`, then read one by one."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sla-monitor-")
        self._files: dict[int, BinaryIO] = {}
        self.records = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        self._folder.cleanup()

    def put(self, key: bytes | None, record: tuple[Any, ...]) -> None:
        """`record`: of plain values. What has no key is in the first bucket."""
        number = zlib.crc32(key or b"") % BUCKETS
        if number not in self._files:
            self._files[number] = self._path(number).open("wb")
        pickle.dump(record, self._files[number], pickle.HIGHEST_PROTOCOL)
        self.records += 1

    def paths(self) -> list[Path]:
        """Of the buckets that hold anything, in one order."""
        self._close()
        return [path for number in range(BUCKETS) if (path := self._path(number)).exists()]

    def _path(self, number: int) -> Path:
        return Path(self._folder.name) / f"{number:03}"

    def _close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()


def content(path: Path) -> Iterator[tuple[Any, ...]]:
    """What was put into a bucket, in that order."""
    with path.open("rb") as file:
        while file.peek(1):
            yield pickle.load(file)  # noqa: S301 - written by this command, in a folder of this user alone
