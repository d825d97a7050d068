"""One idea: how much engineers have worked on a case, and when that reaches a share of what it gets."""

from __future__ import annotations

from dataclasses import dataclass, field

from sla_monitor.oracle.plan import Plan, Rule, Terms, duration


@dataclass
class Work:
    """Spans that are over, those that go on, minutes that were logged: worked is their sum (microseconds)."""

    over: list[tuple[int, int]] = field(default_factory=list)
    begun: dict[str, int] = field(default_factory=dict)  # engineer -> since
    logged: int = 0
    said: set[tuple[str, int]] = field(default_factory=set)  # rule and level, each once

    def worked(self, at: int) -> int:
        return (
            sum(end - start for start, end in self.over)
            + sum(at - since for since in self.begun.values())
            + self.logged
        )

    def start(self, engineer: str, at: int) -> None:
        self.begun.setdefault(engineer, at)

    def stop(self, engineer: str, at: int) -> None:
        if engineer in self.begun:
            self.over.append((self.begun.pop(engineer), at))


def limit_of(plan: Plan, terms: Terms) -> Rule | None:
    rule = plan.first((plan.pack.get("effort") or {}).get("limits") or [], terms)
    return None if rule is None or rule["limit"] == "none" else rule


def unsaid(rule: Rule, work: Work) -> list[tuple[int, int]]:
    """Levels still to be told, with the engineer time of each."""
    length = duration(rule["limit"])
    levels = [*(rule.get("warnings") or []), 100]
    return [(level, length * level // 100) for level in levels if (rule["rule"], level) not in work.said]


def due(rule: Rule | None, work: Work, last: int) -> int | None:
    """When those at work since `last` reach the next level: the first microsecond at which worked >= level."""
    if rule is None or not work.begun or not unsaid(rule, work):
        return None
    missing = unsaid(rule, work)[0][1] - work.worked(last)
    at = last + max(0, missing) // len(work.begun)
    return at if work.worked(at) >= unsaid(rule, work)[0][1] else at + 1
