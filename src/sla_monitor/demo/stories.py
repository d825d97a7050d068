"""Simulated customers as data: which records reach `case-events`, and when. Pure: the same run, the same bytes.

A run says when it begins and how fast the plan's time passes. Nothing else of the outside comes in, so that two runs
of one seed tell the same stories: their times differ by the difference of their starts, and the ids of recommendations
that answers name, which follow from those times.
"""

from __future__ import annotations

import heapq
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from sla_monitor.core.facts import MINUTE, SECOND
from sla_monitor.core.notices import DOWNGRADE_RECOMMENDED, Key, notice_id
from sla_monitor.core.times import iso
from sla_monitor.demo import spoilt
from sla_monitor.demo.customers import PRODUCTS
from sla_monitor.demo.plots import Case, Happening, target_minutes
from sla_monitor.demo.repertoire import FIRST_ROUND, PLOTS, SECOND_ROUND, Plot

SOURCE: Final = "/demo/crm"
FIRST_ROUND_GAP: Final = SECOND // 2  # or less: all of the first round begins within three seconds
ON_THE_WAY: Final = 60_000  # microseconds; how long a message takes at most that is not late

# Shares of records and cases to which the usual nuisances happen.
TWICE = 0.05
BEFORE_ITS_OPENING = 0.04
BESIDE_A_CASE = 0.12  # about two in a hundred records


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One telling. `started_at` in microseconds since the epoch; `speed`: seconds of the plan in a second; `tag` keeps
    the cases of this run apart from those of another in the same topics; `own_targets`: each case carries its target,
    for a worker whose pack knows nothing of the speed.
    """

    seed: int
    started_at: int
    speed: float
    cases_a_minute: float
    tag: str = ""
    own_targets: bool = False

    def after(self, minutes: float) -> int:
        """So many minutes of the plan, in microseconds of the run."""
        return round(minutes * MINUTE / self.speed)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Telling:
    """One record and when it is sent, in microseconds since the epoch; `number` orders those of one instant."""

    at: int
    number: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A case from its opening to its end."""

    plot: str
    case_id: str
    customer: str
    begins_at: int
    tellings: tuple[Telling, ...]


def stories(run: Run) -> Iterator[Story]:
    """Without end, in the order they begin. Each has a chance of its own, so that changing one leaves the others."""
    settled = _settled(run.seed)
    gap = 60 * SECOND / run.cases_a_minute
    begins_at, number = run.started_at, 0
    while True:
        number += 1
        chance = random.Random(f"{run.seed} {number}")
        plot = settled.get(number) or chance.choices(list(PLOTS), list(PLOTS.values()))[0]
        yield _story(run, number, begins_at, plot.__name__, plot(chance), chance)
        first_round = number <= len(FIRST_ROUND)
        begins_at += round(min(gap, FIRST_ROUND_GAP) if first_round else gap * chance.uniform(0.5, 1.5))


def _settled(seed: int) -> dict[int, Plot]:
    """The numbers of the cases whose plot is not left to chance: the first round, then every second one."""
    first, second = (
        random.Random(f"{seed} {name} round").sample(plots, len(plots))
        for name, plots in (("first", FIRST_ROUND), ("second", SECOND_ROUND))
    )
    after = len(first) + 1
    return dict(enumerate(first, 1)) | {after + 2 * place: plot for place, plot in enumerate(second)}


def tellings(told: Iterable[Story]) -> Iterator[Telling]:
    """The records of all stories in the order they are sent. Only stories under way are kept in memory."""
    waiting: list[Telling] = []
    for story in told:
        while waiting and waiting[0].at < story.begins_at:
            yield heapq.heappop(waiting)
        for each in story.tellings:
            heapq.heappush(waiting, each)
    while waiting:
        yield heapq.heappop(waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """A valid event, before it is bytes."""

    sent_at: int
    attributes: dict[str, Any]


def _story(run: Run, number: int, begins_at: int, name: str, case: Case, chance: random.Random) -> Story:
    case_id = f"CASE-{run.seed}-{run.tag and run.tag + '-'}{number:04}"
    events = [_opening(run, case_id, begins_at, case, chance)]
    events += [
        _event(run, case_id, begins_at, place, happening, chance) for place, happening in enumerate(case.happenings)
    ]
    events += [replace(each, sent_at=each.sent_at + _while(run, chance)) for each in events if chance.random() < TWICE]
    if len(events) > 1 and chance.random() < BEFORE_ITS_OPENING:
        events[0] = replace(events[0], sent_at=events[1].sent_at + ON_THE_WAY)
    records: list[tuple[int, bytes | None, bytes | None]] = [
        (each.sent_at, case_id.encode(), encoded(each.attributes)) for each in events
    ]
    if chance.random() < BESIDE_A_CASE:
        victim = chance.choice(events)
        records.append((victim.sent_at + _while(run, chance), *spoilt.spoilt(victim.attributes, chance)))
    if case.forgotten_at is not None:
        last = max(at for at, _, _ in records)
        records.append((max(last, begins_at + run.after(case.forgotten_at)) + 1, case_id.encode(), None))
    records.sort(key=lambda record: record[0])
    numbers = range(number * 1_000, number * 1_000 + len(records))
    return Story(
        plot=name,
        case_id=case_id,
        customer=case.customer.name,
        begins_at=begins_at,
        tellings=tuple(
            Telling(at=at, number=each, key=key, value=value)
            for each, (at, key, value) in zip(numbers, records, strict=True)
        ),
    )


def _opening(run: Run, case_id: str, at: int, case: Case, chance: random.Random) -> _Event:
    product, queue = chance.choice(list(PRODUCTS.items()))
    data = {"severity": case.severity, **case.customer.terms(), "product": product, "queue": queue, **case.asks}
    if case.access:
        data["access"] = case.access
    if run.own_targets:
        target = run.after(target_minutes(case.severity, case.customer.plan))
        data["targets"] = {"initial_response": target / SECOND}
    return _Event(sent_at=at, attributes=_envelope(case_id, 1, "case.opened", at, data))


def _event(run: Run, case_id: str, opened_at: int, place: int, happening: Happening, chance: random.Random) -> _Event:
    at = opened_at + run.after(happening.at)
    data = dict(happening.data)
    if happening.answers is not None:
        key = Key(1, happening.answers.rule, DOWNGRADE_RECOMMENDED, opened_at + run.after(happening.answers.since))
        data["recommendation"] = notice_id(case_id, (SOURCE, _event_id(case_id, 1)), key, 0)
    if happening.withdraws is not None:
        data |= {"source": SOURCE, "id": _event_id(case_id, happening.withdraws + 2)}
    on_the_way = run.after(happening.late) or chance.randrange(ON_THE_WAY)
    return _Event(sent_at=at + on_the_way, attributes=_envelope(case_id, place + 2, happening.kind, at, data))


def _event_id(case_id: str, number: int) -> str:
    """Unique in all runs, as the case's id is."""
    return f"{case_id}.{number}"


def _envelope(case_id: str, number: int, kind: str, at: int, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": _event_id(case_id, number),
        "source": SOURCE,
        "type": kind,
        "subject": case_id,
        "time": iso(at),
        "data": data,
    }


def encoded(attributes: dict[str, Any]) -> bytes:
    return json.dumps(attributes, ensure_ascii=False, separators=(",", ":")).encode()


def _while(run: Run, chance: random.Random) -> int:
    """How much later a record comes a second time, or a bad one beside it: up to twenty minutes of the plan."""
    return 1 + run.after(chance.uniform(1, 20))
