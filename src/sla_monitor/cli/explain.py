"""`sla-monitor explain`: why each deadline of a case is where it is."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Annotated

import typer

from sla_monitor.cli.explanation import show
from sla_monitor.cli.simulate import instant
from sla_monitor.config import settings as configuration
from sla_monitor.config.packs import load_packs
from sla_monitor.core.explain.trace import explain as traced
from sla_monitor.core.times import iso
from sla_monitor.engine.hearing import Heard, from_kafka, from_lines
from sla_monitor.errors import EXIT_FINDINGS

app = typer.Typer()


@app.command()
def explain(
    case: Annotated[str, typer.Argument(metavar="CASE", help="Id of the case.")],
    *,
    events: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, help="JSON lines, as `simulate` takes them."),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(exists=True, help="With --events: policy pack, or a folder of its versions. Else SLA_POLICY."),
    ] = None,
    broker: Annotated[
        str | None, typer.Option(metavar="SERVERS", help="Bootstrap servers instead of those of SLA_BROKER.")
    ] = None,
    partition: Annotated[
        int | None, typer.Option(min=0, help="Where the case is, if not in the partition of its key.")
    ] = None,
    at: Annotated[
        int | None,
        typer.Option(
            parser=instant,
            metavar="TIME",
            help="As of then; what arrives later is not read. Default: the last arrival, or how far the worker is.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The trace as one JSON object instead of text.")] = False,
) -> None:
    """Why each deadline is where it is: rules, hours, every open period with the running sum, what moved it.

    From a file with --events, else from Kafka: committed events of the case's partition, as far as its worker has
    decided, with the settings of the environment as for `run`. Changes nothing. Exit code 1: there is nothing to
    explain, because the case is unknown, erased or in quarantine.
    """
    if events is not None and (broker is not None or partition is not None):
        raise typer.BadParameter("--events reads a file, --broker and --partition are about Kafka")
    if events is None:
        if policy is not None:
            raise typer.BadParameter("--policy goes with --events; a broker's cases are explained by SLA_POLICY")
        if broker is not None:
            os.environ["SLA_BROKER"] = broker
        settings = configuration.load()
        packs = load_packs(settings.policy)
        heard = asyncio.run(from_kafka(settings, case, packs, at, partition))
    else:
        packs = load_packs(policy)
        with events.open("rb") as lines:
            heard = from_lines(lines, case, packs, at, str(events))
    for place, reason in heard.set_aside:
        typer.echo(f"{heard.where}:{place}: set aside: {reason}", err=True)
    if (why := _nothing(heard)) or heard.case is None:
        typer.echo(f"{case}: {why}", err=True)
        raise typer.Exit(EXIT_FINDINGS)
    trace = traced(heard.case, heard.packs, heard.as_of)
    if as_json:
        typer.echo(json.dumps(trace, indent=2, ensure_ascii=False))
    else:
        show(trace)


def _nothing(heard: Heard) -> str:
    """Why there is nothing to explain; empty if there is."""
    if heard.failure is not None:
        return f"in quarantine: deciding about it failed with {heard.failure}; no clock of it runs, none has a deadline"
    if heard.case is not None:
        return ""
    if heard.erased_at is not None:
        return f"erased at {iso(heard.erased_at)}; nothing of it is kept"
    return f"unknown: no event of this case that can be used is in {heard.where}"
