"""The explanation of a case as one document: `docs/explain.md` says what each part means.

Times are text in UTC, durations seconds, rules ids; each rule that is named is in `rules` with its sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sla_monitor.core import clock as clocks
from sla_monitor.core import facts as f
from sla_monitor.core import notices as n
from sla_monitor.core.clock import FROM_CHANGE, FROM_START, KEEP_ELAPSED, Breached, Paused, Running
from sla_monitor.core.decide import Case, withdrawn
from sla_monitor.core.explain import counts
from sla_monitor.core.explain.counting import Document
from sla_monitor.core.explain.seen import RESTORED, Change, Effect, Life, Wait, Watched
from sla_monitor.core.explain.watch import watch
from sla_monitor.core.policy import Packs, Policy
from sla_monitor.core.profile import Profile
from sla_monitor.core.times import iso, seconds

NEVER_OPENED, OPEN, DECLINED, ENDED = "never_opened", "open", "declined", "ended"
MODES = {FROM_START, FROM_CHANGE, KEEP_ELAPSED, RESTORED}  # what a change does to a deadline that it may move
_DOWNGRADES = (n.DOWNGRADE_RECOMMENDED, n.DOWNGRADED, n.RESTORED)


def explain(case: Case, packs: Packs, now: int) -> Document:
    """Everything that makes the deadlines of a case what they are, as of `now`, or its last event if later."""
    watched = watch(case, packs, now)
    if watched is None:
        void = withdrawn(case.facts)
        waiting = [{"at": iso(fact.at), "by": _event(fact)} for fact in case.facts if fact.identity not in void]
        return {"case_id": case.case_id, "status": NEVER_OPENED, "as_of": iso(now), "waiting_events": waiting}
    return _Telling(watched).document()


class _Telling:
    """One document in the making."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._policy: Policy = watched.policy

    def document(self) -> Document:
        watched, state = self._watched, self._watched.state
        status = ENDED if state.ended_at is not None else DECLINED if state.declined else OPEN
        told: Document = {
            "case_id": state.case_id,
            "status": status,
            "as_of": iso(watched.now),
            "opened_at": iso(state.opened_at),
            "ended_at": None if state.ended_at is None else iso(state.ended_at),
            "generation": state.generation,
            "policy": {"name": self._policy.name, "version": self._policy.version},
            "case": fields_of(state.profile),
            "coverage": self._coverage(state.profile),
            "clocks": [self._clock(life) for life in watched.lives],
            "silences": [self._silence(wait) for wait in watched.waits],
            "effort": self._effort(),
            "changes": [self._change(change) for change in watched.changes],
            "downgrades": list(self._downgrades()),
            "story": [_said(intent, fact) for intent, fact in watched.said],
            "history_folded_before": None if watched.folded_before is None else iso(watched.folded_before),
        }
        rules = sorted(set(_rules_in(told)))
        told["rules"] = {rule: found for rule in rules if (found := self._rule(rule))}
        return told

    def _rule(self, rule: str) -> Document:
        """Its sentence in the latest version that has it, and in earlier ones of the case where it was another one."""
        having = [each for each in reversed(self._watched.policies) if rule in each.clauses]
        if not having:
            return {}
        clause = having[0].clauses[rule]
        earlier = {each.version: each.clauses[rule] for each in having[1:] if each.clauses[rule] != clause}
        found = {"clause": clause, "origin": having[0].origins.get(rule, "ours")}
        return found | ({"earlier": earlier} if earlier else {})

    # --- clocks -------------------------------------------------------------------------------------------------

    def _clock(self, life: Life) -> Document:
        told = counts.of_life(life)
        self._name_changes(life, told)
        due_at = iso(life.measure.due_at)
        decisive = max(index for index, each in enumerate(told) if each["ends_at"] == due_at)
        running = life.state if life.ended_at is None else None
        to_come = running.warnings if isinstance(running, Running) else getattr(running, "overdue", ())
        return {
            "clock": life.clock,
            "run": life.run,
            "generation": life.generation,
            "started_at": iso(life.started_at),
            "started_by": _event(life.started_by),
            "ended_at": None if life.ended_at is None else iso(life.ended_at),
            "ended_by": _event(life.ended_by),
            "promised": life.measure.terms.promised,
            "counts": told,
            "pauses": _pauses(life),
            "deadline": None if life.ended_at is None and isinstance(life.state, Paused) else due_at,
            "decisive_count": decisive,
            "warnings": [
                {
                    "level": intent.key.level,
                    "at": iso(intent.at),
                    "kind": intent.key.kind,
                    "deadline": intent.data["deadline"],
                }
                for intent in life.said
                if intent.key.kind in {n.WARNING, n.OVERDUE}
            ],
            "warnings_to_come": [{"level": level, "at": iso(at)} for level, at in to_come],
            "verdict": _verdict(life),
        }

    def _name_changes(self, life: Life, told: list[Document]) -> None:
        """Which change each count is of: those of one instant in the order in which they happened."""
        unnamed = [
            (iso(change.at), index)
            for index, change in enumerate(self._watched.changes)
            if any(each.clock == life.clock and each.run == life.run and each.how in MODES for each in change.effects)
        ]
        told[0]["change"] = None
        for each in told[1:]:
            found = next((change for change in unnamed if change[0] == each["from"]), None)
            each["change"] = None if found is None else found[1]
            if found is not None:
                unnamed.remove(found)

    # --- the customer's side ------------------------------------------------------------------------------------

    def _silence(self, wait: Wait) -> Document:
        return {
            "clock": wait.policy.commitment.name,
            "run": wait.run,
            "since": iso(wait.since),
            "by": _event(wait.event),
            "count": counts.of_wait(wait) | {"change": None},
            "not_before": iso(wait.not_before),
            "deadline": None if wait.due_at is None else iso(wait.due_at),
            "verdict": _of_silence(wait),
        }

    def _downgrades(self) -> Iterator[Document]:
        for intent, fact in self._watched.said:
            if intent.key.kind in _DOWNGRADES:
                said = {name: intent.data[name] for name in ("rule", "from", "to", "evidence")}
                yield {"at": iso(intent.at), "type": intent.key.kind, **said, "by": _event(fact)}

    def _effort(self) -> Document | None:
        state = self._watched.state
        if state.limit is None:
            return None
        when = next(each.when for each in self._policy.effort.limits if self._policy.matches(each.when, state.profile))
        return {
            "rule": state.limit.rule,
            "because": counts.because(self._policy, when, state.profile),
            "limit_seconds": seconds(state.limit.limit),
            "worked_seconds": seconds(state.effort.worked_until(self._watched.now)),
            "advice": state.limit.advice,
        }

    # --- the case -----------------------------------------------------------------------------------------------

    def _coverage(self, profile: Profile) -> Document | None:
        found = self._policy.coverage_of(profile)
        if not found.rule:
            return None
        rules = (*self._policy.eligibility, *self._policy.coverage)
        matching = (each.when for each in rules if each.rule == found.rule and self._policy.matches(each.when, profile))
        outcome = "declined" if found.declined_by else "limited" if found.limited else "covered"
        return {
            "rule": found.rule,
            "outcome": outcome,
            "promised": found.promised and outcome != "declined",
            "because": counts.because(self._policy, next(matching), profile),
            "advice": found.advice,
        }

    def _change(self, change: Change) -> Document:
        old, news = change.old.profile, clocks.changed(change.old.profile, change.new)
        fields = {name: [_plain(getattr(old, name)), _plain(value)] for name, value in news.items()}
        if change.policy is not change.old.policy:
            fields["policy"] = [change.old.policy.version, change.policy.version]
        return {
            "at": iso(change.at),
            "by": _event(change.fact),
            "fields": fields,
            "effects": [_effect(each) for each in change.effects],
        }


