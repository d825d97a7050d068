"""Wherever a worker dies, the next one says what was owed, once.

`SLA_CHAOS=full`: at every point under every trigger; else each point once. `SLA_CHAOS_POINT=commit.`: only those.
"""

from __future__ import annotations

import os

import pytest

from tests.chaos import matrix
from tests.kafka.broker import Broker


@pytest.mark.timeout(1_200)
async def test_a_crash_between_any_two_steps_costs_nothing(broker: Broker) -> None:
    """It really died there, by SIGKILL, and nothing is missing, wrong, repeated or twice among the dead letters."""
    cells = matrix.full() if os.environ.get("SLA_CHAOS") == "full" else matrix.short()
    if chosen := os.environ.get("SLA_CHAOS_POINT"):
        cells = [each for each in matrix.full() if each.point.startswith(chosen)]
    outcomes = await matrix.run(broker.bootstrap, cells)
    print(matrix.table(outcomes))
    wrong = [f"{each.cell.point} x {each.cell.trigger}: {each.problems}" for each in outcomes if each.problems]
    assert not wrong, "\n\n".join(wrong)
