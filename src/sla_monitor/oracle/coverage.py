"""One idea: whether a case is served, and how far: first who asks, then what for; in each list the first match wins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sla_monitor.oracle.plan import Plan, Rule, Terms


class Service(NamedTuple):
    clocks: frozenset[str]  # that run; none: the case is declined
    promised: bool = True
    declined: tuple[str, str] | None = None  # type of the notice, rule
    limits: tuple[Rule, ...] = ()
    advice: str = ""


def service(plan: Plan, terms: Terms, own: Mapping[str, float]) -> Service:
    every = frozenset(plan.clocks)
    asked = plan.first(plan.pack.get("eligibility") or [], terms)
    if asked and asked["outcome"] == "declined":
        return Service(frozenset(), declined=("eligibility.declined", asked["rule"]), advice=asked["advice"])
    found = plan.first(plan.pack.get("coverage") or [], terms)
    if found is None:
        return Service(every)
    running = every & frozenset(own) if found["outcome"] == "own_targets" else every
    if found["outcome"] == "declined" or not running:
        return Service(frozenset(), declined=("coverage.declined", found["rule"]), advice=found["advice"])
    limits = (found,) if found["outcome"] == "limited" else ()
    return Service(running, bool(found.get("promised", True)), limits=limits)
