"""The breaker: a flood of bad input stops a partition instead of emptying its topic into the dead letters."""

from __future__ import annotations

WINDOW_RECORDS = 1_000
WINDOW_BYTES = WINDOW_RECORDS // 8


class Breaker:
    """The outcomes of the last 1,000 records, one bit each, kept in the partition's row so that a restart does not
    reset them. Tripped when more than `ratio` of the window are dead letters; then it stays so until it is replaced.
    """

    def __init__(self, ratio: float, outcomes: bytes = b"", seen: int = 0) -> None:
        self.limit = ratio * WINDOW_RECORDS
        self._bits = int.from_bytes(outcomes.ljust(WINDOW_BYTES, b"\0"), "little")
        self._seen = seen
        self._dead = self._bits.bit_count()

    @property
    def tripped(self) -> bool:
        return self._dead > self.limit

    def note(self, *, dead: bool) -> None:
        place = 1 << (self._seen % WINDOW_RECORDS)
        self._seen += 1
        if bool(self._bits & place) != dead:
            self._bits ^= place
            self._dead += 1 if dead else -1

    def window(self) -> tuple[bytes, int]:
        """What to keep: the bits and the place of the next one."""
        return self._bits.to_bytes(WINDOW_BYTES, "little"), self._seen % WINDOW_RECORDS
