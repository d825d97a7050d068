"""Examples computed by hand from the support plan, a rule each: they hold the oracle to the plan, not to the worker."""

from __future__ import annotations

from typing import Any

import pytest

from sla_monitor.oracle import LogRecord, Standing, judge
from sla_monitor.oracle.events import Bad, Erasure, Skipped, classify, instant
from sla_monitor.oracle.standing import written
from tests.oracle.cases import PLANS, deadline, event, log, opened, said, times

MONDAY = "2026-03-02T09:00:00+01:00"  # in Berlin, in winter
BREACHED, MET, RECOMMENDED = "sla.breached", "sla.met", "severity.downgrade_recommended"


@pytest.mark.parametrize(
    ("rule", "terms", "at", "due"),
    [
        ("SP-A", {"severity": "A"}, MONDAY, "2026-03-02T09:00:00Z"),
        ("SP-A at night", {"severity": "A", "plan": "unified"}, "2026-03-01T02:00:00Z", "2026-03-01T03:00:00Z"),
        ("SP-B standard", {"severity": "B"}, MONDAY, "2026-03-02T12:00:00Z"),
        ("SP-B direct", {"severity": "B", "plan": "professional_direct"}, MONDAY, "2026-03-02T10:00:00Z"),
        ("SP-B 24x7", {"severity": "B", "access": "24x7"}, "2026-03-01T02:00:00Z", "2026-03-01T06:00:00Z"),
        ("SP-C standard ends at closing, not at the next opening", {"severity": "C"}, MONDAY, "2026-03-02T16:00:00Z"),
        ("SP-C unified", {"severity": "C", "plan": "unified"}, MONDAY, "2026-03-02T12:00:00Z"),
        ("SP-C never 24x7", {"severity": "C", "access": "24x7"}, MONDAY, "2026-03-02T16:00:00Z"),
        ("SP-A is 24x7 whatever was chosen", {"severity": "A", "access": "business_hours"},
         "2026-03-01T02:00:00Z", "2026-03-01T03:00:00Z"),
        ("SP-UNI", {"severity": "C", "targets": {"initial_response": 1800}}, MONDAY, "2026-03-02T08:30:00Z"),
        # Friday 16:00 + 4 h: one hour on Friday, three on Monday, after the change of clocks on Sunday the 29th
        ("SP-HRS-1 over the spring change", {"severity": "B"}, "2026-03-27T16:00:00+01:00", "2026-03-30T10:00:00Z"),
        ("SP-HRS-1 over the autumn change", {"severity": "B"}, "2026-10-23T16:00:00+02:00", "2026-10-26T11:00:00Z"),
        ("SP-HRS-1 Easter", {"severity": "B"}, "2026-04-02T16:00:00+02:00", "2026-04-07T10:00:00Z"),
        # Corpus Christi, 4 June 2026, is a holiday in Bavaria alone
        ("SP-HRS-1 DE", {"severity": "C"}, "2026-06-04T09:00:00+02:00", "2026-06-04T15:00:00Z"),
        ("SP-HRS-1 DE-BY", {"severity": "C", "subdivision": "BY"}, "2026-06-04T09:00:00+02:00", "2026-06-05T15:00:00Z"),
        # The weekend of the Emirates is Saturday and Sunday, of Egypt Friday and Saturday; 8 January 2026 is a Thursday
        ("SP-HRS-1 EG", {"severity": "B", "country": "EG"}, "2026-01-08T16:00:00+02:00", "2026-01-11T10:00:00Z"),
        ("SP-HRS-1 AE", {"severity": "B", "country": "AE"}, "2026-01-08T16:00:00+04:00", "2026-01-09T08:00:00Z"),
        # One country, several zones: Sydney by default, Perth if said
        ("SP-HRS-1 AU", {"severity": "B", "country": "AU"}, "2026-03-03T00:00:00Z", "2026-03-03T04:00:00Z"),
        ("SP-HRS-1 AU, Perth", {"severity": "B", "country": "AU", "timezone": "Australia/Perth"},
         "2026-03-03T00:00:00Z", "2026-03-03T05:00:00Z"),
        # Pacific hours whatever the zone; 06:00 is 14:00 Z in winter
        ("SP-HRS-NA", {"severity": "B", "country": "US", "timezone": "America/New_York"},
         "2026-03-02T13:00:00Z", "2026-03-02T18:00:00Z"),
        # Friday 17:00 Pacific + 4 h over the night to Sunday, 8 March 2026, when the clocks go forward
        ("SP-HRS-NA spring", {"severity": "B", "country": "US"}, "2026-03-07T01:00:00Z", "2026-03-09T16:00:00Z"),
        ("SP-HRS-NA, 3 July 2026 observed", {"severity": "B", "country": "US"},
         "2026-07-03T01:00:00Z", "2026-07-06T17:00:00Z"),
        ("SP-HRS-NA, Canada Day", {"severity": "B", "country": "CA"}, "2026-07-01T13:00:00Z", "2026-07-02T17:00:00Z"),
        ("SP-HRS-JP", {"severity": "B", "country": "JP"}, "2026-03-02T14:00:00+09:00", "2026-03-03T00:30:00Z"),
        ("SP-LANG-24", {"severity": "A", "language": "en-GB"}, "2026-03-01T02:00:00Z", "2026-03-01T03:00:00Z"),
        ("SP-LANG-LOC", {"severity": "A", "language": "de"}, "2026-03-01T02:00:00Z", "2026-03-02T09:00:00Z"),
        ("SP-LANG-TR accepts", {"severity": "A", "language": "ru", "accepts_translation": True},
         "2026-03-01T02:00:00Z", "2026-03-01T03:00:00Z"),
        ("SP-LANG-TR", {"severity": "A", "language": "ru"}, "2026-03-01T02:00:00Z", "2026-03-02T09:00:00Z"),
    ],
)  # fmt: skip
def test_a_deadline(rule: str, terms: dict[str, object], at: str, due: str) -> None:
    told = said(opened(at, **{"severity": "B", **terms}), until=at)  # type: ignore[arg-type]
    started = next(found for found in told if found.kind == "sla.clock.started")
    assert started.data["deadline"] == due, rule


