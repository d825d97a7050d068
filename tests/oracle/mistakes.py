"""Mistakes that people make in such code, each as a change of one or two lines of ours.

What proves the worker right has to find each of them: the oracle those in a decision, also where versions of the
plan take open cases over, the simulated schedules those that need a crash, a rebalance or a backlog to show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

ORACLE, MOVES, SCHEDULES = "oracle", "oracle, versions changing", "schedules"


@dataclass(frozen=True, slots=True)
class Mistake:
    """`changes`: (text, what it becomes); each text stands in `file` (under src/sla_monitor) just once."""

    name: str
    file: str
    changes: tuple[tuple[str, str], ...]
    found_by: str = ORACLE


def _mistake(name: str, file: str, *changes: tuple[str, str], found_by: str = ORACLE) -> Mistake:
    return Mistake(name, file, changes, found_by)


MISTAKES: Final = (
    # versions that take open cases over
    _mistake(
        "a version breaks promises before it was there",
        "core/clock.py",
        ("if measure(clock, moved, pauses).due_at > at:", "if measure(clock, moved, pauses).due_at > 0:"),
        found_by=MOVES,
    ),
    _mistake(
        "what is due as a version takes over is decided by it",
        "core/case.py",
        ("if found is None or at < found[0]:", "if found is None or at <= found[0]:"),
        found_by=MOVES,
    ),
    _mistake(
        "a severity that returns brings the version before with it",
        "core/case.py",
        ("{clock: take_over(histories[clock])}", "{clock: histories[clock]}"),
        found_by=MOVES,
    ),
    _mistake(
        "a closed case is taken over while it is closed",
        "core/case.py",
        ("if self.moves and self.ended_at is None:", "if self.moves:"),
        found_by=MOVES,
    ),
    _mistake(
        "a reopened case goes on with the version that it was closed under",
        "core/case.py",
        ("while self.moves and self.moves[0].effective_from <= at:", "while self.moves and at < 0:"),
        found_by=MOVES,
    ),
    _mistake(
        "a verdict of one version is told as one of the next",
        "core/case.py",
        ("rule=rule or measure.terms.rule, policy=measure.policy", "rule=rule or measure.terms.rule"),
        found_by=MOVES,
    ),
    _mistake(
        "a case is taken over only once",
        "core/case.py",
        ("self.moves, self.profile = tuple(rest),", "self.moves, self.profile = (),"),
        found_by=MOVES,
    ),
    _mistake(
        "what led to a clock that time has stopped is said ahead of the watermark",
        "core/case.py",
        ("(isinstance(state, Stopped) and not state.by_time)", "isinstance(state, Stopped)"),
        found_by=MOVES,
    ),
    _mistake(
        "a paused clock that is left nothing is due when it goes on",
        "core/case.py",
        ("if due_at > at:", "if due_at > state.since:"),
        found_by=MOVES,
    ),
    _mistake(
        "a clock whose promise is broken in a pause is paused for good",
        "core/case.py",
        ("pauses = state.until(due_at)", "pauses = (*state.pauses, (state.since, HORIZON_END))"),
        found_by=MOVES,
    ),
    _mistake(
        "warnings stay those of the version before while the deadline stays",
        "core/case.py",
        ("if new.due_at == old.due_at and old.policy.clock(clock).warnings == levels:", "if new.due_at == old.due_at:"),
        found_by=MOVES,
    ),
    # calendars
    _mistake(
        "a target used up at closing lands at the next opening",
        "core/calendar.py",
        ("i = bisect_left(totals, target, i)", "i = bisect_right(totals, target, i)"),
    ),
    _mistake(
        "of an hour that comes twice in autumn, the second pass",
        "core/calendar.py",
        ("wall.replace(tzinfo=self._zone)", "wall.replace(tzinfo=self._zone, fold=1)"),
    ),
    _mistake(
        "the offset from UTC of the day's beginning holds for the whole day",
        "core/calendar.py",
        ("wall = datetime.fromordinal(ordinal) + timedelta(minutes=minute)", "wall = datetime.fromordinal(ordinal)"),
    ),
    _mistake(
        "holidays are open",
        "core/hours.py",
        ("if day in self.closed(day.year):", "if day in never_closed(day.year):"),
    ),
    _mistake(
        "open time up to an instant within hours counts to their end",
        "core/calendar.py",
        ("i = bisect_right(ends, end, i)", "i = bisect_right(ends, end, i + 1)"),
    ),
    _mistake(
        "every weekend is Saturday and Sunday",
        "config/calendars.py",
        ("dict.fromkeys(EVERY_DAY - weekend, rule.hours)", "dict.fromkeys(EVERY_DAY - {5, 6}, rule.hours)"),
    ),
    _mistake(
        "holidays of the subdivision are forgotten",
        "config/calendars.py",
        ("self._lookup, country, part, days.closed", "self._lookup, country, None, days.closed"),
    ),
    _mistake(
        "the case's own time zone is ignored",
        "config/calendars.py",
        ("zone_named(rule.timezone or timezone or entry.zone)", "zone_named(rule.timezone or entry.zone)"),
    ),
    _mistake(
        "the case's own time zone wins over that of the rule",
        "config/calendars.py",
        ("zone_named(rule.timezone or timezone or entry.zone)", "zone_named(timezone or rule.timezone or entry.zone)"),
    ),
    _mistake(
        "observed holidays are open",
        "config/holiday_dates.py",
        ("observed=kind.observed", "observed=False"),
    ),
    # what a pack may say of calendars
    _mistake(
        "a shift past midnight ends at midnight",
        "core/hours.py",
        ("for opens, closes in shifts if 0 < closes <= opens)", "for opens, closes in () if 0 < closes <= opens)"),
    ),
    _mistake(
        "a shift of a single date takes the place of the next day's hours",
        "core/hours.py",
        ("dated.get(after, otherwise(after)) + tomorrow", "tomorrow"),
    ),
    _mistake(
        "breaks are open",
        "core/hours.py",
        ("cuts = self.breaks.get(day, ())", "cuts: Hours = ()"),
    ),
    _mistake(
        "half days are open to their end",
        "core/hours.py",
        ("and day in self.early(day.year):", "and day in never_closed(day.year):"),
    ),
    _mistake(
        "hours that change for good change a day late",
        "core/hours.py",
        ("max(0, bisect_right(self.versions,", "max(0, bisect_left(self.versions,"),
        ("from bisect import bisect_right", "from bisect import bisect_left"),
    ),
    _mistake(
        "hours of a single date do not open a holiday",
        "config/calendars.py",
        ("(holidays(year) - rule.date_hours.keys())", "holidays(year)"),
    ),
    _mistake(
        "a week of its own knows the country's weekend",
        "config/calendars.py",
        ("weekly = weekly_shifts(shifts)", "weekly = weekly_shifts({day: shifts[day] for day in {*shifts} - weekend})"),
    ),
    _mistake(
        "closures without a zone are in UTC",
        "config/calendars.py",
        ("each.year(year).outages(zone)", "each.year(year).outages(zone_named('UTC'))"),
    ),
    _mistake(
        "an event that was cancelled closes all the same",
        "config/closures.py",
        ('str(event.get("STATUS")) != "CANCELLED" and str', "str"),
    ),
    # the deadline
    _mistake(
        "an answer at exactly the target is in time (<= for <)",
        "core/case.py",
        ("timer[0] <= until:", "timer[0] < until:"),
    ),
    _mistake(
        "a change at the instant of the breach still moves the deadline",
        "core/clock.py",
        ("if current.due_at <= step.at:", "if current.due_at < step.at:"),
    ),
    _mistake(
        "a raise may make the deadline later",
        "core/clock.py",
        ("due_at=min(raised.due_at, current.due_at)", "due_at=raised.due_at"),
    ),
    _mistake(
        "after a downgrade the target counts from the change",
        "core/clock.py",
        ("if change.how == FROM_START:", "if change.how == FROM_START and not policy:"),
    ),
    _mistake(
        "after a downgrade all terms count from the start, also those that changed before",
        "core/clock.py",
        ("profile = replace(step.profile, **news)", "profile = new"),
    ),
    _mistake(
        "a change of plan has no direction",
        "core/clock.py",
        ("by_rank = policy.plans.index(new.plan) - policy.plans.index(old.plan)", "by_rank = 0"),
    ),
    _mistake(
        "wider hours count as a restriction",
        "core/clock.py",
        (
            "by_rank = after.round_the_clock - before.round_the_clock",
            "by_rank = before.round_the_clock - after.round_the_clock",
        ),
    ),
    _mistake(
        "the case's own targets are ignored",
        "core/policy.py",
        ("if name == clock.name:", "if name == clock.name and not own:"),
    ),
    _mistake(
        "access by default counts as chosen",
        "core/profile.py",
        ("access=body.access,", 'access=body.access or ("24x7" if body.severity == "A" else None),'),
    ),
    _mistake(
        "accepting translation is not enough to count as English",
        "core/policy.py",
        ("profile.accepts_english or profile.accepts_translation or", "profile.accepts_english or"),
    ),
    _mistake(
        "a new language forgets that English was accepted",
        "core/profile.py",
        ("profile.accepts_english if english is None else english", "bool(english)"),
    ),
    _mistake(
        "who moves keeps the time zone of the old place",
        "core/case.py",
        (
            "country=country, subdivision=subdivision, timezone=timezone)\n",
            "country=country, subdivision=subdivision)\n",
        ),
    ),
    _mistake(
        "what happened before the opening counts at its own time",
        "core/case.py",
        ("at = max(fact.at, self.opened_at)", "at = fact.at"),
    ),
    # levels and verdicts
    _mistake(
        "a warning comes a moment early",
        "core/clock.py",
        ("budget = self.elapsed(self.due_at)", "budget = self.elapsed(self.due_at) - 1"),
    ),
    _mistake(
        "a deadline that did not move warns again",
        "core/case.py",
        ("old.policy.clock(clock).warnings == levels:", "not state.warnings:"),
    ),
    _mistake(
        "a deadline that moved keeps its old warnings",
        "core/case.py",
        ("warnings = new.levels(levels, at)", "warnings = state.warnings"),
    ),
    _mistake(
        "who answers late has met the target like anybody",
        "core/case.py",
        (
            "if isinstance(state, Breached):\n            verdict",
            "if isinstance(state, Running):\n            verdict",
        ),
    ),
    _mistake(
        "a cancelled clock that was breached is cancelled all the same",
        "core/case.py",
        (
            "if not isinstance(state, Breached):\n            self._say_of_clock(n.CANCELLED",
            "if state:\n            self._say_of_clock(n.CANCELLED",
        ),
    ),
    _mistake(
        "resolved is no answer",
        "core/case.py",
        (
            "driven = name in self.policy.driving and",
            'driven = name != "case.resolved" and name in self.policy.driving and',
        ),
    ),
    _mistake(
        "the first overdue level is left out",
        "core/case.py",
        (
            "overdue = measure.levels(measure.policy.clock(clock).overdue, measure.due_at)",
            "overdue = measure.levels(measure.policy.clock(clock).overdue, measure.due_at)[1:]",
        ),
    ),
    # the commitment
    _mistake(
        "a second wait begins the silence anew",
        "core/case.py",
        ("if not self._is_watched or self.silence.waiting is not None:", "if not self._is_watched:"),
        (
            "self.silence = s.begin(self.silence, at, fact.identity, self.policy.silence(self.profile))",
            (
                "self.silence = s.begin("
                "replace(self.silence, waiting=None), at, fact.identity, self.policy.silence(self.profile))"
            ),
        ),
    ),
    _mistake(
        "a new limit may have been broken before it held",
        "core/silence.py",
        (
            "due_at = max(now, terms.calendar.add(since, terms.limit))",
            "due_at = terms.calendar.add(since, terms.limit)",
        ),
    ),
    _mistake(
        "a sign of life closes the recommendation",
        "core/silence.py",
        ("return Silence(open=silence.open)", "return Silence()"),
    ),
    _mistake(
        "a sign of life does not end the run of attempts",
        "core/silence.py",
        ("return Silence(open=silence.open)", "return Silence(open=silence.open, attempts=silence.attempts)"),
    ),
    _mistake(
        "it takes four attempts",
        "core/silence.py",
        ("return len(silence.attempts) >= unreached_attempts", "return len(silence.attempts) > unreached_attempts"),
    ),
    _mistake(
        "attempts do not use up the silence they happened in",
        "core/silence.py",
        (
            "return replace(silence, waiting=waiting, attempts_used=True)",
            "return replace(silence, attempts_used=True)",
        ),
    ),
    _mistake(
        "attempts may recommend again and again",
        "core/silence.py",
        ("return replace(silence, waiting=waiting, attempts_used=True)", "return replace(silence, waiting=waiting)"),
    ),
    _mistake(
        "a severity had before is not restored",
        "core/case.py",
        ("restored = self.held.get(profile.severity) if lowered < 0 else None", "restored = None"),
    ),
    _mistake(
        "a restored severity forgets what else has changed",
        "core/case.py",
        ("self._change_held(old, at)", "pass"),
    ),
    _mistake(
        "a restored severity takes what has changed as if from the start",
        "core/case.py",
        (
            "return clocks.steps_after(self.policy, self.policy.clock(name), steps, profile, at)[0]",
            "return clocks.as_if_from_start(steps, steps[-1].profile, profile)",
        ),
    ),
    _mistake(
        "a change of severity leaves the recommendation open",
        "core/case.py",
        (
            "self._silence_under_new_terms(at, severity_changed=bool(lowered))",
            "self._silence_under_new_terms(at, severity_changed=False)",
        ),
    ),
    _mistake(
        "a silence counts round the clock whatever the hours",
        "core/policy.py",
        ("_, _, calendar = self._match_hours(profile)", "calendar = ALWAYS_OPEN"),
    ),
    _mistake(
        "that a language is not served is said at each change",
        "core/case.py",
        ("self.limits += (rule,)", "pass"),
    ),
    # coverage and eligibility
    _mistake(
        "of the rules of coverage the last one that matches wins",
        "core/policy.py",
        (
            "rule = next((rule for rule in rules if self._matches(rule.when, profile)), None)",
            "rule = next((rule for rule in reversed(rules) if self._matches(rule.when, profile)), None)",
        ),
    ),
    _mistake(
        "a case must have all the traits that a rule names",
        "core/policy.py",
        ("if allowed.isdisjoint(getattr(profile, name)):", "if not allowed.issubset(getattr(profile, name)):"),
    ),
    _mistake(
        "of who may not ask, also what for is looked at",
        "core/policy.py",
        (
            'if rule.outcome == "declined" or not clocks:',
            'if (rule.outcome == "declined" and kind == COVERAGE_DECLINED) or not clocks:',
        ),
    ),
    _mistake(
        "what is not promised is promised all the same",
        "core/policy.py",
        ("promised=promised and self.coverage_of(profile).promised,", "promised=promised,"),
    ),
    _mistake(
        "a case that is served later is served from its opening",
        "core/case.py",
        (
            "step = Step(at=at, profile=self.profile, policy=self.policy)",
            "step = Step(at=self.opened_at, profile=self.profile, policy=self.policy)",
        ),
    ),
    _mistake(
        "a case that is served no more keeps its clocks",
        "core/case.py",
        ("if name in served or isinstance(state, Stopped):", "if name or isinstance(state, Stopped):"),
    ),
    _mistake(
        "a breach is forgotten with the service",
        "core/case.py",
        ("if not isinstance(state, Breached):\n                del self", "if state:\n                del self"),
    ),
    _mistake(
        "support waits on the customer of a declined case",
        "core/case.py",
        ("return self.ended_at is None and not self.declined", "return self.ended_at is None"),
    ),
    _mistake(
        "with clocks that are not served what came before them stays",
        "core/case.py",
        ("self.silence, self.awaits_proposal = s.Silence(), False\n            self.held = {}", "pass"),
    ),
    # grounds and contact
    _mistake(
        "what is known of a case is a ground again at each change",
        "core/case.py",
        ("if ground not in known:", "if ground:"),
    ),
    _mistake(
        "a ground takes two steps at once",
        "core/case.py",
        ("to = ground.steps.get(self.profile.severity)", "to = [*ground.steps.values()][-1]"),
    ),
    _mistake(
        "each proposal of a resolution recommends anew",
        "core/case.py",
        ("if not self._is_watched or self.awaits_proposal:", "if not self._is_watched:"),
    ),
    _mistake(
        "of two recommendations only the later one can be answered",
        "core/silence.py",
        ("return replace(silence, open=(*others, recommendation))", "return replace(silence, open=(recommendation,))"),
    ),
    _mistake(
        "at closing time the customer may still be called",
        "core/case.py",
        ("not window.calendar.between(at, at + 1)", "not window.calendar.between(at - 1, at + 1)"),
    ),
    _mistake(
        "outside the window only an attempt that reached is a violation",
        "core/case.py",
        (
            "is_outside = window is not None and not",
            "is_outside = window is not None and attempt.reached and not",
        ),
    ),
    _mistake(
        "contact details are unverified at each change of the case",
        "core/case.py",
        (
            "if rule and not profile.contact_verified and (old is None or old.contact_verified):",
            "if rule and not profile.contact_verified:",
        ),
    ),
    # effort
    _mistake(
        "engineers at work at once count as one",
        "core/effort.py",
        (
            "return self.worked + len(self.engineers) * (now - self.counted_at)",
            "return self.worked + bool(self.engineers) * (now - self.counted_at)",
        ),
    ),
    _mistake(
        "a level of effort is reached a moment before it is",
        "core/effort.py",
        ("- (-missing // len(effort.engineers))", "+ missing // len(effort.engineers)"),
    ),
    _mistake(
        "what was worked before the limit held does not count",
        "core/case.py",
        (
            "        self.limit = new\n",
            "        self.limit = new\n        self.effort = e.Effort(counted_at=at) if old is None else self.effort\n",
        ),
    ),
    _mistake(
        "an engineer who starts twice begins anew",
        "core/case.py",
        (
            "case f.WorkStarted(engineer=engineer) if engineer not in before.engineers:",
            "case f.WorkStarted(engineer=engineer) if before.engineers != (engineer, engineer):",
        ),
        (
            "self.effort = e.started(before, engineer, at)",
            "self.effort = e.started(replace(before, counted_at=at), engineer, at)",
        ),
    ),
    _mistake(
        "minutes that are logged are noticed only with the next work",
        "core/case.py",
        (
            "self.effort = e.logged(before, more, at)\n                self._effort_reached(at)",
            "self.effort = e.logged(before, more, at)",
        ),
    ),
    _mistake(
        "a level of effort is said for one rule only",
        "core/effort.py",
        ("if (limit.rule, level) not in effort.said", "if level not in [each for _, each in effort.said]"),
    ),
    # scripts and reopening
    _mistake(
        "three months to the instant are not too late",
        "core/case.py",
        ("passed = {rule.months: at >= months_later(", "passed = {rule.months: at > months_later("),
    ),
    _mistake(
        "three months are counted in UTC",
        "core/times.py",
        (".astimezone(zone).replace(tzinfo=None)", ".replace(tzinfo=None)"),
    ),
    _mistake(
        "a day that the month does not have is in the next one",
        "core/times.py",
        ("day = min(wall.day, monthrange(year, month + 1)[1])", "day = min(wall.day, 28)"),
    ),
    _mistake(
        "a part of the fingerprint that one side lacks differs",
        "core/reopening.py",
        ("part in old and part in new and old[part] != new[part]", "old.get(part) != new.get(part)"),
    ),
    _mistake(
        "a refusal lists the first rule that failed",
        "core/case.py",
        ('"failed": failed}', '"failed": failed[:1]}'),
    ),
    _mistake(
        "a new error is a new incident without any fix",
        "core/reopening.py",
        ("is_asked = not rule.after_fix or", "is_asked = True or"),
    ),
    _mistake(
        "a reopened case goes on with the engineer time of before",
        "core/case.py",
        (
            "self.effort, self.limit, self.awaits_proposal = NOTHING_WORKED, None, False",
            "self.limit, self.awaits_proposal = None, False",
        ),
    ),
    _mistake(
        "what is due in a generation that is past waits for the watermark",
        "core/case.py",
        ("or key.generation < self.generation", "or False"),
    ),
    _mistake(
        "three months count from when the case was resolved",
        "core/case.py",
        ("since = self.ended_at if self.closed_at is None else self.closed_at", "since = self.ended_at"),
    ),
    _mistake(
        "a script is answered after the end too",
        "core/case.py",
        ("if self.ended_at is not None or not scripts.rule:", "if not scripts.rule:"),
    ),
    # general clocks and pauses
    _mistake(
        "a clock that was paused counts the pause",
        "core/clock.py",
        ("if pauses else terms", "if not pauses and policy_of else terms"),
        ("def without(terms: Terms", "policy_of = ()\n\n\ndef without(terms: Terms"),
    ),
    _mistake(
        "of a pause not the open time is left out but all of it",
        "core/clock.py",
        (
            "budget, start = budget - before, ends",
            "budget, start = budget - before + max(0, ends - begins - self.calendar.between(begins, ends)), ends",
        ),
    ),
    _mistake(
        "a clock that runs is started anew",
        "core/case.py",
        ("if not (before is None or isinstance(before, Stopped)):", "if isinstance(before, Breached):"),
    ),
    _mistake(
        "a clock starts before the same event stops it",
        "core/case.py",
        ("if name in clock.starts and name != OPENING:", "if name in clock.starts - clock.stops and name != OPENING:"),
    ),
    _mistake(
        "what an earlier run of a clock left waits for the watermark",
        "core/case.py",
        ("self.restarted[clock.name] = at", "pass"),
    ),
    _mistake(
        "a change during a pause forgets the pauses before",
        "core/case.py",
        ("steps, (*state.pauses, (state.since, HORIZON_END))).due_at", "steps, ((state.since, HORIZON_END),)).due_at"),
    ),
    # facts
    _mistake(
        "a withdrawal is ignored",
        "core/decide.py",
        (
            "return {(fact.body.source, fact.body.id) for fact in facts if isinstance(fact.body, FactWithdrawn)}",
            "return set()",
        ),
    ),
    _mistake(
        "a late fact is taken as if it had just happened",
        "core/decide.py",
        ("return fact.at >= state.fired_at and (not case.facts or fact.order > case.facts[-1].order)", "return True"),
    ),
    _mistake(
        "`sequence` is ignored",
        "core/facts.py",
        ("NO_SEQUENCE if self.sequence is None else self.sequence", "NO_SEQUENCE"),
    ),
    _mistake(
        "of two events with one id the last one counts",
        "core/decide.py",
        (
            'raise BadEvent("conflict", "the same source and id with other content")',
            "case.facts.remove(known); case.state = None; load(case, packs_of[0]); return False",
        ),
        ("def duplicate(case", "packs_of: list[Packs] = []\n\n\ndef duplicate(case"),
        (
            "    load(case, packs)\n    until = closed_until",
            "    packs_of[:] = [packs]\n    load(case, packs)\n    until = closed_until",
        ),
    ),
    _mistake(
        "what a late fact has made wrong stays said",
        "core/decide.py",
        ("gone, wanted = case.ledger.difference(wanted)", "gone, wanted = [], case.ledger.difference(wanted)[1]"),
    ),
    _mistake(
        "time does not fire at the watermark, only before it",
        "core/decide.py",
        ("i.by_timer and i.at > now and not", "i.by_timer and i.at >= now and not"),
    ),
    _mistake(
        "the offset of a time is ignored",
        "wire/rfc3339.py",
        (
            "datetime.fromisoformat(text.upper()) - _EPOCH",
            "datetime.fromisoformat(text.upper()).replace(tzinfo=UTC) - _EPOCH",
        ),
    ),
    _mistake(
        "the opening drops what waited for it",
        "core/decide.py",
        (
            "before, said = case.state, case.ledger.standing",
            "before, said = case.state, case.ledger.standing; case.facts = case.facts if before else [fact]",
        ),
    ),
    # the shard
    _mistake(
        "timers fire before the backlog is folded",
        "engine/shard.py",
        ("if following >= end:", "if following <= end:"),
        found_by=SCHEDULES,
    ),
    _mistake(
        "the watermark goes back to nothing when a partition is taken over",
        "engine/partition.py",
        (
            "self.row = rows.decode_partition(value) if value else PartitionRow()",
            "self.row = rows.decode_partition(value) if value else PartitionRow(); self.row.watermark = 0",
        ),
        found_by=SCHEDULES,
    ),
    _mistake(
        "records before the applied position are folded again",
        "engine/partition.py",
        ("if record.offset < self.next_offset:", "if record.offset < 0:"),
        found_by=SCHEDULES,
    ),
    _mistake(
        "a suspended shard trusts its memory whoever wrote meanwhile",
        "engine/transactional.py",
        ("return await self._log.high_watermark(self._state) <= self._state_end", "return True"),
        found_by=SCHEDULES,
    ),
    _mistake(
        "a gap in what was fetched is taken for empty",
        "engine/shard.py",
        ("if offset > following:", "if offset > following and not self._rewound:"),
        found_by=SCHEDULES,
    ),
    _mistake(
        "a refused write is not noticed",
        "engine/transactional.py",
        (
            "await asyncio.gather(*pending)",
            (
                "[one for one in await asyncio.gather(*pending, return_exceptions=True) "
                "if not isinstance(one, BaseException)]"
            ),
        ),
        found_by=SCHEDULES,
    ),
    _mistake(
        "the state is read before its last owner is fenced",
        "engine/transactional.py",
        ("await self._fence()\n        try:\n            self._state_end", "try:\n            self._state_end"),
        ('crash.point("open.verified")', 'await self._fence()\n        crash.point("open.verified")'),
        found_by=SCHEDULES,
    ),
    _mistake(
        "a row forgets which revisions were used",
        "wire/rows.py",
        ("last_revisions={_to_key(packed[:4]): packed[4] for packed in revisions}", "last_revisions={}"),
        found_by=SCHEDULES,
    ),
    _mistake(
        "a row forgets up to when its case was decided",
        "wire/rows.py",
        ("decided_to=decided_to,", "decided_to=0,"),
        found_by=SCHEDULES,
    ),
    _mistake(
        "a row forgets what was said",
        "wire/rows.py",
        ("standing=[_to_sent(packed) for packed in standing],", "standing=[],"),
        found_by=SCHEDULES,
    ),
)
