"""Downgrades that were recommended and wait for a person."""

from __future__ import annotations

from typing import Any, Final

from sla_monitor.board.clocks import labels
from sla_monitor.board.models import Downgrade
from sla_monitor.core import notices as n
from sla_monitor.core.case import CaseState
from sla_monitor.core.decide import Case
from sla_monitor.core.explain.seen import Watched
from sla_monitor.core.explain.watch import watch
from sla_monitor.core.policy import Packs
from sla_monitor.core.silence import Recommendation
from sla_monitor.core.times import iso

CONFIRM: Final = "confirm"
DECLINE: Final = "decline"
OPEN: Final = "open"
OVER: Final = "over"  # answered, or withdrawn


def how_it_stands(case: Case, recommendation: str) -> str | None:
    """Of a notice id: `open`, `over`, or None where the case knows none of that id. Any revision of the notice is good,
    as for the event that answers it: which one was sent depends on the order in which events came.
    """
    state = case.state
    if state is None:
        return None
    waiting = {_key(state, each) for each in state.silence.open}
    last = dict.fromkeys(waiting, 0)
    for sent in case.ledger.standing:
        last[sent.key] = max(sent.revision, last.get(sent.key, 0))
    for key, revision in case.ledger.last_revisions.items():
        last[key] = max(revision, last.get(key, 0))
    for key, revision in last.items():
        if key.kind == n.DOWNGRADE_RECOMMENDED:
            ids = (n.notice_id(case.case_id, state.opening, key, each) for each in range(revision + 1))
            if recommendation in ids:
                return OPEN if key in waiting else OVER
    return None


def of(case: Case, packs: Packs) -> list[Downgrade]:
    """Of a case that is loaded. Its evidence is decided once more, as the notice said it; it is empty once the facts
    that it rests on are folded for good.
    """
    state = case.state
    if state is None or not state.silence.open:
        return []
    watched = watch(case, packs, case.decided_to)
    return [_told(case, state, each, watched) for each in state.silence.open]


def _key(state: CaseState, found: Recommendation) -> n.Key:
    return n.Key(state.generation, found.rule, n.DOWNGRADE_RECOMMENDED, found.occasion)


def _told(case: Case, state: CaseState, found: Recommendation, watched: Watched | None) -> Downgrade:
    key = _key(state, found)
    named = labels(case)
    sent = next((each for each in case.ledger.standing if each.key == key), None)
    said = [intent for intent, _ in watched.said if intent.key == key] if watched else []
    at = sent.at if sent is not None else said[-1].at if said else found.occasion
    evidence: Any = said[-1].data["evidence"] if said else {}
    return Downgrade(
        case_id=case.case_id,
        recommendation=n.notice_id(case.case_id, state.opening, key, sent.revision if sent is not None else 0),
        severity=state.profile.severity,
        plan=state.profile.plan,
        customer=named.customer,
        queue=named.queue,
        from_=found.severity,
        to=found.to,
        rule=found.rule,
        clause=state.policy.clauses.get(found.rule, ""),
        since=iso(at),
        evidence=evidence,
    )
