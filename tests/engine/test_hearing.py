"""What is known of a case, as the worker of its partition has it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from sla_monitor.config.settings import Settings
from sla_monitor.core.explain.trace import explain
from sla_monitor.engine import hearing
from tests.engine.feeding import A_CASE, Fed, clock, event, rules
from tests.engine.test_reload import FIRST, MOVING, OLD, packs


def test_a_version_that_came_too_late_for_the_partition_is_not_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cases stay where they were, whatever packs whoever asks has loaded."""
    opening = event("one", "case.opened", clock(0, 30), "o", **A_CASE)
    fed = Fed(rules(packs=OLD))
    fed.fold(b"one", opening)
    fed.wait(clock(1, 5))
    topics = Settings().topics
    logs = {topics.state: list(fed.state.items()), topics.events: [(b"one", opening)]}

    async def records_of(_settings: Settings, topic: str, _partitions: list[int]) -> AsyncIterator[Any]:
        for offset, (key, value) in enumerate(logs[topic]):
            yield SimpleNamespace(offset=offset, timestamp=clock(0, 30) // 1_000, key=key, value=value, headers=[])

    async def nothing(*_: object) -> AsyncIterator[Any]:
        empty: list[Any] = []
        for each in empty:
            yield each

    async def only(*_: object) -> list[int]:
        return [0]

    monkeypatch.setattr(hearing, "records_of", records_of)
    monkeypatch.setattr(hearing, "letters", nothing)
    monkeypatch.setattr(hearing, "partitions_of", only)
    heard = asyncio.run(hearing.from_kafka(Settings(), "one", packs(FIRST, MOVING), None, 0))
    assert heard.case is not None
    trace = explain(heard.case, heard.packs, heard.as_of)
    assert (trace["policy"]["version"], trace["clocks"][0]["deadline"]) == (FIRST.version, "2026-01-05T10:30:00Z")
