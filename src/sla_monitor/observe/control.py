"""What may be asked of a worker over HTTP and changes something: `POST /-/reload`. It takes the token."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_routes(app: web.Application, reload: Callable[[], Awaitable[list[str]]], token: str | None) -> None:
    """`reload` answers with why nothing was changed, one line each."""

    async def answer(_request: web.Request) -> web.Response:
        problems = await reload()
        return web.json_response({"reloaded": not problems, "problems": problems}, status=409 if problems else 200)

    app.router.add_post("/-/reload", guarded(answer, token))


def guarded(handler: Handler, token: str | None) -> Handler:
    """Only for who sends `Authorization: Bearer TOKEN` (RFC 6750; the scheme in any case, RFC 9110). Without a token
    for nobody: an open port must not be enough to change anything.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        if token is None:
            return web.json_response({"error": "SLA_WEB_TOKEN_FILE is not set, so nobody may do this"}, status=403)
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        is_right = hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token.encode())
        if scheme.lower() != "bearer" or not is_right:
            challenge = {"WWW-Authenticate": "Bearer"}
            return web.json_response({"error": "needs the token"}, status=401, headers=challenge)
        return await handler(request)

    return answer
