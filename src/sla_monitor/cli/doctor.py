"""`sla-monitor doctor`: what a deployment needs, what is not so, and what to do about it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sla_monitor.config import settings as configuration
from sla_monitor.engine.doctor.examination import examine, without_settings
from sla_monitor.engine.doctor.findings import LEVELS, Finding, Level, as_document, is_healthy
from sla_monitor.errors import EXIT_FINDINGS, BadConfiguration

app = typer.Typer()

WIDTH = 120  # where the output is no terminal
STYLES: dict[Level, str] = {"ok": "green", "warning": "yellow", "problem": "bold red", "cannot be checked": "magenta"}


@app.command()
def doctor(
    *,
    broker: Annotated[
        str | None, typer.Option(metavar="SERVERS", help="Bootstrap servers instead of those of SLA_BROKER.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Check everything that a deployment needs, and say what to do about each finding. Changes nothing.

    Settings come from the environment, as for `run`. Exit code 1: there are problems; warnings alone are none.
    """
    logging.getLogger("aiokafka").propagate = False  # its reasons are in the findings
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())
    if broker is not None:
        os.environ["SLA_BROKER"] = broker
    findings = asyncio.run(_examined())
    if as_json:
        typer.echo(json.dumps(as_document(findings), ensure_ascii=False))
    else:
        print_text(findings)
    if not is_healthy(findings):
        raise typer.Exit(EXIT_FINDINGS)


async def _examined() -> list[Finding]:
    try:
        settings = configuration.load()
    except BadConfiguration as wrong:
        return await without_settings(wrong.problems)
    return await examine(settings)


def print_text(findings: list[Finding]) -> None:
    """A line for each, what to do below it, then the sums. Colours only on a terminal, and none with NO_COLOR."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = WIDTH
    table = Table(box=None, pad_edge=False, show_header=False)
    for name in ("level", "check"):
        table.add_column(name, no_wrap=True)
    table.add_column("says", overflow="fold")
    for finding in findings:
        said = Text(finding.says)
        if finding.what_to_do:
            said.append(f"\n→ {finding.what_to_do}", style="bold")
        table.add_row(Text(finding.level, style=STYLES[finding.level]), finding.check, said)
    console.print(table)
    sums = [(level, sum(finding.level == level for finding in findings)) for level in LEVELS]
    console.print(Text(", ".join(f"{count} {level}" for level, count in sums if count)))
