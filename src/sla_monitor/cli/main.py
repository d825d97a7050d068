"""`sla-monitor`: one command a file, put together here; an error's fate decides the exit code.

0: fine, 1: findings, 2: wrong usage or refused to start, 70: the worker could not go on.
"""

from __future__ import annotations

import sys
import traceback
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from typer.core import TyperGroup

from sla_monitor import __version__
from sla_monitor.cli import (
    backtest,
    calendar,
    dead,
    demo,
    doctor,
    explain,
    policy,
    quarantine,
    replay,
    report,
    rules,
    run,
    schema,
    shadow,
    simulate,
    state,
    topics,
    traffic,
    verify,
    watch,
)
from sla_monitor.cli.examples import show_examples
from sla_monitor.config.settings import describe
from sla_monitor.errors import EXIT_FATAL, EXIT_USAGE, Fatal, RefuseToStart


class ListsSettings(TyperGroup):
    """`--help` also lists the settings: most of what one may say to a worker is said in its environment."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        super().format_help(ctx, formatter)
        table = Table("Environment", "Default", "Meaning", box=None, pad_edge=False, title_justify="left")
        table.columns[0].no_wrap = True
        for row in describe():
            table.add_row(*row)
        Console(markup=False, highlight=False).print(table)


app = typer.Typer(
    name="sla-monitor",
    cls=ListsSettings,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a plain traceback: the values of variables may be secrets
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(topics.app, name="topics")
app.add_typer(calendar.app, name="calendar")
app.add_typer(dead.app, name="dead")
app.add_typer(policy.app, name="policy")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(rules.app, name="rules")
app.add_typer(shadow.app, name="shadow")
app.add_typer(state.app, name="state")
app.add_typer(backtest.app)
app.add_typer(demo.app)
app.add_typer(doctor.app)
app.add_typer(replay.app)
app.add_typer(report.app)
app.add_typer(run.app)
app.add_typer(explain.app)
app.add_typer(schema.app)
app.add_typer(simulate.app)
app.add_typer(traffic.app)
app.add_typer(verify.app)
app.add_typer(watch.app)


show_examples(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sla-monitor {__version__}")
        raise typer.Exit


@app.callback()
def sla_monitor(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Watches support cases on Kafka and tells, exactly once, which promises are at risk, kept or broken."""


def main() -> None:
    """The entry point: problems are lines on standard error, one each. A defect is a traceback, and ends with 70: 1
    means findings.
    """
    _write_what_locales_cannot()
    try:
        app()
    except RefuseToStart as refusal:
        for problem in refusal.problems:
            typer.echo(problem, err=True)
        sys.exit(EXIT_USAGE)
    except Fatal as fatal:
        typer.echo(f"sla-monitor: {fatal}", err=True)
        sys.exit(EXIT_FATAL)
    except Exception:  # noqa: BLE001 - told in full
        traceback.print_exc()
        sys.exit(EXIT_FATAL)


def _write_what_locales_cannot() -> None:
    """No command fails for a sign that the locale does not have: files and pipes get UTF-8, as JSON is; a terminal gets
    an escape in its place.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")
