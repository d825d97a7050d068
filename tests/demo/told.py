"""Stories read by the worker's own decisions, without a broker: what it says, and when, on the run's clock."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from sla_monitor.config.packs import load_packs
from sla_monitor.core.facts import SECOND
from sla_monitor.core.policy import Packs
from sla_monitor.demo.pack import write_shortened
from sla_monitor.demo.stories import Run, Telling, stories, tellings
from sla_monitor.engine.partition import Partition, Rules
from sla_monitor.engine.records import Record
from sla_monitor.wire import rfc3339

SPEED: Final = 600.0
MONDAY_NOON: Final = rfc3339.parse("2026-01-05T12:00:00Z")
CASES_AT_ONCE: Final = 1_000


def a_run(seed: int = 1, started_at: int = MONDAY_NOON, **changed: Any) -> Run:
    """As `sla-monitor demo` makes them."""
    return Run(**{"seed": seed, "started_at": started_at, "speed": SPEED, "cases_a_minute": 40.0} | changed)


def records(run: Run, seconds: float) -> Iterator[Telling]:
    """Those of the run's first seconds."""
    return takewhile(lambda telling: telling.at < run.started_at + seconds * SECOND, tellings(stories(run)))


def packs_in(folder: Path, speed: float = SPEED) -> Packs:
    """The plan of the demo."""
    return load_packs(write_shortened(folder, speed))


class Heard:
    """What the worker says within so many seconds. `first`: when each type of notice was said first, in seconds."""

    def __init__(self, run: Run, packs: Packs, seconds: float) -> None:
        self.notices: list[dict[str, Any]] = []
        self.first: dict[str, float] = {}
        self.dead: Counter[str] = Counter()
        self._partition, self._run = Partition(0, Rules(packs=packs)), run
        for offset, telling in enumerate(records(run, seconds)):
            self._pass(telling.at)
            record = Record(offset, telling.at // 1_000, telling.key, telling.value)
            self._partition.fold(record, telling.at)
            self._hear(telling.at)
        self._pass(run.started_at + int(seconds * SECOND))

    def _pass(self, now: int) -> None:
        self._partition.advance(now)
        while self._partition.fire(now, CASES_AT_ONCE):
            self._hear(now)

    def _hear(self, now: int) -> None:
        batch = self._partition.take()
        for notice in batch.notices:
            said = json.loads(notice.value)
            self.notices.append(said)
            about = max(now if said["detected"] == "correction" else rfc3339.parse(said["time"]), self._run.started_at)
            self.first.setdefault(said["type"], (about - self._run.started_at) / SECOND)
        for letter in batch.dead:
            self.dead[letter.reason] += 1
