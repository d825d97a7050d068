"""A page of the browser that complains to the test: about scripts that fail, and about what its own policy forbids."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Error, Page

PATIENCE_MS = 20_000  # of a machine with more to do
OF_THE_NETWORK = "Failed to load resource"  # what a test breaks on purpose


@asynccontextmanager
async def opened(browser: Browser, **options: Any) -> AsyncIterator[Page]:
    """In English and UTC. AssertionError at the end, if a script failed or something was forbidden."""
    settings = {"timezone_id": "UTC", "locale": "en-GB", "viewport": {"width": 1440, "height": 900}} | options
    context = await browser.new_context(**settings)
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    complaints: list[str] = []

    def said(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(OF_THE_NETWORK):
            complaints.append(message.text)

    def failed(error: Error) -> None:
        complaints.append(str(error))

    page.on("console", said)
    page.on("pageerror", failed)
    try:
        yield page
    finally:
        await context.close()
    assert complaints == []
