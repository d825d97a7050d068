"""`sla-monitor state …`: the state as a file, and from a file, while no worker runs."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sla_monitor.config import settings as configuration
from sla_monitor.config.packs import load_packs
from sla_monitor.engine.backup import back_up
from sla_monitor.engine.restoration import restore_new, restore_same
from sla_monitor.wire.backup_file import Backup

app = typer.Typer(no_args_is_help=True, help="The state of a deployment, to a file and back.")

File = Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines, readable by its owner alone.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object instead of a line.")]


@app.callback()
def state() -> None:
    """The state of a deployment, to a file and back."""


@app.command()
def backup(file: File, *, as_json: Json = False) -> None:
    """Write the state to a new FILE, once all workers have ended. Changes nothing on Kafka.

    Refused if state, packs and input do not fit together: a backup that is made can be restored.
    """
    settings = configuration.load()
    saved = asyncio.run(back_up(settings, load_packs(settings.policy), file))
    unread = f"; not applied yet: input in partitions {', '.join(map(str, saved.unread))}" if saved.unread else ""
    text = f"{file}: {saved.cases:,} cases of {saved.partitions} partitions{unread}"
    typer.echo(json.dumps(asdict(saved)) if as_json else text)


@app.command()
def restore(
    file: File,
    *,
    new_input: Annotated[
        bool,
        typer.Option("--new-input", help="Into a deployment whose input is another one, empty, of any partitions."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Write FILE into the empty state topic, in one transaction, while no worker runs.

    Refused, before anything is written, where a case would be lost or a notice said twice.
    """
    settings = configuration.load()
    restoring = restore_new if new_input else restore_same
    restored = asyncio.run(restoring(settings, load_packs(settings.policy), Backup(file)))
    resent = f"; {restored.resent} events that wait for their case went into the input" if restored.resent else ""
    text = f"{settings.topics.state}: {restored.cases:,} cases in {restored.partitions} partitions{resent}"
    typer.echo(json.dumps(asdict(restored)) if as_json else text)
