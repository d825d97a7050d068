"""One case judged: what the oracle says of its records against what was said, and what cannot be told any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from sla_monitor.core.facts import DAY
from sla_monitor.core.notices import FORGOTTEN
from sla_monitor.core.policy import Packs
from sla_monitor.engine.verify.cut import Cut
from sla_monitor.engine.verify.digest import Digest, canonical
from sla_monitor.engine.verify.evidence import CaseEvidence
from sla_monitor.engine.verify.findings import CONFLICTING, EXTRA, MISSING, NO_NOTICE, STATE, Finding, compare
from sla_monitor.engine.verify.lateness import Lateness
from sla_monitor.engine.verify.transcript import Transcript
from sla_monitor.oracle import Event, Judgement, Plans, Standing, classify, judge
from sla_monitor.wire.rows import ENDED, OPEN, QUARANTINED

# Dead letters that depend on when a record came: taken as given, see the README, promise (d).
OF_ARRIVAL: Final = frozenset(
    {
        "future",
        "orphan_expired",
        "orphan_overflow",
        "too_late",
        "partition_mismatch",
        "quarantined",
        "internal_error",
    }
)

UNVERIFIABLE: Final = {
    "quarantined": "set aside after a defect",
    "no_pack": "decided by a version of the pack that is not loaded",
    "events_gone": "events of it, such as its opening, are no longer in the log",
    "notices_gone": "it may have said what is no longer in the topic of notices",
    "dead_letters_gone": "a dead letter of it may no longer be in its topic",
    "retention": "it ended longer ago than cases are kept, and was heard of again",
    "firing": "its partition stands between an instant and what is due at it",
}

UNREADABLE: Final = (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError)

_decode = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(slots=True, kw_only=True)
class Tally:
    """What the cases of a partition add up to; `join` adds those of another. `unverifiable` counts cases by why."""

    cases: int = 0
    records: int = 0
    notices: int = 0
    dead: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    unverifiable: Counter[str] = field(default_factory=Counter)
    examples: list[Finding] = field(default_factory=list)
    unverifiable_examples: list[tuple[str, str]] = field(default_factory=list)  # (why, case)
    expected: Digest = field(default_factory=Digest)
    found: Digest = field(default_factory=Digest)
    lateness: Lateness = field(default_factory=Lateness)
    repeats: int = 0  # notices and dead letters sent again alike, where that may be
    examples_max: int = 20  # a kind

    def note(self, findings: Iterable[Finding]) -> None:
        for finding in findings:
            self.counts[finding.kind] += 1
            if self.counts[finding.kind] <= self.examples_max:
                self.examples.append(finding)

    def doubt(self, why: str, case_id: str) -> None:
        self.unverifiable[why] += 1
        if self.unverifiable[why] <= self.examples_max:
            self.unverifiable_examples.append((why, case_id))

    def keep_examples(self) -> None:
        """The first of each kind, no more than so many."""
        kept, seen = [], Counter[str]()
        for finding in self.examples:
            seen[finding.kind] += 1
            if seen[finding.kind] <= self.examples_max:
                kept.append(finding)
        self.examples = kept

    def join(self, other: Tally) -> None:
        self.cases += other.cases
        self.records += other.records
        self.notices += other.notices
        self.dead += other.dead
        self.repeats += other.repeats
        self.counts.update(other.counts)
        self.unverifiable.update(other.unverifiable)
        self.examples += other.examples
        self.unverifiable_examples += other.unverifiable_examples
        self.expected.join(other.expected)
        self.found.join(other.found)
        self.lateness.join(other.lateness)


@dataclass(frozen=True, slots=True, kw_only=True)
class Court:
    """What all cases of a partition are judged by. `retention` in microseconds. `may_repeat`: the journal promises at
    least once, so a notice may come again, the same to the byte.
    """

    plans: Plans
    packs: Packs
    cut: Cut
    partition: int
    until: int | None = None
    retention: int = 396 * DAY
    may_repeat: bool = False

    def hear(self, case: CaseEvidence, tally: Tally) -> None:
        """Adds one case to the tally."""
        tally.cases += 1
        tally.records += len(case.records)
        tally.notices += len(case.notices)
        tally.dead += len(case.dead)
        case_id = "" if case.key is None else case.key.decode("utf-8", "backslashreplace")
        transcript = Transcript(case_id, self.partition)
        packs: set[str] = set()
        heard_ms = case.records[0].timestamp if case.records else 0
        once: set[bytes | None] = set()
        for said in case.notices:
            if self.may_repeat and said.value in once:
                tally.repeats += 1
                continue
            try:
                notice = _decode(said.value or b"")
                if notice["type"] == FORGOTTEN:
                    once.clear()  # what follows is another life of the case, with the old ids
                transcript.say(notice)
                packs.add(_pack(notice))
                tally.lateness.note(notice, said.timestamp_ms, heard_ms)
            except UNREADABLE:
                transcript.problems.append(self._no_notice(case_id, said.offset))
            once.add(said.value)
        given = {offset: reason for offset, reason in case.dead.items() if reason in OF_ARRIVAL}
        judged = judge(
            case_id,
            case.records,
            plans=self.plans,
            now=self.cut.judged_at,
            set_aside=given,
            published=transcript.published,
        )
        expected, found = self._in_time(judged.standing), self._in_time(transcript.standing.values())
        tally.expected.add(map(canonical, expected))
        tally.found.add(map(canonical, found))
        if transcript.because:
            transcript.rests_on({event.name for event in _events(case)})
        findings = [
            *compare(expected, found, self.partition),
            *transcript.problems,
            *dead_letters(case.dead, judged.dead, self.partition, case_id),
            *self._state(case, case_id, is_known=judged.open),
        ]
        if case.status == QUARANTINED:
            tally.doubt("quarantined", case_id)
        elif findings and (why := self._doubt(case, packs, judged)):
            tally.doubt(why, case_id)
        else:
            tally.note(findings)

    def _no_notice(self, case_id: str, offset: int) -> Finding:
        subject = f"{NO_NOTICE}, at offset {offset}"
        return Finding(kind=EXTRA, partition=self.partition, case_id=case_id, subject=subject)

    def _in_time(self, notices: Iterable[Standing]) -> list[Standing]:
        return [notice for notice in notices if self.until is None or notice.at <= self.until]

    def _state(self, case: CaseEvidence, case_id: str, *, is_known: bool) -> Iterable[Finding]:
        has_row = case.status in {OPEN, ENDED}
        if has_row is not is_known:
            expected, found = ("a row", "none") if is_known else ("no row", "one")
            yield Finding(
                kind=STATE,
                partition=self.partition,
                case_id=case_id,
                subject="state row of an opened case",
                expected=expected,
                found=found,
            )

    def _doubt(self, case: CaseEvidence, packs: set[str], judged: Judgement) -> str:
        """Why what differs may come from what nobody can see any more; empty if there is no such reason."""
        cut = self.cut
        said_at = [said.applied for said in case.notices if said.applied is not None]
        heard_from = min((record.offset for record in case.records), default=-1)
        heard_to = max((event.at for event in _events(case)), default=cut.watermark)
        has_row = case.status in {OPEN, ENDED}
        lost_opening = not judged.open and (bool(case.notices) or case.status is not None)
        reasons = {
            "no_pack": any(pack and self.packs.named(pack) is None for pack in packs),
            "firing": case.wake_at <= cut.watermark,
            "events_gone": cut.events_gone_to >= 0
            and (lost_opening or any(applied <= cut.events_gone_to for applied in said_at)),
            "notices_gone": heard_from <= cut.notices_gone_to,
            "dead_letters_gone": heard_from <= cut.dead_gone_to,
            "retention": not has_row and heard_to + self.retention <= cut.watermark,
        }
        return next((reason for reason, applies in reasons.items() if applies), "")


def dead_letters(found: Mapping[int, str], expected: Mapping[int, str], partition: int, case_id: str) -> list[Finding]:
    """By the offset of the record. Those of arrival are taken as given."""
    findings = []
    for offset in sorted(found.keys() | expected.keys()):
        wanted, said = expected.get(offset), found.get(offset)
        if wanted == said or (wanted is None and said in OF_ARRIVAL):
            continue
        kind = EXTRA if wanted is None else MISSING if said is None else CONFLICTING
        subject = f"dead letter of offset {offset}"
        findings.append(
            Finding(kind=kind, partition=partition, case_id=case_id, subject=subject, expected=wanted, found=said)
        )
    return findings


def _events(case: CaseEvidence) -> Iterator[Event]:
    """What its records say, for the few questions the oracle does not answer."""
    for record in case.records:
        if isinstance(event := classify(record), Event):
            yield event


def _pack(notice: Mapping[str, Any]) -> str:
    policy = notice["data"].get("policy")
    return f"{policy['name']}/{policy['version']}" if policy else ""
