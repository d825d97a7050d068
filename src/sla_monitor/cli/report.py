"""`sla-monitor report`: what was attained in a month, from the notices that stand."""

from __future__ import annotations

import csv
import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from sla_monitor.cli.policy import as_text
from sla_monitor.cli.simulate import instant
from sla_monitor.config import settings as configuration
from sla_monitor.config.packs import load_packs
from sla_monitor.core.times import iso, seconds
from sla_monitor.engine.report import Report, report_of_lines, report_of_topic
from sla_monitor.errors import EXIT_FINDINGS

app = typer.Typer()

Row = dict[str, Any]


class Part(StrEnum):
    ATTAINMENT = "attainment"
    WORST = "worst"
    PAUSES = "pauses"
    DOWNGRADES = "downgrades"


COLUMNS = {
    Part.ATTAINMENT: ("clock", "plan", "severity", "met", "late", "breached", "cancelled", "unpromised", "percent"),
    Part.WORST: (
        *("case_id", "generation", "clock", "plan", "severity"),
        *("verdict", "deadline", "target_seconds", "late_seconds"),
    ),
    Part.PAUSES: (
        *("case_id", "generation", "clock", "plan", "severity"),
        *("state", "target_seconds", "counted_seconds", "paused_seconds"),
    ),
    Part.DOWNGRADES: ("step", "plan", "rule", "from", "to", "count"),
}


@app.command()
def report(
    *,
    begin: Annotated[int, typer.Option("--from", parser=instant, metavar="TIME", help="Where the period begins.")],
    end: Annotated[int, typer.Option("--to", parser=instant, metavar="TIME", help="Where it ends, itself excluded.")],
    notices: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, help="Notices as JSON lines instead of from Kafka."),
    ] = None,
    broker: Annotated[
        str | None, typer.Option(metavar="SERVERS", help="Bootstrap servers instead of those of SLA_BROKER.")
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(exists=True, help="With --notices: policy pack, or a folder of its versions. Else SLA_POLICY."),
    ] = None,
    worst: Annotated[int, typer.Option(min=0, help="How many of the worst cases are shown.")] = 10,
    as_csv: Annotated[
        Part | None, typer.Option("--csv", help="One of the tables as CSV instead of all as text.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Attainment by clock, plan and severity, worst cases, pause debt and downgrades, from the notices that stand.

    Reads the topic of notices, committed records only, or a file of them, and changes nothing. What was withdrawn does
    not count. Packs are asked for the hours that notices name. Exit code 1: some lines are no notices.
    """
    if notices is not None and broker is not None:
        raise typer.BadParameter("--notices reads a file, --broker is about Kafka")
    if notices is None and policy is not None:
        raise typer.BadParameter("--policy goes with --notices; a broker's notices are by SLA_POLICY")
    if as_csv is not None and as_json:
        raise typer.BadParameter("--csv or --json")
    if end <= begin:
        raise typer.BadParameter("--to is after --from")
    if notices is not None:
        packs = load_packs(policy)
        with notices.open("rb") as lines:
            made = report_of_lines(lines, begin, end, packs, worst)
    else:
        if broker is not None:
            os.environ["SLA_BROKER"] = broker
        settings = configuration.load()
        made = report_of_topic(settings, begin, end, load_packs(settings.policy), worst)
    rows = rows_of(made)
    if as_json:
        typer.echo(json.dumps(as_document(made, rows), ensure_ascii=False))
    elif as_csv is not None:
        writer = csv.DictWriter(sys.stdout, COLUMNS[as_csv], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[as_csv])
    else:
        print_text(made, rows)
    if made.unreadable:
        typer.echo(f"{made.unreadable:,} lines are no notices", err=True)
        raise typer.Exit(EXIT_FINDINGS)


def rows_of(made: Report) -> dict[Part, list[Row]]:
    """Every table as text, CSV and JSON have it. None: not known, or nothing to divide by."""
    attainment = [
        {
            **group._asdict(),
            **{name: getattr(sums, name) for name in ("met", "late", "breached", "cancelled", "unpromised")},
            "percent": None if sums.share is None else round(sums.share, 2),
        }
        for group, sums in made.sums.items()
    ]
    worst = [
        {
            **{name: getattr(each, name) for name in ("case_id", "generation", "clock", "plan", "severity", "verdict")},
            "deadline": iso(each.at),
            "target_seconds": seconds(each.target),
            "late_seconds": None if each.late is None else seconds(each.late),
        }
        for each in made.worst
    ]
    pauses = [
        {
            **{name: getattr(each, name) for name in ("case_id", "generation", "clock", "plan", "severity", "state")},
            "target_seconds": seconds(each.target),
            "counted_seconds": seconds(each.counted),
            "paused_seconds": seconds(each.paused or 0),
        }
        for each in made.parked
    ]
    downgrades = [
        dict(zip(COLUMNS[Part.DOWNGRADES], (*step, count), strict=True)) for step, count in made.steps.items()
    ]
    return {Part.ATTAINMENT: attainment, Part.WORST: worst, Part.PAUSES: pauses, Part.DOWNGRADES: downgrades}


def as_document(made: Report, rows: dict[Part, list[Row]]) -> dict[str, Any]:
    return {
        "from": iso(made.period.begin),
        "to": iso(made.period.end),
        "notices": made.notices,
        **{part.value: rows[part] for part in Part},
        "paused_clocks": made.paused_clocks,
        "paused_clocks_of_unknown_hours": made.unknown_calendars,
    }


TITLES = {
    Part.ATTAINMENT: "Attainment",
    Part.WORST: "Worst cases",
    Part.PAUSES: "Pause debt: without its pauses the clock would be late",
    Part.DOWNGRADES: "Changes of severity by the plan",
}


def print_text(made: Report, rows: dict[Part, list[Row]]) -> None:
    """A table for each part that has anything."""
    for part in Part:
        if rows[part]:
            typer.echo(TITLES[part])
            table = Table(
                *(name.replace("_seconds", " s").replace("_", " ") for name in COLUMNS[part]), box=None, pad_edge=False
            )
            for row in rows[part]:
                table.add_row(*(shown(row[name]) for name in COLUMNS[part]))
            typer.echo(as_text(table) + "\n")
    typer.echo(
        f"{made.notices:,} notices, {iso(made.period.begin)} to {iso(made.period.end)}: "
        f"{sum(sums.decided for sums in made.sums.values()):,} promises decided, "
        f"{sum(sums.met for sums in made.sums.values()):,} kept"
    )
    owing = len(made.parked)
    if made.paused_clocks:
        typer.echo(f"{made.paused_clocks:,} clocks paused that look well, {owing:,} of them for that alone")
    if made.unknown_calendars:
        typer.echo(f"{made.unknown_calendars:,} of them on hours that the packs given do not have: left out")


def shown(value: Any) -> str:
    if isinstance(value, (int, float)):
        return f"{value:,}"
    return "-" if value is None or value == "" else str(value)