@pytest.mark.parametrize(
    ("rule", "terms", "declined"),
    [
        ("SP-ELIG-USER", {"submitted_by": "end_user", "request": "how_to"}, "eligibility.declined"),
        ("SP-ELIG-NOSUB", {"has_subscription": False}, "eligibility.declined"),
        ("SP-COV-HOWTO", {"request": "how_to", "plan": "unified"}, "coverage.declined"),
        ("SP-COV-ADV", {"request": "advisory"}, "coverage.declined"),
        ("SP-COV-RCA", {"request": "rca", "plan": "unified"}, "coverage.declined"),
        ("SP-COV-PUB", {"release": "public_preview", "request": "advisory", "plan": "unified"}, "coverage.declined"),
        ("SP-COV-GA", {"channel": "other_agreement"}, "coverage.declined"),
        ("SP-EFF-BROAD", {"traits": ["performance_broad"]}, "coverage.declined"),
    ],
)
def test_a_case_that_is_not_served(rule: str, terms: dict[str, object], declined: str) -> None:
    """Not covered or not eligible: no clock starts; a notice says which rule."""
    told = said(opened(MONDAY, **{"severity": "B", **terms}), event("responded", "2026-03-02T12:30:00Z"))  # type: ignore[arg-type]
    assert [(found.kind, found.subject) for found in told] == [(declined, rule)]


@pytest.mark.parametrize(
    ("rule", "terms", "promised"),
    [
        ("SP-COV-PUB", {"release": "public_preview"}, True),
        ("SP-COV-PRIV", {"release": "limited_preview"}, False),
        ("SP-COV-3P", {"traits": ["third_party"]}, True),
        ("SP-COV-DATA", {"traits": ["data_corruption"]}, True),
        ("SP-EFF-BROAD", {"traits": ["performance_broad"], "plan": "unified"}, True),
    ],
)
def test_a_case_that_is_served_with_less(rule: str, terms: dict[str, object], promised: object) -> None:
    """Covered with less: one `coverage.limited` naming the rule; clocks run, with `promised` as the rule says."""
    told = said(opened(MONDAY, **{"severity": "B", **terms}), until="2026-03-02T13:00:00Z")  # type: ignore[arg-type]
    assert [found.subject for found in told if found.kind == "coverage.limited"] == [rule]
    assert {found.data["promised"] for found in told if "clock" in found.data} == {promised}


