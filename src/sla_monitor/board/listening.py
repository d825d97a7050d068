"""Listens to a worker's live updates, as `sla-monitor watch` does: over the API, like anybody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import aiohttp
from pydantic import ValidationError

from sla_monitor.board.feed import HEARTBEAT_SECONDS
from sla_monitor.board.models import Overview, Problem
from sla_monitor.board.together import BASE
from sla_monitor.errors import RefuseToStart

CONNECT_SECONDS_MAX: Final = 5.0
QUIET_SECONDS_MAX: Final = 3 * HEARTBEAT_SECONDS  # then the connection is dead, whatever the network says
AGAIN_AFTER_SECONDS: Final = (0.5, 1.0, 2.0, 5.0)  # the last one from then on
EVENT_BYTES_MAX: Final = 4 << 20
MARK: Final = b"data: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The connection is gone; it is tried again."""

    why: str


async def overviews(url: str, token: str | None) -> AsyncGenerator[Overview | Lost, None]:
    """For ever. RefuseToStart: nothing was ever heard, or the worker does not want to tell."""
    heard, tries = False, 0
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS_MAX, sock_read=QUIET_SECONDS_MAX)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers, timeout=timeout, read_bufsize=EVENT_BYTES_MAX) as session:
        while True:
            try:
                async for overview in _stream(session, url):
                    heard, tries = True, 0
                    yield overview
                why = "the worker has ended the connection"
            except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: not what a board says
                why = _words(error)
            if not heard:
                raise RefuseToStart(f"{url}: {why}: is that the address of a worker that runs? Another one: --url")
            yield Lost(why=why)
            await asyncio.sleep(AGAIN_AFTER_SECONDS[min(tries, len(AGAIN_AFTER_SECONDS) - 1)])
            tries += 1


async def _stream(session: aiohttp.ClientSession, url: str) -> AsyncIterator[Overview]:
    async with AsyncExitStack() as stack:
        asked = session.get(f"{url}{BASE}/stream", allow_redirects=False)
        answer = await stack.enter_async_context(asked)
        if answer.status != HTTPStatus.OK:
            await _refused(url, answer)
        is_overview = False
        async for line in answer.content:
            if line.startswith(b"event: "):
                is_overview = line == b"event: overview\n"
            elif is_overview and line.startswith(MARK):
                yield Overview.model_validate_json(line.removeprefix(MARK))


async def _refused(url: str, answer: aiohttp.ClientResponse) -> None:
    """What only a person can mend ends it; what time mends does not."""
    try:
        detail = Problem.model_validate_json(await answer.text()).detail
    except ValidationError:
        detail = "there is no board at this address"
    if answer.status == HTTPStatus.UNAUTHORIZED:
        detail = "needs the token of the deployment: --token-file, or SLA_WEB_TOKEN_FILE"
    if answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise RefuseToStart(f"{url}: {detail}")
    raise ValueError(detail)


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"nobody answers ({error.os_error.strerror or type(error.os_error).__name__})"
    if isinstance(error, ValidationError):
        return "what it says is not an overview of this version"
    return str(error) or type(error).__name__
