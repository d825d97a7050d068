"""`sla-monitor calendar`: business time by itself, without cases."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console

from sla_monitor.cli import calendar_view as view
from sla_monitor.cli.business_time import LINE_BYTES_MAX, Computer
from sla_monitor.config.lock import written
from sla_monitor.config.pack_lock import drift, lock_of, needed_by
from sla_monitor.config.packs import load_packs
from sla_monitor.config.zones import UnknownPlace, zone_named
from sla_monitor.core.facts import DAY
from sla_monitor.core.hours import FIRST_YEAR, LAST_YEAR
from sla_monitor.core.times import seconds
from sla_monitor.errors import EXIT_FINDINGS, RefuseToStart

YEARS_AHEAD = 10
Policy = Annotated[
    Path | None, typer.Option(exists=True, help="Policy pack, or a folder of its versions.", show_default="built in")
]

app = typer.Typer(no_args_is_help=True)


def a_date(text: str) -> date:
    """An option's date."""
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{error}; such as 2026-01-31") from None
    if not FIRST_YEAR < found.year < LAST_YEAR:  # the week of a date may reach into the years beside it
        raise typer.BadParameter(f"between the years {FIRST_YEAR} and {LAST_YEAR}")
    return found


@app.callback()
def calendar() -> None:
    """Look at business hours, compute with them, and pin their holidays."""


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
    policy: Policy = None,
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


@app.command()
def show(
    place: Annotated[str, typer.Argument(help="Country, or country and subdivision, of ISO 3166: DE or DE-BY.")],
    *,
    policy: Policy = None,
    timezone: Annotated[str | None, typer.Option(help="The case's own, where no rule fixes one.")] = None,
    day: Annotated[
        date | None, typer.Option("--date", parser=a_date, metavar="DATE", help="In the week and year to show.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")] = False,
    as_ics: Annotated[bool, typer.Option("--ics", help="The year's open periods as an iCalendar file.")] = False,
) -> None:
    """Draw the calendar of a place: the week and the year of a date, and the days that are not as usual."""
    day = day or datetime.now(UTC).date()
    country, _, part = place.partition("-")
    version = load_packs(policy).at((day - date(1970, 1, 1)).days * DAY)  # that a case opened on the day follows
    try:
        calendar = version.calendar_for(country, part or None, timezone)
    except UnknownPlace as unknown:
        raise typer.BadParameter(str(unknown)) from None
    zone = zone_named(calendar.name.rpartition(":")[2])
    if as_ics:
        sys.stdout.buffer.write(view.ics(calendar, zone, day.year))
        return
    week = view.days_from(calendar, zone, day - timedelta(days=day.weekday()), 7)
    year = view.year_of(calendar, zone, day.year)
    names = view.reasons_of(calendar, zone, year)
    if as_json:
        typer.echo(json.dumps(view.document(calendar, zone, week, year, names), indent=2))
        return
    out = Console(markup=False, highlight=False, soft_wrap=True)
    out.print(f"{calendar.name}   an ordinary day: {seconds(calendar.day) / 3600:g} h\n")
    out.print(view.week_table(calendar, zone, week))
    out.print(f"\n{day.year}")
    for line in view.year_lines(year):
        out.print(line)
    out.print()
    for each, name in view.exceptions(year, names):
        hours = f"{seconds(each.open) / 3600:g} h" if each.open else "closed"
        out.print(f"{view.WEEKDAYS[each.day.weekday()]} {each.day}  {hours:8}{name}".rstrip())


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """Lines that are not empty; one that is too long is cut off where that is certain, the rest of it skipped."""
    while line := file.readline(LINE_BYTES_MAX + 1):
        rest = line
        while len(rest) > LINE_BYTES_MAX and not rest.endswith(b"\n"):
            rest = file.readline(LINE_BYTES_MAX + 1)
        if line.strip():
            yield line
