"""Kafka as far as the worker uses it, in memory: partitions with transactions, fencing, stable ends, a group's offsets.

`Producer` and `Consumer` stand where the worker's modules name aiokafka's. A request arrives after a while and is
answered after a while; it arrives even if its sender died meanwhile, and its answer may be lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError, ProducerFenced, RequestTimedOutError
from aiokafka.structs import RecordMetadata

from tests.simulated.scheduler import Loop, Process, running

LOG_APPEND_TIME = 1
Headers = Sequence[tuple[str, bytes]]


class Transaction:
    """Of one producer; `owner` is the process that began it."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.state = "open"
        self.partitions: list[PartitionLog] = []
        self.offsets: dict[TopicPartition, int] = {}


class Entry:
    """One place of a log: a record, or a marker (`transaction` ended here)."""

    __slots__ = ("headers", "is_marker", "key", "offset", "timestamp", "transaction", "value")

    def __init__(
        self, offset: int, timestamp: int, key: bytes | None, value: bytes | None, headers: Headers, *, marker: bool
    ) -> None:
        self.offset, self.timestamp, self.key, self.value, self.headers = offset, timestamp, key, value, headers
        self.is_marker = marker
        self.transaction: Transaction | None = None

    @property
    def is_committed(self) -> bool:
        return not self.is_marker and (self.transaction is None or self.transaction.state == "committed")


class PartitionLog:
    """`stable_since` tells when its stable end became what."""

    def __init__(self, place: TopicPartition, cluster: Cluster) -> None:
        self.place, self._cluster = place, cluster
        self.entries: list[Entry] = []
        self._open: dict[Transaction, int] = {}
        self.stable_since: list[tuple[float, int]] = [(0.0, 0)]

    @property
    def end(self) -> int:
        return len(self.entries)

    @property
    def stable_end(self) -> int:
        return min(self._open.values(), default=len(self.entries))

    @property
    def committed(self) -> list[Entry]:
        stable = self.stable_end
        return [entry for entry in self.entries[:stable] if entry.is_committed]

    def append(
        self, key: bytes | None, value: bytes | None, headers: Headers = (), transaction: Transaction | None = None
    ) -> Entry:
        entry = Entry(self.end, self._cluster.milliseconds(), key, value, headers, marker=False)
        entry.transaction = transaction
        if transaction is not None and transaction not in self._open:
            self._open[transaction] = self.end
            transaction.partitions.append(self)
        self.entries.append(entry)
        self._moved()
        return entry

    def mark(self, transaction: Transaction) -> None:
        """The marker that ends it here."""
        entry = Entry(self.end, self._cluster.milliseconds(), None, None, (), marker=True)
        entry.transaction = transaction
        self.entries.append(entry)
        self._open.pop(transaction, None)
        self._moved()

    def _moved(self) -> None:
        if self.stable_end != self.stable_since[-1][1]:
            self.stable_since.append((self._cluster.loop.time(), self.stable_end))
            self._cluster.moved(self.place)

    def read(self, position: int, records_max: int, *, committed: bool) -> tuple[list[Entry], int]:
        """Up to so many records from there on, and where the next ones begin."""
        found: list[Entry] = []
        end = self.stable_end if committed else self.end
        while position < end and len(found) < records_max:
            entry = self.entries[position]
            position += 1
            if entry.is_committed or (not committed and not entry.is_marker):
                found.append(entry)
        return found, position


