"""The AsyncAPI 3 document: the four topics, what is on them, and who writes it, made from the models that check it.

Schemas are those of `schema event` and `schema notice`. AsyncAPI resolves references from the top of the document, so
their definitions stand in `components`. `docs/asyncapi.json` is this document; a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from sla_monitor import __version__
from sla_monitor.config.settings import Settings
from sla_monitor.core import facts
from sla_monitor.core import notices as n
from sla_monitor.engine.topics import INPUT, MESSAGE_BYTES_MAX_DEFAULT, wanted_configs
from sla_monitor.wire.events import CASE_ID_BYTES_MAX
from sla_monitor.wire.inbound import REASONS
from sla_monitor.wire.notice_schema import notice_schema
from sla_monitor.wire.schemas import EXAMPLES, event_schema, example

Document = dict[str, Any]

STRUCTURED: Final = "application/cloudevents+json"
BINDING: Final = "0.5.0"  # of Kafka's bindings
ATTRIBUTES: Final = ("specversion", "type", "id", "source", "subject", "time")
# What the Kafka binding of AsyncAPI has a place for.
TOPIC_CONFIGS: Final[Mapping[str, Callable[[str], Any]]] = {
    "cleanup.policy": lambda text: [text],
    "retention.ms": int,
    "max.message.bytes": int,
}
ADDRESSES: Final = {"caseEvents": "events", "slaNotices": "notices", "slaState": "state", "caseEventsDead": "dead"}
KEY: Final = {
    "type": "string",
    "minLength": 1,
    "description": f"The case id in UTF-8, at most {CASE_ID_BYTES_MAX} bytes; the partition is murmur2 of it.",
}
_TEXT: Final = {"type": "string"}


def asyncapi_document() -> Document:
    """The whole document; the same each time."""
    events, notices = event_schema(), notice_schema()
    document: Document = _at_home(
        {
            "asyncapi": "3.0.0",
            "info": {
                "title": "sla-monitor",
                "version": __version__,
                "description": "Case events in, notices about service levels out. Topics may have a prefix.",
                "license": {"name": "Apache-2.0"},
            },
            "defaultContentType": STRUCTURED,
            "servers": {
                "kafka": {
                    "host": Settings().broker,
                    "protocol": "kafka",
                    "description": "Where SLA_BROKER says.",
                }
            },
            "channels": _channels(),
            "operations": _operations(),
            "components": {
                "schemas": {**_event_schemas(events), **_notice_schemas(notices), "Headers": _headers()},
                "messages": {
                    **{name: message for body in facts.TYPES.values() for name, message in _event_messages(body)},
                    "erasure": _erasure(),
                    **{each["title"]: _notice_message(each) for each in notices["oneOf"]},
                    "deadLetter": _dead_letter(),
                    "stateRow": _state_row(),
                },
            },
        }
    )
    return document


def _at_home(node: Any) -> Any:
    """References to definitions, as JSON Schema has them, lead to `components`."""
    match node:
        case dict():
            return {name: _at_home(value) for name, value in node.items()}
        case list():
            return [_at_home(value) for value in node]
        case str() if node.startswith("#/$defs/"):
            return _schema_reference(node.removeprefix("#/$defs/"))
        case _:
            return node


# --- schemas --------------------------------------------------------------------------------------------------------


def _event_schemas(schema: Document) -> Document:
    return dict(schema["$defs"])


def _notice_schemas(schema: Document) -> Document:
    envelope = {name: value for name, value in schema.items() if name not in {"$schema", "oneOf"}}
    return {"Notice": envelope}


def _headers() -> Document:
    """Attributes of an event in binary mode. Extensions likewise, such as `ce_sequence`."""
    return {
        "type": "object",
        "description": "CloudEvents attributes in binary mode.",
        "properties": {f"ce_{name}": _TEXT for name in (*ATTRIBUTES, "sequence", "traceparent")},
        "required": [f"ce_{name}" for name in ATTRIBUTES],
    }


# --- messages -------------------------------------------------------------------------------------------------------


def _event_messages(body: type[facts.Body]) -> list[tuple[str, Document]]:
    """Structured and binary."""
    kind = facts.NAMES[body]
    alternative = next(each for each in event_schema()["oneOf"] if each["title"] == kind)
    described = {"summary": alternative["description"], "bindings": _kafka(key=KEY)}
    whole = {
        "name": kind,
        "title": f"{kind}, structured",
        "contentType": STRUCTURED,
        **described,
        "payload": {
            "allOf": [
                {"$ref": _schema_reference("Envelope")},
                {name: alternative[name] for name in ("properties", "required")},
            ]
        },
        "examples": [{"payload": example(body)}],
    }
    headers = {f"ce_{attribute}": str(value) for attribute, value in example(body).items() if attribute != "data"}
    parted = {
        "name": kind,
        "title": f"{kind}, binary",
        "contentType": "application/json",
        **described,
        "headers": {
            "allOf": [{"$ref": _schema_reference("Headers")}, {"properties": {"ce_type": {"const": kind}}}],
        },
        "payload": alternative["properties"]["data"],
        "examples": [{"headers": headers, "payload": dict(EXAMPLES[body])}],
    }
    return [(kind, whole), (f"{kind}.binary", parted)]


def _notice_message(alternative: Document) -> Document:
    return {
        "name": alternative["title"],
        "title": alternative["title"],
        "summary": alternative["description"],
        "contentType": STRUCTURED,
        "bindings": _kafka(key=KEY),
        "payload": {"allOf": [{"$ref": _schema_reference("Notice")}, {"properties": alternative["properties"]}]},
    }


def _erasure() -> Document:
    return {
        "name": "erasure",
        "title": "A case is forgotten",
        "summary": "A null value without a header ce_type: the case is erased, and one notice says so.",
        "bindings": _kafka(key=KEY),
        "payload": {"type": "null"},
    }


def _dead_letter() -> Document:
    return {
        "name": "dead_letter",
        "title": "A record that could not be used",
        "summary": "Value, key and headers as they came, and why in headers.",
        "contentType": "application/octet-stream",
        "headers": {
            "type": "object",
            "properties": {
                "dead-reason": {"enum": list(REASONS)},
                "dead-detail": {**_TEXT, "description": "What is wrong, without text of the payload."},
                **{f"dead-{name}": _TEXT for name in ("topic", "partition", "offset")},
                **{
                    f"dead-original-{name}": {**_TEXT, "description": "Instead of a value too large to keep."}
                    for name in ("size", "sha256")
                },
            },
            "required": [f"dead-{name}" for name in ("reason", "detail", "topic", "partition", "offset")],
        },
        "payload": {"description": "Any bytes, or none."},
    }


def _state_row() -> Document:
    return {
        "name": "state_row",
        "title": "The worker's memory",
        "summary": "Internal and versioned: not for readers. It is compacted; a null value is a case that is gone.",
        "contentType": "application/octet-stream",
        "payload": {"description": "Bytes of the worker's own."},
    }


# --- channels and operations ----------------------------------------------------------------------------------------


def _channels() -> Document:
    topics = Settings().topics
    wanted = {topics.events: INPUT, **wanted_configs(Settings(), MESSAGE_BYTES_MAX_DEFAULT)}
    described = {
        "caseEvents": "What happened to cases, told by those who know. Belongs to its producers.",
        "slaNotices": "What follows. Read with isolation.level=read_committed.",
        "slaState": "The state of the worker.",
        "caseEventsDead": "Records that could not be used. Read with isolation.level=read_committed.",
    }
    return {
        name: {
            "address": getattr(topics, field),
            "description": described[name],
            "messages": {each: {"$ref": f"#/components/messages/{each}"} for each in _messages_on(name)},
            "bindings": _kafka(
                topicConfiguration={
                    config: write(wanted[getattr(topics, field)][config].value)
                    for config, write in TOPIC_CONFIGS.items()
                    if config in wanted[getattr(topics, field)]
                },
            ),
        }
        for name, field in ADDRESSES.items()
    }


def _messages_on(channel: str) -> list[str]:
    return {
        "caseEvents": [*(each for name in facts.TYPES for each in (name, f"{name}.binary")), "erasure"],
        "slaNotices": list(n.KINDS),
        "slaState": ["stateRow"],
        "caseEventsDead": ["deadLetter"],
    }[channel]


def _operations() -> Document:
    """As the worker sees it: it receives events and sends notices."""
    one = "One transaction with the notices, the state, the dead letters and the offsets of the same batch."
    told: Mapping[str, tuple[str, str, str]] = {
        "receiveCaseEvents": ("receive", "caseEvents", "Every committed record, in the order of its partition."),
        "sendNotices": ("send", "slaNotices", one),
        "sendDeadLetters": ("send", "caseEventsDead", one),
        "writeState": ("send", "slaState", one),
        "readState": ("receive", "slaState", "When a partition comes to a worker."),
    }
    return {
        name: {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "summary": summary}
        for name, (action, channel, summary) in told.items()
    }


def _kafka(**binding: Any) -> Document:
    return {"kafka": {**binding, "bindingVersion": BINDING}}


def _schema_reference(name: str) -> str:
    return f"#/components/schemas/{name}"
