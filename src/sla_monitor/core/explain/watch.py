"""A case decided once more, fact by fact and timer by timer, with somebody looking on.

The decisions are those of `core/case.py`; here only is noted what was so before and what was so after. Notices that the
pack has switched off are noted too: they say what happened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sla_monitor.core import clock as clocks
from sla_monitor.core import facts as f
from sla_monitor.core import notices as n
from sla_monitor.core.case import CaseState, opened_by
from sla_monitor.core.clock import Breached, ClockState, Measure, Paused, Pauses, Running, Step
from sla_monitor.core.decide import Case, withdrawn
from sla_monitor.core.notices import Intent
from sla_monitor.core.policy import ClockPolicy, Packs, Policy, SilenceTerms
from sla_monitor.core.profile import Profile
from sla_monitor.core.silence import Waiting

RESTORED = "restored"
STARTED, ENDED, STANDS = "started", "ended", "stands"


@dataclass(slots=True, kw_only=True)
class Life:
    """One run of a clock. `said`: what was said of it, in order. Of a pause that goes on, `pauses` and `measure` are as
    if it ended now.
    """

    clock: ClockPolicy
    generation: int
    started_at: int
    steps: tuple[Step, ...]
    measure: Measure
    state: ClockState
    pauses: Pauses = ()
    said: list[Intent] = field(default_factory=list)
    ended_by: f.Fact | None = None
    ended_at: int | None = None


@dataclass(slots=True, kw_only=True)
class Wait:
    """One time that support waited on the customer. `due_at`: while something could follow. `not_before`: when its
    terms last changed; it cannot have been broken before.
    """

    since: int
    event: f.Fact | None
    profile: Profile
    terms: SilenceTerms
    due_at: int | None
    not_before: int
    is_used: bool = False
    broken_at: int | None = None
    ended_by: f.Fact | None = None
    ended_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a change did to one clock: a mode of the pack, `restored`, `started`, `ended`, or `stands` (its verdict)."""

    clock: str
    how: str
    rule: str
    old_due_at: int | None
    new_due_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The case became another one. Without a fact time has done it, by a rule of the pack."""

    at: int
    fact: f.Fact | None
    old: Profile
    new: Profile
    effects: tuple[Effect, ...]


@dataclass(slots=True, kw_only=True)
class Watched:
    """All that was seen. `folded_before`: what lies before is known by its result only."""

    state: CaseState
    now: int
    lives: list[Life] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    said: list[tuple[Intent, f.Fact | None]] = field(default_factory=list)
    folded_before: int | None = None

    @property
    def policy(self) -> Policy:
        return self.state.policy

    def life(self, clock: str) -> Life | None:
        """The latest run."""
        return next((life for life in reversed(self.lives) if life.clock.name == clock), None)


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
        watched = Watched(state=state, now=now)
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
    state.moves = tuple(_outspoken(each) for each in packs.moves_after(state.policy))
    state.policy, state.intents = _outspoken(state.policy), []
    folded = case.base_order[0] if case.base_order else state.opened_at
    watched = Watched(state=state, now=now, folded_before=folded)
    for clock in state.policy.clocks:
        run = state.clocks.get(clock.name)
        if isinstance(run, Running | Breached | Paused):
            steps = _step_of(run.measure) if isinstance(run, Breached) else run.steps
            watched.lives.append(_life(clock, state.generation, steps, run))
    if state.silence.waiting is not None:
        watched.waits.append(_wait(state.silence.waiting, None, state.profile))
    return watched


def _step_of(measure: Measure) -> tuple[Step, ...]:
    return (Step(at=measure.anchor, profile=measure.profile, policy=measure.policy),)


def _life(clock: ClockPolicy, generation: int, steps: tuple[Step, ...], run: Running | Breached | Paused) -> Life:
    return Life(
        clock=clock,
        generation=generation,
        started_at=steps[0].at,
        steps=steps,
        measure=clocks.measure(clock.name, steps, run.pauses) if isinstance(run, Paused) else run.measure,
        state=run,
        pauses=run.pauses,
    )


def _pause_until(life: Life, at: int) -> None:
    if isinstance(life.state, Paused):
        life.pauses = life.state.until(at)
        life.measure = clocks.measure(life.clock.name, life.steps, life.pauses)


def _wait(waiting: Waiting, fact: f.Fact | None, profile: Profile) -> Wait:
    return Wait(
        since=waiting.since,
        event=fact,
        profile=profile,
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
        _look(watched, at, None, lambda instant=at: state.advance(instant))  # type: ignore[misc]


def _look(watched: Watched, at: int, fact: f.Fact | None, act: Callable[[], object]) -> None:
    """One thing happens; what it changed is noted."""
    state = watched.state
    before, profile, held = dict(state.clocks), state.profile, state.held
    act()
    made, state.intents = state.intents, []
    watched.said += [(intent, fact) for intent in made]
    if profile != state.profile:
        effects = _effects(watched, before, profile, held, made)
        watched.changes.append(Change(at=at, fact=fact, old=profile, new=state.profile, effects=effects))
    _note_clocks(watched, at, fact, made)
    _note_waits(watched, at, fact, made, changed=profile != state.profile)


def _note_clocks(watched: Watched, at: int, fact: f.Fact | None, made: list[Intent]) -> None:
    state = watched.state
    for clock in watched.policy.clocks:
        about = [intent for intent in made if intent.key.subject == clock.name]
        run = state.clocks.get(clock.name)
        starts = next((index for index, each in enumerate(about) if each.key.kind == n.CLOCK_STARTED), None)
        ending = about if starts is None else about[:starts]
        life = watched.life(clock.name)
        if life is not None and life.ended_at is None:
            _go_on(watched.policy, life, run if starts is None else None, state.profile, at)
            life.said += ending
            if any(each.key.kind == n.CLOCK_STOPPED for each in ending):
                _pause_until(life, at)
                life.ended_at, life.ended_by = at, fact
        if starts is not None and isinstance(run, Running):
            fresh = _life(clock, about[starts].key.generation, run.steps, run)
            fresh.said += about[starts:]
            watched.lives.append(fresh)


def _go_on(policy: Policy, life: Life, run: ClockState | None, profile: Profile, at: int) -> None:
    if isinstance(run, Running):
        life.steps, life.measure, life.pauses, life.state = run.steps, run.measure, run.pauses, run
    elif isinstance(run, Paused):
        life.steps, life.pauses, life.state = run.steps, run.pauses, run
        life.measure = clocks.measure(life.clock.name, life.steps, life.pauses)
    elif isinstance(run, Breached):
        if run.measure != life.measure:  # changed by time, and due by that very change
            life.steps = clocks.steps_after(policy, life.clock, life.steps, profile, at)[0]
        life.measure, life.pauses, life.state = run.measure, run.pauses, run


def _note_waits(watched: Watched, at: int, fact: f.Fact | None, made: list[Intent], *, changed: bool) -> None:
    state = watched.state
    kinds = {intent.key.kind for intent in made if intent.key.subject == watched.policy.commitment.name}
    wait = watched.waits[-1] if watched.waits and watched.waits[-1].ended_at is None else None
    waiting = state.silence.waiting
    if wait is not None and waiting is not None and not wait.is_used:
        _go_on_waiting(wait, waiting, state.profile, at, made, changed=changed)
    if wait is not None and n.CLOCK_STOPPED in kinds:
        wait.ended_at, wait.ended_by = at, fact
    if n.CLOCK_STARTED in kinds and waiting is not None:
        watched.waits.append(_wait(waiting, fact, state.profile))


def _go_on_waiting(
    wait: Wait, waiting: Waiting, profile: Profile, at: int, made: list[Intent], *, changed: bool
) -> None:
    if waiting.used:  # by itself, or by attempts that reached nobody: the terms are those it was broken under
        wait.is_used = True
        grounds = (n.DOWNGRADE_RECOMMENDED, n.DOWNGRADED)
        if any(each.key.kind in grounds and each.key.level == wait.since and each.by_timer for each in made):
            wait.broken_at = at
    elif changed:
        wait.terms, wait.due_at, wait.profile, wait.not_before = waiting.terms, waiting.due_at, profile, at


def _effects(
    watched: Watched,
    before: dict[str, ClockState],
    old: Profile,
    held: dict[str, dict[str, tuple[Step, ...]]],
    made: list[Intent],
) -> tuple[Effect, ...]:
    state, policy = watched.state, watched.policy
    kinds = {(each.key.subject, each.key.kind) for each in made}
    is_restored = any(kind == n.RESTORED for _, kind in kinds)
    found = []
    for clock in policy.clocks:
        was, now, life = before.get(clock.name), state.clocks.get(clock.name), watched.life(clock.name)
        old_due = None if life is None or isinstance(was, Paused) else life.measure.due_at
        new_due = now.measure.due_at if isinstance(now, Running | Breached) else old_due
        how, rule = "", ""
        if (clock.name, n.CLOCK_STARTED) in kinds:
            how = STARTED
        elif was is None:
            continue
        elif (clock.name, n.CLOCK_STOPPED) in kinds:
            how = ENDED
        elif not isinstance(was, Running | Paused):
            how = STANDS
        elif is_restored and clock.name in held.get(state.profile.severity, {}):
            how, rule = RESTORED, policy.commitment.restored_rule
        else:
            direction = clocks.direction(policy, clock, old, state.profile)
            how, rule = direction.how, direction.rule
        found.append(Effect(clock=clock.name, how=how, rule=rule, old_due_at=old_due, new_due_at=new_due))
    found += [
        _of_silence(watched, intent)
        for intent in made
        if (intent.key.subject, intent.key.kind) == (policy.commitment.name, n.DEADLINE_MOVED)
    ]
    return tuple(found)


def _of_silence(watched: Watched, moved: Intent) -> Effect:
    """A silence is always counted from when it began. One that began with this very fact had no limit before."""
    waiting = watched.state.silence.waiting
    before = watched.waits[-1] if watched.waits and watched.waits[-1].ended_at is None else None
    return Effect(
        clock=moved.key.subject,
        how=clocks.FROM_START,
        rule=str(moved.data["rule"]),
        old_due_at=before.due_at if before else None,
        new_due_at=waiting.due_at if waiting else None,
    )
