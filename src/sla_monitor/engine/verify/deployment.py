"""All partitions of a deployment: each read, cut and judged on its own, several at a time in their own processes."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from aiokafka.errors import KafkaError

from sla_monitor.config.packs import load_packs
from sla_monitor.config.settings import Settings
from sla_monitor.core.facts import DAY
from sla_monitor.engine.layout import verified_layout
from sla_monitor.engine.verify.case import Court, Tally
from sla_monitor.engine.verify.cut import Cut, a_cut_reader
from sla_monitor.engine.verify.evidence import Evidence
from sla_monitor.engine.verify.findings import BEHIND, EXTRA, NO_NOTICE, REPEATED, Finding
from sla_monitor.errors import RefuseToStart
from sla_monitor.oracle import Plans

TOLD_EVERY_SECONDS = 2.0
CASES_BETWEEN_LOOKS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked. `until` in microseconds; `wait_seconds` is how long partitions have to get there."""

    settings: Settings
    until: int | None = None
    wait_seconds: float = 30.0
    examples_max: int = 20
    jobs: int = field(default_factory=lambda: os.cpu_count() or 1)


@dataclass(slots=True, kw_only=True)
class Answer:
    """Of all partitions."""

    partitions: int
    seconds: float
    cuts: dict[int, Cut]
    tally: Tally

    @property
    def is_clean(self) -> bool:
        return not self.tally.counts


def verify(question: Question) -> Answer:
    """RefuseToStart: the topics or packs do not fit together, or no broker answers."""
    began = time.monotonic()
    layout = asyncio.run(verified_layout(question.settings))
    load_packs(question.settings.policy)  # every problem of a pack is told once, before any work
    total, cuts = Tally(examples_max=question.examples_max), {}
    for number, (cut, tally) in enumerate(_answers(question, layout.partitions)):
        cuts[number] = cut
        total.join(tally)
    total.keep_examples()
    return Answer(partitions=layout.partitions, seconds=time.monotonic() - began, cuts=cuts, tally=total)


def _answers(question: Question, partitions: int) -> Iterator[tuple[Cut, Tally]]:
    """In the order of partitions."""
    jobs = min(question.jobs, partitions)
    if jobs == 1:
        yield from (verify_partition(question, number) for number in range(partitions))
        return
    fresh = multiprocessing.get_context("spawn")  # a fork would share sockets
    with ProcessPoolExecutor(jobs, mp_context=fresh) as pool:
        yield from pool.map(verify_partition, [question] * partitions, range(partitions))


def verify_partition(question: Question, number: int) -> tuple[Cut, Tally]:
    """One partition from Kafka to its tally."""
    settings = question.settings
    progress = Progress(number)
    with Evidence() as evidence:
        try:
            cut = asyncio.run(_read(question, number, evidence, progress.read))
        except (KafkaError, OSError) as error:
            raise RefuseToStart(f"SLA_BROKER: partition {number}: {str(error) or type(error).__name__}") from error
        evidence.index()
        court = Court(
            plans=Plans.load(() if settings.policy is None else (settings.policy,)),
            packs=load_packs(settings.policy),
            cut=cut,
            partition=number,
            until=question.until,
            retention=settings.retention_days * DAY,
            may_repeat=settings.journal == "at_least_once",
        )
        tally = Tally(examples_max=question.examples_max)
        for case in evidence.cases():
            court.hear(case, tally)
            if tally.cases % CASES_BETWEEN_LOOKS == 0:
                progress.judged(tally.cases)
        again = evidence.repeated_dead()
        if court.may_repeat:
            tally.repeats += len(again)
            again = []
        tally.note(of_the_partition(evidence, again, cut, number, question.until))
        for offset, _ in evidence.dead_of_nothing():
            if 0 <= offset <= cut.events_gone_to:
                tally.doubt("events_gone", f"offset {offset}")
        progress.done(tally)
    return cut, tally


async def _read(question: Question, number: int, evidence: Evidence, tell: Callable[[str, int], None]) -> Cut:
    async with a_cut_reader(question.settings, number, tell) as reader:
        return await reader.read(evidence, question.until, question.wait_seconds)


def of_the_partition(
    evidence: Evidence, repeated_dead: Iterable[int], cut: Cut, number: int, until: int | None
) -> Iterable[Finding]:
    """What belongs to no case. `repeated_dead`: input offsets with more dead letters than one."""
    if not cut.reached:
        subject = f"stands at {cut.watermark}, asked for {until}"
        yield Finding(kind=BEHIND, partition=number, case_id="", subject=subject)
    for offset in evidence.keyless_notices():
        yield Finding(kind=EXTRA, partition=number, case_id="", subject=f"{NO_NOTICE}, at offset {offset}")
    for offset in repeated_dead:
        yield Finding(kind=REPEATED, partition=number, case_id="", subject=f"dead letter of offset {offset}")
    for offset, reason in evidence.dead_of_nothing():
        if not 0 <= offset <= cut.events_gone_to:
            subject = f"dead letter of offset {offset}, where no record is"
            yield Finding(kind=EXTRA, partition=number, case_id="", subject=subject, found=reason)


class Progress:
    """A line on standard error now and then: what a partition is doing."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._told_at = time.monotonic()

    def read(self, topic: str, count: int) -> None:
        self._tell(f"{topic}: {count:,} records read")

    def judged(self, cases: int) -> None:
        self._tell(f"{cases:,} cases judged")

    def done(self, tally: Tally) -> None:
        self._told_at = 0.0
        self._tell(f"{tally.cases:,} cases judged, {tally.counts.total():,} findings")

    def _tell(self, what: str) -> None:
        if time.monotonic() - self._told_at >= TOLD_EVERY_SECONDS:
            self._told_at = time.monotonic()
            sys.stderr.write(f"partition {self._number}: {what}\n")
            sys.stderr.flush()


def as_document(answer: Answer) -> dict[str, Any]:
    """For programs."""
    tally = answer.tally
    return {
        "clean": answer.is_clean,
        "partitions": {
            str(number): {"applied": cut.applied, "watermark": cut.watermark, "reached": cut.reached}
            for number, cut in answer.cuts.items()
        },
        "cases": tally.cases,
        "records": tally.records,
        "notices": tally.notices,
        "dead_letters": tally.dead,
        "repeats": tally.repeats,
        "seconds": round(answer.seconds, 3),
        "findings": dict(sorted(tally.counts.items())),
        "examples": [finding.as_document() for finding in tally.examples],
        "unverifiable": dict(sorted(tally.unverifiable.items())),
        "unverifiable_examples": [{"why": why, "case_id": case} for why, case in tally.unverifiable_examples],
        "digest": {"expected": tally.expected.hexdigest(), "found": tally.found.hexdigest()},
        "lateness_seconds": tally.lateness.table(),
    }
