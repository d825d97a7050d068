"""Was everything said that the facts say, once, and nothing before it could be known? The one judge of all chaos.

It reads the four topics as any committed reader does and asks no worker. What should stand follows from the input
alone: every record folded in the order of its log by the same `Partition` as in `simulate`, then time up to where the
state says the partition is.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

from aiokafka import AIOKafkaConsumer, TopicPartition

from sla_monitor.config.packs import load_packs
from sla_monitor.config.settings import Settings
from sla_monitor.engine import lenient
from sla_monitor.engine.log import as_record
from sla_monitor.engine.partition import Partition, Rules
from sla_monitor.wire.outbound import position_of
from sla_monitor.wire.rows import PARTITION_KEY, PartitionRow, decode_partition
from tests.kafka.helpers import Record
from tests.kafka.world import SECOND, World, instant

# A record is stamped a little before it can be read. More than a pause of a busy broker, less than any backlog here.
STAMPED_BEFORE_VISIBLE: Final = SECOND // 2
AT_ONCE: Final = 1_000
SHOWN_MAX: Final = 25
NAMES_A_NOTICE: Final = frozenset({"recommendation", "retracts"})  # ids hold the revision, which depends on arrival


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What stands in the topics of one deployment, by partition and offset, at one moment."""

    events: dict[int, list[Record]]
    notices: dict[int, list[Record]]
    state: dict[int, list[Record]]
    dead: dict[int, list[Record]]


async def judged(world: World, until: int, *, clocks_differ_by: int = 0) -> list[str]:
    """One line for each thing that is wrong; all that is due up to the instant `until` must have been said.

    `clocks_differ_by`: how far (microseconds) workers' clocks were ahead of the broker's: so much earlier than it
    should a deadline may fire.
    """
    settings = settings_of(world)
    return findings(await evidence(settings, world.partitions), settings, until, clocks_differ_by)


async def settled(world: World, until: int, seconds: float, *, clocks_differ_by: int = 0) -> list[str]:
    """The judge's word once nothing is missing any more, or after `seconds`. What is said twice or falsely stays."""
    give_up_at = time.monotonic() + seconds
    while found := await judged(world, until, clocks_differ_by=clocks_differ_by):
        if time.monotonic() > give_up_at:
            return found
        await asyncio.sleep(0.25)
    return found


def settings_of(world: World) -> Settings:
    """Those its workers have."""
    given = {name[4:].lower(): text for name, text in world.environment.items() if name.startswith("SLA_")}
    return Settings(**given)  # type: ignore[arg-type]  # texts, as from the environment


async def evidence(settings: Settings, partitions: int) -> Evidence:
    """Reads all four topics to where they end now."""
    lenient.install()
    topics = settings.topics
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.broker,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8 << 20,
    )
    await consumer.start()
    found: dict[str, dict[int, list[Record]]] = {topic: defaultdict(list) for topic in topics}
    try:
        for topic in (topics.notices, topics.dead, topics.state, topics.events):  # the input last: it explains the rest
            async for record in _records(consumer, topic, partitions):
                found[topic][record.partition].append(record)
    finally:
        await consumer.stop()
    for number, records in found[topics.events].items():  # nobody here produces in transactions: there are no gaps
        offsets = [record.offset for record in records]
        assert offsets == list(range(len(offsets))), f"the judge read {offsets[:3]}… of partition {number}"
    assert any(found[topics.events].values()), "the judge read nothing"
    return Evidence(
        events=found[topics.events], notices=found[topics.notices], state=found[topics.state], dead=found[topics.dead]
    )


async def _records(consumer: AIOKafkaConsumer, topic: str, partitions: int) -> AsyncIterator[Record]:
    wanted = [TopicPartition(topic, number) for number in range(partitions)]
    consumer.assign(wanted)
    for partition in wanted:
        consumer.seek(partition, 0)  # before the client can look for a place by itself, which might be the end
    ends = await consumer.end_offsets(wanted)
    for partition, end in ends.items():
        while await consumer.position(partition) < end:
            for records in (await consumer.getmany(timeout_ms=50)).values():
                for record in records:
                    yield record


def findings(found: Evidence, settings: Settings, until: int, clocks_differ_by: int = 0) -> list[str]:
    """Without a broker: the same lines for the same evidence."""
    lines: list[str] = []
    identities = Counter(json.loads(record.value or b"")["id"] for each in found.notices.values() for record in each)
    lines += [f"said twice: notice {identity}, {count} times" for identity, count in identities.items() if count > 1]
    for number in sorted(found.events.keys() | found.notices.keys() | found.dead.keys()):
        row = _partition_row(found.state.get(number, []))
        lines += _position(found, number, row)
        lines += _known_too_early(found, number, int(settings.settle_seconds * SECOND) - clocks_differ_by)
        notices, dead = _expected(found.events.get(number, []), settings, number, max(row.watermark, until))
        lines += _difference(
            f"partition {number}", notices, _standing(record.value or b"" for record in found.notices.get(number, []))
        )
        lines += _difference(f"partition {number}: dead letters", dead, _dead(found.dead.get(number, [])))
    return lines


