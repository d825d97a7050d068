"""The fixture `monitoring`: the programs of Prometheus and Alertmanager, loaded by `tests/conftest.py`.

A machine that lacks them skips these tests, with one loud line at the end; with CI in the environment that is a
failure, so that nothing is green because nothing ran. `scripts/test` fetches them (scripts/monitoring.sh).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

MISSING = pytest.StashKey[str]()
UNPACKED = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sla-monitor/monitoring/usr/bin"


class MonitoringUnavailable(Exception):
    """This machine lacks a program; the text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitoring:
    """Paths of the four programs."""

    prometheus: str
    promtool: str
    alertmanager: str
    amtool: str


def find_monitoring() -> Monitoring:
    """Of the PATH, else as `scripts/test` has unpacked them. MonitoringUnavailable if one is missing."""
    return Monitoring(
        prometheus=_find("prometheus"),
        promtool=_find("promtool"),
        alertmanager=_find("alertmanager", "prometheus-alertmanager"),  # the second is Debian's name
        amtool=_find("amtool"),
    )


def _find(*names: str) -> str:
    path = os.pathsep.join((os.environ.get("PATH", ""), str(UNPACKED)))
    found = next((there for name in names if (there := shutil.which(name, path=path))), None)
    if found is None:
        raise MonitoringUnavailable(f"no {names[0]} (scripts/test fetches it with apt; else install it by hand)")
    return found


@pytest.fixture(scope="session")
def monitoring() -> Monitoring:
    """Fails where it is missing: whoever may skip was skipped at collection."""
    return find_monitoring()


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """After `-m` and `-k` have chosen."""
    yield
    chosen = [item for item in items if "monitoring" in getattr(item, "fixturenames", ())]
    if not chosen or config.option.collectonly:
        return
    try:
        find_monitoring()
    except MonitoringUnavailable as missing:
        config.stash[MISSING] = f"{len(chosen)} TESTS WITH PROMETHEUS AND ALERTMANAGER DID NOT RUN: {missing}"
        if os.environ.get("CI"):
            return  # they fail
        for item in chosen:
            item.add_marker(pytest.mark.skip(reason=str(missing)))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With several processes each collects for itself; the one that reports is told by them."""
    told: dict[str, str] | None = getattr(session.config, "workeroutput", None)
    if told is not None and (missing := session.config.stash.get(MISSING, None)):
        told["monitoring_missing"] = missing


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    if missing := getattr(node, "workeroutput", {}).get("monitoring_missing"):
        node.config.stash[MISSING] = missing


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The loud line."""
    if missing := config.stash.get(MISSING, None):
        terminalreporter.write_line(missing, red=True, bold=True)
