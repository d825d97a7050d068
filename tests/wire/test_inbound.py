"""A record of the topic becomes one fact, is skipped, erases a case, or is refused with a stable word."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_monitor.core import facts
from sla_monitor.errors import BadEvent
from sla_monitor.wire import inbound
from sla_monitor.wire.inbound import CaseEvent, Erasure, Received, Skipped, decode
from sla_monitor.wire.schemas import EXAMPLES, example

KEY = b"CASE-1000123"
STRUCTURED = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def event(body: type[facts.Body] = facts.Opened, /, **attributes: Any) -> dict[str, Any]:
    """A good event, with these attributes instead."""
    return example(body) | attributes


def opened(**data: Any) -> dict[str, Any]:
    """A good opening, with these fields instead."""
    return event(data={**EXAMPLES[facts.Opened], **data})


def without(mapping: dict[str, Any], name: str) -> dict[str, Any]:
    """The same, one field less."""
    return {key: value for key, value in mapping.items() if key != name}


def received(document: Any, key: bytes | None = KEY, headers: Any = STRUCTURED) -> Received:
    """What a structured event decodes to."""
    return decode(key, json.dumps(document).encode(), headers)


def fact(document: Any) -> facts.Fact:
    """The fact of a structured event."""
    got = received(document)
    assert isinstance(got, CaseEvent)
    return got.fact


def refused(document: Any, key: bytes | None = KEY) -> str:
    """`reason: detail` of a structured event that is no good."""
    with pytest.raises(BadEvent) as caught:
        received(document, key)
    assert caught.value.reason in inbound.REASONS
    return str(caught.value)


def outcome(key: bytes | None, value: bytes | None, headers: Any) -> Received | BadEvent:
    """What comes of a record, good or bad."""
    try:
        return decode(key, value, headers)
    except BadEvent as error:
        return error


def binary(document: dict[str, Any], prefix: str = "ce_") -> tuple[bytes | None, list[tuple[str, bytes]]]:
    """The value and headers of the same event in binary mode."""
    attributes = without(document, "data")
    headers = [(prefix + name, str(text).encode()) for name, text in attributes.items()]
    value = json.dumps(document["data"]).encode() if "data" in document else None
    return value, [("content-type", b"application/json"), *headers]


# --- What an event says


def test_an_opening_becomes_a_fact_with_the_defaults_of_the_core() -> None:
    """Times and targets are microseconds, the language its primary subtag, the fingerprint sorted."""
    assert fact(opened(targets={"b": 0.5, "a": 900}, fingerprint={"error": "e", "build": "b"})) == facts.Fact(
        at=1_767_632_340_000_000,
        source="/crm/cases",
        id="evt-8",
        body=facts.Opened(
            severity="A",
            plan="unified",
            country="US",
            language="en",
            submitted_by="admin",
            access="24x7",
            timezone="America/Los_Angeles",
            traits=("data_corruption",),
            fingerprint=(("build", "b"), ("error", "e")),
            targets=(("a", 900 * facts.SECOND), ("b", facts.SECOND // 2)),
            customer="Contoso",
            product="Finance",
        ),
    )


@pytest.mark.parametrize("body", EXAMPLES, ids=lambda body: facts.NAMES[body])
def test_a_decoded_body_is_the_one_its_class_would_make(body: type[facts.Body]) -> None:
    """Bodies are built by pydantic past `__init__`; nobody may be able to tell."""
    built = fact(event(body)).body
    assert type(built) is body
    copy = body(**{name: getattr(built, name) for name in body.__slots__})
    assert (copy, hash(copy), repr(copy)) == (built, hash(built), repr(built))


def test_a_decoded_fact_is_frozen() -> None:
    """What happened does not change."""
    with pytest.raises(AttributeError):
        fact(event()).at = 1  # type: ignore[misc]
    with pytest.raises(AttributeError):
        fact(event()).body.plan = "standard"  # type: ignore[union-attr,misc]


def test_effort_is_written_in_minutes_and_kept_in_microseconds() -> None:
    """Half a minute is thirty seconds."""
    body = fact(event(facts.EffortLogged, data={"minutes": 0.5})).body
    assert body == facts.EffortLogged(effort=30 * facts.SECOND)


@pytest.mark.parametrize(("tag", "language"), [("en-US", "en"), ("zh-Hant", "zh"), ("DE", "de"), ("gsw", "gsw")])
def test_a_language_is_its_primary_subtag(tag: str, language: str) -> None:
    """Regions and scripts do not change who can read an answer."""
    assert fact(event(facts.LanguageChanged, data={"language": tag})).body == facts.LanguageChanged(language=language)


def test_what_a_change_leaves_out_stays_as_it_was() -> None:
    """Absent is None, not the default of an opening; an empty label takes the label away."""
    assert fact(event(facts.LabelsChanged, data={"queue": ""})).body == facts.LabelsChanged(queue="")


def test_unknown_fields_are_ignored() -> None:
    """A producer may say more than we understand, anywhere."""
    data = {**EXAMPLES[facts.Opened], "mood": "bad", "fingerprint": {"build": "1", "moon": "full"}}
    assert fact(event(data=data, extra={"a": [1]})).body.fingerprint == (("build", "1"),)  # type: ignore[union-attr]


@pytest.mark.parametrize("absent", [{}, {"data": None}])
def test_data_may_be_absent_where_nothing_is_required(absent: dict[str, Any]) -> None:
    """`case.responded` alone says enough; `case.opened` does not."""
    assert fact(without(event(facts.Responded), "data") | absent).body == facts.Responded()
    assert refused(without(event(), "data") | absent).startswith("invalid: data.severity: missing; data.plan: missing")


@pytest.mark.parametrize(
    ("written", "sequence"), [(7, 7), ("7", 7), ("-3", -3), (None, None), (2**63 - 1, 2**63 - 1), ("007", 7)]
)
def test_a_sequence_is_a_number_or_its_digits(written: object, sequence: int | None) -> None:
    """CloudEvents producers write either; null is absent."""
    assert fact(event(sequence=written)).sequence == sequence


@pytest.mark.parametrize("written", ["", "a", "1.5", 1.5, True, 2**63, str(2**63), -(2**63) - 1, "\u0661", "1\n", [1]])
def test_a_sequence_that_is_no_int64_is_refused(written: object) -> None:
    """An order that cannot be kept is not invented."""
    assert refused(event(sequence=written)).startswith("invalid: sequence: ")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (TRACE, TRACE),
        (None, None),
        (1, None),
        ("x", None),
        ("ff" + TRACE[2:], None),
        (TRACE.upper(), None),
        (TRACE.replace("b7ad6b7169203331", "0" * 16), None),
    ],
)
def test_a_trace_is_kept_or_ignored(written: object, kept: str | None) -> None:
    """A bad trace is no reason to lose what happened."""
    assert fact(event(traceparent=written)).traceparent == kept


# --- How it arrives


@pytest.mark.parametrize("headers", [[], [("Content-Type", b"APPLICATION/CloudEvents+json")], [("other", b"\xff")]])
def test_a_structured_event_may_leave_the_content_type_out(headers: list[tuple[str, bytes]]) -> None:
    """Header names and media types have no letter case."""
    assert received(event(), headers=headers) == received(event())


@pytest.mark.parametrize("body", EXAMPLES, ids=lambda body: facts.NAMES[body])
@pytest.mark.parametrize("prefix", ["ce_", "CE_"])
def test_structured_and_binary_are_the_same_fact(body: type[facts.Body], prefix: str) -> None:
    """The mode of delivery says nothing about the case."""
    document = event(body, sequence=4, traceparent=TRACE)
    value, headers = binary(document, prefix)
    assert decode(KEY, value, headers) == received(document)


@given(
    data=st.fixed_dictionaries(
        {"severity": st.sampled_from(["A", "B", "x y"]), "plan": st.just("standard"), "submitted_by": st.just("admin")},
        optional={
            "country": st.sampled_from(["DE", "XX"]),
            "language": st.sampled_from(["de-AT", ""]),
            "customer": st.text(max_size=9),
            "accepts_english": st.booleans() | st.just("yes"),
            "targets": st.dictionaries(st.sampled_from(["a", "b c"]), st.floats(allow_nan=False) | st.integers()),
        },
    ),
    sequence=st.integers(),
    at=st.sampled_from(["2026-01-05T08:59:00Z", "2026-01-05"]),
)
def test_structured_and_binary_agree_on_good_and_bad(data: dict[str, Any], sequence: int, at: str) -> None:
    """The same event is the same fact, or refused for the same reason, in both modes."""
    document = event(data=data, sequence=sequence, time=at)
    one, other = outcome(KEY, *binary(document)), outcome(KEY, json.dumps(document).encode(), STRUCTURED)
    told, also = (each.reason if isinstance(each, BadEvent) else each for each in (one, other))
    assert told == also


@pytest.mark.parametrize("value", [None, b"", b"null"])
def test_a_binary_event_may_have_no_data(value: bytes | None) -> None:
    """A null value with `ce_` headers is an event, not an erasure."""
    _, headers = binary(event(facts.Resolved))
    assert decode(KEY, value, headers) == received(event(facts.Resolved))


def test_a_null_value_without_a_type_erases_the_case() -> None:
    """A tombstone, whatever other headers it has."""
    assert decode(KEY, None, []) == Erasure(case_id="CASE-1000123")
    assert decode(KEY, None, STRUCTURED) == Erasure(case_id="CASE-1000123")
    with pytest.raises(BadEvent, match="no_key"):
        decode(None, None, [])


@pytest.mark.parametrize("name", ["order.created", "case", "Case.opened", ""])
def test_types_of_others_are_skipped_unread(name: str) -> None:
    """Whatever the rest of the record looks like: it is none of ours."""
    assert received({"type": name}, key=None) == Skipped(reason="other_type")
    assert decode(None, b"\x00avro" * 100_000, [("ce_type", name.encode())]) == Skipped(reason="other_type")


# --- What is refused, and with which word


def test_a_new_type_of_ours_is_unknown() -> None:
    """An old worker must not pass over what a new producer says about a case."""
    assert refused(event(type="case.teleported")).startswith("unknown_type")


@pytest.mark.parametrize("value", [b"", b"{", b"\xff", b"NaN", b'{"type":NaN}', b'"\\ud800"', b"[" * 100_000, b"{}x"])
def test_what_is_not_json_is_refused(value: bytes) -> None:
    """Truncated, mis-encoded, not a number, endless nesting."""
    with pytest.raises(BadEvent, match=r"^not_json"):
        decode(KEY, value, [])
    with pytest.raises(BadEvent, match=r"^not_json"):
        decode(KEY, value or b"{", binary(event())[1])


@pytest.mark.parametrize("document", [[], 1, "case.opened", None, {}, {"type": 1}, {"type": ["case.opened"]}])
def test_json_that_is_no_event_is_refused(document: object) -> None:
    """The wrong shape has its own word."""
    assert refused(document).startswith("invalid")


def test_of_two_equal_names_the_last_counts() -> None:
    """JSON leaves it open; we crash in neither case and agree with most readers."""
    text = json.dumps(event(facts.Responded))
    assert decode(KEY, text.replace('{"by"', '{"by": "x", "by"').encode(), []) == decode(KEY, text.encode(), [])


@pytest.mark.parametrize("name", ["specversion", "id", "source", "subject", "time"])
def test_required_attributes_are_required(name: str) -> None:
    """Each is named when it is absent, null, a number or, but for the time, empty."""
    assert refused(without(event(), name)).startswith(f"invalid: {name}: ")
    assert refused(event() | {name: 10}).startswith(f"invalid: {name}: ")
    assert refused(event() | {name: None}).startswith(f"invalid: {name}: ")
    with pytest.raises(BadEvent, match=name):
        received(event() | {name: ""})


def test_events_of_another_cloudevents_version_are_refused() -> None:
    """0.3 has other names for the same things."""
    assert refused(event(specversion="0.3")) == "invalid: specversion: not 1.0"


def test_base64_data_is_refused() -> None:
    """It would otherwise look like an event without data."""
    assert refused(event(facts.Responded, data_base64="e30=")) == "invalid: data_base64: not supported"


@pytest.mark.parametrize(
    ("key", "told"),
    [
        (None, "no_key: key: missing"),
        (b"", "no_key: key: empty"),
        (b"CASE-2", "key_mismatch: subject: not the record's key"),
        (b"\xff", "invalid: key: not UTF-8"),
        (b"\x00state", "invalid: key: control character"),
        (b"a\xc2\x85", "invalid: key: control character"),
        (b"a" * 201, "invalid: key: more than 200 bytes"),
    ],
)
def test_a_key_is_the_case_id_or_the_event_is_refused(key: bytes | None, told: str) -> None:
    """The key decides the partition; an event in another case's partition must not be folded there."""
    assert refused(event(), key) == told


