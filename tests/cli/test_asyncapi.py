"""`sla-monitor schema asyncapi`: the document is valid by AsyncAPI's own schema, and what it shows can be used."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

from sla_monitor.cli.asyncapi import asyncapi_document
from sla_monitor.core import facts
from sla_monitor.core.notices import KINDS
from sla_monitor.wire.inbound import CaseEvent, decode
from tests.cli.test_schema import printed

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "docs/asyncapi.json"
THEIRS = ROOT / "tests/asyncapi/3.0.0.json"
THEIRS_SHA256 = "abe96881dbfaad495ccbb6bd8d3fb43ca18a13b9d7564849ccb66f39d5e5b20f"
KEY = b"CASE-1000123"

DOCUMENT = asyncapi_document()
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]
WITH_EXAMPLES = [name for name, message in MESSAGES.items() if "examples" in message]


@cache
def judge() -> Any:
    """AsyncAPI's own schema, the very bytes of its release."""
    written = THEIRS.read_bytes()
    assert hashlib.sha256(written).hexdigest() == THEIRS_SHA256
    return Draft7Validator(json.loads(written))


def inside(schema: Any) -> Any:
    """A judge of a schema that stands in the document and refers to others in it."""
    return Draft7Validator({"allOf": [schema], "components": DOCUMENT["components"]})


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from references(each)


def test_the_published_document_is_what_the_command_prints(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """To the byte: `sla-monitor schema asyncapi > docs/asyncapi.json` makes it."""
    assert printed(monkeypatch, capsys, "asyncapi") == (0, PUBLISHED.read_text("utf-8"))


def test_it_is_valid_by_asyncapis_own_schema() -> None:
    """And with a slip in it, it is not: the judge judges."""
    assert [error.message for error in judge().iter_errors(DOCUMENT)] == []
    for path, wrong in ((("channels", "slaNotices", "address"), 7), (("operations", "sendNotices", "action"), "tell")):
        spoilt = copy.deepcopy(DOCUMENT)
        spoilt[path[0]][path[1]][path[2]] = wrong
        assert not judge().is_valid(spoilt)


def test_every_reference_leads_somewhere() -> None:
    """Each within the document."""
    for reference in references(DOCUMENT):
        found: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


def test_every_event_and_notice_is_on_its_channel() -> None:
    """Events in both modes of CloudEvents, and the erasure; notices of all kinds; nothing in `components` is left."""
    on = {name: set(channel["messages"]) for name, channel in DOCUMENT["channels"].items()}
    assert on["caseEvents"] == {*facts.TYPES, *(f"{kind}.binary" for kind in facts.TYPES), "erasure"}
    assert on["slaNotices"] == set(KINDS)
    assert set.union(*on.values()) == set(MESSAGES)
    assert {channel["address"] for channel in DOCUMENT["channels"].values()} == {
        "case-events",
        "sla-notices",
        "sla-state",
        "case-events.dead",
    }


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_an_example_is_as_its_message_says_and_can_be_used(name: str) -> None:
    """By the document's schema, and by the worker; another type's example is not."""
    message = MESSAGES[name]
    for example in message["examples"]:
        assert inside(message["payload"]).is_valid(example["payload"])
        headers = example.get("headers", {})
        assert inside(message.get("headers", True)).is_valid(headers)
        value = json.dumps(example["payload"]).encode()
        received = decode(KEY, value, [(header, text.encode()) for header, text in headers.items()])
        assert isinstance(received, CaseEvent)
        assert facts.NAMES[type(received.fact.body)] == message["name"]
        spoilt = {**headers, "ce_type": "case.opend"} if headers else {**example["payload"], "type": "case.opend"}
        assert not inside(message["headers" if headers else "payload"]).is_valid(spoilt)


def test_every_event_has_such_an_example() -> None:
    """In both modes."""
    assert len(WITH_EXAMPLES) == 2 * len(facts.TYPES)


def test_a_notice_is_as_its_message_says() -> None:
    """Those of a simulated month, each by the message of its type; by that of another type it is not."""
    lines = (ROOT / "docs/examples/a-month-notices.jsonl").read_text("utf-8").splitlines()
    notices = {notice["type"]: notice for notice in map(json.loads, lines)}
    assert len(notices) > 1
    for kind, notice in notices.items():
        assert inside(MESSAGES[kind]["payload"]).is_valid(notice)
        assert not inside(MESSAGES["case.forgotten"]["payload"]).is_valid(notice)
