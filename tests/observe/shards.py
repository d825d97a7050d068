"""A shard as `/readyz` and the collector see it."""

from __future__ import annotations

from dataclasses import dataclass


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
