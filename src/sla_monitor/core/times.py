"""Instants and durations as people read them. Inside they are integers: microseconds, since the epoch or of length."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final

from sla_monitor.core.facts import SECOND

INSTANTS_REMEMBERED_MAX: Final = 2_048  # as text; 2,048 x ~250 B = 0.5 MB

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - UTC by agreement: formatting it is twice as fast


@lru_cache(INSTANTS_REMEMBERED_MAX)
def iso(instant: int) -> str:
    """RFC 3339 in UTC ending in `Z`; a fraction of six digits only when there is one. Remembered, for the notices of
    one event, and those about one deadline, say the same instants.
    """
    return (_EPOCH + timedelta(microseconds=instant)).isoformat() + "Z"


def months_later(instant: int, months: int, zone: tzinfo) -> int:
    """The same wall-clock time so many calendar months later; a day that month does not have is its last. A time that
    clocks skip moves forward by the gap, of one that comes twice it is the first pass.
    """
    wall = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=instant)).astimezone(zone).replace(tzinfo=None)
    year, month = divmod(wall.year * 12 + wall.month - 1 + months, 12)
    day = min(wall.day, monthrange(year, month + 1)[1])
    later = wall.replace(year=year, month=month + 1, day=day, fold=0)
    offset = later.replace(tzinfo=zone).utcoffset() or timedelta()
    return (later - offset - _EPOCH) // timedelta(microseconds=1)


def iso_in(instant: int, zone: tzinfo) -> str:
    """RFC 3339 as the clocks of a zone show it, with their offset; to the minute, as RFC 3339 has no finer ones.

    Offsets with seconds are local mean times of long ago: the instant stays right, the clock shown is off by seconds.
    """
    local = (_EPOCH.replace(tzinfo=UTC) + timedelta(microseconds=instant)).astimezone(zone)
    offset = local.utcoffset() or timedelta()
    if offset.seconds % 60:
        local = local.astimezone(timezone(timedelta(minutes=round(offset / timedelta(minutes=1)))))
    return local.isoformat()


def seconds(duration: int) -> int | float:
    """Microseconds as seconds: an integer when whole."""
    whole, rest = divmod(duration, SECOND)
    return duration / SECOND if rest else whole
