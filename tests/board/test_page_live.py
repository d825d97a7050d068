"""The page before a real worker: the demo's, with its broker and its customers."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, expect

from tests.board.open_page import opened

pytestmark = pytest.mark.asyncio(loop_scope="module")

STARTED_SECONDS_MAX = 60.0  # ~13 s here: groups of the embedded broker are slow to form
BREACHED_MS_MAX = 60_000  # ~6 s: the plan's hour


@asynccontextmanager
async def a_demo() -> AsyncIterator[tuple[Process, str]]:
    """The process, and where its board is."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLA_")}
    command = (sys.executable, "-m", "sla_monitor", "demo", "--seed", "7", "--json", "--duration", "100")
    demo = await asyncio.create_subprocess_exec(
        *command, env=environment | {"SLA_WEB_PORT": "0"}, stdout=asyncio.subprocess.DEVNULL, stderr=PIPE
    )
    assert demo.stderr
    try:
        async with asyncio.timeout(STARTED_SECONDS_MAX):
            async for line in demo.stderr:
                if found := re.search(r"(http://\S+?)/metrics", line.decode()):
                    yield demo, found[1]
                    return
        raise AssertionError(f"no demo; exit code {await demo.wait()}")
    finally:
        if demo.returncode is None:
            demo.send_signal(signal.SIGTERM)
        await asyncio.gather(demo.stderr.read(), demo.wait())  # read, so that it can end


async def test_a_breach_comes_by_itself_and_an_ended_worker_is_told(browser: Browser) -> None:
    """Somebody opens the board once. A case runs out of time and appears among the breached; its page has the timeline
    and says why; the worker ends, and the page says that it is not live any more."""
    async with a_demo() as (demo, url), opened(browser) as page:
        await page.goto(url)
        await page.evaluate("window.isTheSamePage = true")
        await expect(page.locator(".connection")).to_have_text("Live")
        breached = page.get_by_role("region", name="Breached").get_by_role("link", name=re.compile("^CASE-"))
        await expect(breached.first).to_be_visible(timeout=BREACHED_MS_MAX)
        case_id = await breached.first.inner_text()
        await page.evaluate("id => document.querySelector(`a[href='/case/${id}']`).click()", case_id)  # it moves on
        await expect(page.get_by_role("img", name=f"Timeline of {case_id}")).to_be_visible()
        await expect(page.get_by_role("table", name="All that happened")).to_contain_text("Breached")
        await expect(page.get_by_role("region", name="Why", exact=True)).to_contain_text("the deadline.")
        demo.send_signal(signal.SIGTERM)
        await expect(page.locator(".bar-lost")).to_contain_text("No connection to the worker.")
        await expect(page.get_by_role("heading", level=1)).to_contain_text(case_id)
        assert await page.evaluate("window.isTheSamePage")
