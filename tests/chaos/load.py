"""Lives of cases with every kind of trouble in them, the same for the same seed, spread over a time.

Nobody writes down what must come of them: the judge works it out from the log. What is made here must only be rich:
severity changes, waits, late answers, duplicates, events out of order, withdrawals, orphans that wait for their
opening, and records nobody can use.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from aiokafka.errors import KafkaError

from tests.kafka.world import A_CASE, SECOND, Event, World, event, now

TARGET_SECONDS: Final = (2, 20)  # from, to: the last notice by time comes after two targets
RECORDS_AT_ONCE_MAX: Final = 500
BAD: Final = (b"{ no JSON", b"[]", b"\xff\xfe", b'{"specversion":"1.0"}')


@dataclass(frozen=True, slots=True, order=True)
class Sent:
    """An event and when it is sent; both orders are fixed by the seed."""

    at: int
    number: int
    sent: Event


def lives(seed: int, cases: int, start: int, over_seconds: float) -> Iterator[Sent]:
    """In the order of sending. Cases begin evenly over that time from `start`."""
    chance = random.Random(seed)
    numbers = itertools.count()
    waiting: list[Sent] = []
    for case in range(cases):
        opened_at = start + int(case * over_seconds * SECOND / cases)
        for at, sent in _life(chance, f"case-{case}", opened_at):
            heapq.heappush(waiting, Sent(at, next(numbers), sent))
        while waiting and waiting[0].at <= opened_at:
            yield heapq.heappop(waiting)
    while waiting:
        yield heapq.heappop(waiting)


def _life(chance: random.Random, case_id: str, opened_at: int) -> Iterator[tuple[int, Event]]:
    """(when it is sent, what): most at once, some later than it happened, some twice, a few never of use."""
    target = chance.randint(*TARGET_SECONDS)
    happened = [
        (
            opened_at,
            "case.opened",
            {**A_CASE, "severity": chance.choice("ABC"), "targets": {"initial_response": target}},
        )
    ]
    at = opened_at
    for _ in range(chance.choice((0, 0, 1, 2, 4))):
        at += chance.randint(1, target * SECOND // 2)
        happened.append((at, *_change(chance)))
    answered = chance.random()
    if answered < 0.4:
        happened.append((opened_at + chance.randint(1, target * SECOND - 1), "case.responded", {}))
    elif answered < 0.6:
        happened.append((opened_at + target * SECOND + chance.randint(0, 3 * SECOND), "case.responded", {}))
    if chance.random() < 0.3:
        ends = chance.choice(("case.resolved", "case.closed", "case.cancelled"))
        happened.append((opened_at + chance.randint(target * SECOND // 2, 2 * target * SECOND), ends, {}))
    for number, (happened_at, kind, data) in enumerate(happened):
        made = event(case_id, kind, happened_at, event_id=f"{case_id}-{number}", **data)
        late = chance.random()
        sent_at = happened_at + (0 if late < 0.8 else chance.randint(0, 2 * target * SECOND))
        yield sent_at, made
        if chance.random() < 0.05:
            yield sent_at + chance.randint(0, 3 * SECOND), made
        if number and chance.random() < 0.05:
            wrong: dict[str, Any] = {"source": "/tests", "id": f"{case_id}-{number}"}
            withdrawn_at = sent_at + chance.randint(0, 3 * SECOND)
            yield (
                withdrawn_at,
                event(case_id, "case.fact_withdrawn", withdrawn_at, event_id=f"{case_id}-{number}-w", **wrong),
            )
    if chance.random() < 0.02:
        yield opened_at, Event(key=case_id.encode(), value=chance.choice(BAD))


def _change(chance: random.Random) -> tuple[str, dict[str, object]]:
    """Something that happens to a case meanwhile."""
    kind = chance.choice(
        (
            "case.severity_changed",
            "case.waiting_on_customer",
            "case.customer_responded",
            "case.contact_attempted",
            "case.plan_changed",
            "case.resolution_proposed",
            "case.resolution_rejected",
        )
    )
    data: dict[str, dict[str, object]] = {
        "case.severity_changed": {"severity": chance.choice("ABC")},
        "case.contact_attempted": {"reached": chance.random() < 0.5},
        "case.plan_changed": {"plan": chance.choice(("unified", "standard"))},
    }
    return kind, data.get(kind, {})


async def play(world: World, sent: Iterator[Sent], counts: dict[str, int] | None = None) -> int:
    """Sends each at its time and again until the broker has it; how many. A broker that is down only delays."""
    total = 0
    batch: list[Event] = []
    for each in itertools.chain(sent, [None]):
        if each is not None and each.at <= now() and len(batch) < RECORDS_AT_ONCE_MAX:
            batch.append(each.sent)
            continue
        if batch:
            total += await _surely(world, batch)
            if counts is not None:
                counts["records"] = total
            batch = []
        if each is not None:
            await asyncio.sleep(max(0.0, (each.at - now()) / SECOND))
            batch.append(each.sent)
    return total


async def _surely(world: World, batch: list[Event]) -> int:
    while True:
        try:
            await world.send(*batch)
        except KafkaError:
            await asyncio.sleep(0.5)
        else:
            return len(batch)
