"""The routes of the board, and what all of them have in common: who may ask, and how errors are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel

from sla_monitor.board import guard, query
from sla_monitor.board.case_page import detail
from sla_monitor.board.deployment import ANSWERING, Deployment
from sla_monitor.board.index import case_of
from sla_monitor.board.own import Own
from sla_monitor.board.pages import add_pages
from sla_monitor.board.problems import Refused, not_now, refused
from sla_monitor.wire import rows

BASE: Final = "/api/v1"
TIDY_SECONDS: Final = 60.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Words = Callable[[dict[str, Any]], list[str]]  # a trace as lines of text

# Of data: shown once, kept by nobody.
_HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def add_board(app: web.Application, deployment: Deployment, words: Words) -> None:
    """To the worker's web server, before it is started."""
    board = Board(deployment, words)
    app.cleanup_ctx.append(board.run)
    for method, path, handler in board.routes():
        app.router.add_route(method, BASE + path, board.guarded(handler))
    app.router.add_route("*", BASE + "/{rest:.*}", board.guarded(_no_such))
    add_pages(app)


class Board:
    """One for each worker."""

    def __init__(self, deployment: Deployment, words: Words) -> None:
        self._deployment, self._words = deployment, words
        self._own = Own(deployment)

    def routes(self) -> list[tuple[str, str, Handler]]:
        return [
            ("GET", "/overview", self.overview),
            ("GET", "/cases", self.cases),
            ("GET", "/cases/{case_id}", self.case),
        ]

    async def run(self, _app: web.Application) -> AsyncIterator[None]:
        """As long as the server runs."""
        tidying = asyncio.create_task(self._tidy())
        yield
        tidying.cancel()
        with suppress(asyncio.CancelledError):
            await tidying
        self._own.close()

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            self._own.forget_unused()

    def guarded(self, handler: Handler) -> Handler:
        """Nobody is told more of an error than that there was one: its text may hold anything."""

        async def answer(request: web.Request) -> web.StreamResponse:
            token, on_loopback = self._deployment.token, self._deployment.is_on_loopback
            try:
                guard.check(request, token=token, on_loopback=on_loopback)
                response = await handler(request)
            except Refused as refusal:
                response = refusal.answer()
            if not response.prepared:
                response.headers.update(_HEADERS)
            return response

        return answer

    # --- answers --------------------------------------------------------------------------------------------------

    async def overview(self, request: web.Request) -> web.Response:
        if request.query:
            raise refused(HTTPStatus.BAD_REQUEST, "takes no parameters")
        return _document(await self._own.overview())

    async def cases(self, request: web.Request) -> web.Response:
        wanted = query.parsed(request.query.items())
        return _document(await self._own.cases(wanted))

    async def case(self, request: web.Request) -> web.Response:
        case_id = request.match_info["case_id"]
        key = case_id.encode("utf-8", "surrogatepass")
        found = next((each for each in self._deployment.holdings() if key in each.rows), None)
        found = found or self._own.holding(self._deployment.partition_of(case_id))
        if found is not None and found.state not in ANSWERING:
            raise not_now(self._own.partition(found, answered=False))
        value = None if found is None else found.rows.get(key)
        if found is None or value is None or key.startswith(b"\x00"):
            raise refused(HTTPStatus.NOT_FOUND, "no case of this name is known")
        if rows.header(value)[0] == rows.QUARANTINED:
            detail = "the case is in quarantine: deciding about it failed, and none of its clocks runs"
            raise refused(HTTPStatus.NOT_FOUND, detail)
        told = case_page(case_of(key, value, found.packs), found.packs, self._deployment.now())
        return _document(told.model_copy(update={"words": self._words(told.explain)}))


case_page = detail


async def _no_such(_request: web.Request) -> web.Response:
    raise refused(HTTPStatus.NOT_FOUND, "there is nothing of this name, or not by this method")


def _document(answer: BaseModel) -> web.Response:
    return web.json_response(text=answer.model_dump_json(by_alias=True))
