"""What is said about a case, and the ledger of what has been said.

`decide` produces intents: the notices that should stand. The ledger knows those that were sent. Their difference is
what is sent next: retractions of what no longer stands, then what is new.
"""

from __future__ import annotations

import hashlib
import uuid
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from sla_monitor.core.values import value

CLOCK_STARTED = "sla.clock.started"
CLOCK_STOPPED = "sla.clock.stopped"
DEADLINE_MOVED = "sla.deadline.moved"
WARNING = "sla.warning"
BREACHED = "sla.breached"
OVERDUE = "sla.overdue"
MET = "sla.met"
CANCELLED = "sla.cancelled"
RETRACTED = "sla.retracted"
DOWNGRADE_RECOMMENDED = "severity.downgrade_recommended"
DOWNGRADED = "severity.downgraded"
RESTORED = "severity.restored"
COVERAGE_LIMITED = "coverage.limited"
COVERAGE_DECLINED = "coverage.declined"
ELIGIBILITY_DECLINED = "eligibility.declined"
CONTACT_OUTSIDE_HOURS = "contact.outside_hours"
CONTACT_UNVERIFIED = "contact.unverified"
EFFORT_WARNING = "effort.warning"
EFFORT_EXHAUSTED = "effort.exhausted"
SCRIPT_ACCEPTED = "script.accepted"
SCRIPT_DECLINED = "script.declined"
REOPEN_ACCEPTED = "reopen.accepted"
REOPEN_DECLINED = "reopen.declined"
CLOCK_PAUSED = "sla.clock.paused"
CLOCK_RESUMED = "sla.clock.resumed"
FORGOTTEN = "case.forgotten"
QUARANTINED = "case.quarantined"
HISTORY_FOLDED = "case.history_folded"

# Every type of notice this version sends, in the order of the published list. Some may be switched off by a pack.
KINDS = (
    CLOCK_STARTED,
    CLOCK_STOPPED,
    DEADLINE_MOVED,
    WARNING,
    BREACHED,
    OVERDUE,
    MET,
    CANCELLED,
    RETRACTED,
    DOWNGRADE_RECOMMENDED,
    DOWNGRADED,
    RESTORED,
    COVERAGE_LIMITED,
    FORGOTTEN,
    QUARANTINED,
    HISTORY_FOLDED,
    COVERAGE_DECLINED,
    ELIGIBILITY_DECLINED,
    CONTACT_OUTSIDE_HOURS,
    CONTACT_UNVERIFIED,
    EFFORT_WARNING,
    EFFORT_EXHAUSTED,
    SCRIPT_ACCEPTED,
    SCRIPT_DECLINED,
    REOPEN_ACCEPTED,
    REOPEN_DECLINED,
    CLOCK_PAUSED,
    CLOCK_RESUMED,
)

# Why a notice is said just now.
LIVE, CATCH_UP, CORRECTION, HISTORY = "live", "catch_up", "correction", "history"
DETECTED = (LIVE, CATCH_UP, CORRECTION, HISTORY)

ABOUT_ONE_SILENCE = frozenset({DOWNGRADE_RECOMMENDED, DOWNGRADED})  # or fact: their level is the instant it began

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:sla-monitor:notice")
_NAMESPACE_HASHED = hashlib.sha1(NAMESPACE.bytes, usedforsecurity=False)

Identity = tuple[str, str]  # (source, id) of an event


class Key(NamedTuple):
    """What a notice is about. Two notices with one key differ by time or content, and so by revision.

    `subject` is a clock or a rule. `level` is a percent of a target, or the instant a silence began, or 0.
    """

    generation: int
    subject: str
    kind: str
    level: int = 0


@value(frozen=True, slots=True, kw_only=True)
class Intent:
    """A notice that should stand. `by_timer`: it follows from time passing, not from a fact. `backdated`: but a later
    fact has put it there (a change whose deadline lands in the past).
    """

    key: Key
    at: int
    data: dict[str, object]
    by_timer: bool = False
    backdated: bool = False
    traceparent: str | None = None

    @property
    def digest(self) -> int:
        """A short fingerprint of the content: tells a changed notice from an unchanged one with the same key."""
        return zlib.crc32(repr(self.data).encode())


class Sent(NamedTuple):
    """The ledger's memory of one standing notice."""

    key: Key
    at: int
    revision: int
    digest: int


@value(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice to be sent. `at` is the instant it is about; `id` is the same whoever sends it, and whenever."""

    id: str
    kind: str
    case_id: str
    at: int
    data: dict[str, object]
    by_timer: bool = False  # time decided it: its lateness is the worker's
    corrects: bool = False  # it withdraws or replaces something said before
    traceparent: str | None = None


@dataclass(slots=True)
class Ledger:
    """What stands and, for keys something was withdrawn from, the last revision used."""

    standing: list[Sent] = field(default_factory=list)
    last_revisions: dict[Key, int] = field(default_factory=dict)

    def add(self, intent: Intent) -> int | None:
        """Record an intent as sent; returns its revision. None if just this stands already: a clock that starts and
        stops twice within one instant has started once.
        """
        key, at, digest = intent.key, intent.at, intent.digest
        used = self.last_revisions.get(key, -1)
        for sent in self.standing:
            if sent.key != key:
                continue
            if sent.at == at and sent.digest == digest:
                return None
            used = max(used, sent.revision)
        self.standing.append(Sent(key, at, used + 1, digest))
        return used + 1

    def retire(self, gone: Iterable[Sent]) -> None:
        """These stand no longer, or can no longer be withdrawn; their revisions stay used."""
        leaving = list(gone)
        for sent in leaving:
            self.last_revisions[sent.key] = max(sent.revision, self.last_revisions.get(sent.key, -1))
        without = set(leaving)
        self.standing = [sent for sent in self.standing if sent not in without]

    def close(self, decided: Iterable[Sent]) -> None:
        """These can never be withdrawn again. A notice about one silence never returns; of others the next revision
        is still to be known.
        """
        decided = list(decided)
        self.retire(decided)
        for sent in decided:
            if sent.key.kind in ABOUT_ONE_SILENCE:
                self.last_revisions.pop(sent.key, None)

    def difference(self, wanted: list[Intent]) -> tuple[list[Sent], list[Intent]]:
        """(what was sent and should not stand, what should stand and was not sent), each in its own order."""
        missing = {(intent.key, intent.at, intent.digest): intent for intent in wanted}
        gone = [sent for sent in self.standing if missing.pop((sent.key, sent.at, sent.digest), None) is None]
        return gone, list(missing.values())


def notice_id(case_id: str, opening: Identity, key: Key, revision: int) -> str:
    """The deterministic id: a UUIDv5 (RFC 9562) over everything that makes a notice the one it is."""
    generation, subject, kind, level = key
    source, identity = opening
    parts = f"{case_id}\x1f{generation}\x1f{subject}\x1f{kind}\x1f{level}\x1f{revision}\x1f{source}\x1f{identity}"
    return _uuid5(parts)


def retraction_id(retracted: str) -> str:
    """One notice is withdrawn at most once, so its own id is enough."""
    return _uuid5(f"{RETRACTED}\x1f{retracted}")


def _uuid5(name: str) -> str:
    """`uuid.uuid5` of our namespace, as text, in half the time: no UUID is made, the hash goes on from a copy."""
    hashed = _NAMESPACE_HASHED.copy()
    hashed.update(name.encode())
    digits = hashed.hexdigest()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"
