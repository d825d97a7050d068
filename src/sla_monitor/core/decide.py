"""Reconciliation: the facts of a case and the watermark say which notices should stand; the rest is a difference.

A fact that arrives in order takes the incremental path. Any other (late, withdrawing, withdrawn) folds the case anew
from its base; what was sent and no longer follows is retracted. Both paths end in the same standing notices, which a
property test holds.

`now` is the watermark: the instant up to which the case's partition is known to be complete. What time alone decides
is said when `now` has reached it, or when a fact has closed the clock it belongs to.

Over 300 lines: the two paths and the bounds of history must agree, and are read side by side.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from operator import attrgetter

from sla_monitor.core import notices as n
from sla_monitor.core.case import CaseState, common, opened_by, problem_with
from sla_monitor.core.clock import Stopped
from sla_monitor.core.facts import DAY, NO_SEQUENCE, Fact, FactWithdrawn, Opened, Order
from sla_monitor.core.notices import Identity, Intent, Ledger, Notice, Sent
from sla_monitor.core.policy import Packs
from sla_monitor.core.values import value
from sla_monitor.errors import BadEvent

AFTER_EVERY_SEQUENCE = 1 << 62
TWINS_MAX = 3  # openings of a case with the same content that are kept; a producer may retry under ever new ids
FACTS_MAX = 500  # a case; then the older half is folded into its base early

_by_order = attrgetter("order")
_by_time = attrgetter("at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How long history stays open. Durations in microseconds."""

    correction_horizon: int = 7 * DAY
    retention: int = 396 * DAY  # 13 months; never below the reopening window


@dataclass(slots=True, kw_only=True)
class Case:
    """One case: its facts since the base, in order, and what has been said. `state` is only a cache of the fold."""

    case_id: str
    facts: list[Fact] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)
    policy_key: str = ""  # the version of the pack that folding it begins with: that of its opening, or of its base
    base: CaseState | None = None  # facts up to `base_order`, folded for good
    base_order: Order | None = None
    folded_early: bool = False
    known_since: int = 0  # the watermark when it was first heard of
    decided_to: int = 0  # the watermark of its last decision
    state: CaseState | None = None
    pending: list[Intent] = field(default_factory=list)  # decided by the facts, not yet reached by the watermark


@value(frozen=True, slots=True, kw_only=True)
class Decision:
    """What follows from one fact or one wake-up."""

    notices: list[Notice]
    effect: str = ""  # "" or why nothing changed: duplicate, no_effect
    folded_early: int = 0
    is_known: bool = False  # the fact was there already: nothing to keep


def kept(case: Case) -> Case:
    """What is stored of it, as a copy that no later decision touches. On the path of every event: 2 us."""
    return Case(
        case_id=case.case_id,
        facts=case.facts[:],
        ledger=Ledger(case.ledger.standing[:], case.ledger.last_revisions.copy()),
        policy_key=case.policy_key,
        base=case.base,
        base_order=case.base_order,
        folded_early=case.folded_early,
        known_since=case.known_since,
        decided_to=case.decided_to,
    )


def fold(case: Case, fact: Fact, now: int, packs: Packs, bounds: Bounds) -> Decision:
    """Add one fact. BadEvent for a fact that cannot be taken (`conflict`, `too_late`, `invalid`): nothing changes."""
    load(case, packs)
    until = closed_until(case, now, bounds)
    if duplicate(case, fact, until):
        return Decision(notices=[], effect="duplicate", is_known=True)
    check(case, fact, packs, until)
    owed = cut_to_horizon(case, now, packs, bounds)
    if not case.facts and case.base is None:
        case.known_since = now
    is_twin = isinstance(fact.body, Opened) and case.state is not None
    fact = behind_its_twins(case, fact)
    in_order = is_in_order(case, fact)
    if case.facts and fact.order < case.facts[-1].order:
        insort(case.facts, fact, key=_by_order)
    else:
        case.facts.append(fact)
    decision = continue_with(case, fact, now) if in_order else fold_anew(case, fact, now, packs)
    notices, folded = fold_early(case, packs) if len(case.facts) > FACTS_MAX else ([], 0)
    if not (owed or folded or is_twin):
        return decision
    effect = "duplicate" if is_twin else decision.effect
    return Decision(notices=owed + decision.notices + notices, effect=effect, folded_early=folded)


