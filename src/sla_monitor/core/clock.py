"""One clock of one case: how its deadline follows from its history, and which instants it waits for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from sla_monitor.core.calendar import HORIZON_END, BeyondHorizon, Calendar, alike
from sla_monitor.core.hours import Interval
from sla_monitor.core.policy import ClockPolicy, Direction, Policy, Terms
from sla_monitor.core.profile import Profile
from sla_monitor.core.values import value

FROM_START = "from_start"
FROM_CHANGE = "from_change"
KEEP_ELAPSED = "keep_elapsed"

Level = tuple[int, int]  # (percent, instant)
Pauses = tuple[Interval, ...]  # (from, to), in order, apart


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A calendar without the pauses of a clock: what is open in a pause does not count."""

    calendar: Calendar
    pauses: Pauses

    @property
    def name(self) -> str:
        return self.calendar.name

    @property
    def day(self) -> int:
        return self.calendar.day

    def add(self, start: int, budget: int) -> int:
        """Used up exactly when a pause begins, it ends there."""
        for begins, ends in self.pauses:
            if ends <= start:
                continue
            before = self.calendar.between(start, begins)
            if budget <= before:
                break
            budget, start = budget - before, ends
        return self.calendar.add(start, budget)

    def between(self, start: int, end: int) -> int:
        paused = (self.calendar.between(max(start, begins), min(end, ends)) for begins, ends in self.pauses)
        return self.calendar.between(start, end) - sum(paused)

    def periods(self, start: int, end: int) -> Iterator[Interval]:
        for begins, ends in (*self.pauses, (end, end)):
            yield from self.calendar.periods(start, min(begins, end))
            start = max(start, ends)


@value(frozen=True, slots=True, kw_only=True)
class Step:
    """From `at` on the case had this profile, under this version of the pack; `how` is what that change did to the
    deadline.
    """

    at: int
    profile: Profile
    policy: Policy
    how: str = FROM_START


@value(frozen=True, slots=True, kw_only=True)
class Measure:
    """A deadline and what it is counted by. `credit`: open time used up before `anchor`, under earlier terms."""

    profile: Profile  # that the terms are those of
    policy: Policy  # that they are from
    terms: Terms
    anchor: int
    credit: int
    due_at: int

    def elapsed(self, now: int) -> int:
        """Open time counted so far."""
        return self.credit + self.terms.calendar.between(self.anchor, now)

    def remaining(self, now: int) -> int:
        """Open time left; 0 once due."""
        return self.terms.calendar.between(now, self.due_at)

    def late_by(self, now: int) -> int:
        """Open time since the deadline."""
        return self.terms.calendar.between(self.due_at, now)

    def levels(self, percents: Iterable[int], after: int) -> tuple[Level, ...]:
        """The instants after `after` at which these percents of the budget are used up, in order."""
        budget = self.elapsed(self.due_at)
        calendar = self.terms.calendar
        found = []
        for percent in percents:
            wait = budget * percent // 100 - self.credit
            if wait >= 0 and (at := instant_after(calendar, self.anchor, wait)) > after:
                found.append((percent, at))
        return tuple(found)


@value(frozen=True, slots=True, kw_only=True)
class Running:
    """No verdict yet. `warnings` are still to come."""

    steps: tuple[Step, ...]
    measure: Measure
    warnings: tuple[Level, ...]
    pauses: Pauses = ()

    @property
    def next_at(self) -> int | None:
        return self.warnings[0][1] if self.warnings else self.measure.due_at


@value(frozen=True, slots=True, kw_only=True)
class Breached:
    """The deadline passed; the verdict stands whatever changes later. `overdue` levels are still to come."""

    measure: Measure
    overdue: tuple[Level, ...]
    pauses: Pauses = ()

    @property
    def next_at(self) -> int | None:
        return self.overdue[0][1] if self.overdue else None


@value(frozen=True, slots=True, kw_only=True)
class Paused:
    """Counts nothing since `since`, and so has no deadline."""

    steps: tuple[Step, ...]
    pauses: Pauses  # that are over
    since: int

    @property
    def next_at(self) -> int | None:
        return None

    def until(self, at: int) -> Pauses:
        """All pauses, were this one over at `at`."""
        return (*self.pauses, (self.since, at)) if at > self.since else self.pauses


@value(frozen=True, slots=True, kw_only=True)
class Stopped:
    """Ended: met, met late, or cancelled. `by_time`: no fact has done it, but a version that does not serve the case,
    or a downgrade without asking. In a base all of it is decided, and nobody asks any more.
    """

    by_time: bool = field(default=False, compare=False)

    @property
    def next_at(self) -> int | None:
        return None


ClockState = Running | Paused | Breached | Stopped


