"""What an operator lets go on: a tripped partition, a case in quarantine.

Both open the partition's state as a worker does, which fences its owner for a moment, and write it. The owner notices
when it commits next or looks at its state, within some seconds, and restores what was written here.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from sla_monitor.config.settings import Settings
from sla_monitor.core.policy import Packs
from sla_monitor.engine.journal import Journal
from sla_monitor.engine.journals import Journals
from sla_monitor.engine.layout import partition_of, verified_layout
from sla_monitor.engine.log import Log
from sla_monitor.engine.partition import Partition
from sla_monitor.engine.reading import records_of
from sla_monitor.engine.rules import rules_of
from sla_monitor.errors import UnsafeState
from sla_monitor.wire import rows
from sla_monitor.wire.own_rows import is_of_a_case


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A case that is set aside. `error` is empty and `at` 0 where a version wrote the row that did not keep them."""

    case_id: str
    partition: int
    error: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenUp:
    """How a case left its quarantine, or why it did not."""

    case_id: str
    partition: int
    notices: int
    failed_again: str


async def release(settings: Settings, packs: Packs, number: int) -> None:
    """Lets a partition go on that the breaker stopped. UnsafeState if it did not."""
    rules = rules_of(settings, packs, await verified_layout(settings))
    async with owned(settings, Partition(number, rules)) as (journal, content):
        if not content.row.tripped:
            raise UnsafeState(f"partition {number} is not stopped by the breaker")
        await journal.commit(content.release())


async def take_up(settings: Settings, packs: Packs, cases: Iterable[str], number: int | None) -> list[TakenUp]:
    """Folds quarantined cases anew by this code, in one transaction a partition: its owner is fenced once. `number`: of
    the partition they are in, else those of their keys. UnsafeState: one is not in quarantine; its partition is left
    as it was.
    """
    layout = await verified_layout(settings)
    wanted: dict[int, list[str]] = {}
    for case_id in dict.fromkeys(cases):
        where = partition_of(case_id.encode(), layout.partitions) if number is None else number
        wanted.setdefault(where, []).append(case_id)
    rules = rules_of(settings, packs, layout)
    taken = []
    for where, case_ids in sorted(wanted.items()):
        async with owned(settings, Partition(where, rules)) as (journal, content):
            failures = {case_id: content.take_up(case_id, time.time_ns() // 1_000) for case_id in case_ids}
            batch = content.take()
            await journal.commit(batch)
        said = Counter(outgoing.notice.case_id for outgoing in batch.notices)
        taken += [
            TakenUp(case_id=case_id, partition=where, notices=said[case_id], failed_again=failed_again)
            for case_id, failed_again in failures.items()
        ]
    return taken


async def quarantined(settings: Settings, packs: Packs) -> list[Quarantined]:
    """All cases that are set aside, read beside the workers: nobody is fenced."""
    layout = await verified_layout(settings)
    found: dict[tuple[int, bytes], bytes] = {}
    async for record in records_of(settings, settings.topics.state, range(layout.partitions)):
        if not is_of_a_case(record.key):
            continue
        if record.value is not None and rows.header(record.value)[0] == rows.QUARANTINED:
            found[record.partition, record.key or b""] = record.value
        else:
            found.pop((record.partition, record.key or b""), None)
    cases = []
    for (number, key), value in sorted(found.items()):
        error, at = rows.decode_row(key.decode(), value, packs).failure or ("", 0)
        cases.append(Quarantined(case_id=key.decode(), partition=number, error=error, at=at))
    return cases


@asynccontextmanager
async def owned(
    settings: Settings, content: Partition, *, accept_input_loss: bool = False
) -> AsyncIterator[tuple[Journal, Partition]]:
    """The partition, opened as a worker opens it: its last owner is fenced. Without transactions nobody can be:
    RefuseToStart while a worker runs.
    """
    async with AsyncExitStack() as stack:
        log = Log(settings)
        stack.push_async_callback(log.stop)
        await log.start()
        journals = Journals(settings, log, wall=time.time, accept_input_loss=accept_input_loss)
        await journals.take()
        stack.push_async_callback(journals.release)
        journal = journals.of(content.number)
        stack.push_async_callback(journal.close)
        await journal.open(content)
        yield journal, content
