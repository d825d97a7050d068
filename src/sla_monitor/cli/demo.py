"""`sla-monitor demo`: everything at once, to look at; with `--json` to be read by a program."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from sla_monitor.demo import view
from sla_monitor.demo.ledger import Ledger
from sla_monitor.demo.performance import SPEED_DEFAULT, Programme, Show, perform, until_signal
from sla_monitor.demo.stories import Story

app = typer.Typer()

CASES_A_MINUTE = 40.0
CUSTOMERS_MAX = 20_000  # x ~100 B = 2 MB; names of cases long gone are forgotten
SEED_MAX = 999_999
SPEED_MAX = 3_600  # an hour in a second: a pack speaks of whole seconds


@app.command()
def demo(
    *,
    duration: Annotated[
        float | None,
        typer.Option(min=1, metavar="SECONDS", help="From the first customer on. Default: until it is ended."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=SEED_MAX, help="The same seed tells the same stories.")] = 1,
    speed: Annotated[
        float, typer.Option(min=1, max=SPEED_MAX, help="Seconds of the plan in a second; opening hours stay real.")
    ] = SPEED_DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="Every notice as one line, as it is in Kafka.")] = False,
    broker: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="A broker that is there, instead of one of its own.")
    ] = None,
) -> None:
    """See it at work: a broker, a worker, and simulated customers with a plan that runs fast.

    Ends with Ctrl-C, and leaves nothing behind but, with --broker, the topics.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what matters ends the demo, with words of its own
    programme = Programme(
        seed=seed, speed=speed, cases_a_minute=CASES_A_MINUTE, duration_seconds=duration, broker=broker
    )
    show: Watching = Json(speed) if as_json else Lines(speed)
    if not as_json and show.console.is_terminal and not show.console.is_dumb_terminal:
        show = Screen(speed)
    try:
        asyncio.run(until_signal(perform(programme, show), stuck=_write_nowhere))
    finally:
        show.close()


class Watching(Show):
    """What every way of showing knows: the ledger and the scene."""

    def __init__(self, speed: float, console: Console) -> None:
        self.ledger = Ledger()
        self.console = console
        self.aside = Console(stderr=True, markup=False, highlight=False, soft_wrap=not sys.stderr.isatty())
        self.customers: dict[str, str] = {}
        self.scene = view.Scene(customers=self.customers, metrics="", speed=speed)

    def progress(self, text: str) -> None:
        self.aside.print(text, style="dim")

    def playing(self, metrics: str) -> None:
        self.scene = view.Scene(customers=self.customers, metrics=metrics, speed=self.scene.speed)
        self.progress(f"{view.pace(self.scene.speed)}\n{view.addresses(metrics)}")

    def begins(self, story: Story) -> None:
        self.customers[story.case_id] = story.customer
        if len(self.customers) > CUSTOMERS_MAX:
            del self.customers[next(iter(self.customers))]

    def notice(self, line: bytes) -> None:
        self.ledger.take(json.loads(line))

    def dead_letter(self) -> None:
        self.ledger.dead_letter()

    def draw(self, now: int, left: int | None) -> None:
        """Nothing to draw on."""

    def close(self) -> None:
        """The last word."""
        if self.scene.metrics:
            self.aside.print(view.summary(self.ledger))


class Json(Watching):
    """Notices on standard output, everything else on standard error."""

    def __init__(self, speed: float) -> None:
        super().__init__(speed, Console(markup=False, highlight=False))

    def notice(self, line: bytes) -> None:
        super().notice(line)
        try:
            sys.stdout.buffer.write(line + b"\n")
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            _write_nowhere()
            raise


def _write_nowhere() -> None:
    """What is buffered for who does not read any more still has to go somewhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


class Piped(Console):
    """Its reader may have enough. Rich itself would then end the process with 1, which means findings."""

    def on_broken_pipe(self) -> None:
        _write_nowhere()
        raise BrokenPipeError


class Lines(Watching):
    """Where there is no terminal: a line for each notice."""

    def __init__(self, speed: float) -> None:
        super().__init__(speed, Piped(markup=False, highlight=False, soft_wrap=True))

    def notice(self, line: bytes) -> None:
        notice = json.loads(line)
        if self.ledger.take(notice):
            self.console.print(view.line(notice, self.scene))


class Screen(Watching):
    """A frame that stays where it is."""

    def __init__(self, speed: float) -> None:
        super().__init__(speed, Console(markup=False, highlight=False))
        self._live = Live(console=self.console, auto_refresh=False)

    def playing(self, metrics: str) -> None:
        super().playing(metrics)
        self._live.start()

    def draw(self, now: int, left: int | None) -> None:
        scene = view.Scene(
            customers=self.customers,
            metrics=self.scene.metrics,
            speed=self.scene.speed,
            left=left,
            lines=self.console.height,
        )
        self._live.update(view.frame(self.ledger, scene, now), refresh=True)

    def close(self) -> None:
        self._live.stop()
        super().close()
