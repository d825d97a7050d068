"""Instants and durations as people read them. Inside they are integers: microseconds, since the epoch or of length."""

from __future__ import annotations

from datetime import datetime, timedelta

from sla_monitor.core.facts import SECOND

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC by agreement: formatting it is twice as fast


def iso(instant: int) -> str:
    """RFC 3339 in UTC ending in `Z`; a fraction of six digits only when there is one."""
    return (_EPOCH + timedelta(microseconds=instant)).isoformat() + "Z"


def seconds(duration: int) -> int | float:
    """Microseconds as seconds: an integer when whole."""
    whole, rest = divmod(duration, SECOND)
    return duration / SECOND if rest else whole