def test_a_case_id_may_be_any_printable_text() -> None:
    """Two hundred bytes of UTF-8, spaces and emoji included."""
    name = "Fall 12 \u00a0 \U0001f680" + "ß" * 92
    assert len(name.encode()) <= 200
    assert received(event(subject=name), name.encode()).case_id == name  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["2026-01-05T08:59:00", "2026-01-05", "now", "", "1999-01-01T00:00:00Z"])
def test_a_time_without_an_instant_has_its_own_word(text: str) -> None:
    """No offset, not RFC 3339, or out of range."""
    assert refused(event(time=text)).startswith("bad_time: time: ")


def test_a_large_value_is_refused_before_it_is_parsed() -> None:
    """256 KiB is the last size that is read."""
    text = json.dumps(event()).encode()
    assert decode(KEY, text.ljust(inbound.EVENT_BYTES_MAX), []) == decode(KEY, text, [])
    with pytest.raises(BadEvent, match=r"^too_large"):
        decode(KEY, text.ljust(inbound.EVENT_BYTES_MAX + 1), [])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("severity", ""),
        ("severity", "A B"),
        ("severity", "A\n"),
        ("severity", 1),
        ("plan", "x" * 41),
        ("access", None),
        ("access", ""),
        ("access", "always"),
        ("country", "us"),
        ("country", "UK"),
        ("country", "DEU"),
        ("subdivision", ""),
        ("subdivision", "by"),
        ("timezone", ""),
        ("timezone", "Berlin"),
        ("timezone", "../etc/passwd"),
        ("language", ""),
        ("language", "en_US"),
        ("language", "x-klingon"),
        ("accepts_english", "yes"),
        ("accepts_english", 1),
        ("accepts_english", None),
        ("has_subscription", "true"),
        ("request", "help"),
        ("submitted_by", ""),
        ("traits", "custom_code"),
        ("traits", ["custom"]),
        ("traits", ["custom_code"] * 21),
        ("traits", {"custom_code": 1}),
        ("fingerprint", {"build": ""}),
        ("fingerprint", {"build": 10}),
        ("fingerprint", {"build": "x" * 201}),
        ("fingerprint", []),
        ("targets", {"Initial": 1}),
        ("targets", {"": 1}),
        ("targets", {"a": 0}),
        ("targets", {"a": -1}),
        ("targets", {"a": 1e-9}),
        ("targets", {"a": True}),
        ("targets", {"a": "900"}),
        ("targets", {"a": 10 * 366 * 86_400}),
        ("targets", {"a": 10**400}),
        ("targets", dict.fromkeys("abcdefghi", 1)),
        ("customer", "x" * 201),
        ("customer", None),
        ("customer", 7),
    ],
)
def test_a_field_of_the_wrong_kind_is_refused_by_name(field: str, value: object) -> None:
    """Nothing is converted and nothing is guessed; the detail names the field."""
    assert refused(opened(**{field: value})).startswith(f"invalid: data.{field}")


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (facts.EffortLogged, {"minutes": 0}),
        (facts.EffortLogged, {"minutes": 100_001}),
        (facts.EffortLogged, {"minutes": True}),
        (facts.EffortLogged, {"minutes": "5"}),
        (facts.EffortLogged, {"effort": 5}),
        (facts.SeverityChanged, {"severity": "B", "by": ""}),
        (facts.WorkStarted, {"engineer": ""}),
        (facts.WaitingOnCustomer, {"reason": "coffee"}),
        (facts.CauseFound, {"cause": "moon"}),
        (facts.ContactAttempted, {"reached": "no"}),
        (facts.DowngradeConfirmed, {"recommendation": "x" * 257}),
        (facts.FactWithdrawn, {"source": "/crm"}),
        (facts.ReopenRequested, {}),
        (facts.Resolved, "done"),
        (facts.Resolved, []),
    ],
)
def test_other_events_are_as_strict(body: type[facts.Body], data: object) -> None:
    """Every model refuses what it does not mean."""
    assert refused(event(body, data=data)).startswith("invalid: data")


