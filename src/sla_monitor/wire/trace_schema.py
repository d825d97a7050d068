"""What is published for readers: the JSON Schema (draft 2020-12) of what `sla-monitor explain --json` prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sla_monitor.core import facts as f
from sla_monitor.core import notices as n
from sla_monitor.core.explain.stretches import DATES_MAX
from sla_monitor.core.hours import BREAK, CLOSED, CLOSURE, HALF_DAY, HOLIDAY
from sla_monitor.wire.schemas import DIALECT

Schema = Mapping[str, Any]

_TEXT: Final = {"type": "string"}
_RULE: Final = {"type": "string", "description": "An id; its sentence is under `rules`."}
_COUNT: Final = {"type": "integer", "minimum": 0}
_TIME: Final = {"type": "string", "format": "date-time", "pattern": "Z$"}
_SECONDS: Final = {"type": "number", "minimum": 0}
_YES: Final = {"type": "boolean"}
_BECAUSE: Final = {"type": "object", "description": "The fields that the rule asked for, as the case had them."}


def _object(required: Schema, optional: Schema | None = None, *, about: str = "") -> dict[str, Any]:
    said = {"description": about} if about else {}
    properties = {**required, **(optional or {})}
    return {**said, "type": "object", "properties": properties, "required": [*required], "additionalProperties": False}


def _list(items: Schema, *, about: str = "") -> dict[str, Any]:
    return {**({"description": about} if about else {}), "type": "array", "items": items}


def _or_null(schema: Schema) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


_EVENT: Final = _or_null(_object({"source": _TEXT, "id": _TEXT, "type": {"enum": [*f.TYPES]}}))
_TERMS: Final = {"rule": _RULE, "because": _BECAUSE}
_PERIOD: Final = _object(
    {"from": _TIME, "to": _TIME, "seconds": _SECONDS, "sum_seconds": _SECONDS},
    {
        "periods": {
            "type": "integer",
            "minimum": 2,
            "description": "In a count with `stretches`: so many periods, from the first to the last of them.",
        }
    },
)
_WALL: Final = {"type": "string", "pattern": "^([01][0-9]|2[0-4]):[0-5][0-9]$"}
_HOURS: Final = {"type": "array", "prefixItems": [_WALL, _WALL], "items": False}
_DATE: Final = {"type": "string", "format": "date"}
_CLOSES_DATES: Final = (HOLIDAY, HALF_DAY, CLOSURE, BREAK, CLOSED)
_CALLED: Final = {
    "name": {**_TEXT, "description": "Of the holiday, or the title of the event; missing where nobody knows it."},
    "file": {**_TEXT, "description": "The iCalendar file that has the event."},
}
_DAY: Final = _object(
    {
        "date": _DATE,
        "weekday": _TEXT,
        "open": _list(_HOURS),
    },
    {
        "hours": _list(_HOURS, about="What `closings` take away from; without any it is what is open."),
        "closings": _list(
            _object({"kind": {"enum": [*_CLOSES_DATES]}, "closed": _list(_HOURS)}, _CALLED),
            about="What closes the date or a part of it, whatever its hours are.",
        ),
        "own_hours": _object(
            {"instead_of": _list(_HOURS), "ignores": _list(_object({"kind": {"enum": [HOLIDAY, HALF_DAY]}}, _CALLED))},
            about="The pack has hours of this date alone: in place of those of its weekday, and of a holiday.",
        ),
        "since": {**_DATE, "description": "Hours of this calendar were changed for good; these hold from that date."},
    },
)
_LIKE: Final = {"from": _DATE, "to": _DATE, "dates": {"type": "integer", "minimum": 1}}
_STRETCH: Final = {
    "anyOf": [
        _object(
            {**_LIKE, "week": {"type": "object", "additionalProperties": _list(_HOURS)}},
            {"since": _DATE},
            about="So many dates, each open as `week` says of its weekday; those of `days` among them are not counted.",
        ),
        _object({**_LIKE, "paused": {"const": True}}, about="Dates that are wholly in a pause of the clock."),
    ]
}
_CALENDAR: Final = _object(
    {
        "rule": _or_null(_RULE),
        "name": _TEXT,
        "zone": {**_TEXT, "description": "The case's time zone, an IANA name."},
        "always_open": _YES,
        "days": _list(_DAY, about="Every local date from the first to the last, with its hours on the wall clock."),
        "interruptions": _list(
            _object({"from": _TIME, "to": _TIME, "kind": {"enum": [CLOSURE, CLOSED]}}, _CALLED),
            about="Events with times that take open time away, whatever the days say.",
        ),
        "offset_changes": _list(_object({"at": _TIME, "from": _TEXT, "to": _TEXT})),
    },
    {
        "stretches": _list(
            _STRETCH, about=f"In a count of more than {DATES_MAX} dates: those alike, which `days` leaves out."
        )
    },
)
_TARGET: Final = {**_TERMS, "seconds": _SECONDS, "source": {"enum": ["pack", "case"]}}
_COUNTED: Final = _object(
    {
        "how": {"enum": ["from_start", "from_change", "keep_elapsed"]},
        "policy": {**_TEXT, "description": "The version of the pack whose rules it counts by."},
        "change": {**_or_null(_COUNT), "description": "The index of the change that it is of; null: the first one."},
        "target": _object(
            _TARGET,
            {"one_day_of": {**_TEXT, "description": "The calendar whose ordinary day it is."}},
        ),
        "hours": _object({**_TERMS, "serve": {"enum": ["round_the_clock", "calendar"]}}),
        "calendar": _CALENDAR,
        "from": _TIME,
        "credit_seconds": {**_SECONDS, "description": "Used up before, under earlier terms, and kept."},
        "periods": _list(_PERIOD, about="Open time as it is consumed, with the running sum."),
        "pauses": _list(_object({"from": _TIME, "to": _TIME}), about="Of the clock; in them nothing is consumed."),
        "sum_seconds": _SECONDS,
        "ends_at": _TIME,
        "reaches_target": {**_YES, "description": "false: calendars end before the target does."},
    }
)
_RUN: Final = {"type": "integer", "minimum": 1, "description": "Its number among the runs of this clock."}
_LEVEL: Final = {"level": {"type": "integer", "minimum": 1}, "at": _TIME}
_LIFE: Final = _object(
    {
        "clock": _TEXT,
        "run": _RUN,
        "generation": {"type": "integer", "minimum": 1},
        "started_at": _TIME,
        "started_by": _EVENT,
        "ended_at": _or_null(_TIME),
        "ended_by": _EVENT,
        "promised": _YES,
        "counts": _list(_COUNTED, about="Each way the deadline was counted, in the order of the changes."),
        "pauses": _list(_object({"from": _TIME, "by": _EVENT, "to": _or_null(_TIME), "ended_by": _EVENT})),
        "deadline": _or_null(_TIME),
        "decisive_count": {**_COUNT, "description": "The index of the count that ends at the deadline."},
        "warnings": _list(
            _object({**_LEVEL, "kind": {"enum": [n.WARNING, n.OVERDUE]}, "deadline": _TIME}),
            about="Levels that were reached, each of the deadline as it was then.",
        ),
        "warnings_to_come": _list(_object(_LEVEL)),
        "verdict": _object(
            {
                "state": {"enum": ["running", "paused", "breached", "met", "met_late", "cancelled"]},
                "at": _or_null(_TIME),
            },
            {"remaining_seconds": _SECONDS, "late_by_seconds": _SECONDS},
        ),
    }
)
_SILENCE_STATES: Final = ["waiting", "broken", "over", "used_by_attempts", "nothing_follows"]
_SILENCE: Final = _object(
    {
        "clock": _TEXT,
        "run": _RUN,
        "since": _TIME,
        "by": _EVENT,
        "count": _COUNTED,
        "not_before": {**_TIME, "description": "When its terms last changed: it was not broken before that."},
        "deadline": _or_null(_TIME),
        "verdict": _object({"state": {"enum": _SILENCE_STATES}, "at": _or_null(_TIME), "by": _EVENT}),
    }
)
_EFFECT: Final = _object(
    {
        "clock": _TEXT,
        "run": {**_RUN, "description": "Which run of the clock, or which silence, it is about."},
        "how": {"enum": ["from_start", "from_change", "keep_elapsed", "restored", "started", "ended", "stands"]},
        "old_deadline": _or_null(_TIME),
        "new_deadline": _or_null(_TIME),
    },
    {"rule": _RULE},
)
_CHANGE: Final = _object(
    {
        "at": _TIME,
        "by": {**_EVENT, "description": "null: time, by a rule of the pack."},
        "fields": {"type": "object", "additionalProperties": {"type": "array", "minItems": 2, "maxItems": 2}},
        "effects": _list(_EFFECT),
    }
)
_DOWNGRADE: Final = _object(
    {
        "at": _TIME,
        "type": {"enum": [n.DOWNGRADE_RECOMMENDED, n.DOWNGRADED, n.RESTORED]},
        "rule": _RULE,
        "from": _TEXT,
        "to": _TEXT,
        "evidence": {"type": "object"},
        "by": _EVENT,
    }
)
_COVERAGE: Final = _object(
    {**_TERMS, "outcome": {"enum": ["covered", "limited", "declined"]}, "promised": _YES, "advice": _TEXT}
)
_EFFORT: Final = _object({**_TERMS, "limit_seconds": _SECONDS, "worked_seconds": _SECONDS, "advice": _TEXT})
_EARLIER: Final = {
    "earlier": {
        "type": "object",
        "additionalProperties": _TEXT,
        "description": "What it said in earlier versions that the case was one of, by version.",
    }
}
_STORY: Final = _object(
    {"at": _TIME, "type": _TEXT, "rule": _RULE, "by": _EVENT}, {"advice": _TEXT, "failed": _list(_RULE)}
)
_OPENED: Final = _object(
    {
        "case_id": _TEXT,
        "status": {"enum": ["open", "declined", "ended"]},
        "as_of": _TIME,
        "opened_at": _TIME,
        "ended_at": _or_null(_TIME),
        "generation": {"type": "integer", "minimum": 1},
        "policy": _object({"name": _TEXT, "version": _TEXT}),
        "case": {"type": "object", "description": "The fields of the case at the end, without those it has not."},
        "coverage": _or_null(_COVERAGE),
        "clocks": _list(_LIFE, about="Each run of each clock."),
        "silences": _list(_SILENCE, about="Each time that support waited on the customer."),
        "effort": _or_null(_EFFORT),
        "changes": _list(_CHANGE),
        "downgrades": _list(_DOWNGRADE),
        "story": _list(
            _STORY, about="What was decided, in order, named as notices are; also what a pack switches off."
        ),
        "history_folded_before": _or_null(_TIME),
        "rules": {
            "type": "object",
            "additionalProperties": _object({"clause": _TEXT, "origin": {"enum": ["stated", "ours"]}}, _EARLIER),
        },
    }
)
_NEVER_OPENED: Final = _object(
    {
        "case_id": _TEXT,
        "status": {"const": "never_opened"},
        "as_of": _TIME,
        "waiting_events": _list(_object({"at": _TIME, "by": _EVENT})),
    }
)


def trace_schema() -> dict[str, Any]:
    """Of the explanation of one case."""
    return {
        "$schema": DIALECT,
        "title": "Explanation of a case",
        "description": "Why each deadline of a case is where it is, in a form that others can add up.",
        "anyOf": [_OPENED, _NEVER_OPENED],
    }
