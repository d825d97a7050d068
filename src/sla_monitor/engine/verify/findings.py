"""What may be wrong between what was said and what should have been: each kind, and how two sets are compared."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Final

import msgspec

from sla_monitor.engine.verify.digest import canonical
from sla_monitor.oracle import Standing

MISSING, EXTRA, CONFLICTING, REPEATED = "missing", "extra", "conflicting", "repeated"
RETRACTION, STATE, BEHIND = "retraction", "state", "behind"

NO_NOTICE: Final = "a record that is no notice"

KINDS: Final = {
    MISSING: "should stand, or be a dead letter, and was not sent",
    EXTRA: "stands, or is a dead letter, and should not",
    CONFLICTING: "the same notice with another time or other data; a dead letter with another reason",
    REPEATED: "one id, or a dead letter of one record, more than once",
    RETRACTION: "withdraws what was not said, what is withdrawn already, or because of an event that is not in the log",
    STATE: "the case is open and its state row does not say so, or the other way round",
    BEHIND: "the partition has not reached the instant that was asked for",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong. `subject` says about what; `expected` and `found` are None where there is none."""

    kind: str
    partition: int
    case_id: str
    subject: str
    expected: Any = None
    found: Any = None

    def as_document(self) -> dict[str, Any]:
        """For programs: its fields by their names."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def compare(expected: Iterable[Standing], found: Iterable[Standing], partition: int = 0) -> list[Finding]:
    """Missing, extra and conflicting, by case, generation, clock or rule, type and level. Equal ones cancel out one by
    one, so that a notice that stands twice is extra once.
    """
    wanted = {canonical(each): each for each in expected}
    found = list(found)
    said = {canonical(each): each for each in found}
    counts = Counter(map(canonical, found))
    for line in wanted:
        counts[line] -= 1
    left: dict[tuple[Any, ...], list[bytes]] = defaultdict(list)
    for line, count in counts.items():
        if count > 0:
            left[about(said[line])] += [line] * count
    findings = []
    for line, each in wanted.items():
        if counts[line] >= 0:
            continue
        instead = left[about(each)].pop() if left.get(about(each)) else None
        kind = CONFLICTING if instead else MISSING
        findings.append(_finding(kind, partition, each, line, instead))
    findings += [_finding(EXTRA, partition, said[line], None, line) for lines in left.values() for line in lines]
    return findings


def about(notice: Standing) -> tuple[Any, ...]:
    """What two notices share that cannot both stand."""
    return (notice.case_id, notice.generation, notice.subject, notice.kind, notice.level)


def described(notice: Standing) -> str:
    """Such as `sla.warning initial_response 75 (generation 1)`."""
    level = f" {notice.level}" if notice.level else ""
    return f"{notice.kind} {notice.subject}{level} (generation {notice.generation})"


def _finding(kind: str, partition: int, notice: Standing, expected: bytes | None, found: bytes | None) -> Finding:
    return Finding(
        kind=kind,
        partition=partition,
        case_id=notice.case_id,
        subject=described(notice),
        expected=_said(expected),
        found=_said(found),
    )


def _said(line: bytes | None) -> Any:
    """Time and data: the rest is in the subject."""
    if line is None:
        return None
    *_, time, data = msgspec.json.decode(line)
    return {"time": time, "data": data}
