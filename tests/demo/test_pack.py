"""The plan of the demo: the built-in one, faster."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sla_monitor.config.packs import load_packs
from sla_monitor.core.facts import HOUR, SECOND
from tests.demo.told import packs_in


def test_every_duration_is_divided_and_nothing_else_changes(tmp_path: Path) -> None:
    """Rules, levels, calendars and texts are those of the plan, so that what is seen is true of it."""
    [fast], [real] = packs_in(tmp_path, 600).versions, load_packs().versions
    for quick, slow in zip(fast.clocks, real.clocks, strict=True):
        assert [each.target * 600 for each in quick.targets] == [each.target for each in slow.targets]
        assert replace(quick, targets=slow.targets) == slow
    for limit, slow_limit in zip(fast.commitment.silences, real.commitment.silences, strict=True):
        assert (limit.limit or 0) * 600 == (slow_limit.limit or 8 * HOUR)
    assert (fast.clauses, fast.severities, fast.plans) == (real.clauses, real.severities, real.plans)
    assert fast.name == "vendor-support-x600"


@pytest.mark.parametrize("speed", [1, 7.5, 3_600])
def test_any_speed_makes_a_valid_pack(tmp_path: Path, speed: float) -> None:
    """In whole seconds, and never nothing."""
    [policy] = packs_in(tmp_path, speed).versions
    [first, *_] = [each for clock in policy.clocks for each in clock.targets if each.rule == "SP-A"]
    assert first.target == max(1, round(3_600 / speed)) * SECOND