def wake(case: Case, now: int, packs: Packs, bounds: Bounds) -> Decision:
    """Time has passed: what it decides, and what it closes for good."""
    load(case, packs)
    notices = send(case, take(case, now))
    case.decided_to = max(case.decided_to, now)
    return Decision(notices=notices + cut_to_horizon(case, now, packs, bounds))


def next_wake(case: Case, bounds: Bounds) -> int | None:
    """The next instant at which time alone changes something. Only for a case that is loaded."""
    state = case.state
    if state is None:
        return None
    instants = [intent.at for intent in case.pending]
    if (at := state.next_at) is not None:
        instants.append(at)
    if case.facts and state.ended_at is not None:  # then it shrinks to its base
        last = max(state.ended_at, case.facts[-1].at, case.known_since)
        instants.append(last + bounds.correction_horizon + 1)
    elif state.ended_at is not None:  # then it is forgotten
        instants.append(state.ended_at + bounds.retention)
    return min(instants, default=None)


def is_forgettable(case: Case, now: int, bounds: Bounds) -> bool:
    """Whether a case ended so long ago that nothing may refer to it any more."""
    state = case.state
    return state is not None and state.ended_at is not None and state.ended_at + bounds.retention <= now


# --- the two paths ------------------------------------------------------------------------------------------------


def load(case: Case, packs: Packs) -> None:
    """Fold what is known, if the cache is empty. What was said stays said: only what time has not yet decided is
    pending.
    """
    if case.state is not None:
        return
    state = refold(case, packs, said_to=case.decided_to)
    if state is None:
        return
    state.advance(case.decided_to)
    case.pending = unsaid(case.ledger, state.intents, packs)
    state.intents, state.said_to = [], None
    case.state = state


def unsaid(ledger: Ledger, intents: list[Intent], packs: Packs) -> list[Intent]:
    """Those of which nothing was sent, by what they are about and when: another release may word them otherwise. Where
    a version takes cases over, a fact of that instant may have said the same of its own, and the words must tell.
    """
    if not intents:
        return []
    sent = {(each.key, each.at) for each in ledger.standing}
    words = {(each.key, each.at, each.digest) for each in ledger.standing}
    instants = {policy.effective_from for policy in packs.moving}
    return [
        each
        for each in intents
        if (each.key, each.at) not in sent or (each.at in instants and (each.key, each.at, each.digest) not in words)
    ]


def is_in_order(case: Case, fact: Fact) -> bool:
    """Whether this fact only continues what is already folded."""
    if isinstance(fact.body, FactWithdrawn):
        return not any(known.identity == (fact.body.source, fact.body.id) for known in case.facts)
    state = case.state
    if state is None or isinstance(fact.body, Opened) or fact.identity in withdrawn(case.facts):
        return False
    return fact.at >= state.fired_at and (not case.facts or fact.order > case.facts[-1].order)


def continue_with(case: Case, fact: Fact, now: int) -> Decision:
    if case.state is None or isinstance(fact.body, FactWithdrawn):
        return Decision(notices=[], effect="no_effect")
    effect = case.state.apply(fact)
    fresh = take(case, now)
    case.decided_to = max(case.decided_to, now)
    return Decision(notices=send(case, fresh), effect="" if effect else "no_effect")