def test_the_cause_takes_a_case_out_of_the_promise() -> None:
    """SP-COV-3P, SP-EFF-CAUSE: promised until `cause_found` says otherwise."""
    told = [opened(MONDAY, "B", traits=["third_party"]), event("cause_found", "2026-03-02T09:00:00Z", cause="partner")]
    assert times("coverage.limited", *told) == ["2026-03-02T08:00:00Z", "2026-03-02T09:00:00Z"]
    assert [found.data["promised"] for found in said(*told) if found.kind == BREACHED] == [False]


def test_an_unserved_language_is_limited_once() -> None:
    """SP-LANG-TR: in a language outside the nine also with `coverage.limited`."""
    change = event("language_changed", "2026-03-02T10:00:00Z", language="pl")
    assert times("coverage.limited", opened(MONDAY, "A", language="ru"), change) == ["2026-03-02T08:00:00Z"]
    assert times("coverage.limited", opened(MONDAY, "A", language="de")) == []


@pytest.mark.parametrize(
    ("answer", "breached"),
    [("2026-03-02T08:59:59.999999Z", []), ("2026-03-02T09:00:00Z", ["2026-03-02T09:00:00Z"])],
)
def test_at_exactly_the_target_is_late(answer: str, breached: list[str]) -> None:
    """SP-LT, whatever the watermark."""
    told = opened(MONDAY, "A"), event("responded", answer)
    assert times(BREACHED, *told, until=MONDAY) == breached
    assert len(times(MET, *told)) == 1


def test_an_attempt_that_reached_and_work_do_not_stop_the_clock() -> None:
    attempt = event("contact_attempted", "2026-03-02T08:30:00Z", reached=True)
    work = event("work_started", "2026-03-02T08:31:00Z", engineer="e")
    assert times(BREACHED, opened(MONDAY, "A"), attempt, work) == ["2026-03-02T09:00:00Z"]


def test_sp_up_clock_counts_from_the_change_and_never_later() -> None:
    def raised(at: str) -> object:
        return deadline(opened(MONDAY, "C"), event("severity_changed", at, severity="A"))

    assert raised("2026-03-02T10:00:00Z") == "2026-03-02T11:00:00Z"
    assert raised("2026-03-02T15:30:00Z") == "2026-03-02T16:00:00Z"


def test_sp_down_clock_counts_from_submission() -> None:
    lowered = event("severity_changed", "2026-03-02T08:50:00Z", severity="B")
    assert deadline(opened(MONDAY, "A"), lowered) == "2026-03-02T12:00:00Z"


def test_an_a_lowered_to_b_is_round_the_clock_only_if_that_was_chosen() -> None:
    night = "2026-03-01T02:00:00Z"
    lowered = event("severity_changed", "2026-03-01T02:30:00Z", severity="B")
    assert deadline(opened(night, "A"), lowered) == "2026-03-02T12:00:00Z"
    assert deadline(opened(night, "A", access="24x7"), lowered) == "2026-03-01T06:00:00Z"


def test_sp_down_back_brings_the_old_deadline_back() -> None:
    changes = [
        event("severity_changed", "2026-03-02T08:30:00Z", severity="B"),
        event("severity_changed", "2026-03-02T10:00:00Z", severity="A"),
    ]
    assert times("severity.restored", opened(MONDAY, "A"), *changes) == ["2026-03-02T10:00:00Z"]
    assert times(BREACHED, opened(MONDAY, "A"), *changes) == ["2026-03-02T09:00:00Z"]


