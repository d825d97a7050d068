"""`sla-monitor schema`: the published formats, for other programs."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from sla_monitor.cli import main as cli
from sla_monitor.config.packs import pack_schema
from sla_monitor.core import facts
from sla_monitor.wire.notice_schema import notice_schema
from sla_monitor.wire.schemas import EXAMPLES, event_schema, example
from sla_monitor.wire.trace_schema import trace_schema

FORMATS: dict[str, Any] = {"event": event_schema, "notice": notice_schema, "policy": pack_schema, "trace": trace_schema}


def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str]:
    """The exit code, and what is on standard output."""
    monkeypatch.setattr(sys, "argv", ["sla-monitor", "schema", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code, capsys.readouterr().out


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_printed_as_a_json_schema(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Draft 2020-12, valid by another library's word, and the one the code uses."""
    code, out = printed(monkeypatch, capsys, name)
    schema = json.loads(out)
    assert (code, schema) == (0, json.loads(json.dumps(FORMATS[name]())))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)
    assert schema["title"]


def test_all_of_them_are_printed_by_name(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One object, for those who keep them in one file."""
    code, out = printed(monkeypatch, capsys)
    assert code == 0
    found = json.loads(out)
    assert found.pop("asyncapi")["asyncapi"] == "3.0.0"  # tests/cli/test_asyncapi.py
    assert {name: make() for name, make in FORMATS.items()} == found


def test_an_unknown_format_is_wrong_usage(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, nothing on standard output."""
    assert printed(monkeypatch, capsys, "notices") == (2, "")


@pytest.fixture(scope="module")
def judge() -> Any:
    return Draft202012Validator(event_schema())


@pytest.mark.parametrize("body", EXAMPLES, ids=lambda body: facts.NAMES[body])
def test_an_example_is_as_the_schema_says(judge: Any, body: type[facts.Body]) -> None:
    """And with a slip in it, it is not: a producer who checks its events with the schema finds out."""
    good = example(body)
    assert judge.is_valid(good)
    assert not judge.is_valid(good | {"type": "case.opend"})
    assert not judge.is_valid({name: value for name, value in good.items() if name != "time"})
    assert not judge.is_valid(good | {"data": ["no object"]})
