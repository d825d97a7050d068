"""Two packs over the same recorded events: which verdicts flip, and for whom.

Cases are independent, so events go to disk by case first and are decided bucket by bucket, several at a time in
processes of their own. The result is the same for any number of them.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from sla_monitor.config.packs import load_packs
from sla_monitor.config.settings import Settings
from sla_monitor.core.facts import SECOND, Opened
from sla_monitor.core.policy import Packs
from sla_monitor.engine.buckets import Buckets, content
from sla_monitor.engine.difference import Flip, compare
from sla_monitor.engine.garbage import collect_seldom
from sla_monitor.engine.layout import verified_layout
from sla_monitor.engine.outcome import Judge, Outcome
from sla_monitor.engine.reading import records_of
from sla_monitor.engine.records import Record
from sla_monitor.engine.simulation import arrivals
from sla_monitor.errors import BadEvent
from sla_monitor.wire.inbound import CaseEvent, Decode, decode

ALONE_RECORDS_MAX = 20_000  # about as many as are decided while another process starts
TOLD_EVERY_RECORDS = 1_000

Heard = Iterable[tuple[Record, int]]  # with the instant at which each is heard
Tell = Callable[[str, int, int | None], None]  # what is done, how much of it is, of how much


class Place(NamedTuple):
    """Plan and severity under the old pack, the country that the case was opened in, and the ISO week in UTC."""

    plan: str
    severity: str
    region: str
    week: str


class Turn(NamedTuple):
    """A verdict that became another one, by what it is about."""

    about: str
    old: str
    new: str


class Example(NamedTuple):
    """One case of which a verdict flips."""

    case_id: str
    generation: int
    turn: Turn
    place: Place


@dataclass(slots=True, kw_only=True)
class Tally:
    """A case that was reopened counts once for each time. `changed`: with at least one other verdict."""

    cases: Counter[Place] = field(default_factory=Counter)
    changed: Counter[Place] = field(default_factory=Counter)
    flips: Counter[tuple[Turn, Place]] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)
    records: int = 0
    dead_letters: tuple[int, int] = (0, 0)  # events that cannot be used, under the old pack and the new

    def join(self, other: Tally, examples_max: int) -> None:
        self.cases.update(other.cases)
        self.changed.update(other.changed)
        self.flips.update(other.flips)
        self.examples = sorted(self.examples + other.examples)[:examples_max]
        self.records += other.records
        before, after = self.dead_letters
        self.dead_letters = before + other.dead_letters[0], after + other.dead_letters[1]

    def by(self, dimension: str) -> dict[str, tuple[int, int]]:
        """(cases, changed) by one field of `Place`."""
        found: dict[str, list[int]] = {}
        for column, counts in enumerate((self.cases, self.changed)):
            for place, count in counts.items():
                found.setdefault(getattr(place, dimension), [0, 0])[column] += count
        return {value: (cases, changed) for value, (cases, changed) in sorted(found.items())}

    def turns(self) -> dict[Turn, int]:
        counts: Counter[Turn] = Counter()
        for (turn, _), count in self.flips.items():
            counts[turn] += count
        return dict(sorted(counts.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked. `until` in microseconds; without it, time ends with the last arrival."""

    old: Path
    new: Path
    until: int | None = None
    examples_max: int = 20
    jobs: int = 1


def backtest_file(question: Question, events: Path, tell: Tell) -> Tally:
    """Of a file as `simulate` reads it."""
    with Buckets() as buckets, events.open("rb") as lines:
        total, last = events.stat().st_size, 0
        for record, now in arrivals(_counted(lines, total, tell), question.until):
            buckets.put(record.key, (*record, now))
            last = now
        return _decided(question, buckets, question.until or last, tell)


def backtest_topic(question: Question, settings: Settings, tell: Tell) -> Tally:
    """Of `case-events` as it is now; a record arrives when its broker or producer says that it was written.
    UnsafeState, RefuseToStart: Kafka does not give it.
    """
    with Buckets() as buckets:
        last = asyncio.run(_fetch(question, settings, buckets, tell))
        return _decided(question, buckets, question.until or last, tell)


def _counted(lines: Iterable[bytes], total: int, tell: Tell) -> Iterator[bytes]:
    done = 0
    for number, line in enumerate(lines):
        done += len(line)
        if number % TOLD_EVERY_RECORDS == 0:
            tell("bytes read", done, total)
        yield line
    tell("bytes read", done, total)


