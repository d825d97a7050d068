"""What expressions of rules and dashboards speak of: metrics, labels and recorded series, held to the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sla_monitor.observe.metrics import CATALOGUE, Metric
from tests.deploy.composed import read_yaml

ROOT = Path(__file__).parent.parent.parent
RULES = ROOT / "deploy/prometheus/rules"
OURS = re.compile(r"\bsla[_:][a-zA-Z0-9_:]+")
SELECTOR = re.compile(r"\b((?:sla[_:]|up\b|process_)[a-zA-Z0-9_:]*)\s*(\{[^}]*\})?")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"[^"]*"')
OF_A_SCRAPE = {"job", "instance"}
OF_PROMETHEUS = {"up", "process_start_time_seconds", "process_resident_memory_bytes", "process_cpu_seconds_total"}
OF_PROMETHEUS |= {"process_open_fds"}
GROUPED = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A recording or alerting rule, and the file it is in."""

    file: str
    said: dict[str, Any]

    @property
    def alert(self) -> str:
        return str(self.said.get("alert", ""))

    @property
    def expression(self) -> str:
        return str(self.said["expr"])


@cache
def rules() -> tuple[Rule, ...]:
    return tuple(
        Rule(file=path.name, said=said)
        for path in sorted(RULES.glob("*.yaml"))
        for group in read_yaml(path)["groups"]
        for said in group["rules"]
    )


@cache
def recorded() -> dict[str, Rule]:
    return {rule.said["record"]: rule for rule in rules() if "record" in rule.said}


@cache
def exposed() -> dict[str, Metric]:
    """Every name of a series that a worker shows, with its entry in the catalogue."""
    suffixes = {"histogram": ("_bucket", "_sum", "_count")}
    return {entry.name + suffix: entry for entry in CATALOGUE for suffix in suffixes.get(entry.kind, ("",))}


def selectors(expression: str) -> list[tuple[str, str]]:
    """(name, matchers in braces or "") of each selector of our series, of `up` and of `process_*`."""
    return [(match[1], match[2] or "") for match in SELECTOR.finditer(expression)]


def problems(expression: str) -> Iterator[str]:
    """Series that nobody has, and labels that they have not."""
    known = exposed()
    labels = set(OF_A_SCRAPE)
    for name, matchers in selectors(expression):
        found = set(_labels_of(name, known))
        if not found and name not in recorded() and name not in OF_PROMETHEUS:
            yield f"{name} is neither in the catalogue nor recorded"
            continue
        labels |= found
        for label in MATCHER.findall(matchers):
            if label not in found | OF_A_SCRAPE and name not in OF_PROMETHEUS:
                yield f"{name} has no label {label}"
    for names in GROUPED.findall(expression):
        for label in filter(None, (name.strip() for name in names.split(","))):
            if label not in labels:
                yield f"label {label} is of none of its series"


def _labels_of(name: str, known: dict[str, Metric]) -> Iterable[str]:
    """Of a recorded series those that its rule keeps; `job` and `instance` are always allowed."""
    if name in known:
        return {*known[name].labels, *({"le"} if name.endswith("_bucket") else ()), "job"}
    rule = recorded().get(name)
    if rule is None:
        return ()
    found = {label.strip() for names in GROUPED.findall(rule.expression) for label in names.split(",")}
    for part, _ in selectors(rule.expression):
        if part in recorded():
            found |= set(_labels_of(part, known))
    return found | {"job"}
