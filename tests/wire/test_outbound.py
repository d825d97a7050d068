"""Notices out: read by somebody else's CloudEvents library, and judged by somebody else's JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from sla_monitor.config.packs import load_packs
from sla_monitor.core import decide
from sla_monitor.core import notices as n
from sla_monitor.core.facts import DAY, MINUTE, SECOND
from sla_monitor.core.notices import CATCH_UP, CORRECTION, HISTORY, LIVE, Notice
from sla_monitor.wire import outbound
from sla_monitor.wire.notice_schema import notice_schema
from sla_monitor.wire.outbound import detected, encode
from tests.core.test_laws import END, Step, Telling, lives_and_arrivals
from tests.core.test_laws import Life as CaseLife
from tests.engine.feeding import NINE, RULES, SOURCE, Fed, clock, rules

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
NOTICE = Notice(id="5f2b8e0c-6c2a-5d0e-9a53-0c6f0b1f7a11", kind=n.BREACHED, case_id="case-1", at=NINE, data={"a": 1})
JUDGE = Draft202012Validator(notice_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)


def everything_said() -> Iterator[bytes]:
    """Values of every type of notice, as a partition hands them out."""
    fed = Fed()
    fed.open("met")
    fed.tell("met", "case.responded", clock(0, 1))
    fed.open("late", clock(0, 1), language="fi", accepts_english=False, country="FI", severity="C")
    fed.open("cancelled", clock(0, 2))
    fed.tell("cancelled", "case.cancelled", clock(0, 2))
    fed.open("lowered", clock(0, 3))
    fed.tell("lowered", "case.waiting_on_customer", clock(0, 4))
    fed.open("attempts", clock(0, 4), customer='Contoso \u00fc\u4e2d "quoted" \\ \u2028')
    for number in range(3):
        fed.tell("attempts", "case.contact_attempted", clock(0, 5 + number), reached=False)
    fed.wait(clock(2, 30))
    recommended = [one for one in fed.notices if one["type"] == n.DOWNGRADE_RECOMMENDED]
    fed.tell("lowered", "case.downgrade_confirmed", clock(2, 31), recommendation=recommended[-1]["id"])
    fed.tell("lowered", "case.severity_changed", clock(2, 32), severity="A", by="customer")
    fed.open("how-to", clock(2, 33), request="how_to")
    fed.open("night", clock(2, 33), severity="C", country="DE", contact_verified=False)
    fed.tell("night", "case.contact_attempted", clock(12), reached=False)
    fed.open("slow", clock(2, 33), traits=["performance_isolated"])
    fed.tell("slow", "case.effort_logged", clock(2, 34), minutes=240)
    fed.tell("slow", "case.script_submitted", clock(2, 34), uat_tested=True)
    fed.tell("slow", "case.script_submitted", clock(2, 34), uat_tested=False)
    fed.tell("slow", "case.closed", clock(2, 35))
    fed.tell("slow", "case.reopen_requested", clock(2, 36), fingerprint={}, new_update_installed=True)
    fed.tell("slow", "case.reopen_requested", clock(2, 37), fingerprint={})
    fed.open("end-user", clock(2, 33), submitted_by="end_user")
    fed.open("moved", clock(2, 33), severity="B")
    fed.tell("moved", "case.severity_changed", clock(2, 34), severity="A")
    fed.wait(NINE + 20 * DAY)
    fed.tell("late", "case.responded", NINE + 20 * DAY)
    fed.open("corrected", fed.wall)
    fed.wait(fed.wall + 61 * MINUTE)
    fed.tell("corrected", "case.responded", fed.wall - 30 * MINUTE)
    fed.erase("met")
    fed.open("long", fed.wall)
    for number in range(decide.FACTS_MAX):
        fed.tell("long", "case.labels_changed", fed.wall + 1, customer=f"{number}")
    for batch in fed.batches:
        yield from (out.value for out in batch.notices)


@pytest.fixture(scope="module")
def said() -> list[bytes]:
    with pytest.MonkeyPatch.context() as patched:
        fed = Fed()
        fed.open("bad")

        def broken(*_: object) -> None:
            raise ZeroDivisionError

        patched.setattr(decide, "wake", broken)
        fed.wait(clock(1))
        quarantined = [out.value for batch in fed.batches for out in batch.notices]
    paused = Fed(rules(packs=load_packs(Path(__file__).parents[2] / "docs/examples/hosting.yaml")))
    paused.open("paused", severity="urgent", plan="basic")
    paused.tell("paused", "case.waiting_on_customer", clock(0, 10))
    paused.tell("paused", "case.customer_responded", clock(0, 20))
    return [*everything_said(), *quarantined, *(out.value for batch in paused.batches for out in batch.notices)]


def problems(value: bytes) -> list[str]:
    return [error.message for error in JUDGE.iter_errors(json.loads(value))]


# --- an independent reader ------------------------------------------------------------------------------------------


def test_there_is_a_notice_of_every_type_to_judge(said: list[bytes]) -> None:
    """So that the tests below are about all of them."""
    assert {json.loads(value)["type"] for value in said} == set(n.KINDS)


def test_every_notice_is_a_cloudevent_to_another_library(said: list[bytes]) -> None:
    """The package `cloudevents` reads headers and value of the record and finds what was meant."""
    for value in said:
        plain = json.loads(value)
        key = plain["subject"].encode()
        read = from_kafka_event(KafkaMessage(headers=dict(outbound.HEADERS), key=key, value=value))
        assert read.get_specversion() == "1.0"
        assert read.get_source() == outbound.SOURCE
        assert (read.get_id(), read.get_type()) == (plain["id"], plain["type"])
        assert read.get_subject() == plain["subject"]
        assert read.get_time() == datetime.fromisoformat(plain["time"])
        assert read.get_datacontenttype() == "application/json"
        assert read.get_data() == plain["data"]
        assert read.get_extension("emittedat") == plain["emittedat"]
        assert read.get_extension("detected") in n.DETECTED


def test_every_notice_is_as_the_schema_says(said: list[bytes]) -> None:
    """The package `jsonschema` finds nothing wrong with any of them."""
    assert {value: found for value in said if (found := problems(value))} == {}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(lives_and_arrivals())
def test_whatever_happens_to_a_case_what_is_said_is_as_the_schema_says(told_so: tuple[CaseLife, list[Step]]) -> None:
    """Law: also retractions, restored severities, automatic downgrades and clocks that stop twice."""
    life, steps = told_so
    telling = Telling(life.packs)
    for step in [*steps, (None, END)]:
        telling.step(*step)
    assert [found for notice in telling.sent if (found := problems(encode(notice, END, LIVE)))] == []


def test_a_notice_says_nothing_that_is_not_published(said: list[bytes]) -> None:
    """A field that is not in the schema would be an accident somebody builds on."""
    fields = {one["title"]: set(one["properties"]["data"]["properties"]) for one in notice_schema()["oneOf"]}
    envelope = set(notice_schema()["properties"])
    for value in said:
        plain = json.loads(value)
        assert set(plain) <= envelope
        allowed = fields[plain["type"]]
        if plain["type"] == n.RETRACTED:
            allowed = allowed | fields[plain["data"]["retracted_type"]]
        assert set(plain["data"]) <= allowed, plain["type"]


def test_the_schema_is_one_and_names_every_type() -> None:
    """A valid draft 2020-12 schema with one alternative for each type of notice, described."""
    Draft202012Validator.check_schema(notice_schema())
    alternatives = notice_schema()["oneOf"]
    assert sorted(one["title"] for one in alternatives) == sorted(n.KINDS)
    assert [one["title"] for one in alternatives if not one["description"]] == []
    assert json.dumps(notice_schema()) == json.dumps(notice_schema())


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("type", "sla.braeched"),
        ("time", "2026-01-05T10:00:00+00:00"),
        ("emittedat", None),
        ("detected", "guessed"),
        ("source", "/elsewhere"),
        ("id", "not-a-uuid"),
        ("data", {"case_id": "case-1"}),
    ],
)
def test_the_schema_refuses_what_is_no_notice(said: list[bytes], name: str, wrong: object) -> None:
    """It is worth something: each slip is seen."""
    good = next(json.loads(value) for value in said if json.loads(value)["type"] == n.BREACHED)
    assert problems(json.dumps(good | {name: wrong}).encode()) != []


def test_times_are_utc_and_end_in_z(said: list[bytes]) -> None:
    """Every time of the envelope and of the data is an instant that another parser reads."""
    for value in said:
        plain = json.loads(value)
        times = [plain["time"], plain["emittedat"]]
        times += [plain["data"][name] for name in ("deadline", "old_deadline", "new_deadline") if name in plain["data"]]
        for time in times:
            if time is not None:
                assert time.endswith("Z")
                assert datetime.fromisoformat(time).utcoffset() == timedelta()


# --- one notice -----------------------------------------------------------------------------------------------------


def test_a_notice_is_the_same_bytes_but_for_when_it_was_sent() -> None:
    """Whoever compares two deployments may cut out `emittedat`."""
    now, later = encode(NOTICE, NINE, LIVE), encode(NOTICE, NINE + SECOND, LIVE)
    assert later == now.replace(b'"emittedat":"2026-01-05T09:00:00Z"', b'"emittedat":"2026-01-05T09:00:01Z"') != now


def test_the_trace_of_the_event_that_caused_it_is_carried_over() -> None:
    """And there is no attribute without one."""
    traced = json.loads(encode(replace(NOTICE, traceparent=TRACE), NINE, LIVE))
    assert traced["traceparent"] == TRACE
    assert "traceparent" not in json.loads(encode(NOTICE, NINE, LIVE))


def test_text_of_any_language_is_utf8() -> None:
    """As the content type says; nothing needs escaping but what JSON demands."""
    value = encode(replace(NOTICE, case_id='\u4e2d\u6587 "7"', data={"t": "\u00fc\U0001f642"}), NINE, LIVE)
    assert "\u4e2d\u6587".encode() in value
    plain = json.loads(value)
    assert (plain["subject"], plain["data"]) == ('\u4e2d\u6587 "7"', {"t": "\u00fc\U0001f642"})


# --- why it is said now ---------------------------------------------------------------------------------------------


def test_what_is_said_within_a_minute_is_live() -> None:
    """Inclusive; after that the worker was behind."""
    assert detected(NOTICE, NINE + outbound.LIVE_WITHIN, None, outbound.LIVE_WITHIN) == LIVE
    assert detected(NOTICE, NINE + outbound.LIVE_WITHIN + 1, None, outbound.LIVE_WITHIN) == CATCH_UP
    assert detected(NOTICE, NINE + 300 * DAY, None, None) == LIVE


def test_what_corrects_is_a_correction_however_soon() -> None:
    """It withdraws or replaces something said before."""
    corrects = replace(NOTICE, corrects=True)
    assert detected(corrects, NINE, None, outbound.LIVE_WITHIN) == CORRECTION
    assert detected(corrects, NINE + DAY, None, outbound.LIVE_WITHIN) == CORRECTION


def test_what_is_about_the_time_before_going_live_is_history() -> None:
    """Whatever else it is: nobody is to be woken by it. The instant of going live itself is live."""
    for notice in (NOTICE, replace(NOTICE, corrects=True)):
        assert detected(notice, NINE + DAY, NINE + 1, outbound.LIVE_WITHIN) == HISTORY
    assert detected(NOTICE, NINE, NINE, outbound.LIVE_WITHIN) == LIVE


def test_a_partition_marks_what_it_says() -> None:
    """The go-live setting and the wall clock of the worker reach the notice."""
    fed = Fed(replace(RULES, notices_from=clock(0, 50)))
    fed.open("case-1")
    fed.wait(clock(0, 45))
    fed.wall = clock(0, 59)
    fed.wait(clock(0, 54))
    fed.tell("case-1", "case.responded", clock(0, 59))
    fed.tell("case-1", "case.fact_withdrawn", clock(0, 59), source=SOURCE, id="e1")
    found = [(notice["type"], notice["detected"]) for notice in fed.notices]
    assert found == [
        ("sla.clock.started", HISTORY),
        ("sla.warning", HISTORY),
        ("sla.warning", CATCH_UP),
        ("sla.clock.stopped", LIVE),
        ("sla.met", LIVE),
        ("sla.retracted", CORRECTION),
        ("sla.retracted", CORRECTION),
    ]