async def _fetch(question: Question, settings: Settings, buckets: Buckets, tell: Tell) -> int:
    layout = await verified_layout(settings)
    heard_to: dict[int, int] = {}
    async for found in records_of(settings, settings.topics.events, range(layout.partitions)):
        arrived = max(heard_to.get(found.partition, 0), found.timestamp * 1_000)
        if question.until is None or arrived <= question.until:
            heard_to[found.partition] = arrived
            headers = tuple((name, value or b"") for name, value in found.headers)
            buckets.put(found.key, (buckets.records, found.timestamp, found.key, found.value, headers, arrived))
            if buckets.records % TOLD_EVERY_RECORDS == 0:
                tell("records read", buckets.records, None)
    return max(heard_to.values(), default=0)


def _decided(question: Question, buckets: Buckets, ended_at: int, tell: Tell) -> Tally:
    total = Tally()
    for tally in _tallies(question, buckets, ended_at):
        total.join(tally, question.examples_max)
        tell("events decided twice", total.records, buckets.records)
    return total


def _tallies(question: Question, buckets: Buckets, ended_at: int) -> Iterator[Tally]:
    """In the order of buckets."""
    paths = buckets.paths()
    jobs = 1 if buckets.records <= ALONE_RECORDS_MAX else min(question.jobs, len(paths))
    if jobs <= 1:
        collect_seldom()
        yield from (decide_bucket(question, path, ended_at) for path in paths)
        return
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=fresh, initializer=collect_seldom) as pool:
        yield from pool.map(decide_bucket, [question] * len(paths), paths, [ended_at] * len(paths))


def decide_bucket(question: Question, path: Path, ended_at: int) -> Tally:
    """The cases of one bucket under both packs."""
    heard = [(Record(*fields), now) for *fields, now in content(path)]
    heard.sort(key=itemgetter(1))  # of several partitions, each in its own order
    cases: dict[bytes | None, list[tuple[Record, int]]] = {}
    for number, (record, now) in enumerate(heard):
        cases.setdefault(record.key, []).append((record._replace(offset=number), now))
    old, new = Judge(_packs(question.old)), Judge(_packs(question.new))
    opened: dict[str, tuple[str, str]] = {}
    for case in cases.values():
        read_once: Decode = cache(decode)
        old.hear(case, ended_at, read_once)
        new.hear(case, ended_at, read_once)
        opened |= openings(case, old.dead & new.dead, read_once)
    return tally_of(old.outcome(), new.outcome(), opened, len(heard), question.examples_max)


@cache
def _packs(path: Path) -> Packs:
    """Once a process: calendars are compiled as they are asked for."""
    return load_packs(path)


def openings(heard: Heard, dead: set[int], decode: Decode) -> dict[str, tuple[str, str]]:
    """Region and week by case, of the opening that counts: a second one is used where the first was withdrawn."""
    found = {}
    for record, _ in heard:
        if record.offset in dead:
            continue
        try:
            received = decode(record.key, record.value, record.headers)
        except BadEvent:
            continue
        if isinstance(received, CaseEvent) and isinstance(received.fact.body, Opened):
            found[received.case_id] = received.fact.body.country, week_of(received.fact.at)
    return found


def week_of(instant: int) -> str:
    """`2026-W02`."""
    year, week, _ = datetime.fromtimestamp(instant // SECOND, UTC).isocalendar()
    return f"{year}-W{week:02}"


def tally_of(old: Outcome, new: Outcome, opened: dict[str, tuple[str, str]], records: int, examples_max: int) -> Tally:
    difference = compare(old, new)
    tally = Tally(records=records, dead_letters=difference.dead_letters)
    for case_id, generation in old.of.keys() | new.of.keys():
        plan, severity = old.of.get((case_id, generation)) or new.of[case_id, generation]
        tally.cases[Place(plan, severity, *opened.get(case_id, ("", "")))] += 1
    examples, changed = [], {}
    for flip in difference.flips:
        place, turn = _place(flip, opened), Turn(flip.about, flip.old, flip.new)
        tally.flips[turn, place] += 1
        changed[flip.case_id, flip.generation] = place
        examples.append(Example(flip.case_id, flip.generation, turn, place))
    tally.changed.update(changed.values())
    tally.examples = sorted(examples)[:examples_max]
    return tally


def _place(flip: Flip, opened: dict[str, tuple[str, str]]) -> Place:
    return Place(flip.plan, flip.severity, *opened.get(flip.case_id, ("", "")))
