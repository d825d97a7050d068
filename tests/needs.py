"""What some tests need of the machine, looked for once they are chosen, outside of their time-out. A pytest plugin.

A machine that lacks it skips these tests, with one loud line at the end; with CI in the environment that is a failure,
so that nothing is green because nothing ran.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.board.browser import BrowserUnavailable, find_browser
from tests.deploy.fixtures import MonitoringUnavailable, find_monitoring
from tests.kafka.jars import BrokerUnavailable, find_java, resolve_jars

TOLD = "missing"  # what a process of several tells the one that reports


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Of the tests that `is_of` says; `find` raises with what is missing."""

    tests: str
    is_of: Callable[[pytest.Item], bool]
    find: Callable[[], object]


def _uses(fixture: str) -> Callable[[pytest.Item], bool]:
    return lambda item: fixture in getattr(item, "fixturenames", ())


def _find_kafka() -> None:
    find_java()
    resolve_jars()


NEEDS = (
    Need(tests="AGAINST KAFKA", is_of=lambda item: bool(item.get_closest_marker("kafka")), find=_find_kafka),
    Need(tests="WITH PROMETHEUS AND ALERTMANAGER", is_of=_uses("monitoring"), find=find_monitoring),
    Need(tests="IN A BROWSER", is_of=_uses("browser"), find=find_browser),
)
MISSING = pytest.StashKey[dict[str, None]]()


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Marks those with a broker before `-m` and `-k` choose; what is chosen is checked."""
    for item in filter(_uses("broker"), items):
        item.add_marker("kafka")
    yield
    config.stash[MISSING] = {}
    for need in NEEDS:
        chosen = [item for item in items if need.is_of(item)]
        if chosen and not config.option.collectonly:
            _look(need, chosen, config.stash[MISSING])


def _look(need: Need, chosen: list[pytest.Item], missing: dict[str, None]) -> None:
    try:
        need.find()
    except (BrokerUnavailable, BrowserUnavailable, MonitoringUnavailable) as lacking:
        missing[f"{len(chosen)} TESTS {need.tests} DID NOT RUN: {lacking}"] = None
        if os.environ.get("CI"):
            return  # they fail
        for item in chosen:
            item.add_marker(pytest.mark.skip(reason=str(lacking)))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With several processes each collects for itself; the one that reports is told by them."""
    told: dict[str, list[str]] | None = getattr(session.config, "workeroutput", None)
    if told is not None:
        missing = session.config.stash.setdefault(MISSING, {})
        told[TOLD] = list(missing)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    missing = node.config.stash.setdefault(MISSING, {})
    missing |= dict.fromkeys(getattr(node, "workeroutput", {}).get(TOLD, ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The loud lines."""
    for missing in config.stash.setdefault(MISSING, {}):
        terminalreporter.write_line(missing, red=True, bold=True)
