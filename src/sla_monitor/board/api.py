"""The routes of the board, and what all of them have in common: who may ask, and how errors are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

import structlog
from aiohttp import web
from pydantic import BaseModel, ValidationError

from sla_monitor.board import guard, query
from sla_monitor.board.answers import Answers, Verb
from sla_monitor.board.case_page import detail
from sla_monitor.board.deployment import Deployment
from sla_monitor.board.feed import Feed
from sla_monitor.board.index import case_of
from sla_monitor.board.models import Answer
from sla_monitor.board.one_case import Whereabouts, unknown
from sla_monitor.board.openapi import document
from sla_monitor.board.others import LOCAL, Others
from sla_monitor.board.own import Own
from sla_monitor.board.pages import add_pages
from sla_monitor.board.problems import Refused, refused
from sla_monitor.board.recommendations import CONFIRM, DECLINE
from sla_monitor.board.together import BASE, Together

TIDY_SECONDS: Final = 60.0
BODY_BYTES_MAX: Final = 4_096  # of an answer; a label has 200 characters

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Words = Callable[[dict[str, Any]], list[str]]  # a trace as lines of text

# Data is kept by nobody, and is for our own page alone.
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_log = structlog.get_logger("sla_monitor.board")


def add_board(app: web.Application, deployment: Deployment, words: Words) -> None:
    """To the worker's web server, before it is started."""
    board = Board(deployment, words)
    app.cleanup_ctx.append(board.run)
    app.on_shutdown.append(board.let_go)
    for method, path, handler in board.routes():
        app.router.add_route(method, BASE + path, board.guarded(handler))
    app.router.add_route("*", BASE + "/{rest:.*}", board.guarded(_no_such))
    add_pages(app)


class Board:
    """One for each worker."""

    def __init__(self, deployment: Deployment, words: Words) -> None:
        self._deployment, self._words = deployment, words
        self._own, self._others = Own(deployment), Others(deployment.token)
        self._together = Together(deployment, self._own, self._others)
        self._whereabouts = Whereabouts(deployment, self._own, self._others, self._together)
        self._answers = Answers(deployment)
        self._feed = Feed(self._own, self._together)

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Those of docs/openapi.json, and what workers ask each other."""
        return [
            ("GET", "/overview", self.overview),
            ("GET", "/cases", self.cases),
            ("GET", "/cases/{case_id}", self.case),
            ("POST", "/cases/{case_id}/downgrades/{recommendation}/{verb:confirm|decline}", self.answer),
            ("GET", "/stream", self.stream),
            ("GET", "/openapi.json", self.openapi),
            ("GET", "/changes", self.changes),
        ]

    async def run(self, _app: web.Application) -> AsyncIterator[None]:
        """As long as the server runs."""
        await self._others.start()
        tidying = asyncio.create_task(self._tidy())
        yield
        tidying.cancel()
        with suppress(asyncio.CancelledError):
            await tidying
        self._own.close()
        await self._others.stop()

    async def let_go(self, _app: web.Application) -> None:
        """Before the server waits for open requests: a stream would never end by itself."""
        await self._feed.close()

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            self._own.forget_unused()

    def guarded(self, handler: Handler) -> Handler:
        """What is refused is told in one form, and no answer is kept by anybody."""

        async def answer(request: web.Request) -> web.StreamResponse:
            token, on_loopback = self._deployment.token, self._deployment.is_on_loopback
            try:
                guard.check(request, token=token, on_loopback=on_loopback)
                response = await handler(request)
            except Refused as refusal:
                response = refusal.answer()
            except web.HTTPException as error:
                response = refused(HTTPStatus(error.status), error.reason).answer()
            except Exception as error:  # noqa: BLE001 - who looks must not end the worker; its own errors do
                _log.error("board: a question failed", path=request.path, exc_info=error)
                response = refused(HTTPStatus.INTERNAL_SERVER_ERROR, "see the log of the worker").answer()
            if not response.prepared:
                response.headers.update(_HEADERS)
            return response

        return answer

    # --- questions ------------------------------------------------------------------------------------------------

    async def overview(self, request: web.Request) -> web.StreamResponse:
        _check_parameters(request)
        return _document(await (self._own if _is_local(request) else self._together).overview())

    async def cases(self, request: web.Request) -> web.StreamResponse:
        wanted = query.parsed(request.query.items())
        return _document(await (self._own if _is_local(request) else self._together).cases(wanted))

    async def case(self, request: web.Request) -> web.StreamResponse:
        _check_parameters(request)
        case_id = request.match_info["case_id"]
        found = self._whereabouts.here(case_id)
        if found is None:
            if _is_local(request):
                raise unknown()
            return await self._whereabouts.ask_others(case_id)
        holding, value = found
        async with self._own.turns():  # ~1 ms, 0.1 s for a case of hundreds of changes: not two of them at a stretch
            case = case_of(case_id.encode(), value, holding.packs)
            told = detail(case, holding.packs, self._deployment.now(), self._deployment.retraction)
        words = await asyncio.to_thread(self._words, told.explain)  # 10 ms, up to 0.3 s; only reads what it is given
        return _document(told.model_copy(update={"words": words}))

    async def answer(self, request: web.Request) -> web.StreamResponse:
        _check_parameters(request)
        if self._deployment.is_shadow:
            raise refused(HTTPStatus.FORBIDDEN, "a shadow only looks on: answer on the board of the live deployment")
        case_id, recommendation = request.match_info["case_id"], request.match_info["recommendation"]
        verb: Verb = CONFIRM if request.match_info["verb"] == CONFIRM else DECLINE
        said = await _answer(request)
        found = self._whereabouts.here(case_id)
        if found is None:
            if _is_local(request):
                raise unknown()
            path = request.rel_url.raw_path.rpartition("/downgrades/")[2]
            return await self._whereabouts.ask_others(
                case_id, f"/downgrades/{path}", method="POST", body=said.model_dump()
            )
        holding, value = found
        case = case_of(case_id.encode(), value, holding.packs)
        accepted = await self._answers.send(holding, case, recommendation, verb, said.by)
        return _document(accepted, HTTPStatus.ACCEPTED)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        _check_parameters(request, "case")
        return await self._feed.answer(request, request.query.get("case"))

    async def openapi(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(document())

    async def changes(self, request: web.Request) -> web.StreamResponse:
        """Asked by other workers: what they tell their listeners."""
        after = request.query.get("after", "0")
        if not (after.isascii() and after.isdigit()):
            raise refused(HTTPStatus.BAD_REQUEST, "after is a number")
        return _document(await self._own.changes(request.query.get("process", ""), int(after[:18])))


async def _no_such(_request: web.Request) -> web.StreamResponse:
    raise refused(HTTPStatus.NOT_FOUND, "there is nothing of this name, or not by this method")


async def _answer(request: web.Request) -> Answer:
    """The body of a confirmation; none is as good as an empty one."""
    body = await request.read()
    if not body:
        return Answer()
    try:
        if len(body) <= BODY_BYTES_MAX:
            return Answer.model_validate_json(body)
    except ValidationError:
        pass
    raise refused(HTTPStatus.BAD_REQUEST, 'the body is JSON such as {"by": "…"}, of at most 200 characters, or empty')


def _is_local(request: web.Request) -> bool:
    return LOCAL in request.headers


def _check_parameters(request: web.Request, *allowed: str) -> None:
    if unknown_ones := set(request.query) - set(allowed):
        raise refused(HTTPStatus.BAD_REQUEST, f"there is no parameter {min(unknown_ones)!r} here")


def _document(answer: BaseModel, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.json_response(text=answer.model_dump_json(by_alias=True), status=status)
