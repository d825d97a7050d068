"""The published schema, the models and the facts say the same."""

import json
from dataclasses import MISSING, fields
from typing import Any

import pytest
from pydantic import TypeAdapter

from sla_monitor.core import facts
from sla_monitor.wire import schemas
from sla_monitor.wire.events import DATA
from sla_monitor.wire.inbound import CaseEvent, decode


def alternatives() -> dict[str, dict[str, Any]]:
    """The part of the schema for each type."""
    return {one["title"]: one for one in schemas.event_schema()["oneOf"]}


def test_every_type_of_fact_has_a_model() -> None:
    """core/facts.py names the types; the models follow it, none more and none less."""
    assert set(DATA) == set(facts.TYPES.values()) == set(schemas.EXAMPLES)


@pytest.mark.parametrize("body", DATA, ids=lambda body: facts.NAMES[body])
def test_a_model_and_its_fact_have_the_same_fields(body: type[facts.Body]) -> None:
    """Field by field: the same names, and required exactly where the fact has no default."""
    schema = TypeAdapter(DATA[body]).json_schema(by_alias=False)
    assert set(schema["properties"]) == {field.name for field in fields(body)}
    assert set(schema.get("required", ())) == {field.name for field in fields(body) if field.default is MISSING}


@pytest.mark.parametrize("name", facts.TYPES)
def test_every_type_is_described_with_an_example_that_decodes(name: str) -> None:
    """What we publish as an example is an event we accept, and uses only fields that are published."""
    published = alternatives()[name]
    assert published["description"]
    for example in published["examples"]:
        received = decode(b"CASE-1000123", json.dumps(example).encode(), [])
        assert isinstance(received, CaseEvent)
        assert type(received.fact.body) is facts.TYPES[name]


@pytest.mark.parametrize("body", schemas.EXAMPLES, ids=lambda body: facts.NAMES[body])
def test_examples_use_published_fields_only(body: type[facts.Body]) -> None:
    """An unknown field is ignored, so a slip in an example would never be seen."""
    properties = TypeAdapter(DATA[body]).json_schema()["properties"]
    assert set(schemas.EXAMPLES[body]) <= set(properties)


def test_the_schema_is_plain_json_and_the_same_every_time() -> None:
    """It can be written to a file and compared."""
    assert json.dumps(schemas.event_schema()) == json.dumps(schemas.event_schema())
    assert schemas.event_schema()["$schema"] == schemas.DIALECT


def test_the_schema_names_only_definitions_it_has() -> None:
    """No reference leads nowhere."""
    schema = schemas.event_schema()
    text = json.dumps(schema)
    named = {part.partition('"')[0] for part in text.split('"#/$defs/')[1:]}
    assert named == set(schema["$defs"])


def test_the_schema_tells_what_an_absent_field_means() -> None:
    """Defaults are those of the fact."""
    opened = schemas.event_schema()["$defs"]["OpenedData"]["properties"]
    assert opened["request"]["default"] == "break_fix"
    assert opened["has_subscription"]["default"] is True
    assert "default" not in opened["access"]


def test_the_schema_speaks_the_producers_words() -> None:
    """Effort is written in minutes, whatever it is called inside."""
    assert "minutes" in schemas.event_schema()["$defs"]["EffortLoggedData"]["required"]
