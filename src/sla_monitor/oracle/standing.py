"""One idea: a standing notice as the promise compares it, whether the oracle or the worker said it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sla_monitor.oracle.events import instant

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LEVELLED = {"severity.downgrade_recommended", "severity.downgraded"}


class Standing(NamedTuple):
    case_id: str
    generation: int
    subject: str  # the clock, else the rule, that the notice is about
    kind: str
    level: int  # percent; of a downgrade the instant at which the silence began (ADR 0003), where its evidence says so
    at: int  # microseconds since the epoch
    data: Mapping[str, object]


def standing(kind: str, at: int, data: Mapping[str, Any]) -> Standing:
    return Standing(
        case_id=str(data["case_id"]),
        generation=int(data.get("generation", 1)),
        subject=str(data.get("clock") or data.get("rule") or ""),
        kind=kind,
        level=_level(kind, data),
        at=at,
        data=data,
    )


def standing_of_notice(notice: Mapping[str, Any]) -> Standing:
    """A published notice, as parsed JSON."""
    return standing(str(notice["type"]), instant(notice["time"]), notice["data"])


def _level(kind: str, data: Mapping[str, Any]) -> int:
    if kind in LEVELLED:
        since = data["evidence"].get("since")
        return instant(since) if since else 0
    return int(data.get("level", 0))


def written(at: int) -> str:
    """An instant as notices write it: UTC, ending in Z, six digits of fraction or none."""
    return (EPOCH + timedelta(microseconds=at)).isoformat().replace("+00:00", "Z")


def seconds(micros: int) -> int | float:
    return micros // 1_000_000 if micros % 1_000_000 == 0 else micros / 1_000_000
