"""`sla-monitor dead …`: what to do after dead letters."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from sla_monitor.config import settings as configuration
from sla_monitor.config.packs import load_packs
from sla_monitor.engine.layout import verified_layout
from sla_monitor.engine.release import release
from sla_monitor.errors import RefuseToStart

app = typer.Typer(no_args_is_help=True, help="What to do after dead letters.")


@app.callback()
def dead() -> None:
    """What to do after dead letters."""


@app.command()
def resume(partition: Annotated[int, typer.Argument(min=0, help="The partition that the breaker stopped.")]) -> None:
    """Let a partition go on that a flood of dead letters has stopped, with an empty window."""
    settings = configuration.load()
    asyncio.run(_resume(settings, partition))
    typer.echo(f"partition {partition} goes on")


async def _resume(settings: configuration.Settings, partition: int) -> None:
    layout = await verified_layout(settings)
    if partition >= layout.partitions:
        raise RefuseToStart(f"there are {layout.partitions} partitions, from 0")
    await release(settings, load_packs(settings.policy), partition)
