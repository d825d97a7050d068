"""What is logged at debug level of a committed batch: a line for the transaction, one for each decision, one for each
dead letter. docs/logs.md lists the fields.

Nothing is said before it is committed, so the log never claims what Kafka does not have. No line has anything that an
event said of a person or a case beyond the id of the case; the trace that the event came with leads to the rest.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import structlog

from sla_monitor.core.notices import Notice
from sla_monitor.core.times import iso
from sla_monitor.engine.records import Batch, DeadLetter, Outgoing

LOGGER = "sla_monitor.canonical"
ABOUT = ("clock", "generation", "severity", "plan", "promised", "retracted_type")  # of a notice's data
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}", re.ASCII)  # W3C Trace Context

_log = structlog.get_logger(LOGGER)
_switch = logging.getLogger(LOGGER)


def tell(partition: int, batch: Batch, seconds: float, skew: float | None) -> None:
    """Once a transaction. With the level off this is one look-up, whatever the batch holds."""
    if not _switch.isEnabledFor(logging.DEBUG):
        return
    for line in lines(partition, batch, seconds, skew):
        _log.debug(line.pop("event"), **line)


def lines(partition: int, batch: Batch, seconds: float, skew: float | None) -> Iterator[dict[str, Any]]:
    """The fields of each line, in the order in which they are said; absent ones are left out."""
    yield _without_none(
        event="transaction",
        partition=partition,
        applied=batch.applied if batch.applied >= 0 else None,
        watermark=iso(batch.watermark) if batch.watermark else None,
        events=sum(batch.events.values()),
        without_effect=sum(batch.without_effect.values()),
        rows=len(batch.rows),
        notices=len(batch.notices),
        dead_letters=len(batch.dead),
        seconds=round(seconds, 6),
        skew_seconds=skew,
    )
    yield from (_decision(partition, out) for out in batch.notices)
    yield from (_dead_letter(partition, letter) for letter in batch.dead)


def _decision(partition: int, out: Outgoing) -> dict[str, Any]:
    notice = out.notice
    return _without_none(
        event="decision",
        partition=partition,
        case_id=notice.case_id,
        notice_id=notice.id,
        type=notice.kind,
        at=iso(notice.at),
        detected=out.detected,
        by_timer=notice.by_timer,
        corrects=notice.corrects,
        **{name: notice.data.get(name) for name in ABOUT},
        policy=_policy(notice),
        **_trace(notice),
    )


def _policy(notice: Notice) -> str | None:
    match notice.data.get("policy"):
        case {"name": name, "version": version}:
            return f"{name}/{version}"
        case _:
            return None


def _trace(notice: Notice) -> dict[str, str]:
    """Of the event that caused it. What is not of the standard's form is not repeated."""
    found = _TRACEPARENT.fullmatch(notice.traceparent or "")
    return {"trace_id": found[1], "span_id": found[2]} if found else {}


def _dead_letter(partition: int, letter: DeadLetter) -> dict[str, Any]:
    """Where it was read; who wants its content reads the topic."""
    return {"event": "dead letter", "partition": partition, "reason": letter.reason, "offset": letter.offset}


def _without_none(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
