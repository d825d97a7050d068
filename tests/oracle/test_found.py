"""What the oracle once found: each is an example now, held by both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from shutil import copy

import pytest

from sla_monitor.config.packs import load_packs
from sla_monitor.core.policy import Packs
from sla_monitor.oracle import Plans
from sla_monitor.oracle.events import instant
from tests.oracle.cases import event, opened
from tests.oracle.differential import NIGHT, compared, product
from tests.oracle.lives import CloudEvent

OPENED_AT = "2026-03-02T08:00:00Z"
UNTIL = instant("2026-03-03T00:00:00Z")


def test_events_without_a_sequence_come_first() -> None:
    """Also before one whose sequence is negative."""
    at = "2026-03-02T08:10:00Z"
    numbered = event("severity_changed", at, "one", severity="B") | {"sequence": -3}
    assert not compared([opened(OPENED_AT, "A"), numbered, event("severity_changed", at, "two", severity="C")], UNTIL)


def test_a_withdrawn_opening_leaves_its_duplicate() -> None:
    """Whichever of the two comes first, the withdrawal or the second opening."""
    twin = opened(OPENED_AT, "A") | {"id": "twin"}
    withdrawal = event("fact_withdrawn", "2026-03-02T08:10:00Z", "w", source="/crm", id="opening")
    assert not compared([opened(OPENED_AT, "A"), withdrawal, twin], UNTIL)
    assert not compared([opened(OPENED_AT, "A"), twin | {"arrivedat": OPENED_AT}, withdrawal], UNTIL)


def test_a_second_opening_changes_no_notice() -> None:
    """Not even their ids: the first one stays the opening, whatever the second one is called."""
    for name in ("a twin", "twin"):
        twin = opened(OPENED_AT, "A") | {"id": name, "sequence": -5}
        assert not compared([opened(OPENED_AT, "A"), twin, twin], UNTIL)


@pytest.mark.parametrize("microseconds", [0.3, 0.5, 0.6, 1, 1.5])
def test_a_duration_of_less_than_a_microsecond_is_none(microseconds: float) -> None:
    """Of a target and of engineer time: an event that says so cannot be used."""
    seconds = microseconds / 1_000_000
    assert not compared([opened(OPENED_AT, "A", targets={"initial_response": seconds})], UNTIL)
    logged = event("effort_logged", "2026-03-02T08:10:00Z", minutes=seconds / 60)
    assert not compared([opened(OPENED_AT, "A", traits=["performance_isolated"]), logged], UNTIL)


def loaded(folder: Path, *texts: str) -> tuple[Packs, Plans]:
    """Versions of the night desk's plan, or what was made of it."""
    copy(NIGHT.with_name("night.ics"), folder)
    for number, text in enumerate(texts):
        (folder / f"{number}.yaml").write_text(text, "utf-8")
    return load_packs(folder), Plans.load(sorted(folder.glob("*.yaml")))


def test_a_silence_that_a_decline_ends_is_told_by_what_it_was_counted_by(tmp_path: Path) -> None:
    """A case of sales is served at A alone: the wait ends with the change, and nobody waited by the limit of B."""
    lines = [
        opened(OPENED_AT, "A", product="sales"),
        event("waiting_on_customer", "2026-03-02T08:10:00Z"),
        event("severity_changed", "2026-03-02T08:20:00Z", severity="B"),
    ]
    packs, plans = loaded(tmp_path, NIGHT.read_text("utf-8").replace("switched_off:", "# not"))
    assert not compared(lines, UNTIL, packs=packs, plans=plans)


# --- another version takes the case over ----------------------------------------------------------------------------


def under(folder: Path, at: str, mode: str, changes: Mapping[str, str], *cases: list[CloudEvent]) -> list[str]:
    """What differs of cases of the night desk that another version, which says so much otherwise, takes over. Each text
    stands in the pack just once.
    """
    old = NIGHT.read_text("utf-8")
    new = old.replace('version: "1"', f'version: "2"\nopen_cases: {mode}').replace("2000-01-01T00:00:00Z", at)
    for text, becomes in changes.items():
        assert new.count(text) == 1, text
        new = new.replace(text, becomes)
    packs, plans = loaded(folder, old, new)
    found = []
    for lines in cases:
        known = product(lines, UNTIL, packs=packs).published
        found += compared(lines, UNTIL, known, packs=packs, plans=plans)
    return found


@pytest.mark.parametrize("mode", ["from_change", "keep_elapsed"])
@pytest.mark.parametrize("hours", ["[01:30-12:00, 22:00-24:00]", "[01:30-06:15, 22:00-24:00]"])
def test_a_version_with_other_hours_under_the_same_name(tmp_path: Path, mode: str, hours: str) -> None:
    """A rule of hours keeps its id while it says something else, or says the same as before."""
    lines = [opened("2026-03-02T00:40:00Z", "B")]
    assert not under(tmp_path, "2026-03-02T04:00:00Z", mode, {"[01:30-06:15, 22:00-24:00]": hours}, lines)


@pytest.mark.parametrize("mode", ["from_start", "from_change", "keep_elapsed"])
def test_a_version_that_leaves_nothing_to_a_paused_clock(tmp_path: Path, mode: str) -> None:
    """Paused with three hours used, then one is promised; in the pause or after it the case goes on, or ends."""
    cases = [
        [
            opened(OPENED_AT, "A", plan="unified"),
            event("waiting_on_customer", "2026-03-02T11:00:00Z"),
            event(end, "2026-03-02T14:00:00Z"),
            event("resolved", "2026-03-02T15:00:00Z", "last"),
        ]
        for end in ("responded", "customer_responded", "resolved", "cancelled")
    ]
    target = {"when: {severity: [A, B]}, target: 20h": "when: {severity: [A, B]}, target: 1h"}
    assert not under(tmp_path, "2026-03-02T12:00:00Z", mode, target, *cases)
