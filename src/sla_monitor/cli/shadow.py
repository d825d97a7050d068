"""`sla-monitor shadow …`: another version or pack beside the live one, and what it would have said."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Annotated, Any

import typer

from sla_monitor.cli.simulate import instant
from sla_monitor.cli.verify import as_line
from sla_monitor.config import settings as configuration
from sla_monitor.engine.verify.findings import BEHIND, CONFLICTING, EXTRA, MISSING
from sla_monitor.engine.verify.shadow import Comparison, compare_shadow
from sla_monitor.errors import EXIT_FINDINGS, BadConfiguration

app = typer.Typer(no_args_is_help=True, help="Another version or pack beside the live one.")

KINDS = {
    MISSING: "the live one says it, the shadow does not",
    EXTRA: "the shadow says it, the live one does not",
    CONFLICTING: "both say it, with another time or other data; expected: live, found: shadow",
    BEHIND: "one has not reached the instant that was asked for",
}


@app.callback()
def shadow() -> None:
    """Another version or pack beside the live one."""


@app.command()
def compare(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the shadow, as in `run --shadow NAME`.")],
    *,
    until: Annotated[
        int | None,
        typer.Option(parser=instant, metavar="TIME", help="Notices about instants up to this one. Default: now."),
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long partitions may take to get there.")
    ] = 30.0,
    examples: Annotated[int, typer.Option(min=0, help="Differences shown of each kind.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Hold the standing notices of a shadow against those of the live deployment. Exit code 1: they differ.

    Reads committed records only and changes nothing. The name and version of packs are not compared.
    """
    live = configuration.load()
    if live.shadow:
        raise BadConfiguration("SLA_SHADOW: unset it; the shadow's name is an argument here")
    ours = configuration.load(shadow=name)
    compared = asyncio.run(compare_shadow(live, ours, until or time.time_ns() // 1_000, wait, examples))
    typer.echo(json.dumps(as_document(compared), ensure_ascii=False) if as_json else as_text(compared))
    if not compared.is_same:
        raise typer.Exit(EXIT_FINDINGS)


def as_text(compared: Comparison) -> str:
    """Differences first, then the sums."""
    tally = compared.tally
    lines = [as_line(finding) for finding in tally.examples]
    lines += [f"{kind}: {count:,} ({KINDS[kind]})" for kind, count in sorted(tally.counts.items())]
    sums = f"{tally.cases:,} cases in {compared.partitions} partitions"
    return "\n".join([*lines, f"{sums}: {'the same' if compared.is_same else f'{tally.counts.total():,} differences'}"])


def as_document(compared: Comparison) -> dict[str, Any]:
    """For programs."""
    tally = compared.tally
    return {
        "same": compared.is_same,
        "partitions": compared.partitions,
        "cases": tally.cases,
        "differences": dict(sorted(tally.counts.items())),
        "examples": [finding.as_document() for finding in tally.examples],
    }
