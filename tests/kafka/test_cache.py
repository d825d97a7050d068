"""What is made once a machine is complete or absent, and made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kafka.cache import kept


@pytest.fixture(autouse=True)
def _a_cache_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def made(scratch: Path) -> Path:
    (scratch / "made").mkdir()
    (scratch / "made" / "jar").touch()
    return scratch / "made"


def never(_: Path) -> Path:
    raise AssertionError("made again")


def test_what_is_there_is_not_made_again(tmp_path: Path) -> None:
    folder = kept("kafka-1", made)
    assert (folder / "jar").exists()
    assert kept("kafka-1", never) == folder == tmp_path / "sla-monitor" / "kafka-1"


def test_what_failed_leaves_nothing_and_is_made_the_next_time(tmp_path: Path) -> None:
    """Half a folder of jars would be a riddle."""

    def fails(scratch: Path) -> Path:
        made(scratch)
        raise OSError("the line broke")

    with pytest.raises(OSError, match="the line broke"):
        kept("kafka-1", fails)
    assert [path.name for path in (tmp_path / "sla-monitor").iterdir()] == ["kafka-1.lock"]
    assert (kept("kafka-1", made) / "jar").exists()
