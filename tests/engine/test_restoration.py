"""What a partition of another input begins with."""

from __future__ import annotations

from sla_monitor.engine.restoration import as_beginning, moved_apart
from sla_monitor.wire.rows import PARTITION_KEY, encode_partition
from tests.engine.feeding import Fed, clock, rules
from tests.engine.test_reload import FIRST, MOVED, MOVING, OLD, packs


def test_a_move_that_was_known_is_still_to_come() -> None:
    """The rows of its cases do not say so: another number of partitions must not forget it."""
    fed = Fed(rules(packs=OLD))
    fed.open("one", clock(0, 30))
    fed.rules = rules(packs=packs(FIRST, MOVING))
    fed.partition.use(fed.rules)
    begun = as_beginning([fed.partition.row, Fed(rules(packs=OLD)).partition.row])
    again = Fed(fed.rules, fed.state | {PARTITION_KEY: encode_partition(begun)})
    assert again.partition.missed == frozenset()
    assert again.wait(clock(1)) == [MOVED]


def test_cases_that_a_version_took_over_do_not_come_together_with_those_that_it_missed() -> None:
    """A partition knows of all its cases alike whether a version was there in time. One without it that has come to no
    instant of it is no hindrance: its cases still move.
    """
    both = packs(FIRST, MOVING)
    took, missed, idle = Fed(rules(packs=both)), Fed(rules(packs=OLD)), Fed(rules(packs=OLD))
    for fed in (took, missed, idle):
        fed.open("one", clock(0, 30))
    took.wait(clock(1, 10))
    missed.wait(clock(1, 10))
    rows = {number: fed.partition.row for number, fed in enumerate((took, missed, idle))}
    [problem] = moved_apart(both, rows)
    assert "partitions 1 came to its effective_from without it, and 0 did not" in problem
    assert moved_apart(both, {0: rows[0], 2: rows[2]}) == []
    assert moved_apart(both, {1: rows[1], 2: rows[2]}) == []


def test_what_facts_were_ahead_of_stays_too_late() -> None:
    """A version between the watermark and the latest fact is none that was known in time, there as here."""
    fed = Fed(rules(packs=OLD))
    fed.open("ahead", clock(1, 30))
    begun = as_beginning([Fed(rules(packs=OLD)).partition.row, fed.partition.row])
    again = Fed(rules(packs=packs(FIRST, MOVING)), fed.state | {PARTITION_KEY: encode_partition(begun)})
    assert again.partition.missed == {MOVING.key}
