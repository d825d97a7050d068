"""One idea: what the records of one case amount to: which facts count, and which records are dead letters.

Records are taken in log order. After an erasure the case begins anew with what follows; what was published before it
no longer counts for anybody, so the judgement is about the last life only. Dead letters of all lives are listed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sla_monitor.oracle.events import Bad, Erasure, Event, LogRecord, Skipped, classify
from sla_monitor.oracle.plan import Plan, Plans

Name = tuple[str, str]


@dataclass
class Life:
    """What is known of a case since it was last erased."""

    heard: dict[Name, tuple[int, Event]] = field(default_factory=dict)  # in order of arrival, with the offset
    withdrawn: set[Name] = field(default_factory=set)

    @property
    def opening(self) -> Event | None:
        """The first to arrive that is not withdrawn: a second one with the same content only takes its place when the
        first is withdrawn. So it is one answer whether the withdrawal or the second came first (promise a).
        """
        openings = (event for _, event in self.heard.values() if event.type == "case.opened")
        return next((event for event in openings if event.name not in self.withdrawn), None)

    def contradicts(self, event: Event) -> bool:
        known = self.heard.get(event.name)
        if known:
            return known[1].content != event.content
        opening = self.opening
        if event.type != "case.opened" or opening is None or event.name in self.withdrawn:
            return False
        return opening.content != event.content

    def hear(self, offset: int, event: Event) -> None:
        if event.name in self.heard:
            return  # a duplicate
        self.heard[event.name] = (offset, event)
        if event.type == "case.fact_withdrawn":
            self.withdrawn.add((str(event.data["source"]), str(event.data["id"])))


def read(
    records: Sequence[LogRecord], set_aside: Mapping[int, str], plans: Plans
) -> tuple[Event | None, list[Event], dict[int, str]]:
    """The opening that counts, the other facts in the order in which they are told, the dead letters."""
    life, dead = Life(), dict[int, str]()
    for record in records:
        if record.offset in set_aside:
            continue
        match classify(record):
            case Bad(reason):
                dead[record.offset] = reason
            case Erasure():
                _nameless(life, plans, dead)
                life = Life()
            case Event() as event if life.contradicts(event):
                dead[record.offset] = "conflict"
            case Event() as event:
                life.hear(record.offset, event)
                _nameless(life, plans, dead)
            case Skipped():
                pass
    opening = life.opening
    facts = [event for _, event in life.heard.values() if event.type not in {"case.opened", "case.fact_withdrawn"}]
    return opening, sorted((fact for fact in facts if fact.name not in life.withdrawn), key=order), dead


def order(event: Event) -> tuple[object, ...]:
    """By time; then by sequence, those without one first; then by source and id."""
    return event.at, event.sequence is not None, event.sequence or 0, event.source, event.id


def _nameless(life: Life, plans: Plans, dead: dict[int, str]) -> None:
    """Facts that name a severity or plan which the case's pack does not have, once it is known which pack that is."""
    openings = [event for _, event in life.heard.values() if event.type == "case.opened"]
    for opening in openings:
        _drop(life, dead, plans.at(opening.at), {opening.name})
    if life.opening:
        _drop(life, dead, plans.at(life.opening.at), set(life.heard))


def _drop(life: Life, dead: dict[int, str], plan: Plan, names: set[Name]) -> None:
    for name in names & set(life.heard):
        offset, event = life.heard[name]
        known = {"severity": plan.pack["severities"], "plan": plan.pack["plans"]}
        if any(field in event.data and event.data[field] not in known[field] for field in known):
            dead[offset] = "invalid"
            del life.heard[name]