def fold_anew(case: Case, fact: Fact, now: int, packs: Packs) -> Decision:
    """The full path: what should stand against what was sent."""
    before, said = case.state, case.ledger.standing
    case.state = state = refold(case, packs)
    case.pending = []
    wanted = take(case, now) if state else []
    case.decided_to = max(case.decided_to, now)
    if before is not None and (state is None or state.opening != before.opening):
        gone = said
        case.ledger = Ledger()
    else:
        gone, wanted = case.ledger.difference(wanted)
        case.ledger.retire(gone)
    retracted = retractions(before, gone, words_of(case, gone, fact, packs), fact) if before and gone else []
    if state is None:
        case.policy_key = ""
    return Decision(notices=retracted + send(case, wanted, corrects=before is not None))


def words_of(case: Case, gone: Iterable[Sent], fact: Fact, packs: Packs) -> dict[Sent, dict[str, object]]:
    """What the withdrawn notices said. The ledger keeps only their digests, so they are decided once more without
    the fact that removed them.
    """
    facts = [known for known in case.facts if known is not fact]
    earlier = refold(replace(case, facts=facts), packs)
    if earlier is None:
        return {}
    earlier.advance(case.decided_to)
    made = {(intent.key, intent.at, intent.digest): intent.data for intent in earlier.intents}
    return {sent: made[found] for sent in gone if (found := (sent.key, sent.at, sent.digest)) in made}


def refold(case: Case, packs: Packs, said_to: int | None = None) -> CaseState | None:
    """The state that the known facts make; None while there is no opening. Intents since the base are left in it; with
    `said_to` only those that time decides later than that.
    """
    void = withdrawn(case.facts)
    active = [fact for fact in case.facts if fact.identity not in void and not isinstance(fact.body, FactWithdrawn)]
    if case.base is not None:
        state = case.base.copy()
        state.said_to = said_to
        state.be_moved_by(packs.moves_after(state.policy))
    else:
        opening = next((fact for fact in active if isinstance(fact.body, Opened)), None)
        if opening is None:
            return None
        state = opened(case, opening, packs, said_to)
    for fact in active:
        if not isinstance(fact.body, Opened):
            state.apply(fact)
    return state


def opened(case: Case, opening: Fact, packs: Packs, said_to: int | None = None) -> CaseState:
    """The case as its opening makes it, under the version that it began with."""
    policy = packs.named(case.policy_key) or packs.at(opening.at)
    case.policy_key = policy.key
    state = opened_by(case.case_id, opening, policy, packs.moves_after(policy), said_to)
    state.apply(opening)
    return state


def take(case: Case, now: int) -> list[Intent]:
    """Advance to `now` and take the intents that may be said; the others stay pending."""
    state = case.state
    if state is None:
        return []
    state.advance(now)
    made, state.intents = case.pending + state.intents, []
    case.pending = [i for i in made if i.by_timer and i.at > now and not state.is_settled(i)]
    if not case.pending:
        return made
    held = set(map(id, case.pending))
    return [intent for intent in made if id(intent) not in held]


# --- what is sent -------------------------------------------------------------------------------------------------


def send(case: Case, intents: Iterable[Intent], *, corrects: bool = False) -> list[Notice]:
    """Intents as notices, recorded in the ledger."""
    state = case.state
    if state is None:
        return []
    return [
        Notice(
            id=n.notice_id(case.case_id, state.opening, intent.key, revision),
            kind=intent.key.kind,
            case_id=case.case_id,
            at=intent.at,
            data=intent.data,
            by_timer=intent.by_timer and not intent.backdated,
            corrects=corrects,
            traceparent=intent.traceparent,
        )
        for intent in intents
        if (revision := case.ledger.add(intent)) is not None
    ]


def retractions(
    before: CaseState, gone: Iterable[Sent], words: dict[Sent, dict[str, object]], because: Fact
) -> list[Notice]:
    """One `sla.retracted` for each notice that no longer stands. Its time is that of the fact which removed it; what
    else it says (severity, plan, rule, clock, …) is what the withdrawn one said.
    """
    made = []
    for sent in gone:
        retracted = n.notice_id(before.case_id, before.opening, sent.key, sent.revision)
        data = (words.get(sent) or common(before, sent.key.subject, before.policy)) | {
            "retracts": retracted,
            "retracted_type": sent.key.kind,
            "because": because.id,
            "because_source": because.source,
        }
        notice = Notice(
            id=n.retraction_id(retracted),
            kind=n.RETRACTED,
            case_id=before.case_id,
            at=because.at,
            data=data,
            corrects=True,
            traceparent=because.traceparent,
        )
        made.append(notice)
    return made


