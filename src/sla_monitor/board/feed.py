"""Live updates, as server-sent events: the overview when it says something new, and the cases that have changed.

While somebody listens, one task of the worker looks once a second, or more seldom where a look takes long, and all who
listen get the same bytes. Whoever is slow misses what is in between, never the latest.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from time import monotonic
from typing import Any, Final

import structlog
from aiohttp import web

from sla_monitor.board.models import Changes, Overview
from sla_monitor.board.own import Own
from sla_monitor.board.problems import refused
from sla_monitor.board.together import Together

LOOK_EVERY_SECONDS: Final = 1.0
SHARE_OF_TIME: Final = 0.1  # a look that works for 0.3 s is followed by 3 s without one
HEARTBEAT_SECONDS: Final = 15.0  # below the 30 s to 60 s after which proxies take a quiet connection for dead
UNREAD_SECONDS_MAX: Final = 30.0  # then who listens is let go, so that nobody keeps a place without reading
LISTENERS_MAX: Final = 100  # x one open connection and ~30 KB under way
CASES_TOLD_MAX: Final = 100  # at one look; lists are read anew all the same
_PASSING: Final = {"now": True} | {
    name: {"__all__": {"remaining_seconds", "elapsed_seconds"}} for name in ("nearest", "breached", "paused")
}

_log = structlog.get_logger("sla_monitor.board")


class Listener:
    """`case`: only its changes are wanted; None: the overview and all."""

    def __init__(self, case: str | None) -> None:
        self.case = case
        self.overview: bytes | None = None  # not sent yet
        self.has_heard = False  # of an overview; the first one is news whatever it says
        self.cases: dict[str, None] = {}
        self.news = asyncio.Event()
        self.is_over = False

    def take(self) -> bytes:
        """What is to be sent now."""
        self.news.clear()
        overview, self.overview = self.overview, None
        cases, self.cases = self.cases, {}
        return (overview or b"") + b"".join(_event("case", json.dumps({"case_id": each})) for each in cases)


class Feed:
    """Of one worker."""

    def __init__(self, own: Own, together: Together) -> None:
        self._own, self._together = own, together
        self._listeners: set[Listener] = set()
        self._looking: asyncio.Task[None] | None = None
        self._last: Any = None  # what an overview said last, but for what passes with time
        self._is_over = False

    async def answer(self, request: web.Request, case: str | None) -> web.StreamResponse:
        """Until the client goes, or the worker ends."""
        if len(self._listeners) >= LISTENERS_MAX:
            raise refused(HTTPStatus.SERVICE_UNAVAILABLE, f"{LISTENERS_MAX} listen already", {"Retry-After": "30"})
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
                "X-Accel-Buffering": "no",  # nginx would keep it back
            }
        )
        await response.prepare(request)
        listener = self._joined(case)
        try:
            with suppress(ConnectionResetError):  # a tab that was closed
                await _send(response, listener)
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()  # what waits to be read goes with it
        finally:
            self._listeners.discard(listener)
        return response

    def _joined(self, case: str | None) -> Listener:
        listener = Listener(case)
        self._listeners.add(listener)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look())
        return listener

    async def close(self) -> None:
        """Who listens is let go, so that the server can end."""
        self._is_over = True
        for listener in self._listeners:
            listener.is_over = True
            listener.news.set()
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking

    async def _look(self) -> None:
        """While anybody listens."""
        since: Mapping[str, Changes] = await self._together.changes({})
        while self._listeners:
            began, worked_before = monotonic(), self._own.overview_seconds
            try:
                since = await self._look_once(since)
            except Exception as error:  # noqa: BLE001 - as for every other question: the worker goes on
                _log.error("board: a look for who listens failed", exc_info=error)
            took = monotonic() - began  # most of it, perhaps, waiting for a worker that hangs: that costs nothing
            worked = self._own.overview_seconds - worked_before
            await asyncio.sleep(max(LOOK_EVERY_SECONDS, worked / SHARE_OF_TIME) - took)
        self._last = None

    async def _look_once(self, since: Mapping[str, Changes]) -> Mapping[str, Changes]:
        changes = await self._together.changes(since)
        missed = any(each.missed for each in changes.values())
        self._tell_cases([case for each in changes.values() for case in each.cases], missed=missed)
        if any(each.case is None for each in self._listeners):
            self._tell(await self._together.overview())
        return changes

    def _tell(self, overview: Overview) -> None:
        """Never one of before: its `now` is what who listens counts down by."""
        before, self._last = self._last, overview.model_dump(exclude=_PASSING)
        wanted = [each for each in self._listeners if each.case is None]
        told = [each for each in wanted if self._last != before or not each.has_heard]
        if told:
            event = _event("overview", overview.model_dump_json(by_alias=True))
            for listener in told:
                listener.overview, listener.has_heard = event, True
                listener.news.set()

    def _tell_cases(self, cases: Sequence[str], *, missed: bool) -> None:
        """Where more has changed than is remembered, the one case that somebody looks at may have."""
        for listener in self._listeners:
            wanted = cases
            if listener.case is not None:
                wanted = [listener.case] if missed or listener.case in cases else []
            for case in wanted:
                if len(listener.cases) < CASES_TOLD_MAX:
                    listener.cases[case] = None
            if wanted:
                listener.news.set()


async def _send(response: web.StreamResponse, listener: Listener) -> None:
    await _write(response, b": hello\n\n")
    while not listener.is_over:
        try:
            await asyncio.wait_for(listener.news.wait(), HEARTBEAT_SECONDS)
        except TimeoutError:
            await _write(response, b": still here\n\n")
            continue
        if not listener.is_over:
            await _write(response, listener.take())


async def _write(response: web.StreamResponse, told: bytes) -> None:
    """TimeoutError: nobody reads it."""
    async with asyncio.timeout(UNREAD_SECONDS_MAX):
        await response.write(told)


def _event(name: str, data: str) -> bytes:
    """Data of one line: JSON has no line ends of its own."""
    return f"event: {name}\ndata: {data}\n\n".encode()
