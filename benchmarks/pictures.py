"""The pictures of docs/benchmarks.md, as SVG. The same results give the same bytes."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter, NullFormatter

from benchmarks import contenders, figures

OURS, OTHERS, GRID = "#1f6f8b", "#b9b4a7", "#dddddd"
MIB = 2**20
mpl.rcParams.update(
    {"svg.hashsalt": "sla-monitor", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
)


def draw(results: Mapping[str, Any], folder: Path) -> None:
    """Those for which something was measured."""
    folder.mkdir(exist_ok=True)
    if "race" in results:
        _rates(results, folder / "rates.svg")
    if "scale" in results:
        _cases(results["scale"], folder / "cases.svg")


def _rates(results: Mapping[str, Any], path: Path) -> None:
    """A bar for each contender, on a logarithmic scale; the line spans the rounds."""
    shown = [(each, found) for each in reversed(contenders.ALL) if (found := figures.rates(results, each.name))]
    figure, axes = plt.subplots(figsize=(8, 0.4 * len(shown) + 0.8))
    for place, (each, found) in enumerate(shown):
        median = statistics.median(found)
        axes.barh(place, median, color=OURS if each.name.startswith("ours") else OTHERS, height=0.65)
        axes.plot([min(found), max(found)], [place, place], color="black", linewidth=1)
        axes.annotate(f"{median:,.0f}", (max(found), place), xytext=(4, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(shown)), [each.title for each, _ in shown])
    axes.set_xscale("log")
    axes.set_xlim(right=max(max(found) for _, found in shown) * 2.5)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("events a second (logarithmic)")
    _save(figure, path)


def _cases(part: Mapping[str, Any], path: Path) -> None:
    """Memory and restore over the number of cases, both scales logarithmic: a straight line grows in proportion."""
    steps = part["steps"]
    cases = [step["cases"] for step in steps]
    figure, (memory, restore) = plt.subplots(1, 2, figsize=(8, 3))
    above = [(step["resident"] - part["idle_bytes"]) / MIB for step in steps]
    memory.plot(cases, above, color=OURS, marker="o")
    memory.set_ylabel("MiB above an idle worker")
    restore.plot(cases, [step["restore_seconds"] for step in steps], color=OURS, marker="o")
    restore.set_ylabel("seconds to restore")
    for axes in (memory, restore):
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("open cases")
        axes.grid(color=GRID)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_xticks(cases, [_short(each) for each in cases])
        axes.xaxis.set_minor_formatter(NullFormatter())
    figure.tight_layout()
    _save(figure, path)


def _short(cases: int) -> str:
    return f"{cases // 1_000_000} M" if cases >= 1_000_000 else f"{cases // 1_000} k"


def _save(figure: Any, path: Path) -> None:
    figure.savefig(path, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    plt.close(figure)
