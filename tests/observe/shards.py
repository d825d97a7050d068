"""A shard as `/readyz` and the collector see it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from sla_monitor.observe.recorder import Stands


class Standing(NamedTuple):
    """See `Stands`."""

    severity: str | None = "A"
    plan: str | None = "standard"
    queue: str | None = None
    state: str = "running"
    promised: bool = True
    waits: bool = False
    effort: str = "within"


@dataclass(kw_only=True)
class Shard:
    """See `ShardView`."""

    partition: int = 0
    state: str = "live"
    state_since: float = 0.0
    lag_records: int = 0
    watermark: int | None = None
    cases_open: int = 0
    cases_ended: int = 0
    cases_orphaned: int = 0
    quarantined: int = 0
    timers: int = 0
    next_due: int | None = None
    open_cases: Iterable[tuple[Stands, int]] = ()
