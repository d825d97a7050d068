"""One idea: one case's story, told in the order of time, with what should have been said at each point.

Facts are walked in order. Between two of them time passes and decides what is due up to and including the later one's
instant; only then does the fact change anything.

Over 300 lines: a story is told in one place, in the order in which it happens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sla_monitor.oracle import effort
from sla_monitor.oracle.clock import Face, History, Snapshot, changed, face, moved
from sla_monitor.oracle.coverage import Service, service
from sla_monitor.oracle.effort import Work
from sla_monitor.oracle.events import Event
from sla_monitor.oracle.hours import END_OF_CALENDARS
from sla_monitor.oracle.plan import SECOND, Plan, Rule, duration, many
from sla_monitor.oracle.reopening import checked
from sla_monitor.oracle.silence import Recommended, Run, Silence, downgrade_of, due, limit_of
from sla_monitor.oracle.standing import Standing, seconds, standing, written

TERMS = (
    *("severity", "plan", "access", "country", "subdivision", "timezone", "language"),
    *("accepts_english", "accepts_translation", "request", "release", "channel"),
    *("submitted_by", "has_subscription", "published_incident", "contact_verified", "traits"),
    *("customer", "product", "queue"),
)
ENDS = {"case.resolved", "case.closed", "case.cancelled"}
WAITS = {"case.waiting_on_customer", "case.resolution_proposed"}
SIGNS = {"case.customer_responded", "case.resolution_rejected"}
CHANGES = {
    "case.severity_changed": ("severity",),
    "case.plan_changed": ("plan",),
    "case.access_changed": ("access",),
    "case.language_changed": ("language", "accepts_english", "accepts_translation"),
    "case.location_changed": ("country", "subdivision", "timezone"),
    "case.cause_found": ("cause",),
    "case.labels_changed": ("customer", "product", "queue"),
    "case.traits_changed": ("traits", "traits_removed"),
    "case.contact_updated": ("contact_verified",),
}
WORK = {"case.work_started", "case.work_stopped", "case.effort_logged"}
RECOMMENDED = "severity.downgrade_recommended"


class Clock:
    """A response clock: what it shows now, what of that is still to be said."""

    def __init__(self, name: str, rule: Rule) -> None:
        self.name, self.rule = name, rule
        self.history: History = ()
        self.before_lowered: dict[str, tuple[History, int]] = {}  # by severity; and how many changes came before
        self.warnings: list[tuple[int, int]] = []
        self.overdue: list[tuple[int, int]] = []
        self.breached = False
        self.stopped = False
        self.by_time = False  # it was no fact that stopped it
        self.shown: Face | None = None  # None: it does not run, and has no verdict
        self.pauses: tuple[tuple[int, int], ...] = ()  # that are over
        self.paused: int | None = None  # since when it counts nothing
        self.restarted = 0  # when it last began to run once more

    def starts(self, kind: str) -> bool:
        return kind in self.rule.get("starts", ["case.opened"])


class Story:
    def __init__(self, plans: Sequence[Plan], opening: Event, published: Mapping[str, Standing]) -> None:
        self.plan, self.opening, self.published = plans[0], opening, published
        self.later = list(plans[1:])  # versions that will take the case over while it is open
        self.terms: dict[str, Any] = {name: opening.data.get(name) for name in TERMS}
        self.terms |= {"traits": set(opening.data.get("traits") or ()), "traits_removed": set(), "cause": None}  # type: ignore[call-overload]
        self.own: Mapping[str, float] = opening.data.get("targets") or {}  # type: ignore[assignment]
        self.said: list[tuple[Standing, Clock | None, bool]] = []  # with the clock, and whether time said it
        self.by_time = False
        self.ended = False
        self.generation = 1
        self.ended_at = self.closed_at = 0  # of this generation; 0: not yet
        self.was_proposed = False
        self.limits: set[str] = set()  # rules that a notice named
        self.silence: Silence | None = None
        self.run = Run()
        self.recommended: dict[str, Recommended] = {}  # by rule: of one rule only the latest waits for an answer
        self.awaits_proposal = False
        self.work, self.last = Work(), opening.at  # `last`: the instant up to which the story is told
        self.limit: Rule | None = None  # of effort
        self.held: list[str] = []  # severities from which the case was lowered
        self.changes: list[tuple[int, Mapping[str, Any]]] = []
        self.clocks = [Clock(name, rule) for name, rule in self.plan.clocks.items()]
        self.service = service(self.plan, self.terms, self.own)
        self._begin(opening.at, {"source": opening.source, "id": opening.id})

    def _begin(self, at: int, event: dict[str, str]) -> None:
        self.service = service(self.plan, self.terms, self.own)
        self._start_clocks(at)
        self._limit_effort(at)
        self._say_service(at, None)
        self._learn(at, None, event)

    @property
    def declined(self) -> bool:
        return self.service.declined is not None

    # Time

    def pass_time(self, until: int) -> None:
        """Everything due up to `until`, that instant included, in the order of instant and clock."""
        while True:
            waiting = [item for item in self._due() if item[0] <= until]
            if not waiting:
                self.last = max(self.last, until)
                return
            self.by_time = True
            first = min(waiting, key=lambda item: item[:3])
            self.last = max(self.last, first[0])
            first[3]()
            self.by_time = False

    def _due(self) -> list[tuple[int, str, int, Callable[[], None]]]:
        found: list[tuple[int, str, int, Callable[[], None]]] = []
        for clock in self.clocks:
            if clock.stopped or clock.shown is None or clock.paused is not None:
                continue
            name = clock.name
            if not clock.breached:
                found += [(at, name, 0, partial(self._warn, clock, (level, at))) for level, at in clock.warnings]
                found.append((clock.shown.deadline, name, 1, partial(self._breach, clock)))
            else:
                found += [(at, name, 2, partial(self._late, clock, (level, at))) for level, at in clock.overdue]
        at = due(self.plan, self.terms, self.silence) if self.silence and not self.ended else None
        if at is not None:
            found.append((at, self.plan.pack["commitment"]["name"], 3, partial(self._broken_by_silence, at)))
        at = effort.due(self.limit, self.work, self.last)
        if at is not None:
            found.append((at, self._best_effort, 4, partial(self._effort_levels, at)))
        if self.later and not self.ended:  # after all that is due at that instant: "~" sorts behind every name
            found.append((self.later[0].effective_from, "~", 5, self._taken_over))
        return found

    def _warn(self, clock: Clock, warning: tuple[int, int]) -> None:
        clock.warnings.remove(warning)
        level, at = warning
        left = self._shown(clock).promise.hours.between(at, self._shown(clock).deadline)
        self._say_clock("sla.warning", at, clock, level=level, remaining=seconds(left))

    def _breach(self, clock: Clock) -> None:
        clock.breached, clock.warnings = True, []
        self._say_clock("sla.breached", self._shown(clock).deadline, clock)

    def _late(self, clock: Clock, overdue: tuple[int, int]) -> None:
        clock.overdue.remove(overdue)
        level, at = overdue
        late = self._shown(clock).promise.hours.between(self._shown(clock).deadline, at)
        self._say_clock("sla.overdue", at, clock, level=level, late_by=seconds(late))

    # Facts

    def take(self, fact: Event) -> None:
        """What came before the opening counts as at the opening."""
        at = max(fact.at, self.opening.at)
        self.pass_time(at)
        if self.ended:
            self._take_of_ended(fact, at)
            return
        for clock in sorted(self.clocks, key=lambda clock: clock.name):
            if not self.declined:
                self._drive(clock, fact.type, at)
        event = {"source": fact.source, "id": fact.id}
        if fact.type in CHANGES:
            self._change(at, self._news(fact), event)
        elif fact.type in WORK:
            self._take_of_work(fact, at)
        elif fact.type == "case.script_submitted":
            self._take_script(at, event, tested=bool(fact.data["uat_tested"]))
        elif not self.declined:
            self._take_of_commitment(fact, at, event)
        if _is_proposal(fact):
            self.was_proposed = True
        if fact.type in ENDS:
            self._end(at)
            self.closed_at = at if fact.type == "case.closed" else 0

    def _take_of_ended(self, fact: Event, at: int) -> None:
        """Terms that change are noted; closing is remembered; a request to reopen is answered."""
        if fact.type in CHANGES:
            self.terms = {**self.terms, **self._news(fact)}
        elif fact.type == "case.closed" and not self.closed_at:
            self.closed_at = at
        elif fact.type == "case.reopen_requested" and self.plan.pack.get("reopening"):
            self._answer_reopening(fact, at)

    def _answer_reopening(self, fact: Event, at: int) -> None:
        rules = checked(
            self.plan.pack["reopening"],
            old=self.opening.data.get("fingerprint") or {},  # type: ignore[arg-type]
            new=fact.data["fingerprint"],  # type: ignore[arg-type]
            updated=bool(fact.data["new_update_installed"]),
            proposed=self.was_proposed,
            closed_at=self.closed_at or self.ended_at,
            at=at,
            zone=self.plan.calendar(self.terms).zone,
        )
        failed = [found["rule"] for found in rules if not found["ok"]]
        if failed:
            self._say("reopen.declined", at, str(failed[0]), {"rules": rules, "failed": failed})
            return
        self._begin_again()
        self._say("reopen.accepted", at, str(rules[0]["rule"]), {"rules": rules, "failed": []})
        while self.later and self.later[0].effective_from <= at:
            self.plan = self.later.pop(0)
        self.clocks = [Clock(name, rule) for name, rule in self.plan.clocks.items()]
        self._begin(at, {"source": fact.source, "id": fact.id})

    def _begin_again(self) -> None:
        """A new generation: all that was counted is counted anew; what the case is stays."""
        self.generation += 1
        self.ended, self.ended_at, self.closed_at = False, 0, 0
        self.limits, self.silence, self.run, self.recommended = set(), None, Run(), {}
        self.awaits_proposal, self.held, self.changes = False, [], []
        self.work, self.limit = Work(), None

    def _take_script(self, at: int, event: dict[str, str], *, tested: bool) -> None:
        """SP-COV-DATA: tested first, or not run."""
        scripts = self.plan.pack.get("scripts")
        if scripts and tested:
            self._say("script.accepted", at, scripts["rule"], {"script": event})
        elif scripts:
            self._say("script.declined", at, scripts["rule"], {"script": event, "advice": scripts["advice"]})

    def _take_of_work(self, fact: Event, at: int) -> None:
        if fact.type == "case.work_started":
            self.work.start(str(fact.data["engineer"]), at)
        elif fact.type == "case.work_stopped":
            self.work.stop(str(fact.data["engineer"]), at)
        else:
            self.work.logged += round(float(str(fact.data["minutes"])) * 60 * SECOND)
        self._effort_levels(at)

    def _take_of_commitment(self, fact: Event, at: int, event: dict[str, str]) -> None:
        if fact.type in WAITS:
            if self.silence is None:
                self._wait(at, event)
            if _is_proposal(fact):
                self._propose(at, event)
        elif fact.type in SIGNS:
            self._sign(at)
        elif fact.type == "case.contact_attempted":
            self._check_window(at, event, reached=bool(fact.data["reached"]))
            self._attempt(at, event, reached=bool(fact.data["reached"]))
        elif fact.type in {"case.downgrade_confirmed", "case.downgrade_declined"}:
            self._answer(at, event, str(fact.data["recommendation"]), confirmed=fact.type.endswith("confirmed"))

    def _news(self, fact: Event) -> dict[str, Any]:
        """A place is told as a whole; of a language what is absent stays as it was."""
        if fact.type == "case.traits_changed":
            return self._traits(fact)
        if fact.type == "case.contact_updated":
            return {"contact_verified": fact.data["verified"]}
        names = CHANGES[fact.type]
        whole = fact.type == "case.location_changed"
        return {name: fact.data.get(name) for name in names if whole or name in fact.data}

    def _traits(self, fact: Event) -> dict[str, Any]:
        """What is added and removed at once is removed (as the product does)."""
        add, remove = set(many(fact.data.get("add") or [])), set(many(fact.data.get("remove") or []))
        had = self.terms["traits"] | add
        gone = self.terms["traits_removed"] | (had & remove)
        return {"traits": had - remove, "traits_removed": gone - (had - remove)}

    def _drive(self, clock: Clock, kind: str, at: int) -> None:
        runs = clock.shown is not None and not clock.stopped
        if runs and kind in clock.rule["stops"]:
            self._stop(clock, at)
        elif runs and clock.paused is None and not clock.breached and kind in clock.rule.get("pauses", []):
            self._say_clock("sla.clock.paused", at, clock, deadline=None)
            clock.paused = at
        elif clock.paused is not None and kind in clock.rule.get("resumes", []):
            self._wake(clock, at)
            self._say_clock("sla.clock.resumed", at, clock)
        if kind == "case.opened" or not clock.starts(kind) or clock.name not in self.service.clocks:
            return
        if clock.shown is None or clock.stopped:
            self._start_again(clock, at)

    def _start_again(self, clock: Clock, at: int) -> None:
        if clock.stopped and not clock.by_time:
            clock.restarted = at
        clock.stopped = clock.breached = clock.by_time = False
        clock.pauses, clock.before_lowered, clock.shown = (), {}, None
        self._start_clock(clock, at)

    def _wake(self, clock: Clock, at: int) -> None:
        """The pause is over: its deadline is as much later as the pause was long."""
        if clock.paused is not None and clock.paused < at:
            clock.pauses = (*clock.pauses, (clock.paused, at))
        clock.paused, clock.shown = None, None
        self._wind(clock, at)

    def _stop(self, clock: Clock, at: int) -> None:
        if clock.paused is not None:
            self._wake(clock, at)
        clock.stopped = True
        shown = self._shown(clock)
        self._say_clock("sla.clock.stopped", at, clock)
        if at < shown.deadline:
            self._say_clock("sla.met", at, clock, remaining=seconds(shown.promise.hours.between(at, shown.deadline)))
        else:
            late = seconds(shown.promise.hours.between(shown.deadline, at))
            self._say_clock("sla.met", at, clock, remaining=0, late=True, late_by=late)

    def _end(self, at: int) -> None:
        for clock in self.clocks:
            if clock.shown and not clock.stopped:
                self._cancel(clock, at)
        self._break_silence(at)
        if self.limit:
            self._say_effort("sla.clock.stopped", at, self.limit)
        self.limit = None
        self.ended, self.ended_at = True, at

    def _cancel(self, clock: Clock, at: int) -> None:
        if clock.paused is not None:
            self._wake(clock, at)
        clock.stopped, clock.by_time = True, self.by_time
        self._say_clock("sla.clock.stopped", at, clock)
        if not clock.breached:  # else there is a verdict
            self._say_clock("sla.cancelled", at, clock)

    # Whether it is served

    def _start_clocks(self, at: int) -> None:
        for clock in self.clocks:
            if clock.name in self.service.clocks and clock.shown is None and clock.starts("case.opened"):
                self._start_clock(clock, at)

    def _start_clock(self, clock: Clock, at: int) -> None:
        clock.history = (Snapshot(at, "from_start", dict(self.terms), self.plan),)
        self._wind(clock, at)
        self._say_clock("sla.clock.started", at, clock)

    def _serve(self, at: int, before: Mapping[str, Any]) -> None:
        """Clocks that are no longer served end; one without a verdict may start anew, counted from then. `before`: the
        terms of the case until now, which a silence that ends was counted by.
        """
        self.service = service(self.plan, self.terms, self.own)
        for clock in self.clocks:
            if clock.shown is None or clock.name in self.service.clocks:
                continue
            if not clock.stopped:
                self._cancel(clock, at)
                if not clock.breached:
                    clock.stopped, clock.by_time, clock.shown, clock.pauses = False, False, None, ()
            clock.before_lowered = {}
        if self.declined:
            self._break_silence(at, before)
            self.run, self.recommended, self.held, self.awaits_proposal = Run(), {}, [], False
        self._start_clocks(at)

    def _say_service(self, at: int, before: Service | None) -> None:
        now = self.service
        if now.declined:
            if before is None or before.declined != now.declined:
                kind, rule = now.declined
                self._say(kind, at, rule, {"advice": now.advice})
            return
        for limit in (*now.limits, *([self.limit] if self.limit else [])):
            self._say_limited(at, limit["rule"], limit["advice"])
        languages = self.plan.pack["languages"]
        if self.plan.limited(self.terms):
            self._say_limited(at, languages["limited_rule"], languages["limited_advice"])

    def _say_limited(self, at: int, rule: str, advice: str) -> None:
        if rule not in self.limits:
            self.limits.add(rule)
            self._say("coverage.limited", at, rule, {"advice": advice})

    # Changes of terms

    def _change(self, at: int, news: Mapping[str, Any], event: dict[str, str] | None) -> None:
        if all(self.terms.get(name) == value for name, value in news.items()):
            return
        old, was_due = dict(self.terms), due(self.plan, self.terms, self.silence) if self.silence else None
        old_limit = limit_of(self.plan, old)
        self.terms = {**self.terms, **news}
        before = self.service
        self._serve(at, old)
        if before.declined or self.declined:
            self._limit_effort(at)
            self._say_service(at, before)
            self._learn(at, None, event)
            return
        step = self._step(old["severity"], self.terms["severity"])
        restored = step > 0 and self.terms["severity"] in self.held
        for clock in self.clocks:
            self._change_clock(clock, at, news, event, old=old["severity"], restored=restored)
        self.changes.append((at, news))
        if step:
            self.recommended = {}
        if step < 0:
            self.held.append(old["severity"])
        if restored:
            evidence = {"events": [event]}
            self._say(
                "severity.restored",
                at,
                self.plan.pack["commitment"]["restored_rule"],
                {"from": old["severity"], "to": self.terms["severity"], "evidence": evidence},
            )
        if self.silence:
            if limit_of(self.plan, self.terms) != old_limit or step:
                self.silence.changed_at = at
            self._say_moved_silence(at, was_due, event)
        self._limit_effort(at)
        self._say_service(at, before)
        self._learn(at, old, event)

    def _step(self, old: str, new: str) -> int:
        severities = list(self.plan.pack["severities"])
        return int(severities.index(old) - severities.index(new))

    def _change_clock(
        self, clock: Clock, at: int, news: Mapping[str, Any], event: dict[str, str] | None, *, old: str, restored: bool
    ) -> None:
        before = clock.history
        if clock.shown is None:
            return
        if restored and self.terms["severity"] in clock.before_lowered:
            rule = self.plan.pack["commitment"]["restored_rule"]
            clock.history = self._history_of(clock, self.terms["severity"])
        else:
            clock.history, rule = changed(self.plan, clock.rule, before, at, news)
        if self._step(old, self.terms["severity"]) < 0:
            clock.before_lowered[old] = (before, len(self.changes))
        if clock.stopped or clock.breached:
            return  # a verdict, once reached, is frozen
        self._show_moved(clock, at, rule, event)

    def _history_of(self, clock: Clock, severity: str) -> History:
        """That of a severity from which the case was lowered, with all that has changed since."""
        history, count = clock.before_lowered[severity]
        for then, others in self.changes[count:]:
            if "severity" not in others:
                history, _ = changed(self.plan, clock.rule, history, then, others)
        return history

    def _taken_over(self) -> None:
        """Another version of the plan: verdicts stand, what runs counts on as that version says of open cases."""
        at, before, old_limit = self.later[0].effective_from, self.service, None
        was_due = due(self.plan, self.terms, self.silence) if self.silence else None
        if not before.declined:
            old_limit = limit_of(self.plan, self.terms)
        histories = {
            id(clock): {each: self._history_of(clock, each) for each in clock.before_lowered} for clock in self.clocks
        }
        if service(self.later[0], self.terms, self.own).declined:
            self._break_silence(at)
        self.plan = self.later.pop(0)
        self._know_clocks()
        self._serve(at, self.terms)
        for clock in self.clocks:
            if clock.shown is None or clock.stopped or clock.breached or clock.history[-1].plan is self.plan:
                continue
            pauses = clock.pauses if clock.paused is None else (*clock.pauses, (clock.paused, END_OF_CALENDARS))
            for severity, history in histories[id(clock)].items():
                anew = moved(clock.name, history, self.plan, self.own, pauses)
                clock.before_lowered[severity] = (anew, len(self.changes))
            clock.history = moved(clock.name, clock.history, self.plan, self.own, pauses)
            self._show_moved(clock, at, "", None)
        if self.silence and not before.declined and not self.declined:
            if limit_of(self.plan, self.terms) != old_limit:
                self.silence.changed_at = at
            self._say_moved_silence(at, was_due, None)
        self._limit_effort(at)
        self._say_service(at, before)

    def _know_clocks(self) -> None:
        """By the rules of the version of today. One that it does not have is no longer served."""
        rules = self.plan.clocks
        for clock in self.clocks:
            clock.rule = rules.get(clock.name, {"starts": [], "stops": []})
        known = {clock.name for clock in self.clocks}
        self.clocks += [Clock(name, rule) for name, rule in rules.items() if name not in known]

    def _show_moved(self, clock: Clock, at: int, rule: str, event: dict[str, str] | None) -> None:
        if clock.paused is not None:
            self._change_paused(clock, at, rule, event)
            return
        deadline = self._shown(clock).deadline
        self._wind(clock, at)
        if self._shown(clock).deadline != deadline:
            self._say_moved(clock, at, rule, deadline, event)

    def _change_paused(self, clock: Clock, at: int, rule: str, event: dict[str, str] | None) -> None:
        """Nothing to move, unless it turns out that the deadline was before the pause, or that nothing of the target is
        left: then it was broken there, which ends the pause as well.
        """
        since = clock.paused
        if since is None:
            return
        for_ever = (*clock.pauses, (since, END_OF_CALENDARS))
        shown = face(clock.name, clock.history, self.own, for_ever)
        if shown.deadline > at:
            return
        if since < shown.deadline:
            clock.pauses = (*clock.pauses, (since, shown.deadline))
        clock.paused, clock.shown = None, None
        self._wind(clock, at)
        clock.warnings = []
        moved = {"old_deadline": None, "new_deadline": written(shown.deadline)}
        self._say_clock("sla.deadline.moved", at, clock, rule=rule, **moved, **_cause(event))

    def _wind(self, clock: Clock, at: int) -> None:
        """Show the history as it is now; levels that lie behind are not said, unless they lie behind the deadline."""
        old, clock.shown = clock.shown, face(clock.name, clock.history, self.own, clock.pauses)
        if old is None or old.deadline != clock.shown.deadline or _levels(clock, old) != _levels(clock, clock.shown):
            clock.warnings = [(level, then) for level, then in clock.shown.warnings if then > at]
        clock.overdue = list(clock.shown.overdue)

    # The customer's commitment

    def _wait(self, at: int, event: dict[str, str]) -> None:
        self.silence = Silence(at, event)
        self._say_commitment("sla.clock.started", at)

    def _sign(self, at: int) -> None:
        """A sign of the customer ends the silence and the run of attempts alike (the latter as the product does)."""
        self._break_silence(at)
        self.run, self.awaits_proposal = Run(), False

    def _break_silence(self, at: int, counted_by: Mapping[str, Any] | None = None) -> None:
        if self.silence:
            self._say_commitment("sla.clock.stopped", at, counted_by)
        self.silence = None

    def _attempt(self, at: int, event: dict[str, str], *, reached: bool) -> None:
        if reached:
            self._sign(at)
            return
        if not self.run.events:
            self.run.since = at
        self.run.events.append(event)
        needed = self.plan.pack["commitment"]["unreached_attempts"]
        if len(self.run.events) < needed or self.run.used or downgrade_of(self.plan, self.terms) is None:
            return
        if self.silence and self.silence.used:
            return  # one recommendation for a silence
        self.run.used = True
        if self.silence:
            self.silence.used = True
        evidence = {
            "broken_by": "attempts",
            "since": written(self.run.since),
            "attempts": len(self.run.events),
            "events": list(self.run.events),
        }
        self._broken(at, self.run.since, evidence, self.run.events[-1])

    def _broken_by_silence(self, at: int) -> None:
        silence = self.silence
        if silence is None:
            return
        limit = limit_of(self.plan, self.terms)
        silence.used = True
        evidence = {
            "broken_by": "silence",
            "since": written(silence.since),
            "silence_seconds": seconds(limit.hours.between(silence.since, at)),
            "limit_seconds": seconds(limit.length),
            "calendar": limit.hours.name,
            "events": [silence.event],
        }
        self._broken(at, silence.since, evidence, silence.event)

    def _broken(self, at: int, since: int, evidence: dict[str, Any], event: dict[str, str]) -> None:
        step = downgrade_of(self.plan, self.terms)
        if step is None:
            return
        self._lower(at, since, step, step["to"], evidence, event)

    def _lower(
        self, at: int, since: int, rule: Rule, to: str, evidence: dict[str, Any], event: dict[str, str] | None
    ) -> None:
        """SP-DOWN-MODE."""
        told = {"from": self.terms["severity"], "to": to, "evidence": evidence}
        if rule.get("mode", "recommend") == "recommend":
            self.recommended[rule["rule"]] = Recommended(rule["rule"], since, to)
            self._say(RECOMMENDED, at, rule["rule"], told)
        else:
            self._say("severity.downgraded", at, rule["rule"], told)
            self._change(at, {"severity": to}, None if self.by_time else event)

    # Facts that are grounds by themselves, and contact

    def _learn(self, at: int, old: Mapping[str, Any] | None, event: dict[str, str] | None) -> None:
        """Recommended at once on the fact: when it becomes true, or is so when the case begins to be served."""
        if self.declined:
            return
        rule = (self.plan.pack.get("contact") or {}).get("unverified_rule")
        if rule and not self.terms["contact_verified"] and (old is None or old["contact_verified"]):
            self._say("contact.unverified", at, rule, {"events": [event]})
        grounds = [each for each in self._grounds() if not each["on"].get("resolution_proposed")]
        now = dict(self.terms)
        for ground in grounds:
            if self.plan.first([{"when": ground["on"]}], now) and not (
                old is not None and self.plan.first([{"when": ground["on"]}], old)
            ):
                self._by_ground(at, ground, event)

    def _propose(self, at: int, event: dict[str, str]) -> None:
        """SP-DOWN-PROPOSED: once until the customer shows."""
        if self.awaits_proposal:
            return
        self.awaits_proposal = True
        for ground in self._grounds():
            if ground["on"].get("resolution_proposed"):
                self._by_ground(at, ground, event)

    def _grounds(self) -> list[Rule]:
        found: list[Rule] = self.plan.pack["commitment"].get("grounds") or []
        return found

    def _by_ground(self, at: int, ground: Rule, event: dict[str, str] | None) -> None:
        to = ground["steps"].get(self.terms["severity"])
        if to is not None and not self.declined:
            evidence = {"broken_by": "fact", "since": written(at), "events": [event]}
            self._lower(at, at, ground, to, evidence, event)

    def _check_window(self, at: int, event: dict[str, str], *, reached: bool) -> None:
        """SP-CONTACT-B, SP-CONTACT-C; hours are half open, at closing time it is closed."""
        windows = (self.plan.pack.get("contact") or {}).get("windows") or []
        rule = self.plan.first(windows, self.terms)
        if rule is None or rule["open"] == "always":
            return
        hours = self.plan.calendar(self.terms)
        opens_at, _ = next(hours.open_from(at), (END_OF_CALENDARS - 1, 0))
        if opens_at > at:
            window = {"calendar": hours.name, "opens_at": written(opens_at)}
            told = {"attempt": event, "reached": reached, "window": window}
            self._say("contact.outside_hours", at, rule["rule"], told)

    def _answer(self, at: int, event: dict[str, str], notice_id: str, *, confirmed: bool) -> None:
        """The id of any revision will do: what was published under it names the rule and the silence (ADR 0003)."""
        named = self.published.get(notice_id)
        if named is None or named.kind != RECOMMENDED:
            return
        asked = self.recommended.get(named.subject)
        if asked is None or asked.since != named.level:
            return
        del self.recommended[named.subject]
        if confirmed:
            evidence = {"recommendation": notice_id, "events": [event]}
            told = {"from": self.terms["severity"], "to": asked.to, "evidence": evidence}
            self._say("severity.downgraded", at, asked.rule, told)
            self._change(at, {"severity": asked.to}, event)

    # Best effort

    @property
    def _best_effort(self) -> str:
        return str((self.plan.pack.get("effort") or {}).get("name", "best_effort"))

    def _limit_effort(self, at: int) -> None:
        """The limit that the case has now; all that was worked counts, whenever."""
        old, new = self.limit, None if self.declined else effort.limit_of(self.plan, self.terms)
        self.limit = new
        same = old is not None and new is not None and old["rule"] == new["rule"] and old["limit"] == new["limit"]
        if old and not same:
            self._say_effort("sla.clock.stopped", at, old)
        if new and not same:
            self._say_effort("sla.clock.started", at, new)
        self._effort_levels(at)

    def _effort_levels(self, at: int) -> None:
        rule = self.limit
        for level, amount in effort.unsaid(rule, self.work) if rule else []:
            if rule is None or self.work.worked(at) < amount:
                return
            self.work.said.add((rule["rule"], level))
            told = {
                "worked_seconds": seconds(self.work.worked(at)),
                "limit_seconds": seconds(duration(rule["limit"])),
                "level": level,
                "advice": rule["advice"],
            }
            self._say_effort("effort.exhausted" if level == 100 else "effort.warning", at, rule, **told)  # noqa: PLR2004

    def _say_effort(self, kind: str, at: int, rule: Rule, **more: object) -> None:
        about = {
            "clock": self._best_effort,
            "deadline": None,
            "target_seconds": seconds(duration(rule["limit"])),
            "elapsed_seconds": seconds(self.work.worked(at)),
            "calendar": "24x7",
            "promised": False,
        }
        self._say(kind, at, rule["rule"], {**about, **more})

    # Words

    def _shown(self, clock: Clock) -> Face:
        if clock.shown is None:
            raise ValueError("a clock that was not wound")
        return clock.shown

    def standing(self, now: int) -> list[Standing]:
        """What time brings is said when the watermark is there; facts may be ahead of it, and count in their order all
        the same. A clock that a fact has stopped is decided at once, with all that led there (`docs/concepts.md`); one
        that time has stopped is not, for a fact from before may still come.

        Of silences the texts do not say it. As in the product, the end of the case decides one at once; where the
        customer only came back, what the silence brought waits for the watermark.
        """
        found: list[Standing] = []
        for notice, clock, by_time in self.said:
            is_closed = notice.generation < self.generation or self.ended
            by_fact = clock is not None and clock.stopped and not clock.by_time
            is_closed |= by_fact or (clock is not None and notice.at <= clock.restarted)
            if (not by_time or notice.at <= now or is_closed) and notice not in found:
                found.append(notice)  # twice within one instant, in the same words, is once
        return found

    def _say(
        self,
        kind: str,
        at: int,
        rule: str,
        more: Mapping[str, Any],
        clock: Clock | None = None,
        plan: Plan | None = None,
    ) -> None:
        data = {
            "case_id": self.opening.case_id,
            "generation": self.generation,
            "severity": self.terms["severity"],
            "plan": self.terms["plan"],
            "rule": rule,
            "policy": (plan or self.plan).policy,
            **more,
        }
        if kind not in (self.plan.pack.get("switched_off") or []):
            self.said.append((standing(kind, at, data), clock, self.by_time))

    def _say_clock(self, kind: str, at: int, clock: Clock, *, rule: str = "", **more: object) -> None:
        shown = self._shown(clock)
        about = {
            "clock": clock.name,
            "deadline": written(shown.deadline),
            "target_seconds": seconds(shown.promise.target),
            "elapsed_seconds": seconds(shown.elapsed(at)),
            "calendar": shown.promise.hours.name,
            "promised": shown.promise.promised,
        }
        self._say(kind, at, rule or shown.promise.rule, {**about, **more}, clock, shown.promise.plan)

    def _say_moved(self, clock: Clock, at: int, rule: str, old: int, event: dict[str, str] | None) -> None:
        new = written(self._shown(clock).deadline)
        self._say_clock(
            "sla.deadline.moved", at, clock, rule=rule,
            old_deadline=written(old), new_deadline=new, **_cause(event),
        )  # fmt: skip

    def _say_commitment(
        self, kind: str, at: int, counted_by: Mapping[str, Any] | None = None, /, **more: object
    ) -> None:
        terms = self.terms if counted_by is None else counted_by
        silence, limit = self.silence, limit_of(self.plan, terms)
        if silence is None:
            return
        deadline = due(self.plan, terms, silence)
        about = {
            "clock": self.plan.pack["commitment"]["name"],
            "deadline": None if deadline is None else written(deadline),
            "target_seconds": seconds(limit.length),
            "elapsed_seconds": seconds(limit.hours.between(silence.since, at)),
            "calendar": limit.hours.name,
            "promised": False,
        }
        self._say(kind, at, limit.rule, {**about, **more})

    def _say_moved_silence(self, at: int, old: int | None, event: dict[str, str] | None) -> None:
        new = due(self.plan, self.terms, self.silence) if self.silence else None
        if old != new:
            both = {name: None if value is None else written(value) for name, value in (("old", old), ("new", new))}
            self._say_commitment(
                "sla.deadline.moved", at,
                old_deadline=both["old"], new_deadline=both["new"], **_cause(event),
            )  # fmt: skip


def _levels(clock: Clock, shown: Face) -> list[int]:
    """Of warnings, by the version that it shows."""
    return list(shown.promise.plan.clocks[clock.name].get("warnings") or [])


def _is_proposal(fact: Event) -> bool:
    return fact.type == "case.resolution_proposed" or (
        fact.type == "case.waiting_on_customer" and fact.data["reason"] == "proposed_resolution"
    )


def _cause(event: dict[str, str] | None) -> dict[str, object]:
    """An event, or a rule of the pack that time has set off (an automatic downgrade after a silence)."""
    return {"cause": "policy"} if event is None else {"cause": "event", "event": event}


def tell(
    plans: Sequence[Plan], opening: Event, facts: Sequence[Event], now: int, published: Mapping[str, Standing]
) -> list[Standing]:
    """`plans`: the version of the opening, and those that take open cases over later."""
    story = Story(plans, opening, published)
    for fact in facts:
        story.take(fact)
    story.pass_time(now)
    return story.standing(now)
