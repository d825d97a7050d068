"""What changes something asks for the token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from sla_monitor.observe import control
from sla_monitor.observe.health import serve

TOKEN = "a-token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


async def posted(token: str | None, headers: Mapping[str, str], problems: list[str]) -> tuple[int, Any, int]:
    """Status, body, and how often it was reloaded."""
    count = 0

    async def reload() -> list[str]:
        nonlocal count
        count += 1
        return problems

    app = web.Application()
    control.add_routes(app, reload, token)
    stop = await serve("127.0.0.1", 0, app)
    try:
        async with (
            aiohttp.ClientSession() as client,
            client.post(f"http://127.0.0.1:{stop.port}/-/reload", headers=headers) as answer,
        ):
            return answer.status, await answer.json(), count
    finally:
        await stop()


async def test_with_the_token_it_is_done() -> None:
    """And its outcome is the answer."""
    assert await posted(TOKEN, BEARER, []) == (200, {"reloaded": True, "problems": []}, 1)
    assert await posted(TOKEN, BEARER, ["no"]) == (409, {"reloaded": False, "problems": ["no"]}, 1)
    assert await posted(TOKEN, {"Authorization": f"bearer {TOKEN}"}, []) == (200, {"reloaded": True, "problems": []}, 1)


@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer other"}, {"Authorization": f"Basic {TOKEN}"}])
async def test_without_it_nothing_happens(given: Mapping[str, str]) -> None:
    """Whatever else is sent."""
    status, _, count = await posted(TOKEN, given, [])
    assert (status, count) == (401, 0)


async def test_where_there_is_none_nobody_may() -> None:
    """An open port is not enough."""
    status, body, count = await posted(None, BEARER, [])
    assert (status, count) == (403, 0)
    assert "SLA_WEB_TOKEN_FILE" in body["error"]
