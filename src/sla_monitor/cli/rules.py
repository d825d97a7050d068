"""`sla-monitor rules`: Prometheus rules that follow from a policy pack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sla_monitor.config.packs import load_packs
from sla_monitor.observe.rules import RUNBOOKS, files

app = typer.Typer(no_args_is_help=True, help="Prometheus rules that follow from a policy pack.")


@app.callback()
def rules() -> None:
    """Keeps `generate` a command of its own, with one command or more."""


@app.command()
def generate(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="FOLDER", exists=True, file_okay=False, help="Write the files here. Default: print."),
    ] = None,
    *,
    policy: Annotated[
        Path | None, typer.Option(exists=True, help="Policy pack, or a folder of all its versions: the newest counts.")
    ] = None,
    runbooks: Annotated[str, typer.Option(metavar="URL", help="What links to runbooks begin with.")] = RUNBOOKS,
) -> None:
    """Recording rules, and alerts on promises: overdue and at risk, and burn rates of what the pack wants kept."""
    for name, text in files(load_packs(policy).versions[-1], runbooks.rstrip("/")).items():
        if folder is None:
            typer.echo(text, nl=False)
        else:
            (folder / name).write_text(text, "utf-8")
            typer.echo(str(folder / name))
