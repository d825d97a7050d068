"""Shares of promises that are to be kept: those that are never asked for, and those that nobody would be told of."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from sla_monitor.config.check.findings import NEVER_TOLD, UNREACHABLE, Finding
from sla_monitor.config.check.sources import Source
from sla_monitor.core.attainment import WINDOWS
from sla_monitor.core.facts import HOUR

Combination = tuple[str, str, str]


def check_attainment(source: Source) -> Iterator[Finding]:
    taken: set[Combination] = set()
    for position, each in enumerate(source.policy.attainment):
        where = ("attainment", position)
        matched = set(product(each.clocks, each.severities, each.plans))
        if matched <= taken:
            yield source.finding(UNREACHABLE, where, "earlier entries match every promise that it matches")
        taken |= matched
        silent = [f"{window.long // HOUR} h" for window in WINDOWS if window.broken_ratio(each.ratio) >= 1]
        if silent:
            text = f"so much may go wrong that no alert can tell of it within {' or '.join(silent)}"
            yield source.finding(NEVER_TOLD, where, text)
