"""Instants as text in: RFC 3339 on the wire, microseconds since the Unix epoch (UTC) inside. Out: `core.times`."""

from __future__ import annotations

import re
from datetime import UTC, datetime

EARLIEST = 946_684_800_000_000  # 2000-01-01T00:00:00Z; an earlier time is a unit mistaken, not an event
LATEST = 4_102_444_800_000_000 - 1  # the last microsecond of 2099

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# `fromisoformat` takes more of ISO 8601 than RFC 3339 allows (weeks, no offset, any separator), hence the shape first.
_SHAPE = re.compile(r"\d\d\d\d-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:[0-5]\d)", re.ASCII)
_has_shape = _SHAPE.fullmatch


def parse(text: str) -> int:
    """Microseconds since the epoch of an event's time. ValueError: not RFC 3339, or outside 2000..2099 (UTC)."""
    at = parse_any(text)
    if not EARLIEST <= at <= LATEST:
        raise ValueError("outside the years 2000 to 2099")
    return at


def parse_any(text: str) -> int:
    """Microseconds since the epoch, of any year, finer fractions cut off. ValueError: not RFC 3339.

    `T` and `Z` may be lower case (RFC 3339, 5.6). A leap second (`:60`) has no microsecond of its own in Unix time
    and is an error.
    """
    if _has_shape(text) is None:
        raise ValueError("not RFC 3339 with an offset")
    since = datetime.fromisoformat(text.upper()) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
