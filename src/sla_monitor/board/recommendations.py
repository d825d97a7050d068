"""Downgrades that were recommended and wait for a person."""

from __future__ import annotations

from typing import Any

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


def of(case: Case, packs: Packs) -> list[Downgrade]:
    """Of a case that is loaded. Its evidence is decided once more, as the notice said it; it is empty once the facts
    that it rests on are folded for good.
    """
    state = case.state
    if state is None or not state.silence.open:
        return []
    watched = watch(case, packs, case.decided_to)
    return [_told(case, state, each, watched) for each in state.silence.open]


def _told(case: Case, state: CaseState, found: Recommendation, watched: Watched | None) -> Downgrade:
    key = n.Key(state.generation, found.rule, n.DOWNGRADE_RECOMMENDED, found.occasion)
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
