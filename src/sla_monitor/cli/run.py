"""`sla-monitor run`: the worker."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from aiohttp import web

from sla_monitor.board.api import add_board
from sla_monitor.cli.explanation import lines
from sla_monitor.config import settings as configuration
from sla_monitor.engine import app as engine
from sla_monitor.engine import crash
from sla_monitor.engine.holdings import Deployment
from sla_monitor.engine.preflight import checked_packs
from sla_monitor.observe import logs

app = typer.Typer()


@app.command()
def run(
    *,
    accept_input_loss: Annotated[
        bool,
        typer.Option(help="Go on although the input and the state do not fit together: what is lost stays lost."),
    ] = False,
    shadow: Annotated[
        str | None, typer.Option(metavar="NAME", help="As a shadow beside the live workers, instead of SLA_SHADOW.")
    ] = None,
) -> None:
    """Work: case events in, SLA notices out, until SIGTERM. Settings come from the environment, see `--help`."""
    crash.arm(os.environ)
    settings = configuration.load(**({} if shadow is None else {"shadow": shadow}))
    logs.configure(settings.log_format, settings.log_level)
    engine.run(settings, checked_packs(settings), accept_input_loss=accept_input_loss, pages=_board)


def _board(page: web.Application, deployment: Deployment) -> None:
    """Where the board meets the worker; the one knows nothing of the other."""
    add_board(page, deployment, lines)
