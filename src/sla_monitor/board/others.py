"""Questions to the other workers of the deployment, over HTTP.

A question says of itself that it comes from a worker (`LOCAL`): whoever gets it answers for its own partitions and asks
nobody, so there are no loops. It takes the deployment's token along, to the addresses that the members of the consumer
group have told each other and nowhere else: redirects are not followed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import structlog
from yarl import URL

LOCAL: Final = "Sla-Board-Local"
QUESTION_SECONDS_MAX: Final = 3.0  # above the time that a worker takes to look at cases before it says that it does
CONNECT_SECONDS_MAX: Final = 1.0
ANSWER_BYTES_MAX: Final = 16 << 20  # 200 clocks are 150 KB, a page of the longest case 2 MB

_log = structlog.get_logger("sla_monitor.board")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What another worker answered; `status` 0: nothing, or nothing that is of use."""

    status: int
    content_type: str = ""
    body: bytes = b""


NOTHING: Final = Told(status=0)


class Others:
    """Open from `start` to `stop`."""

    def __init__(self, token: str | None) -> None:
        self._headers = {LOCAL: "1"} | ({} if token is None else {"Authorization": f"Bearer {token}"})
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        timeout = aiohttp.ClientTimeout(total=QUESTION_SECONDS_MAX, connect=CONNECT_SECONDS_MAX)
        self._session = aiohttp.ClientSession(timeout=timeout)

    async def stop(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask_all(
        self, urls: Sequence[str], path: str, parameters: Sequence[tuple[str, str]] = ()
    ) -> dict[str, Told]:
        """All at once."""
        told = await asyncio.gather(*(self.ask(url, path, parameters) for url in urls))
        return dict(zip(urls, told, strict=True))

    async def ask(
        self,
        url: str,
        path: str,
        parameters: Sequence[tuple[str, str]] = (),
        *,
        method: str = "GET",
        body: Any = None,
    ) -> Told:
        """Never raises for a worker that is gone, slow, or no worker. `path` is encoded already."""
        if self._session is None:
            return NOTHING
        try:
            address = URL(url.rstrip("/") + path, encoded=True).with_query(list(parameters))
            async with self._session.request(
                method, address, headers=self._headers, json=body, allow_redirects=False
            ) as answer:
                return await _read(url, answer)
        except (aiohttp.ClientError, OSError, ValueError) as error:  # TimeoutError is an OSError
            _log.debug("another worker does not answer", url=url, error=type(error).__name__)
            return NOTHING


async def _read(url: str, answer: aiohttp.ClientResponse) -> Told:
    if answer.status in {401, 403}:
        _log.warning("another worker takes not the token of this one (SLA_WEB_TOKEN_FILE)", url=url)
        return NOTHING
    body = await answer.content.read(ANSWER_BYTES_MAX + 1)
    while len(body) <= ANSWER_BYTES_MAX and (more := await answer.content.read(ANSWER_BYTES_MAX)):
        body += more
    if len(body) > ANSWER_BYTES_MAX or not answer.content_type.endswith("json"):
        return NOTHING
    return Told(status=answer.status, content_type=answer.content_type, body=body)
