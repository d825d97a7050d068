"""The breaker: a flood of bad input stops a partition, a trickle never does."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_monitor.engine.breaker import WINDOW_BYTES, WINDOW_RECORDS, Breaker


def noted(breaker: Breaker, *, dead: int = 0, good: int = 0) -> Breaker:
    for _ in range(good):
        breaker.note(dead=False)
    for _ in range(dead):
        breaker.note(dead=True)
    return breaker


def test_half_of_the_window_is_allowed_and_one_more_is_not() -> None:
    """The default: more than 500 dead letters among the last 1,000 records."""
    breaker = noted(Breaker(0.5), good=500, dead=500)
    assert not breaker.tripped
    assert noted(breaker, dead=1).tripped


def test_the_first_bad_record_of_an_empty_topic_is_no_flood() -> None:
    """What has not been seen counts as good: a new deployment does not stop at its first mistake."""
    assert not noted(Breaker(0.5), dead=500).tripped
    assert noted(Breaker(0.5), dead=501).tripped


def test_what_left_the_window_no_longer_counts() -> None:
    """A flood long ago, let go one at a time."""
    breaker = noted(Breaker(0.5), dead=500)
    noted(breaker, good=999)
    noted(breaker, dead=1)
    assert not breaker.tripped
    assert breaker.window()[0].count(0) >= WINDOW_BYTES - 1


@pytest.mark.parametrize(("ratio", "allowed"), [(0.0, 0), (0.001, 1), (1.0, 1_000)])
def test_the_ratio_is_a_setting(ratio: float, allowed: int) -> None:
    """Zero stops at the first dead letter, one never stops."""
    breaker = noted(Breaker(ratio), dead=allowed)
    assert not breaker.tripped
    assert noted(breaker, dead=1).tripped == (allowed < WINDOW_RECORDS)


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 60), st.integers(0, 2_500))
def test_a_kept_window_goes_on_as_if_nothing_had_happened(outcomes: list[bool], cut: int, before: int) -> None:
    """Law: the bits and the place in 125 bytes are all there is; the window is that of a plain queue."""
    breaker, plain = Breaker(0.01), deque([False] * WINDOW_RECORDS, maxlen=WINDOW_RECORDS)
    noted(breaker, good=before)
    for number, dead in enumerate(outcomes):
        if number == cut:
            bits, place = breaker.window()
            assert len(bits) == WINDOW_BYTES
            assert 0 <= place < WINDOW_RECORDS
            breaker = Breaker(0.01, bits, place)
        breaker.note(dead=dead)
        plain.append(dead)
        assert breaker.tripped == (sum(plain) > 10)
