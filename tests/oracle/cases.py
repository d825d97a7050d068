"""Short ways to write a case down, for examples computed by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sla_monitor.oracle import LogRecord, Plans, Standing, judge
from sla_monitor.oracle.events import instant
from sla_monitor.oracle.standing import written

CloudEvent = dict[str, Any]
PLANS = Plans.load()
FAR = "2027-06-01T00:00:00Z"


def event(kind: str, at: str, name: str = "", **data: object) -> CloudEvent:
    return {
        "specversion": "1.0",
        "id": name or f"{kind} {at} {sorted(data.items())}",
        "source": "/crm",
        "type": f"case.{kind}",
        "subject": "CASE-1",
        "time": at,
        "data": data,
    }


def opened(at: str, severity: str, **more: object) -> CloudEvent:
    terms = {"severity": severity, "plan": "standard", "country": "DE", "language": "en", "submitted_by": "admin"}
    return event("opened", at, "opening", **(terms | more))


def record(offset: int, found: CloudEvent | None) -> LogRecord:
    return LogRecord(offset, 0, b"CASE-1", None if found is None else json.dumps(found).encode())


def log(events: Sequence[CloudEvent | None]) -> list[LogRecord]:
    return [record(offset, found) for offset, found in enumerate(events)]


def said(*events: CloudEvent | None, until: str = FAR) -> list[Standing]:
    return judge("CASE-1", log(events), plans=PLANS, now=instant(until)).standing


def times(kind: str, *events: CloudEvent | None, until: str = FAR) -> list[str]:
    return [written(found.at) for found in said(*events, until=until) if found.kind == kind]


def deadline(*events: CloudEvent | None) -> object:
    """Where the response clock's deadline was in the end."""
    told = [found for found in said(*events) if found.subject == "initial_response"]
    return told[-1].data["deadline"]


__all__ = ["PLANS", "deadline", "event", "log", "opened", "said", "times"]
