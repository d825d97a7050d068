"""One idea: where a clock's deadline, warnings and overdue levels are, given how the terms of its case went.

The history of a case's terms is a list of snapshots. A change that counts `from_start` rewrites what it changes in all
of them; one that counts from itself adds a snapshot. From the history alone everything else is computed anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sla_monitor.oracle.coverage import service
from sla_monitor.oracle.hours import Hours, Interrupted, Interval
from sla_monitor.oracle.plan import SECOND, Plan, Rule, Terms, duration


class Snapshot(NamedTuple):
    at: int
    mode: str  # from_start: the first one; from_change, keep_elapsed: a later one
    terms: Terms
    plan: Plan  # the version in force then


History = tuple[Snapshot, ...]


class Promise(NamedTuple):
    """What a clock owes under some terms."""

    rule: str
    target: int  # microseconds
    promised: bool
    hours: Hours
    plan: Plan  # the version that the rule is of


@dataclass(frozen=True)
class Face:
    """What a clock shows."""

    promise: Promise
    deadline: int
    base: int  # elapsed time is counted from here
    used: int  # and this was used before
    warnings: tuple[tuple[int, int], ...]  # level, instant
    overdue: tuple[tuple[int, int], ...]

    def elapsed(self, at: int) -> int:
        return self.used + self.promise.hours.between(self.base, at)


def promise_of(name: str, snapshot: Snapshot, own: Mapping[str, float], pauses: tuple[Interval, ...]) -> Promise:
    plan, terms = snapshot.plan, snapshot.terms
    clock: Rule = plan.clocks[name]
    hours = Interrupted(plan.hours(terms), pauses) if pauses else plan.hours(terms)
    promised = service(plan, terms, own).promised
    if name in own:
        return Promise(clock["own_target_rule"], round(own[name] * SECOND), promised, hours, plan)
    rule = plan.first(clock["targets"], terms)
    if rule is None:
        raise ValueError(f"no target of {name} matches")
    return Promise(rule["rule"], duration(rule["target"]), promised and bool(rule.get("promised", True)), hours, plan)


def changed(plan: Plan, clock: Rule, history: History, at: int, news: Mapping[str, Any]) -> tuple[History, str]:
    """The history after a change, and the rule that the change rests on."""
    old = history[-1].terms
    new = {**old, **news}
    change = plan.change(clock, plan.direction(old, new))
    if change["mode"] == "from_start":
        news = {name: value for name, value in news.items() if old.get(name) != value}
        return tuple(each._replace(terms={**each.terms, **news}) for each in history), change["rule"]
    return (*history, Snapshot(at, change["mode"], new, plan)), change["rule"]


def moved(name: str, history: History, plan: Plan, own: Mapping[str, float], pauses: tuple[Interval, ...]) -> History:
    """The history after `plan` took the open cases over. Counted from the start, what would have been broken before
    that counts as used up instead.
    """
    mode, at = plan.pack["open_cases"], plan.effective_from
    if mode == "from_start":
        anew = tuple(each._replace(plan=plan) for each in history)
        if face(name, anew, own, pauses).deadline > at:
            return anew
        mode = "keep_elapsed"
    return (*history, Snapshot(at, mode, history[-1].terms, plan))


def face(name: str, history: History, own: Mapping[str, float], pauses: tuple[Interval, ...] = ()) -> Face:
    """Walk the history from its start, snapshot by snapshot."""
    promise = promise_of(name, history[0], own, pauses)
    shown = _fresh(promise.plan.clocks[name], promise, history[0].at, promise.target)
    for snapshot in history[1:]:
        at, mode, _, plan = snapshot
        clock = plan.clocks[name]
        if shown.deadline <= at:
            break  # a verdict, once reached, is frozen
        promise = promise_of(name, snapshot, own, pauses)
        if (promise.target, promise.hours) == (shown.promise.target, shown.promise.hours):
            shown = _told_by(clock, promise, shown)  # another rule, or no promise any more: time is counted as before
        elif mode == "keep_elapsed":
            shown = _kept(clock, promise, at, shown.elapsed(at))
        else:
            shown = _from_change(clock, promise, at, shown)
    return shown


def _levels(levels: list[int], promise: Promise, base: int, used: int, span: int) -> tuple[tuple[int, int], ...]:
    return tuple((level, promise.hours.add(base, _share(span, level) - used)) for level in levels)


def _share(span: int, level: int) -> int:
    return span * level // 100  # between two microseconds the earlier one, as the product does; the texts do not say


def _fresh(clock: Rule, promise: Promise, base: int, span: int, used: int = 0) -> Face:
    deadline = promise.hours.add(base, span - used)
    warnings = _levels(clock.get("warnings") or [], promise, base, used, span)
    overdue = _levels(clock.get("overdue") or [], promise, base, used, span)
    return Face(promise, deadline, base, used, warnings, _after(deadline, overdue))


def _told_by(clock: Rule, promise: Promise, shown: Face) -> Face:
    """The same deadline, with the levels of the version that it is of now."""
    span = shown.elapsed(shown.deadline)
    levels = (_levels(clock.get(kind) or [], promise, shown.base, shown.used, span) for kind in ("warnings", "overdue"))
    warnings, overdue = levels
    return replace(shown, promise=promise, warnings=warnings, overdue=_after(shown.deadline, overdue))


def _after(deadline: int, overdue: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """A level above the deadline's lies after it: not where a microsecond is all there was to share."""
    return tuple((level, at) for level, at in overdue if at > deadline)


def _from_change(clock: Rule, promise: Promise, at: int, before: Face) -> Face:
    """SP-UP-CLOCK: the new target from the change, never later. Levels count anew over the time that is left; that a
    deadline which does not move keeps the warnings it had is for whoever remembers what it had.
    """
    shown = _fresh(clock, promise, at, promise.target)
    if shown.deadline < before.deadline:
        return shown
    left = promise.hours.between(at, before.deadline)
    warnings = _levels(clock.get("warnings") or [], promise, at, 0, left)
    overdue = _levels(clock.get("overdue") or [], promise, at, 0, left)
    return Face(promise, before.deadline, at, 0, warnings, _after(before.deadline, overdue))


def _kept(clock: Rule, promise: Promise, at: int, used: int) -> Face:
    """Open time used stays used. With more used than the new target there is nothing left: due at the change.

    What was used beyond the new target is forgotten then, as in the product; the texts do not say.
    """
    return _fresh(clock, promise, at, promise.target, min(used, promise.target))
