"""The page in a browser, with the worker's real API behind it: what a team lead sees, and can do with a keyboard alone.

The page's clock is the test's: nothing here waits for seconds to pass. What a real worker does to it is in
`test_page_live.py`, what everybody can read of it in `test_page_for_everybody.py`.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from sla_monitor.board import feed
from sla_monitor.core.facts import SECOND
from tests.board.open_page import opened
from tests.board.test_answers import a_worker, arrive
from tests.board.test_together import GONE, PARTITIONS
from tests.board.worker import Worker, served
from tests.engine.feeding import NINE, clock

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one browser for all of them

TOKEN = "a-token"
HALF_PAST = clock(0, 30)
PAGE_OPENS = timedelta(seconds=15)  # time enough for that; less than the page waits before it asks anyway


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "LOOK_EVERY_SECONDS", 0.02)
    monkeypatch.setattr(feed, "SHARE_OF_TIME", 1.0)


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with opened(browser) as one:
        yield one


def at(micros: int) -> datetime:
    return datetime.fromtimestamp(micros / SECOND, UTC)


async def seconds_shown(page: Page) -> int:
    """Of the countdown."""
    minutes, seconds = (await page.get_by_role("timer").locator(".figure").inner_text()).split(":")
    return 60 * int(minutes) + int(seconds)


async def test_a_countdown_moves_and_nothing_is_read_aloud(page: Page) -> None:
    """A second later there is a second less, without a word to a screen reader."""
    worker = Worker(wall=HALF_PAST)
    worker.of("case-1").open("case-1", customer="Contoso", queue="finance")
    await page.clock.install(time=at(HALF_PAST))
    async with served(worker) as client:
        await page.goto(client.url)
        await expect(page.get_by_role("region", name="Next deadlines").get_by_role("timer")).to_be_visible()
        await page.clock.pause_at(at(HALF_PAST) + PAGE_OPENS)
        before = await seconds_shown(page)
        await page.clock.run_for(1_000)
        assert await seconds_shown(page) == before - 1
        await page.clock.run_for(10_000)
        assert await seconds_shown(page) == before - 11
        await expect(page.get_by_role("status")).to_be_empty()
        await expect(page.locator("[aria-live]")).to_have_count(0)


async def test_the_worker_clock_decides_and_not_that_of_the_browser(page: Page) -> None:
    worker = Worker(wall=HALF_PAST)
    worker.of("case-1").open("case-1")
    await page.clock.install(time=at(clock(17)))
    async with served(worker) as client:
        await page.goto(client.url)
        await expect(page.get_by_role("timer")).to_have_text(re.compile(r"(30:00|29:\d\d) left"))


async def test_a_breach_appears_without_reload_and_is_said_once(page: Page) -> None:
    """The case goes from the next deadlines to the breached ones, with a figure that counts on."""
    worker = Worker(wall=clock(0, 59))
    worker.of("case-1").open("case-1")
    await page.clock.install(time=at(worker.wall))
    async with served(worker) as client:
        await page.goto(client.url)
        await expect(page.get_by_role("region", name="Next deadlines")).to_contain_text("case-1")
        await page.evaluate("window.isTheSamePage = true")
        worker.wall = clock(1) + SECOND
        worker.of("case-1").wait(clock(1))
        breached = page.get_by_role("region", name="Breached")
        await expect(breached.get_by_role("link", name="case-1")).to_be_visible()
        await expect(breached.get_by_role("timer")).to_have_text(re.compile(r"\+0:\d\d over"))
        await expect(page.get_by_role("region", name="Next deadlines")).to_contain_text("No clock is running.")
        await expect(page).to_have_title("(1) SLA board")
        await page.clock.run_for(2_000)
        await expect(page.get_by_role("status")).to_have_text("1 new breach: case-1")
        assert await page.evaluate("window.isTheSamePage")


def many(count: int = 120) -> Worker:
    """Three severities, four queues."""
    worker = Worker(count=2, wall=HALF_PAST)
    for number in range(count):
        case_id = f"case-{number:03}"
        severity = "ABC"[number % 3]
        worker.of(case_id).open(case_id, NINE + number * SECOND, severity=severity, queue=f"queue-{number % 4}")
    return worker


async def shown(page: Page) -> list[str]:
    return await page.locator(".clocks .case-id").all_inner_texts()


async def test_pages_are_turned_and_turned_back(page: Page) -> None:
    """Each case is on one page; the address says which page it is, so that the browser goes back too."""
    async with served(many()) as client:
        await page.goto(f"{client.url}/cases?sort=case_id")
        await expect(page.locator(".clocks tbody tr")).to_have_count(50)
        await expect(page.locator(".view-head")).to_contain_text("120 clocks, 50 on this page")
        seen = await shown(page)
        for first, number in (("case-050", 50), ("case-100", 20)):
            await page.get_by_role("link", name="Next page").click()
            await expect(page.locator(".clocks .case-id").first).to_have_text(first)
            await expect(page.locator(".clocks tbody tr")).to_have_count(number)
            seen += await shown(page)
        assert seen == [f"case-{number:03}" for number in range(120)]
        await expect(page.get_by_role("link", name="Next page")).to_have_count(0)
        await page.get_by_role("button", name="Back").click()
        await expect(page.locator(".clocks .case-id").first).to_have_text("case-050")
        await page.get_by_role("link", name="First page").click()
        await expect(page.locator(".clocks .case-id").first).to_have_text("case-000")


async def test_filters_are_in_the_address(page: Page) -> None:
    """Any of the values of one filter, all filters together, how many there are of each; kept by a reload."""
    async with served(many()) as client:
        await page.goto(f"{client.url}/cases")
        await page.get_by_role("checkbox", name="A", exact=False).and_(page.locator("[name=severity]")).check()
        await expect(page.locator(".view-head")).to_contain_text("40 clocks")
        await page.locator("[name=severity][value=B]").check()
        await expect(page.locator(".view-head")).to_contain_text("80 clocks")
        await page.locator("[name=queue][value=queue-1]").check()
        await expect(page.locator(".view-head")).to_contain_text("20 clocks")
        assert parse_qs(urlsplit(page.url).query) == {"severity": ["A", "B"], "queue": ["queue-1"]}
        await page.reload()
        await expect(page.locator(".view-head")).to_contain_text("20 clocks")
        await expect(page.locator("[name=severity][value=B]")).to_be_checked()
        await expect(page.locator(".choice", has_text="queue-2").locator(".tally")).to_have_text("20")
        await page.get_by_label("Case id begins with").fill("case-00")
        await page.keyboard.press("Enter")
        await expect(page.locator(".view-head")).to_contain_text("2 clocks")
        await page.get_by_role("link", name="Clear all filters").click()
        await expect(page.locator(".view-head")).to_contain_text("120 clocks")


async def test_a_figure_of_the_overview_leads_to_its_list(page: Page) -> None:
    async with served(many()) as client:
        await page.goto(client.url)
        await page.get_by_role("list", name="How many").get_by_role("link", name=re.compile("Running")).click()
        await expect(page).to_have_url(f"{client.url}/cases?state=running")
        await expect(page.locator("[name=state][value=running]")).to_be_checked()


async def test_dark_follows_the_system_until_somebody_chooses(browser: Browser) -> None:
    """A choice is kept in this browser."""

    async def ground(page: Page) -> str:
        return str(await page.evaluate("getComputedStyle(document.body).backgroundColor"))

    async with served(Worker()) as client, opened(browser, color_scheme="dark") as page:
        await page.goto(client.url)
        dark = await ground(page)
        await page.emulate_media(color_scheme="light")
        light = await ground(page)
        assert dark != light
        await page.get_by_role("radio", name="Dark").check()
        assert await ground(page) == dark
        await page.reload()
        assert await ground(page) == dark
        await page.get_by_role("radio", name="Auto").check()
        assert await ground(page) == light


async def test_a_failed_worker_is_told_with_its_partitions(page: Page) -> None:
    """What is missing from the lists is said above them, and where a missing case would be; what is there stays."""
    worker = Worker(count=PARTITIONS, numbers=[0, 2], wall=HALF_PAST)
    for number in range(20):
        case_id = f"case-{number}"
        if worker.partition_of(case_id) in worker.fed:
            worker.of(case_id).open(case_id)
    worker.elsewhere = {1: GONE, 3: GONE}
    missing = next(f"case-{number}" for number in range(20) if worker.partition_of(f"case-{number}") == 1)
    async with served(worker) as client:
        for path in ("/", "/cases"):
            await page.goto(client.url + path)
            told = page.get_by_role("group", name="Data is incomplete")
            await expect(told).to_contain_text("Partitions 1, 3 are with a worker that does not answer")
            await expect(page.get_by_role("link", name=re.compile("^case-")).first).to_be_visible()
        await page.goto(f"{client.url}/case/{missing}")
        await expect(page.locator(".bar-incomplete")).to_contain_text("partition 1: its worker does not answer")
        await expect(page.locator(".bar-incomplete")).to_contain_text("Asking again by itself.")


async def test_a_lost_connection_marks_what_is_old_and_heals(page: Page) -> None:
    """What was there stays, with the time it is of; when the worker is back it is live again, without a reload."""
    worker = Worker(wall=HALF_PAST)
    worker.of("case-1").open("case-1")
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(served(worker))
        port = int(client.url.rpartition(":")[2])
        await page.goto(client.url)
        await expect(page.locator(".connection")).to_have_text("Live")
        await stack.aclose()
        bar = page.locator(".bar-lost")
        await expect(bar).to_contain_text("No connection to the worker. What is shown is as of 09:30")
        await expect(page.get_by_role("link", name="case-1")).to_be_visible()
        await expect(page.locator(".connection")).to_have_text("Not live")
        worker.of("case-2").open("case-2")
        await stack.enter_async_context(served(worker, port))
        await expect(page.get_by_role("link", name="case-2")).to_be_visible()
        await expect(bar).to_have_count(0)


async def test_the_token_is_asked_for_once_and_never_in_an_address(page: Page) -> None:
    worker = Worker(wall=HALF_PAST, token=TOKEN)
    worker.of("case-1").open("case-1")
    addresses: list[str] = []
    page.on("request", lambda request: addresses.append(request.url))
    async with served(worker) as client:
        await page.goto(client.url)
        await page.locator("#token").fill("another")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_have_text("The worker does not know this token.")
        await page.locator("#token").fill(TOKEN)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("link", name="case-1")).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("link", name="case-1")).to_be_visible()
        await expect(page.get_by_role("dialog")).to_have_count(0)
    assert not [address for address in addresses if TOKEN in address]


async def test_a_person_confirms_a_downgrade(page: Page) -> None:
    """With its evidence before the eyes; the event is produced once, and when the worker has read it, it is gone."""
    worker = a_worker(TOKEN)
    await page.add_init_script(f"sessionStorage.setItem('sla-monitor-token', '{TOKEN}')")
    async with served(worker) as client:
        await page.goto(client.url)
        waiting = page.get_by_role("article", name="Downgrade of case-1 from A to B")
        await expect(waiting).to_contain_text("SP-DOWN-A")
        await expect(waiting).to_contain_text("case-1-wait")
        await expect(waiting).to_contain_text("2 h")
        await waiting.get_by_role("button", name="Lower to B").click()
        dialog = page.get_by_role("dialog", name="Lower case-1 from A to B?")
        await dialog.get_by_label("Decided by").fill("mira")
        await dialog.get_by_role("button", name="Lower to B").click()
        await expect(waiting).to_contain_text("Confirmed; B holds once the worker has read it.")
        assert b'"by":"mira"' in worker.produced[0][2].replace(b'": "', b'":"')
        assert len(worker.produced) == 1
        assert "severity.downgraded" in arrive(worker)
        await expect(page.get_by_text("Nothing waits for a decision.")).to_be_visible()


async def test_where_nothing_may_be_changed_the_answer_says_why(page: Page) -> None:
    async with served(a_worker(None)) as client:
        await page.goto(client.url)
        await page.get_by_role("button", name="Keep A").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("button", name="Keep A").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("SLA_WEB_TOKEN_FILE is not set")


async def test_what_is_not_known_is_said_in_words(page: Page) -> None:
    async with served(Worker()) as client:
        await page.goto(f"{client.url}/case/nobody")
        await expect(page.get_by_text("No case of this name is known.")).to_be_visible()
        await page.goto(f"{client.url}/cases?state=asleep")
        await expect(page.get_by_text("State: asleep is none of running, at_risk, paused, breached.")).to_be_visible()
