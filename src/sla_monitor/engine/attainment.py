"""What stands about one case, as lines of a report: verdicts in a period, pauses that carry them, downgrades.

A clock counts in the period in which it was decided: when it was met, else at the deadline that it missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from sla_monitor.core import notices as n
from sla_monitor.core.calendar import Calendar
from sla_monitor.core.facts import SECOND
from sla_monitor.engine.outcome import BREACHED, CANCELLED, MET, MET_LATE, clock_verdict, runs
from sla_monitor.oracle import Standing
from sla_monitor.wire import rfc3339

PAUSED = "paused"
DECIDE = frozenset({n.MET, n.BREACHED, n.CANCELLED})
STEPS = {n.DOWNGRADE_RECOMMENDED: "recommended", n.DOWNGRADED: "lowered", n.RESTORED: "restored"}

CalendarOf = Callable[[Standing], Calendar | None]  # None: the packs given do not have it


class Period(NamedTuple):
    """[begin, end) in microseconds. `heard_to`: the last instant that any notice is about."""

    begin: int
    end: int
    heard_to: int

    def has(self, instant: int) -> bool:
        return self.begin <= instant < self.end

    @property
    def last(self) -> int:
        """What is still open is as late as it is known to be by then."""
        return min(self.end, self.heard_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One run of a clock that was decided. `late`: open microseconds after the deadline, so far if it is not met; None:
    in time, cancelled, or on a calendar that nobody knows.
    """

    case_id: str
    generation: int
    clock: str
    plan: str
    severity: str
    promised: bool
    verdict: str
    at: int
    target: int
    late: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """One run of a promised clock that paused, and was met in time or pauses still. `counted` and `paused` in open
    microseconds; `paused` None: on a calendar that nobody knows.
    """

    case_id: str
    generation: int
    clock: str
    plan: str
    severity: str
    state: str  # met, paused
    target: int
    counted: int
    paused: int | None

    @property
    def owes(self) -> bool:
        """Without its pauses it would have missed its target: SP-LT, strictly less is in time."""
        return self.paused is not None and self.counted + self.paused >= self.target


class Step(NamedTuple):
    """A change of severity by the plan's rules, or one recommended."""

    step: str
    plan: str
    rule: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLines:
    verdicts: tuple[Verdict, ...]
    parked: tuple[Parked, ...]
    steps: tuple[Step, ...]


def lines_of(standing: Iterable[Standing], period: Period, calendar_of: CalendarOf) -> CaseLines:
    """Of all that stands about one case, in the order in which it was said."""
    said = sorted(standing, key=lambda one: one.at)
    clocks: dict[tuple[int, str], list[Standing]] = {}
    for one in said:
        if "clock" in one.data:
            clocks.setdefault((one.generation, str(one.data["clock"])), []).append(one)
    lives = [run for notices in clocks.values() for run in runs(notices)]
    return CaseLines(
        verdicts=tuple(verdict for run in lives if (verdict := verdict_of(run, period, calendar_of))),
        parked=tuple(parked for run in lives if (parked := parked_of(run, period, calendar_of))),
        steps=tuple(_steps(said, period)),
    )


def verdict_of(run: list[Standing], period: Period, calendar_of: CalendarOf) -> Verdict | None:
    """None: not decided, or in another period."""
    kinds = {one.kind: one for one in run}
    verdict = clock_verdict(run)
    if verdict not in {MET, MET_LATE, BREACHED, CANCELLED}:
        return None
    told = kinds[{MET: n.MET, MET_LATE: n.MET, BREACHED: n.BREACHED, CANCELLED: n.CANCELLED}[verdict]]
    at = _deadline(told) if verdict == MET_LATE else told.at
    if not period.has(at):
        return None
    return Verdict(
        **_about(told),
        promised=bool(told.data.get("promised")),
        verdict=verdict,
        at=at,
        target=_micros(told, "target_seconds"),
        late=_late(verdict, told, kinds, period, calendar_of),
    )


def _late(
    verdict: str, told: Standing, kinds: dict[str, Standing], period: Period, calendar_of: CalendarOf
) -> int | None:
    if verdict == MET_LATE:
        return _micros(told, "late_by")
    calendar = calendar_of(told)
    if verdict != BREACHED or calendar is None:
        return None
    ended = kinds.get(n.CLOCK_STOPPED)
    return calendar.between(told.at, max(told.at, period.last if ended is None else ended.at))


def parked_of(run: list[Standing], period: Period, calendar_of: CalendarOf) -> Parked | None:
    """None: it never paused, was not in time, was met in another period, or promised nothing."""
    pauses = [(began, over) for began, over in _pauses(run) if began.at < period.end]
    if not pauses:
        return None
    told, until = pauses[-1]
    state = PAUSED if until is None or until.at >= period.end else ""
    decided = [one for one in run if one.kind in DECIDE and one.at < period.end]
    if decided:
        is_met = clock_verdict(run) == MET and decided[-1].kind == n.MET and period.has(decided[-1].at)
        told, state = decided[-1], MET if is_met else ""
    if not state or not told.data.get("promised"):
        return None
    lengths = []
    for began, over in pauses:
        ends = period.last if over is None else min(over.at, period.end)
        calendar = calendar_of(began)
        lengths.append(None if calendar is None else calendar.between(began.at, max(ends, began.at)))
    known = [length for length in lengths if length is not None]
    return Parked(
        **_about(told),
        state=state,
        target=_micros(told, "target_seconds"),
        counted=_micros(told, "elapsed_seconds"),
        paused=sum(known) if len(known) == len(lengths) else None,
    )


def _pauses(run: list[Standing]) -> Iterator[tuple[Standing, Standing | None]]:
    """Each pause, and what ended it."""
    since: Standing | None = None
    for one in run:
        if since is None and one.kind == n.CLOCK_PAUSED:
            since = one
        elif since is not None and one.kind in {n.CLOCK_RESUMED, n.CLOCK_STOPPED, n.MET, n.CANCELLED}:
            yield since, one
            since = None
    if since is not None:
        yield since, None


def _steps(said: Iterable[Standing], period: Period) -> Iterator[Step]:
    for one in said:
        if one.kind in STEPS and period.has(one.at):
            plan, rule, old, new = (str(one.data.get(name, "")) for name in ("plan", "rule", "from", "to"))
            yield Step(STEPS[one.kind], plan, rule, old, new)


def _about(told: Standing) -> dict[str, Any]:
    return {
        "case_id": told.case_id,
        "generation": told.generation,
        "clock": str(told.data["clock"]),
        "plan": str(told.data.get("plan", "")),
        "severity": str(told.data.get("severity", "")),
    }


def _deadline(told: Standing) -> int:
    return rfc3339.parse(str(told.data["deadline"]))


def _micros(told: Standing, name: str) -> int:
    value = told.data.get(name)
    return round(value * SECOND) if isinstance(value, (int, float)) else 0
