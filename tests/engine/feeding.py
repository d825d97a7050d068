"""A partition fed by hand: records in, time passes, what it hands out is kept. No broker, no waiting."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any, Final

from sla_monitor.config.packs import load_packs
from sla_monitor.core.decide import Bounds
from sla_monitor.core.facts import DAY, MINUTE
from sla_monitor.core.times import iso
from sla_monitor.engine.partition import Partition, Rules
from sla_monitor.engine.records import Batch, DeadLetter, Headers, Record
from sla_monitor.wire import rfc3339, rows

PACKS: Final = load_packs()
NINE: Final = rfc3339.parse("2026-01-05T09:00:00Z")  # a Monday
SOURCE: Final = "crm"
STRUCTURED: Final[Headers] = (("content-type", b"application/cloudevents+json"),)
# Severity A in English is served round the clock: an hour is an hour.
A_CASE: Final[dict[str, Any]] = {
    "severity": "A",
    "plan": "unified",
    "country": "US",
    "language": "en",
    "submitted_by": "admin",
}
RULES: Final = Rules(packs=PACKS)


def rules(*, correction_horizon: int = 7 * DAY, retention: int = 396 * DAY, **changed: Any) -> Rules:
    """The usual ones, with these instead."""
    return replace(RULES, bounds=Bounds(correction_horizon=correction_horizon, retention=retention), **changed)


def event(case_id: str, kind: str, at: int, identity: str, /, **data: Any) -> bytes:
    """A case event in structured mode."""
    attributes = {
        "specversion": "1.0",
        "id": identity,
        "source": SOURCE,
        "type": kind,
        "subject": case_id,
        "time": iso(at),
        "data": data,
    }
    return json.dumps(attributes).encode()


def clock(hours: int, minutes: int = 0) -> int:
    """So long after nine on that Monday."""
    return NINE + (60 * hours + minutes) * MINUTE


class Fed:
    """A partition with the topics around it. The watermark stays behind until `wait` moves it."""

    def __init__(self, given: Rules = RULES, state: dict[bytes, bytes] | None = None, number: int = 0) -> None:
        self.rules, self.number = given, number
        self.partition = Partition(number, given)
        self.state: dict[bytes, bytes] = {}  # the state topic, compacted
        for key, value in (state or {}).items():
            self.partition.restore(key, value)
            self.state[key] = value
        self.partition.restored()
        self.offset = self.partition.next_offset
        self.wall = max(NINE, self.partition.row.watermark)
        self.notices: list[dict[str, Any]] = []
        self.dead: list[DeadLetter] = []
        self.counted: Counter[str] = Counter()
        self.batches: list[Batch] = []

    # --- in -------------------------------------------------------------------------------------------------------

    def fold(self, key: bytes | None, value: bytes | None, headers: Headers = STRUCTURED) -> None:
        """One record, at the next offset, which stays in memory until `take`."""
        self.partition.fold(Record(self.offset, self.wall // 1_000, key, value, headers), self.wall)
        self.offset += 1

    def tell(self, case_id: str, kind: str, at: int, identity: str = "", /, **data: Any) -> list[str]:
        """A good event arrives when it happens, or now if that is past; answers with the types of what is said."""
        self.wall = max(self.wall, at)
        self.fold(case_id.encode(), event(case_id, kind, at, identity or f"e{self.offset}", **data))
        return self.take()

    def open(self, case_id: str, at: int = NINE, identity: str = "", /, **data: Any) -> list[str]:
        """A case with one hour to respond, unless `data` says otherwise."""
        return self.tell(case_id, "case.opened", at, identity, **(A_CASE | data))

    def erase(self, case_id: str) -> list[str]:
        self.fold(case_id.encode(), None, ())
        return self.take()

    def wait(self, until: int) -> list[str]:
        """The input is complete up to `until`, and what is due by then fires."""
        self.wall = max(self.wall, until)
        self.partition.advance(until)
        while self.partition.fire(self.wall, 1):
            pass
        return self.take()

    # --- out ------------------------------------------------------------------------------------------------------

    def take(self) -> list[str]:
        """One transaction; the types of its notices."""
        batch = self.partition.take()
        self.batches.append(batch)
        for key, value in batch.rows:
            if value is None:
                self.state.pop(key)
            else:
                self.state[key] = value
        said = [json.loads(out.value) for out in batch.notices]
        self.notices += said
        self.dead += batch.dead
        for counts in (batch.events, batch.without_effect):
            self.counted.update(counts)
        return [notice["type"] for notice in said]

    def restarted(self) -> Fed:
        """The process dies; another one reads the state topic."""
        again = Fed(self.rules, self.state, self.number)
        again.wall = self.wall
        return again

    def said(self, *kinds: str) -> list[tuple[str, str, str]]:
        """(case, type, time) of all notices of these types."""
        return [(one["subject"], one["type"], one["time"]) for one in self.notices if one["type"] in kinds]

    def reasons(self) -> list[str]:
        return [letter.reason for letter in self.dead]

    def statuses(self) -> dict[bytes, int]:
        return {key: rows.header(value)[0] for key, value in self.state.items() if key != rows.PARTITION_KEY}
