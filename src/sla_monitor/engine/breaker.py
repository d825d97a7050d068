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
        bits = int.from_bytes(outcomes, "little")
        self._dead = {place for place in range(bits.bit_length()) if bits >> place & 1}  # where in the window
        self._seen = seen

    @property
    def tripped(self) -> bool:
        return len(self._dead) > self.limit

    def note(self, *, dead: bool) -> None:
        place = self._seen % WINDOW_RECORDS
        self._seen += 1
        if dead:
            self._dead.add(place)
        else:
            self._dead.discard(place)

    def window(self) -> tuple[bytes, int]:
        """What to keep: the bits and the place of the next one."""
        bits = sum(1 << place for place in self._dead)
        return bits.to_bytes(WINDOW_BYTES, "little"), self._seen % WINDOW_RECORDS
