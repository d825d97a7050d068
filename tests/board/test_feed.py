"""Server-sent events: what is new comes by itself, and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from sla_monitor.board import feed, others
from sla_monitor.board.others import Others
from sla_monitor.board.own import Own
from sla_monitor.board.together import Together
from sla_monitor.observe.health import serve
from tests.board.test_together import a_pair, both
from tests.board.worker import Worker, served
from tests.engine.feeding import clock

ENOUGH_SECONDS = 20.0


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks follow each other at once: a test waits for what happens, not for a second to pass."""
    monkeypatch.setattr(feed, "LOOK_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(feed, "SHARE_OF_TIME", 1.0)  # nor for nine times as long as a busy machine took for one


class Stream:
    """One that listens."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.type = response.headers["Content-Type"]

    async def next(self, *names: str) -> tuple[str, Any]:
        """The next event of these names, or (comment, text)."""
        async with asyncio.timeout(ENOUGH_SECONDS):
            while True:
                name, data = await self._event()
                if not names or name in names:
                    return name, data

    async def _event(self) -> tuple[str, Any]:
        lines = []
        while (line := (await self._response.content.readline()).decode()) not in {"\n", ""}:
            lines.append(line.rstrip("\n"))
        if not lines:
            return "end", None
        if lines[0].startswith(":"):
            return "comment", lines[0]
        return lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))


@asynccontextmanager
async def listening(url: str, headers: Mapping[str, str] | None = None, question: str = "") -> AsyncIterator[Stream]:
    async with (
        aiohttp.ClientSession(read_bufsize=1 << 20) as session,
        session.get(f"{url}/api/v1/stream{question}", headers=headers) as response,
    ):
        assert response.status == 200
        yield Stream(response)


async def test_the_overview_comes_first_and_again_when_it_says_something_new() -> None:
    """A breach appears without being asked for."""
    worker = Worker()
    fed = worker.of("case-1")
    fed.open("case-1")
    async with served(worker) as client, listening(client.url) as stream:
        _, first = await stream.next("overview")
        fed.wait(clock(1))
        _, second = await stream.next("overview")
    assert stream.type == "text/event-stream; charset=utf-8"
    assert [len(each["breached"]) for each in (first, second)] == [0, 1]
    assert second["counts"]["breached"] == 1


async def test_time_that_passes_is_nothing_new() -> None:
    """The page counts down by itself."""
    worker = Worker()
    worker.of("case-1").open("case-1")
    own = Own(worker)
    told = feed.Feed(own, Together(worker, own, Others(None)))
    listener = feed.Listener(None)
    told._listeners.add(listener)
    told._tell(await own.overview())
    assert listener.take().startswith(b"event: overview\n")
    worker.wall = clock(0, 30)
    told._tell(later := await own.overview())
    assert (later.nearest[0].remaining_seconds, listener.take()) == (1800, b"")
    own.close()


async def test_who_comes_later_hears_an_overview_of_now_though_nothing_is_new() -> None:
    """Countdowns are made with its `now` and with what was left then: one of ten minutes ago would promise as much."""
    worker = Worker()
    worker.of("case-1").open("case-1")
    async with served(worker) as client, listening(client.url) as stream:
        _, first = await stream.next("overview")
        worker.wall = clock(0, 10)
        async with listening(client.url) as later:
            _, second = await later.next("overview")
    said = [(each["now"], each["nearest"][0]["remaining_seconds"]) for each in (first, second)]
    assert said == [("2026-01-05T09:00:00Z", 3600), ("2026-01-05T09:10:00Z", 3000)]


async def test_cases_that_change_are_told_by_their_ids() -> None:
    """All of them, or the one that is asked for."""
    worker = Worker()
    worker.of("case-1").open("case-1")
    async with (
        served(worker) as client,
        listening(client.url) as every,
        listening(client.url, question="?case=case-2") as one,
    ):
        await every.next("overview")
        worker.of("case-1").tell("case-1", "case.responded", clock(0, 1))
        _, first = await every.next("case")
        worker.of("case-2").open("case-2")
        _, second = await every.next("case")
        _, alone = await one.next("case")
    assert (first["case_id"], second["case_id"], alone["case_id"]) == ("case-1", "case-2", "case-2")


async def test_what_another_worker_has_is_told_too() -> None:
    """Whoever is listened to tells of all."""
    first, second = a_pair(4, None)
    there = next(key.decode() for fed in second.fed.values() for key in fed.partition.rows)
    async with both(first, second) as (one, _), listening(one.url, question=f"?case={there}") as stream:
        await stream.next("comment")
        async with listening(one.url) as other:
            await other.next("overview")
        second.of(there).tell(there, "case.responded", clock(1))
        _, told = await stream.next("case")
    assert told == {"case_id": there}


async def test_a_quiet_connection_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """By comments, which say nothing."""
    monkeypatch.setattr(feed, "HEARTBEAT_SECONDS", 0.01)
    async with served(Worker()) as client, listening(client.url, question="?case=nobody") as stream:
        said = [await stream.next(), await stream.next(), await stream.next()]
    assert {name for name, _ in said} == {"comment"}


async def test_a_look_that_fails_is_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever listens hears of what comes after it."""
    worker = Worker()
    failures = iter([True, True])
    overview = Own.overview

    async def fail_twice(self: Own) -> Any:
        if next(failures, False):
            raise RuntimeError("a defect")
        return await overview(self)

    monkeypatch.setattr(Own, "overview", fail_twice)
    async with served(worker) as client, listening(client.url) as stream:
        name, told = await stream.next("overview")
    assert (name, told["complete"]) == ("overview", True)


async def test_waiting_for_a_worker_that_hangs_does_not_make_looks_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only work is followed by a pause of many times as long: else a frozen worker would silence the board of another
    one for a minute, while breaches go on.
    """
    monkeypatch.setattr(feed, "SHARE_OF_TIME", 0.01)
    monkeypatch.setattr(others, "QUESTION_SECONDS_MAX", 0.2)

    thawed = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        await thawed.wait()
        return web.Response()

    first, second = a_pair(4, None)
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", hang)
    stop = await serve("127.0.0.1", 0, app)
    async with served(first) as client:
        first.elsewhere = dict.fromkeys(second.fed, f"http://127.0.0.1:{stop.port}")
        async with listening(client.url) as stream:
            _, told = await stream.next("overview")
            for fed in first.fed.values():
                fed.wait(clock(2))
            _, later = await stream.next("overview")
    thawed.set()
    await stop()
    assert (told["counts"]["breached"], later["counts"]["breached"] > 0) == (0, True)


async def test_a_worker_that_ends_lets_go_of_who_listens() -> None:
    """The stream ends, and the server does not wait for it."""
    async with served(Worker()) as client:
        session = aiohttp.ClientSession()
        response = await session.get(f"{client.url}/api/v1/stream")
        stream = Stream(response)
        await stream.next("overview")
    assert (await stream.next("end"))[0] == "end"
    await session.close()


async def test_there_is_room_for_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """503 and when to come again; who leaves makes room."""
    monkeypatch.setattr(feed, "LISTENERS_MAX", 1)
    async with served(Worker()) as client, listening(client.url) as stream:
        await stream.next("overview")
        status, _, headers = await client.ask("/api/v1/stream")
        assert (status, int(headers["Retry-After"]) > 0) == (503, True)


async def test_who_never_reads_gives_up_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that takes nothing is ended, and another one has its place."""
    monkeypatch.setattr(feed, "LISTENERS_MAX", 1)

    async def full(*_: object) -> None:
        await asyncio.Event().wait()

    async with served(Worker()) as client:
        with monkeypatch.context() as while_full:
            while_full.setattr(web.StreamResponse, "write", full)
            while_full.setattr(feed, "UNREAD_SECONDS_MAX", 0.01)
            async with aiohttp.ClientSession() as session, session.get(f"{client.url}/api/v1/stream") as response:
                with pytest.raises(aiohttp.ClientError):
                    await response.read()
        async with listening(client.url) as stream:
            assert (await stream.next("overview"))[1]["complete"] is True


async def test_a_stream_takes_the_token() -> None:
    async with served(Worker(token="a-token")) as client:
        status, _, _ = await client.ask("/api/v1/stream", headers={})
        async with listening(client.url, {"Authorization": "Bearer a-token"}) as stream:
            assert (await stream.next("overview"))[1]["complete"] is True
    assert status == 401


async def test_a_tab_that_is_closed_is_no_error(capfd: pytest.CaptureFixture[str]) -> None:
    """What is written to whoever has gone says nothing in the worker's log."""
    worker = Worker()
    async with served(worker) as client, listening(client.url) as other:
        async with listening(client.url) as stream:
            await stream.next("overview")
        for number in range(5):
            worker.of("case").open(f"case-{number}", clock(1))
            await other.next("overview")
    assert "ConnectionReset" not in "".join(capfd.readouterr())
