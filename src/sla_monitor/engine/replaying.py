"""Events decided once more by the worker's own code under the packs as they are, held against what stands: no writing.

Case by case: the memory of one case. What decided by when it came, a dead letter of arrival, is taken as it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from sla_monitor.config.settings import Settings
from sla_monitor.core.policy import Packs
from sla_monitor.engine.layout import verified_layout
from sla_monitor.engine.records import DeadLetter, Outgoing, Record
from sla_monitor.engine.simulation import Simulation, arrivals
from sla_monitor.engine.verify.case import OF_ARRIVAL, UNREADABLE, Tally
from sla_monitor.engine.verify.cut import Cut, a_cut_reader
from sla_monitor.engine.verify.evidence import CaseEvidence, Evidence
from sla_monitor.engine.verify.findings import CONFLICTING, EXTRA, MISSING, Finding, compare
from sla_monitor.engine.verify.transcript import Transcript
from sla_monitor.oracle import Standing
from sla_monitor.wire.rows import NEVER, QUARANTINED

SAY, WITHDRAW, REPLACE = "say", "withdraw", "replace"
WORDS: Final = {MISSING: SAY, EXTRA: WITHDRAW, CONFLICTING: REPLACE}  # what a replay would do about each

# Why a case that differs is not told of: it would be wrong to.
EVENTS_GONE, NOTICES_GONE, SET_ASIDE = "events_gone", "notices_gone", "quarantined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked. `begin` and `end` (exclusive): of notices about instants in between; `case_id`: of one case."""

    packs: Packs
    begin: int = 0
    end: int = NEVER
    case_id: str | None = None
    examples_max: int = 20


@dataclass(slots=True, kw_only=True)
class Answer:
    """`tally.counts` by WORDS; `undecided`: cases that differ, by why that says nothing."""

    tally: Tally
    standing: int = 0  # notices that stand now
    decided: int = 0  # notices that would stand
    unusable: int = 0  # events that become dead letters

    @property
    def differs(self) -> bool:
        return bool(self.tally.counts)


@dataclass(slots=True, kw_only=True)
class _Heard:
    """One case decided once more."""

    transcript: Transcript
    unusable: int = 0


def replay_files(question: Question, events: Path, notices: Path | None, until: int | None) -> Answer:
    """Of a file of events as `simulate` reads it, and one of notices; without the second, nothing has been said."""
    answer = Answer(tally=Tally(examples_max=question.examples_max))
    with Evidence() as evidence:
        last = 0
        with events.open("rb") as lines:
            for record, now in arrivals(lines, until):
                evidence.add_events([(record.key, record.offset, record.timestamp, record.value, [])])
                last = now
        if notices is not None:
            with notices.open("rb") as lines:
                evidence.add_notices(_lines(lines))
        evidence.index()
        cut = Cut(
            applied=-1,
            watermark=last,
            judged_at=max(until or 0, last),
            reached=True,
            events_gone_to=-1,
            notices_gone_to=-1,
            dead_gone_to=-1,
        )
        _judge(question, evidence, cut, 0, answer)
    return answer


def replay_topic(question: Question, settings: Settings) -> Answer:
    """Of a deployment, each partition as it stands now. UnsafeState, RefuseToStart: Kafka does not give it."""
    return asyncio.run(_replay_topic(question, settings))


async def _replay_topic(question: Question, settings: Settings) -> Answer:
    answer = Answer(tally=Tally(examples_max=question.examples_max))
    for number in range((await verified_layout(settings)).partitions):
        with Evidence() as evidence:
            async with a_cut_reader(settings, number, lambda _topic, _count: None) as reader:
                cut = await reader.read(evidence, None, 0)
            evidence.index()
            _judge(question, evidence, cut, number, answer)
    return answer


def _lines(lines: Iterable[bytes]) -> Iterator[tuple[bytes, int, int, int | None, bytes]]:
    """Notices as records; what is none is left out, as from a topic."""
    for number, line in enumerate(lines):
        try:
            yield str(msgspec.json.decode(line)["subject"]).encode(), number, 0, None, line
        except UNREADABLE:
            continue


def _judge(question: Question, evidence: Evidence, cut: Cut, number: int, answer: Answer) -> None:
    for case in evidence.cases():
        if case.key is None:
            answer.unusable += len(case.records)
            continue
        case_id = case.key.decode("utf-8", "backslashreplace")
        if question.case_id in {None, case_id}:
            _judge_case(question, case, case_id, cut, number, answer)
    answer.tally.keep_examples()


def _judge_case(question: Question, case: CaseEvidence, case_id: str, cut: Cut, number: int, answer: Answer) -> None:
    tally = answer.tally
    tally.cases += 1
    tally.records += len(case.records)
    heard = _heard(question.packs, case, case_id, cut.judged_at)
    said = Transcript(case_id)
    for notice in case.notices:
        try:
            said.say(msgspec.json.decode(notice.value or b""))
        except UNREADABLE:
            continue
    expected, found = (_in_range(question, each) for each in (heard.transcript, said))
    answer.decided += len(expected)
    answer.standing += len(found)
    answer.unusable += heard.unusable
    findings = compare(expected, found, number)
    why = _undecided(case, cut, is_known=bool(heard.transcript.published)) if findings else ""
    if why:
        tally.doubt(why, case_id)
    else:
        tally.note(_renamed(findings))


def _heard(packs: Packs, case: CaseEvidence, case_id: str, judged_at: int) -> _Heard:
    heard = _Heard(transcript=Transcript(case_id))

    def say(notice: Outgoing) -> None:
        heard.transcript.say(msgspec.json.decode(notice.value))

    def bury(_letter: DeadLetter) -> None:
        heard.unusable += 1

    simulation, now = Simulation(packs, say, bury), 0
    for record in case.records:
        if case.dead.get(record.offset) not in OF_ARRIVAL:
            now = max(now, record.timestamp * 1_000)
            simulation.hear(Record(*record), now)
    simulation.end(max(judged_at, now))
    return heard


def _in_range(question: Question, transcript: Transcript) -> list[Standing]:
    """Without the pack's name and version, which differ where another pack is tried."""
    return [
        notice._replace(data={name: value for name, value in notice.data.items() if name != "policy"})
        for notice in transcript.standing.values()
        if question.begin <= notice.at < question.end
    ]


def _undecided(case: CaseEvidence, cut: Cut, *, is_known: bool) -> str:
    """Why what differs may come from what retention has removed, or from a defect; empty if there is no such reason."""
    heard_from = min((record.offset for record in case.records), default=-1)
    if case.status == QUARANTINED:
        return SET_ASIDE
    if cut.events_gone_to >= 0 and (not is_known or heard_from < 0):
        return EVENTS_GONE
    if heard_from <= cut.notices_gone_to:
        return NOTICES_GONE
    return ""


def _renamed(findings: Iterable[Finding]) -> Iterator[Finding]:
    for each in findings:
        yield Finding(
            kind=WORDS[each.kind],
            partition=each.partition,
            case_id=each.case_id,
            subject=each.subject,
            expected=each.expected,
            found=each.found,
        )
