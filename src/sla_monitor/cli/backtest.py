"""`sla-monitor backtest`: which verdicts another policy pack would have changed, and for whom."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from sla_monitor.cli.policy import as_text, print_unusable
from sla_monitor.cli.simulate import instant
from sla_monitor.config import settings as configuration
from sla_monitor.config.packs import load_packs
from sla_monitor.engine.backtest import Example, Place, Question, Tally, Tell, backtest_file, backtest_topic
from sla_monitor.errors import EXIT_FINDINGS

app = typer.Typer()


@app.command()
def backtest(
    events: Annotated[
        Path | None,
        typer.Argument(metavar="EVENTS", exists=True, dir_okay=False, help="JSON lines, as `simulate` takes them."),
    ] = None,
    *,
    old: Annotated[Path, typer.Option(metavar="FILE", exists=True, help="Pack, or folder of its versions, as it is.")],
    new: Annotated[Path, typer.Option(metavar="FILE", exists=True, help="The same as it might become.")],
    broker: Annotated[
        str | None, typer.Option(metavar="SERVERS", help="Instead of a file: the topic of events on these servers.")
    ] = None,
    until: Annotated[
        int | None,
        typer.Option(parser=instant, metavar="TIME", help="Where time ends, inclusive. Default: the last arrival."),
    ] = None,
    examples: Annotated[int, typer.Option(min=0, help="Flipped verdicts shown one by one.")] = 20,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes. Default: one a processor.")] = None,
    fail_on_flip: Annotated[bool, typer.Option("--check", help="Exit code 1 if any verdict flips.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Decide recorded events under two packs, and count the verdicts that flip by plan, severity, region and week.

    Changes nothing. Every case is decided by the packs given, whenever it was opened. A topic is read with the settings
    of the environment as for `run`, committed records only, up to where it ends now.
    """
    if (events is None) is (broker is None):
        raise typer.BadParameter("give a file of events, or --broker")
    for pack in (old, new):
        load_packs(pack)  # every problem of a pack is told once, before any work
    question = Question(old=old, new=new, until=until, examples_max=examples, jobs=jobs or os.cpu_count() or 1)
    with progress() as tell:
        if events is not None:
            tally = backtest_file(question, events, tell)
        else:
            os.environ["SLA_BROKER"] = str(broker)
            tally = backtest_topic(question, configuration.load(), tell)
    if as_json:
        typer.echo(json.dumps(as_document(tally), ensure_ascii=False))
    else:
        print_text(tally)
    if fail_on_flip and tally.flips:
        raise typer.Exit(EXIT_FINDINGS)


@contextmanager
def progress() -> Iterator[Tell]:
    """A bar for each thing that is done, on standard error and only if that is a terminal; gone when all is done."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:

        def tell(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield tell


def print_text(tally: Tally) -> None:
    """Verdicts, then whose they are, then cases, then the sums."""
    if tally.flips:
        table = Table("verdicts on", "old", "new", "cases", box=None, pad_edge=False)
        for turn, count in tally.turns().items():
            table.add_row(*turn, f"{count:,}")
        typer.echo(as_text(table))
        table = Table("by", "", "cases", "changed", "share", box=None, pad_edge=False)
        for dimension in Place._fields:
            for value, (cases, changed) in tally.by(dimension).items():
                if changed:
                    table.add_row(dimension, value or "-", f"{cases:,}", f"{changed:,}", share(changed, cases))
        typer.echo(as_text(table))
    for example in tally.examples:
        typer.echo(as_line(example))
    cases, changed = tally.cases.total(), tally.changed.total()
    typer.echo(
        f"{tally.records:,} events, {cases:,} cases, {changed:,} changed ({share(changed, cases)}); "
        f"{tally.flips.total():,} verdicts flipped"
    )
    print_unusable(*tally.dead_letters)


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else "-"


def as_line(example: Example) -> str:
    again = f" (generation {example.generation})" if example.generation > 1 else ""
    place = ", ".join(each or "-" for each in example.place)
    return f"{example.case_id}{again}: {example.turn.about}: {example.turn.old} -> {example.turn.new}; {place}"


def as_document(tally: Tally) -> dict[str, Any]:
    """For programs. `flips` is the finest count there is; sums by anything else follow from it."""
    before, after = tally.dead_letters
    return {
        "events": tally.records,
        "cases": tally.cases.total(),
        "changed": tally.changed.total(),
        "flips": [
            {**turn._asdict(), **place._asdict(), "count": count}
            for (turn, place), count in sorted(tally.flips.items())
        ],
        "by": {
            dimension: [
                {dimension: value, "cases": cases, "changed": changed}
                for value, (cases, changed) in tally.by(dimension).items()
            ]
            for dimension in Place._fields
        },
        "examples": [
            {
                "case_id": each.case_id,
                "generation": each.generation,
                **each.turn._asdict(),
                **each.place._asdict(),
            }
            for each in tally.examples
        ],
        "dead_letters": {"old": before, "new": after},
    }
