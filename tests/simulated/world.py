"""Workers as the product builds them, around an in-memory Kafka: the real journal, log, assignment, shards, watermarks.

Not the product's: Faust. `Worker` fetches and hands over as its transport does, and `Group` rebalances eagerly, as
Faust asks for: everything is revoked, then assigned anew.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any

from aiokafka import TopicPartition

from sla_monitor.config.settings import Settings
from sla_monitor.engine.assignment import Assignment
from sla_monitor.engine.log import Log, as_record
from sla_monitor.engine.records import Batch, Record
from sla_monitor.engine.shard import LIVE, Surroundings
from sla_monitor.engine.transactional import TransactionalJournal
from sla_monitor.engine.watermark import Watermarks
from sla_monitor.errors import RefuseToStart
from tests.engine.feeding import NINE, RULES
from tests.simulated.kafka import Cluster
from tests.simulated.scheduler import RUNNING, Loop, Process

SETTINGS = Settings()
EVENTS, STATE = SETTINGS.topics.events, SETTINGS.topics.state
NOTICES, DEAD = SETTINGS.topics.notices, SETTINGS.topics.dead
SECOND = 1_000_000
START = NINE / SECOND  # when a schedule begins, in the brokers' time
SESSION_SECONDS = 10.0
REBALANCE_SECONDS = 10.0
SETTLE = 1 * SECOND
FETCHED_MAX = 5
EXPECTED_ENDS = {"Fatal", "RequestTimedOutError", "MessageSizeTooLargeError", "KafkaConnectionError", "Fenced"}


@dataclass
class Wall:
    """A worker's clock: the brokers' time plus `skew` seconds. `skews` tells since when it was what."""

    loop: Loop
    skew: float
    skews: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.skews.append((self.loop.time(), self.skew))

    def __call__(self) -> float:
        return START + self.loop.time() + self.skew

    def jump(self, skew: float) -> None:
        self.skew = skew
        self.skews.append((self.loop.time(), skew))

    def first_reads(self, instant: float) -> float | None:
        """The earliest moment of the loop at which it reads `instant` or later."""
        for number, (since, skew) in enumerate(self.skews):
            until = self.skews[number + 1][0] if number + 1 < len(self.skews) else float("inf")
            at = max(since, instant - START - skew)
            if at < until:
                return at
        return None


class Worker(Process):
    """One process, from its start to its death."""

    def __init__(self, name: str, world: World, skew: float) -> None:
        super().__init__(name)
        self.world = world
        self.wall = Wall(world.loop, skew)
        self.log = Log(SETTINGS)
        self.assignment = Assignment(EVENTS, self._surroundings(), self._failed)
        self.watermarks = Watermarks(self.log, lambda: self.assignment.shards, self.wall, SETTLE)
        self.generation = -1
        self._lingers = world.chance.choice((0.05, 0.05, 0.5))
        self.stops = False
        self._positions: dict[int, int] = {}
        self._sought: dict[int, int] = {}  # how often: what was fetched before counts no more
        self._paused: set[int] = set()
        self._buffer: deque[tuple[int, int, list[Record]]] = deque()
        self._more, self._buffered = asyncio.Event(), asyncio.Event()
        self._callbacks = asyncio.Lock()  # of the group, one after the other

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        context = contextvars.copy_context()
        context.run(RUNNING.set, self)
        return self.world.loop.create_task(coroutine, context=context)

    async def run(self) -> None:
        await self.log.start()
        self.spawn(self._watch())
        self.spawn(self._fetch())
        self.spawn(self._agent())
        self.world.group.join(self)

    async def _watch(self) -> None:
        await self.watermarks.run()

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            rules=lambda: RULES,
            log=self.log,
            journal=lambda partition: self.world.journal(SETTINGS, self.log, partition, wall=self.wall),
            wall=self.wall,
            settle=SETTLE,
            session_timeout=SESSION_SECONDS,
            pause=lambda place: self._paused.add(place.partition),
            resume=self._resume,
            rewind=self._rewind,
            committed=self._committed,
            restored=lambda *_: None,
            fenced=lambda: self.world.note(self.name, "fenced"),
        )

    def _committed(self, _batch: Batch, _seconds: float, skew: float | None) -> None:
        if skew is not None:
            self.watermarks.skew = skew
        elif self.watermarks.skew is None:
            self.watermarks.skew = 0.0

    def _failed(self, error: BaseException) -> None:
        self.world.ended(self, error)

    # --- what Faust does ----------------------------------------------------------------------------------------------

    async def revoke(self, *, hesitates: bool = False) -> None:
        """The group's callback; a process that was paused hears of it late."""
        async with self._callbacks:
            if hesitates:
                await asyncio.sleep(self.world.kafka.delay())
            gone, self._positions = sorted(self._positions), {}
            self._buffer.clear()
            await self.assignment.revoked(gone)

    async def assign(self, generation: int, partitions: list[int]) -> None:
        async with self._callbacks:
            self.generation = generation
            self._paused.clear()
            early = self.world.chance.random() < 0.5  # fetching may begin before the shards have closed
            if early:
                self.spawn(self._seek(generation, partitions))
            await self.assignment.assigned(partitions)
            if not early:
                await self._seek(generation, partitions)

    async def _seek(self, generation: int, partitions: list[int]) -> None:
        for number in partitions:
            offset = await self.world.kafka.request(
                self.world.kafka.offsets.get, TopicPartition(EVENTS, number), may_fail=False
            )
            if generation == self.generation and not self.world.group.is_revoking(self):
                self._move(number, offset or 0)

    def _move(self, number: int, offset: int) -> None:
        self._positions[number] = offset
        self._sought[number] = self._sought.get(number, 0) + 1
        self._more.set()

    async def _rewind(self, place: TopicPartition, offset: int) -> None:
        self.world.note(self.name, "rewind", place.partition, offset)
        await asyncio.sleep(self.world.kafka.delay())
        if place.partition in self._positions:
            self._move(place.partition, offset)

    def _resume(self, place: TopicPartition) -> None:
        self._paused.discard(place.partition)
        self._more.set()

    def fetches(self, number: int) -> bool:
        return number in self._positions

    def has_more(self) -> None:
        """Some partition got records."""
        self._more.set()

    async def _fetch(self) -> None:
        kafka = self.world.kafka
        while True:
            await self._more.wait()
            self._more.clear()
            for number in sorted(self._positions):
                place = TopicPartition(EVENTS, number)
                position, sought = self._positions.get(number), self._sought.get(number)
                if position is None or number in self._paused or position >= kafka.log(place).stable_end:
                    continue
                most = 1 + int(self.world.chance.random() * FETCHED_MAX)
                generation = self.generation
                found, onward = await kafka.request(_read, kafka, place, position, most, may_fail=False)
                self._more.set()
                if number in self._positions and self._sought.get(number) == sought:
                    self._positions[number] = onward
                    if found:
                        self._buffer.append((generation, number, [as_record(entry) for entry in found]))
                        self._buffered.set()

    async def _agent(self) -> None:
        while True:
            await self._buffered.wait()
            if not self._buffer:
                self._buffered.clear()
                continue
            if self.world.chance.random() < self._lingers:
                await asyncio.sleep(0.3 * self.world.kafka.delay() + self.world.backlog())
            if self._buffer:
                generation, number, records = self._buffer.popleft()
                if generation == self.generation:
                    self.assignment.deliver(number, records)

    async def stop(self) -> None:
        """SIGTERM: nothing is revoked, shards close."""
        self.stops = True
        await self.assignment.close()
        self.world.ended(self, None)