@pytest.mark.parametrize("number", ["1e400", "-1e400", "NaN", "Infinity"])
def test_numbers_without_end_are_refused(number: str) -> None:
    """A target is finite."""
    text = json.dumps(opened(targets={"a": 900})).replace("900", number)
    with pytest.raises(BadEvent, match=r"^(invalid|not_json)"):
        decode(KEY, text.encode(), [])


def test_many_problems_make_a_short_detail() -> None:
    """The detail becomes a header of the dead letter; a hundred problems must not fill it."""
    assert len(refused(opened(traits=["x"] * 20, fingerprint={}, targets={"A" * 90: 1}, plan=""))) < 200


PRIVATE = "hunter2"


@pytest.mark.parametrize("field", [*EXAMPLES[facts.Opened], "subdivision"])
@pytest.mark.parametrize(
    "secret", [PRIVATE * 40, {PRIVATE: PRIVATE}, [PRIVATE], {"build": {PRIVATE: 1}}, "\n" + PRIVATE]
)
def test_a_detail_never_quotes_the_data(field: str, secret: object) -> None:
    """Whatever is wrong, and wherever, dead letters' headers and logs must not repeat what customers wrote."""
    told = outcome(KEY, json.dumps(opened(**{field: secret})).encode(), STRUCTURED)
    if isinstance(told, BadEvent):
        assert PRIVATE not in str(told)
        assert told.__suppress_context__


