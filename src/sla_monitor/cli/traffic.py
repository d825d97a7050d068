"""`sla-monitor traffic`: the demo's customers alone, for a deployment that is there."""

from __future__ import annotations

import asyncio
import secrets
from typing import Annotated

import typer

from sla_monitor.cli.demo import SEED_MAX, SPEED_MAX
from sla_monitor.config import settings as configuration
from sla_monitor.config.settings import Settings
from sla_monitor.demo.performance import play, tag, until_signal, wall
from sla_monitor.demo.stories import Run, Story
from sla_monitor.engine.playing import partitions_now, records_so_far
from sla_monitor.errors import UnsafeState

app = typer.Typer()

CASES_A_MINUTE_MAX = 3_000  # about 250 records a second, each acknowledged before the next


@app.command()
def traffic(
    *,
    seed: Annotated[
        int | None, typer.Option(min=0, max=SEED_MAX, help="The same seed tells the same stories. Default: any.")
    ] = None,
    speed: Annotated[
        float, typer.Option(min=1, max=SPEED_MAX, help="Seconds of the plan in a second; 60: an hour in a minute.")
    ] = 60.0,
    rate: Annotated[float, typer.Option(min=0.01, max=CASES_A_MINUTE_MAX, help="New cases a minute.")] = 20.0,
    duration: Annotated[
        float | None, typer.Option(min=1, metavar="SECONDS", help="Default: until it is ended.")
    ] = None,
) -> None:
    """Simulated customers for a deployment that is there, to try out dashboards and alerts. Not for production topics.

    Produces case events to SLA_BROKER. Each case carries its own short target, so that any pack will do whose
    severities and plans are those of the built-in one; silences are the pack's, and last as long as it says.
    """
    settings = configuration.load()
    chosen = secrets.randbelow(SEED_MAX) if seed is None else seed
    typer.echo(f"seed {chosen}, {rate:g} cases a minute to {settings.topics.events} on {settings.broker}", err=True)
    asyncio.run(until_signal(_traffic(settings, chosen, speed, rate, duration)))


async def _traffic(settings: Settings, seed: int, speed: float, rate: float, duration: float | None) -> None:
    partitions = await partitions_now(settings)
    if not partitions:
        raise UnsafeState(f"{settings.topics.events}: does not exist; `sla-monitor topics create` makes it")
    run = Run(
        seed=seed,
        started_at=wall(),
        speed=speed,
        cases_a_minute=rate,
        tag=tag(await records_so_far(settings, partitions)),
        own_targets=True,
    )
    cases = 0

    def count(_story: Story) -> None:
        nonlocal cases
        cases += 1

    playing = asyncio.create_task(play(settings, run, count))
    try:
        done, _ = await asyncio.wait({playing}, timeout=duration)
        for ended in done:  # by an error: the customers themselves never end
            ended.result()
    finally:
        playing.cancel()
        await asyncio.wait({playing})
        typer.echo(f"{cases} cases were opened", err=True)
