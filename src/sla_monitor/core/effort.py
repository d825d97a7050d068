"""Engineer time on a case: what was worked, and when it reaches a share of its limit.

Effort is time worked, not time passed: engineers at work at once add up, and so do minutes that are logged. It counts
round the clock. A level is reached when worked >= level, also at the very instant at which work stops.
"""

from __future__ import annotations

from dataclasses import replace

from sla_monitor.core.policy import EffortRule
from sla_monitor.core.values import value

WHOLE = 100  # percent: the limit itself


@value(frozen=True, slots=True, kw_only=True)
class Effort:
    """`worked`: engineer time up to `counted_at`, microseconds. `said`: levels that were told, with their rule."""

    worked: int = 0
    counted_at: int = 0
    engineers: tuple[str, ...] = ()  # at work, sorted
    said: tuple[tuple[str, int], ...] = ()

    def worked_until(self, now: int) -> int:
        return self.worked + len(self.engineers) * (now - self.counted_at)


def amount(limit: EffortRule, level: int) -> int:
    """Engineer time of a level."""
    return limit.limit * level // WHOLE


def next_level(effort: Effort, limit: EffortRule) -> int | None:
    """The lowest level that was not told yet."""
    return next((level for level in (*limit.warnings, WHOLE) if (limit.rule, level) not in effort.said), None)


def next_at(effort: Effort, limit: EffortRule | None) -> int | None:
    """When work under way reaches the next level; None while nobody works, or nothing is left to tell."""
    if limit is None or not effort.engineers:
        return None
    level = next_level(effort, limit)
    if level is None:
        return None
    missing = max(0, amount(limit, level) - effort.worked)
    return effort.counted_at - (-missing // len(effort.engineers))  # rounded up: reached, not nearly


def counted(effort: Effort, now: int) -> Effort:
    return replace(effort, worked=effort.worked_until(now), counted_at=now)


def started(effort: Effort, engineer: str, now: int) -> Effort:
    return replace(counted(effort, now), engineers=tuple(sorted({*effort.engineers, engineer})))


def stopped(effort: Effort, engineer: str, now: int) -> Effort:
    return replace(counted(effort, now), engineers=tuple(each for each in effort.engineers if each != engineer))


def logged(effort: Effort, more: int, now: int) -> Effort:
    counting = counted(effort, now)
    return replace(counting, worked=counting.worked + more)


def told(effort: Effort, limit: EffortRule, level: int) -> Effort:
    return replace(effort, said=(*effort.said, (limit.rule, level)))
