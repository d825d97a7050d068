"""`sla-monitor calendar`: business time by itself, without cases."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from sla_monitor.cli.business_time import LINE_BYTES_MAX, Computer
from sla_monitor.config.lock import written
from sla_monitor.config.pack_lock import drift, lock_of, needed_by
from sla_monitor.core.hours import FIRST_YEAR, LAST_YEAR
from sla_monitor.errors import EXIT_FINDINGS, RefuseToStart

YEARS_AHEAD = 10

app = typer.Typer(no_args_is_help=True)


@app.callback()
def calendar() -> None:
    """Compute with business hours, and pin their holidays."""


@app.command()
def compute() -> None:
    """Answer questions about open time: a JSON line of standard input each, answered by one, in order.

    A bad question is answered with its error, the rest go on, and the exit code is 1. Empty lines are skipped.
    """
    wrong = False
    computer = Computer()
    for line in lines_of(sys.stdin.buffer):
        answer = computer.answer(line)
        wrong = wrong or "error" in answer
        # Flushed one by one: whoever asks the next question only after this answer must not wait for ever.
        typer.echo(json.dumps(answer))
    if wrong:
        raise typer.Exit(EXIT_FINDINGS)


@app.command()
def lock(
    *,
    policy: Annotated[
        Path | None,
        typer.Option(exists=True, help="Policy pack, or a folder of its versions.", show_default="built in"),
    ] = None,
    years: Annotated[
        tuple[int, int] | None,
        typer.Option(metavar="FIRST LAST", help="Years to resolve.", show_default="this year and ten more"),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit code 1 if the lock differs.")] = False,
) -> None:
    """Write calendars.lock beside a pack: its holidays and closures as dates, so that nothing moves them unseen.

    Says what differs from the lock that was there. With --check that is all it does.
    """
    this_year = datetime.now(UTC).year
    first, last = years or (this_year, this_year + YEARS_AHEAD)
    if not FIRST_YEAR <= first <= last <= LAST_YEAR:
        raise typer.BadParameter(f"calendars have the years {FIRST_YEAR} to {LAST_YEAR}", param_hint="--years")
    path = lock_of(policy)
    changes = drift(policy) if check or path.exists() else []
    for change in changes:
        typer.echo(str(change))
    if check:
        raise typer.Exit(EXIT_FINDINGS if changes else 0)
    made = written(needed_by(policy).resolved(first, last))
    try:
        path.write_text(made, "utf-8", newline="\n")
    except OSError as error:
        raise RefuseToStart([f"{path}: cannot be written: {error.strerror}"]) from error
    typer.echo(f"{path}: {len(made.splitlines())} lines, {first} to {last}")


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """Lines that are not empty; one that is too long is cut off where that is certain, the rest of it skipped."""
    while line := file.readline(LINE_BYTES_MAX + 1):
        rest = line
        while len(rest) > LINE_BYTES_MAX and not rest.endswith(b"\n"):
            rest = file.readline(LINE_BYTES_MAX + 1)
        if line.strip():
            yield line
