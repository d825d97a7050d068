"""`sla-monitor watch`: what the board's overview shows, on a terminal."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from sla_monitor.board.listening import Lost, overviews
from sla_monitor.board.models import Overview
from sla_monitor.cli import watched
from sla_monitor.cli.demo import Piped
from sla_monitor.config import settings as configuration
from sla_monitor.demo.performance import until_signal
from sla_monitor.engine.group import url_of
from sla_monitor.errors import BadConfiguration

app = typer.Typer()

DRAW_SECONDS = 0.25  # a countdown moves, and a terminal far away can follow


@app.command()
def watch(
    *,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Of any worker. Default: the one of SLA_WEB_HOST and SLA_WEB_PORT."),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, help="With the token, instead of SLA_WEB_TOKEN_FILE."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Each overview as one line, as the API says it; when something is new.")
    ] = False,
) -> None:
    """Watch a deployment: the nearest deadlines counting down, what is broken, paused, or waits for a person.

    Asks one worker, which answers for all. Where there is no terminal it prints a line for what is new. When the
    connection is lost it is made again, until Ctrl-C. Exit code 2: no board is at the address, or it wants a token.
    """
    settings = configuration.load()
    path, named = token_file or settings.web_token_file, "--token-file" if token_file else "SLA_WEB_TOKEN_FILE"
    token = None if path is None else configuration.read_secret(path, named)
    address = url.rstrip("/") if url else _of_this_machine(settings)
    out = Piped(markup=False, highlight=False, soft_wrap=True)
    show: Showing = AsJson() if as_json else Lines(out)
    if not as_json and out.is_terminal and not out.is_dumb_terminal:
        show = Screen(Console(markup=False, highlight=False), address)
    try:
        asyncio.run(until_signal(_watch(address, token, show)))
    finally:
        show.close()


def _of_this_machine(settings: configuration.Settings) -> str:
    if settings.web_port == 0:
        raise BadConfiguration("SLA_WEB_PORT=0 does not say where the worker listens: --url http://HOST:PORT does")
    return url_of(settings.web_host, settings.web_port)


async def _watch(url: str, token: str | None, show: Showing) -> None:
    drawing = asyncio.create_task(_draw(show))
    try:
        with suppress(BrokenPipeError):
            async with aclosing(overviews(url, token)) as said:
                async for each in said:
                    show.take(each)
    finally:
        drawing.cancel()


async def _draw(show: Showing) -> None:
    while True:
        show.draw()
        await asyncio.sleep(DRAW_SECONDS)


class Showing:
    """One way to show it."""

    def take(self, said: Overview | Lost) -> None:
        raise NotImplementedError

    def draw(self) -> None:
        """As time passes."""

    def close(self) -> None:
        """Nothing is left behind."""


class AsJson(Showing):
    """On standard output; what is lost is told on standard error."""

    def take(self, said: Overview | Lost) -> None:
        if isinstance(said, Lost):
            typer.echo(f"not connected: {said.why}", err=True)
            return
        try:
            sys.stdout.write(said.model_dump_json(by_alias=True) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is buffered has to go somewhere
            raise


class Lines(Showing):
    """Where there is no terminal: what is new, a line each."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._before: Overview | None = None

    def take(self, said: Overview | Lost) -> None:
        if isinstance(said, Lost):
            self._console.print(watched.lost(said.why))
            return
        for line in watched.news(self._before, said):
            self._console.print(line)
        self._before = said


class Screen(Showing):
    """A frame that stays where it is. Counts down by the worker's clock, whatever this machine's says."""

    def __init__(self, console: Console, url: str) -> None:
        self._console, self._url = console, url
        self._live = Live(console=console, auto_refresh=False)
        self._overview: Overview | None = None
        self._taken_at = 0.0
        self._why = ""

    def take(self, said: Overview | Lost) -> None:
        if isinstance(said, Lost):
            self._why = said.why
        else:
            self._overview, self._taken_at, self._why = said, time.monotonic(), ""
            self._live.start()
        self.draw()

    def draw(self) -> None:
        if self._overview is None:
            return
        scene = watched.Scene(
            url=self._url,
            passed_seconds=time.monotonic() - self._taken_at,
            lost=self._why,
            lines=self._console.height,
        )
        self._live.update(watched.frame(self._overview, scene), refresh=True)

    def close(self) -> None:
        self._live.stop()
