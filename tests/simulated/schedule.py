"""One schedule from its seed to its judgement."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from typing import Any

from aiokafka import TopicPartition

from sla_monitor.engine import assignment, crash, log, opening, ownership, shard, transactional, watermark
from tests.engine.feeding import NINE
from tests.simulated.judge import problems_of
from tests.simulated.kafka import Client, Consumer, PlainProducer, Producer, Transaction
from tests.simulated.plan import FAULTS_UNTIL, UNTIL, Plan, plan
from tests.simulated.scheduler import Died, Hung, Loop, running
from tests.simulated.world import EVENTS, Worker, World

ASK_EVERY_SECONDS = 1.2  # instead of 0.05: idle looks would be most of a schedule's steps
ASK_WHEN_CALM_SECONDS = 5.0
SETTLED_WITHIN = 200.0  # seconds of the loop after the last fault

Sabotage = Callable[["World"], AbstractContextManager[Any]]


@dataclass(slots=True, kw_only=True)
class Outcome:
    """`problems` is empty if every promise was kept."""

    seed: int
    problems: list[str]
    steps: int
    trace: list[tuple[Any, ...]]
    reached: Counter[str]
    died_at: list[str] = field(default_factory=list)
    ends: dict[str, int] = field(default_factory=dict)
    world: World

    @property
    def digest(self) -> str:
        return hashlib.sha256(repr(self.trace).encode()).hexdigest()


def run(seed: int, sabotage: Sabotage | None = None) -> Outcome:
    """Runs it to its end, whatever comes."""
    planned = plan(seed)
    chance = Random(f"{seed} runs")
    loop = Loop(chance)
    world = World(loop, chance, planned.partitions, transactional.TransactionalJournal)
    outcome = Outcome(seed=seed, problems=[], steps=0, trace=world.trace, reached=Counter(), world=world)
    with in_memory(world), sabotage(world) if sabotage else nullcontext():
        crash.at_points(_crashes(world, planned, outcome))
        try:
            loop.run(_live(world, planned))
        except Hung as hung:
            where = [(each.name, each.assignment.shards) for each in world.living]
            states = [(name, one.partition, one.state, one.content.row.applied) for name, all_ in where for one in all_]
            outcome.problems.append(f"hangs: {hung}; {states}")
        finally:
            crash.at_points(None)
    outcome.steps, outcome.ends = loop.steps, world.ends
    outcome.problems += world.wrong
    if not outcome.problems:
        outcome.problems += problems_of(world)
    return outcome


@contextmanager
def in_memory(world: World) -> Iterator[None]:
    """aiokafka's names in the worker's modules, and every clock."""
    kafka = world.kafka

    def consumer(**options: Any) -> Consumer:
        return Consumer(kafka, committed=options["isolation_level"] == "read_committed")

    def producer(**options: Any) -> Producer | PlainProducer:
        return Producer(kafka, options["transactional_id"]) if "transactional_id" in options else PlainProducer(kafka)

    async def as_listed(_client: Client, listed: dict[Any, int], **_: Any) -> dict[Any, int]:
        return listed

    silent = SimpleNamespace(warning=lambda *_, **__: None)
    changes = (
        (transactional, "AIOKafkaProducer", producer),
        (ownership, "AIOKafkaProducer", producer),
        (log, "AIOKafkaClient", lambda **_: Client()),
        (log, "fetched_ends", as_listed),
        (opening, "AIOKafkaConsumer", consumer),
        (log, "AIOKafkaConsumer", consumer),
        (shard, "monotonic", world.loop.time),
        (watermark, "monotonic", world.loop.time),
        (watermark, "ASK_EVERY_SECONDS", ASK_EVERY_SECONDS),
        (watermark, "_log", silent),
        (assignment, "_log", silent),
    )
    before = [getattr(module, name) for module, name, _ in changes]
    for module, name, value in changes:
        setattr(module, name, value)
    try:
        yield
    finally:
        for (module, name, _), value in zip(changes, before, strict=True):
            setattr(module, name, value)


def _crashes(world: World, planned: Plan, outcome: Outcome) -> Callable[[str], None]:
    left = dict(planned.crashes)
    naps = {name: [times, seconds] for name, times, seconds in planned.naps}

    def reached(name: str) -> None:
        here = running()
        if not isinstance(here, Worker):
            return
        if here.is_dead:
            raise Died
        outcome.reached[name] += 1
        if name in naps and not world.kafka.calm:
            naps[name][0] -= 1
            if naps[name][0] == 0:  # it gets as far as its next await
                world.pause(here, naps[name][1])
        if name in left and not world.kafka.calm:
            left[name] -= 1
            if left[name] == 0:
                outcome.died_at.append(name)
                world.kill(here, f"at {name}")
                raise Died

    return reached


async def _live(world: World, planned: Plan) -> None:
    kafka, loop = world.kafka, world.loop
    kafka.refusals, kafka.failures = max(kafka.refusals, planned.refusals), planned.failures
    transactions = [Transaction("producer") for _ in planned.transactions]
    for number, arrival in enumerate(planned.arrivals):
        place = TopicPartition(EVENTS, arrival.partition)
        transaction = None if arrival.transaction is None else transactions[arrival.transaction]
        loop.later(arrival.at, _append, world, place, number, arrival, transaction)
    for transaction, (ends, how) in zip(transactions, planned.transactions, strict=True):
        loop.later(ends + 0.001, kafka._finish, transaction, how)
    for at, what, share in planned.faults:
        loop.later(at, _fault, world, what, share)
    group = loop.create_task(world.group.run())
    for _ in range(planned.workers):
        world.start_worker()
    await asyncio.sleep(FAULTS_UNTIL + 8)
    world.note("calm")
    world.calm()
    watermark.ASK_EVERY_SECONDS = ASK_WHEN_CALM_SECONDS  # set back with the rest
    give_up_at = loop.time() + SETTLED_WITHIN
    await asyncio.sleep((UNTIL - NINE) / 1_000_000 - loop.time() + 3)
    while not world.is_settled(UNTIL):
        if group.done():
            group.result()
        if loop.time() > give_up_at:
            raise Hung("not settled in time")
        await asyncio.sleep(1.0)
    group.cancel()


def _append(world: World, place: TopicPartition, number: int, arrival: Any, transaction: Transaction | None) -> None:
    entry = world.kafka.log(place).append(arrival.key, arrival.value, arrival.headers, transaction)
    world.note("input", place.partition, entry.offset, number, arrival.key, "open" if transaction else "")


def _fault(world: World, what: str, share: float) -> None:
    living = world.living
    if what == "rebalance" or not living:
        world.group.rebalance()
        return
    worker = living[int(share * len(living))]
    fine = share * len(living) % 1
    match what:
        case "die":
            world.kill(worker, "anywhere")
        case "sleep":
            world.pause(worker, 0.5 + 25 * fine)
        case "stop":
            if not worker.stops and not worker.is_paused:
                worker.spawn(worker.stop())
        case "jump":
            worker.wall.jump(round(40 * fine - 20, 3))
            world.note(worker.name, "jumps", worker.wall.skew)
        case _:
            raise AssertionError(what)
