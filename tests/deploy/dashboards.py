"""The dashboards as committed: their panels and queries."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parents[2] / "deploy/grafana/dashboards"

# What Grafana puts in for variables, as in a deployment with one job that shows everything.
VARIABLES = {
    "$__rate_interval": "1m",
    "$job": "sla-monitor",
    "$instance": ".*",
    "$severity": ".*",
    "$plan": ".*",
    "$queue": ".*",
}


class Asked(NamedTuple):
    """A query of a dashboard, with the title of its panel or annotation."""

    dashboard: str
    title: str
    expression: str


@cache
def dashboards() -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    """(dashboard, panel) of each panel that shows something."""
    for name, said in dashboards().items():
        yield from ((name, panel) for panel in said["panels"] if panel["type"] != "row")


def asked() -> Iterator[Asked]:
    """Every query of panels and annotations."""
    for name, panel in panels():
        yield from (Asked(name, panel["title"], target["expr"]) for target in panel["targets"])
    for name, said in dashboards().items():
        yield from (Asked(name, each["name"], each["target"]["expr"]) for each in said["annotations"]["list"])


def filled_in(expression: str) -> str:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression
