"""One idea: how a customer's commitment stands: since when support waits, and how many attempts reached nobody."""

from __future__ import annotations

from dataclasses import dataclass, field

from sla_monitor.oracle.hours import Hours
from sla_monitor.oracle.plan import Plan, Rule, Terms, duration

Evidence = dict[str, str]  # a case event: its source and id


@dataclass
class Silence:
    since: int
    event: Evidence
    used: bool = False  # broken once: it cannot be broken again
    changed_at: int = 0  # a new limit was not known before


@dataclass
class Run:
    """Attempts in a row that reached nobody."""

    since: int = 0
    events: list[Evidence] = field(default_factory=list)
    used: bool = False


@dataclass(frozen=True)
class Recommended:
    """A recommendation that waits for an answer; rule and since are what its id names."""

    rule: str
    since: int
    to: str


@dataclass(frozen=True)
class Limit:
    rule: str
    length: int  # microseconds of open time
    hours: Hours


def limit_of(plan: Plan, terms: Terms) -> Limit:
    rule = plan.first(plan.pack["commitment"]["silences"], terms)
    if rule is None:
        raise ValueError("no silence matches")
    one_day = plan.calendar(terms).one_day  # of the calendar also where the case is served round the clock
    return Limit(rule["rule"], one_day if rule["limit"] == "one_day" else duration(rule["limit"]), plan.hours(terms))


def downgrade_of(plan: Plan, terms: Terms) -> Rule | None:
    return plan.first(plan.pack["commitment"].get("downgrades") or [], terms)


def due(plan: Plan, terms: Terms, silence: Silence) -> int | None:
    """When the silence breaks the commitment; None where nothing would follow, or has followed already."""
    if silence.used or downgrade_of(plan, terms) is None:
        return None
    limit = limit_of(plan, terms)
    return max(limit.hours.add(silence.since, limit.length), silence.changed_at)
