"""Questions about one case: answered here, or by the worker that has it.

A case is where its producer put it, which is the partition that murmur2 of its id gives, unless a producer does it
otherwise. So the owner of that partition is asked first, and only if it knows nothing of the case, all others.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from sla_monitor.board.deployment import ANSWERING, Deployment, Holding
from sla_monitor.board.others import NOTHING, Others, Told
from sla_monitor.board.own import Own
from sla_monitor.board.problems import RETRY_AFTER_SECONDS, not_now, refused
from sla_monitor.board.together import BASE, Together
from sla_monitor.wire import rows
from sla_monitor.wire.own_rows import is_of_a_case

# What may be handed on as another worker said it; anything else is no answer of use.
HANDED_ON: Final = frozenset(
    {
        HTTPStatus.OK,
        HTTPStatus.ACCEPTED,
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        HTTPStatus.SERVICE_UNAVAILABLE,
    }
)


class Whereabouts:
    """Where a case is."""

    def __init__(self, deployment: Deployment, own: Own, others: Others, together: Together) -> None:
        self._deployment, self._own, self._others, self._together = deployment, own, others, together

    def here(self, case_id: str) -> tuple[Holding, bytes] | None:
        """The partition that has it and its row; None: it is none of ours, or nothing is known of it.

        Refused: 503 while its partition, which is ours, is being restored or moved; 404 where it is set aside.
        """
        key = case_id.encode("utf-8", "surrogatepass")
        if not is_of_a_case(key):
            return None
        holdings = self._deployment.holdings()
        for holding in holdings:
            value = holding.rows.get(key) if holding.state in ANSWERING else None
            if value is not None:
                _check_status(value)
                return holding, value
        home = self._own.holding(self._deployment.partition_of(case_id))
        if home is not None and home.state not in ANSWERING:
            raise not_now(self._own.partition(home, answered=False))
        return None

    async def ask_others(self, case_id: str, path: str = "", *, method: str = "GET", body: Any = None) -> web.Response:
        """As the worker that has it says. Refused: 404, nobody knows it; 503, who should does not answer."""
        asked = f"{BASE}/cases/{quote(case_id, safe='')}{path}"
        home = self._deployment.partition_of(case_id)
        owner = self._deployment.owners().get(home)
        urls = self._together.other_urls()
        told = NOTHING
        if owner in urls and owner is not None:
            told = await self._others.ask(owner, asked, method=method, body=body)
            if told.status != HTTPStatus.NOT_FOUND:
                return self._handed_on(told, home, owner)
            urls.remove(owner)
        elif self._own.holding(home) is None:
            raise not_now(self._together.elsewhere(home))
        for each in (await self._others.ask_all(urls, asked)).values() if method == "GET" else ():
            if each.status == HTTPStatus.OK:
                return self._handed_on(each, home, "")
        if told.status == HTTPStatus.NOT_FOUND:
            return self._handed_on(told, home, "")  # its words say what is not there
        raise unknown()

    def _handed_on(self, told: Told, home: int, owner: str) -> web.Response:
        if told.status not in HANDED_ON:
            raise not_now(self._together.elsewhere(home, [owner]))
        return web.Response(
            body=told.body,
            status=told.status,
            content_type=told.content_type,
            charset="utf-8",
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)}
            if told.status == HTTPStatus.SERVICE_UNAVAILABLE
            else None,
        )


def _check_status(value: bytes) -> None:
    status = rows.header(value)[0]
    if status == rows.QUARANTINED:
        detail = "the case is in quarantine: deciding about it failed, and none of its clocks runs"
        raise refused(HTTPStatus.NOT_FOUND, detail)


def unknown() -> Exception:
    return refused(HTTPStatus.NOT_FOUND, "no case of this name is known")
