"""Builders of case events: one for each type, each takes every field of the schema, and what it makes can be used."""

from __future__ import annotations

import inspect
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from sla_monitor.core import facts
from sla_monitor.events import CaseEvents, Event, Stamp
from sla_monitor.wire.inbound import CaseEvent, decode
from sla_monitor.wire.schemas import EXAMPLES, event_schema

STAMP = Stamp(id="evt-1", at=datetime(2026, 1, 5, 9, tzinfo=UTC), sequence=7)
SCHEMA = event_schema()
ALTERNATIVES = {each["title"]: each for each in SCHEMA["oneOf"]}


def builder(body: type[facts.Body]) -> Any:
    return getattr(CaseEvents("/crm/cases"), facts.NAMES[body].removeprefix("case."))


def fields_of(body: type[facts.Body]) -> tuple[set[str], set[str]]:
    """(all, required) of the published schema."""
    data = ALTERNATIVES[facts.NAMES[body]]["properties"]["data"]
    model = SCHEMA["$defs"][(data.get("$ref") or data["anyOf"][0]["$ref"]).rpartition("/")[2]]
    return set(model["properties"]), set(model.get("required", ()))


@pytest.mark.parametrize("body", EXAMPLES, ids=lambda body: facts.NAMES[body])
def test_a_builder_takes_every_field_of_the_schema(body: type[facts.Body]) -> None:
    """And no other; the same ones are required."""
    made = builder(body)
    said = inspect.signature(made).parameters.get("said")
    if said is None:
        assert fields_of(body) == (set(), set())
        return
    (model,) = get_type_hints(made.__func__, include_extras=True)["said"].__args__
    assert (set(get_type_hints(model)), set(model.__required_keys__)) == fields_of(body)


@pytest.mark.parametrize("body", EXAMPLES, ids=lambda body: facts.NAMES[body])
def test_what_a_builder_makes_can_be_used(body: type[facts.Body]) -> None:
    """Valid by the schema, and the worker reads from it what was said."""
    event: Event = builder(body)("CASE-1", STAMP, **EXAMPLES[body])
    written = json.loads(event.value)
    assert Draft202012Validator(SCHEMA).is_valid(written)
    assert written.get("data", {}) == EXAMPLES[body]
    received = decode(event.key, event.value, event.headers)
    assert isinstance(received, CaseEvent)
    assert (received.case_id, received.fact.id, received.fact.sequence) == ("CASE-1", "evt-1", 7)
    assert isinstance(received.fact.body, body)


@pytest.mark.parametrize(
    ("stamp", "case_id", "reason"),
    [
        (Stamp(id="e", at=datetime(2026, 1, 5, 9)), "CASE-1", "bad_time"),  # noqa: DTZ001 - that is the mistake
        (STAMP, "", "no_key"),
        (STAMP, "CASE\n1", "invalid"),
        (Stamp(id="", at=STAMP.at), "CASE-1", "invalid"),
    ],
)
def test_what_cannot_be_used_is_not_made(stamp: Stamp, case_id: str, reason: str) -> None:
    """The reason is that of the dead letter it would have become."""
    with pytest.raises(ValueError, match=f"^{reason}: "):
        CaseEvents("/crm/cases").resolved(case_id, stamp)


def test_a_wrong_field_is_named() -> None:
    """Without the value, which may be somebody's secret."""
    with pytest.raises(ValueError, match=r"^invalid: data\.minutes: greater_than$"):
        CaseEvents("/crm/cases").effort_logged("CASE-1", STAMP, minutes=0)


def test_the_example_of_the_page_for_producers_makes_an_event() -> None:
    """It is run as it stands there."""
    page = (Path(__file__).parents[1] / "docs/producers.md").read_text("utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 - our own page
    opened, answered = names["opened"], names["answered"]
    assert [json.loads(each.value)["type"] for each in (opened, answered)] == ["case.opened", "case.responded"]
    assert opened.key == b"CASE-1000123"
    assert json.loads(opened.value)["data"] == EXAMPLES[facts.Opened]


OLDER = sorted((Path(__file__).parent / "wire/older").glob("*.jsonl"))


@pytest.mark.parametrize("file", OLDER, ids=lambda file: file.stem)
def test_events_of_an_older_version_are_read(file: Path) -> None:
    """Each as the fact it was, every type of that version among them; files of released versions never change."""
    lines = file.read_bytes().splitlines()
    for line in lines:
        event = json.loads(line)
        received = decode(event["subject"].encode(), line, [])
        assert isinstance(received, CaseEvent)
        assert facts.NAMES[type(received.fact.body)] == event["type"]
        taken = {name.replace("effort", "minutes") for name in fields_taken(received.fact.body)}
        assert set(event.get("data", {})) <= taken
    assert len({json.loads(line)["type"] for line in lines}) == len(lines)


def fields_taken(body: facts.Body) -> set[str]:
    return set(getattr(type(body), "__dataclass_fields__", {}))


def test_there_is_such_a_file_of_this_version() -> None:
    """With all its types: whoever adds one adds its example."""
    newest = {json.loads(line)["type"] for line in OLDER[-1].read_bytes().splitlines()}
    assert newest == set(facts.TYPES)
