"""What the program has that files of a deployment speak of: its commands, its pages, the project's own words."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from typer._click.exceptions import ClickException
from typer.core import TyperGroup
from typer.main import get_command

from sla_monitor.cli.main import app
from sla_monitor.observe import probe
from sla_monitor.observe.health import Readiness, application


def project(root: Path) -> dict[str, Any]:
    """The table `project` of pyproject.toml."""
    with (root / "pyproject.toml").open("rb") as pyproject:
        return dict(tomllib.load(pyproject)["project"])


@cache
def _program() -> Any:
    return get_command(app)


def command_problems(arguments: Sequence[str]) -> Iterator[str]:
    """Parsed by the program's own parser, down to the last command; nothing is run."""
    command = _program()
    name, rest = command.name, list(arguments)
    try:
        while True:
            context = command.make_context(name, rest)
            if not isinstance(command, TyperGroup):
                return
            name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
    except ClickException as wrong:
        yield f"command {' '.join(arguments)}: {wrong.format_message()}"


def probe_problems(check: Sequence[str]) -> Iterator[str]:
    """Of a health check that runs inside our image: the command, without the word CMD."""
    match check:
        case ["python", "-m", probe.__name__, page]:
            if page not in pages():
                yield f"health check asks for {page}, which is none of {', '.join(sorted(pages()))}"
        case _:
            yield f"health check {' '.join(check)} is not that of {probe.__name__}"


def pages() -> set[str]:
    """The paths that the worker answers."""
    routes = application(CollectorRegistry(), lambda: Readiness(joined=True)).router.routes()
    return {route.resource.canonical for route in routes if route.resource is not None}
