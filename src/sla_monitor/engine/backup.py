"""The state of a deployment as a file, while no worker runs, and what keeps it from being one that can be trusted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import GroupCoordinatorNotAvailableError, for_code

from sla_monitor.config.settings import Settings
from sla_monitor.core.policy import Packs
from sla_monitor.engine.kafka import admin_client
from sla_monitor.engine.layout import Layout, verified_layout
from sla_monitor.engine.log import Log
from sla_monitor.engine.opening import StateRows, name_of, restore, verify_position
from sla_monitor.engine.partition import Partition
from sla_monitor.engine.rules import rules_of
from sla_monitor.errors import UnsafeState
from sla_monitor.wire import backup_file
from sla_monitor.wire.backup_file import Origin, Section
from sla_monitor.wire.rows import encode_partition


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What a backup holds. `unread`: partitions whose input held records that no worker had applied."""

    partitions: int
    cases: int
    unread: tuple[int, ...]
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """A deployment that nobody works on, and how its topics are asked."""

    settings: Settings
    layout: Layout
    log: Log

    def of(self, topic: str) -> list[TopicPartition]:
        """Its partitions, in order."""
        return [TopicPartition(topic, number) for number in range(self.layout.partitions)]


async def back_up(settings: Settings, packs: Packs, path: Path) -> Saved:
    """UnsafeState, and there is no file: a worker runs, a transaction is open, or state, packs and input do not fit
    together.
    """
    async with quiet(settings) as at_rest:
        sections = [await _section(at_rest, packs, number) for number in range(at_rest.layout.partitions)]
    topics = settings.topics
    origin = Origin(input=topics.events, state=topics.state, group=settings.group, partitions=len(sections))
    total = backup_file.write(path, origin, sections)
    return Saved(
        partitions=len(sections),
        cases=sum(section.rows for section, _ in sections),
        unread=tuple(section.partition for section, _ in sections if section.unread),
        sha256=total.sha256,
    )


@asynccontextmanager
async def quiet(settings: Settings) -> AsyncIterator[Quiet]:
    """UnsafeState: the topics are not as they must be, workers are in the group, or they journal another way."""
    if settings.journal != "transactional":
        raise UnsafeState(f"SLA_JOURNAL={settings.journal}: only the state of transactional workers can be moved")
    layout = await verified_layout(settings)
    await _nobody_works(settings)
    log = Log(settings)
    try:
        await log.start()
        yield Quiet(settings=settings, layout=layout, log=log)
    finally:
        await log.stop()


async def _nobody_works(settings: Settings) -> None:
    async with admin_client(settings) as admin:
        try:
            answers: list[Any] = await admin.describe_consumer_groups([settings.group])
        except GroupCoordinatorNotAvailableError:
            return
    [(code, _, _, _, _, members, *_)] = answers[0].groups
    if code:
        raise UnsafeState(f"{settings.group}: {for_code(code).__name__}")
    if members:
        raise UnsafeState(f"{settings.group}: {len(members)} workers run; end them first (SIGTERM)")


async def _section(at_rest: Quiet, packs: Packs, number: int) -> tuple[Section, Mapping[bytes, bytes]]:
    """As a worker would open it, without taking it from anybody."""
    topics, log = at_rest.settings.topics, at_rest.log
    state, events = TopicPartition(topics.state, number), TopicPartition(topics.events, number)
    end = (await log.ends([state]))[state]
    if end != await log.high_watermark(state):
        raise UnsafeState(f"{name_of(state)}: a transaction is not over; after a crash it is within a minute")
    content = Partition(number, rules_of(at_rest.settings, packs, at_rest.layout))
    found = StateRows(content)
    await restore(at_rest.settings, state, end, found.take)
    if found.redo_keys:
        raise UnsafeState(f"{name_of(state)}: a batch of the at-least-once journal is not done")
    content.restored()
    await verify_position(log, events, content, accept_input_loss=False)
    input_end = (await log.ends([events]))[events]
    section = Section(
        partition=number,
        row=encode_partition(content.row),
        state_end=end,
        input_end=input_end,
        unread=await log.first_record(events, content.next_offset, input_end) is not None,
        rows=len(content.rows),
    )
    return section, content.rows
