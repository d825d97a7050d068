"""A case decided once more, fact by fact and timer by timer, with somebody looking on.

The decisions are those of `core/case.py`; here only is noted what was so before and what was so after. Notices that the
pack has switched off are noted too: they say what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from sla_monitor.core import clock as clocks
from sla_monitor.core import facts as f
from sla_monitor.core import notices as n
from sla_monitor.core.calendar import HORIZON_END
from sla_monitor.core.case import CaseState, opened_by
from sla_monitor.core.clock import Breached, ClockState, Measure, Paused, Running, Step
from sla_monitor.core.decide import Case, withdrawn
from sla_monitor.core.explain.effects import effects_of
from sla_monitor.core.explain.seen import Before, Change, Life, Stretch, Wait, Watched
from sla_monitor.core.notices import Intent
from sla_monitor.core.policy import Packs, Policy
from sla_monitor.core.silence import Waiting


def watch(case: Case, packs: Packs, now: int) -> Watched | None:
    """Decide it up to `now`, or to its last fact if that is later. None while nothing has opened it."""
    void = withdrawn(case.facts)
    active = [each for each in case.facts if each.identity not in void and not isinstance(each.body, f.FactWithdrawn)]
    opening = next((each for each in active if isinstance(each.body, f.Opened)), None)
    if case.base is not None:
        watched = _from_base(case, case.base.copy(), packs, now)
    elif opening is not None:
        policy = packs.named(case.policy_key) or packs.at(opening.at)
        moves = tuple(_outspoken(each) for each in packs.moves_after(policy))
        state = opened_by(case.case_id, opening, _outspoken(policy), moves)
        watched = Watched(state=state, now=now, policies=[state.policy])
        _apply(watched, opening)
    else:
        return None
    for fact in active:
        if not isinstance(fact.body, f.Opened):
            _apply(watched, fact)
    watched.now = max([now, watched.state.opened_at, *(each.at for each in active)])
    _advance(watched, watched.now)
    for life in watched.lives:
        if life.ended_at is None:
            _pause_until(life, watched.now)
    return watched


def _outspoken(policy: Policy) -> Policy:
    """The same version, with nothing switched off."""
    return replace(policy, switched_off=frozenset())


def _from_base(case: Case, state: CaseState, packs: Packs, now: int) -> Watched:
    """History that was folded for good: clocks under way are known, how those that ended ran is not."""
    state.be_moved_by(tuple(_outspoken(each) for each in packs.moves_after(state.policy)))
    state.policy, state.intents = _outspoken(state.policy), []
    folded = case.base_order[0] if case.base_order else state.opened_at
    watched = Watched(state=state, now=now, folded_before=folded, policies=[state.policy])
    for clock in state.policy.clocks:
        run = state.clocks.get(clock.name)
        if isinstance(run, Running | Breached | Paused):
            steps = _step_of(run.measure) if isinstance(run, Breached) else run.steps
            watched.lives.append(_life(watched, clock.name, state.generation, steps, run))
    if state.silence.waiting is not None:
        watched.waits.append(_wait(watched, state.silence.waiting, None))
    return watched


def _step_of(measure: Measure) -> tuple[Step, ...]:
    return (Step(at=measure.anchor, profile=measure.profile, policy=measure.policy),)


def _life(
    watched: Watched, clock: str, generation: int, steps: tuple[Step, ...], run: Running | Breached | Paused
) -> Life:
    return Life(
        clock=clock,
        run=watched.next_run(clock),
        generation=generation,
        started_at=steps[0].at,
        steps=steps,
        measure=_measure(clock, steps, run),
        state=run,
        pauses=run.pauses,
        stretches=list(_stretches(run)),
    )


def _stretches(run: Running | Breached | Paused) -> Iterator[Stretch]:
    """Pauses of a clock whose beginnings were folded; of a new one there are none."""
    for begins, ends in run.pauses:
        yield Stretch(begins=begins, ends=None if ends == HORIZON_END else ends)
    if isinstance(run, Paused):
        yield Stretch(begins=run.since)


def _measure(clock: str, steps: tuple[Step, ...], run: Running | Breached | Paused) -> Measure:
    return clocks.measure(clock, steps, run.pauses) if isinstance(run, Paused) else run.measure


def _pause_until(life: Life, at: int) -> None:
    if isinstance(life.state, Paused):
        life.pauses = life.state.until(at)
        life.measure = clocks.measure(life.clock, life.steps, life.pauses)


def _wait(watched: Watched, waiting: Waiting, fact: f.Fact | None) -> Wait:
    return Wait(
        run=len(watched.waits) + 1,
        since=waiting.since,
        event=fact,
        policy=watched.policy,
        profile=watched.state.profile,
        terms=waiting.terms,
        due_at=waiting.due_at,
        not_before=waiting.since,
        is_used=waiting.used,
    )


def _apply(watched: Watched, fact: f.Fact) -> None:
    state = watched.state
    at = max(fact.at, state.opened_at)
    if not isinstance(fact.body, f.Opened):
        _advance(watched, at)
    _look(watched, at, fact, lambda: state.apply(fact))


def _advance(watched: Watched, until: int) -> None:
    state = watched.state
    while (at := state.next_at) is not None and at <= until:
        _look(watched, at, None, state.advance_once)


def _look(watched: Watched, at: int, fact: f.Fact | None, act: Callable[[], object]) -> None:
    """One thing happens; what it changed is noted."""
    state = watched.state
    before = Before.of(state)
    act()
    made, state.intents = state.intents, []
    watched.said += [(intent, fact) for intent in made]
    if before.is_other(state):
        effects = effects_of(watched, before, made, at)
        change = Change(at=at, fact=fact, old=before, new=state.profile, policy=state.policy, effects=effects)
        watched.changes.append(change)
    if before.policy is not state.policy:
        watched.policies.append(state.policy)
    _note_clocks(watched, before, at, fact, made)
    _note_waits(watched, before, at, fact, made)


def _note_clocks(watched: Watched, before: Before, at: int, fact: f.Fact | None, made: list[Intent]) -> None:
    state = watched.state
    for clock in before.clocks_of(state.policy):
        about = [intent for intent in made if intent.key.subject == clock]
        run, life = state.clocks.get(clock), watched.life(clock)
        starts = next((index for index, each in enumerate(about) if each.key.kind == n.CLOCK_STARTED), None)
        ending = about if starts is None else about[:starts]
        if life is not None and life.ended_at is None:
            _go_on(life, run if starts is None else None)
            life.said += ending
            for each in ending:
                _note_pause(life, each, fact)
            if any(each.key.kind == n.CLOCK_STOPPED for each in ending):
                _pause_until(life, at)
                life.ended_at, life.ended_by = at, fact
        if starts is not None:
            watched.lives.append(_born(watched, clock, about[starts:], run, before, at, fact))


def _note_pause(life: Life, said: Intent, fact: f.Fact | None) -> None:
    if said.key.kind == n.CLOCK_PAUSED:
        life.stretches.append(Stretch(begins=said.at, begun_by=fact))
    elif _ends_pause(said) and life.stretches and life.stretches[-1].ends is None:
        life.stretches[-1].ends, life.stretches[-1].ended_by = said.at, fact


def _ends_pause(said: Intent) -> bool:
    """A change of terms that gives a paused clock a deadline has found its promise broken: it pauses no more."""
    if said.key.kind == n.DEADLINE_MOVED:
        return said.data["old_deadline"] is None
    return said.key.kind in {n.CLOCK_RESUMED, n.CLOCK_STOPPED}


def _born(
    watched: Watched,
    clock: str,
    said: list[Intent],
    run: ClockState | None,
    before: Before,
    at: int,
    fact: f.Fact | None,
) -> Life:
    """A fact starts a clock for the case as it was, and what it then changes may end it in the same instant."""
    generation = said[0].key.generation
    if isinstance(run, Running):
        life = _life(watched, clock, generation, run.steps, run)
    else:
        steps = (Step(at=at, profile=before.profile, policy=before.policy),)
        measure = clocks.measure(clock, steps)
        life = _life(watched, clock, generation, steps, Running(steps=steps, measure=measure, warnings=()))
        life.ended_at, life.ended_by = at, fact
    life.said, life.started_by = said, fact
    return life


def _go_on(life: Life, run: ClockState | None) -> None:
    if isinstance(run, Running):
        life.steps, life.measure, life.pauses, life.state = run.steps, run.measure, run.pauses, run
    elif isinstance(run, Paused):
        life.steps, life.pauses, life.state = run.steps, run.pauses, run
        life.measure = clocks.measure(life.clock, life.steps, life.pauses)
    elif isinstance(run, Breached):
        life.measure, life.pauses, life.state = run.measure, run.pauses, run


def _note_waits(watched: Watched, before: Before, at: int, fact: f.Fact | None, made: list[Intent]) -> None:
    state = watched.state
    names = {before.policy.commitment.name, state.policy.commitment.name}
    kinds = {intent.key.kind for intent in made if intent.key.subject in names}
    wait, waiting = watched.wait, state.silence.waiting
    if wait is not None and waiting is not None and not wait.is_used:
        _go_on_waiting(wait, waiting, state, at, made, changed=before.is_other(state))
    if wait is not None and n.CLOCK_STOPPED in kinds:
        wait.ended_at, wait.ended_by = at, fact
    if n.CLOCK_STARTED in kinds and waiting is not None:
        watched.waits.append(_wait(watched, waiting, fact))


def _go_on_waiting(
    wait: Wait, waiting: Waiting, state: CaseState, at: int, made: list[Intent], *, changed: bool
) -> None:
    if waiting.used:  # by itself, or by attempts that reached nobody: the terms are those it was broken under
        wait.is_used = True
        grounds = (n.DOWNGRADE_RECOMMENDED, n.DOWNGRADED)
        if any(each.key.kind in grounds and each.key.level == wait.since and each.by_timer for each in made):
            wait.broken_at = at
    elif changed:
        wait.terms, wait.due_at, wait.not_before = waiting.terms, waiting.due_at, at
        wait.policy, wait.profile = state.policy, state.profile
