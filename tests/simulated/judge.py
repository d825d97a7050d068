"""What must hold when a schedule is over, read off the logs alone."""

from __future__ import annotations

import json
from collections import Counter
from itertools import zip_longest
from typing import Any

from aiokafka import TopicPartition

from sla_monitor.core import notices as n
from sla_monitor.core.facts import DAY
from sla_monitor.engine.partition import Partition
from sla_monitor.engine.records import Record
from sla_monitor.oracle import LogRecord, Plans, Standing, judge, standing_of_notice
from sla_monitor.wire import outbound, rows
from tests.engine.feeding import NINE, PACKS, RULES
from tests.simulated.kafka import Entry
from tests.simulated.world import DEAD, EVENTS, NOTICES, SECOND, SETTLE, STATE, World

PLANS = Plans.load()
OUTLASTED = 200  # cases woken at once


class Alone:
    """The same records in one uninterrupted run, and then time."""

    def __init__(self, number: int, records: list[Entry], until: int) -> None:
        self.partition = Partition(number, RULES)
        self.notices: list[dict[str, Any]] = []
        self.dead: list[tuple[str, int]] = []
        for entry in records:
            self.partition.fold(
                Record(entry.offset, entry.timestamp, entry.key, entry.value, entry.headers), entry.timestamp * 1_000
            )
            self._take()
        self.partition.advance(until)
        while self.partition.fire(until, OUTLASTED):
            pass
        self._take()

    def _take(self) -> None:
        batch = self.partition.take()
        self.notices += [json.loads(out.value) for out in batch.notices]
        self.dead += [(letter.reason, int(dict(letter.headers)["dead-offset"])) for letter in batch.dead]


def differs_from_oracle(world: World) -> list[str]:
    """What stands is what another implementation of the rules says of the same log."""
    problems: list[str] = []
    for number in range(world.partitions):
        records = [
            LogRecord(one.offset, one.timestamp, one.key, one.value, one.headers)
            for one in world.input(number).committed
        ]
        said = [json.loads(one.value or b"") for one in world.kafka.log(TopicPartition(NOTICES, number)).committed]
        (now,) = (
            one.content.row.watermark
            for worker in world.living
            for one in worker.assignment.shards
            if one.partition == number
        )
        erased = {(record.key or b"").decode() for record in records if record.value is None}
        for case_id in sorted({(record.key or b"").decode() for record in records} - erased):
            about = [record for record in records if (record.key or b"").decode() == case_id]
            theirs = Counter(_comparable(one) for one in judge(case_id, about, plans=PLANS, now=now).standing)
            mine = [notice for notice in said if notice["subject"] == case_id]
            ours = Counter(
                _comparable(standing_of_notice({"type": kind, "time": time, "data": json.loads(data)}))
                for _, kind, time, data in standing(mine).elements()
            )
            if ours != theirs:
                problems += [f"{case_id}: the oracle has {theirs - ours}, the worker {ours - theirs}"]
    return problems


def _comparable(one: Standing) -> tuple[object, ...]:
    return *one[:-1], json.dumps(one.data, sort_keys=True)


def problems_of(world: World) -> list[str]:
    """Sentences; none if all is well."""
    problems: list[str] = []
    for number in range(world.partitions):
        problems += [f"partition {number}: {problem}" for problem in _partition(world, number)]
    return problems


def _partition(world: World, number: int) -> list[str]:
    def log(topic: str) -> list[Entry]:
        return world.kafka.log(TopicPartition(topic, number)).committed

    records, state = log(EVENTS), log(STATE)
    (shard,) = (one for worker in world.living for one in worker.assignment.shards if one.partition == number)
    alone = Alone(number, records, shard.content.row.watermark)
    said = [(entry, json.loads(entry.value or b"")) for entry in log(NOTICES)]
    buried = {offset for _, offset in alone.dead}
    erased = Counter((entry.key or b"").decode() for entry in records if entry.value is None)
    return [
        *_once(said, erased),
        *_standing([notice for _, notice in said], alone.notices, erased),
        *_not_false(world, number, said, state, [one for one in records if one.offset not in buried]),
        *_dead(log(DEAD), alone.dead),
        *_state(state, alone.partition, records, world.kafka.offsets.get(TopicPartition(EVENTS, number))),
    ]


def _once(said: list[tuple[Entry, dict[str, Any]]], erased: Counter[str]) -> list[str]:
    """An id is used once, or once more by the next life of a case that was erased."""
    times = Counter((notice["id"], notice["subject"]) for _, notice in said)
    return [
        f"{id_} of {case} was said {count} times" for (id_, case), count in times.items() if count > 1 + erased[case]
    ]


def _standing(said: list[dict[str, Any]], alone: list[dict[str, Any]], erased: Counter[str]) -> list[str]:
    ours, theirs = standing(said), standing(alone)
    for case in erased:  # what was said before depends on when; only that it is forgotten does not
        for side in (ours, theirs):
            for one in [one for one in side if one[0] == case and one[1] != n.FORGOTTEN]:
                del side[one]
    return [f"not said, or not standing: {one}" for one in theirs - ours] + [
        f"stands, and should not: {one}" for one in ours - theirs
    ]


