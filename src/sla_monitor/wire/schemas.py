"""What is published for producers: the JSON Schema (draft 2020-12) of a structured case event, with examples.

The schema comes from the models that check events. It is the looser of the two: which time zones exist, which clocks
and how many bytes a case id has are said in its descriptions and checked by `inbound.decode`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from pydantic import TypeAdapter

from sla_monitor.core import facts
from sla_monitor.wire.events import DATA, Envelope

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_FINGERPRINT: Final = {"build": "10.0.41", "environment": "production", "error": "SYS-4711"}
_NOTICE: Final = "5f2b8e0c-6c2a-5d0e-9a53-0c6f0b1f7a11"

# The data of one event for each type.
EXAMPLES: Final[Mapping[type[facts.Body], Mapping[str, Any]]] = {
    facts.Opened: {
        "severity": "A",
        "plan": "unified",
        "access": "24x7",
        "country": "US",
        "timezone": "America/Los_Angeles",
        "language": "en-US",
        "submitted_by": "admin",
        "traits": ["data_corruption"],
        "fingerprint": _FINGERPRINT,
        "targets": {"initial_response": 900},
        "customer": "Contoso",
        "product": "Finance",
    },
    facts.Responded: {"by": "engineer-12"},
    facts.SeverityChanged: {"severity": "B", "by": "customer", "reason": "A workaround is in place."},
    facts.PlanChanged: {"plan": "professional_direct"},
    facts.AccessChanged: {"access": "business_hours"},
    facts.LanguageChanged: {"language": "de", "accepts_english": True},
    facts.LocationChanged: {"country": "DE", "subdivision": "BY", "timezone": "Europe/Berlin"},
    facts.TraitsChanged: {"add": ["custom_code"], "remove": ["not_reproducible"]},
    facts.ContactAttempted: {"reached": False, "channel": "phone"},
    facts.ContactUpdated: {"verified": True},
    facts.WaitingOnCustomer: {"reason": "information"},
    facts.CustomerResponded: {},
    facts.ResolutionProposed: {},
    facts.ResolutionRejected: {},
    facts.WorkStarted: {"engineer": "engineer-12"},
    facts.WorkStopped: {"engineer": "engineer-12"},
    facts.EffortLogged: {"minutes": 90, "engineer": "engineer-12"},
    facts.CauseFound: {"cause": "custom_code"},
    facts.ScriptSubmitted: {"uat_tested": True},
    facts.DowngradeConfirmed: {"recommendation": _NOTICE},
    facts.DowngradeDeclined: {"recommendation": _NOTICE},
    facts.Resolved: {},
    facts.Closed: {},
    facts.Cancelled: {},
    facts.ReopenRequested: {"fingerprint": _FINGERPRINT, "new_update_installed": False},
    facts.LabelsChanged: {"queue": "finance-emea"},
    facts.FactWithdrawn: {"source": "/crm/cases", "id": "evt-7"},
}


def example(body: type[facts.Body]) -> dict[str, Any]:
    """A structured event of this type, as a producer writes it."""
    data = EXAMPLES[body]
    return {
        "specversion": "1.0",
        "type": facts.NAMES[body],
        "id": "evt-8",
        "source": "/crm/cases",
        "subject": "CASE-1000123",
        "time": "2026-01-05T08:59:00-08:00",
    } | ({"data": dict(data)} if data else {})


def event_schema() -> dict[str, Any]:
    """The schema of a structured case event: the envelope, and one alternative for each type."""
    models: dict[Any, Any] = {Envelope: Envelope, **DATA}
    found, shared = TypeAdapter.json_schemas([(key, "validation", TypeAdapter(model)) for key, model in models.items()])
    definitions = shared["$defs"]
    for body in DATA:
        _tell_defaults(_resolved(found[body, "validation"], definitions)["properties"], body)
    return {
        "$schema": DIALECT,
        "title": "Case event",
        "description": "A CloudEvents 1.0 event, structured mode, about one support case. Unknown fields are ignored.",
        **found[Envelope, "validation"],
        "oneOf": [_alternative(body, found[body, "validation"], definitions) for body in facts.TYPES.values()],
        "$defs": definitions,
    }


def _alternative(body: type[facts.Body], reference: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    model = _resolved(reference, definitions)
    needed = "required" in model
    return {
        "title": facts.NAMES[body],
        "description": model["description"],
        "properties": {
            "type": {"const": facts.NAMES[body]},
            "data": reference if needed else {"anyOf": [reference, {"type": "null"}]},
        },
        "required": ["type", "data"] if needed else ["type"],
        "examples": [example(body)],
    }


def _resolved(schema: dict[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    resolved: dict[str, Any] = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return resolved


def _tell_defaults(properties: dict[str, Any], body: type[facts.Body]) -> None:
    """What an absent field means, where it means a value."""
    for field in fields(body):
        if isinstance(field.default, (bool, str)) and field.default != "":
            properties[field.name]["default"] = field.default