class Cluster:
    """The brokers. `calm`: nothing fails or lingers any more. `has_fencing` False: an older producer may begin anew."""

    def __init__(self, loop: Loop, chance: Random, start: float, note: Callable[..., None]) -> None:
        self.loop, self._chance, self._start, self.note = loop, chance, start, note
        self.calm = False
        self.has_fencing = True
        self.refusals = 0.0  # share of batches that the broker refuses
        self.failures = 0.0  # share of requests whose answer is lost
        self.logs: dict[TopicPartition, PartitionLog] = {}
        self.offsets: dict[TopicPartition, int] = {}
        self._epochs: dict[str, int] = {}
        self._current: dict[tuple[str, int], Transaction] = {}
        self.moved: Callable[[TopicPartition], None] = lambda _: None

    def milliseconds(self) -> int:
        return int((self._start + self.loop.time()) * 1_000)

    def log(self, place: TopicPartition) -> PartitionLog:
        found = self.logs.get(place)
        if found is None:
            found = self.logs[place] = PartitionLog(place, self)
        return found

    def delay(self) -> float:
        """Seconds on the way: mostly short, sometimes longer than a closing waits."""
        kind, share = self._chance.random(), self._chance.random()
        if self.calm or kind < 0.8:
            return 0.001 + 0.009 * share
        return 0.2 * share if kind < 0.975 else 5.0 * share

    def request(self, apply: Callable[..., Any], *arguments: Any, may_fail: bool = True) -> asyncio.Future[Any]:
        """The answer, after a while; KafkaError if there is none."""
        sender = running()
        answer: asyncio.Future[Any] = self.loop.create_future()
        if sender.is_dead:
            answer.set_exception(KafkaConnectionError())
        else:
            self.loop.later(self.delay(), self._arrive, sender, answer, apply, arguments, may_fail)
        return answer

    def _arrive(
        self,
        sender: Process,
        answer: asyncio.Future[Any],
        apply: Callable[..., Any],
        arguments: Any,
        may_fail: bool,  # noqa: FBT001 - the loop passes it on by place
    ) -> None:
        result: Any = None
        error: Exception | None = None
        try:
            result = apply(*arguments)
        except Exception as refused:  # noqa: BLE001 - the answer
            error = refused
        if may_fail and not self.calm and self._chance.random() < self.failures:
            error = RequestTimedOutError()
        self.note(sender.name, apply.__name__, type(error).__name__ if error else "")
        if self._chance.random() < 0.5:  # the way there was long enough
            _answer(sender, answer, result, error)
        else:
            self.loop.later(self.delay(), _answer, sender, answer, result, error)

    def append(self, place: TopicPartition, values: list[tuple[Any, Any, Any]]) -> RecordMetadata:
        """Outside of any transaction."""
        log = self.log(place)
        first = log.end
        for key, value, headers in values:
            log.append(key, value, headers)
        return RecordMetadata(place.topic, place.partition, place, first, self.milliseconds(), LOG_APPEND_TIME, 0)

    # --- transactions -----------------------------------------------------------------------------------------------

    def start_producer(self, identity: str) -> int:
        """A new epoch; whatever an older one left open is aborted, which may take a little longer."""
        epoch = self._epochs[identity] = self._epochs.get(identity, -1) + 1
        for key in [key for key in self._current if key[0] == identity]:
            left = self._current.pop(key)
            left.state = "aborting"
            self.loop.later(self.delay(), self._finish, left, "aborted")
        return epoch

    def produce(
        self, identity: str, epoch: int, owner: str, place: TopicPartition, values: list[tuple[Any, Any, Any]]
    ) -> RecordMetadata:
        transaction = self._transaction(identity, epoch, owner)
        if not self.calm and self._chance.random() < self.refusals:
            raise MessageSizeTooLargeError
        log = self.log(place)
        first = log.end
        for key, value, headers in values:
            log.append(key, value, headers, transaction)
        return RecordMetadata(place.topic, place.partition, place, first, self.milliseconds(), LOG_APPEND_TIME, 0)

    def add_offsets(self, identity: str, epoch: int, owner: str, offsets: dict[TopicPartition, int]) -> None:
        self._transaction(identity, epoch, owner).offsets.update(offsets)

    def end_transaction(self, identity: str, epoch: int, state: str) -> None:
        self._check(identity, epoch)
        transaction = self._current.pop((identity, epoch), None)
        if transaction is not None:
            self._finish(transaction, state)

    def _transaction(self, identity: str, epoch: int, owner: str) -> Transaction:
        self._check(identity, epoch)
        found = self._current.get((identity, epoch))
        if found is None:
            found = self._current[identity, epoch] = Transaction(owner)
        return found

    def _check(self, identity: str, epoch: int) -> None:
        if self.has_fencing and self._epochs[identity] != epoch:
            raise ProducerFenced

    def _finish(self, transaction: Transaction, state: str) -> None:
        transaction.state = state
        if state == "committed":
            self.offsets.update(transaction.offsets)
        for log in transaction.partitions:
            log.mark(transaction)


