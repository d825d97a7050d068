"""What a dashboard is made of, as far as a person says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["timeseries", "stat", "bargauge", "table"]


class Query(NamedTuple):
    """An expression, and how its series are called: `{{label}}` stands for the label's value."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """`unit`: as Grafana names it. `none`: what stands there without data. `thresholds`: a colour from a value on."""

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: Kind = "timeseries"
    width: int = 8
    height: int = 8
    thresholds: tuple[tuple[float | None, str], ...] = ()
    stacked: bool = False
    bars: bool = False
    exemplars: bool = False
    least: float | None = 0
    none: str = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """`since`: how far it looks back at first. `variables`: names, and what they are called above the panels."""

    uid: str
    title: str
    description: str
    since: str
    variables: Mapping[str, str]
    rows: tuple[Row, ...]
