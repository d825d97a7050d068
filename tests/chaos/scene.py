"""What all of this folder stands on: a world whose input has the broker's time, and a state from before."""

from __future__ import annotations

import contextlib
import itertools
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from aiokafka import TopicPartition

from sla_monitor.config.packs import BUILT_IN, load_packs
from sla_monitor.engine.log import Log
from sla_monitor.engine.partition import Partition, Rules
from sla_monitor.engine.transactional import TransactionalJournal
from tests.chaos.judge import settings_of
from tests.chaos.nursery import HatchedWorker
from tests.kafka.helpers import set_config
from tests.kafka.world import A_CASE, Event, World, a_world, event, now

SESSION_SECONDS = 3.0  # a stalled loop ends the worker after as long: less is too little for a busy machine
_numbers = itertools.count()

_STEPPED: Final = """
import pathlib, sys, time
from sla_monitor.config.packs import load_packs
from sla_monitor.config.settings import load
from sla_monitor.engine import app
from sla_monitor.observe import logs
settings, clock = load(), pathlib.Path(sys.argv[1])
logs.configure(settings.log_format)
app.run(settings, load_packs(settings.policy), wall=lambda: time.time() + float(clock.read_text() or 0))
"""


def stepped(clock: Path) -> tuple[str, ...]:
    """The command of a worker whose clock is ahead by the seconds that stand in this file, now and whenever it
    changes."""
    return (sys.executable, "-c", _STEPPED, str(clock))


@contextlib.asynccontextmanager
async def a_scene(bootstrap: str, *, partitions: int = 1, **environment: str) -> AsyncIterator[World]:
    """A world that the judge can judge to the millisecond: records of the input have the time they were appended.
    The breaker stays out of it."""
    ours = {"SLA_SESSION_TIMEOUT_SECONDS": str(SESSION_SECONDS), "SLA_BREAKER_RATIO": "1"}
    async with a_world(bootstrap, partitions=partitions, **{**ours, **environment}) as world:
        world.launch = HatchedWorker
        await set_config(bootstrap, world.settings.topics.events, message_timestamp_type="LogAppendTime")
        yield world


def opening(target_seconds: float, at: int | None = None, case_id: str | None = None, **terms: Any) -> Event:
    """Of a case nobody else has."""
    case_id = case_id or f"case-{next(_numbers)}"
    targets = {"initial_response": target_seconds}
    return event(case_id, "case.opened", now() if at is None else at, **{**A_CASE, **terms}, targets=targets)


def answer(opened: Event, at: int | None = None) -> Event:
    """To that case."""
    return event((opened.key or b"").decode(), "case.responded", now() if at is None else at)


def garbage() -> Event:
    """A record for the dead letters."""
    return Event(key=f"bad-{next(_numbers)}".encode(), value=b"{ no JSON")


async def settle_state(world: World) -> None:
    """As a worker that ended before any deadline leaves it: what is in the input now is in the state, committed by the
    product's own journal. No process has to be started for it."""
    settings = settings_of(world)
    log = Log(settings)
    await log.start()
    rules = Rules(packs=load_packs(settings.policy), breaker_ratio=1, topic=settings.topics.events)
    try:
        for number in range(world.partitions):
            journal = TransactionalJournal(settings, log, number, wall=time.time)
            partition = Partition(number, rules)
            await journal.open(partition)
            input_partition = TopicPartition(settings.topics.events, number)
            end = (await log.ends([input_partition]))[input_partition]
            while record := await log.first_record(input_partition, partition.next_offset, end):
                partition.fold(record, now())
            batch = partition.take()
            if not batch.is_empty:
                await journal.commit(batch)
            await journal.close()
    finally:
        await log.stop()


def warning_earlier(folder: Path) -> Path:
    """A pack in this folder: the built-in one, but that it warns at 50 percent, and not at 75 and 90."""
    text = (BUILT_IN / "default.yaml").read_text("utf-8")
    assert "warnings: [75, 90]" in text
    pack = folder / "next.yaml"
    pack.write_text(text.replace("warnings: [75, 90]", "warnings: [50]"), "utf-8")
    return pack
