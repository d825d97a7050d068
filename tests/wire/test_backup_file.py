"""A backup file is whole and unchanged, or it is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sla_monitor.errors import BadConfiguration
from sla_monitor.wire.backup_file import Backup, Origin, Section, write

ORIGIN = Origin(input="case-events", state="sla-state", group="sla-monitor", partitions=2)
ROWS = ({b"case-1": b"\x00row", b"case-\xff": b""}, {b"case-2": b"another"})


def section(number: int) -> Section:
    return Section(partition=number, row=b"own", state_end=7, input_end=5, unread=bool(number), rows=len(ROWS[number]))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Of two partitions."""
    path = tmp_path / "backup"
    write(path, ORIGIN, [(section(number), rows) for number, rows in enumerate(ROWS)])
    return path


def test_what_was_written_is_read(file: Path) -> None:
    """All of it, in its order, as often as it is asked for; and nobody else may read it."""
    backup = Backup(file)
    assert backup.origin == ORIGIN
    assert backup.sections == [section(0), section(1)]
    everything = [(number, key, value) for number, rows in enumerate(ROWS) for key, value in rows.items()]
    assert list(backup.rows()) == everything == list(backup.rows())
    assert file.stat().st_mode & 0o077 == 0
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_no_backup_replaces_another(file: Path) -> None:
    """The one that is there may be the only one."""
    before = file.read_bytes()
    with pytest.raises(BadConfiguration, match="is there already"):
        write(file, ORIGIN, [])
    assert file.read_bytes() == before


def _without_a_row(lines: list[bytes]) -> list[bytes]:
    return lines[:2] + lines[3:]


def _cut_short(lines: list[bytes]) -> list[bytes]:
    return lines[:-1]


def _another_row(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b"AHJvdw==", b"AHJvdg==") for line in lines]


def _begun(lines: list[bytes]) -> list[bytes]:
    return lines[:1]


@pytest.mark.parametrize("spoil", [_without_a_row, _cut_short, _another_row, _begun])
def test_a_file_that_was_changed_is_refused(file: Path, spoil: Callable[[list[bytes]], list[bytes]]) -> None:
    """Also by one bit of one row."""
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(spoil(lines)))
    with pytest.raises(BadConfiguration, match=r"cut short or changed"):
        Backup(file)


def test_what_is_no_backup_is_named(tmp_path: Path) -> None:
    """Another file, a newer format, none at all."""
    path = tmp_path / "notes.txt"
    path.write_text("shopping\n")
    with pytest.raises(BadConfiguration, match=r"notes\.txt: is no backup"):
        Backup(path)
    path.write_text('{"format": 2, "input": "", "state": "", "group": "", "partitions": 0}\n')
    with pytest.raises(BadConfiguration, match=r"of format 2, this version reads 1"):
        Backup(path)
    with pytest.raises(BadConfiguration, match="cannot be read"):
        Backup(tmp_path / "missing")


def test_a_partition_that_is_missing_is_told(tmp_path: Path) -> None:
    """The sum fits and the file does not."""
    path = tmp_path / "backup"
    write(path, ORIGIN, [(section(0), ROWS[0])])
    with pytest.raises(BadConfiguration, match="does not have each of its 2 partitions once"):
        Backup(path)