@pytest.mark.parametrize(
    ("rule", "terms", "broken"),
    [
        ("SP-DOWN-A", {"severity": "A"}, "2026-03-02T15:00:00Z"),
        ("SP-DOWN-B", {"severity": "B", "access": "24x7"}, "2026-03-02T17:00:00Z"),
        ("SP-DOWN-RES", {"severity": "B"}, "2026-03-03T13:00:00Z"),
        ("SP-DOWN-A", {"severity": "A", "language": "de"}, "2026-03-02T15:00:00Z"),
        ("SP-DOWN-B", {"severity": "B", "access": "24x7", "language": "de"}, "2026-03-03T09:00:00Z"),
    ],
)
def test_a_silence_breaks_the_commitment(rule: str, terms: dict[str, object], broken: str) -> None:
    """SP-DOWN-SILENCE: waiting since 13:00 Z; a second wait and an unreached attempt restart nothing."""
    told = [
        opened(MONDAY, **terms),  # type: ignore[arg-type]
        event("waiting_on_customer", "2026-03-02T13:00:00Z"),
        event("waiting_on_customer", "2026-03-02T13:30:00Z"),
        event("contact_attempted", "2026-03-02T14:00:00Z", reached=False),
    ]
    recommended = [found for found in said(*told) if found.kind == RECOMMENDED]
    assert [(found.subject, found.level) for found in recommended] == [(rule, instant("2026-03-02T13:00:00Z"))]
    assert times(RECOMMENDED, *told) == [broken]


@pytest.mark.parametrize(("back", "broken"), [("2026-03-02T14:59:59.999999Z", 0), ("2026-03-02T15:00:00Z", 1)])
def test_broken_is_elapsed_at_least_the_limit(back: str, broken: int) -> None:
    wait = event("waiting_on_customer", "2026-03-02T13:00:00Z")
    assert len(times(RECOMMENDED, opened(MONDAY, "A"), wait, event("customer_responded", back))) == broken


def test_three_attempts_in_a_row_break_it_once() -> None:
    attempts = [event("contact_attempted", f"2026-03-02T08:0{minute}:00Z", reached=minute == 2) for minute in range(8)]
    assert times(RECOMMENDED, opened(MONDAY, "A"), *attempts) == ["2026-03-02T08:05:00Z"]


@pytest.mark.parametrize(
    ("rule", "fact"),
    [
        ("SP-DOWN-RCA", event("traits_changed", "2026-03-02T08:10:00Z", add=["rca_requested"])),
        ("SP-DOWN-CUSTOM", event("traits_changed", "2026-03-02T08:10:00Z", add=["custom_code"])),
        ("SP-DOWN-CUSTOM", event("cause_found", "2026-03-02T08:10:00Z", cause="custom_code")),
        ("SP-DOWN-PROPOSED", event("resolution_proposed", "2026-03-02T08:10:00Z")),
        ("SP-DOWN-PROPOSED", event("waiting_on_customer", "2026-03-02T08:10:00Z", reason="proposed_resolution")),
        ("SP-CONTACT-OK", event("contact_updated", "2026-03-02T08:10:00Z", verified=False)),
    ],
)
def test_a_fact_recommends_a_step_down_at_once(rule: str, fact: dict[str, object]) -> None:
    """RCA, CUSTOM and PROPOSED on the fact, not after a silence; one step; nothing below C."""

    def recommended(severity: str) -> list[tuple[object, ...]]:
        told = said(opened(MONDAY, severity), fact, until="2026-03-02T08:20:00Z")
        return [(found.subject, found.data["from"], found.data["to"]) for found in told if found.kind == RECOMMENDED]

    assert (recommended("A"), recommended("B"), recommended("C")) == ([(rule, "A", "B")], [(rule, "B", "C")], [])