@pytest.mark.parametrize("name", ["type", "id", "source", "subject", "time", "specversion", "sequence", "data"])
@pytest.mark.parametrize("secret", ["case." + PRIVATE * 40, {PRIVATE: PRIVATE}, [PRIVATE]])
def test_a_detail_never_quotes_the_envelope(name: str, secret: object) -> None:
    """Names of fields and kinds of problems only; in both modes."""
    assert PRIVATE not in refused(event() | {name: secret})
    told = outcome(KEY, *binary(event() | {name: secret}))
    assert not isinstance(told, BadEvent) or PRIVATE not in str(told)


def test_undecodable_headers_are_refused_by_name() -> None:
    """But for the trace, which is ignored."""
    value, headers = binary(event())
    with pytest.raises(BadEvent, match="invalid: id: not UTF-8"):
        decode(KEY, value, [*headers, ("ce_id", b"\xff")])
    assert decode(KEY, value, [*headers, ("ce_traceparent", b"\xff")]) == received(event())


@pytest.mark.parametrize("text", [b"1", None])
@pytest.mark.parametrize("value", [json.dumps(event()).encode(), None, b""])
def test_a_header_whose_name_is_not_utf8_is_refused(value: bytes | None, text: bytes | None) -> None:
    """Whatever else the record is, and without the name, which may be the payload's; other letters are letters."""
    for raw in (b"\xff", b"x-" + PRIVATE.encode() + b"\xc3", b"\xed\xb2\x80"):
        with pytest.raises(BadEvent) as refusal:
            decode(KEY, value, [*STRUCTURED, (raw.decode("utf-8", "surrogateescape"), text)])
        assert (refusal.value.reason, refusal.value.detail) == ("invalid", "headers: a name is not UTF-8")
    assert decode(KEY, json.dumps(event()).encode(), [*STRUCTURED, ("größe", text)]) == received(event())


