"""Examples for `--help`, by command. Each is a command line as it may be typed in a checkout; a test runs them.

Over a hundred lines: a catalogue, one entry for each command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

PACK: Final = "docs/examples/hosting.yaml"
NEXT: Final = "docs/examples/hosting-next.yaml"
MORNING: Final = "docs/examples/a-morning.jsonl"
MONTH: Final = "docs/examples/a-month.jsonl"
SAID: Final = "docs/examples/a-month-notices.jsonl"

Example = tuple[str, str]  # the command line, and what it does

EXAMPLES: Final[Mapping[str, Sequence[Example]]] = {
    "backtest": (
        (
            f"backtest {MORNING} --old {PACK} --new {NEXT}",
            "A recorded morning under the next version of a pack.",
        ),
    ),
    "calendar compute": (
        ("calendar compute < docs/examples/queries.jsonl", "One answer for each question, as JSON lines."),
    ),
    "calendar lock": (
        ("calendar lock --check", "Whether the dates that are pinned for the built-in pack are those of today."),
    ),
    "calendar show": (
        ("calendar show DE-BY --date 2026-03-02", "That week and year in Bavaria, in the hours of the built-in pack."),
        ("calendar show US --timezone America/Chicago --date 2026-03-02 --ics", "As a calendar file."),
    ),
    "dead list": (
        ("dead list", "How many there are, why, and the newest of them."),
        ("dead list --reason key_mismatch --json", "Those of one reason, for programs."),
    ),
    "dead replay": (("dead replay --reason orphan_expired --dry-run", "What would be sent again, and nothing is."),),
    "dead resume": (("dead resume 0", "Partition 0 goes on, once what flooded it is put right."),),
    "dead show": (("dead show 0:1207", "The record of partition 0, offset 1207, whole."),),
    "demo": (
        ("demo", "A live view until Ctrl-C."),
        ("demo --duration 30 --seed 7 --json", "Half a minute, each notice as a line."),
    ),
    "doctor": (("doctor", "What is wrong, and what to do about it."),),
    "explain": (
        (
            "explain CASE-1000123 --events docs/examples/first-case.jsonl",
            "Why the deadlines of a case in a file are where they are.",
        ),
        ("explain CASE-1000123 --json", "Of a case in Kafka, as data."),
    ),
    "policy check": ((f"policy check {PACK}", "Every problem of a pack, with file and line."),),
    "policy diff": (
        (
            f"policy diff {PACK} {NEXT} --events {MORNING}",
            "Which verdicts and deadlines another pack would change.",
        ),
    ),
    "quarantine list": (("quarantine list", "Cases that were set aside after a defect."),),
    "quarantine release": (("quarantine release CASE-1000123", "Decided once more, after the defect was mended."),),
    "replay": (
        ("replay --dry-run --case CASE-1000123", "What would be said anew of one case, under the packs as they are."),
        (
            f"replay --dry-run --policy {PACK} --events {MONTH} --notices {SAID} --until 2026-04-01T00:00:00Z",
            "The same of files, without a broker.",
        ),
    ),
    "report": (
        (
            f"report --from 2026-03-01T00:00:00Z --to 2026-04-01T00:00:00Z --policy {PACK} --notices {SAID}",
            "What March attained, from a file of notices.",
        ),
        ("report --from 2026-03-01T00:00:00Z --to 2026-04-01T00:00:00Z --json", "From Kafka, for programs."),
    ),
    "rules generate": (
        (
            "rules generate deploy/prometheus/rules",
            "Recording and alerting rules of the built-in pack, into this folder.",
        ),
    ),
    "run": (
        ("run", "A worker; a second one shares the partitions."),
        ("run --shadow next", "Another version beside the live one, with topics of its own."),
    ),
    "schema": (
        ("schema event", "What a case event looks like, with an example of each type."),
        ("schema asyncapi", "Topics and messages as an AsyncAPI 3 document."),
    ),
    "shadow compare": (("shadow compare next", "What the shadow `next` says otherwise than the live deployment."),),
    "simulate": (
        ("simulate docs/examples/first-case.jsonl", "The notices about a file of events, one a line."),
        (
            "simulate docs/examples/first-case.jsonl --until 2026-03-02T12:00:00Z",
            "The same, and time goes on up to noon.",
        ),
    ),
    "state backup": (("state backup state.jsonl", "Once all workers have ended."),),
    "state restore": (("state restore state.jsonl", "Into an empty topic of the same deployment."),),
    "topics create": (("topics create --partitions 3", "All four, as the worker needs them; safe to repeat."),),
    "traffic": (("traffic --duration 1 --seed 7", "Made-up customers for a second."),),
    "verify": (
        ("verify", "Every notice recomputed, up to where each partition stands now."),
        ("verify --json", "One JSON object, for programs."),
    ),
    "watch": (
        ("watch", "The nearest deadlines counting down, until Ctrl-C."),
        ("watch --url http://127.0.0.1:6067 --json", "Of another worker, each overview as a line for programs."),
    ),
}


def show_examples(app: Any, path: str = "") -> None:
    """Puts them below the help of each command of this Typer application."""
    for command in app.registered_commands:
        name = command.name or command.callback.__name__.rstrip("_").replace("_", "-")
        if examples := EXAMPLES.get(f"{path}{name}"):
            lines = [f"sla-monitor {line}\n{'':4}{meaning}" for line, meaning in examples]
            command.epilog = "\n\n".join(["Examples:", *lines])
    for group in app.registered_groups:
        show_examples(group.typer_instance, f"{path}{group.name} " if group.name else path)