@pytest.mark.parametrize(
    ("terms", "at", "rule"),
    [
        ({"severity": "B"}, "2026-03-02T16:00:00Z", "SP-CONTACT-B"),
        ({"severity": "B"}, "2026-03-02T15:59:59.999999Z", None),
        ({"severity": "B", "access": "24x7"}, "2026-03-02T22:00:00Z", None),
        ({"severity": "C", "access": "24x7"}, "2026-03-07T10:00:00Z", "SP-CONTACT-C"),
        ({"severity": "A"}, "2026-03-07T10:00:00Z", None),
    ],
)
def test_contact_outside_business_hours(terms: dict[str, object], at: str, rule: str | None) -> None:
    """SP-CONTACT-B, SP-CONTACT-C: a violation, whether or not somebody was reached. Berlin closes at 16:00 Z."""
    for reached in (True, False):
        told = said(opened(MONDAY, **terms), event("contact_attempted", at, reached=reached))  # type: ignore[arg-type]
        assert [found.subject for found in told if found.kind == "contact.outside_hours"] == ([rule] if rule else [])


def effort(*events: dict[str, object], **terms: object) -> list[tuple[str, str, object]]:
    told = said(opened(MONDAY, "B", **terms), *events)
    return [(found.kind, written(found.at), found.data["worked_seconds"]) for found in told if "effort" in found.kind]


def test_engineer_time_adds_up() -> None:
    """SP-EFF-PERF: four hours of all engineers together and of what is logged; a warning at 75 %, once each."""
    events = [
        event("effort_logged", "2026-03-02T09:00:00Z", minutes=60),
        event("work_started", "2026-03-02T10:00:00Z", engineer="a"),
        event("work_started", "2026-03-02T10:30:00Z", engineer="b"),
        event("work_stopped", "2026-03-02T11:15:00Z", engineer="a"),
        event("work_stopped", "2026-03-02T20:00:00Z", engineer="b"),
    ]
    # 60 + 30 + 2 x 45 = 180 minutes at 11:15, the rest by one
    expected = [
        ("effort.warning", "2026-03-02T11:15:00Z", 10_800),
        ("effort.exhausted", "2026-03-02T12:15:00Z", 14_400),
    ]
    assert effort(*events, traits=["performance_isolated"]) == expected
    assert effort(*events) == []


def test_counting_ends_when_steps_to_reproduce_are_found() -> None:
    """SP-EFF-REPRO: closed only if none were found by then."""
    work = event("work_started", "2026-03-02T10:00:00Z", engineer="a")
    found = event("traits_changed", "2026-03-02T13:30:00Z", remove=["not_reproducible"])
    traits = ["not_reproducible", "customised_database"]
    assert [kind for kind, _, _ in effort(work, traits=traits)] == ["effort.warning", "effort.exhausted"]
    assert [kind for kind, _, _ in effort(work, found, traits=traits)] == ["effort.warning"]


CLOSED = "2026-03-02T10:00:00Z"


@pytest.mark.parametrize(
    ("old", "new", "more", "failed"),
    [
        ({"build": "1"}, {"build": "1", "error": "E"}, {}, []),
        ({"build": "1"}, {"build": "2"}, {}, ["SP-RE-BUILD"]),
        ({}, {}, {"new_update_installed": True}, ["SP-RE-BUILD"]),
        ({"user": "a"}, {"user": "b"}, {}, ["SP-RE-SAME"]),
        ({"error": "a"}, {"error": "b"}, {}, ["SP-RE-SAME"]),
        ({"error": "a"}, {"error": "b"}, {"new_update_installed": True}, ["SP-RE-BUILD", "SP-RE-SAME", "SP-RE-NEW"]),
    ],
)
def test_reopening_lists_every_rule_that_failed(
    old: dict[str, str], new: dict[str, str], more: dict[str, Any], failed: list[str]
) -> None:
    """SP-RE-BUILD, SP-RE-SAME, SP-RE-NEW: a key missing on either side counts as equal."""
    asked = event("reopen_requested", "2026-03-03T10:00:00Z", fingerprint=new, **more)
    told = said(opened(MONDAY, "B", fingerprint=old), event("closed", CLOSED), asked)
    answer = next(found for found in told if found.kind.startswith("reopen."))
    assert (answer.kind.removeprefix("reopen."), answer.data["failed"]) == (
        "declined" if failed else "accepted",
        failed,
    )
    assert answer.generation == (1 if failed else 2)


