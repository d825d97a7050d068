"""What is changed in Faust, and nothing else: whole batches instead of single events, read_committed instead of all,
and records that its client could not read (engine/lenient.py).

Faust's cost is per event (about 200 us), so an agent gets one event for each fetched batch of a partition. The names
overridden here are held by tests/engine/test_shape.py; the three packages are pinned exactly for its sake.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from aiokafka.errors import IllegalStateError
from faust.serializers.schemas import Schema
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from sla_monitor.engine import lenient
from sla_monitor.engine.log import as_record
from sla_monitor.engine.records import Record


class FetchedBatch(NamedTuple):
    """The value of the one event an agent gets for a batch. `generation` is the group's when it was fetched."""

    generation: int
    records: list[Record]


class CommittedConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust reads uncommitted; then the state would count what producers aborted."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        lenient.install()
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"  # noqa: SLF001 - its fetcher is made from it at start
        return consumer


class BatchConsumer(driver.Consumer):
    """One message for each fetched batch. A partition paused meanwhile still gets what was fetched: skipping it, as
    Faust's loop does, would lose records behind the consumer's position.
    """

    def _new_consumer_thread(self) -> Any:
        return CommittedConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Any]]:  # noqa: ASYNC109 - Faust's signature
        generation = self.app.consumer_generation_id
        fetched, _ = await self._wait_next_records(timeout)
        if fetched is None or self.should_stop:
            return
        if not self.flow_active or generation != self.app.consumer_generation_id:
            # A rebalance began while fetching, or began and ended: what was fetched will be fetched again. The poll
            # may have waited for the flow to be resumed; its records would be dropped as an older generation's, and
            # where nothing new is produced nobody would notice.
            await self.perform_seek()
            return
        for tp, batch in fetched.items():
            if batch:
                carrier = self._to_message(tp, batch[-1])
                carrier.value = FetchedBatch(generation, [as_record(record) for record in batch])
                carrier.key = None
                yield tp, carrier

    async def commit_applied(self, offsets: Mapping[TP, int]) -> None:
        """The group's offsets, where no transaction carries them. Partitions that are not ours any more are left out;
        Faust's own acknowledgements would stick: it counts messages, and ours are batches.
        """
        await self._commit(offsets)

    async def perform_seek(self) -> None:
        """To the committed offsets. A partition, or all of them, may be gone by the time they are known, and the client
        raises the one or the other: the rebalance that took them seeks again.
        """
        with suppress(IllegalStateError, AssertionError):
            await super().perform_seek()


class BatchTransport(driver.Transport):
    """Faust's transport with our consumer."""

    Consumer = BatchConsumer

    def create_consumer(self, callback: Any, **kwargs: Any) -> BatchConsumer:
        return BatchConsumer(self, callback=callback, **kwargs)


class PassThrough(Schema):
    """Nothing is decoded on the way: a batch is handed on as it is."""

    def compile(self, app: Any, **_: Any) -> Any:
        async def decode(message: Any, *, propagate: bool = False) -> Any:  # noqa: ARG001 - Faust's signature
            return app.create_event(message.key, message.value, message.headers, message)

        return decode