def _read(kafka: Cluster, place: TopicPartition, position: int, records_max: int) -> Any:
    return kafka.log(place).read(position, records_max, committed=True)


class Group:
    """Eager rebalances: everybody gives up everything, who does not answer in time is out."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._members: list[Worker] = []
        self._needed = asyncio.Event()
        self._revoking: set[Worker] = set()
        self._generation = 0

    def join(self, worker: Worker) -> None:
        self._members.append(worker)
        self._needed.set()

    def leave(self, worker: Worker) -> None:
        if worker in self._members:
            self._members.remove(worker)
            self._needed.set()

    def expel(self, worker: Worker) -> None:
        """Its heartbeats stay away. When it goes on it still works for a while, then hears of it."""
        if worker in self._members and worker.is_paused:
            self.leave(worker)
            hears = worker.spawn(worker.revoke(hesitates=True))
            self._when_done(hears, worker)

    def rebalance(self) -> None:
        self._needed.set()

    def is_revoking(self, worker: Worker) -> bool:
        return worker in self._revoking

    async def run(self) -> None:
        chance = self._world.chance
        while True:
            await self._needed.wait()
            await asyncio.sleep(chance.random())
            self._needed.clear()
            members = [worker for worker in self._members if not worker.stops]
            if not members:
                continue
            self._revoking.update(members)
            tasks = {worker: worker.spawn(worker.revoke()) for worker in members}
            await asyncio.wait(tasks.values(), timeout=REBALANCE_SECONDS)
            self._generation += 1
            there = [worker for worker in members if tasks[worker].done() and not worker.is_dead]
            for worker in members:
                if worker not in there and worker in self._members:
                    self._members.remove(worker)
                    self._when_done(tasks[worker], worker)
            self._share(there)
            self._world.note("group", "generation", self._generation, [worker.name for worker in there])
            await asyncio.sleep(0.01 if self._world.kafka.calm else 0.5 * chance.random())

    def _when_done(self, revocation: asyncio.Task[None], worker: Worker) -> None:
        revocation.add_done_callback(lambda _: self._comes_back(worker))

    def _comes_back(self, worker: Worker) -> None:
        """It was paused and finds itself expelled."""
        if not worker.is_dead and not worker.stops and worker not in self._members:
            self.join(worker)

    def _share(self, members: list[Worker]) -> None:
        chance = self._world.chance
        shares: dict[Worker, list[int]] = {worker: [] for worker in members}
        order = sorted(members, key=lambda worker: worker.name)
        shift = int(chance.random() * 3) if chance.random() < 0.5 else 0  # the same again, mostly
        for number in range(self._world.partitions if order else 0):
            shares[order[(number + shift) % len(order)]].append(number)
        for worker in members:
            self._revoking.discard(worker)
            worker.spawn(worker.assign(self._generation, shares[worker]))


class World:
    """All of it, and what a schedule may do to it."""

    def __init__(self, loop: Loop, chance: Random, partitions: int, journal: type[TransactionalJournal]) -> None:
        self.loop, self.chance, self.partitions, self.journal = loop, chance, partitions, journal
        self.trace: list[tuple[Any, ...]] = []
        self.kafka = Cluster(loop, chance, START, self.note)
        self.kafka.moved = self._moved
        self.group = Group(self)
        self.workers: list[Worker] = []
        self.wrong: list[str] = []  # errors no worker may end by
        self.ends: dict[str, int] = {}
        self._births = 0

    def note(self, *what: Any) -> None:
        self.trace.append((self.loop.time(), *what))

    def start_worker(self) -> None:
        self._births += 1
        skew = 0.0 if self.kafka.calm else self.chance.choice((0.0, 0.0, -0.4, 0.3, -3.0, 2.0, -15.0, 8.0, 70.0))
        worker = Worker(f"w{self._births}", self, skew)
        self.workers.append(worker)
        self.note(worker.name, "starts", skew)
        worker.spawn(worker.run())

    def backlog(self) -> float:
        """Seconds for which what is fetched waits to be handed over."""
        return 0.0 if self.kafka.calm else 4 * self.chance.random()

    @property
    def living(self) -> list[Worker]:
        return [worker for worker in self.workers if not worker.is_dead]

    def kill(self, worker: Worker, why: str) -> None:
        """At once, wherever it is. Somebody starts another; the group hears of the death later."""
        if worker.is_dead:
            return
        self.loop.kill(worker)
        self.note(worker.name, "dies", why)
        self.loop.later(0.5 if self.kafka.calm else SESSION_SECONDS, self.group.leave, worker)
        self.loop.later(0.2 + 5 * self.chance.random(), self.start_worker)

    def ended(self, worker: Worker, error: BaseException | None) -> None:
        """By an error or a signal; the process is gone."""
        if worker.is_dead:
            return
        if isinstance(error, RefuseToStart) or "never delivered" in str(error):
            self.wrong.append(f"{worker.name}: {type(error).__name__}: {error}")
        elif error is not None:
            name = type(error).__name__
            self.ends[name] = self.ends.get(name, 0) + 1
            if name not in EXPECTED_ENDS:
                self.wrong.append(f"{worker.name}: {name}: {error}")
        self.group.leave(worker)
        self.kill(worker, repr(error))

    def pause(self, worker: Worker, seconds: float) -> None:
        if not worker.is_paused and not worker.is_dead:
            self.loop.pause(worker)
            self.note(worker.name, "sleeps", seconds)
            self.loop.later(seconds, self.wake, worker)
            self.loop.later(SESSION_SECONDS, self.group.expel, worker)

    def wake(self, worker: Worker) -> None:
        self.loop.wake(worker)
        self.note(worker.name, "wakes")

    def calm(self) -> None:
        """No more faults: clocks are right, sleepers wake."""
        self.kafka.calm = True
        for worker in self.living:
            worker.wall.jump(0.0)
            if worker.is_paused:
                self.wake(worker)

    def _moved(self, place: TopicPartition) -> None:
        if place.topic == EVENTS:
            for worker in self.living:
                if worker.fetches(place.partition):
                    self.loop.later(self.kafka.delay(), worker.has_more)

    def is_settled(self, until: int) -> bool:
        """Every partition is at work somewhere, has folded all, and time has passed `until` for it."""
        shards = [shard for worker in self.living for shard in worker.assignment.shards]
        ready = {
            shard.partition
            for shard in shards
            if shard.state == LIVE
            and shard.content.row.watermark >= until
            and shard._resting.is_set()
            and not shard._queue
            and not any(entry.offset >= shard.content.next_offset for entry in self.input(shard.partition).committed)
        }
        return len(ready) == self.partitions == len(shards)

    def input(self, number: int) -> Any:
        return self.kafka.log(TopicPartition(EVENTS, number))
