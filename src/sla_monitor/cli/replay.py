"""`sla-monitor replay --dry-run`: what would be said if all events were decided anew, under the packs as they are."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from sla_monitor.cli.simulate import instant
from sla_monitor.cli.verify import as_line
from sla_monitor.config import settings as configuration
from sla_monitor.config.packs import load_packs
from sla_monitor.engine.replaying import (
    EVENTS_GONE,
    NOTICES_GONE,
    REPLACE,
    SAY,
    SET_ASIDE,
    WITHDRAW,
    Answer,
    Question,
    replay_files,
    replay_topic,
)
from sla_monitor.errors import EXIT_FINDINGS, RefuseToStart
from sla_monitor.wire.rows import NEVER

app = typer.Typer()

WORDS = {
    SAY: "would be said and does not stand",
    WITHDRAW: "stands and would not be said",
    REPLACE: "would be said with another time or other data",
}
UNDECIDED = {
    EVENTS_GONE: "events of it, such as its opening, are no longer in the log",
    NOTICES_GONE: "it may have said what is no longer in the topic of notices",
    SET_ASIDE: "set aside after a defect",
}


@app.command()
def replay(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Compare and write nothing. There is no other way.")
    ] = False,
    events: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, help="Events from a file, as `simulate` takes them."),
    ] = None,
    notices: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, help="With --events: what was said, one a line."),
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, help="Pack, or folder of its versions. Default: as for `run`."),
    ] = None,
    broker: Annotated[
        str | None, typer.Option(metavar="SERVERS", help="Bootstrap servers instead of those of SLA_BROKER.")
    ] = None,
    case: Annotated[str | None, typer.Option(metavar="CASE", help="Only this case.")] = None,
    begin: Annotated[
        int | None,
        typer.Option("--from", parser=instant, metavar="TIME", help="Only notices about this instant or later ones."),
    ] = None,
    end: Annotated[
        int | None, typer.Option("--to", parser=instant, metavar="TIME", help="Only notices about earlier instants.")
    ] = None,
    until: Annotated[
        int | None,
        typer.Option(parser=instant, metavar="TIME", help="Of files: where time ends. Default: the last arrival."),
    ] = None,
    examples: Annotated[int, typer.Option(min=0, help="Differences shown of each kind.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Decide all events once more under the packs as they are, and name what differs from the notices that stand.

    Reads committed records only, changes nothing, and may run beside workers. Every event of a case counts, whatever
    part of time is asked about. Exit code 1: something differs.
    """
    if not dry_run:
        raise RefuseToStart(
            "replay: only --dry-run; what was said is corrected by events, and another pack is tried with run --shadow"
        )
    if events is None and (notices or until):
        raise typer.BadParameter("--notices and --until are for files: give --events too")
    if events is not None and broker is not None:
        raise typer.BadParameter("give --events or --broker, not both")
    if begin is not None and end is not None and end <= begin:
        raise typer.BadParameter("--to is after --from")  # of no time at all everything is the same
    if broker is not None:
        os.environ["SLA_BROKER"] = broker
    settings = configuration.load()
    question = Question(
        packs=load_packs(policy or settings.policy),
        begin=begin or 0,
        end=NEVER if end is None else end,
        case_id=case,
        examples_max=examples,
    )
    answer = replay_files(question, events, notices, until) if events else replay_topic(question, settings)
    typer.echo(json.dumps(as_document(answer), ensure_ascii=False) if as_json else as_text(answer))
    if answer.differs:
        raise typer.Exit(EXIT_FINDINGS)


def as_text(answer: Answer) -> str:
    """Differences first, then the sums."""
    tally = answer.tally
    lines = [as_line(finding) for finding in tally.examples]
    lines += [f"{kind}: {count:,} ({WORDS[kind]})" for kind, count in sorted(tally.counts.items())]
    for why, count in sorted(tally.unverifiable.items()):
        cases = ", ".join(case for reason, case in tally.unverifiable_examples if reason == why)
        lines.append(f"not told, {why}: {count:,} ({UNDECIDED[why]}): {cases}")
    if answer.unusable:
        lines.append(f"events that cannot be used: {answer.unusable:,}")
    sums = (
        f"{tally.records:,} events, {tally.cases:,} cases; {answer.standing:,} notices stand, {answer.decided:,} would"
    )
    return "\n".join([*lines, f"{sums}: {f'{tally.counts.total():,} differences' if answer.differs else 'the same'}"])


def as_document(answer: Answer) -> dict[str, Any]:
    """For programs."""
    tally = answer.tally
    return {
        "same": not answer.differs,
        "events": tally.records,
        "cases": tally.cases,
        "standing": answer.standing,
        "decided": answer.decided,
        "unusable": answer.unusable,
        "differences": dict(sorted(tally.counts.items())),
        "examples": [finding.as_document() for finding in tally.examples],
        "undecided": dict(sorted(tally.unverifiable.items())),
    }
