"""`sla-monitor quarantine …`: cases that a defect has set aside."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from sla_monitor.config import settings as configuration
from sla_monitor.config.packs import load_packs
from sla_monitor.core.times import iso
from sla_monitor.engine.release import Quarantined, TakenUp, quarantined, take_up
from sla_monitor.errors import EXIT_FINDINGS

app = typer.Typer(no_args_is_help=True, help="Cases that a defect has set aside.")


@app.callback()
def quarantine() -> None:
    """Cases that a defect has set aside."""


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False) -> None:
    """Every case in quarantine, its partition and what it failed with."""
    settings = configuration.load()
    cases = asyncio.run(quarantined(settings, load_packs(settings.policy)))
    if as_json:
        typer.echo(json.dumps([_document(each) for each in cases], indent=2))
        return
    table = Table("case", "partition", "error", "deciding about", box=None, pad_edge=False)
    for each in cases:
        table.add_row(each.case_id, str(each.partition), each.error or "-", iso(each.at) if each.at else "-")
    Console(markup=False, highlight=False).print(table)


@app.command()
def release(
    cases: Annotated[list[str], typer.Argument(metavar="CASE...", help="Ids of cases.")],
    *,
    partition: Annotated[
        int | None, typer.Option(min=0, help="Where they are, if not in the partitions of their keys.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False,
) -> None:
    """Decide cases anew from what was kept of them, with this version of the code. 1: one failed again and stays.

    Takes each partition from its worker for a moment, as every start of a worker does. So name all cases at once: a
    worker that loses a partition twice within its session ends. The packs and settings of this shell must be those of
    the workers.
    """
    settings = configuration.load()
    results = asyncio.run(take_up(settings, load_packs(settings.policy), cases, partition))
    typer.echo(json.dumps([asdict(each) for each in results]) if as_json else "\n".join(map(_as_text, results)))
    if any(each.failed_again for each in results):
        raise typer.Exit(EXIT_FINDINGS)


def _document(case: Quarantined) -> dict[str, object]:
    return asdict(case) | {"at": iso(case.at) if case.at else None}


def _as_text(result: TakenUp) -> str:
    if result.failed_again:
        return f"{result.case_id} failed again ({result.failed_again}) and stays in quarantine"
    return (
        f"{result.case_id} goes on; notices that were due: {result.notices}\n"
        f"its events since then are dead letters: sla-monitor dead replay --case {result.case_id}"
    )
