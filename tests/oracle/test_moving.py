"""The worker and the oracle say the same about lives in which another version takes the open cases over."""

from __future__ import annotations

import pytest

from tests.oracle.moving import differences

SEEDS = 400
TOGETHER = 100

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("first", range(0, SEEDS, TOGETHER))
def test_what_is_open_moves_as_the_oracle_says(first: int) -> None:
    found = {seed: lines for seed in range(first, first + TOGETHER) if (lines := differences(seed))}
    assert not found, found
