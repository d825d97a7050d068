"""`sla-monitor calendar`: business time by itself, without cases."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import BinaryIO

import typer

from sla_monitor.cli.business_time import LINE_BYTES_MAX, Computer
from sla_monitor.errors import EXIT_FINDINGS

app = typer.Typer(no_args_is_help=True)


@app.callback()
def calendar() -> None:
    """Compute with business hours."""


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


def lines_of(file: BinaryIO) -> Iterator[bytes]:
    """Lines that are not empty; one that is too long is cut off where that is certain, the rest of it skipped."""
    while line := file.readline(LINE_BYTES_MAX + 1):
        rest = line
        while len(rest) > LINE_BYTES_MAX and not rest.endswith(b"\n"):
            rest = file.readline(LINE_BYTES_MAX + 1)
        if line.strip():
            yield line
