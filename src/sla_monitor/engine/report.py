"""The report of a period from notices: what stands when all of them are read, whatever was said and withdrawn before.

Notices go to disk by case first, so any number of them needs the memory of a small part. The same notices give the same
report, whenever it is made.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import msgspec

from sla_monitor.config.settings import Settings
from sla_monitor.config.zones import UnknownPlace
from sla_monitor.core.calendar import ALWAYS_OPEN, Calendar
from sla_monitor.core.policy import Packs
from sla_monitor.engine.attainment import CalendarOf, CaseLines, Parked, Period, Step, Verdict, lines_of
from sla_monitor.engine.buckets import Buckets, content
from sla_monitor.engine.layout import verified_layout
from sla_monitor.engine.outcome import BREACHED, CANCELLED, MET, MET_LATE
from sla_monitor.engine.reading import records_of
from sla_monitor.engine.verify.case import UNREADABLE
from sla_monitor.engine.verify.transcript import Transcript
from sla_monitor.oracle import Standing
from sla_monitor.wire import rfc3339


class Group(NamedTuple):
    clock: str
    plan: str
    severity: str


@dataclass(slots=True)
class Sums:
    """Clocks decided in the period. Only what was promised is attained or missed."""

    met: int = 0
    late: int = 0
    breached: int = 0
    cancelled: int = 0
    unpromised: int = 0

    @property
    def decided(self) -> int:
        return self.met + self.late + self.breached

    @property
    def share(self) -> float | None:
        """Percent met in time; None: nothing was decided."""
        return 100 * self.met / self.decided if self.decided else None

    def count(self, verdict: Verdict) -> None:
        if verdict.verdict == CANCELLED:
            self.cancelled += 1
        elif not verdict.promised:
            self.unpromised += 1
        else:
            name = {MET: "met", MET_LATE: "late", BREACHED: "breached"}[verdict.verdict]
            setattr(self, name, getattr(self, name) + 1)


@dataclass(slots=True, kw_only=True)
class Report:
    """`worst`: promised clocks that were missed, the latest first. `parked`: clocks that look well for their pauses
    alone. `unknown_calendars`: clocks of which that cannot be told, for the packs given do not have their hours.
    """

    period: Period
    worst_max: int = 10
    sums: dict[Group, Sums] = field(default_factory=dict)
    worst: list[Verdict] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    paused_clocks: int = 0
    unknown_calendars: int = 0
    steps: Counter[Step] = field(default_factory=Counter)
    notices: int = 0
    unreadable: int = 0

    def add(self, lines: CaseLines) -> None:
        for verdict in lines.verdicts:
            group = Group(verdict.clock, verdict.plan, verdict.severity)
            self.sums.setdefault(group, Sums()).count(verdict)
        missed = [each for each in lines.verdicts if each.promised and each.verdict in {MET_LATE, BREACHED}]
        self.worst = heapq.nsmallest(self.worst_max, [*self.worst, *missed], key=_badness)
        self.parked += [each for each in lines.parked if each.owes]
        self.paused_clocks += len(lines.parked)
        self.unknown_calendars += sum(each.paused is None for each in lines.parked)
        self.steps.update(lines.steps)

    def finish(self) -> None:
        """In one order, whatever the order of cases was. A clock that never has a verdict is none of attainment."""
        with_verdicts = {group.clock for group, sums in self.sums.items() if sums.decided or sums.unpromised}
        self.sums = {group: sums for group, sums in sorted(self.sums.items()) if group.clock in with_verdicts}
        self.parked.sort(key=lambda each: (each.target - each.counted - (each.paused or 0), *_name(each)))
        self.steps = Counter(dict(sorted(self.steps.items())))


def _badness(missed: Verdict) -> tuple[object, ...]:
    return (-(missed.late or 0), *_name(missed))


def _name(each: Verdict | Parked) -> tuple[str, int, str]:
    return each.case_id, each.generation, each.clock


class _Heading(msgspec.Struct):
    """What a notice says of itself before it is read."""

    subject: str
    time: str


class Collected:
    """Notices on disk by case, and the last instant that one is about."""

    def __init__(self, buckets: Buckets) -> None:
        self.buckets = buckets
        self.heard_to = 0
        self.unreadable = 0
        self._decode = msgspec.json.Decoder(_Heading).decode

    def take(self, value: bytes) -> None:
        try:
            heading = self._decode(value)
            self.heard_to = max(self.heard_to, rfc3339.parse(heading.time))
            self.buckets.put(heading.subject.encode(), (heading.subject, value))
        except UNREADABLE:
            self.unreadable += 1


def report_of_lines(lines: Iterable[bytes], begin: int, end: int, packs: Packs, worst_max: int) -> Report:
    """Of a file of notices, one a line, in the order in which they were sent."""
    with Buckets() as buckets:
        collected = Collected(buckets)
        for line in lines:
            if line.strip():
                collected.take(line)
        return _reported(collected, begin, end, packs, worst_max)


def report_of_topic(settings: Settings, begin: int, end: int, packs: Packs, worst_max: int) -> Report:
    """Of `sla-notices` up to where it ends now. UnsafeState, RefuseToStart: Kafka does not give it."""
    with Buckets() as buckets:
        collected = Collected(buckets)
        asyncio.run(_fetch(settings, collected))
        return _reported(collected, begin, end, packs, worst_max)


async def _fetch(settings: Settings, collected: Collected) -> None:
    layout = await verified_layout(settings)
    async for found in records_of(settings, settings.topics.notices, range(layout.partitions)):
        collected.take(found.value or b"")


def _reported(collected: Collected, begin: int, end: int, packs: Packs, worst_max: int) -> Report:
    period = Period(begin, end, collected.heard_to)
    report = Report(period=period, worst_max=worst_max)
    report.notices, report.unreadable = collected.buckets.records, collected.unreadable
    calendar_of = calendars(packs)
    for path in collected.buckets.paths():
        cases: dict[str, Transcript] = {}
        for case_id, value in content(path):
            try:
                cases.setdefault(case_id, Transcript(case_id)).say(msgspec.json.decode(value))
            except UNREADABLE:
                report.unreadable += 1
        for case in cases.values():
            report.add(lines_of(case.standing.values(), period, calendar_of))
    report.finish()
    return report


def calendars(packs: Packs) -> CalendarOf:
    """Finds the hours that a notice names, such as `SP-HRS-1:DE-BY:Europe/Berlin`, in the version it names."""

    @cache
    def find(pack: str, name: str) -> Calendar | None:
        if name == ALWAYS_OPEN.name:
            return ALWAYS_OPEN
        policy, parts = packs.named(pack), name.split(":", 2)
        if policy is None or len(parts) != 3:  # noqa: PLR2004 - rule, place, zone
            return None
        country, _, subdivision = parts[1].partition("-")
        try:
            found = policy.calendar_for(country, subdivision or None, parts[2])
        except UnknownPlace:
            return None
        return found if found.name == name else None

    def calendar_of(told: Standing) -> Calendar | None:
        policy: Any = told.data.get("policy") or {}
        return find(f"{policy.get('name')}/{policy.get('version')}", str(told.data.get("calendar", "")))

    return calendar_of
