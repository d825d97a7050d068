"""The page for whoever has no mouse, cannot see it, or has a small screen: every view, in light and in dark."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from tests.board.open_page import opened
from tests.board.test_answers import a_worker
from tests.board.test_together import GONE
from tests.board.worker import Client, Worker, served
from tests.engine.feeding import clock

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "a-token"
SERIOUS = {"serious", "critical"}


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with opened(browser) as one:
        await one.add_init_script(f"sessionStorage.setItem('sla-monitor-token', '{TOKEN}')")
        yield one


def a_busy_worker() -> Worker:
    """Something of everything: breached, at risk, running, a downgrade that waits, a raised severity, a correction."""
    worker = a_worker(TOKEN)
    fed = worker.of("case-1")
    fed.open("late", clock(1), customer="Fabrikam", queue="commerce")
    fed.open("soon", clock(2, 10), customer="Northwind", queue="identity")
    fed.open("calm", clock(2, 30), severity="B", access="24x7")
    fed.open("raised", clock(2, 31), severity="C", country="DE")
    fed.tell("raised", "case.severity_changed", clock(2, 40), severity="B")
    fed.open("corrected", clock(1, 30))
    fed.wait(clock(2, 31))
    fed.tell("corrected", "case.responded", clock(2, 20))
    fed.wait(clock(3))
    return worker


async def on_the_overview(page: Page, client: Client) -> None:
    await page.goto(client.url)
    await expect(page.get_by_role("link", name="soon")).to_be_visible()


async def on_the_list(page: Page, client: Client) -> None:
    await page.goto(f"{client.url}/cases?state=breached&state=at_risk")
    await expect(page.get_by_role("link", name="late", exact=True)).to_be_visible()


async def on_a_case(page: Page, client: Client, case_id: str = "corrected") -> None:
    await page.goto(f"{client.url}/case/{case_id}")
    await expect(page.get_by_role("img", name=f"Timeline of {case_id}")).to_be_visible()
    for summary in await page.locator("details > summary").all():
        await summary.click()


async def on_the_case_of_a_downgrade(page: Page, client: Client) -> None:
    await on_a_case(page, client, "case-1")


async def asked_for_an_answer(page: Page, client: Client) -> None:
    await on_the_overview(page, client)
    await page.get_by_role("button", name="Lower to B: case-1").click()
    await expect(page.get_by_role("dialog")).to_be_visible()


async def asked_for_the_token(page: Page, client: Client) -> None:
    await page.add_init_script("sessionStorage.setItem('sla-monitor-token', 'another')")
    await page.goto(client.url)
    await expect(page.get_by_role("alert")).to_be_visible()


async def found_by_axe(page: Page) -> list[tuple[str, list[str]]]:
    """What is serious, and where."""
    found = await Axe().run(page)
    wrong = [each for each in found.response["violations"] if each["impact"] in SERIOUS]
    return [(each["id"], [node["html"][:150] for node in each["nodes"][:3]]) for each in wrong]


VIEWS = [
    on_the_overview,
    on_the_list,
    on_a_case,
    on_the_case_of_a_downgrade,
    asked_for_an_answer,
    asked_for_the_token,
]
View = Callable[[Page, Client], Awaitable[None]]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.__name__)
async def test_axe_finds_nothing_serious(view: View, page: Page) -> None:
    """In light and in dark, and with that on a wide and on a narrow screen."""
    async with served(a_busy_worker()) as client:
        for width, theme in ((1440, "light"), (400, "dark")):
            await page.set_viewport_size({"width": width, "height": 900})
            await page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
            if (width, theme) == (1440, "light"):
                await view(page, client)
            assert await found_by_axe(page) == [], f"{width} {theme}"


async def test_axe_finds_nothing_serious_when_much_is_missing(page: Page) -> None:
    """The bars that say so, and what is old."""
    worker = a_busy_worker()
    worker.count, worker.elsewhere = 2, {1: GONE}
    for theme in ("light", "dark"):
        async with served(worker) as client:
            await page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            await on_the_overview(page, client)
            await expect(page.get_by_role("group", name="Data is incomplete")).to_be_visible()
        await expect(page.locator(".bar-lost")).to_be_visible()
        assert await found_by_axe(page) == []


@pytest.mark.parametrize("view", VIEWS[:4], ids=lambda view: view.__name__)
async def test_a_narrow_screen_needs_no_scrolling_sideways(view: View, page: Page) -> None:
    """360 pixels, and a case id, a customer and a queue as long as they get."""
    worker = a_busy_worker()
    worker.of("case-1").open("x" * 180, clock(2, 10), customer="W" * 200, queue="q" * 200)
    worker.of("case-1").wait(clock(3))
    await page.set_viewport_size({"width": 360, "height": 740})
    async with served(worker) as client:
        await view(page, client)
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        hidden = await page.evaluate(
            """[...document.querySelectorAll("main a, main button, .countdown")].filter((each) => {
                 const at = each.getBoundingClientRect();
                 return at.width > 2 && (at.left < 0 || at.right > innerWidth);
               }).map((each) => each.textContent)"""
        )
        assert hidden == []


ENDS_OF_A_QUEUE = """() => {
  const walk = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  const left = (node, at) => {
    const range = document.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + 1);
    return range.getBoundingClientRect().left;
  };
  const ends = [];
  while (walk.nextNode()) {
    const at = walk.currentNode.data.indexOf("finance");
    if (at >= 0 && walk.currentNode.parentElement.closest(".customer, .case-head"))
      ends.push([left(walk.currentNode, at), left(walk.currentNode, at + 6)]);
  }
  return ends;
}"""


async def test_a_name_written_from_right_to_left_turns_nothing_beside_it(page: Page) -> None:
    """Nor does one that says so of what follows: producers choose them."""
    worker = Worker()
    worker.of("case-1").open("case-1", customer="\u202eContoso", queue="finance")
    async with served(worker) as client:
        for path, shown in (("/", ".row"), ("/cases", ".clocks tbody tr"), ("/case/case-1", ".clock-cards li")):
            await page.goto(client.url + path)
            await expect(page.locator(shown)).to_be_visible()
            ends = await page.evaluate(ENDS_OF_A_QUEUE)
            assert [first < last for first, last in ends] == [True], path


FOCUSED = """(() => {
  const { ariaLabel, textContent, value } = document.activeElement;
  return ariaLabel || textContent.trim() || value;
})()"""
HAS_RING = """(() => {
  const at = document.activeElement;
  const next = at.nextElementSibling; // of a choice of colours: the ring is around its word
  return at === document.body || getComputedStyle(at).outlineStyle !== "none"
    || (next && getComputedStyle(next).boxShadow !== "none");
})()"""


async def focused(page: Page) -> str:
    return str(await page.evaluate(FOCUSED))


async def tabbed_to(page: Page, text: str, key: str = "Tab") -> None:
    """Presses the key until the focus is there, and sees on the way that it can be seen."""
    for _ in range(80):
        await page.keyboard.press(key)
        assert await page.evaluate(HAS_RING), await focused(page)
        if await focused(page) == text:
            return
    raise AssertionError(f"the focus never comes to {text!r}")


async def test_a_walk_with_the_keyboard_alone(page: Page) -> None:
    """Past the top, to a case and to what it says; to a decision and out of it again, back to where one was; to the
    list and its filters."""
    async with served(a_busy_worker()) as client:
        await on_the_overview(page, client)
        await page.keyboard.press("Tab")
        assert await focused(page) == "Skip to the content"
        await page.keyboard.press("Enter")
        await tabbed_to(page, "Lower to B: case-1")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("dialog")).to_be_visible()
        await tabbed_to(page, "Not now")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        assert await focused(page) == "Lower to B: case-1"
        await tabbed_to(page, "late", "Shift+Tab")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("img", name="Timeline of late")).to_be_visible()
        await expect(page.get_by_role("heading", level=1)).to_be_focused()
        await expect(page).to_have_title("late · SLA board")
        await tabbed_to(page, "The same as text, in full")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("region", name="Explanation as text")).to_contain_text("late: opened")
        await tabbed_to(page, "Open cases", "Shift+Tab")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_be_focused()
        await tabbed_to(page, "breached")
        await page.keyboard.press("Space")
        await expect(page).to_have_url(f"{client.url}/cases?state=breached")
        await expect(page.locator("[name=state][value=breached]")).to_be_focused()


async def test_the_timeline_and_its_table_say_the_same(page: Page) -> None:
    """A mark for each thing that happened and whose time is kept, under the number that it has in the table; what was
    taken back is struck through in both; what a screen reader gets is the table."""
    async with served(a_busy_worker()) as client:
        await on_a_case(page, client)
        rows = page.get_by_role("table", name="All that happened").get_by_role("row")
        told = await rows.evaluate_all(
            """rows => rows.slice(1).map(row =>
                 [row.querySelector(".dot").textContent, row.dataset.void, !!row.querySelector("time")])"""
        )
        marks = await page.locator(".mark").evaluate_all(
            """marks => marks.map(mark => [mark.querySelector("text").textContent, mark.dataset.void, true])"""
        )
        assert sorted(marks) == sorted(each for each in told if each[2])
        await expect(rows.filter(has_text="Taken back").filter(has_text="withdraws Breached")).to_have_count(1)
        await expect(rows.filter(has=page.locator("s", has_text="Breached"))).to_have_count(1)
        await expect(rows.filter(has_text="Responded").first).to_contain_text("event")


async def test_open_hours_are_shaded_and_change_moves_the_deadline(page: Page) -> None:
    """A case raised from C to B in Germany: hours of its working days, the flag, and where the flag was before."""
    async with served(a_busy_worker()) as client:
        await on_a_case(page, client, "raised")
        assert await page.locator(".timeline .open").count() >= 1
        await expect(page.locator(".flag-deadline")).to_have_count(1)
        await expect(page.locator(".timeline")).to_be_visible()
        await expect(page.get_by_role("region", name="Why", exact=True)).to_contain_text("Count 2: this one decides")
