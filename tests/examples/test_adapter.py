"""The adapter for webhooks of Dynamics 365: samples become the events that they mean, wrong payloads are refused."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from examples.dynamics365.adapter import PayloadRefused, events_of
from sla_monitor.core.facts import NAMES
from sla_monitor.events import Event
from sla_monitor.wire.inbound import CaseEvent, decode

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "examples/dynamics365/samples"
WANTED = {
    "created": [("case.opened", "2026-03-02T08:00:00+00:00")],
    "answered": [("case.responded", "2026-03-02T08:20:00+00:00")],
    "lowered": [("case.severity_changed", "2026-03-02T08:30:00+00:00")],
    "waiting": [("case.waiting_on_customer", "2026-03-02T08:40:00+00:00")],
    "continued": [("case.customer_responded", "2026-03-02T08:50:00+00:00")],
    "renamed": [],
    "resolved": [("case.resolved", "2026-03-02T09:10:00+00:00")],
}


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))


def made(context: Any) -> list[Event]:
    return events_of(json.dumps(context).encode())


def columns(context: Any, *, image: str = "InputParameters") -> list[dict[str, Any]]:
    """The list of keys and values of a row, to change it."""
    rows: list[dict[str, Any]] = context[image][0]["value"]["Attributes"]
    return rows


@pytest.mark.parametrize("name", WANTED)
def test_a_sample_becomes_the_events_that_it_means(name: str) -> None:
    """All of one case, each usable by the worker as it is."""
    found = made(sample(name))
    for each in found:
        received = decode(each.key, each.value, each.headers)
        assert isinstance(received, CaseEvent)
        assert received.case_id == "CAS-01042-K7T2X9"
        assert NAMES[type(received.fact.body)] == json.loads(each.value)["type"]
    assert [(value["type"], value["time"]) for value in (json.loads(each.value) for each in found)] == WANTED[name]


def test_every_sample_is_among_them() -> None:
    """None lies about unread."""
    assert {path.stem for path in SAMPLES.glob("*.json")} == set(WANTED)


def test_what_is_said_of_the_case_is_in_the_event() -> None:
    """The choices by their meaning, the customer by name."""
    opened, lowered = (json.loads(made(sample(name))[0].value)["data"] for name in ("created", "lowered"))
    assert opened == {
        "severity": "A",
        "plan": "unified",
        "country": "DE",
        "language": "en",
        "submitted_by": "admin",
        "customer": "Contoso",
    }
    assert lowered == {"severity": "B", "by": "support"}


def test_a_message_that_comes_again_is_the_same_event() -> None:
    """To the byte: a duplicate."""
    assert made(sample("answered")) == made(sample("answered"))


def test_what_was_written_and_is_as_before_is_nothing_new() -> None:
    """Forms write columns that nobody changed."""
    context = sample("renamed")
    columns(context).append({"key": "prioritycode", "value": {"Value": 2}})
    assert made(context) == []


def test_one_message_may_tell_several_things() -> None:
    """In order, with ids of their own."""
    context = sample("answered")
    columns(context).append({"key": "statecode", "value": {"Value": 1}})
    found = [json.loads(each.value) for each in made(context)]
    assert [each["type"] for each in found] == ["case.responded", "case.resolved"]
    assert len({each["id"] for each in found}) == 2
    assert [each["sequence"] for each in found] == [0, 1]


def another_choice(context: Any) -> None:
    columns(context, image="PostEntityImages")[2]["value"] = {"Value": 77}


def no_plan(context: Any) -> None:
    rows = columns(context, image="PostEntityImages")
    rows[:] = [each for each in rows if each["key"] != "sla_supportplan"]


def no_such_country(context: Any) -> None:
    for each in columns(context, image="PostEntityImages"):
        if each["key"] == "sla_countrycode":
            each["value"] = "Secretland"


SPOILT: list[tuple[str, Callable[[Any], object], str]] = [
    ("created", lambda context: context.update(PrimaryEntityName="account"), "PrimaryEntityName: is not `incident`"),
    ("created", lambda context: context.update(MessageName="Delete"), "MessageName: is neither"),
    ("created", lambda context: context.update(InputParameters=[]), "InputParameters.Target: is not there"),
    ("created", lambda context: context.update(InputParameters={}), "InputParameters: is of another type"),
    ("created", lambda context: context.update(InputParameters=["Target"]), "InputParameters: is not a list of keys"),
    ("created", lambda context: context.pop("OperationId"), "OperationId: is not there"),
    ("created", lambda context: context.update(OperationCreatedOn="2026"), "OperationCreatedOn: is not such as"),
    ("created", lambda context: context.update(OperationCreatedOn="/Date(9e9)/"), "OperationCreatedOn: is not such as"),
    ("created", lambda context: context.update(OperationCreatedOn=f"/Date({10**17})/"), "OperationCreatedOn: is out"),
    ("created", lambda context: context.update(OperationCreatedOn=f"/Date({'9' * 5_000})/"), "OperationCreatedOn: is"),
    ("created", lambda context: context.update(PostEntityImages=[]), "PostEntityImages.row_after: is not there"),
    ("answered", lambda context: context.update(PreEntityImages=[]), "PreEntityImages.row_before: is not there"),
    ("created", another_choice, "prioritycode: is none of 1, 2, 3"),
    ("created", no_plan, "sla_supportplan: is not there"),
    ("created", no_such_country, "case.opened: invalid: data.country"),
    ("resolved", lambda context: columns(context)[0].update(value={"Value": 9}), "statecode: is none of 0, 1, 2"),
]


@pytest.mark.parametrize(("name", "spoil", "said"), SPOILT, ids=[said for *_, said in SPOILT])
def test_a_wrong_payload_is_refused_by_field(name: str, spoil: Callable[[Any], object], said: str) -> None:
    """Nothing is guessed, and nothing of the content is repeated."""
    context = copy.deepcopy(sample(name))
    spoil(context)
    with pytest.raises(PayloadRefused) as refused:
        made(context)
    assert str(refused.value).startswith(said)
    assert "Secretland" not in str(refused.value)


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_refused(payload: bytes) -> None:
    """However strange."""
    with pytest.raises(PayloadRefused, match=r"^payload: "):
        events_of(payload)


def test_a_case_that_is_activated_again_is_for_a_person() -> None:
    """Refused, not dropped: somebody should know."""
    context = sample("resolved")
    columns(context)[0]["value"] = {"Value": 0}
    columns(context, image="PreEntityImages")[3]["value"] = {"Value": 1}
    with pytest.raises(PayloadRefused, match=r"^statecode: "):
        made(context)


def test_the_program_says_what_is_wrong() -> None:
    """One line on standard error, exit 2, nothing on standard output."""
    command = [sys.executable, "examples/dynamics365/adapter.py"]
    done = subprocess.run(command, input=b"{}", cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, b"", b"PrimaryEntityName: is not there\n")
