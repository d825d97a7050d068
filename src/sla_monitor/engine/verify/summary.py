"""A transcript in three lines, so that two of them are compared without being kept."""

from __future__ import annotations

import hashlib

import msgspec

from sla_monitor.engine.verify.digest import Digest, canonical
from sla_monitor.engine.verify.transcript import Transcript


class Summary:
    """`say` takes each notice as one line of bytes, in order. Memory: what stands."""

    def __init__(self) -> None:
        self.notices = 0
        self._bytes = hashlib.sha256()
        self._cases: dict[str, Transcript] = {}

    def say(self, line: bytes) -> None:
        self.notices += 1
        self._bytes.update(line)
        notice = msgspec.json.decode(line)
        case_id = notice["subject"]
        if case_id not in self._cases:
            self._cases[case_id] = Transcript(case_id)
        self._cases[case_id].say(notice)

    @property
    def transcript(self) -> str:
        """SHA-256 of every byte, in order."""
        return self._bytes.hexdigest()

    @property
    def standing(self) -> str:
        """The digest of what stands, as `verify` prints it."""
        digest = Digest()
        for case in self._cases.values():
            digest.add(map(canonical, case.standing.values()))
        return digest.hexdigest()
