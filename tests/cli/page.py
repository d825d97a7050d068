"""docs/cli.md from the commands themselves: `python -m tests.cli.page > docs/cli.md`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from sla_monitor.cli.examples import EXAMPLES
from sla_monitor.cli.main import app

TAKES = {"int": "NUMBER", "float": "NUMBER", "str": "TEXT", "path": "PATH", "file": "FILE"}

HEAD = """# The command line

Made from the commands themselves; `sla-monitor COMMAND --help` shows the same. Most take their settings from the
[environment](handbook.md#settings). Exit codes: 0 fine, 1 findings, 2 wrong usage or refused to start, 70 could not go
on ([more](../README.md#exit-codes)).

## Completion

The shell completes commands, options and their values. `sla-monitor --install-completion` sets it up for bash, zsh or
fish, whichever it is run from; `sla-monitor --show-completion` prints it, to be put where your shell looks for it.
"""


def commands(command: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """(name, command) of all of them, by name."""
    for name, each in sorted(command.commands.items()):
        if hasattr(each, "commands"):
            yield from commands(each, f"{path}{name} ")
        else:
            yield f"{path}{name}", each


def page() -> str:
    """All of it."""
    return "\n".join([HEAD, *(line for name, command in commands(get_command(app)) for line in section(name, command))])


def section(name: str, command: Any) -> Iterator[str]:
    """One command: what it does, how it is called, what it takes, examples."""
    context = command.make_context(name, [], resilient_parsing=True)
    usage = " ".join(command.collect_usage_pieces(context)).translate({ord(brace): None for brace in "{}"})
    first, *others = [" ".join(part.split()) for part in re.split(r"\n\s*\n", command.help.strip())]
    yield f"## `{name}`\n"
    yield f"{first}\n"
    if usage != "[OPTIONS]":
        yield f"`sla-monitor {name} {usage.removeprefix('[OPTIONS] ')}`\n"
    for other in others:
        yield f"{other}\n"
    if parameters := [each for each in command.params if each.name != "help"]:
        yield "| takes | default | meaning |"
        yield "|---|---|---|"
        yield from map(row, parameters)
        yield ""
    for line, meaning in EXAMPLES[name]:
        yield f"- `sla-monitor {line}`: {meaning}"
    yield ""


def row(parameter: Any) -> str:
    """Its names with what is put behind them, its default, its help."""
    named = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    if parameter.param_type_name == "argument":
        named = f"`{parameter.metavar or parameter.name.upper()}`"
    elif not parameter.is_flag:
        named += f" {parameter.metavar or TAKES.get(parameter.bare_type().lower(), parameter.bare_type().upper())}"
    default = parameter.default
    shown = (
        "required" if parameter.required else parameter.show_default if isinstance(parameter.show_default, str) else ""
    )
    if not shown and isinstance(default, (int, float, str)) and not isinstance(default, bool):
        shown = f"`{default}`"
    return f"| {named} | {shown} | {(parameter.help or '').replace('|', chr(92) + '|')} |"


if __name__ == "__main__":
    print(page(), end="")
