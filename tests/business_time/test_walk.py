"""`calendar compute` against someone who walks through time: the same answers, to the microsecond and the offset."""

from __future__ import annotations

import random

import pytest

from sla_monitor.core import calendar
from tests.business_time.comparison import Comparison, compare
from tests.business_time.questions import ODD

SEED = 6


def test_two_thousand_questions_are_answered_as_a_walk_through_the_minutes_answers_them() -> None:
    """Overnight shifts, overlapping intervals, breaks, dates of their own, holidays, in zones whose clocks are odd."""
    comparison = Comparison()
    compare(random.Random(SEED), 2_000, 60, comparison)
    assert comparison.differences == []
    assert comparison.asked.total() == 2_000
    assert min(comparison.asked[op] for op in ("add", "subtract", "between", "periods")) > 200
    assert len(comparison.zones & ODD.keys()) > 25


def test_a_walk_by_the_second_sees_local_mean_times_too() -> None:
    """Until 1937 Amsterdam, until 1916 Dublin had offsets with odd seconds."""
    comparison = Comparison()
    compare(random.Random(SEED), 30, 1, comparison)
    assert comparison.differences == []
    assert comparison.asked.total() == 30
    assert comparison.zones >= {"Europe/Dublin", "Europe/Amsterdam"}


def test_the_walk_finds_a_wrong_calendar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the breaks of a day left out, it would be seen: the comparison can fail."""
    monkeypatch.setattr(calendar, "without", lambda intervals, _: intervals)
    comparison = Comparison()
    compare(random.Random(SEED), 100, 60, comparison)
    assert comparison.differences
