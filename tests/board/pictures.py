"""Makes docs/pictures/board-*.png: the demo's customers of one seed, at the pace of the plan itself, on the real API.

    python -m tests.board.pictures [FOLDER]

`scripts/screenshots` calls this. No broker: the stories are fed to the partitions by hand, up to an afternoon that is
always the same, so that the pictures change only when the page does.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path

from PIL import Image
from playwright.async_api import Page, expect

from sla_monitor.core.facts import HOUR
from sla_monitor.demo.stories import Run, stories, tellings
from sla_monitor.engine.holdings import Verdicts
from sla_monitor.wire import rfc3339
from tests.board.browser import a_browser
from tests.board.open_page import opened
from tests.board.worker import Client, Worker, served
from tests.engine.feeding import STRUCTURED

FOLDER = Path(__file__).parent.parent.parent / "docs/pictures"
NOW = rfc3339.parse("2026-03-24T14:26:00Z")  # a Tuesday afternoon in Europe, a morning in America
RUN = Run(seed=17, started_at=NOW - 30 * HOUR, speed=1, cases_a_minute=1 / 5)
PARTITIONS = 4
BYTES_MAX = 150_000
COLOURS = 128  # more than the page has, but for the edges of letters


def an_afternoon() -> Worker:
    """Every story so far; what has come to a verdict is counted as a worker counts it."""
    worker = Worker(count=PARTITIONS, wall=NOW, name="support-emea")
    for telling in tellings(stories(RUN)):
        if telling.at > NOW:
            break
        if telling.key is None:
            continue
        fed = worker.fed[worker.partition_of(telling.key.decode(errors="replace"))]
        fed.wait(telling.at)
        fed.fold(telling.key, telling.value, STRUCTURED if telling.value else ())
        fed.take()
    for fed in worker.fed.values():
        fed.wait(NOW)
    worker.counted = verdicts(worker)
    return worker


def verdicts(worker: Worker) -> list[Verdicts]:
    """Of the notices that stand."""
    notices = [notice for fed in worker.fed.values() for notice in fed.notices]
    gone = {notice["data"]["retracts"] for notice in notices if notice["type"] == "sla.retracted"}
    counted: Counter[tuple[str, str, str, str]] = Counter()
    for notice in notices:
        if notice["id"] in gone or notice["type"] not in {"sla.met", "sla.breached"}:
            continue
        data = notice["data"]
        kind = "met_late" if data.get("late") else notice["type"].removeprefix("sla.")
        counted[data["plan"], data["severity"], data["clock"], kind] += 1
    return [
        Verdicts(
            plan=plan,
            severity=severity,
            clock=clock,
            **{kind: counted[plan, severity, clock, kind] for kind in ("met", "met_late", "breached")},
        )
        for plan, severity, clock in sorted({each[:3] for each in counted})
    ]


async def take(page: Page, client: Client, worker: Worker, folder: Path) -> None:
    """Each view."""
    await page.goto(client.url)
    await expect(page.get_by_role("heading", name="Attainment")).to_be_visible()
    await page.screenshot(path=folder / "board-overview.png")
    await page.emulate_media(color_scheme="dark")
    await page.screenshot(path=folder / "board-overview-dark.png")
    await page.goto(f"{client.url}/cases?sort=opened")
    await expect(page.locator(".clocks")).to_be_visible()
    await page.emulate_media(color_scheme="light")
    await page.screenshot(path=folder / "board-cases.png")
    await page.goto(f"{client.url}/case/{await a_case_worth_seeing(client, worker)}")
    await expect(page.locator(".timeline")).to_be_visible()
    await page.screenshot(path=folder / "board-case.png")
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.screenshot(path=folder / "board-narrow.png")


async def a_case_worth_seeing(client: Client, worker: Worker) -> str:
    """That with most to tell: changes, a downgrade, something taken back."""
    best, most = "", -1.0
    for fed in worker.fed.values():
        kinds: dict[str, set[str]] = {}
        for notice in fed.notices:
            kinds.setdefault(notice["subject"], set()).add(notice["type"])
        for case_id, said in kinds.items():
            told = len(said) + 5 * ("sla.deadline.moved" in said) + 2 * ("severity.downgraded" in said)
            status, _, _ = await client.ask(f"/api/v1/cases/{case_id}")
            if status == 200 and told > most:
                best, most = case_id, told
    return best


async def main(folder: Path) -> None:
    worker = an_afternoon()
    async with (
        a_browser() as browser,
        served(worker) as client,
        opened(browser, viewport={"width": 1280, "height": 800}, reduced_motion="reduce") as page,
    ):
        await page.clock.install(time=NOW / 1_000_000)
        await take(page, client, worker, folder)


def shrink(folder: Path) -> None:
    """Fewer colours; ends the program where a picture is still too large."""
    for picture in sorted(folder.glob("board-*.png")):
        with Image.open(picture) as taken:
            fewer = taken.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        fewer.save(picture, optimize=True)
        print(f"{picture.name}: {picture.stat().st_size:,} bytes")
        if picture.stat().st_size > BYTES_MAX:
            sys.exit(f"{picture.name} has more than {BYTES_MAX:,} bytes")


if __name__ == "__main__":
    to = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    to.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(to))
    shrink(to)