# --- what can be taken ----------------------------------------------------------------------------------------------


def withdrawn(facts: Iterable[Fact]) -> set[Identity]:
    """Identities of facts that a later event declared wrong."""
    return {(fact.body.source, fact.body.id) for fact in facts if isinstance(fact.body, FactWithdrawn)}


def duplicate(case: Case, fact: Fact, until: int | None) -> bool:
    """Whether this event is known. BadEvent(`conflict`) if its identity, or its case, says something else already.

    Of what lies before `until` only the opening is remembered.
    """
    twins = 0
    if until is not None and case.state is not None and fact.identity == case.state.opening:
        return True
    void = withdrawn(case.facts) if isinstance(fact.body, Opened) else set()
    opens = isinstance(fact.body, Opened) and fact.identity not in void
    for known in case.facts:
        if until is not None and known.at < until:
            continue
        if known.id == fact.id and known.source == fact.source:
            if known.same_content(fact):
                return True
            raise BadEvent("conflict", "the same source and id with other content")
        is_opening = isinstance(known.body, Opened) and known.identity not in void
        twins += is_opening
        if opens and is_opening and not known.same_content(fact):
            raise BadEvent("conflict", "a second case.opened with other content")
    return opens and twins >= TWINS_MAX


def behind_its_twins(case: Case, fact: Fact) -> Fact:
    """A second opening with the same content changes nothing, until the first is withdrawn: then it takes its place.
    So it is kept, behind those that came before it, whatever its own sequence.
    """
    twins = sum(isinstance(known.body, Opened) for known in case.facts) if isinstance(fact.body, Opened) else 0
    return replace(fact, sequence=AFTER_EVERY_SEQUENCE + twins) if twins else fact


def check(case: Case, fact: Fact, packs: Packs, until: int | None) -> None:
    """BadEvent for a fact about a time that is closed, or that the case's pack does not know how to read."""
    folded = case.base_order is not None and fact.order <= case.base_order
    if folded or (until is not None and fact.at < until):
        raise BadEvent("too_late", "about a time that can no longer be corrected")
    if until is not None and isinstance(fact.body, Opened):
        raise BadEvent("conflict", "a second case.opened")
    if until is not None and isinstance(fact.body, FactWithdrawn) and not is_open(case, fact.body, until):
        raise BadEvent("too_late", "withdraws what can no longer be corrected, or is not known")
    policy = case.state.policy if case.state else packs.at(fact.at)
    problem = problem_with(fact, policy)
    if problem:
        raise BadEvent("invalid", problem)


def is_open(case: Case, withdrawal: FactWithdrawn, until: int) -> bool:
    """Whether what is withdrawn can still be. Where history is closed before `until`, an event that is not known may
    be in the base, where no identity is kept but that of the opening: a withdrawal of it would be lost in silence.
    """
    target = (withdrawal.source, withdrawal.id)
    if case.state is not None and target == case.state.opening:
        return False  # it goes into the base with the first fact that does
    return any(known.identity == target for known in case.facts if known.at >= until)


# --- bounds ---------------------------------------------------------------------------------------------------------


def closed_until(case: Case, now: int, bounds: Bounds) -> int | None:
    """The instant before which nothing can be corrected any more; None while everything can. A case heard of only
    since the correction horizon (a backfill) is left open, so that its history can arrive in any order.
    """
    if case.state is None:
        return None
    until = now - bounds.correction_horizon
    if case.known_since <= until and (case.base is not None or case.facts[0].at < until):
        return until
    return None if case.base_order is None else case.base_order[0]


