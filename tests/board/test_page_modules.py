"""The page's pure modules, in the browser that runs them: words, places, streams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.board.open_page import opened
from tests.board.worker import Worker, served

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    async with served(Worker()) as client, opened(browser) as one:
        await one.goto(client.url)
        yield one


async def run(page: Page, module: str, body: str) -> Any:
    """What a function says that is given the module."""
    return await page.evaluate(f"import('/static/{module}').then(({{ ...m }}) => {{ {body} }})")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0:00"),
        (42, "0:42"),
        (-42.9, "0:42"),
        (60, "1:00"),
        (3_599, "59:59"),
        (3_600, "1:00:00"),
        (90_000, "1 d 01:00"),
    ],
)
async def test_a_countdown_is_written_as_a_clock(page: Page, seconds: float, shown: str) -> None:
    assert await run(page, "lib/words.js", f"return m.countdown({seconds})") == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0 s"), (45, "45 s"), (5_400, "1 h 30 min"), (14_400, "4 h"), (90_060, "1 d 1 h")]
)
async def test_a_length_has_two_units_at_most(page: Page, seconds: float, shown: str) -> None:
    assert await run(page, "lib/words.js", f"return m.length({seconds})") == shown


@pytest.mark.parametrize(
    ("path", "shown"),
    [("/case/a%2Fb%25", ["case", "a/b%"]), ("/case/50%", ["unknown", ""]), ("/case/%FF", ["unknown", ""])],
)
async def test_an_address_that_cannot_be_decoded_is_none_of_ours(page: Page, path: str, shown: list[str]) -> None:
    """It was typed by hand; the page says so, where a script that fails would leave it blank."""
    asked = f"const at = m.parsed({{pathname: '{path}', search: ''}}); return [at.view, at.caseId]"
    assert await run(page, "lib/route.js", asked) == shown


async def test_a_stream_may_be_cut_anywhere(page: Page) -> None:
    """Events are the same whatever pieces they come in; comments are none."""
    text = ': hello\n\nevent: overview\ndata: {"a": 1}\n\n: still here\n\nevent: case\r\ndata: x\r\ndata: y\r\n\r\n'
    found = await run(
        page,
        "lib/stream.js",
        f"""const text = {text!r};
        return [1, 2, 3, 7, text.length].map((size) => {{
          const told = [];
          const take = m.parser((name, data) => told.push([name, data]));
          for (let at = 0; at < text.length; at += size) take(text.slice(at, at + size));
          return told;
        }});""",
    )
    assert found == [[["overview", '{"a": 1}'], ["case", "x\ny"]]] * 5


async def test_closed_time_is_drawn_narrower_and_later_is_further_right(page: Page) -> None:
    """Eight open hours of a day of twenty-four take more than half of the width, and later is never further left."""
    found = await run(
        page,
        "timeline/scale.js",
        """const hour = 3600e3;
        const scale = m.scaleOf({ fromMs: 0, toMs: 24 * hour, open: [[8 * hour, 16 * hour]], left: 0, right: 1000 });
        const places = Array.from({ length: 97 }, (_, quarter) => scale.x(quarter * hour / 4));
        return { share: (scale.x(16 * hour) - scale.x(8 * hour)) / 1000, ends: [places[0], places[96]],
                 rises: places.every((place, index) => index === 0 || place > places[index - 1]) };""",
    )
    assert found["share"] > 0.5
    assert (found["ends"], found["rises"]) == ([0, 1000], True)


async def test_ticks_are_round_times_of_the_zone_across_a_change_of_clocks(page: Page) -> None:
    """Midnights in Berlin, at 23:00 UTC before the night of the change and at 22:00 after it."""
    found = await run(
        page,
        "timeline/scale.js",
        """const [from, to] = [Date.parse("2026-03-27T12:00:00Z"), Date.parse("2026-03-31T12:00:00Z")];
        const scale = m.scaleOf({ fromMs: from, toMs: to, open: [], left: 0, right: 600 });
        const ticks = m.ticks(scale, "Europe/Berlin");
        return ticks.map((tick) => [new Date(tick.atMs).toISOString().slice(0, 16), tick.text]);""",
    )
    assert found == [
        ["2026-03-27T23:00", "Sat 28 Mar"],
        ["2026-03-28T23:00", "Sun 29 Mar"],
        ["2026-03-29T22:00", "Mon 30 Mar"],
        ["2026-03-30T22:00", "Tue 31 Mar"],
    ]


A_PAUSED_CASE = """{
  case: { case_id: "case-1" }, explain: { silences: [], clocks: [{ clock: "resolution", run: 1, generation: 1,
    pauses: [{ from: "2026-01-05T10:00:00Z", to: "2026-01-05T11:00:00Z" }] }] },
  clocks: [{ case_id: "case-1", generation: 1, clock: "resolution", run: 1, state: "running", verdict: "running",
    verdict_at: null, opened_at: "2026-01-05T09:00:00Z", started_at: "2026-01-05T09:00:00Z", ended_at: null,
    deadline: "2026-01-05T15:00:00Z" }],
  events: [], calendar: { name: "24x7", zone: "UTC", truncated: false, open: [] }, downgrades: [], words: [],
  notices: [
    { time: "2026-01-05T10:00:00Z", type: "sla.clock.paused", id: "n1", clock: "resolution", data: {} },
    { time: "2026-01-05T11:00:00Z", type: "sla.deadline.moved", id: "n2", clock: "resolution",
      data: { old_deadline: "2026-01-05T14:00:00Z", new_deadline: "2026-01-05T15:00:00Z" } },
    { time: "2026-01-05T11:30:00Z", type: "sla.warning", id: "n3", clock: "resolution", data: { level: 50 } },
  ] }"""


async def test_pauses_moved_deadlines_and_warnings_have_their_places(page: Page) -> None:
    """A clock that was paused for an hour: the pause lies on its bar, the old deadline an hour before the new one, and
    what is to come begins now."""
    found = await run(
        page,
        "timeline/layout.js",
        f"""const detail = {A_PAUSED_CASE};
        const drawn = m.layout(detail, [], 1000, Date.parse("2026-01-05T12:00:00Z"));
        const [lane] = drawn.clocks;
        const bars = Object.fromEntries(lane.bars.map((bar) => [bar.kind, [bar.fromX, bar.toX]]));
        const flags = Object.fromEntries(lane.flags.map((flag) => [flag.kind, flag.x]));
        return {{ bars, flags, nowX: drawn.nowX }};""",
    )
    bars, flags = found["bars"], found["flags"]
    hour = bars["paused"][1] - bars["paused"][0]
    assert bars["paused"][0] == pytest.approx(bars["done"][0] + hour)
    assert bars["done"][1] == pytest.approx(found["nowX"])
    assert bars["to_come"] == pytest.approx([found["nowX"], flags["deadline"]])
    assert flags["deadline"] - flags["old_deadline"] == pytest.approx(hour)
    assert flags["warning"] == pytest.approx(bars["done"][0] + 2.5 * hour)


async def test_marks_that_would_cover_each_other_are_stacked_and_then_counted(page: Page) -> None:
    """Eight things at one instant: five above each other, the last one says that three more are in the table."""
    found = await run(
        page,
        "timeline/layout.js",
        f"""const detail = {A_PAUSED_CASE};
        const at = Date.parse("2026-01-05T09:30:00Z");
        const told = Array.from({{ length: 8 }}, (_, number) => ({{ number, atMs: at, lane: "events" }}));
        const [events] = m.layout(detail, told, 1000, at).lanes;
        return events.marks.map((mark) => [mark.y - events.marks[0].y, mark.hidden]);""",
    )
    assert found == [[0, 0], [20, 0], [40, 0], [60, 0], [80, 3]]
