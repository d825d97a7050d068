"""`sla-monitor verify`: what was said on Kafka against what an independent implementation says should have been."""

from __future__ import annotations

import json
import os
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from sla_monitor.cli.simulate import instant
from sla_monitor.config import settings as configuration
from sla_monitor.engine.verify.case import UNVERIFIABLE
from sla_monitor.engine.verify.deployment import Answer, Question, as_document
from sla_monitor.engine.verify.deployment import verify as verified
from sla_monitor.engine.verify.findings import KINDS, Finding
from sla_monitor.errors import EXIT_FINDINGS

app = typer.Typer()


@app.command()
def verify(
    *,
    broker: Annotated[
        str | None, typer.Option(metavar="SERVERS", help="Bootstrap servers instead of those of SLA_BROKER.")
    ] = None,
    until: Annotated[
        int | None,
        typer.Option(parser=instant, metavar="TIME", help="Notices about instants up to this one, and no others."),
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long partitions may take to reach --until.")
    ] = 30.0,
    examples: Annotated[int, typer.Option(min=0, help="Findings shown of each kind.")] = 20,
    jobs: Annotated[int | None, typer.Option(min=1, help="Partitions at a time. Default: one a processor.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Recompute every notice from the events and name what differs: missing, extra, conflicting, repeated.

    Reads committed records only, changes nothing, and may run beside workers. Settings come from the environment, as
    for `run`: the same topics and the same policy packs. Exit code 1: there are findings.
    """
    if broker is not None:
        os.environ["SLA_BROKER"] = broker
    question = Question(
        settings=configuration.load(),
        until=until,
        wait_seconds=wait,
        examples_max=examples,
        jobs=jobs or os.cpu_count() or 1,
    )
    answer = verified(question)
    if as_json:
        typer.echo(json.dumps(as_document(answer), ensure_ascii=False))
    else:
        print_text(answer)
    if not answer.is_clean:
        raise typer.Exit(EXIT_FINDINGS)


def print_text(answer: Answer) -> None:
    """Findings first, then the sums."""
    tally = answer.tally
    for finding in tally.examples:
        typer.echo(as_line(finding))
    for kind, count in sorted(tally.counts.items()):
        typer.echo(f"{kind}: {count:,} ({KINDS[kind]})")
    for why, count in sorted(tally.unverifiable.items()):
        cases = ", ".join(case for reason, case in tally.unverifiable_examples if reason == why)
        typer.echo(f"unverifiable, {why}: {count:,} ({UNVERIFIABLE[why]}): {cases}")
    typer.echo(
        f"{tally.cases:,} cases, {tally.records:,} events, {tally.notices:,} notices, {tally.dead:,} dead letters "
        f"in {answer.partitions} partitions; {answer.seconds:.1f} s"
    )
    if tally.repeats:
        typer.echo(f"sent again, the same to the byte, as SLA_JOURNAL=at_least_once may: {tally.repeats:,}")
    print_lateness(answer)
    typer.echo(f"standing, expected: {tally.expected.hexdigest()}")
    typer.echo(f"standing, found:    {tally.found.hexdigest()}")
    typer.echo("clean" if answer.is_clean else f"{tally.counts.total():,} findings")


def as_line(finding: Finding) -> str:
    """Where, about what, and the times; of two in conflict also the fields that differ. `--json` has everything."""
    line = f"{finding.kind}: {finding.case_id or f'partition {finding.partition}'}: {finding.subject}"
    other = {"expected": finding.found, "found": finding.expected}
    for name, what in (("expected", finding.expected), ("found", finding.found)):
        if what is not None:
            line += f"; {name} {_shown(what, other[name])}"
    return line


def _shown(what: Any, other: Any) -> str:
    if not isinstance(what, dict):
        return str(what)
    data = what["data"] if isinstance(other, dict) else {}
    differing = {name: value for name, value in data.items() if other["data"].get(name) != value}
    return str(what["time"]) + (f" {json.dumps(differing, ensure_ascii=False)}" if differing else "")


def print_lateness(answer: Answer) -> None:
    """By how a notice was detected and by type; nothing where no deadline has passed."""
    table = Table("lateness in seconds", "detected", "count", "p50", "p90", "p99", "max", box=None, pad_edge=False)
    for detected, kinds in answer.tally.lateness.table().items():
        for kind, row in kinds.items():
            table.add_row(kind, detected, *(f"{value:,}" for value in row.values()))
    if table.row_count:
        Console(markup=False, highlight=False, width=100).print(table)
