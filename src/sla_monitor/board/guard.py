"""Who may ask for what.

With a token (SLA_WEB_TOKEN_FILE) all of the API takes it. Without one cases are shown to this machine alone, and
nothing is changed. `This machine` is told by two things: the server is bound to loopback, and the request names a
loopback host. Without the second any page in a browser here could read cases, by a name of its own that it lets point
to 127.0.0.1 (DNS rebinding).
"""

from __future__ import annotations

import hmac
import ipaddress
from http import HTTPStatus

from aiohttp import web

from sla_monitor.board.problems import refused


def is_loopback(host: str) -> bool:
    """Of a name or an address, without a port."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check(request: web.Request, *, token: str | None, on_loopback: bool) -> None:
    """Refused: 401 without the right token; 403 where there is none and this is not allowed without."""
    if token is not None:
        _check_token(request, token)
        return
    if request.method not in {"GET", "HEAD"}:
        raise refused(HTTPStatus.FORBIDDEN, "SLA_WEB_TOKEN_FILE is not set, so nobody may change anything")
    if not on_loopback:
        detail = "cases are shown only with a token (SLA_WEB_TOKEN_FILE), or on loopback (SLA_WEB_HOST)"
        raise refused(HTTPStatus.FORBIDDEN, detail)
    if not is_loopback(_host_without_port(request.host)):
        detail = "without a token cases are shown on this machine only: ask for 127.0.0.1, ::1 or localhost"
        raise refused(HTTPStatus.FORBIDDEN, detail)


def _check_token(request: web.Request, token: str) -> None:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    is_right = hmac.compare_digest(given.strip().encode("utf-8", "surrogateescape"), token.encode())
    if scheme.lower() != "bearer" or not is_right:
        raise refused(HTTPStatus.UNAUTHORIZED, "needs the token", {"WWW-Authenticate": "Bearer"})


def _host_without_port(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.rpartition(":")[0] if host.count(":") == 1 else host
