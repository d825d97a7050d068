"""What the log answers when part of it is gone."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from sla_monitor.engine.log import Log
from sla_monitor.errors import Fatal

TP = TopicPartition("case-events", 3)


class Shortened(Log):
    """A log whose first 20 offsets retention has removed; nothing else of it answers."""

    def __init__(self) -> None:
        self._reading = asyncio.Lock()
        self._committed_only = cast("AIOKafkaConsumer", None)

    async def begin(self, partition: TopicPartition) -> int:
        assert partition == TP
        return 20


async def test_what_retention_removed_unread_is_not_taken_for_nothing() -> None:
    """Nobody can tell whether records were among it: an answer may be lost, so the worker must not go on."""
    with pytest.raises(Fatal, match="case-events/3: retention removed offsets 10 to 19 before they were read"):
        await Shortened().first_record(TP, 10, 30)


async def test_no_offsets_hold_no_record() -> None:
    """An empty range is not even asked for."""
    assert await Shortened().first_record(TP, 10, 10) is None
