"""What a change of a case did to each run of a clock that was there, and to those that it made."""

from __future__ import annotations

from dataclasses import replace

from sla_monitor.core import clock as clocks
from sla_monitor.core import notices as n
from sla_monitor.core.clock import Breached, ClockState, Paused, Running, Step, Stopped
from sla_monitor.core.explain.seen import ENDED, RESTORED, STANDS, STARTED, Effect, Watched
from sla_monitor.core.notices import Intent
from sla_monitor.core.policy import ClockPolicy
from sla_monitor.core.profile import Profile


def effects_of(
    watched: Watched,
    before: dict[str, ClockState],
    old: Profile,
    held: dict[str, dict[str, tuple[Step, ...]]],
    made: list[Intent],
) -> tuple[Effect, ...]:
    """Noted before the runs themselves: `watched` still has them as they were, its state is what they are now."""
    state, policy = watched.state, watched.policy
    kinds = {(each.key.subject, each.key.kind) for each in made}
    restored = held.get(state.profile.severity, {}) if any(kind == n.RESTORED for _, kind in kinds) else {}
    found = []
    for clock in policy.clocks:
        was, now, life = before.get(clock.name), state.clocks.get(clock.name), watched.life(clock.name)
        due_at = now.measure.due_at if isinstance(now, Running | Breached) else None
        ends = (clock.name, n.CLOCK_STOPPED) in kinds
        starts = [each for each in made if (each.key.subject, each.key.kind) == (clock.name, n.CLOCK_STARTED)]
        if life is not None and was is not None and not (starts and isinstance(was, Stopped)):
            old_due = None if isinstance(was, Paused) else life.measure.due_at
            new_due = old_due if ends or due_at is None else due_at
            if ends:
                how, rule = ENDED, ""
            elif not isinstance(was, Running | Paused):
                how, rule = STANDS, ""
            elif clock.name in restored:
                how, rule = RESTORED, policy.commitment.restored_rule
            else:
                direction = clocks.direction(policy, clock, old, state.profile)
                how, rule = direction.how, direction.rule
            found.append(
                Effect(clock=clock.name, run=life.run, how=how, rule=rule, old_due_at=old_due, new_due_at=new_due)
            )
        if starts:
            found += _of_new_run(watched, clock, starts[0], old, due_at)
    found += [
        _of_silence(watched, intent)
        for intent in made
        if (intent.key.subject, intent.key.kind) == (policy.commitment.name, n.DEADLINE_MOVED)
    ]
    return tuple(found)


def _of_new_run(
    watched: Watched, clock: ClockPolicy, started: Intent, old: Profile, due_at: int | None
) -> tuple[Effect, ...]:
    """It began for the case as it was; without a deadline now it was ended by the very change that it began with."""
    alone = clocks.measure(clock.name, (Step(at=started.at, profile=old, policy=watched.policy),)).due_at
    due_at, is_over = (alone, True) if due_at is None else (due_at, False)
    begun = Effect(
        clock=clock.name,
        run=watched.next_run(clock.name),
        how=STARTED,
        rule="",
        old_due_at=None,
        new_due_at=due_at,
    )
    return (begun, replace(begun, how=ENDED, old_due_at=due_at)) if is_over else (begun,)


def _of_silence(watched: Watched, moved: Intent) -> Effect:
    """A silence is always counted from when it began. One that began with this very fact had no limit before."""
    waiting, before = watched.state.silence.waiting, watched.wait
    return Effect(
        clock=moved.key.subject,
        run=before.run if before else len(watched.waits) + 1,
        how=clocks.FROM_START,
        rule=str(moved.data["rule"]),
        old_due_at=before.due_at if before else None,
        new_due_at=waiting.due_at if waiting else None,
    )