def _partition_row(state: list[Record]) -> PartitionRow:
    values = [record.value for record in state if record.key == PARTITION_KEY]
    return decode_partition(values[-1]) if values and values[-1] else PartitionRow()


def _position(found: Evidence, number: int, row: PartitionRow) -> Iterator[str]:
    """Everything is read, and no notice comes from a state older than the one before it: that would be a zombie's."""
    last = max((record.offset for record in found.events.get(number, [])), default=-1)
    if row.applied < last:
        yield f"partition {number}: missing: records from {row.applied + 1} to {last} are not applied"
    before = (-1, 0)
    for record in found.notices.get(number, []):
        position = position_of(record.headers)
        if position is None:
            yield f"partition {number}: notice at {record.offset} does not say where its partition was"
        elif position[0] < before[0] or position[1] < before[1]:
            yield f"partition {number}: went back: notice at {record.offset} is from {position}, the last from {before}"
        else:
            before = position


def _known_too_early(found: Evidence, number: int, settle: int) -> Iterator[str]:
    """A watermark W says that all the log had at W + settle is folded. The log has the broker's times."""
    appended = [
        (record.offset, (record.timestamp + 1) * 1_000 + STAMPED_BEFORE_VISIBLE - settle)
        for record in found.events.get(number, [])
        if record.timestamp_type == 1
    ]
    earliest = [0] * (len(appended) + 1)  # of this record and all behind it
    earliest[-1] = 2**63
    for index in range(len(appended) - 1, -1, -1):
        earliest[index] = min(appended[index][1], earliest[index + 1])
    index, seen = 0, set()
    for record in found.notices.get(number, []):
        position = position_of(record.headers)
        if position is None or position in seen:
            continue
        seen.add(position)
        while index < len(appended) and appended[index][0] <= position[0]:
            index += 1
        if earliest[index] < position[1]:
            yield (
                f"partition {number}: judged too early: the notice at {record.offset} claims the input complete up to "
                f"{position[1]}, but behind offset {position[0]} lay a record of {earliest[index]}"
            )


def _standing(notices: Iterable[bytes]) -> Counter[str]:
    values = [json.loads(notice) for notice in notices]
    withdrawn = {value["data"]["retracts"] for value in values if value["type"] == "sla.retracted"}
    return Counter(
        _said(value) for value in values if value["type"] != "sla.retracted" and value["id"] not in withdrawn
    )


def _said(value: dict[str, Any]) -> str:
    data = {name: each for name, each in value["data"].items() if name not in NAMES_A_NOTICE}
    return f"{value['subject']} {value['type']} {instant(value['time'])} {json.dumps(data, sort_keys=True)}"


def _dead(letters: list[Record]) -> Counter[str]:
    found: Counter[str] = Counter()
    for record in letters:
        headers = dict(record.headers)
        found[f"offset {int(headers['dead-offset'])} {headers['dead-reason'].decode()}"] += 1
    return found


def _expected(
    events: list[Record], settings: Settings, number: int, watermark: int
) -> tuple[Counter[str], Counter[str]]:
    """What stands, and what is dead, once all of this is folded and time has come that far."""
    rules = Rules(
        packs=load_packs(settings.policy),
        future_tolerance=int(settings.future_tolerance_seconds * SECOND),
        orphan_window=int(settings.orphan_seconds * SECOND),
        breaker_ratio=1,
        topic=settings.topics.events,
    )
    partition = Partition(number, rules)
    partition.row.applied = -1
    for record in events:
        partition.fold(as_record(cast(Any, record)), record.timestamp * 1_000)
    partition.advance(watermark)
    while partition.fire(watermark, AT_ONCE):
        pass
    batch = partition.take()
    dead = Counter(f"offset {letter.offset} {letter.reason}" for letter in batch.dead)
    return _standing(notice.value for notice in batch.notices), dead


def _difference(where: str, wanted: Counter[str], found: Counter[str]) -> list[str]:
    lines = [f"{where}: missing: {each}" for each in (wanted - found).elements()]
    return lines + [f"{where}: should not be there: {each}" for each in (found - wanted).elements()]


def shown(lines: list[str]) -> str:
    """For a message: how many, and the first of them."""
    return "\n".join([f"{len(lines)} findings", *lines[:SHOWN_MAX]])
