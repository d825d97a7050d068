"""The worker and the oracle say the same about made-up lives of cases."""

from __future__ import annotations

import pytest

from tests.oracle.differential import differences

SEEDS = 1_000
TOGETHER = 100

pytestmark = pytest.mark.timeout(300)  # a hundred lives at a time, also on a busy machine


@pytest.mark.parametrize("first", range(0, SEEDS, TOGETHER))
def test_the_worker_says_what_the_oracle_says(first: int) -> None:
    found = {seed: differences(seed) for seed in range(first, first + TOGETHER)}
    told = [
        f"python -m tests.oracle.differential --seed {seed}\n    " + "\n    ".join(lines)
        for seed, lines in found.items()
        if lines
    ]
    assert not told, "\n".join(told)