def test_a_header_without_a_value_is_absent() -> None:
    """Kafka allows null there."""
    assert decode(KEY, None, [("ce_type", None)]) == Erasure(case_id="CASE-1000123")


@given(
    key=st.none() | st.binary(max_size=210) | st.just(KEY),
    value=st.none() | st.binary(),
    headers=st.lists(
        st.tuples(
            st.sampled_from(
                ["ce_type", "ce_id", "CE_SOURCE", "ce_subject", "ce_time", "ce_specversion", "content-type"]
            )
            | st.text(),
            st.binary() | st.sampled_from([b"case.resolved", b"1.0", KEY, b"2026-01-05T08:59:00Z"]),
        )
    ),
)
def test_any_record_is_received_or_refused(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    """Nothing but BadEvent comes out, with a reason of the list."""
    check(key, value, headers)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(
    name=st.sampled_from([*facts.TYPES]),
    attributes=st.dictionaries(st.sampled_from(["id", "time", "sequence", "traceparent", "data", "x"]), JSON),
    data=st.dictionaries(
        st.sampled_from(sorted({field for body in facts.TYPES.values() for field in body.__slots__})),
        JSON,
    ),
)
def test_any_json_is_received_or_refused(name: str, attributes: dict[str, Any], data: dict[str, Any]) -> None:
    """Any value in any place of an otherwise good event."""
    good = event(facts.TYPES[name])
    document = {**good, "data": {**good.get("data", {}), **data}, **attributes}
    check(KEY, json.dumps(document).encode(), [])


def check(key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
    """Received, or refused with a known word."""
    told = outcome(key, value, headers)
    if isinstance(told, BadEvent):
        assert told.reason in inbound.REASONS
    else:
        assert isinstance(told, CaseEvent | Erasure | Skipped)
        hash(told)


@pytest.mark.parametrize(
    "data",
    [
        {"traits": ["x"] * 50_000},
        {"traits": ["custom_code"] * 15_000},
        {"targets": {f"x{number}": 0 for number in range(18_000)}},
        {"targets": {"a" * 250_000: "b"}},
        {"customer": "x" * 250_000},
        {"language": "a-" * 120_000},
        {f"unknown{number}": [] for number in range(12_000)},
    ],
    ids=lambda data: next(iter(data)),
)
def test_the_largest_nonsense_costs_little(data: dict[str, Any]) -> None:
    """A hostile event of 256 KiB makes a short detail and no stack, and nobody lists its 50,000 problems (~50 MB)."""
    value = json.dumps(opened(**data)).encode()
    assert len(value) <= inbound.EVENT_BYTES_MAX
    outcome(KEY, value, STRUCTURED)  # validators are built at their first use
    tracemalloc.start()
    told = outcome(KEY, value, STRUCTURED)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * len(value)
    assert len(str(told)) < 1_000
