"""How the cases of a file of events end under a pack: deadlines that are open, and verdicts, from what stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from sla_monitor.core import notices as n
from sla_monitor.core.policy import Packs
from sla_monitor.engine.records import DeadLetter, Outgoing, Record
from sla_monitor.engine.simulation import Simulation, arrivals
from sla_monitor.engine.verify.transcript import ABOUT_THE_WORKER
from sla_monitor.oracle import Standing
from sla_monitor.oracle.standing import standing as standing_as
from sla_monitor.wire import rfc3339
from sla_monitor.wire.inbound import Decode, decode

SERVICE, SEVERITY, EFFORT, CONTACT = "service", "severity", "effort", "contact"
REOPENING, SCRIPTS = "reopening", "scripts"
OPEN, MET, MET_LATE, BREACHED, CANCELLED = "open", "met", "met late", "breached", "cancelled"
NONE = "none"  # the clock has not run
VERDICTS = (OPEN, CANCELLED, MET, MET_LATE, BREACHED)  # of several runs the last one here counts

# Of several that stand about one thing the last one here counts.
GRADES = {
    SERVICE: {n.COVERAGE_LIMITED: "limited", n.COVERAGE_DECLINED: "declined", n.ELIGIBILITY_DECLINED: "not eligible"},
    SEVERITY: {n.DOWNGRADE_RECOMMENDED: "lower recommended", n.DOWNGRADED: "lowered"},
    EFFORT: {n.EFFORT_WARNING: "warned", n.EFFORT_EXHAUSTED: "exhausted"},
    CONTACT: {n.CONTACT_OUTSIDE_HOURS: "outside hours"},
    REOPENING: {n.REOPEN_ACCEPTED: "accepted", n.REOPEN_DECLINED: "declined"},
    SCRIPTS: {n.SCRIPT_ACCEPTED: "accepted", n.SCRIPT_DECLINED: "declined"},
}
USUAL = {
    SERVICE: "served",
    SEVERITY: "kept",
    EFFORT: "within",
    CONTACT: "in hours",
    REOPENING: "no answer",
    SCRIPTS: "no answer",
}


class About(NamedTuple):
    """A clock, or one of GRADES, of one generation of a case."""

    case_id: str
    generation: int
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Deadlines in microseconds since the epoch, of clocks that run and have no verdict. Verdicts as words; what has
    the usual one is not there. `of`: plan and severity of a case as they are in the end.
    """

    deadlines: dict[About, int] = field(default_factory=dict)
    verdicts: dict[About, str] = field(default_factory=dict)
    of: dict[tuple[str, int], tuple[str, str]] = field(default_factory=dict)
    dead_letters: int = 0


def outcome_under(packs: Packs, lines: Iterable[bytes], until: int | None) -> Outcome:
    """What `simulate` would say, with every notice switched on, read to its end."""
    judge = Judge(packs)
    judge.hear(arrivals(lines, until), until)
    return judge.outcome()


class Judge:
    """What stands of cases under packs with every notice switched on. `dead`: offsets of what cannot be used."""

    def __init__(self, packs: Packs) -> None:
        self._packs = Packs(versions=tuple(replace(policy, switched_off=frozenset()) for policy in packs.versions))
        self._standing: dict[str, dict[str, Standing]] = {}  # by case and notice
        self._now = 0
        self.dead: set[int] = set()

    def hear(self, heard: Iterable[tuple[Record, int]], until: int | None, decode: Decode = decode) -> None:
        """All of some cases: records, and the instants at which they are heard."""
        simulation = Simulation(self._packs, self._note, self._bury, decode)
        for record, now in heard:
            simulation.hear(record, now)
        simulation.end_for_good(until)
        self._now = max(self._now, simulation.now)

    def outcome(self) -> Outcome:
        """Of all that was heard."""
        standing = (one for of_case in self._standing.values() for one in of_case.values())
        apart = {name for policy in self._packs.versions for name in (policy.commitment.name, policy.effort.name)}
        return replace(outcome_of(standing, self._now, apart), dead_letters=len(self.dead))

    def _note(self, said: Outgoing) -> None:
        notice, of_case = said.notice, self._standing.setdefault(said.notice.case_id, {})
        if notice.kind == n.RETRACTED:
            of_case.pop(str(notice.data["retracts"]), None)
        elif notice.kind == n.FORGOTTEN:
            of_case.clear()
        elif notice.kind not in ABOUT_THE_WORKER:
            of_case[notice.id] = standing_as(notice.kind, notice.at, notice.data)

    def _bury(self, letter: DeadLetter) -> None:
        self.dead.add(letter.offset)


def outcome_of(standing: Iterable[Standing], now: int, without_verdicts: Iterable[str] = ()) -> Outcome:
    """The outcome of what stands at `now`. Clocks `without_verdicts` have deadlines only."""
    outcome = Outcome()
    clocks: dict[About, list[Standing]] = {}
    for one in sorted(standing, key=lambda one: one.at):  # stable: of one instant, as they were said
        outcome.of[one.case_id, one.generation] = str(one.data.get("plan", "")), str(one.data.get("severity", ""))
        if "clock" in one.data:
            about = About(one.case_id, one.generation, str(one.data["clock"]))
            clocks.setdefault(about, []).append(one)
        for what, grade in _grades(one):
            about = About(one.case_id, one.generation, what)
            ranks = [*GRADES[what].values()]
            worst = max(grade, outcome.verdicts.get(about, grade), key=ranks.index)
            outcome.verdicts[about] = worst
    apart = set(without_verdicts)
    for about, said in clocks.items():
        verdicts = [clock_verdict(run) for run in runs(said)]
        if about.about not in apart:
            outcome.verdicts[about] = max(verdicts, key=VERDICTS.index)
        deadline = said[-1].data.get("deadline")
        if verdicts[-1] == OPEN and said[-1].kind != n.CLOCK_STOPPED and isinstance(deadline, str):
            due_at = rfc3339.parse(deadline)
            if due_at > now:
                outcome.deadlines[about] = due_at
    return outcome


def _grades(one: Standing) -> Iterator[tuple[str, str]]:
    for what, grades in GRADES.items():
        if one.kind in grades:
            yield what, grades[one.kind]


def runs(said: Iterable[Standing]) -> Iterator[list[Standing]]:
    """What stands about each run of a clock: one may start again after it was stopped."""
    run: list[Standing] = []
    for one in said:
        if one.kind == n.CLOCK_STARTED and run:
            yield run
            run = []
        run.append(one)
    yield run


def clock_verdict(said: Iterable[Standing]) -> str:
    """Of all that stands about one run of a clock."""
    kinds = {one.kind: one for one in said}
    if n.MET in kinds:
        return MET_LATE if kinds[n.MET].data.get("late") else MET
    if n.BREACHED in kinds:
        return BREACHED
    return CANCELLED if n.CANCELLED in kinds else OPEN
