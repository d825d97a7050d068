"""What is published for readers: the JSON Schema (draft 2020-12) of a notice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sla_monitor.core import notices as n
from sla_monitor.wire.outbound import SOURCE
from sla_monitor.wire.schemas import DIALECT

Fields = Mapping[str, Mapping[str, Any]]

_TEXT: Final = {"type": "string"}
_TIME: Final = {"type": "string", "format": "date-time", "pattern": "Z$"}
_SECONDS: Final = {"type": "number", "minimum": 0}
_EVENT: Final = {
    "type": "object",
    "description": "A case event, by what identifies it.",
    "properties": {"source": _TEXT, "id": _TEXT},
    "required": ["source", "id"],
}
_COMMON: Final[Fields] = {
    "case_id": _TEXT,
    "generation": {"type": "integer", "minimum": 1, "description": "1, and one more for each accepted reopening."},
    "severity": _TEXT,
    "plan": _TEXT,
    "rule": {"type": "string", "description": "The rule of the policy pack that this rests on, such as SP-A."},
    "policy": {
        "type": "object",
        "properties": {"name": _TEXT, "version": _TEXT},
        "required": ["name", "version"],
    },
}
_CLOCK: Final[Fields] = {
    "clock": _TEXT,
    "deadline": {
        **_TIME,
        "type": ["string", "null"],
        "description": "null: nothing follows from this silence (any more), it depends on work, or the clock pauses.",
    },
    "target_seconds": _SECONDS,
    "elapsed_seconds": {**_SECONDS, "description": "Open time counted so far, in the calendar's hours."},
    "calendar": _TEXT,
    "promised": {"type": "boolean"},
}
_LEVEL: Final = {"type": "integer", "minimum": 1, "description": "Percent of the target."}
_CHANGE: Final[Fields] = {
    "from": _TEXT,
    "to": _TEXT,
    "evidence": {"type": "object", "properties": {"events": {"type": "array", "items": _EVENT}}},
}
_MOVED: Final[Fields] = {
    **_CLOCK,
    "old_deadline": {"type": ["string", "null"]},
    "new_deadline": {"type": ["string", "null"]},
    "cause": {"enum": ["event", "policy", "calendar"]},
}
_EFFORT: Final[Fields] = {
    **_CLOCK,
    "worked_seconds": {**_SECONDS, "description": "Engineer time, of all engineers together."},
    "limit_seconds": _SECONDS,
    "level": {**_LEVEL, "description": "Percent of the limit."},
    "advice": {**_TEXT, "description": "What follows."},
}
_REOPENING: Final[Fields] = {
    "rules": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"rule": _TEXT, "ok": {"type": "boolean"}},
            "required": ["rule", "ok"],
        },
    },
    "failed": {"type": "array", "items": _TEXT, "description": "Every rule that does not hold."},
}
# What a type says beside what all say, and what of it may be absent.
_DATA: Final[Mapping[str, tuple[str, Fields, Fields]]] = {
    n.CLOCK_STARTED: ("A clock began to run.", _CLOCK, {}),
    n.CLOCK_STOPPED: ("A clock ended; its verdict, if there is one, is a notice of its own.", _CLOCK, {}),
    n.CLOCK_PAUSED: ("A clock counts nothing for a while.", _CLOCK, {}),
    n.CLOCK_RESUMED: ("A clock counts again; the deadline is the new one.", _CLOCK, {}),
    n.DEADLINE_MOVED: ("A deadline is another one now.", _MOVED, {"event": _EVENT}),
    n.WARNING: (
        "A share of the target is used up.",
        {**_CLOCK, "level": _LEVEL, "remaining": {**_SECONDS, "description": "Open time left."}},
        {},
    ),
    n.BREACHED: ("The deadline passed without what was promised.", _CLOCK, {}),
    n.OVERDUE: ("A share above the whole target is used up.", {**_CLOCK, "level": _LEVEL, "late_by": _SECONDS}, {}),
    n.MET: (
        "What was promised was done; `late`: after the deadline.",
        {**_CLOCK, "remaining": _SECONDS},
        {"late": {"const": True}, "late_by": _SECONDS},
    ),
    n.CANCELLED: ("The clock ended without a verdict.", _CLOCK, {}),
    n.RETRACTED: (
        "An earlier notice does not stand. What else it says is what that notice said.",
        {"retracts": _TEXT, "retracted_type": _TEXT, "because": _TEXT, "because_source": _TEXT},
        {},
    ),
    n.DOWNGRADE_RECOMMENDED: ("The severity may be lowered; a person confirms or declines.", _CHANGE, {}),
    n.DOWNGRADED: ("The severity was lowered under a rule.", _CHANGE, {}),
    n.RESTORED: ("The severity held before a downgrade is back.", _CHANGE, {}),
    n.COVERAGE_LIMITED: ("The case is served with less, and how to get more.", {"advice": _TEXT}, {}),
    n.COVERAGE_DECLINED: (
        "What is asked for is not supported: no clock runs. What to do instead.",
        {"advice": _TEXT},
        {},
    ),
    n.ELIGIBILITY_DECLINED: ("Whoever asks may not: no clock runs. What to do instead.", {"advice": _TEXT}, {}),
    n.EFFORT_WARNING: ("A share of the engineer time that the case gets is used up.", _EFFORT, {}),
    n.EFFORT_EXHAUSTED: ("All of the engineer time that the case gets is used up.", _EFFORT, {}),
    n.SCRIPT_ACCEPTED: ("The script may be run.", {"script": _EVENT}, {}),
    n.SCRIPT_DECLINED: ("The script may not be run, and what to do first.", {"script": _EVENT, "advice": _TEXT}, {}),
    n.REOPEN_ACCEPTED: ("The case is taken up again, in a new generation.", _REOPENING, {}),
    n.REOPEN_DECLINED: ("The case stays closed: it is a new incident.", _REOPENING, {}),
    n.CONTACT_OUTSIDE_HOURS: (
        "The customer was to be contacted outside the hours for it.",
        {
            "attempt": _EVENT,
            "reached": {"type": "boolean"},
            "window": {
                "type": "object",
                "properties": {"calendar": _TEXT, "opens_at": _TIME},
                "required": ["calendar", "opens_at"],
            },
        },
        {},
    ),
    n.CONTACT_UNVERIFIED: (
        "The contact details are not known to be right.",
        {"events": {"type": "array", "items": _EVENT}},
        {},
    ),
    n.HISTORY_FOLDED: (
        "The case has so many events that the older ones can no longer be corrected.",
        {"facts": {"type": "integer"}},
        {},
    ),
}
# Notices of the worker about a case, not of a pack: they say only whose it is.
_ABOUT_CASES: Final[Mapping[str, tuple[str, Fields]]] = {
    n.FORGOTTEN: ("The case was erased.", {}),
    n.QUARANTINED: ("A defect stopped this case; the others go on.", {"error": _TEXT}),
}


def notice_schema() -> dict[str, Any]:
    """The schema of a notice: the envelope, and one alternative for each type."""
    return {
        "$schema": DIALECT,
        "title": "SLA notice",
        "description": "A CloudEvents 1.0 event, structured mode. Read the topic with isolation.level=read_committed.",
        "type": "object",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "format": "uuid", "description": "The same whoever sends it, and whenever."},
            "source": {"const": SOURCE},
            "type": {"enum": list(n.KINDS)},
            "subject": {"type": "string", "description": "The case id; the record's key."},
            "time": {**_TIME, "description": "The instant it is about, never the wall clock."},
            "datacontenttype": {"const": "application/json"},
            "emittedat": {**_TIME, "description": "The wall clock when it was sent."},
            "detected": {"enum": list(n.DETECTED)},
            "traceparent": {"type": "string", "description": "That of the event which caused it, if it had one."},
            "data": {"type": "object"},
        },
        "required": [
            *("specversion", "id", "source", "type", "subject", "time"),
            *("datacontenttype", "emittedat", "detected", "data"),
        ],
        "oneOf": [
            *(_alternative(kind, text, {**_COMMON, **must}, may) for kind, (text, must, may) in _DATA.items()),
            *(_alternative(kind, text, {"case_id": _TEXT, **must}, {}) for kind, (text, must) in _ABOUT_CASES.items()),
        ],
    }


def _alternative(kind: str, description: str, must: Fields, may: Fields) -> dict[str, Any]:
    data = {"properties": {**must, **may}, "required": list(must)}
    return {"title": kind, "description": description, "properties": {"type": {"const": kind}, "data": data}}
