"""What a shadow says against what the live deployment says: two sets of standing notices, from the same input."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from sla_monitor.config.settings import Settings
from sla_monitor.engine.layout import verified_layout
from sla_monitor.engine.verify.case import OF_ARRIVAL, UNREADABLE, Tally, dead_letters
from sla_monitor.engine.verify.cut import Cut, a_cut_reader
from sla_monitor.engine.verify.evidence import CaseEvidence, Evidence
from sla_monitor.engine.verify.findings import BEHIND, Finding, compare
from sla_monitor.engine.verify.transcript import Transcript
from sla_monitor.errors import UnsafeState
from sla_monitor.oracle import Standing

LIVE, SHADOW = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Of each finding in the tally, expected is what the live deployment said, found is what the shadow said."""

    partitions: int
    tally: Tally

    @property
    def is_same(self) -> bool:
        return not self.tally.counts


async def compare_shadow(
    live: Settings, shadow: Settings, until: int, wait_seconds: float, examples_max: int = 20
) -> Comparison:
    """Notices about instants up to `until` (microseconds), once both have got there or the time is up. UnsafeState: the
    topics of one of them are not as they must be.
    """
    partitions = (await verified_layout(live)).partitions
    if (await verified_layout(shadow)).partitions != partitions:
        raise UnsafeState(f"{live.topics.notices} and {shadow.topics.notices} have other numbers of partitions")
    tally = Tally(examples_max=examples_max)
    for number in range(partitions):
        with Evidence() as of_live, Evidence() as of_shadow:
            cuts = [
                await _read(settings, number, evidence, until, wait_seconds)
                for settings, evidence in ((live, of_live), (shadow, of_shadow))
            ]
            tally.note(_behind(cuts, number))
            both = heapq.merge(_cases(of_live, LIVE), _cases(of_shadow, SHADOW), key=itemgetter(0))
            for _, pair in groupby(both, itemgetter(0)):
                found = {whose: case for _, whose, case in pair}
                tally.cases += 1
                tally.note(_differences(found.get(LIVE), found.get(SHADOW), number, until))
    tally.keep_examples()
    return Comparison(partitions=partitions, tally=tally)


async def _read(settings: Settings, number: int, evidence: Evidence, until: int, wait_seconds: float) -> Cut:
    async with a_cut_reader(settings, number, lambda _topic, _count: None) as reader:
        cut = await reader.read(evidence, until, wait_seconds)
    evidence.index()
    return cut


def _cases(evidence: Evidence, whose: int) -> Iterator[tuple[bytes, int, CaseEvidence]]:
    """In the order of their keys."""
    return ((case.key, whose, case) for case in evidence.cases() if case.key is not None)


def _behind(cuts: Iterable[Cut], number: int) -> Iterator[Finding]:
    for cut, who in zip(cuts, ("live", "shadow"), strict=True):
        if not cut.reached:
            yield Finding(kind=BEHIND, partition=number, case_id="", subject=f"{who} stands at {cut.watermark}")


def _differences(live: CaseEvidence | None, shadow: CaseEvidence | None, number: int, until: int) -> Iterator[Finding]:
    case = live or shadow
    if case is None or case.key is None:
        return
    case_id = case.key.decode("utf-8", "backslashreplace")
    expected, found = (_standing(each, case_id, until) for each in (live, shadow))
    yield from compare(expected, found, number)
    letters = [{} if each is None else _for_what_they_say(each) for each in (live, shadow)]
    yield from dead_letters(letters[SHADOW], letters[LIVE], number, case_id)


def _standing(case: CaseEvidence | None, case_id: str, until: int) -> list[Standing]:
    """Without the pack's name and version, which differ where another pack is tried."""
    transcript = Transcript(case_id)
    for said in case.notices if case else ():
        try:
            transcript.say(json.loads(said.value or b""))
        except UNREADABLE:
            continue
    return [_without_pack(notice) for notice in transcript.standing.values() if notice.at <= until]


def _without_pack(notice: Standing) -> Standing:
    data: dict[str, Any] = {name: value for name, value in notice.data.items() if name != "policy"}
    return notice._replace(data=data)


def _for_what_they_say(case: CaseEvidence) -> dict[int, str]:
    """Dead letters that do not depend on when a record was read."""
    return {offset: reason for offset, reason in case.dead.items() if reason not in OF_ARRIVAL}
