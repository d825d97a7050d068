"""What is fetched across a rebalance is fetched again: dropped alone, it would never come back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from sla_monitor.engine.transport import BatchConsumer

FETCHED = {("events", 0): ["a record"]}


class Rebalanced(BatchConsumer):
    """Generation 2 begins while a poll of generation 1 waits, and the flow is active again when it returns."""

    def __init__(self) -> None:
        self.app = SimpleNamespace(consumer_generation_id=1)
        self.flow_active = True
        self.sought = 0

    @property
    def should_stop(self) -> bool:
        return False

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109 - as in Faust
        del timeout
        self.app.consumer_generation_id = 2
        return FETCHED, None

    async def perform_seek(self) -> None:
        self.sought += 1


async def test_a_poll_that_outlives_a_rebalance_is_repeated() -> None:
    """Its records belong to the new assignment or to the old one: nobody can tell. The position goes back to what is
    committed, and nothing is handed on."""
    consumer = Rebalanced()
    assert [each async for each in consumer.getmany(1.0)] == []
    assert consumer.sought == 1