def standing(said: list[dict[str, Any]]) -> Counter[tuple[str, ...]]:
    """(case, type, time, data) of what was not withdrawn."""
    withdrawn = {notice["data"]["retracts"] for notice in said if notice["type"] == n.RETRACTED}
    return Counter(
        (notice["subject"], notice["type"], notice["time"], json.dumps(notice["data"], sort_keys=True))
        for notice in said
        if notice["id"] not in withdrawn and notice["type"] != n.RETRACTED
    )


def _not_false(
    world: World,
    number: int,
    said: list[tuple[Entry, dict[str, Any]]],
    state: list[Entry],
    records: list[Entry],
) -> list[str]:
    """A watermark goes only up, and only over a log that was read; a retraction needs a fact that came after."""
    problems = []
    applied = watermark = -1
    for entry in state:
        if entry.key == rows.PARTITION_KEY and entry.value:
            row = rows.decode_partition(entry.value)
            if row.applied < applied or row.watermark < watermark:
                problems.append(f"state goes back: {(applied, watermark)} to {(row.applied, row.watermark)}")
            applied, watermark = row.applied, row.watermark
            unread = _known_at(world, number, watermark) if watermark else 0
            if any(applied < record.offset < unread for record in records):
                problems.append(f"at {applied} the watermark {watermark} says that all below {unread} is read")
    first = {_identity(record): record.offset for record in reversed(records)}
    sent: dict[str, Entry] = {}  # the latest of an id: a case that was erased says it again
    for entry, notice in said:
        sent[notice["id"]] = entry
        if notice["type"] != n.RETRACTED:
            continue
        withdrawn = sent.get(notice["data"]["retracts"])
        because = first.get((notice["data"].get("because_source"), notice["data"].get("because")), -1)
        known = outbound.position_of(withdrawn.headers) if withdrawn else None
        if withdrawn is None or known is None:
            problems.append(f"{notice['id']} withdraws what was never said")
        elif because <= known[0] and withdrawn.transaction is not entry.transaction:
            problems.append(f"{notice['data']['retracted_type']} of {notice['subject']} was false: {because} was known")
    return problems


def _known_at(world: World, number: int, watermark: int) -> int:
    """Where the log ended, at least, when the first of all clocks had passed the watermark by the settle time."""
    reads = (worker.wall.first_reads((watermark + SETTLE) / SECOND) for worker in world.workers)
    earliest = min((at for at in reads if at is not None), default=0.0)
    ends = world.input(number).stable_since
    return max((end for since, end in ends if since < earliest - 0.000_01), default=0)


def _identity(record: Entry) -> tuple[str, str] | None:
    try:
        event = json.loads(record.value or b"")
        return event["source"], event["id"]
    except (ValueError, TypeError, KeyError):
        return None


def _dead(letters: list[Entry], alone: list[tuple[str, int]]) -> list[str]:
    ours = Counter(
        (headers["dead-reason"].decode(), int(headers["dead-offset"]))
        for headers in (dict(letter.headers) for letter in letters)
    )
    theirs = Counter(alone)
    return [f"dead letters missing: {theirs - ours}, too many: {ours - theirs}"] if ours != theirs else []


def _state(state: list[Entry], alone: Partition, records: list[Entry], offset: int | None) -> list[str]:
    latest = {entry.key or b"": entry.value for entry in state}
    value = latest.pop(rows.PARTITION_KEY, None)
    row = rows.decode_partition(value) if value else rows.PartitionRow()
    problems = []
    if records and (offset != row.applied + 1 or row.applied != records[-1].offset):
        problems += [f"applied {row.applied} of {records[-1].offset}, committed {offset}"]
    for name in ("applied", "applied_timestamp", "applied_checksum", "outcomes", "outcomes_seen"):
        if records and (mine := getattr(row, name)) != (its := getattr(alone.row, name)):
            problems += [f"{name} is {mine!r}, should be {its!r}"]
    for key in sorted({*latest, *alone.rows}):
        mine, its = latest.get(key), alone.rows.get(key)
        if mine != its:
            both = zip_longest(_lasting(key, mine), _lasting(key, its))
            if differing := [pair for pair in both if pair[0] != pair[1]]:
                problems += [f"row of {key!r}, ours and that of one run: {differing}"]
    return problems


def _lasting(key: bytes, value: bytes | None) -> tuple[Any, ...]:
    """What of a row does not depend on when its records came."""
    if value is None:
        return ()
    row = rows.decode_row(key.decode(), value, PACKS)
    status, wake_at = rows.header(value)
    facts = sorted(repr(fact) for fact in row.case.facts)
    sent = sorted((repr(one.key), one.at, one.digest) for one in row.case.ledger.standing)
    waiting = sorted((orphan.identity, orphan.offset) for orphan in row.orphans)
    soon = wake_at if wake_at < NINE + DAY and not waiting else None  # the horizon counts from when it was heard of
    return status, soon, facts, sent, waiting
