"""A command that acts on a partition's state decides by the same rules as its worker."""

from __future__ import annotations

from dataclasses import fields

from sla_monitor.config.packs import load_packs
from sla_monitor.config.settings import Settings
from sla_monitor.core.decide import Bounds
from sla_monitor.core.facts import DAY, SECOND
from sla_monitor.engine.layout import Layout, partition_of
from sla_monitor.engine.partition import Rules
from sla_monitor.engine.rules import rules_of

PACKS = load_packs(None)


def test_every_setting_that_decides_reaches_the_rules() -> None:
    """None is left at its default; a new rule must be thought of here too."""
    settings = Settings(
        topic_prefix="ours.",
        correction_horizon_seconds=100,
        retention_days=200,
        future_tolerance_seconds=30,
        orphan_seconds=40,
        breaker_ratio=0.9,
        notices_from="2026-01-01T00:00:00Z",  # a text, as from the environment
        partition_check="strict",
    )
    rules = rules_of(settings, PACKS, Layout(partitions=6, dead_bytes_max=77), lambda: 3)
    assert rules.bounds == Bounds(correction_horizon=100 * SECOND, retention=200 * DAY)
    assert (rules.future_tolerance, rules.orphan_window, rules.breaker_ratio) == (30 * SECOND, 40 * SECOND, 0.9)
    assert (rules.notices_from, rules.topic) == (1_767_225_600 * SECOND, "ours.case-events")
    assert (rules.dead_bytes_max, rules.misplaced_is_dead) == (77, True)
    home = partition_of(b"case-1", 6)
    assert [rules.is_misplaced(b"case-1", number) for number in range(6)] == [number != home for number in range(6)]
    default = Rules(packs=PACKS)
    same = {each.name for each in fields(Rules) if getattr(rules, each.name) == getattr(default, each.name)}
    assert rules.partitions() == 3
    assert same == {"packs", "live_within", "decode"}  # how a record is read and when one is late are no settings
