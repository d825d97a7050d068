"""Standing notices as bytes, and one string for a whole set of them: equal sets, equal strings.

A notice is a JSON array `[case, generation, subject, type, level, time, data]`, keys of objects sorted. The digest of a
case is the SHA-256 of its sorted lines; that of a deployment is the SHA-256 of the sorted digests of its cases. So it
depends on no order, no partition and no id, and needs 32 bytes a case.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from sla_monitor.core.times import iso
from sla_monitor.oracle import Standing

_encode = msgspec.json.Encoder(order="sorted").encode


def canonical(notice: Standing) -> bytes:
    """One line: what the notice says and about what, not how often or when it was sent."""
    about = (notice.case_id, notice.generation, notice.subject, notice.kind, notice.level)
    return _encode((*about, iso(notice.at), notice.data)) + b"\n"


class Digest:
    """Grows case by case, in any order. A case about which nothing stands leaves no trace."""

    def __init__(self, cases: Iterable[bytes] = ()) -> None:
        self._cases = list(cases)

    def add(self, lines: Iterable[bytes]) -> None:
        """All of one case, as `canonical` writes them."""
        if ordered := sorted(lines):
            self._cases.append(hashlib.sha256(b"".join(ordered)).digest())

    def join(self, other: Digest) -> None:
        """The cases of another partition."""
        self._cases += other._cases

    def hexdigest(self) -> str:
        return hashlib.sha256(b"".join(sorted(self._cases))).hexdigest()
