"""An asyncio loop without a clock, a socket or a wait: time jumps to the next timer, and a seed says whose turn it is.

Every callback belongs to a process, told by its context. The callbacks of one process run in their order, as in a real
loop; between processes the order is chance. A process that is paused keeps its callbacks until it goes on; a dead one
runs nothing any more, not even a `finally`.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from random import Random
from typing import Any

STEPS_MAX = 60_000  # of a schedule; most take a tenth of it


class Died(BaseException):
    """The process ends at this very place."""


class Hung(AssertionError):
    """Nobody has anything left to do, or somebody never ends."""


class Process:
    """What dies and is paused as one. The brokers, the group and the test itself are one that never does."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_dead = self.is_paused = False
        self.ready: deque[asyncio.Handle] = deque()


OUTSIDE = Process("outside")
RUNNING: contextvars.ContextVar[Process] = contextvars.ContextVar("RUNNING", default=OUTSIDE)


def running() -> Process:
    """Whose code this is."""
    return RUNNING.get()


class Loop(asyncio.BaseEventLoop):
    """`asyncio` for one schedule."""

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self._chance = chance
        self._now = 0.0
        self._timed: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._order = 0
        self._outside = Process("outside")
        self._nobody = contextvars.Context()
        self._busy: list[Process] = []  # those that can run
        self._tasks_made: list[asyncio.Task[Any]] = []
        self._is_over = False
        self.steps = 0
        self._ready: deque[asyncio.Handle] = deque()
        self.set_exception_handler(lambda *_: None)  # what dies is never retrieved
        self.set_task_factory(self._make_task)

    def time(self) -> float:
        return self._now

    def call_at(  # type: ignore[override]  # its variadic generics say no more here
        self, when: float, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._order += 1
        heapq.heappush(self._timed, (when, self._order, handle))
        return handle

    def later(self, seconds: float, callback: Callable[..., Any], *args: Any) -> None:
        """Outside of every process: what is on its way arrives even if its sender dies."""
        self.call_at(self._now + seconds, callback, *args, context=self._nobody)

    def sleep_through(self, seconds: float) -> None:
        """Time passes, and nobody is there to see it."""
        self._now += seconds

    def run(self, main: Coroutine[Any, Any, None]) -> None:
        """Until `main` ends. Hung if that never happens."""
        asyncio._set_running_loop(self)
        try:
            task = self.create_task(main)
            while not task.done():
                self._step()
            task.result()
        finally:
            self._end()
            asyncio._set_running_loop(None)

    def _make_task(self, _: Any, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=self, **options)
        self._tasks_made.append(task)
        return task

    def _step(self) -> None:
        """One process runs a few callbacks in a row: who is at it often stays at it."""
        if self._ready:
            self._sort()
        able = self._busy
        if not able:
            self._pass_time()
            return
        turn = self._chance.random() * len(able)
        process = able.pop(int(turn))
        ready = process.ready
        for _ in range(1 + int(turn % 1 * 4)):
            if not ready or process.is_paused or process.is_dead:
                break
            handle = ready.popleft()
            if not handle._cancelled:
                self.steps += 1
                handle._run()
                if self._ready:
                    self._sort()
        if ready and not process.is_paused and not process.is_dead and process not in able:
            able.append(process)
        if self.steps > STEPS_MAX:
            raise Hung(f"more than {STEPS_MAX} steps")

    def _sort(self) -> None:
        """To each process what is its own; those that can run are `_busy`."""
        ready, busy = self._ready, self._busy
        while ready:
            handle = ready.popleft()
            process = handle._context.get(RUNNING, OUTSIDE)  # type: ignore[attr-defined]
            if process is OUTSIDE:
                process = self._outside
            if process.is_dead:
                continue
            process.ready.append(handle)
            if not process.is_paused and process not in busy:
                busy.append(process)

    def pause(self, process: Process) -> None:
        process.is_paused = True
        if process in self._busy:
            self._busy.remove(process)

    def wake(self, process: Process) -> None:
        """It goes on where it was."""
        process.is_paused = False
        if process.ready and process not in self._busy:
            self._busy.append(process)

    def kill(self, process: Process) -> None:
        process.is_dead = True
        process.ready.clear()
        if process in self._busy:
            self._busy.remove(process)

    def _pass_time(self) -> None:
        while self._timed and self._timed[0][2]._cancelled:
            heapq.heappop(self._timed)
        if not self._timed:
            raise Hung("everybody waits for somebody else")
        self._now = max(self._now, self._timed[0][0])
        while self._timed and self._timed[0][0] <= self._now:
            handle = heapq.heappop(self._timed)[2]
            if not handle._cancelled:
                self._ready.append(handle)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass

    def _end(self) -> None:
        """Nothing of the schedule may be heard of again."""
        self._is_over = True
        for task in self._tasks_made:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            coroutine: Any = task.get_coro()
            while coroutine is not None and getattr(coroutine, "cr_frame", None) is not None:
                with suppress(BaseException):
                    coroutine.close()
        self._tasks_made.clear()
        self._timed.clear()
        self._ready.clear()

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        if not self._is_over:
            self._ready.append(handle)
        return handle

    def is_closed(self) -> bool:
        return True  # there is nothing to close

    def _check_closed(self) -> None:
        pass
