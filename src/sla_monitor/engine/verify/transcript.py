"""The notices of one case in the order they were sent, folded to what stands, with what no reader should ever see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sla_monitor.core import notices as n
from sla_monitor.engine.verify.findings import REPEATED, RETRACTION, Finding
from sla_monitor.oracle import Standing, standing_of_notice

ABOUT_THE_WORKER = frozenset({n.FORGOTTEN, n.QUARANTINED, n.HISTORY_FOLDED})  # they do not stand for a fact

Identity = tuple[str, str]


@dataclass(slots=True)
class Transcript:
    """`standing`: by notice id. An erasure ends it: what comes after is another life of the case, with the same ids
    if the same events are sent once more.
    """

    case_id: str
    partition: int = 0
    standing: dict[str, Standing] = field(default_factory=dict)
    published: dict[str, Standing] = field(default_factory=dict)  # all of this life, withdrawn or not
    problems: list[Finding] = field(default_factory=list)
    because: set[Identity] = field(default_factory=set)  # events that retractions rest on
    _ids: set[str] = field(default_factory=set)

    def say(self, notice: Mapping[str, Any]) -> None:
        """The next one."""
        identity, kind, data = notice["id"], notice["type"], notice["data"]
        if identity in self._ids:
            self._problem(REPEATED, f"{kind} {identity}", notice)
            return
        self._ids.add(identity)
        if kind == n.RETRACTED:
            self.because.add((data.get("because_source", ""), data.get("because", "")))
            if self.standing.pop(data["retracts"], None) is None:
                what = "not standing" if data["retracts"] in self._ids else "never said"
                self._problem(RETRACTION, f"withdraws {data['retracts']}, which was {what}", notice)
        elif kind == n.FORGOTTEN:
            self.standing.clear()
            self.published.clear()
            self.because.clear()
            self._ids = {identity}
        elif kind not in ABOUT_THE_WORKER:
            self.standing[identity] = self.published[identity] = standing_of_notice(notice)

    def rests_on(self, events: set[Identity]) -> None:
        """Every event that a retraction names is among these."""
        for source, identity in sorted(self.because - events):
            subject = f"because of {source} {identity}, which is not in the log"
            self.problems.append(
                Finding(kind=RETRACTION, partition=self.partition, case_id=self.case_id, subject=subject)
            )

    def _problem(self, kind: str, subject: str, notice: Mapping[str, Any]) -> None:
        found = {"id": notice["id"], "time": notice["time"], "data": notice["data"]}
        self.problems.append(
            Finding(kind=kind, partition=self.partition, case_id=self.case_id, subject=subject, found=found)
        )