def cut_to_horizon(case: Case, now: int, packs: Packs, bounds: Bounds) -> list[Notice]:
    """Fold into the base, for good, what lies further back than the correction horizon. What time has decided there
    and nobody has asked for yet is said first.
    """
    until = closed_until(case, now, bounds)
    count = 0 if until is None else sum(fact.at < until for fact in case.facts)
    if until is None or not count:
        return []
    owed = send(case, take(case, until - 1))
    case.decided_to = max(case.decided_to, until - 1)
    said = fold_into_base(case, count, until - 1, packs)
    case.base_order = (until, NO_SEQUENCE, "", "")
    case.ledger.close(matching(case.ledger, said))
    return owed


def fold_early(case: Case, packs: Packs) -> tuple[list[Notice], int]:
    """A case too large to keep whole: the older half of its facts is folded for good, and said so once. What that
    decides is said now, wherever the watermark is. Returns the notices and the number of facts folded.
    """
    count = len(case.facts) // 2
    if case.state is None or not count:  # never opened: the number of orphans has a bound of its own
        return [], 0
    instant = max(case.facts[count - 1].at, case.state.opened_at)
    count = bisect_right(case.facts, instant, key=_by_time)  # what happened at one instant stays together
    last = case.facts[count - 1]
    said = fold_into_base(case, count, instant, packs)
    case.state.advance(instant)  # where the last facts of them are withdrawn, no fact has led it as far as the base
    case.state.intents = []
    case.base_order = last.order
    new = unsaid(case.ledger, said, packs)
    decided = {(intent.key, intent.at) for intent in new}
    case.pending = [intent for intent in case.pending if (intent.key, intent.at) not in decided]
    notices = send(case, new)
    case.ledger.close(matching(case.ledger, said))
    if not case.folded_early:
        case.folded_early = True
        notices.append(history_folded(case.state, last.at, count))
    return notices, count


def fold_into_base(case: Case, count: int, until: int, packs: Packs) -> list[Intent]:
    """Move the first `count` facts into the base and advance it to `until`; returns all that the new base decided."""
    state = case.state
    if state is None:
        raise ValueError("a case without an opening has no base")
    void = withdrawn(case.facts)
    active = [fact for fact in case.facts if fact.identity not in void]
    folded, case.facts = case.facts[:count], case.facts[count:]
    gone = withdrawn(folded)  # with a withdrawal goes what it withdrew: it must not come back to life
    case.facts = [each for each in case.facts if each.identity not in gone or isinstance(each.body, FactWithdrawn)]
    if case.base is not None:
        base = case.base.copy()
        base.be_moved_by(packs.moves_after(base.policy))
    else:  # the opening may stand behind facts from before it, which count as at the opening
        opening = next(fact for fact in active if fact.identity == state.opening)
        base = opened(case, opening, packs)
        case.facts = [fact for fact in case.facts if not isinstance(fact.body, Opened)]  # it is there for good
    for fact in folded:
        if fact.identity not in void and not isinstance(fact.body, Opened | FactWithdrawn):
            base.apply(fact)
    base.advance(until)
    base.cause = None
    base.clocks = {name: Stopped() if isinstance(each, Stopped) else each for name, each in base.clocks.items()}
    said, base.intents = base.intents, []
    case.base, case.policy_key = base, base.policy.key
    return said


def matching(ledger: Ledger, said: Iterable[Intent]) -> list[Sent]:
    decided = {(intent.key, intent.at) for intent in said}
    return [sent for sent in ledger.standing if (sent.key, sent.at) in decided]


def history_folded(state: CaseState, at: int, count: int) -> Notice:
    key = n.Key(state.generation, "history", n.HISTORY_FOLDED)
    data = common(state, "history", state.policy) | {"facts": count}
    identity = n.notice_id(state.case_id, state.opening, key, 0)
    return Notice(id=identity, kind=key.kind, case_id=state.case_id, at=at, data=data)
