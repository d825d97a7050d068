"""How a deadline was counted: target, hours and calendar by the rules that matched, and what the count consumed.

A clock's deadline may have several counts, one for each change that counted anew; a silence has one.
"""

from __future__ import annotations

from typing import Any

from sla_monitor.core import clock as clocks
from sla_monitor.core.calendar import Calendar
from sla_monitor.core.clock import FROM_CHANGE, FROM_START, KEEP_ELAPSED, Measure, Step
from sla_monitor.core.explain.counting import Document, count, place
from sla_monitor.core.explain.seen import Life, Wait
from sla_monitor.core.hours import Interval
from sla_monitor.core.policy import ClockPolicy, Policy, Terms
from sla_monitor.core.profile import LISTS, Profile, When
from sla_monitor.core.times import seconds


def of_life(life: Life) -> list[Document]:
    """Each way the deadline was counted, in order. The measure of each beginning of the clock's history is asked of the
    clock itself.
    """
    clock, steps = life.clock, life.steps
    current = clocks.measure(clock, steps[:1], life.pauses)
    counts = [(steps[0], FROM_START, current)]
    for length, step in enumerate(steps[1:], 2):
        if current.due_at <= step.at:
            break
        before, current = current, clocks.measure(clock, steps[:length], life.pauses)
        if clocks.same_terms(clocks.terms_of(clock, step), before.terms):
            continue
        if step.how == KEEP_ELAPSED:
            counts.append((step, KEEP_ELAPSED, current))
        else:
            counts.append((step, FROM_CHANGE, clocks.measure(clock, (step,), life.pauses)))
    following = [step.at if how == KEEP_ELAPSED else None for step, how, _ in counts[1:]]
    return [_of_step(clock, *each, until=until) for each, until in zip(counts, [*following, None], strict=True)]


def of_wait(wait: Wait) -> Document:
    """From when support began to wait to the limit of the silence."""
    terms, profile, policy = wait.terms, wait.profile, wait.policy
    ends_at = clocks.instant_after(terms.calendar, wait.since, terms.limit)
    limit = next(rule for rule in policy.commitment.silences if policy.matches(rule.when, profile))
    target = {
        "rule": terms.rule,
        "seconds": seconds(terms.limit),
        "source": "pack",
        "because": because(policy, limit.when, profile),
    }
    if limit.limit is None:
        target["one_day_of"] = _local(policy, profile).name
    return _told(FROM_START, policy, target, profile, terms.calendar, (wait.since, ends_at))


def _of_step(clock: str, step: Step, how: str, measure: Measure, *, until: int | None) -> Document:
    terms, profile, span = measure.terms, step.profile, (measure.anchor, measure.due_at)
    target = _target(step.policy, step.policy.clock(clock), profile, terms)
    return _told(how, step.policy, target, profile, terms.calendar, span, credit=measure.credit, until=until)


def _told(
    how: str,
    policy: Policy,
    target: Document,
    profile: Profile,
    calendar: Calendar,
    span: Interval,
    *,
    credit: int = 0,
    until: int | None = None,
) -> Document:
    """`until`: when other terms took along what was used up."""
    where = place(calendar, _local(policy, profile), span)
    counted = count(calendar, *span, credit=credit, until=until, is_long="stretches" in where)
    rule = calendar.name.partition(":")[0]
    return {
        "how": how,
        "policy": policy.version,
        "target": target,
        "hours": _hours(policy, profile),
        "calendar": {
            "rule": rule if rule in policy.clauses else None,
            **where,
        },
        **counted,
        "reaches_target": counted["sum_seconds"] == target["seconds"],
    }


def _target(policy: Policy, clock: ClockPolicy, profile: Profile, terms: Terms) -> Document:
    own = dict(profile.targets).get(clock.name)
    said = {"rule": terms.rule, "seconds": seconds(terms.target)}
    if own is not None:
        return said | {"source": "case", "because": {"targets": {clock.name: seconds(own)}}}
    when = next(rule.when for rule in clock.targets if policy.matches(rule.when, profile))
    return said | {"source": "pack", "because": because(policy, when, profile)}


def _hours(policy: Policy, profile: Profile) -> Document:
    rule = next(rule for rule in policy.hours if policy.matches(rule.when, profile))
    serve = "round_the_clock" if rule.round_the_clock else "calendar"
    return {"rule": rule.rule, "serve": serve, "because": because(policy, rule.when, profile)}


def _local(policy: Policy, profile: Profile) -> Calendar:
    """The calendar of the case's country, also where it is served round the clock."""
    return policy.calendar_for(profile.country, profile.subdivision, profile.timezone)


def because(policy: Policy, when: When, profile: Profile) -> Document:
    """What the rule asked for, and what the case had."""
    return {name: _value(policy, name, profile, allowed) for name, allowed in when}


def _value(policy: Policy, name: str, profile: Profile, allowed: frozenset[str | bool]) -> Any:
    if name == "english":
        return policy.counts_as_english(profile)
    if name in LISTS:
        return [each for each in getattr(profile, name) if each in allowed]
    return getattr(profile, name)