def measure(clock: str, steps: tuple[Step, ...], pauses: Pauses = ()) -> Measure:
    """The deadline that a history of profiles gives, its pauses left out.

    A raise counts the new target from the change and never moves the deadline later (SP-UP-CLOCK). A step that
    leaves the terms as they were changes nothing, and so does one after the deadline: a breach is for good.
    """
    first = steps[0]
    current = _counted(clock, first, pauses, credit=0)
    for step in steps[1:]:
        if current.due_at <= step.at:
            break
        terms = terms_of(clock, step, pauses)
        if same_terms(terms, current.terms):
            current = replace(current, profile=step.profile, policy=step.policy, terms=terms)
        elif step.how == KEEP_ELAPSED:
            current = _counted(clock, step, pauses, credit=min(current.elapsed(step.at), terms.target))
        else:
            raised = _counted(clock, step, pauses, credit=0)
            current = replace(raised, due_at=min(raised.due_at, current.due_at))
    return current


def terms_of(clock: str, step: Step, pauses: Pauses = ()) -> Terms:
    """What a step measures the clock by."""
    return without(step.policy.terms(step.policy.clock(clock), step.profile), pauses)


def without(terms: Terms, pauses: Pauses) -> Terms:
    """The same terms, on a calendar without these pauses."""
    return replace(terms, calendar=Interrupted(terms.calendar, pauses)) if pauses else terms


def _counted(clock: str, step: Step, pauses: Pauses, *, credit: int) -> Measure:
    terms = terms_of(clock, step, pauses)
    due_at = instant_after(terms.calendar, step.at, terms.target - credit)
    return Measure(profile=step.profile, policy=step.policy, terms=terms, anchor=step.at, credit=credit, due_at=due_at)


def instant_after(calendar: Calendar, start: int, budget: int) -> int:
    """Where a budget of open time ends; one that no calendar reaches (ten years are allowed) ends at the horizon."""
    try:
        return calendar.add(start, budget)
    except BeyondHorizon:
        return HORIZON_END


def same_terms(one: Terms, other: Terms) -> bool:
    """Whether a deadline is measured alike under both, whatever pauses of the clock are left out of either."""
    return one.target == other.target and alike(_whole(one.calendar), _whole(other.calendar))


def _whole(calendar: Calendar) -> Calendar:
    return calendar.calendar if isinstance(calendar, Interrupted) else calendar


def steps_after(
    policy: Policy, clock: ClockPolicy, steps: tuple[Step, ...], profile: Profile, at: int
) -> tuple[tuple[Step, ...], str]:
    """A clock's history after a change at `at`, and the rule that makes it so."""
    old = steps[-1].profile
    change = direction(policy, clock, old, profile)
    if change.how == FROM_START:
        return as_if_from_start(steps, old, profile), change.rule
    return (*steps, Step(at=at, profile=profile, policy=policy, how=change.how)), change.rule


def taken_over(clock: str, steps: tuple[Step, ...], *, policy: Policy, at: int, pauses: Pauses) -> tuple[Step, ...]:
    """A clock's history after another version of the pack has taken the case over at `at`, as that version says.

    Counted from the start, the deadline may lie before `at`. No promise is broken before it was made: then the time
    that is used up counts instead, and what is left of the target runs from `at` on.
    """
    if policy.open_cases == FROM_START:
        moved = tuple(replace(step, policy=policy) for step in steps)
        if measure(clock, moved, pauses).due_at > at:
            return moved
    how = FROM_CHANGE if policy.open_cases == FROM_CHANGE else KEEP_ELAPSED
    return (*steps, Step(at=at, profile=steps[-1].profile, policy=policy, how=how))


def changed(old: Profile, new: Profile) -> dict[str, Any]:
    """The fields in which the new profile differs, with what they are now."""
    return {name: getattr(new, name) for name in Profile.__slots__ if getattr(new, name) != getattr(old, name)}


def as_if_from_start(steps: tuple[Step, ...], old: Profile, new: Profile) -> tuple[Step, ...]:
    """The history as it would be had the case been so from its start (SP-DOWN-CLOCK): what changed is put in from
    the first step on, and steps that then change nothing are dropped.
    """
    news = changed(old, new)
    rewritten: list[Step] = []
    for step in steps:
        profile = replace(step.profile, **news)
        last = rewritten[-1] if rewritten else None
        if last is None or (profile, step.policy) != (last.profile, last.policy):
            rewritten.append(replace(step, profile=profile))
    return tuple(rewritten)


def direction(policy: Policy, clock: ClockPolicy, old: Profile, new: Profile) -> Direction:
    """What the pack says of a change that raises, lowers or only shifts what is promised: severity decides first,
    then the plan, then the hours.
    """
    by_rank = policy.rank(old.severity) - policy.rank(new.severity)
    if not by_rank:
        by_rank = policy.plans.index(new.plan) - policy.plans.index(old.plan)
    if not by_rank:
        before, after = policy.terms(clock, old), policy.terms(clock, new)
        by_rank = after.round_the_clock - before.round_the_clock
    changes = clock.changes
    return changes.raised if by_rank > 0 else changes.lowered if by_rank < 0 else changes.sideways
