"""What the oracle once found: each is an example now, held by both."""

from __future__ import annotations

from sla_monitor.oracle.events import instant
from tests.oracle.cases import event, opened
from tests.oracle.differential import compared

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
