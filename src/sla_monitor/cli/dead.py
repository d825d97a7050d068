"""`sla-monitor dead …`: what to do after dead letters."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from sla_monitor.cli.simulate import instant
from sla_monitor.config import settings as configuration
from sla_monitor.config.packs import load_packs
from sla_monitor.engine import dead as letters
from sla_monitor.engine.dead import Letter, Replay, Wanted
from sla_monitor.engine.layout import verified_layout
from sla_monitor.engine.release import release
from sla_monitor.errors import EXIT_FINDINGS, RefuseToStart
from sla_monitor.wire.inbound import REASONS

app = typer.Typer(no_args_is_help=True, help="What to do after dead letters.")

Case = Annotated[str | None, typer.Option(metavar="CASE", help="Only those with this key.")]
Partition = Annotated[int | None, typer.Option(min=0, help="Only those of this partition of the input.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]


def _reason(text: str) -> str:
    if text not in REASONS:
        raise typer.BadParameter(f"is none of {', '.join(REASONS)}")
    return text


def _place(text: str) -> tuple[int, int]:
    partition, colon, offset = text.partition(":")
    if not (colon and partition.isdecimal() and offset.isdecimal()):
        raise typer.BadParameter("is not PARTITION:OFFSET, such as 3:1207")
    return int(partition), int(offset)


Reason = Annotated[
    str | None, typer.Option(parser=_reason, metavar="REASON", help="Only those dead-lettered for this.")
]
Since = Annotated[
    int | None, typer.Option(parser=instant, metavar="TIME", help="Only those written at this time or later.")
]
Until = Annotated[
    int | None, typer.Option(parser=instant, metavar="TIME", help="Only those written at this time or earlier.")
]


@app.callback()
def dead() -> None:
    """What to do after dead letters."""


@app.command("list")
def list_(
    *,
    reason: Reason = None,
    case: Case = None,
    since: Since = None,
    partition: Partition = None,
    limit: Annotated[int, typer.Option(min=0, help="How many of the newest are listed below the counts.")] = 20,
    as_json: AsJson = False,
) -> None:
    """How many dead letters there are, by reason and partition, and the newest of them."""
    wanted = Wanted(reason=reason, case=case, since_ms=_ms(since), partition=partition)
    counts, newest = asyncio.run(letters.listed(configuration.load(), wanted, limit))
    if as_json:
        by = [{"reason": reason, "partition": number, "count": count} for (reason, number), count in _sorted(counts)]
        typer.echo(json.dumps({"counts": by, "newest": [letters.as_document(each) for each in newest]}, indent=2))
        return
    console = Console(markup=False, highlight=False)
    console.print(_table(("reason", "partition", "count"), ((*key, count) for key, count in _sorted(counts))))
    if newest:
        console.print(_table(("written", "place", "case", "reason", "detail"), map(_line, newest)))


@app.command()
def show(
    place: Annotated[
        Any,
        typer.Argument(
            parser=_place,
            metavar="PARTITION:OFFSET",
            help="Where the record was in the input, as logs and the headers dead-partition and dead-offset say.",
        ),
    ],
    *,
    raw: Annotated[bool, typer.Option("--raw", help="Only the value, byte for byte.")] = False,
    as_json: AsJson = False,
) -> None:
    """One dead letter whole: why, and the record as it came. Bytes that are no UTF-8 are escaped. 1: there is none."""
    partition, offset = place
    letter = asyncio.run(letters.found_at(configuration.load(), partition, offset))
    if letter is None:
        typer.echo(f"no dead letter about partition {partition}, offset {offset}", err=True)
        raise typer.Exit(EXIT_FINDINGS)
    if raw:
        sys.stdout.buffer.write(letter.value or b"")
    elif as_json:
        typer.echo(json.dumps(letters.as_document(letter), indent=2))
    else:
        typer.echo(_as_text(letter))


@app.command()
def replay(
    *,
    reason: Reason = None,
    case: Case = None,
    since: Since = None,
    until: Until = None,
    partition: Partition = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send the original records to the input once more: key, value and headers as they came, one after the other.

    Safe to repeat: an event is known by its source and id, one that was folded meanwhile is a duplicate. What failed
    for what it says (`invalid`, `conflict`) or for good (`too_late`) will be a dead letter again, and counts for the
    breaker; `future` waits for its time to come, `quarantined` for the case's release. A record of which only size
    and hash are left cannot be sent: it is counted, exit code 1.
    """
    settings = configuration.load()
    if settings.shadow:
        raise RefuseToStart("SLA_SHADOW: the input is the live deployment's; a shadow writes nothing there")
    wanted = Wanted(reason=reason, case=case, since_ms=_ms(since), until_ms=_ms(until), partition=partition)
    if not (dry_run or yes):
        if not sys.stdin.isatty():
            raise RefuseToStart("nobody is here to be asked: --yes sends, --dry-run only counts")
        typer.echo(_outcome(asyncio.run(letters.replay(settings, wanted, send=False)), sent=False))
        typer.confirm("Send them?", abort=True)
    result = asyncio.run(letters.replay(settings, wanted, send=not dry_run))
    if as_json:
        document = {"dry_run": dry_run, "sent": result.sent, "replaced": result.replaced, "done_with": result.done_with}
        typer.echo(json.dumps(document))
    else:
        typer.echo(_outcome(result, sent=not dry_run))
    if result.replaced:
        raise typer.Exit(EXIT_FINDINGS)


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


def _ms(at: int | None) -> int | None:
    return None if at is None else at // 1_000


def _sorted(counts: Counter[tuple[str, int]]) -> list[tuple[tuple[str, int], int]]:
    return sorted(counts.items())


def _line(letter: Letter) -> tuple[object, ...]:
    key = letters.readable(letter.key)
    return (_written(letter), f"{letter.partition}:{letter.offset}", key, letter.reason, letter.detail)


def _written(letter: Letter) -> str:
    return datetime.fromtimestamp(letter.at_ms / 1_000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _table(headings: tuple[str, ...], lines: Any) -> Table:
    table = Table(*headings, box=None, pad_edge=False)
    for line in lines:
        table.add_row(*("-" if cell is None else str(cell) for cell in line))
    return table


def _as_text(letter: Letter) -> str:
    lines = [
        f"reason     {letter.reason}",
        f"detail     {letter.detail}",
        f"input      {letter.topic}, partition {letter.partition}, offset {letter.offset}",
        f"written    {_written(letter)}, {letter.place}",
        f"key        {letters.readable(letter.key)}",
    ]
    lines += [
        f"header     {letters.readable(name.encode())}: {letters.readable(value)}" for name, value in letter.headers
    ]
    lines += [f"{name.removeprefix('dead-original-'):<10} {text}" for name, text in letter.replaced_by.items()]
    if letter.replayed_from:
        lines.append(f"replay of  {letter.replayed_from}")
    value = "(not kept: too large)" if letter.replaced_by else letters.readable(letter.value)
    return "\n".join([*lines, "", "(null)" if value is None else value])


def _outcome(result: Replay, *, sent: bool) -> str:
    done = "sent again" if sent else "to be sent"
    lines = [f"{result.sent.total()} {done}", *(f"  {count} {reason}" for reason, count in sorted(result.sent.items()))]
    if result.done_with:
        lines.append(f"{result.done_with} left out: replayed before, and a newer dead letter tells how that ended")
    if result.replaced:
        lines.append(f"{result.replaced} cannot be sent: too large to keep, only size and hash are left")
    return "\n".join(lines)
