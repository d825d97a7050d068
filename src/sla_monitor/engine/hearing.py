"""What is known of one case, for those who ask why: its events from a file or from Kafka, folded as the worker folds.

What the worker set aside is set aside here too. History is left open, so that all of it can be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sla_monitor.config.settings import Settings
from sla_monitor.core import decide
from sla_monitor.core.decide import Case
from sla_monitor.core.notices import QUARANTINED
from sla_monitor.core.policy import Packs
from sla_monitor.engine.dead import Wanted, letters, partitions_of
from sla_monitor.engine.layout import partition_of, verified_layout
from sla_monitor.engine.partition import without_missed
from sla_monitor.engine.reading import records_of
from sla_monitor.engine.records import DeadLetter, Outgoing, Record, key_of
from sla_monitor.engine.simulation import NOTHING_FOLDED, Simulation, arrival_of
from sla_monitor.errors import BadEvent, UnsafeState
from sla_monitor.wire import rows
from sla_monitor.wire.inbound import CaseEvent, Erasure, decode


@dataclass(slots=True, kw_only=True)
class Heard:
    """`case`: None where nothing is known. `failure`: the defect that set it aside, as the worker tells it.
    `set_aside`: (offset or line, reason). `as_of`: the instant up to which the worker has decided. `packs`: by which,
    so without versions that came too late for its partition.
    """

    case_id: str
    as_of: int
    where: str
    packs: Packs
    case: Case | None = None
    erased_at: int | None = None
    failure: str | None = None
    set_aside: list[tuple[int, str]] = field(default_factory=list)


def from_lines(lines: Iterable[bytes], case_id: str, packs: Packs, at: int | None, where: str) -> Heard:
    """From a file as `simulate` reads it. Lines of other cases, and what arrives after `at`, are passed over."""
    own, now = [], 0
    for number, line in enumerate(lines, 1):
        arrival = arrival_of(line)
        arrived = max(now, arrival.at or 0)
        if arrival.key == key_of(case_id) and (at is None or arrived <= at):
            now = arrived
            own.append(Record(number, now // 1_000, arrival.key, line))
    heard = Heard(case_id=case_id, as_of=max(now, at or 0), where=where, packs=packs)
    dead: list[tuple[int, str]] = []

    def bury(letter: DeadLetter) -> None:
        dead.append((own[letter.offset].offset, letter.reason))

    def listen(said: Outgoing) -> None:
        if said.notice.kind == QUARANTINED:
            heard.failure = str(said.notice.data["error"])

    Simulation(packs, listen, bury).run((record.value or b"" for record in own), heard.as_of if own else None)
    heard.set_aside = dead
    if heard.failure is None:
        _hear(heard, own, packs)
    return heard


async def from_kafka(
    settings: Settings, case_id: str, packs: Packs, at: int | None, partition: int | None = None
) -> Heard:
    """From the partition of the case, as far as its worker is. UnsafeState: Kafka does not give it, or these packs are
    not those it was decided by.
    """
    [number] = await partitions_of(settings, partition) if partition is not None else [await _home(settings, case_id)]
    standing, row = await _decided(settings, number, case_id, packs)
    packs = without_missed(packs, standing)
    heard = Heard(case_id=case_id, as_of=0, where=f"partition {number} of {settings.topics.events}", packs=packs)
    own, last = [], 0
    async for record in records_of(settings, settings.topics.events, [number]):
        if 0 <= standing.applied < record.offset:
            continue  # the worker has not read it yet
        last = max(last, record.timestamp)
        if record.key == key_of(case_id) and (at is None or record.timestamp * 1_000 <= at):
            headers = [(name, value or b"") for name, value in record.headers]
            own.append(Record(record.offset, record.timestamp, record.key, record.value, headers))
    wanted = Wanted(case=case_id, partition=number)
    offsets = {record.offset for record in own}
    async for letter in letters(settings, wanted, [number]):
        if letter.offset in offsets:
            heard.set_aside.append((letter.offset, letter.reason))
    decided_to = standing.watermark or last * 1_000
    heard.as_of = decided_to if at is None else min(at, decided_to)
    if row is not None and rows.header(row)[0] == rows.QUARANTINED:
        failure = rows.decode_row(case_id, row, packs).failure
        heard.failure = failure[0] if failure else "unknown"
        return heard
    _hear(heard, own, packs)
    if row is not None and at is None and not _is_opened(heard.case):
        heard.case = rows.decode_row(case_id, row, packs).case  # retention has removed its first events
    return heard


async def _decided(
    settings: Settings, number: int, case_id: str, packs: Packs
) -> tuple[rows.PartitionRow, bytes | None]:
    """How far the worker is in a partition, and its row of the case."""
    standing, row = rows.PartitionRow(), None
    async for record in records_of(settings, settings.topics.state, [number]):
        if record.key == rows.PARTITION_KEY:
            standing = rows.decode_partition(record.value) if record.value else rows.PartitionRow()
        elif record.key == key_of(case_id):
            row = record.value
    for name, digest in standing.packs.items():
        if rows.policy_named(name, packs).digest != digest:
            raise UnsafeState(f"policy pack {name} is not the one that the worker has decided by")
    return standing, row


async def _home(settings: Settings, case_id: str) -> int:
    return partition_of(key_of(case_id), (await verified_layout(settings)).partitions)


def _is_opened(case: Case | None) -> bool:
    return case is not None and case.state is not None


def _hear(heard: Heard, records: Sequence[Record], packs: Packs) -> None:
    aside = {offset for offset, _ in heard.set_aside}
    for record in records:
        if record.offset in aside:
            continue
        try:
            received = decode(record.key, record.value, record.headers)
            if isinstance(received, Erasure):
                heard.case, heard.erased_at = None, record.timestamp * 1_000
            elif isinstance(received, CaseEvent):
                case = heard.case or Case(case_id=heard.case_id)
                decide.fold(case, received.fact, 0, packs, NOTHING_FOLDED)
                heard.case = case
        except BadEvent as bad:
            heard.set_aside.append((record.offset, bad.reason))
