"""`sla-monitor watch`: the board's overview on a terminal, over its API."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Coroutine
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from sla_monitor.board import feed, listening
from sla_monitor.board.listening import Lost, overviews
from sla_monitor.board.models import Overview
from sla_monitor.cli import watch, watched
from sla_monitor.cli.main import app
from sla_monitor.errors import RefuseToStart
from tests.board.test_answers import wait_for_the_customer
from tests.board.worker import Worker, served
from tests.engine.feeding import clock

ENOUGH_SECONDS = 20.0
GONE = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for but what happens."""
    monkeypatch.setattr(feed, "LOOK_EVERY_SECONDS", 0.01)
    monkeypatch.setattr(listening, "AGAIN_AFTER_SECONDS", (0.01,))


async def overview_of(worker: Worker) -> Overview:
    async with served(worker) as client:
        return Overview.model_validate(await client.get("/overview"))


def shown(overview: Overview, *, passed: float = 0, lost: str = "", lines: int = 24, width: int = 110) -> str:
    console = Console(file=io.StringIO(), width=width, height=lines, markup=False, highlight=False)
    scene = watched.Scene(url="http://127.0.0.1:6066", passed_seconds=passed, lost=lost, lines=lines)
    console.print(watched.frame(overview, scene))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def a_worker() -> Worker:
    """A clock under way, one that is broken, and a person who is waited for."""
    worker = Worker(wall=clock(2, 30))
    fed = worker.of("case-1")
    wait_for_the_customer(fed)
    fed.open("case-late", clock(1, 20), customer="Contoso")
    fed.wait(clock(2, 25))
    fed.open("case-new", clock(2, 29), customer="Fabrikam", plan="professional_direct")
    return worker


def row(text: str, start: str) -> list[str]:
    return next(line for line in text.splitlines() if line.startswith(start)).split()


async def test_a_frame_counts_down_by_the_workers_clock() -> None:
    """What is broken first, then the nearest; whatever the clock of this machine says."""
    overview = await overview_of(a_worker())
    text = shown(overview, passed=60)
    assert row(text, "case-late")[-5:] == ["11", "min", "0", "s", "over"]
    new = ["case-new", "Fabrikam", "A", "professional", "direct", "initial", "response", "58", "min", "0", "s"]
    assert row(text, "case-new") == new
    assert text.index("case-late") < text.index("case-new")
    assert "1 breached" in text.splitlines()[0]


async def test_what_waits_for_a_person_is_shown() -> None:
    text = shown(await overview_of(a_worker()))
    assert row(text[text.index("Downgrades that wait") :], "case-1")[:4] == ["case-1", "Contoso", "A", "→"]


@pytest.mark.parametrize(("lines", "width"), [(24, 80), (50, 160), (12, 40)])
async def test_a_frame_fits_the_terminal(lines: int, width: int) -> None:
    """With more cases than lines; a very small one gets the least."""
    worker = a_worker()
    for number in range(60):
        worker.of("case-1").open(f"case-{number}", clock(2, 29), customer="A name that is longer than a column is wide")
    text = shown(await overview_of(worker), lines=lines, width=width)
    assert len(text.splitlines()) < max(lines, 20)
    assert max(map(len, text.splitlines())) <= width


async def test_a_lost_connection_and_missing_partitions_are_said() -> None:
    """What is shown then is old, or not all; both are said."""
    worker = Worker(count=3, numbers=[0])
    overview = await overview_of(worker)
    assert "NOT CONNECTED: gone; this was so 5.0 s ago" in shown(overview, lost="gone", passed=5)
    assert "incomplete: partition 1, 2 unowned" in shown(overview)


async def test_no_terminal_obeys_what_producers_write() -> None:
    """Control characters in labels are spelt out."""
    worker = Worker()
    worker.of("case-1").open("case-1", customer="\x1b[2J\x07bell")
    overview = await overview_of(worker)
    assert "\x1b" not in shown(overview)
    assert r"\u001b[2J\u0007bell" in shown(overview)


async def test_lines_say_what_is_new_once() -> None:
    """First how it stands; then each breach, each downgrade and each partition that is missing, when it comes."""
    worker = a_worker()
    first = await overview_of(worker)
    worker.of("case-1").wait(clock(3, 30))
    worker.wall = clock(3, 30)
    worker.elsewhere = {}
    second = await overview_of(worker)
    said = list(watched.news(None, first))
    assert [line.split("  ", 1)[1].split(":")[0] for line in said] == [
        "3 cases open, 1 clocks running, 0 at risk, 1 breached, 0 paused, 1 downgrades waiting",
        "case-late  Contoso",
        "case-1",
    ]
    assert list(watched.news(first, first)) == []
    [news] = watched.news(first, second)
    assert news.endswith("case-new  Fabrikam: initial response BREACHED, due 2026-01-05T12:29:00Z")


async def test_a_connection_that_is_lost_is_made_again() -> None:
    """The worker ends and another one is there: the watching goes on, and says what was between."""
    first, second = Worker(), Worker()
    second.of("case-1").open("case-1")
    async with served(first) as client:
        port = int(client.url.rpartition(":")[2])
        said = overviews(client.url, None)
        heard: list[Overview | Lost] = [await anext(said)]
    async with asyncio.timeout(ENOUGH_SECONDS), aclosing(said):
        heard.append(await anext(said))
        async with served(second, port):
            while not isinstance(heard[-1], Overview) or heard[-1].counts.open == 0:
                heard.append(await anext(said))
    assert isinstance(heard[1], Lost)
    assert isinstance(heard[-1], Overview)


async def test_a_token_is_asked_for_and_sent() -> None:
    """Without the right one it ends, and says which option gives it."""
    async with served(Worker(token="a-token")) as client:
        async with aclosing(overviews(client.url, "a-token")) as said:
            assert isinstance(await anext(said), Overview)
        for wrong in (None, "another"):
            with pytest.raises(RefuseToStart, match="--token-file"):
                await anext(overviews(client.url, wrong))


async def test_json_is_the_overview_as_the_api_says_it(capsys: pytest.CaptureFixture[str]) -> None:
    """One line each."""
    overview = await overview_of(a_worker())
    show = watch.AsJson()
    show.take(overview)
    show.take(Lost(why="gone"))
    out, err = capsys.readouterr()
    assert Overview.model_validate(json.loads(out)) == overview
    assert json.loads(out)["downgrades"][0]["from"] == "A"
    assert err == "not connected: gone\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--url", GONE], "nobody answers"),
        (["--token-file", "/nowhere/token"], "--token-file: /nowhere/token cannot be read"),
        ([], "SLA_WEB_PORT=0"),
    ],
)
def test_what_cannot_be_watched_is_said_in_a_line(
    arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before anything is drawn; exit code 2."""

    async def at_once(work: Coroutine[Any, Any, None]) -> None:
        await work

    monkeypatch.setattr(watch, "until_signal", at_once)  # signals stay those of the tests
    monkeypatch.setenv("SLA_WEB_PORT", "0")
    monkeypatch.chdir(tmp_path)
    outcome = CliRunner().invoke(app, ["watch", *arguments])
    assert isinstance(outcome.exception, RefuseToStart)
    assert words in str(outcome.exception)
    assert outcome.output == ""
