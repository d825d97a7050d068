"""One case as its facts make it: state that facts change and time advances. Both leave intents behind.

Order within one instant: what time brings is decided before what a fact of that instant changes. So a response at
exactly the deadline is late (SP-LT: strictly less), and a sign of life at exactly the limit comes too late.

The module is over 300 lines because the effects of all facts on one state belong side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, assert_never

from sla_monitor.core import clock as clocks
from sla_monitor.core import effort as e
from sla_monitor.core import facts as f
from sla_monitor.core import notices as n
from sla_monitor.core import silence as s
from sla_monitor.core.calendar import ALWAYS_OPEN, HORIZON_END
from sla_monitor.core.clock import Breached, ClockState, Measure, Paused, Pauses, Running, Step, Stopped
from sla_monitor.core.policy import OPENING, ClockPolicy, Coverage, EffortRule, Ground, Policy
from sla_monitor.core.profile import Profile, with_labels, with_language, with_traits
from sla_monitor.core.reopening import Closed, judged
from sla_monitor.core.times import iso, months_later, seconds

NOTHING_WORKED: Final = e.Effort()
MOVE: Final = "\x00"  # stands for the case itself where clocks stand by their names, none of which begins so
REVISIONS_TRIED_MAX = 32  # a recommendation is withdrawn and made again at most this often before its id is unknown


@dataclass(slots=True, kw_only=True)
class CaseState:
    """A case after some of its facts. Owned by one `Case`; what its fields hold is immutable, so a copy is shallow."""

    case_id: str
    policy: Policy
    opening: n.Identity
    opened_at: int
    profile: Profile
    moves: tuple[Policy, ...] = field(default=(), compare=False)  # versions that will take the case over, in order
    fingerprint: tuple[tuple[str, str], ...] = ()  # what a reopening is compared with
    generation: int = 1
    clocks: dict[str, ClockState] = field(default_factory=dict)
    # severity -> clock -> the history it would have had that severity not been lowered (SP-DOWN-BACK)
    held: dict[str, dict[str, tuple[Step, ...]]] = field(default_factory=dict)
    silence: s.Silence = field(default_factory=s.Silence)
    declined: bool = field(
        default=False, compare=False
    )  # not served: no clock runs, nobody is waited for; of an open case
    limits: tuple[str, ...] = ()  # rules that a coverage.limited of this generation named
    awaits_proposal: bool = False  # a resolution was proposed, and the customer has not shown since
    effort: e.Effort = NOTHING_WORKED
    limit: EffortRule | None = field(default=None, compare=False)  # of effort, as the profile of an open case has it
    was_proposed: bool = False  # a resolution, in whichever generation
    ended_at: int | None = None
    closed_at: int | None = None  # the first case.closed of this generation
    restarted: dict[str, int] = field(default_factory=dict)  # clock -> when it last began to run once more
    fired_at: int = 0  # the latest instant that time, not a fact, has decided
    applied_at: int = field(default=0, compare=False)  # of the last fact: what time decides before it came with it
    intents: list[n.Intent] = field(default_factory=list)  # made and not yet taken by the owner
    cause: f.Fact | None = None  # the fact being applied; None while time decides
    # While it is only made once more: what facts decided, and time up to here, was said. None: all is still to be said.
    said_to: int | None = field(default=None, compare=False)
    timer: tuple[int, str] | None = field(init=False, compare=False)  # (instant, clock) of what time brings next

    def __post_init__(self) -> None:
        self.timer = self._next_timer()

    def copy(self) -> CaseState:
        return replace(
            self,
            clocks=dict(self.clocks),
            held=dict(self.held),
            restarted=dict(self.restarted),
            intents=list(self.intents),
        )

    @property
    def next_at(self) -> int | None:
        """The next instant at which time alone changes something; None when only a fact can."""
        return self.timer[0] if self.timer else None

    def be_moved_by(self, versions: tuple[Policy, ...]) -> None:
        """These will take the case over, in this order, and no others. None does so before it was opened."""
        moves = tuple(each for each in versions if each.effective_from > self.opened_at)
        if moves != self.moves:
            self.moves = moves
            self.timer = self._next_timer()

    def _was_said(self, at: int) -> bool:
        """Asked before the words are put together: they cost most of a fold."""
        return self.said_to is not None and (self.cause is not None or at <= self.said_to)

    @property
    def _is_watched(self) -> bool:
        return self.ended_at is None and not self.declined

    def is_settled(self, intent: n.Intent) -> bool:
        """Whether facts have closed this run of its clock, the case or its generation: then its past is decided,
        wherever the watermark is.
        """
        key = intent.key
        is_past = self.ended_at is not None or key.generation < self.generation
        is_past = is_past or intent.at <= self.restarted.get(key.subject, 0)
        state = self.clocks.get(key.subject)
        return is_past or (isinstance(state, Stopped) and not state.by_time)

    # --- time -------------------------------------------------------------------------------------------------

    def advance(self, until: int) -> None:
        """Everything that time brings up to and including `until`, in the order (instant, clock)."""
        while (timer := self.timer) is not None and timer[0] <= until:
            self._fire(*timer)

    def advance_once(self) -> None:
        """What time brings next, and nothing else of that instant: for those who look on."""
        if self.timer is not None:
            self._fire(*self.timer)

    def _fire(self, at: int, name: str) -> None:
        self.cause = None
        self.fired_at = max(self.fired_at, at)
        if name == MOVE:
            self._move(at)
        elif name == self.policy.commitment.name:
            self._silence_due(at)
        elif name == self.policy.effort.name:
            self._effort_due(at)
        else:
            self._clock_due(name)
        self.timer = self._next_timer()

    def _next_timer(self) -> tuple[int, str] | None:
        found: tuple[int, str] | None = None
        for name, state in self.clocks.items():
            at = state.next_at
            if at is not None and (found is None or (at, name) < found):
                found = (at, name)
        at = self.silence.next_at
        if at is not None and (found is None or (at, self.policy.commitment.name) < found):
            found = (at, self.policy.commitment.name)
        at = e.next_at(self.effort, self.limit)
        if at is not None and (found is None or (at, self.policy.effort.name) < found):
            found = (at, self.policy.effort.name)
        if self.moves and self.ended_at is None:  # last: what is due at that instant is decided by the version before
            at = self.moves[0].effective_from
            if found is None or at < found[0]:
                found = (at, MOVE)
        return found

    def _clock_due(self, name: str) -> None:
        state = self.clocks[name]
        match state:
            case Running(warnings=((percent, at), *rest), measure=measure):
                self.clocks[name] = replace(state, warnings=tuple(rest))
                remaining = seconds(measure.remaining(at))
                self._say_of_clock(n.WARNING, name, measure, at, {"remaining": remaining}, level=percent)
            case Running(measure=measure):
                self._breach(name, measure, state.pauses)
            case Breached(overdue=((percent, at), *rest), measure=measure):
                self.clocks[name] = replace(state, overdue=tuple(rest))
                late_by = seconds(measure.late_by(at))
                self._say_of_clock(n.OVERDUE, name, measure, at, {"late_by": late_by}, level=percent)
            case Breached() | Paused() | Stopped():
                raise AssertionError(f"clock {name} fired with nothing due")
            case _:
                assert_never(state)

    def _breach(self, clock: str, measure: Measure, pauses: Pauses) -> None:
        overdue = measure.levels(measure.policy.clock(clock).overdue, measure.due_at)
        self.clocks[clock] = Breached(measure=measure, overdue=overdue, pauses=pauses)
        self._say_of_clock(n.BREACHED, clock, measure, measure.due_at)

    def _silence_due(self, at: int) -> None:
        waiting = self.silence.waiting
        if waiting is None:
            raise AssertionError("a silence fired that is not running")
        self.silence = s.used_by_silence(self.silence)
        evidence: dict[str, object] = {
            "broken_by": "silence",
            "since": iso(waiting.since),
            "silence_seconds": seconds(waiting.elapsed(at)),
            "limit_seconds": seconds(waiting.terms.limit),
            "calendar": waiting.terms.calendar.name,
            "events": [_reference(waiting.event)],
        }
        self._commitment_broken(at, waiting.since, evidence)

    # --- facts ------------------------------------------------------------------------------------------------

    def apply(self, fact: f.Fact) -> bool:
        """What one fact changes; False if nothing. A fact from before the opening counts as at the opening."""
        at = max(fact.at, self.opened_at)
        if problem_with(fact, self.policy):  # it came before the opening, which chose another version of the pack
            return False
        self.advance(at)
        self.cause, self.applied_at = fact, at
        changed = self._apply(fact, at)
        self.timer = self._next_timer()
        return changed

    def _apply(self, fact: f.Fact, at: int) -> bool:
        """Clocks first: whoever resolved a case has answered it."""
        name = f.NAMES[type(fact.body)]
        driven = name in self.policy.driving and self._drive(name, at)
        return self._follow(fact, at) or driven

    def _follow(self, fact: f.Fact, at: int) -> bool:  # noqa: C901, PLR0911, PLR0912 (one arm for each kind of fact)
        match fact.body:
            case f.Opened():
                self._open(at)
                return True
            case f.Closed():
                return self._end(at) | self._close(at)
            case f.Resolved():
                return self._end(at)
            case f.ReopenRequested():
                return self._reopen(fact.body, at)
            case f.ScriptSubmitted(uat_tested=uat_tested):
                return self._answer_script(at, uat_tested=uat_tested)
            case f.Cancelled():
                return self._end(at)
            case f.SeverityChanged(severity=severity):
                return self._change(replace(self.profile, severity=severity), at)
            case f.PlanChanged(plan=plan):
                return self._change(replace(self.profile, plan=plan), at)
            case f.AccessChanged(access=access):
                return self._change(replace(self.profile, access=access), at)
            case f.LanguageChanged():
                return self._change(with_language(self.profile, fact.body), at)
            case f.TraitsChanged():
                return self._change(with_traits(self.profile, fact.body), at)
            case f.CauseFound(cause=cause):
                return self._change(replace(self.profile, cause=cause), at)
            case f.LabelsChanged():
                return self._change(with_labels(self.profile, fact.body, self.policy.labels), at)
            case f.LocationChanged(country=country, subdivision=subdivision, timezone=timezone):
                place = replace(self.profile, country=country, subdivision=subdivision, timezone=timezone)
                return self._change(place, at)
            case f.WaitingOnCustomer(reason="proposed_resolution") | f.ResolutionProposed():
                return self._wait(fact, at) | self._proposed(at)
            case f.WaitingOnCustomer():
                return self._wait(fact, at)
            case f.CustomerResponded() | f.ResolutionRejected():
                return self._sign_of_life(at)
            case f.ContactAttempted():
                return self._attempted(fact, fact.body, at)
            case f.ContactUpdated(verified=verified):
                return self._change(replace(self.profile, contact_verified=verified), at)
            case f.WorkStarted() | f.WorkStopped() | f.EffortLogged():
                return self._work(fact.body, at)
            case f.DowngradeConfirmed(recommendation=recommendation):
                return self._confirm(recommendation, at)
            case f.DowngradeDeclined(recommendation=recommendation):
                return self._decline(recommendation)
            case _:
                return False  # kept as a fact; no rule of this version reads it

    def _open(self, at: int) -> None:
        coverage = self.policy.coverage_of(self.profile)
        self.declined = bool(coverage.declined_by)
        self._start_clocks(coverage, at)
        self._limit_effort(at)
        self._say_coverage(None, coverage, at)
        self._new_grounds(None, at)

    def _start_clocks(self, coverage: Coverage, at: int) -> None:
        """Clocks that the case is served by from its opening and that have not run yet in this generation."""
        for clock in coverage.clocks:
            if clock.name not in self.clocks and OPENING in clock.starts:
                self._start_clock(clock, at)

    def _start_clock(self, clock: ClockPolicy, at: int) -> None:
        step = Step(at=at, profile=self.profile, policy=self.policy)
        measure = clocks.measure(clock.name, (step,))
        warnings = measure.levels(clock.warnings, at)
        self.clocks[clock.name] = Running(steps=(step,), measure=measure, warnings=warnings)
        self._say_of_clock(n.CLOCK_STARTED, clock.name, measure, at)

    def _drive(self, name: str, at: int) -> bool:
        """What a type of event does to clocks: stop, pause or resume those that run, then start those that do not."""
        if not self._is_watched:
            return False
        driven = False
        for clock in self.policy.clocks:
            state = self.clocks.get(clock.name)
            if name in clock.stops and isinstance(state, Running | Breached | Paused):
                self._stop_clock(clock.name, state, at)
                driven = True
            elif name in clock.pauses and isinstance(state, Running):
                self.clocks[clock.name] = Paused(steps=state.steps, pauses=state.pauses, since=at)
                self._say_of_clock(n.CLOCK_PAUSED, clock.name, state.measure, at, {"deadline": None})
                driven = True
            elif name in clock.resumes and isinstance(state, Paused):
                self._resume(clock, state, at)
                driven = True
            if name in clock.starts and name != OPENING:
                driven |= self._start_once_more(clock, at)
        return driven

    def _start_once_more(self, clock: ClockPolicy, at: int) -> bool:
        """A clock that runs, or broke its promise and was not stopped since, is not started again."""
        before = self.clocks.get(clock.name)
        if not (before is None or isinstance(before, Stopped)):
            return False
        if clock not in self.policy.coverage_of(self.profile).clocks:
            return False
        if before is not None and not before.by_time:
            self.restarted[clock.name] = at
        self.held = {
            severity: {name: steps for name, steps in histories.items() if name != clock.name}
            for severity, histories in self.held.items()
        }
        self._start_clock(clock, at)
        return True

    def _stop_clock(self, clock: str, state: Running | Breached | Paused, at: int) -> None:
        measure = self._measure_of(clock, state, at)
        self.clocks[clock] = Stopped()
        self._say_of_clock(n.CLOCK_STOPPED, clock, measure, at)
        verdict: dict[str, object] = {"remaining": seconds(measure.remaining(at))}
        if isinstance(state, Breached):
            verdict |= {"late": True, "late_by": seconds(measure.late_by(at))}
        self._say_of_clock(n.MET, clock, measure, at, verdict)

    def _resume(self, clock: ClockPolicy, state: Paused, at: int) -> None:
        """The deadline is as much later as the pause was long, in open time."""
        measure = self._measure_of(clock.name, state, at)
        warnings = measure.levels(clock.warnings, at)
        self.clocks[clock.name] = Running(steps=state.steps, measure=measure, warnings=warnings, pauses=state.until(at))
        self._say_of_clock(n.CLOCK_RESUMED, clock.name, measure, at)

    def _measure_of(self, clock: str, state: Running | Breached | Paused, at: int) -> Measure:
        return clocks.measure(clock, state.steps, state.until(at)) if isinstance(state, Paused) else state.measure

    def _end(self, at: int) -> bool:
        """The case is over: clocks still running end without a verdict, nobody waits any longer."""
        if self.ended_at is not None:
            return False
        for name, state in self.clocks.items():
            if not isinstance(state, Stopped):
                self._end_clock(name, state, at)
        self._silence_over(at)
        self.silence = s.Silence()
        if self.limit is not None:
            self._say_of_effort(n.CLOCK_STOPPED, self.limit, at)
        self.effort, self.limit = replace(e.counted(self.effort, at), engineers=()), None
        self.ended_at = at
        return True

    def _end_clock(self, name: str, state: Running | Breached | Paused, at: int) -> None:
        """A clock ends without a verdict, if it has none yet."""
        measure = self._measure_of(name, state, at)
        self.clocks[name] = Stopped(by_time=self.cause is None)
        self._say_of_clock(n.CLOCK_STOPPED, name, measure, at)
        if not isinstance(state, Breached):
            self._say_of_clock(n.CANCELLED, name, measure, at)

    def _close(self, at: int) -> bool:
        """From here the months of SP-RE-3M count; for a case that was never closed, from its end."""
        if self.closed_at is not None:
            return False
        self.closed_at = at
        return True

    def _reopen(self, request: f.ReopenRequested, at: int) -> bool:
        """SP-RE-BUILD, SP-RE-SAME, SP-RE-NEW, SP-RE-3M: a refusal leaves the closed case as it was; otherwise a new
        generation begins, and the verdicts of those before stand.
        """
        rules = self.policy.reopening
        if self.ended_at is None or not rules:
            return False
        since = self.ended_at if self.closed_at is None else self.closed_at
        zone = self.policy.zone_for(self.profile.country, self.profile.timezone)
        passed = {rule.months: at >= months_later(since, rule.months, zone) for rule in rules if rule.months}
        closed = Closed(fingerprint=self.fingerprint, was_proposed=self.was_proposed, months_passed=passed)
        found = judged(rules, request, closed)
        failed = [rule for rule, holds in found if not holds]
        data = {"rules": [{"rule": rule, "ok": holds} for rule, holds in found], "failed": failed}
        if failed:
            self._say(n.REOPEN_DECLINED, failed[0], at, data)
            return True
        self.generation += 1
        self.clocks, self.held, self.limits, self.restarted = {}, {}, (), {}
        self.effort, self.limit, self.awaits_proposal = NOTHING_WORKED, None, False
        self.ended_at = self.closed_at = None
        self._say(n.REOPEN_ACCEPTED, found[0][0], at, data)
        while self.moves and self.moves[0].effective_from <= at:  # closed when they took over the open cases
            self._follow_next()
        self._open(at)
        return True

    def _answer_script(self, at: int, *, uat_tested: bool) -> bool:
        """SP-COV-DATA: in every open case, whatever it is about."""
        scripts = self.policy.scripts
        if self.ended_at is not None or not scripts.rule:
            return False
        script: dict[str, object] = {"script": self._cause_reference()}
        if uat_tested:
            self._say(n.SCRIPT_ACCEPTED, scripts.rule, at, script)
        else:
            self._say(n.SCRIPT_DECLINED, scripts.rule, at, script | {"advice": scripts.advice})
        return True

    # --- changes of what the case is promised -------------------------------------------------------------------

    def _change(self, profile: Profile, at: int) -> bool:
        old = self.profile
        if profile == old:
            return False
        self.profile = profile = self.policy.shared(profile)
        if self.ended_at is not None:
            return True
        before, after = self.policy.coverage_of(old), self.policy.coverage_of(profile)
        if before is not after and before.clocks != after.clocks:
            self._serve(after, at)
        if not (before.declined_by or after.declined_by):
            self._change_terms(old, at)
        self._limit_effort(at)
        self._say_coverage(before, after, at)
        self._new_grounds(None if before.declined_by else old, at)
        return True

    def _serve(self, coverage: Coverage, at: int) -> None:
        """Other clocks run from now on. One that is no longer served ends without a verdict, and starts anew should it
        be served again; a verdict stands. With the last of them goes what else was watched, and what was before it.
        """
        self.declined = bool(coverage.declined_by)
        served = {clock.name for clock in coverage.clocks}
        for name, state in list(self.clocks.items()):
            if name in served or isinstance(state, Stopped):
                continue
            self._end_clock(name, state, at)
            if not isinstance(state, Breached):
                del self.clocks[name]
        if self.declined:
            self._silence_over(at)
            self.silence, self.awaits_proposal = s.Silence(), False
            self.held = {}
        self.held = {
            severity: {name: steps for name, steps in histories.items() if name in served}
            for severity, histories in self.held.items()
        }
        self._start_clocks(coverage, at)

    def _change_terms(self, old: Profile, at: int) -> None:
        """Running deadlines move as the pack says."""
        profile = self.profile
        lowered = self.policy.rank(profile.severity) - self.policy.rank(old.severity)
        restored = self.held.get(profile.severity) if lowered < 0 else None
        if lowered > 0:
            running = {name: state.steps for name, state in self.clocks.items() if isinstance(state, Running | Paused)}
            self.held[old.severity] = running
        elif not lowered:
            self._change_held(old, at)
        for clock in self.policy.clocks:
            state = self.clocks.get(clock.name)
            if isinstance(state, Running | Paused):
                if restored is not None and clock.name in restored:
                    steps, rule = restored[clock.name], self.policy.commitment.restored_rule
                else:
                    steps, rule = clocks.steps_after(self.policy, clock, state.steps, profile, at)
                self._retarget(clock.name, state, steps, at, rule)
        if restored is not None:
            change = {"from": old.severity, "to": profile.severity, "evidence": {"events": [self._cause_reference()]}}
            self._say(n.RESTORED, self.policy.commitment.restored_rule, at, change)
        self._silence_under_new_terms(at, severity_changed=bool(lowered))

    def _change_held(self, old: Profile, at: int) -> None:
        """What changes while the severity is lowered changes the histories to return to, each as it would have then."""
        news = clocks.changed(old, self.profile)

        def after(name: str, steps: tuple[Step, ...]) -> tuple[Step, ...]:
            profile = replace(steps[-1].profile, **news)
            return clocks.steps_after(self.policy, self.policy.clock(name), steps, profile, at)[0]

        self.held = {
            severity: {name: after(name, steps) for name, steps in histories.items()}
            for severity, histories in self.held.items()
        }

    def _retarget_paused(self, clock: str, state: Paused, steps: tuple[Step, ...], at: int, rule: str) -> None:
        """There is no deadline to move, unless under the new terms it passed before the pause, or they leave nothing of
        the target: then it was broken, and a clock that broke its promise does not pause.
        """
        due_at = clocks.measure(clock, steps, (*state.pauses, (state.since, HORIZON_END))).due_at
        if due_at > at:
            self.clocks[clock] = replace(state, steps=steps)
            return
        pauses = state.until(due_at)
        measure = clocks.measure(clock, steps, pauses)
        self.clocks[clock] = Running(steps=steps, measure=measure, warnings=(), pauses=pauses)
        moved: dict[str, object] = {"old_deadline": None, "new_deadline": iso(measure.due_at)}
        self._say_of_clock(n.DEADLINE_MOVED, clock, measure, at, moved | self._cause(), rule=rule)

    def _retarget(self, clock: str, state: Running | Paused, steps: tuple[Step, ...], at: int, rule: str = "") -> None:
        """A deadline that lands in the past was broken then; time says so as soon as the watermark allows. One that
        does not move keeps its warnings, if the version in force has the same.
        """
        if isinstance(state, Paused):
            self._retarget_paused(clock, state, steps, at, rule)
            return
        old, new = state.measure, clocks.measure(clock, steps, state.pauses)
        levels = new.policy.clock(clock).warnings
        if new.due_at == old.due_at and old.policy.clock(clock).warnings == levels:
            self.clocks[clock] = replace(state, steps=steps, measure=new)
            return
        warnings = new.levels(levels, at)
        self.clocks[clock] = Running(steps=steps, measure=new, warnings=warnings, pauses=state.pauses)
        if new.due_at == old.due_at:
            return
        moved: dict[str, object] = {"old_deadline": iso(old.due_at), "new_deadline": iso(new.due_at)}
        self._say_of_clock(n.DEADLINE_MOVED, clock, new, at, moved | self._cause(), rule=rule)

    def _silence_under_new_terms(self, at: int, *, severity_changed: bool) -> None:
        if severity_changed:
            self.silence = replace(self.silence, open=())
        before = self.silence.waiting
        self.silence = s.under(self.silence, self.policy.silence(self.profile), at)
        after = self.silence.waiting
        if before is None or after is None or before.due_at == after.due_at:
            return
        moved = {"old_deadline": _iso_or_none(before.due_at), "new_deadline": _iso_or_none(after.due_at)}
        self._say_of_silence(n.DEADLINE_MOVED, after, at, moved | self._cause())

    def _follow_next(self) -> None:
        """The case is one of the next version of the pack from now on."""
        self.policy, *rest = self.moves
        self.moves, self.profile = tuple(rest), self.policy.shared(self.profile)

    def _move(self, at: int) -> None:
        """The next version takes the case over, as it says of open cases. Verdicts stand, running deadlines move. What
        was known of the case before is no new ground for a step down.
        """
        old, now = self.policy.coverage_of(self.profile), self.moves[0].coverage_of(self.profile)
        if now.declined_by:  # in the words of the version that it was counted by
            self._silence_over(at)
            self.silence = s.Silence()
        self._follow_next()
        self._serve(now, at)
        for name, state in list(self.clocks.items()):
            if isinstance(state, Running | Paused) and state.steps[-1].policy is not self.policy:
                self._take_over(name, state, at)
        if not (old.declined_by or now.declined_by):
            self._silence_under_new_terms(at, severity_changed=False)
        self._limit_effort(at)
        self._say_coverage(old, now, at)

    def _take_over(self, clock: str, state: Running | Paused, at: int) -> None:
        """Also the histories that its severity may return to."""
        pauses = (*state.pauses, (state.since, HORIZON_END)) if isinstance(state, Paused) else state.pauses
        take_over = partial(clocks.taken_over, clock, policy=self.policy, at=at, pauses=pauses)
        self.held = {
            severity: histories | {clock: take_over(histories[clock])} if clock in histories else histories
            for severity, histories in self.held.items()
        }
        self._retarget(clock, state, take_over(state.steps), at)

    def _say_coverage(self, before: Coverage | None, now: Coverage, at: int) -> None:
        """That a case is not served: each time it comes to that, and when it is for another rule. That it is served
        with less: once in a generation for each rule, that of its language (SP-LANG-TR) being one of its own.
        """
        if now.declined_by:
            if before is None or (before.declined_by, before.rule) != (now.declined_by, now.rule):
                self._say(now.declined_by, now.rule, at, {"advice": now.advice})
            return
        if now.limited:
            self._say_limited(now.rule, now.advice, at)
        if self.limit is not None:
            self._say_limited(self.limit.rule, self.limit.advice, at)
        if self.policy.language_is_limited(self.profile):
            languages = self.policy.languages
            self._say_limited(languages.limited_rule, languages.limited_advice, at)

    def _say_limited(self, rule: str, advice: str, at: int) -> None:
        if rule not in self.limits:
            self.limits += (rule,)
            self._say(n.COVERAGE_LIMITED, rule, at, {"advice": advice})

    # --- the customer's commitment ------------------------------------------------------------------------------

    def _attempted(self, fact: f.Fact, attempt: f.ContactAttempted, at: int) -> bool:
        """SP-CONTACT-B, SP-CONTACT-C: outside the window it is a violation, whatever else the attempt means."""
        if not self._is_watched:
            return False
        window = self.policy.window(self.profile)
        is_outside = window is not None and not window.calendar.between(at, at + 1)
        if window is not None and is_outside:
            opens_at = clocks.instant_after(window.calendar, at, 1) - 1
            said: dict[str, object] = {
                "attempt": _reference(fact.identity),
                "reached": attempt.reached,
                "window": {"calendar": window.calendar.name, "opens_at": iso(opens_at)},
            }
            self._say(n.CONTACT_OUTSIDE_HOURS, window.rule, at, said)
        if attempt.reached:
            return self._sign_of_life(at) or is_outside
        return self._unreached(fact, at)

    def _wait(self, fact: f.Fact, at: int) -> bool:
        if not self._is_watched or self.silence.waiting is not None:
            return False
        self.silence = s.begin(self.silence, at, fact.identity, self.policy.silence(self.profile))
        if self.silence.waiting is not None:
            self._say_of_silence(n.CLOCK_STARTED, self.silence.waiting, at)
        return True

    def _sign_of_life(self, at: int) -> bool:
        if not self._is_watched:
            return False
        there_was = self.silence.waiting is not None or bool(self.silence.attempts)
        self._silence_over(at)
        self.silence, self.awaits_proposal = s.sign_of_life(self.silence), False
        return there_was

    def _silence_over(self, at: int) -> None:
        if self.silence.waiting is not None:
            self._say_of_silence(n.CLOCK_STOPPED, self.silence.waiting, at)

    def _unreached(self, fact: f.Fact, at: int) -> bool:
        if not self._is_watched:
            return False
        self.silence = s.attempt(self.silence, at, fact.identity)
        can_follow = self.policy.silence(self.profile).downgrade is not None
        if can_follow and s.run_is_complete(self.silence, self.policy.commitment.unreached_attempts):
            attempts = self.silence.attempts
            self.silence = s.used_by_attempts(self.silence)
            evidence = {
                "broken_by": "attempts",
                "since": iso(attempts[0][0]),
                "attempts": len(attempts),
                "events": [_reference(event) for _, event in attempts],
            }
            self._commitment_broken(at, attempts[0][0], evidence)
        return True

    def _commitment_broken(self, at: int, occasion: int, evidence: dict[str, object]) -> None:
        downgrade = self.policy.silence(self.profile).downgrade
        if downgrade is None:
            return
        self._lower(downgrade.rule, downgrade.to, at, occasion, evidence, automatic=downgrade.automatic)

    def _new_grounds(self, old: Profile | None, at: int) -> None:
        """What has come to be known of the case is said and allows a step down, at once (SP-DOWN-RCA, -CUSTOM,
        SP-CONTACT-OK). `old` is None when it begins to be served: then all of it is new.
        """
        if self.declined:
            return
        profile, rule = self.profile, self.policy.contact.unverified_rule
        if rule and not profile.contact_verified and (old is None or old.contact_verified):
            self._say(n.CONTACT_UNVERIFIED, rule, at, {"events": [self._cause_reference()]})
        known = () if old is None else self.policy.grounds(old)
        for ground in self.policy.grounds(profile):
            if ground not in known:
                self._step_down(ground, at)

    def _proposed(self, at: int) -> bool:
        """SP-DOWN-PROPOSED: on the first proposal since the customer was last heard of."""
        self.was_proposed |= self.ended_at is None
        if not self._is_watched or self.awaits_proposal:
            return False
        self.awaits_proposal = True
        for ground in self.policy.commitment.grounds:
            if ground.proposed:
                self._step_down(ground, at)
        return True

    def _step_down(self, ground: Ground, at: int) -> None:
        to = ground.steps.get(self.profile.severity)
        if to is not None and self._is_watched:
            evidence: dict[str, object] = {"broken_by": "fact", "since": iso(at), "events": [self._cause_reference()]}
            self._lower(ground.rule, to, at, at, evidence, automatic=ground.automatic)

    def _lower(
        self, rule: str, to: str, at: int, occasion: int, evidence: dict[str, object], *, automatic: bool
    ) -> None:
        """SP-DOWN-MODE: at once, or as a recommendation that waits for an answer."""
        change = {"from": self.profile.severity, "to": to, "evidence": evidence}
        if automatic:
            self._say(n.DOWNGRADED, rule, at, change, level=occasion)
            self._change(replace(self.profile, severity=to), at)
            return
        recommendation = s.Recommendation(rule=rule, severity=self.profile.severity, to=to, occasion=occasion)
        self.silence = s.recommended(self.silence, recommendation)
        self._say(n.DOWNGRADE_RECOMMENDED, rule, at, change, level=occasion)

    def _confirm(self, recommendation: str, at: int) -> bool:
        found = self._open_recommendation(recommendation)
        if found is None:
            return False
        self.silence = s.answered(self.silence, found)
        evidence = {"recommendation": recommendation, "events": [self._cause_reference()]}
        change: dict[str, object] = {"from": found.severity, "to": found.to, "evidence": evidence}
        self._say(n.DOWNGRADED, found.rule, at, change, level=found.occasion)
        self._change(replace(self.profile, severity=found.to), at)
        return True

    def _decline(self, recommendation: str) -> bool:
        found = self._open_recommendation(recommendation)
        if found is None:
            return False
        self.silence = s.answered(self.silence, found)
        return True

    def _open_recommendation(self, notice: str) -> s.Recommendation | None:
        """The recommendation that waits for an answer of which this notice id is a revision. Which revision was sent
        depends on the order of arrival; what the answer means must not.
        """
        for found in self.silence.open:
            key = n.Key(self.generation, found.rule, n.DOWNGRADE_RECOMMENDED, found.occasion)
            ids = (n.notice_id(self.case_id, self.opening, key, revision) for revision in range(REVISIONS_TRIED_MAX))
            if notice in ids:
                return found
        return None

    # --- effort -------------------------------------------------------------------------------------------------

    def _work(self, body: f.WorkStarted | f.WorkStopped | f.EffortLogged, at: int) -> bool:
        """Counted from the opening on, whether or not a limit holds yet: it may turn out to."""
        if self.ended_at is not None:
            return False
        before = self.effort
        match body:
            case f.WorkStarted(engineer=engineer) if engineer not in before.engineers:
                self.effort = e.started(before, engineer, at)
            case f.WorkStopped(engineer=engineer) if engineer in before.engineers:
                self.effort = e.stopped(before, engineer, at)
            case f.EffortLogged(effort=more):
                self.effort = e.logged(before, more, at)
                self._effort_reached(at)
            case _:
                return False
        return True

    def _limit_effort(self, at: int) -> None:
        """Another limit, or none, holds from now on. What was worked before counts."""
        old, new = self.limit, self.policy.effort_limit(self.profile)
        if new is old:
            return
        self.limit = new
        goes_on = old is not None and new is not None and (old.rule, old.limit) == (new.rule, new.limit)
        if old is not None and not goes_on:
            self._say_of_effort(n.CLOCK_STOPPED, old, at)
        if new is not None and not goes_on:
            self._say_of_effort(n.CLOCK_STARTED, new, at)
        self._effort_reached(at)

    def _effort_reached(self, at: int) -> None:
        """Levels that a fact has reached at one blow."""
        limit, worked = self.limit, self.effort.worked_until(at)
        while limit and (level := e.next_level(self.effort, limit)) and worked >= e.amount(limit, level):
            self._effort_due(at)

    def _effort_due(self, at: int) -> None:
        limit = self.limit
        level = None if limit is None else e.next_level(self.effort, limit)
        if limit is None or level is None:
            raise AssertionError("effort fired without a limit")
        self.effort = e.told(self.effort, limit, level)
        kind = n.EFFORT_EXHAUSTED if level == e.WHOLE else n.EFFORT_WARNING
        worked = {"worked_seconds": seconds(self.effort.worked_until(at)), "limit_seconds": seconds(limit.limit)}
        self._say_of_effort(kind, limit, at, {**worked, "level": level, "advice": limit.advice}, level=level)

    def _say_of_effort(
        self, kind: str, limit: EffortRule, at: int, more: dict[str, object] | None = None, *, level: int = 0
    ) -> None:
        data: dict[str, object] = {
            "clock": self.policy.effort.name,
            "deadline": None,
            "target_seconds": seconds(limit.limit),
            "elapsed_seconds": seconds(self.effort.worked_until(at)),
            "calendar": ALWAYS_OPEN.name,
            "promised": False,
        }
        self._say(kind, self.policy.effort.name, at, data | (more or {}), level=level, rule=limit.rule)

    # --- saying it ----------------------------------------------------------------------------------------------

    def _cause(self) -> dict[str, object]:
        """Why a deadline moved: an event, or a rule of the pack that time has set off."""
        return {"cause": "event", "event": self._cause_reference()} if self.cause else {"cause": "policy"}

    def _say_of_clock(
        self,
        kind: str,
        clock: str,
        measure: Measure,
        at: int,
        more: dict[str, object] | None = None,
        *,
        level: int = 0,
        rule: str = "",
    ) -> None:
        if self._was_said(at):
            return
        data: dict[str, object] = {
            "clock": clock,
            "deadline": iso(measure.due_at),
            "target_seconds": seconds(measure.terms.target),
            "elapsed_seconds": seconds(measure.elapsed(at)),
            "calendar": measure.terms.calendar.name,
            "promised": measure.terms.promised,
        }
        if level:
            data["level"] = level
        data |= more or {}
        self._say(kind, clock, at, data, level=level, rule=rule or measure.terms.rule, policy=measure.policy)

    def _say_of_silence(self, kind: str, waiting: s.Waiting, at: int, more: dict[str, object] | None = None) -> None:
        if self._was_said(at):
            return
        clock = self.policy.commitment.name
        data: dict[str, object] = {
            "clock": clock,
            "deadline": _iso_or_none(waiting.due_at),
            "target_seconds": seconds(waiting.terms.limit),
            "elapsed_seconds": seconds(waiting.elapsed(at)),
            "calendar": waiting.terms.calendar.name,
            "promised": False,
        }
        self._say(kind, clock, at, data | (more or {}), rule=waiting.terms.rule)

    def _say(
        self,
        kind: str,
        subject: str,
        at: int,
        data: Mapping[str, object],
        *,
        level: int = 0,
        rule: str = "",
        policy: Policy | None = None,
    ) -> None:
        if kind in self.policy.switched_off or self._was_said(at):
            return
        words = common(self, rule or subject, policy or self.policy)
        words.update(data)
        intent = n.Intent(
            key=n.Key(self.generation, subject, kind, level),
            at=at,
            data=words,
            by_timer=self.cause is None,
            backdated=self.cause is None and at < self.applied_at,
            traceparent=self.cause.traceparent if self.cause else None,
        )
        self.intents.append(intent)

    def _cause_reference(self) -> dict[str, str] | None:
        return _reference(self.cause.identity) if self.cause else None


def common(state: CaseState, rule: str, policy: Policy) -> dict[str, object]:
    """What every notice says. `policy`: the version that the rule is of."""
    return {
        "case_id": state.case_id,
        "generation": state.generation,
        "severity": state.profile.severity,
        "plan": state.profile.plan,
        "rule": rule,
        "policy": {"name": policy.name, "version": policy.version},
    }


def opened_by(
    case_id: str, fact: f.Fact, policy: Policy, moves: tuple[Policy, ...] = (), said_to: int | None = None
) -> CaseState:
    """The state of a case at its opening, before the opening itself is applied. ValueError if `fact` opens nothing."""
    body = fact.body
    if not isinstance(body, f.Opened):
        raise ValueError(f"{f.NAMES[type(body)]} does not open a case")  # noqa: TRY004 the type is of Body, the value not
    state = CaseState(
        case_id=case_id,
        policy=policy,
        opening=fact.identity,
        opened_at=fact.at,
        profile=policy.profile_of(body),
        fingerprint=body.fingerprint,
        said_to=said_to,
    )
    state.be_moved_by(moves)
    return state


def problem_with(fact: f.Fact, policy: Policy) -> str:
    """Why this pack cannot read the fact; empty if it can."""
    body = fact.body
    if isinstance(body, (f.Opened, f.SeverityChanged)) and body.severity not in policy.severities:
        return "severity is none of the pack's"
    if isinstance(body, (f.Opened, f.PlanChanged)) and body.plan not in policy.plans:
        return "plan is none of the pack's"
    if isinstance(body, (f.Opened, f.LocationChanged)) and body.country not in policy.countries:
        return "country is none of the pack's"
    return ""


def _reference(identity: n.Identity) -> dict[str, str]:
    return {"source": identity[0], "id": identity[1]}


def _iso_or_none(instant: int | None) -> str | None:
    return None if instant is None else iso(instant)
