"""What a change of a case did to each run of a clock that was there, and to those that it made."""

from __future__ import annotations

from collections.abc import Iterator

from sla_monitor.core import clock as clocks
from sla_monitor.core import notices as n
from sla_monitor.core.case import CaseState
from sla_monitor.core.clock import FROM_START, Breached, ClockState, Paused, Running, Stopped
from sla_monitor.core.explain.seen import ENDED, RESTORED, STANDS, STARTED, Before, Effect, Watched
from sla_monitor.core.notices import Intent
from sla_monitor.core.times import iso


def effects_of(watched: Watched, before: Before, made: list[Intent], at: int) -> tuple[Effect, ...]:
    """Noted before the runs themselves: `watched` still has them as they were, its state is what they are now."""
    state = watched.state
    kinds = {(each.key.subject, each.key.kind) for each in made}
    is_restored = any(kind == n.RESTORED for _, kind in kinds)
    found: list[Effect] = []
    for clock in before.clocks_of(state.policy):
        was, now, life = before.clocks.get(clock), state.clocks.get(clock), watched.life(clock)
        ends = (clock, n.CLOCK_STOPPED) in kinds
        starts = [each for each in made if (each.key.subject, each.key.kind) == (clock, n.CLOCK_STARTED)]
        if life is not None and was is not None and not (starts and isinstance(was, Stopped)):
            old = None if isinstance(was, Paused) else iso(life.measure.due_at)
            if ends or not isinstance(was, Running | Paused):
                how, rule, new = ENDED if ends else STANDS, "", old
            else:
                how, rule = _what_it_did(clock, now, before, state, at, is_restored=is_restored)
                new = _deadline(now)
            found.append(Effect(clock=clock, run=life.run, how=how, rule=rule, old_deadline=old, new_deadline=new))
        for started in starts:
            found += _of_new_run(watched, before, started)
    found += [_of_silence(watched, intent) for intent in made if _moves_silence(intent, before, state)]
    return tuple(found)


def _deadline(now: ClockState | None) -> str | None:
    """While it is paused it has none."""
    return iso(now.measure.due_at) if isinstance(now, Running | Breached) else None


def _what_it_did(
    clock: str, now: ClockState | None, before: Before, state: CaseState, at: int, *, is_restored: bool
) -> tuple[str, str]:
    """The mode, and the rule that it is by. A version that takes the case over does so by no rule of its own."""
    if before.policy is not state.policy:
        last = now.steps[-1] if isinstance(now, Running | Paused) else None
        return (last.how if last and last.at == at else FROM_START), ""
    if is_restored and clock in before.held.get(state.profile.severity, {}):
        return RESTORED, state.policy.commitment.restored_rule
    direction = clocks.direction(state.policy, state.policy.clock(clock), before.profile, state.profile)
    return direction.how, direction.rule


def _of_new_run(watched: Watched, before: Before, started: Intent) -> Iterator[Effect]:
    """A fact starts a clock for the case as it was; what it then changes may move the deadline, or end the clock."""
    clock, first, state = started.key.subject, str(started.data["deadline"]), watched.state
    run, now = watched.next_run(clock), state.clocks.get(clock)
    yield Effect(clock=clock, run=run, how=STARTED, rule="", old_deadline=None, new_deadline=first)
    if not isinstance(now, Running):
        yield Effect(clock=clock, run=run, how=ENDED, rule="", old_deadline=first, new_deadline=first)
    elif len(now.steps) > 1 or iso(now.measure.due_at) != first:
        direction = clocks.direction(state.policy, state.policy.clock(clock), before.profile, state.profile)
        due = iso(now.measure.due_at)
        how, rule = direction.how, direction.rule
        yield Effect(clock=clock, run=run, how=how, rule=rule, old_deadline=first, new_deadline=due)


def _moves_silence(intent: Intent, before: Before, state: CaseState) -> bool:
    names = {before.policy.commitment.name, state.policy.commitment.name}
    return intent.key.kind == n.DEADLINE_MOVED and intent.key.subject in names


def _of_silence(watched: Watched, moved: Intent) -> Effect:
    """A silence is always counted from when it began, and may begin with the very fact that changes it."""
    old, new = moved.data["old_deadline"], moved.data["new_deadline"]
    return Effect(
        clock=moved.key.subject,
        run=watched.wait.run if watched.wait else len(watched.waits) + 1,
        how=FROM_START,
        rule=str(moved.data["rule"]),
        old_deadline=None if old is None else str(old),
        new_deadline=None if new is None else str(new),
    )
