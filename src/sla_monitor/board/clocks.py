"""The clocks of a case that stand, as the board shows them.

A clock stands from its start to its end: running, at risk (a warning of it was due), paused, or breached and not yet
stopped. The customer's silence stands while it may break the commitment, engineer time while it has a limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sla_monitor.board.models import Clock, ClockState
from sla_monitor.core import clock as clocks
from sla_monitor.core import facts as f
from sla_monitor.core.calendar import ALWAYS_OPEN
from sla_monitor.core.case import CaseState
from sla_monitor.core.clock import Breached, Measure, Paused, Running
from sla_monitor.core.decide import Case, withdrawn
from sla_monitor.core.effort import WHOLE
from sla_monitor.core.explain.watch import watch
from sla_monitor.core.facts import SECOND
from sla_monitor.core.policy import Packs, Policy
from sla_monitor.core.times import iso, seconds

RUNNING: ClockState = "running"
AT_RISK: ClockState = "at_risk"
PAUSED: ClockState = "paused"
BREACHED: ClockState = "breached"
STATES: tuple[ClockState, ...] = (RUNNING, AT_RISK, PAUSED, BREACHED)


class Standing(NamedTuple):
    """What lists are made by. `deadline` None: paused, or nothing follows. `since`: of a pause."""

    clock: str
    state: ClockState
    deadline: int | None
    since: int | None


class Labels(NamedTuple):
    customer: str
    product: str
    queue: str


def standing(state: CaseState) -> Iterator[Standing]:
    """Those of an open case, in the order of its pack."""
    if state.ended_at is not None or state.declined:
        return
    for name, clock in state.clocks.items():
        match clock:
            case Running(warnings=left, measure=measure):
                told = len(left) < len(measure.policy.clock(name).warnings)
                yield Standing(name, AT_RISK if told else RUNNING, measure.due_at, None)
            case Breached(measure=measure):
                yield Standing(name, BREACHED, measure.due_at, None)
            case Paused(since=since):
                yield Standing(name, PAUSED, None, since)
            case _:
                pass
    if (waiting := state.silence.waiting) is not None and waiting.due_at is not None:
        yield Standing(state.policy.commitment.name, RUNNING, waiting.due_at, None)
    if state.limit is not None:
        said = [level for rule, level in state.effort.said if rule == state.limit.rule]
        how = BREACHED if WHOLE in said else AT_RISK if said else RUNNING
        yield Standing(state.policy.effort.name, how, None, None)


def labels(case: Case) -> Labels:
    """As the facts say; once those are folded for good, as far as the pack's rules ask for them."""
    found = {"customer": "", "product": "", "queue": ""}
    if (state := case.state) is not None:
        found = {name: getattr(state.profile, name) for name in found}
    void = withdrawn(case.facts)
    for fact in case.facts:
        if isinstance(fact.body, f.Opened | f.LabelsChanged) and fact.identity not in void:
            said = {name: getattr(fact.body, name) for name in found}
            found |= {name: text for name, text in said.items() if text is not None}
    return Labels(**found)


def clock(case: Case, state: CaseState, stands: Standing, packs: Packs, now: int) -> Clock:
    """All that a list says of one clock, as of the wall clock."""
    policy = state.policy
    if stands.clock == policy.commitment.name:
        said = _of_silence(state, now)
    elif stands.clock == policy.effort.name:
        said = _of_effort(state, now)
    else:
        said = _of_clock(state, stands.clock, now)
    left = None if stands.deadline is None else (stands.deadline - now) / SECOND
    return Clock(
        case_id=case.case_id,
        generation=state.generation,
        severity=state.profile.severity,
        plan=state.profile.plan,
        country=state.profile.country,
        **labels(case)._asdict(),
        clock=stands.clock,
        run=_run(case, state, stands.clock, packs),
        state=stands.state,
        promised=said.promised,
        deadline=None if stands.deadline is None else iso(stands.deadline),
        remaining_seconds=left,
        target_seconds=seconds(said.target),
        elapsed_seconds=seconds(said.elapsed),
        paused_since=None if stands.since is None else iso(stands.since),
        pause_reason=None if stands.since is None else _pause_reason(case, state, stands.clock, stands.since),
        rule=said.rule,
        clause=said.policy.clauses.get(said.rule, ""),
        calendar=said.calendar,
        opened_at=iso(state.opened_at),
    )


def _run(case: Case, state: CaseState, name: str, packs: Packs) -> int:
    """How often it has begun, which only the facts tell; as `explain` counts, from where history is known."""
    if name not in state.restarted:
        return 1
    watched = watch(case, packs, case.decided_to)
    life = None if watched is None else watched.life(name)
    return 1 if life is None else life.run


class _Said(NamedTuple):
    rule: str
    policy: Policy
    target: int
    elapsed: int
    calendar: str
    promised: bool


def _of_clock(state: CaseState, name: str, now: int) -> _Said:
    found = state.clocks[name]
    if isinstance(found, Paused):
        return _measured(clocks.measure(name, found.steps, found.until(max(now, found.since))), found.since)
    if isinstance(found, Running | Breached):
        return _measured(found.measure, now)
    raise ValueError(f"clock {name} has ended")


def _measured(measure: Measure, now: int) -> _Said:
    terms = measure.terms
    elapsed = measure.elapsed(max(now, measure.anchor))
    return _Said(terms.rule, measure.policy, terms.target, elapsed, terms.calendar.name, terms.promised)


def _of_silence(state: CaseState, now: int) -> _Said:
    waiting = state.silence.waiting
    if waiting is None:
        raise ValueError("nobody waits for the customer")
    terms = waiting.terms
    elapsed = waiting.elapsed(max(now, waiting.since))
    return _Said(terms.rule, state.policy, terms.limit, elapsed, terms.calendar.name, promised=False)


def _of_effort(state: CaseState, now: int) -> _Said:
    limit, effort = state.limit, state.effort
    if limit is None:
        raise ValueError("engineer time has no limit")
    worked = effort.worked_until(max(now, effort.counted_at))
    return _Said(limit.rule, state.policy, limit.limit, worked, ALWAYS_OPEN.name, promised=False)


def _pause_reason(case: Case, state: CaseState, name: str, since: int) -> str | None:
    """What the event says that paused it, or its type; None once it is folded for good."""
    pauses = state.policy.clock(name).pauses
    void = withdrawn(case.facts)
    for fact in reversed(case.facts):
        kind = f.NAMES[type(fact.body)]
        if max(fact.at, state.opened_at) == since and kind in pauses and fact.identity not in void:
            return str(getattr(fact.body, "reason", "")) or kind
    return None
