"""Where the worker does something else than the texts say. Each goes when the worker, or the text, is changed."""

from __future__ import annotations

import pytest

from sla_monitor.oracle.events import instant
from tests.oracle.cases import event, opened
from tests.oracle.differential import compared

OPENED_AT = "2026-03-02T08:00:00Z"
UNTIL = instant("2026-03-03T00:00:00Z")


@pytest.mark.xfail(reason="semantics.md: those without a sequence first; a negative one comes before them", strict=True)
def test_events_without_a_sequence_come_first() -> None:
    at = "2026-03-02T08:10:00Z"
    numbered = event("severity_changed", at, "one", severity="B") | {"sequence": -3}
    assert not compared([opened(OPENED_AT, "A"), numbered, event("severity_changed", at, "two", severity="C")], UNTIL)


@pytest.mark.xfail(reason="promise (a): a second opening is forgotten if it comes before the withdrawal", strict=True)
def test_a_withdrawn_opening_leaves_its_duplicate() -> None:
    twin = opened(OPENED_AT, "A") | {"id": "twin"}
    withdrawal = event("fact_withdrawn", "2026-03-02T08:10:00Z", "w", source="/crm", id="opening")
    assert not compared([opened(OPENED_AT, "A"), withdrawal, twin], UNTIL)  # this order is right
    assert not compared([opened(OPENED_AT, "A"), twin | {"arrivedat": OPENED_AT}, withdrawal], UNTIL)
