"""How much may go wrong, and how soon it is told: windows and burn rates of the share of promises that is to be kept.

A target of 99 percent leaves a budget of 1 percent of the promises that come to a verdict in thirty days. A burn rate
of 1 uses it up in just these thirty days. Each window tells that a part of the whole budget is gone within it; the
short one beside it, that it is still going on, so that an alert ends soon after its cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sla_monitor.core.facts import DAY, HOUR, MINUTE

PERIOD: Final = 30 * DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """`budget_percent` of the period's budget is gone within `long`. `pages`: somebody is woken, else it can wait."""

    budget_percent: int
    long: int
    short: int
    pages: bool

    @property
    def burn_rate(self) -> float:
        return self.budget_percent * PERIOD / self.long / 100

    def broken_ratio(self, target: float) -> float:
        """The share of broken promises from which on it tells; from 1 on it never can."""
        return round(self.burn_rate * (1 - target), 6)


WINDOWS: Final = (
    Window(budget_percent=2, long=HOUR, short=5 * MINUTE, pages=True),
    Window(budget_percent=5, long=6 * HOUR, short=30 * MINUTE, pages=True),
    Window(budget_percent=10, long=DAY, short=2 * HOUR, pages=False),
    Window(budget_percent=10, long=3 * DAY, short=6 * HOUR, pages=False),
)
