"""The demo's stories: the same for one seed, of every kind, and soon telling all there is to tell."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from itertools import islice, pairwise
from pathlib import Path

import pytest

from sla_monitor.config.packs import load_packs
from sla_monitor.core.facts import DAY, HOUR, MINUTE, SECOND
from sla_monitor.core.times import iso
from sla_monitor.demo import plots, repertoire, service_plots, spoilt
from sla_monitor.demo.customers import CUSTOMERS
from sla_monitor.demo.stories import Run, stories, tellings
from sla_monitor.errors import BadEvent
from sla_monitor.wire import rfc3339
from sla_monitor.wire.inbound import CaseEvent, decode
from tests.demo.told import MONDAY_NOON, Heard, a_run, packs_in, records

STARTS = {  # any hour of any day, and the days on which business hours stop
    "Monday noon": MONDAY_NOON,
    "Sunday night": rfc3339.parse("2026-03-29T00:59:50Z"),
    "New Year": rfc3339.parse("2026-12-31T23:59:55Z"),
    "a summer evening": rfc3339.parse("2026-07-17T19:30:00Z"),
}
SHOWN = {
    "sla.clock.started",
    "sla.warning",
    "sla.met",
    "sla.breached",
    "severity.downgrade_recommended",
    "sla.retracted",
}
ALL_SHOWN = SHOWN | {  # each rule of the plan that is not about a running clock
    *("coverage.declined", "eligibility.declined", "coverage.limited", "contact.outside_hours", "contact.unverified"),
    *("effort.warning", "effort.exhausted", "script.declined", "script.accepted", "reopen.accepted", "reopen.declined"),
}
ALL_SHOWN_WITHIN_SECONDS = 45.0
SHOWN_WITHIN_SECONDS = 16.0  # of the first customer; the start of everything takes about eleven
IDS = re.compile(rb"[0-9a-f]{8}-[0-9a-f-]{27}")
TIMES = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z?")


def content(run: Run, count: int) -> list[tuple[int, bytes | None, bytes | None]]:
    return [(each.at, each.key, each.value) for each in islice(tellings(stories(run)), count)]


# --- the same, each time --------------------------------------------------------------------------------------------


def test_the_same_seed_tells_the_same_stories() -> None:
    """Byte for byte, ids and times of sending too; another seed tells others."""
    assert content(a_run(7), 400) == content(a_run(7), 400)
    assert content(a_run(7), 400) != content(a_run(8), 400)


def test_stories_do_not_depend_on_the_process() -> None:
    """Nothing comes from the order of a set, which is another in each process."""
    program = (
        "import hashlib, itertools; from sla_monitor.demo.stories import *;"
        f"run = Run(seed=7, started_at={MONDAY_NOON}, speed=600.0, cases_a_minute=40.0);"
        "told = [(t.at, t.key, t.value) for t in itertools.islice(tellings(stories(run)), 400)];"
        "print(hashlib.sha256(repr(told).encode()).hexdigest())"
    )
    environment = os.environ | {"PYTHONHASHSEED": "12345", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == hashlib.sha256(repr(content(a_run(7), 400)).encode()).hexdigest()


def test_another_start_shifts_the_times_and_nothing_else() -> None:
    """But the ids of recommendations that answers name: they follow from those times."""
    shift = 3 * DAY + 5 * HOUR + 17

    def shifted(value: bytes | None) -> bytes | None:
        return value and TIMES.sub(lambda found: moved(found[0].decode()), value)

    def moved(time: str) -> bytes:
        later = iso(rfc3339.parse(time.removesuffix("Z") + "Z") + shift)
        return (later if time.endswith("Z") else later.removesuffix("Z")).encode()

    def same(value: bytes | None) -> bytes | None:
        return value and IDS.sub(b"id", value)

    # A record that is cut off may end within a time, which then is none.
    here = [each for each in content(a_run(), 400) if is_whole(each[2])]
    there = [each for each in content(a_run(started_at=MONDAY_NOON + shift), 400) if is_whole(each[2])]
    assert [(at + shift, key, same(shifted(value))) for at, key, value in here] == [
        (at, key, same(value)) for at, key, value in there
    ]


def is_whole(value: bytes | None) -> bool:
    return value is None or value.endswith(b"}")


def test_runs_in_the_same_topics_share_no_case_and_no_event() -> None:
    """Told again, the stories happen to other cases: nothing is a duplicate or a contradiction of what was."""
    first = {each.case_id for each in islice(stories(a_run()), 50)}
    again = {each.case_id for each in islice(stories(a_run(tag="1f")), 50)}
    assert not first & again
    for telling in records(a_run(tag="1f"), 60):
        assert not (telling.key and b"CASE-1-0" in telling.key)


def test_records_come_in_the_order_they_are_sent() -> None:
    """However many stories overlap; and each waits in memory only while its story is under way."""
    for earlier, later in pairwise(islice(tellings(stories(a_run())), 2_000)):
        assert earlier.at <= later.at


# --- every kind ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_seed_has_every_kind_of_customer_case_and_nuisance(seed: int) -> None:
    """Severities, plans, places, languages, plots; duplicates, records that overtake, and a few that are of no use."""
    told = list(islice(stories(a_run(seed)), 600))
    assert {story.plot for story in told} == {plot.__name__ for plot in repertoire.PLOTS}
    assert {story.customer for story in told} == {customer.name for customer in CUSTOMERS}
    opened, dead, duplicates, overtaken, skipped, total = [], Counter[str](), 0, 0, 0, 0
    for story in told:
        ids = Counter[str]()
        for place, telling in enumerate(story.tellings):
            total += 1
            if telling.value is None:
                continue
            try:
                found = decode(telling.key, telling.value, [])
            except BadEvent as bad:
                dead[bad.reason] += 1
                continue
            if not isinstance(found, CaseEvent):
                skipped += 1
                continue
            event = json.loads(telling.value)
            ids[event["id"]] += 1
            if event["type"] == "case.opened" and ids[event["id"]] == 1:
                opened.append(event["data"])
                overtaken += place > 0
        duplicates += sum(count - 1 for count in ids.values())
    assert len(opened) == len(told)
    assert {each["severity"] for each in opened} == {"A", "B", "C"}
    assert {each["plan"] for each in opened} == {"standard", "professional_direct", "unified"}
    assert len({each["country"] for each in opened}) >= 18
    assert {"en", "de", "ja", "pl", "ar", "nb"} <= {each["language"].partition("-")[0] for each in opened}
    assert {"24x7", None} <= {each.get("access") for each in opened}
    assert all(each["customer"] and each["product"] and each["queue"] for each in opened)
    assert set(dead) == {reason for reason in spoilt.SPOILERS.values() if reason}
    assert 0.005 < dead.total() / total < 0.04
    assert skipped
    assert duplicates > 20
    assert overtaken > 5


def test_names_are_distinct_and_customers_have_each_way_to_be_served() -> None:
    """In English, in a local language, and in one that is offered nowhere."""
    assert len({customer.name for customer in CUSTOMERS}) == len(CUSTOMERS)
    assert {customer.is_served_in_english for customer in CUSTOMERS} == {True, False}
    assert {customer.plan for customer in CUSTOMERS} == {"standard", "professional_direct", "unified"}


def test_the_targets_that_stories_are_told_by_are_those_of_the_plan() -> None:
    """A story of an answer in time must be one, under the built-in pack."""
    [policy] = load_packs().versions
    [clock] = [clock for clock in policy.clocks if clock.name == "initial_response"]
    stated: dict[tuple[object, object], int] = {
        (severity, plan): plots.target_minutes(severity, plan) * MINUTE
        for severity in policy.severities
        for plan in policy.plans
    }
    for rule in clock.targets:
        said = dict(rule.when)
        for severity in said["severity"]:
            for plan in said.get("plan", policy.plans):
                assert stated.pop((severity, plan)) == rule.target
    assert stated == {}
    limits = {rule.rule: rule.limit for rule in policy.commitment.silences}
    for severity, minutes in plots.SILENCE_MINUTES.items():
        assert limits[plots.RULES_OF_SILENCE[severity]] == minutes * MINUTE
    efforts = {rule.limit for rule in policy.effort.limits if rule.limit}
    assert efforts == {service_plots.LIMIT_MINUTES * MINUTE}


# --- what is seen ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("seed", [1, 2, 77])
def test_everything_important_is_seen_soon(seed: int, start: str, tmp_path: Path) -> None:
    """At any time of the day and the week, whatever the seed."""
    heard = Heard(a_run(seed, STARTS[start]), packs_in(tmp_path), 30)
    assert {kind: heard.first.get(kind, 99) for kind in SHOWN if heard.first.get(kind, 99) > SHOWN_WITHIN_SECONDS} == {}
    taken_back = {each["data"]["retracted_type"] for each in heard.notices if each["type"] == "sla.retracted"}
    assert "sla.breached" in taken_back


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("seed", [1, 2, 77])
def test_a_minute_shows_the_whole_plan(seed: int, start: str, tmp_path: Path) -> None:
    """Who may not ask, what is not included, calls at night, engineer time, scripts, cases that come back."""
    heard = Heard(a_run(seed, STARTS[start]), packs_in(tmp_path), ALL_SHOWN_WITHIN_SECONDS)
    assert ALL_SHOWN - set(heard.first) == set()


def test_most_cases_are_usual_ones() -> None:
    """Two of three in the first minute, in which everything is shown, and five of six later."""
    unusual = {plot.__name__ for plot in repertoire.PLOTS if plot.__module__ == service_plots.__name__}
    told = [[story.plot in unusual for story in islice(stories(a_run(seed)), 400)] for seed in range(20)]
    assert sum(sum(each[:40]) for each in told) <= 20 * 40 / 3
    assert sum(sum(each[40:]) for each in told) <= 20 * 360 / 6


def test_in_the_long_run_every_plot_leads_where_it_says(tmp_path: Path) -> None:
    """Downgrades confirmed and restored, moved deadlines, limits by language, erasures; answers name what was said."""
    heard = Heard(a_run(), packs_in(tmp_path), 900)
    assert set(heard.first) >= {
        "severity.downgraded",
        "severity.restored",
        "sla.deadline.moved",
        "sla.overdue",
        "sla.cancelled",
        "coverage.limited",
        "case.forgotten",
    }
    assert set(heard.dead) == {reason for reason in spoilt.SPOILERS.values() if reason}
    recommended = {each["id"] for each in heard.notices if each["type"] == "severity.downgrade_recommended"}
    lowered = [each for each in heard.notices if each["type"] == "severity.downgraded"]
    assert {each["data"]["evidence"]["recommendation"] for each in lowered} <= recommended
    evidence = [each["data"]["evidence"] for each in heard.notices if each["id"] in recommended]
    assert {each["broken_by"] for each in evidence} == {"silence", "attempts", "fact"}


def test_with_own_targets_any_pack_will_do() -> None:
    """Under the built-in plan a critical case breaks its promise after a minute instead of an hour."""
    run = a_run(speed=60.0, own_targets=True)
    heard = Heard(run, load_packs(), 180)
    assert {"sla.breached", "sla.met", "sla.warning", "sla.retracted"} <= set(heard.first)
    breached = [each["data"] for each in heard.notices if each["type"] == "sla.breached"]
    assert {each["target_seconds"] for each in breached if each["severity"] == "A"} == {60}
    assert {each["rule"] for each in breached} == {"SP-UNI"}


def test_what_is_told_late_arrives_when_its_breach_has_been_said() -> None:
    """Long enough after it that a busy machine has said it: a quarter of an hour of the plan is a second and a half."""
    for story in islice(stories(a_run()), 300):
        if story.plot == "told_late":
            answers = [each for each in story.tellings if b'"case.responded"' in (each.value or b"")]
            assert answers
            for each in answers:
                assert each.at - story.begins_at > 8 * SECOND
