"""`sla-monitor topics create`: the topics as the worker needs them."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer

from sla_monitor.config.settings import load
from sla_monitor.engine.topics import TopicReport, create_topics
from sla_monitor.errors import EXIT_FINDINGS

app = typer.Typer(help="The topics on Kafka.", no_args_is_help=True)


@app.callback()
def topics() -> None:
    """The topics on Kafka."""


@app.command()
def create(
    partitions: Annotated[
        int | None, typer.Option(min=1, help="Of each topic. May be left out when the input topic exists.")
    ] = None,
    replication_factor: Annotated[
        int | None, typer.Option(min=1, help="Of new topics; 3 if left out, or the number of brokers if fewer.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of lines.")] = False,
) -> None:
    """Creates what is missing, repairs what is ours, and says what else is wrong. Safe to repeat."""
    reports = asyncio.run(create_topics(load(), partitions, replication_factor))
    typer.echo(json.dumps([asdict(report) for report in reports], indent=2) if as_json else as_lines(reports))
    if any(report.problems for report in reports):
        raise typer.Exit(EXIT_FINDINGS)


def as_lines(reports: list[TopicReport]) -> str:
    """A line for each topic, its changes and problems indented below."""
    lines = []
    for report in reports:
        lines.append(f"{report.outcome:<8} {report.topic}")
        lines += [f"         {line}" for line in (*report.changes, *report.problems)]
    return "\n".join(lines)
