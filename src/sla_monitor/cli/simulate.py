"""`sla-monitor simulate`: what the worker would say about a file of case events."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sla_monitor.config.packs import load_packs
from sla_monitor.engine.records import DeadLetter, Outgoing
from sla_monitor.engine.simulation import Simulation
from sla_monitor.engine.verify.summary import Summary
from sla_monitor.errors import EXIT_FINDINGS
from sla_monitor.wire import rfc3339

app = typer.Typer()


def instant(text: str) -> int:
    """An option's time."""
    try:
        return rfc3339.parse(text)
    except ValueError as error:
        raise typer.BadParameter(f"{error}; such as 2026-01-31T12:00:00Z") from None


@app.command()
def simulate(
    events: Annotated[
        Path, typer.Argument(dir_okay=False, allow_dash=True, help="JSON lines; - reads standard input.")
    ],
    *,
    policy: Annotated[
        Path | None,
        typer.Option(exists=True, help="Policy pack, or a folder of its versions.", show_default="built in"),
    ] = None,
    until: Annotated[
        int | None,
        typer.Option(parser=instant, metavar="TIME", help="Where time ends, inclusive. Default: the last arrival."),
    ] = None,
    digest: Annotated[
        bool,
        typer.Option(
            "--digest", help="Instead of the notices: SHA-256 of their bytes, digest of what stands (as of `verify`)."
        ),
    ] = False,
) -> None:
    """Case events in, notices out, without a broker: the worker's own decisions, byte for byte the same each time.

    Each line is a CloudEvent in structured JSON; it arrives at its `arrivedat`, else at its `time`. No wall clock is
    read. Events that cannot be used are named on standard error, and the exit code is 1.
    """
    name = "-" if str(events) == "-" else str(events)
    buried = False

    def bury(letter: DeadLetter) -> None:
        nonlocal buried
        buried = True
        typer.echo(
            f"{name}:{letter.offset + 1}: {letter.reason}: {dict(letter.headers)['dead-detail'].decode()}", err=True
        )

    summary = Summary()

    def say(notice: Outgoing) -> None:
        line = notice.value + b"\n"
        if digest:
            summary.say(line)
        else:
            sys.stdout.buffer.write(line)

    if name != "-" and not events.exists():
        raise typer.BadParameter(f"{name} does not exist")
    packs = load_packs(policy)
    with sys.stdin.buffer if name == "-" else events.open("rb") as lines:
        Simulation(packs, say, bury).run(lines, until)
    sys.stdout.buffer.flush()
    if digest:
        typer.echo(f"transcript: {summary.transcript}\nstanding:   {summary.standing}\nnotices:    {summary.notices}")
    if buried:
        raise typer.Exit(EXIT_FINDINGS)
