"""The fixture `browser`: Chromium without a window, loaded by `tests/conftest.py`.

`scripts/test` fetches it (scripts/browser.sh); what becomes of these tests without is in `tests/needs.py`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, async_playwright

UNPACKED = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sla-monitor/browser/bin"
NAMES = ("chromium", "chromium-browser", "google-chrome", "sla-monitor-chromium")


class BrowserUnavailable(Exception):
    """This machine has none; the text says what to do."""


def find_browser() -> str:
    """Of the PATH, else as `scripts/test` has unpacked it. BrowserUnavailable if there is none."""
    path = os.pathsep.join((os.environ.get("PATH", ""), str(UNPACKED)))
    found = next((there for name in NAMES if (there := shutil.which(name, path=path))), None)
    if found is None:
        raise BrowserUnavailable("no Chromium (scripts/test fetches it with apt; else install it by hand)")
    return found


@asynccontextmanager
async def a_browser() -> AsyncIterator[Browser]:
    """Until the end of the block."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=find_browser())
        yield started
        await started.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One for the tests of a module, which share its loop: starting it takes longer than most of them."""
    async with a_browser() as started:
        yield started