@pytest.mark.parametrize(("at", "kind"), [("09:59:59.999999", "accepted"), ("10:00:00", "declined")])
def test_three_calendar_months_on_the_wall(at: str, kind: str) -> None:
    """SP-RE-3M: closed on 2 March at 11:00 in Berlin, in winter; three months later it is summer: 09:00 Z + 2 h."""
    closed = event("closed", CLOSED)
    asked = event("reopen_requested", f"2026-06-02T{at.replace('09', '08', 1).replace('10', '09', 1)}Z", fingerprint={})
    found = [each.kind for each in said(opened(MONDAY, "B"), closed, asked) if each.kind.startswith("reopen.")]
    assert found == [f"reopen.{kind}"]


def test_scripts_are_answered_while_the_case_is_open() -> None:
    """SP-COV-DATA."""
    scripts = [event("script_submitted", f"2026-03-02T0{hour}:00:00Z", uat_tested=hour % 2 == 0) for hour in (8, 9)]
    late = event("script_submitted", "2026-03-02T11:00:00Z", uat_tested=True)
    told = said(opened(MONDAY, "B"), *scripts, event("closed", CLOSED), late)
    assert [found.kind for found in told if "script" in found.kind] == ["script.accepted", "script.declined"]


def test_nothing_follows_for_c() -> None:
    assert times(RECOMMENDED, opened(MONDAY, "C"), event("waiting_on_customer", "2026-03-02T09:00:00Z")) == []


def test_confirming_lowers_one_step() -> None:
    told = [opened(MONDAY, "A"), event("waiting_on_customer", "2026-03-02T08:00:00Z")]
    asked = next(found for found in said(*told) if found.kind == RECOMMENDED)
    answer = event("downgrade_confirmed", "2026-03-02T11:00:00Z", recommendation="known")

    def standing(published: dict[str, Standing]) -> list[Standing]:
        now = instant("2026-03-02T12:00:00Z")
        return judge("CASE-1", log([*told, answer]), plans=PLANS, now=now, published=published).standing

    assert [found.data["to"] for found in standing({"known": asked}) if found.kind == "severity.downgraded"] == ["B"]
    assert [found for found in standing({"other": asked}) if found.kind == "severity.downgraded"] == []


def test_the_log() -> None:
    """Duplicates, contradictions, withdrawals, erasure."""
    answer = event("responded", "2026-03-02T08:30:00Z", "answer")
    later = event("responded", "2026-03-02T08:31:00Z", "answer")
    withdrawn = event("fact_withdrawn", "2026-03-02T08:40:00Z", "w", source="/crm", id="answer")
    judged = judge("CASE-1", log([opened(MONDAY, "A"), answer, answer, later]), plans=PLANS, now=0)
    assert judged.dead == {3: "conflict"}
    assert times(MET, opened(MONDAY, "A"), answer, answer) == ["2026-03-02T08:30:00Z"]
    assert times(MET, opened(MONDAY, "A"), answer, withdrawn) == []
    assert times(MET, withdrawn, answer, opened(MONDAY, "A")) == []
    assert said(opened(MONDAY, "A"), None) == []
    assert times(BREACHED, opened(MONDAY, "A"), None, opened(MONDAY, "B")) == ["2026-03-02T12:00:00Z"]
    assert not judge("CASE-1", log([answer]), plans=PLANS, now=0).open


def test_a_record_that_says_nothing() -> None:
    def reason(value: bytes | None, key: bytes | None = b"CASE-1") -> str:
        found = classify(LogRecord(0, 0, key, value))
        return found.reason if isinstance(found, Bad) else type(found).__name__

    good = log([opened(MONDAY, "A")])[0].value or b""
    assert reason(good) == "Event"
    assert reason(b"{") == "not_json"
    assert reason(b"[]") == "invalid"
    assert reason(good, None) == "no_key"
    assert reason(good, b"CASE-2") == "key_mismatch"
    assert reason(good.replace(b"case.opened", b"case.opend")) == "unknown_type"
    assert reason(good.replace(b"case.opened", b"order.placed")) == Skipped.__name__
    assert reason(good.replace(b"+01:00", b"")) == "bad_time"
    assert reason(good.replace(b'"DE"', b'"XX"')) == "invalid"
    assert reason(None) == Erasure.__name__
