"""`sla-monitor policy`: what is wrong with policy packs, and what another one would change."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from sla_monitor.config.check import FINDING, Finding, check_packs
from sla_monitor.errors import EXIT_FINDINGS

app = typer.Typer(no_args_is_help=True, help="Policy packs: what is wrong with them, what another one would change.")


@app.command()
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", exists=True, help="Packs, or folders with all versions of one.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Load packs as the worker does, and say all that is wrong, can never happen, or is hardly meant so.

    Exit code 1: there are findings. Notes are shown too and leave a pack clean.
    """
    told = check_packs(files)
    if as_json:
        typer.echo(json.dumps(as_document(files, told), ensure_ascii=False))
    else:
        for each in told:
            typer.echo(str(each))
        typer.echo(summary(told))
    if any(each.level == FINDING for each in told):
        raise typer.Exit(EXIT_FINDINGS)


def summary(told: list[Finding]) -> str:
    counts = Counter(each.level for each in told)
    said = [f"{count} {level}{'' if count == 1 else 's'}" for level, count in sorted(counts.items())]
    return ", ".join(said if counts[FINDING] else ["clean", *said])


def as_document(files: list[Path], told: list[Finding]) -> dict[str, object]:
    return {
        "files": [str(file) for file in files],
        "clean": all(each.level != FINDING for each in told),
        "findings": [{**each._asdict(), "level": each.level} for each in told],
    }
