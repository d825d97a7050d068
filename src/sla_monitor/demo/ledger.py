"""What the notices read so far come to: running clocks, counts, the latest. Pure; a notice read twice counts once."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sla_monitor.core import notices as n
from sla_monitor.wire import rfc3339

LATEST_MAX: Final = 50  # more than a screen has lines
IDS_MAX: Final = 10_000  # x ~100 B = 1 MB; a repeat comes soon after a restart or never
CLOCKS_MAX: Final = 10_000  # x ~300 B = 3 MB; a demo of days forgets the oldest

OPENS: Final = {n.CLOCK_STARTED, n.DEADLINE_MOVED}
UNTOLD: Final = {n.CLOCK_STOPPED}  # what stopped it tells more


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningClock:
    """`since`: when it started or its deadline last moved. `deadline` None: nothing follows, however long it runs."""

    case_id: str
    clock: str
    severity: str
    plan: str
    since: int
    deadline: int | None
    is_broken: bool = False

    def share_left(self, now: int) -> float:
        """Of the time between start and deadline, on the wall clock; below zero when it has passed."""
        if self.deadline is None:
            return 1.0
        return (self.deadline - now) / max(1, self.deadline - self.since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Of what stands: what was taken back is not in it, but counted itself."""

    running: int
    met: int
    met_late: int
    breached: int
    downgrades: int
    retracted: int
    dead: int


class Ledger:
    """Takes notices in the order they are read."""

    def __init__(self) -> None:
        self.latest: deque[dict[str, Any]] = deque(maxlen=LATEST_MAX)  # the newest first
        self.kinds: Counter[str] = Counter()  # sent, whether or not they were taken back
        self._standing: Counter[str] = Counter()
        self._dead = 0
        self._clocks: OrderedDict[tuple[str, str], RunningClock] = OrderedDict()
        self._ids: OrderedDict[str, bool] = OrderedDict()  # id: whether it was an answer that came late

    def take(self, notice: dict[str, Any]) -> bool:
        """False: this very notice was taken before."""
        if notice["id"] in self._ids:
            return False
        kind, said = notice["type"], notice["data"]
        self._ids[notice["id"]] = is_late = kind == n.MET and said.get("late", False)
        if len(self._ids) > IDS_MAX:
            self._ids.popitem(last=False)
        self.kinds[kind] += 1
        self._standing["late" if is_late else kind] += 1
        if kind not in UNTOLD:
            self.latest.appendleft(notice)
        if kind == n.RETRACTED:
            self._taken_back(said)
        elif kind == n.FORGOTTEN:
            for key in [key for key in self._clocks if key[0] == notice["subject"]]:
                del self._clocks[key]
        else:
            self._move_clocks(notice, said)
        return True

    def dead_letter(self) -> None:
        """One more record was set aside."""
        self._dead += 1

    @property
    def counts(self) -> Counts:
        standing = self._standing
        return Counts(
            running=len(self._clocks),
            met=standing[n.MET],
            met_late=standing["late"],
            breached=standing[n.BREACHED],
            downgrades=standing[n.DOWNGRADE_RECOMMENDED],
            retracted=standing[n.RETRACTED],
            dead=self._dead,
        )

    def nearest(self) -> list[RunningClock]:
        """Clocks with a deadline that nothing was said about yet, the nearest first."""
        ahead = [clock for clock in self._clocks.values() if clock.deadline is not None and not clock.is_broken]
        return sorted(ahead, key=lambda clock: (clock.deadline or 0, clock.case_id))

    def broken(self) -> list[RunningClock]:
        """Breached and not answered yet, the newest first."""
        past = [clock for clock in self._clocks.values() if clock.is_broken]
        return sorted(past, key=lambda clock: (-(clock.deadline or 0), clock.case_id))

    def _move_clocks(self, notice: Mapping[str, Any], said: Mapping[str, Any]) -> None:
        kind = notice["type"]
        if kind in OPENS:
            self._open(notice, said)
        elif kind in {n.CLOCK_STOPPED, n.CANCELLED}:
            self._clocks.pop((notice["subject"], said["clock"]), None)
        elif kind == n.BREACHED:
            self._break(notice["subject"], said["clock"], is_broken=True)
        elif kind == n.DOWNGRADE_RECOMMENDED:  # of the commitment, which needs no clock: attempts break it too
            for key in [key for key, clock in self._clocks.items() if key[0] == notice["subject"]]:
                if self._clocks[key].clock == "commitment":
                    self._clocks[key] = replace(self._clocks[key], deadline=None)

    def _open(self, notice: Mapping[str, Any], said: Mapping[str, Any]) -> None:
        key = notice["subject"], said["clock"]
        self._clocks[key] = RunningClock(
            case_id=key[0],
            clock=key[1],
            severity=said["severity"],
            plan=said["plan"],
            since=rfc3339.parse(notice["time"]),
            deadline=rfc3339.parse(said["deadline"]) if said["deadline"] else None,
        )
        if len(self._clocks) > CLOCKS_MAX:
            self._clocks.popitem(last=False)

    def _break(self, case_id: str, clock: str, *, is_broken: bool) -> None:
        if found := self._clocks.get((case_id, clock)):
            self._clocks[case_id, clock] = replace(found, is_broken=is_broken)

    def _taken_back(self, said: Mapping[str, Any]) -> None:
        kind, case_id = said["retracted_type"], said["case_id"]
        self._standing["late" if self._ids.get(said["retracts"]) else kind] -= 1
        if kind == n.BREACHED:
            self._break(case_id, said["clock"], is_broken=False)
        elif kind == n.CLOCK_STARTED:
            self._clocks.pop((case_id, said["clock"]), None)
        elif kind == n.CLOCK_STOPPED and said["deadline"]:
            running = {"subject": case_id, "time": said["deadline"], "type": n.CLOCK_STARTED}
            self._open(running, said)
