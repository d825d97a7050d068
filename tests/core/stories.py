"""A case's story, told event by event in its local time, and what stands of all that was said about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sla_monitor.config.packs import load_packs
from sla_monitor.core import facts as f
from sla_monitor.core import notices as n
from sla_monitor.core.decide import Bounds, Case, Decision, fold, next_wake, wake
from sla_monitor.core.facts import Body, Fact, Opened
from sla_monitor.core.notices import Notice
from sla_monitor.core.policy import Packs

PACKS = load_packs()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MONDAY = "2026-01-05"  # no holiday in any of the countries told about
SILENT = frozenset({n.CLOCK_STARTED, n.CLOCK_STOPPED, n.DEADLINE_MOVED})  # a clock's life: no verdict


def at(local: str, zone: str = "Europe/Berlin") -> int:
    """`2026-01-05 09:00`, seconds and their fraction if need be, in a zone."""
    return (datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)) - EPOCH) // timedelta(microseconds=1)


def automatic(packs: Packs = PACKS) -> Packs:
    """The same packs, with every downgrade done at once instead of recommended (SP-DOWN-MODE)."""

    def changed(downgrades: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(replace(downgrade, automatic=True) for downgrade in downgrades)

    versions = [
        replace(
            each,
            commitment=replace(
                each.commitment,
                downgrades=changed(each.commitment.downgrades),
                grounds=changed(each.commitment.grounds),
            ),
        )
        for each in packs.versions
    ]
    return Packs(versions=tuple(versions))


AUTOMATIC = automatic()


def fact(instant: int, body: Body, identity: str, *, source: str = "crm", sequence: int | None = None) -> Fact:
    return Fact(at=instant, source=source, id=identity, body=body, sequence=sequence)


@dataclass(frozen=True, slots=True)
class Said:
    """A notice as a story reads it: what, when in local time, and its data."""

    kind: str
    when: str
    notice: Notice

    def __getitem__(self, name: str) -> Any:
        return self.notice.data[name]


class Story:
    """One case. The watermark follows the events (`now` says otherwise); time is woken before each event."""

    def __init__(
        self,
        opened: str | None,
        *,
        zone: str = "Europe/Berlin",
        packs: Packs = PACKS,
        bounds: Bounds | None = None,
        **terms: Any,
    ) -> None:
        self.zone, self.packs, self.bounds = zone, packs, bounds or Bounds()
        self.case = Case(case_id="case-1")
        self.now = 0
        self.sent: list[Notice] = []
        self.events = 0
        self.last: Fact | None = None
        self.effect = ""
        if opened is not None:
            self.tell(opened, opening(**terms), identity="open")

    def tell(
        self,
        when: str,
        body: Body,
        *,
        now: str | None = None,
        identity: str | None = None,
        sequence: int | None = None,
    ) -> list[Said]:
        """An event happens at `when` and arrives with the watermark at `now`; by default as soon as it can."""
        instant = self.at(when)
        self.events += identity is None
        arrived = max(self.now, instant) if now is None else self.at(now)
        self.last = fact(instant, body, identity or f"e{self.events}", sequence=sequence)
        woken = self._wake(arrived) if arrived > self.now else []
        return woken + self._keep(fold(self.case, self.last, arrived, self.packs, self.bounds))

    def wake(self, when: str) -> list[Said]:
        """Nothing happens; the watermark rises to `when`, stopping at every instant that time decides."""
        return self._wake(self.at(when))

    def _wake(self, until: int) -> list[Said]:
        said = []
        while (due := next_wake(self.case, self.bounds)) is not None and due <= until:
            said += self._keep(wake(self.case, due, self.packs, self.bounds))
        said += self._keep(wake(self.case, until, self.packs, self.bounds))
        self.now = until
        return said

    def _keep(self, decision: Decision) -> list[Said]:
        self.sent += decision.notices
        self.effect = decision.effect
        return [self._said(notice) for notice in decision.notices]

    def _said(self, notice: Notice) -> Said:
        return Said(notice.kind, self.local(notice.at), notice)

    # --- what can be asked --------------------------------------------------------------------------------------

    def standing(self, *kinds: str) -> list[Said]:
        """What was sent and not retracted, in the order of sending."""
        return [self._said(each) for each in standing(self.sent) if not kinds or each.kind in kinds]

    def verdicts(self) -> list[tuple[str, str]]:
        """(kind, local time) of what stands, but for the life of the clocks; by time."""
        return sorted(((said.kind, said.when) for said in self.standing() if said.kind not in SILENT), key=_by_time)

    def one(self, kind: str) -> Said:
        """The only notice of a kind that stands."""
        found = self.standing(kind)
        assert len(found) == 1, f"{len(found)} x {kind}: {found}"
        return found[0]

    def when(self, kind: str) -> str:
        return self.one(kind).when

    def deadline(self) -> str:
        """The last thing said about the deadline of the first response."""
        said = [each for each in self.standing(*SILENT, n.BREACHED, n.MET) if each["clock"] == "initial_response"]
        return self.utc(said[-1]["deadline"])

    def retracted(self) -> list[str]:
        """The kinds of what was taken back, in that order."""
        kinds = {notice.id: notice.kind for notice in self.sent}
        return [kinds[str(notice.data["retracts"])] for notice in self.sent if notice.kind == n.RETRACTED]

    # --- time as people read it ---------------------------------------------------------------------------------

    def at(self, local: str) -> int:
        return at(local, self.zone)

    def local(self, instant: int) -> str:
        """`2026-01-05 09:00`; what is smaller than a minute only when there is some."""
        return _shown((EPOCH + timedelta(microseconds=instant)).astimezone(ZoneInfo(self.zone)))

    def utc(self, text: str) -> str:
        """The time of a notice's data in the story's zone."""
        return _shown(datetime.fromisoformat(text).astimezone(ZoneInfo(self.zone)))


def standing(sent: list[Notice]) -> list[Notice]:
    """What was sent and not retracted. Nothing is sent twice, nothing is retracted that does not stand."""
    found: dict[str, Notice] = {}
    seen = set()
    for notice in sent:
        assert notice.id not in seen, f"sent twice: {notice}"
        seen.add(notice.id)
        if notice.kind == n.RETRACTED:
            assert notice.data["retracts"] in found, f"retracts what does not stand: {notice}"
            del found[str(notice.data["retracts"])]
        else:
            found[notice.id] = notice
    return list(found.values())


def opening(**terms: Any) -> Opened:
    """Severity B on Standard from Germany, in English, unless the story says otherwise."""
    usual = {"severity": "B", "plan": "standard", "country": "DE", "language": "en", "submitted_by": "admin"}
    return Opened(**(usual | terms))


def own_target(hours: float) -> tuple[tuple[str, int], ...]:
    return (("initial_response", round(hours * f.HOUR)),)


def _by_time(pair: tuple[str, str]) -> tuple[str, str]:
    return pair[1], pair[0]


def _shown(moment: datetime) -> str:
    if moment.microsecond:
        return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
    return moment.strftime("%Y-%m-%d %H:%M:%S" if moment.second else "%Y-%m-%d %H:%M")
