"""How long work for the board may go on at a stretch: timers fire and records are folded on the same event loop."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Final

SLICE_SECONDS: Final = 0.004  # beside notices that may be 0.25 s late


class Turns:
    """One piece of work in slices. `rest`: how long others have the loop for themselves between two, beside their own
    turn; 0 lets everybody who waits go first, once.
    """

    def __init__(self, rest: float = 0.0) -> None:
        self._rest = rest
        self._until = monotonic() + SLICE_SECONDS
        self.pauses = 0

    @property
    def is_over(self) -> bool:
        return monotonic() >= self._until

    async def pause(self) -> None:
        self.pauses += 1
        await asyncio.sleep(self._rest)
        self._until = monotonic() + SLICE_SECONDS
