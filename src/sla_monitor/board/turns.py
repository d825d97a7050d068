"""How long work for the board may go on at a stretch: timers fire and records are folded on the same event loop.

All such work of a worker shares one gate. Each piece takes it for a slice, and gives it up before the others of the
loop have their turn. So between two turns of everybody else there is one slice, however many questions are asked.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from types import TracebackType
from typing import Final

SLICE_SECONDS: Final = 0.004  # beside notices that may be 0.25 s late


class Turns:
    """One piece of work, in slices while it is entered. Nothing is awaited in it but `pause`: whoever holds the gate
    must not wait for who waits for the gate. `rest`: how long it stays away between two slices, beside the turn of all
    others.
    """

    def __init__(self, gate: asyncio.Lock, rest: float = 0.0) -> None:
        self._gate, self._rest = gate, rest
        self._began = self._until = 0.0
        self.worked_seconds = 0.0  # in all slices, without what was waited for
        self._holds = False  # cancelled in a pause, it has given it up already

    async def __aenter__(self) -> None:
        await self._begin()

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        if self._holds:
            await self._give_up()

    @property
    def is_over(self) -> bool:
        return monotonic() >= self._until

    async def pause(self) -> None:
        await self._give_up()
        if self._rest:
            await asyncio.sleep(self._rest)
        await self._begin()

    async def _begin(self) -> None:
        await self._gate.acquire()
        self._holds = True
        self._began = monotonic()
        self._until = self._began + SLICE_SECONDS

    async def _give_up(self) -> None:
        """Only after everybody else of the loop had a turn: or all who wait for the gate would go through it before."""
        self.worked_seconds += monotonic() - self._began
        try:
            await asyncio.sleep(0)
        finally:
            self._holds = False
            self._gate.release()
