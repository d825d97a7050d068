"""Notices out: CloudEvents 1.0, structured JSON. One notice is the same bytes but for when it was sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from sla_monitor.core.facts import SECOND
from sla_monitor.core.notices import CATCH_UP, CORRECTION, HISTORY, LIVE, Notice
from sla_monitor.core.times import iso

SOURCE: Final = "/sla-monitor"
HEADERS: Final = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
APPLIED_HEADER, WATERMARK_HEADER = "sla-applied", "sla-watermark"
LIVE_WITHIN = 60 * SECOND  # a decision later than this after its instant shows that the worker was behind

_encode = msgspec.json.Encoder().encode


def detected(notice: Notice, emitted_at: int, notices_from: int | None, live_within: int | None) -> str:
    """Why it is said now: before go-live `history`, after a late fact `correction`, else by how late it is. With
    `live_within` None the worker is never behind.
    """
    if notices_from is not None and notice.at < notices_from:
        return HISTORY
    if notice.corrects:
        return CORRECTION
    behind = live_within is not None and emitted_at - notice.at > live_within
    return CATCH_UP if behind else LIVE


def position_headers(applied: int, watermark: int) -> list[tuple[str, bytes]]:
    """How far the partition was when this was said: the offset of the last input record in its state, and its
    watermark in microseconds. With them a reader knows from which input a notice follows.
    """
    return [(APPLIED_HEADER, b"%d" % applied), (WATERMARK_HEADER, b"%d" % watermark)]


def position_of(headers: Iterable[tuple[str, bytes | None]]) -> tuple[int, int] | None:
    """(offset, watermark) as `position_headers` wrote them; None for a notice without."""
    found = dict(headers)
    try:
        return int(found[APPLIED_HEADER] or b""), int(found[WATERMARK_HEADER] or b"")
    except (KeyError, ValueError):
        return None


def encode(notice: Notice, emitted_at: int, how: str) -> bytes:
    """The value of the Kafka record; its key is the case id."""
    event: dict[str, object] = {
        "specversion": "1.0",
        "id": notice.id,
        "source": SOURCE,
        "type": notice.kind,
        "subject": notice.case_id,
        "time": iso(notice.at),
        "datacontenttype": "application/json",
        "emittedat": iso(emitted_at),
        "detected": how,
    }
    if notice.traceparent is not None:
        event["traceparent"] = notice.traceparent
    event["data"] = notice.data
    return _encode(event)