def fields_of(profile: Profile) -> Document:
    """What is known of a case, without what it has not."""
    values = ((name, getattr(profile, name)) for name in Profile.__slots__)
    told = {name: _plain(value) for name, value in values if value not in (None, "", (), False)}
    return told | ({"targets": {name: seconds(own) for name, own in profile.targets}} if profile.targets else {})


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _effect(effect: Effect) -> Document:
    return {
        "clock": effect.clock,
        "run": effect.run,
        "how": effect.how,
        **({"rule": effect.rule} if effect.rule else {}),
        "old_deadline": effect.old_deadline,
        "new_deadline": effect.new_deadline,
    }


def _pauses(life: Life) -> list[Document]:
    """Without an end it goes on, as of the explanation."""
    return [
        {
            "from": iso(each.begins),
            "by": _event(each.begun_by),
            "to": None if each.ends is None else iso(each.ends),
            "ended_by": _event(each.ended_by),
        }
        for each in life.stretches
    ]


def _verdict(life: Life) -> Document:
    kinds = {intent.key.kind: intent for intent in life.said}
    met = kinds.get(n.MET)
    if met is not None:
        late = {"late_by_seconds": met.data["late_by"]} if met.data.get("late") else {}
        state = "met_late" if late else "met"
        return {"state": state, "at": iso(met.at), "remaining_seconds": met.data["remaining"], **late}
    if n.BREACHED in kinds or isinstance(life.state, Breached):
        return {"state": "breached", "at": iso(life.measure.due_at)}
    if n.CANCELLED in kinds:
        return {"state": "cancelled", "at": iso(kinds[n.CANCELLED].at)}
    if isinstance(life.state, Paused):
        return {"state": "paused", "at": iso(life.state.since)}
    return {"state": "running", "at": None}


def _of_silence(wait: Wait) -> Document:
    if wait.broken_at is not None:
        return {"state": "broken", "at": iso(wait.broken_at), "by": None}
    if wait.ended_at is not None:
        return {"state": "over", "at": iso(wait.ended_at), "by": _event(wait.ended_by)}
    state = "used_by_attempts" if wait.is_used else "waiting" if wait.due_at is not None else "nothing_follows"
    return {"state": state, "at": None, "by": None}


def _event(fact: f.Fact | None) -> Document | None:
    return None if fact is None else {"source": fact.source, "id": fact.id, "type": f.NAMES[type(fact.body)]}


def _said(intent: n.Intent, fact: f.Fact | None) -> Document:
    told = {"at": iso(intent.at), "type": intent.key.kind, "rule": str(intent.data["rule"]), "by": _event(fact)}
    return told | {name: intent.data[name] for name in ("advice", "failed") if name in intent.data}


def _rules_in(document: Any) -> Iterable[str]:
    if isinstance(document, dict):
        for name, value in document.items():
            if name == "rule" and isinstance(value, str):
                yield value
            else:
                yield from _rules_in(value)
    elif isinstance(document, list):
        for each in document:
            yield from _rules_in(each)
