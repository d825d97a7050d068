"""The line that `scripts/bench --json` ends with: one figure for each promise, from what was measured."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Results = Mapping[str, Any]  # by part, as benchmarks/results.json has them


def rates(results: Results, name: str) -> list[float]:
    """Events a second of a contender, one a round; none if it did not take part."""
    return [one["events_per_second"] for one in results.get("race", {}).get("rounds", {}).get(name, [])]


def against(results: Results, theirs: str, ours: str = "ours") -> list[float]:
    """Ours over theirs, round by round: above 1 we are faster."""
    pairs = zip(rates(results, ours), rates(results, theirs), strict=False)
    return [one / other for one, other in pairs]


def middle(found: Sequence[float], digits: int = 2) -> float | None:
    return round(statistics.median(found), digits) if found else None


def slowest_add(results: Results) -> float | None:
    """Microseconds of our `add` at the budget where it takes longer."""
    return max((each["ours"]["microseconds"] for each in _budgets(results)), default=None)


def least_ratio(results: Results, library: str) -> float | None:
    """How many times as long theirs takes, at the budget where that is least."""
    ratios = [each[library]["microseconds"] / each["ours"]["microseconds"] for each in _budgets(results)]
    return round(min(ratios), 2) if ratios else None


def _budgets(results: Results) -> list[Any]:
    return list(results.get("arithmetic", {}).get("budgets", {}).values())


def _scale(results: Results, *path: str) -> Any:
    found: Any = results.get("scale", {})
    for name in path:
        found = found.get(name, {}) if isinstance(found, dict) else {}
    return found if isinstance(found, (int, float)) else None


def _failover(results: Results) -> float | None:
    """The longest: that is what is promised."""
    return max(results.get("failover", {}).get("seconds", []), default=None)


FIELDS: Mapping[str, Callable[[Results], float | None]] = {
    "events_per_second": lambda found: middle(rates(found, "ours"), 0),
    "vs_faust_table": lambda found: middle(against(found, "faust_table")),
    "vs_quix": lambda found: middle(against(found, "quix_count")),
    "vs_kafka_streams": lambda found: middle(against(found, "streams_exactly_once_v2"), 3),
    "vs_limit": lambda found: middle(against(found, "limit"), 3),
    "add_microseconds": slowest_add,
    "vs_workclock": lambda found: least_ratio(found, "workclock"),
    "vs_businesstimedelta": lambda found: least_ratio(found, "businesstimedelta"),
    "bytes_per_open_case": lambda found: _scale(found, "bytes_per_open_case"),
    "restore_cases_per_second": lambda found: _scale(found, "restore_cases_per_second"),
    "timer_lateness_p99_seconds": lambda found: _scale(found, "lateness", "p99"),
    "failover_seconds": _failover,
}


def line(results: Results) -> dict[str, float | None]:
    """None where it was not measured."""
    return {name: found(results) for name, found in FIELDS.items()}
