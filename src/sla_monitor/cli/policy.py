"""`sla-monitor policy`: what is wrong with policy packs, and what another one would change."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from sla_monitor.cli.simulate import instant
from sla_monitor.config.check import FINDING, Finding, check_packs
from sla_monitor.config.packs import load_packs
from sla_monitor.core.facts import HOUR, MINUTE
from sla_monitor.core.times import iso, seconds
from sla_monitor.engine.difference import Difference, Flip, Moved, compare, flips, movements
from sla_monitor.engine.outcome import outcome_under
from sla_monitor.errors import EXIT_FINDINGS

TABLE_WIDTH_MAX = 1_000  # a case id has 200 characters at most

app = typer.Typer(no_args_is_help=True, help="Policy packs: what is wrong with them, what another one would change.")


@app.command()
def check(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", exists=True, help="Packs, or folders with all versions of one.")
    ],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Load packs as the worker does, and say all that is wrong, can never happen, or is hardly meant so.

    Exit code 1: there are findings. Notes are shown too and leave a pack clean.
    """
    told = check_packs(files)
    if as_json:
        typer.echo(json.dumps(as_document(files, told), ensure_ascii=False))
    else:
        for each in told:
            typer.echo(str(each))
        typer.echo(summary(told))
    if any(each.level == FINDING for each in told):
        raise typer.Exit(EXIT_FINDINGS)


def summary(told: list[Finding]) -> str:
    counts = Counter(each.level for each in told)
    said = [f"{count} {level}{'' if count == 1 else 's'}" for level, count in sorted(counts.items())]
    return ", ".join(said if counts[FINDING] else ["clean", *said])


def as_document(files: list[Path], told: list[Finding]) -> dict[str, object]:
    return {
        "files": [str(file) for file in files],
        "clean": all(each.level != FINDING for each in told),
        "findings": [{**each._asdict(), "level": each.level} for each in told],
    }


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(exists=True, help="Pack, or folder of its versions, as it is.")],
    new: Annotated[Path, typer.Argument(exists=True, help="The same as it might become.")],
    *,
    events: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="JSON lines, as for `simulate`.")],
    until: Annotated[
        int | None,
        typer.Option(parser=instant, metavar="TIME", help="Where time ends, inclusive. Default: the last arrival."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Decide the same events under two packs, and show which open deadlines move and which verdicts flip.

    No broker is asked and nothing is changed. Every case is decided by the packs given, whenever it was opened.
    """
    packs = [load_packs(path) for path in (old, new)]
    outcomes = []
    for each in packs:
        with events.open("rb") as lines:
            outcomes.append(outcome_under(each, lines, until))
    difference = compare(*outcomes)
    if as_json:
        typer.echo(json.dumps(difference_as_document(difference), ensure_ascii=False))
    else:
        print_difference(difference)


def print_difference(difference: Difference) -> None:
    """The sums; `--json` names the cases."""
    moves, turned = movements(difference), flips(difference)
    if moves:
        table = Table(
            "deadlines of", "plan", "severity", "moved", "earlier", "later", "new", "gone", "least", "median", "most",
            box=None, pad_edge=False,
        )  # fmt: skip
        for group, move in moves.items():
            counts = (move.moved, move.earlier, move.later, move.appeared, move.gone)
            lengths = (move.least, move.median, move.most)
            table.add_row(*group, *map(str, counts), *map(spelt, lengths))
        typer.echo(as_text(table))
    if turned:
        table = Table("verdicts on", "plan", "severity", "old", "new", "cases", box=None, pad_edge=False)
        for flip, count in turned.items():
            table.add_row(*flip, str(count))
        typer.echo(as_text(table))
    moved, gone, appeared = (
        sum(getattr(move, name) for move in moves.values()) for name in ("moved", "gone", "appeared")
    )
    typer.echo(
        f"{difference.cases:,} cases, {difference.open_deadlines:,} open deadlines: {moved:,} moved, {gone:,} gone, "
        f"{appeared:,} new; {len(difference.flips):,} verdicts flipped"
    )
    print_unusable(*difference.dead_letters)


def print_unusable(before: int, after: int) -> None:
    """Nothing, where every event can be used."""
    if before or after:
        typer.echo(f"events that cannot be used: {before:,} under the old pack, {after:,} under the new")


def as_text(table: Table) -> str:
    """Without the blanks that fill its lines. As wide as it is: narrower, ids and times would be cut off."""
    console = Console(markup=False, highlight=False, width=TABLE_WIDTH_MAX)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def spelt(length: int | None) -> str:
    """How much later: `+1h30m`, `-45s`."""
    if length is None:
        return "-"
    hours, rest = divmod(abs(length), HOUR)
    minutes, rest = divmod(rest, MINUTE)
    said = f"{hours}h" if hours else ""
    said += f"{minutes}m" if minutes else ""
    said += f"{seconds(rest)}s" if rest or not said else ""
    return ("-" if length < 0 else "+") + said


def difference_as_document(difference: Difference) -> dict[str, object]:
    before, after = difference.dead_letters
    return {
        "cases": difference.cases,
        "open_deadlines": difference.open_deadlines,
        "moved": [_moved_as_document(each) for each in difference.moved],
        "flips": [{**_change(each), "old": each.old, "new": each.new} for each in difference.flips],
        "dead_letters": {"old": before, "new": after},
    }


def _change(each: Moved | Flip) -> dict[str, object]:
    return {
        "case_id": each.case_id,
        "generation": each.generation,
        "about": each.about,
        "plan": each.plan,
        "severity": each.severity,
    }


def _moved_as_document(each: Moved) -> dict[str, object]:
    return {
        **_change(each),
        "old_deadline": None if each.old is None else iso(each.old),
        "new_deadline": None if each.new is None else iso(each.new),
        "by_seconds": None if each.by is None else seconds(each.by),
    }
