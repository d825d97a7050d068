"""Everything about one case, made from its row.

Events are the facts of the row. Notices are those of its ledger, with the ids under which they were sent; what they
said is decided once more, as `explain` does. So a page costs one case, whatever is in the topics. What the row has
folded for good is not there any more: docs/board.md says from when on.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import fields
from typing import Any, Final

from sla_monitor.board import recommendations
from sla_monitor.board.clocks import clock, labels, standing
from sla_monitor.board.models import Calendar, CaseClock, CaseDetail, Clock, Event, Notice
from sla_monitor.core import facts as f
from sla_monitor.core import notices as n
from sla_monitor.core.calendar import HORIZON_END
from sla_monitor.core.case import CaseState
from sla_monitor.core.clock import Interrupted
from sla_monitor.core.decide import Case, withdrawn
from sla_monitor.core.explain.seen import Life, Watched
from sla_monitor.core.explain.trace import explain, fields_of
from sla_monitor.core.explain.watch import watch
from sla_monitor.core.facts import SECOND
from sla_monitor.core.policy import Packs
from sla_monitor.core.times import iso, seconds
from sla_monitor.wire import rfc3339

_OF_RETRACTIONS: Final = frozenset({"retracts", "retracted_type", "because", "because_source"})
INTERVALS_MAX: Final = 400  # open periods of the calendar that are drawn


Recalled = Callable[[str], n.Notice | None]  # a retraction by its id


def detail(case: Case, packs: Packs, now: int, recalled: Recalled) -> CaseDetail:
    """Of a case that is loaded. `words` are left to who knows how to tell them."""
    as_of = max(case.decided_to, 0)
    watched, trace = watch(case, packs, as_of), explain(case, packs, as_of)
    state = case.state
    stands = [] if state is None else [clock(case, state, each, packs, now) for each in standing(state)]
    return CaseDetail(
        now=iso(now),
        case=_facts_of(case, state, trace),
        clocks=_clocks(case, stands, trace, watched),
        downgrades=recommendations.of(case, packs),
        events=_events(case),
        notices=_notices(case, state, watched, recalled),
        explain=trace,
        words=[],
        calendar=None if watched is None else _calendar(watched, trace),
    )


def _facts_of(case: Case, state: CaseState | None, trace: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"case_id": case.case_id, "status": trace["status"], **labels(case)._asdict()}
    if state is None:
        return told
    known = {name: getattr(state.profile, name) for name in ("severity", "plan", "country", "language")}
    return {
        **fields_of(state.profile),
        **told,
        **known,
        "generation": state.generation,
        "policy": trace["policy"],
        "opened_at": iso(state.opened_at),
        "ended_at": None if state.ended_at is None else iso(state.ended_at),
        "as_of": trace["as_of"],
    }


# --- clocks -------------------------------------------------------------------------------------------------------


def _clocks(case: Case, stands: list[Clock], trace: dict[str, Any], watched: Watched | None) -> list[CaseClock]:
    """Those that stand, then those that have ended, the latest first."""
    if watched is None:
        return []
    lives = {(life["clock"], life["run"], life["generation"]): life for life in trace["clocks"]}
    runs = {name: (run, generation) for name, run, generation in lives}  # the last of each clock
    told = []
    for each in stands:
        life = lives.pop((each.clock, *runs[each.clock]), None) if each.clock in runs else None
        told.append(_standing(each, life))
    ended = sorted(lives.items(), key=lambda each: str(each[1]["ended_at"]), reverse=True)
    seen = {(life.clock, life.run, life.generation): life for life in watched.lives}
    return told + [_ended(case, life, seen[key], watched) for key, life in ended]


def _standing(stands: Clock, life: dict[str, Any] | None) -> CaseClock:
    verdict = {"state": "breached" if stands.state == "breached" else "running", "at": None}
    verdict = verdict if life is None else life["verdict"]
    return CaseClock(
        **stands.model_dump(exclude={"run"}),
        run=stands.run if life is None else life["run"],
        started_at=None if life is None else life["started_at"],
        ended_at=None,
        verdict=verdict["state"],
        verdict_at=verdict["at"],
    )


def _ended(case: Case, told: dict[str, Any], life: Life, watched: Watched) -> CaseClock:
    measure, state = life.measure, watched.state
    ended_at = rfc3339.parse_any(told["ended_at"]) if told["ended_at"] else watched.now
    return CaseClock(
        case_id=state.case_id,
        generation=life.generation,
        severity=measure.profile.severity,
        plan=measure.profile.plan,
        country=measure.profile.country,
        **labels(case)._asdict(),
        clock=life.clock,
        run=life.run,
        state="ended",
        promised=told["promised"],
        deadline=told["deadline"],
        remaining_seconds=(measure.due_at - ended_at) / SECOND,
        target_seconds=seconds(measure.terms.target),
        elapsed_seconds=seconds(measure.elapsed(max(ended_at, measure.anchor))),
        paused_since=None,
        pause_reason=None,
        rule=measure.terms.rule,
        clause=measure.policy.clauses.get(measure.terms.rule, ""),
        calendar=measure.terms.calendar.name,
        opened_at=iso(state.opened_at),
        started_at=told["started_at"],
        ended_at=told["ended_at"],
        verdict=told["verdict"]["state"],
        verdict_at=told["verdict"]["at"],
    )


# --- events -------------------------------------------------------------------------------------------------------


def _events(case: Case) -> list[Event]:
    void = withdrawn(case.facts)
    return [
        Event(
            time=iso(fact.at),
            type=f.NAMES[type(fact.body)],
            id=fact.id,
            source=fact.source,
            sequence=fact.sequence,
            withdrawn=fact.identity in void,
            data=_data(fact.body),
        )
        for fact in case.facts
    ]


def _data(body: f.Body) -> dict[str, Any]:
    """Under the names and in the units of the event, without what it left out."""
    told: dict[str, Any] = {}
    for each in fields(body):
        value = getattr(body, each.name)
        if value == each.default:
            continue
        match each.name:
            case "effort":
                told["minutes"] = value / f.MINUTE
            case "targets":
                told["targets"] = {name: seconds(target) for name, target in value}
            case "fingerprint":
                told["fingerprint"] = dict(value)
            case name:
                told[name] = list(value) if isinstance(value, tuple) else value
    return told


# --- notices ------------------------------------------------------------------------------------------------------


def _notices(case: Case, state: CaseState | None, watched: Watched | None, recalled: Recalled) -> list[Notice]:
    """What stands, by the instants that it is about, then what was taken back."""
    if state is None or watched is None:
        return []
    said = {(intent.key, intent.at): intent.data for intent, _ in watched.said}
    told = [_sent(case, state, each, said.get((each.key, each.at))) for each in case.ledger.standing]
    told.sort(key=lambda each: each.time or "")
    return told + _taken_back(case, state, recalled)


def _sent(case: Case, state: CaseState, sent: n.Sent, data: dict[str, object] | None) -> Notice:
    return Notice(
        time=iso(sent.at),
        type=sent.key.kind,
        id=n.notice_id(case.case_id, state.opening, sent.key, sent.revision),
        clock=None if data is None else _text(data.get("clock")),
        data=data,
    )


def _taken_back(case: Case, state: CaseState, recalled: Recalled) -> list[Notice]:
    """Earlier revisions than those that stand, each withdrawn by a notice of its own. The row does not keep what they
    said. Where history was folded for good a used revision does not tell that it was withdrawn.
    """
    if case.base is not None:
        return []
    standing_now = {(sent.key, sent.revision) for sent in case.ledger.standing}
    told: list[Notice] = []
    for key, last in case.ledger.last_revisions.items():
        for revision in range(last + 1):
            if (key, revision) not in standing_now:
                identity = n.notice_id(case.case_id, state.opening, key, revision)
                told += _pair(key, identity, recalled(n.retraction_id(identity)), state)
    return told


def _pair(key: n.Key, identity: str, by: n.Notice | None, state: CaseState) -> tuple[Notice, Notice]:
    """What was taken back, and what took it back; in the words of the latter, which repeats what the former said."""
    names = {each.name for each in state.policy.clocks}
    clock_name = key.subject if key.subject in names else None
    said = None if by is None else {name: value for name, value in by.data.items() if name not in _OF_RETRACTIONS}
    about = _text(said.get("deadline")) if said and key.kind == n.BREACHED else None
    taken_back = Notice(
        time=about, type=key.kind, id=identity, clock=clock_name, retracted_by=n.retraction_id(identity), data=said
    )
    retraction = Notice(
        time=None if by is None else iso(by.at),
        type=n.RETRACTED,
        id=n.retraction_id(identity),
        clock=clock_name,
        retracts=identity,
        data=None if by is None else by.data,
    )
    return taken_back, retraction


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


# --- the calendar -------------------------------------------------------------------------------------------------


def _calendar(watched: Watched, trace: dict[str, Any]) -> Calendar | None:
    """Of the clock that is under way and nearest to its deadline, or else of the last one."""
    if not watched.lives:
        return None
    under_way = [life for life in watched.lives if life.ended_at is None]
    life = min(under_way, key=lambda each: each.measure.due_at) if under_way else watched.lives[-1]
    told = next(each for each in trace["clocks"] if (each["clock"], each["run"]) == (life.clock, life.run))
    counted = life.measure.terms.calendar
    calendar = counted.calendar if isinstance(counted, Interrupted) else counted
    ends = [each.measure.due_at for each in watched.lives]  # of those that have ended too: they are drawn
    ends += [each.due_at for each in watched.waits if each.due_at is not None]
    last = min(max([watched.now, *ends]), HORIZON_END)
    periods = list(itertools.islice(calendar.periods(watched.state.opened_at, last), INTERVALS_MAX + 1))
    return Calendar(
        name=calendar.name,
        zone=told["counts"][told["decisive_count"]]["calendar"]["zone"],
        open=[(iso(opens), iso(closes)) for opens, closes in periods[:INTERVALS_MAX]],
        truncated=len(periods) > INTERVALS_MAX,
    )