def _answer(sender: Process, answer: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if sender.is_dead or answer.done():
        return
    if error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(result)


class Producer:
    """AIOKafkaProducer, as far as the journal uses it."""

    def __init__(self, cluster: Cluster, transactional_id: str) -> None:
        self._cluster, self._identity = cluster, transactional_id
        self._owner = running().name
        self._epoch = -1
        self._pending: list[asyncio.Future[Any]] = []

    async def start(self) -> None:
        self._epoch = await self._cluster.request(self._cluster.start_producer, self._identity)

    async def begin_transaction(self) -> None:
        self._pending.clear()

    def create_batch(self) -> Builder:
        return Builder()

    async def send_batch(self, batch: Builder, topic: str, *, partition: int) -> asyncio.Future[RecordMetadata]:
        place = TopicPartition(topic, partition)
        sent = self._cluster.request(
            self._cluster.produce, self._identity, self._epoch, self._owner, place, batch.values
        )
        self._pending.append(sent)
        return sent

    async def send_offsets_to_transaction(self, offsets: dict[TopicPartition, int], _group: str) -> None:
        await self._cluster.request(self._cluster.add_offsets, self._identity, self._epoch, self._owner, offsets)

    async def commit_transaction(self) -> None:
        await self._end("committed")

    async def abort_transaction(self) -> None:
        await self._end("aborted")

    async def _end(self, state: str) -> None:
        """As aiokafka: what is on its way goes first, and a batch that was refused stops nothing."""
        if any(not sent.done() for sent in self._pending):
            await asyncio.wait(self._pending)
        await self._cluster.request(self._cluster.end_transaction, self._identity, self._epoch, state)

    async def stop(self) -> None:
        """Nothing is aborted; the next owner does that."""


class PlainProducer:
    """AIOKafkaProducer without transactions."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    def create_batch(self) -> Builder:
        return Builder()

    async def send_batch(self, batch: Builder, topic: str, *, partition: int) -> asyncio.Future[RecordMetadata]:
        return self._cluster.request(self._cluster.append, TopicPartition(topic, partition), batch.values)


class Client:
    """AIOKafkaClient, for questions that the cluster here answers rightly at once."""

    async def bootstrap(self) -> None:
        pass

    async def set_topics(self, _topics: Iterable[str]) -> None:
        pass

    async def close(self) -> None:
        pass


class Builder:
    """A batch of records to send."""

    def __init__(self) -> None:
        self.values: list[tuple[Any, Any, Any]] = []

    def append(self, *, key: Any, value: Any, timestamp: None, headers: Any) -> object:  # noqa: ARG002 - aiokafka's
        self.values.append((key, value, headers))
        return self

    def record_count(self) -> int:
        return len(self.values)


class Consumer:
    """AIOKafkaConsumer without a group, as far as the worker's own readers use it."""

    def __init__(self, cluster: Cluster, *, committed: bool) -> None:
        self._cluster, self._committed_only = cluster, committed
        self._position: dict[TopicPartition, int] = {}

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        self._position = dict.fromkeys(partitions, 0)

    def unsubscribe(self) -> None:
        self._position = {}

    def seek(self, place: TopicPartition, offset: int) -> None:
        self._position[place] = offset

    async def seek_to_beginning(self, place: TopicPartition) -> None:
        self._position[place] = 0

    async def position(self, place: TopicPartition) -> int:
        return self._position[place]

    async def getmany(self, place: TopicPartition, *, timeout_ms: int, max_records: int = 20) -> Any:  # noqa: ARG002
        found, onward = await self._cluster.request(self._read, place, self._position[place], max_records)
        self._position[place] = onward
        return {place: found}

    def _read(self, place: TopicPartition, position: int, records_max: int) -> tuple[list[Entry], int]:
        return self._cluster.log(place).read(position, records_max, committed=self._committed_only)

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return await self._cluster.request(self._ends, places)  # type: ignore[no-any-return]

    def _ends(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        logs = [self._cluster.log(place) for place in places]
        return {log.place: log.stable_end if self._committed_only else log.end for log in logs}

    async def beginning_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return await self._cluster.request(_begins, places)  # type: ignore[no-any-return]

    async def committed(self, place: TopicPartition) -> int | None:
        return await self._cluster.request(self._cluster.offsets.get, place)  # type: ignore[no-any-return]


def _begins(places: list[TopicPartition]) -> dict[TopicPartition, int]:
    return dict.fromkeys(places, 0)
