"""What the last line of `scripts/bench --json` says follows from what was measured."""

from __future__ import annotations

from benchmarks import figures
from benchmarks.race import Sample, measured

FIELDS = [
    "events_per_second",
    "vs_faust_table",
    "vs_quix",
    "vs_kafka_streams",
    "vs_limit",
    "add_microseconds",
    "vs_workclock",
    "vs_businesstimedelta",
    "bytes_per_open_case",
    "restore_cases_per_second",
    "timer_lateness_p99_seconds",
    "failover_seconds",
]


def rounds(*rates: float) -> list[dict[str, float]]:
    return [{"events_per_second": rate} for rate in rates]


def test_what_was_not_measured_is_null() -> None:
    """Every field is there all the same, in the order in which it is promised."""
    assert figures.line({}) == dict.fromkeys(FIELDS)
    assert list(figures.line({})) == FIELDS


def test_a_ratio_is_of_the_same_round_and_the_middle_of_them_is_told() -> None:
    """A machine that is slow for a while is slow for both: 10 / 2, 20 / 5 and 30 / 5 have the middle 5."""
    race = {"ours": rounds(10, 20, 30), "faust_table": rounds(2, 5, 5)}
    line = figures.line({"race": {"rounds": race}})
    assert line["events_per_second"] == 20
    assert line["vs_faust_table"] == 5
    assert line["vs_quix"] is None


def test_arithmetic_is_judged_by_the_budget_that_flatters_least() -> None:
    """The longer of our times, the smaller of the ratios."""
    budgets = {
        "4": {"ours": {"microseconds": 1.0}, "workclock": {"microseconds": 6.0}},
        "40": {"ours": {"microseconds": 2.0}, "workclock": {"microseconds": 8.0}},
    }
    found = {"arithmetic": {"budgets": budgets}}
    assert figures.slowest_add(found) == 2.0
    assert figures.least_ratio(found, "workclock") == 4.0


def test_the_longest_failover_counts() -> None:
    """The promise is a limit, not a middle."""
    assert figures.line({"failover": {"seconds": [6.1, 8.4, 7.0]}})["failover_seconds"] == 8.4


def test_a_turn_is_timed_between_two_commits() -> None:
    """What was committed before the clock started is not counted, nor the time after the last commit."""
    seen = [(10.0, 100, 1.0), (11.0, 100, 1.5), (12.0, 1_100, 3.0), (15.0, 1_100, 3.0)]
    samples = [
        Sample(at=at, committed=committed, spent=spent, broker_spent=spent / 2, resident=7)
        for at, committed, spent in seen
    ]
    found = measured(samples)
    assert (found.events, found.seconds, found.events_per_second) == (1_000, 2.0, 500.0)
    assert (found.processor, found.broker_processor) == (2_000.0, 1_000.0)
