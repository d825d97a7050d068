"""The fixture `broker` for every folder of tests, loaded by `tests/conftest.py`.

A test that uses it is marked `kafka`. On a machine that cannot run a broker these tests are skipped, with one loud
line at the end; with CI in the environment that is a failure, so that nothing is green because nothing ran.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kafka.broker import Broker
from tests.kafka.jars import BrokerUnavailable, find_java, resolve_jars

MISSING = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """One broker for the whole run: `.bootstrap`, `.pid`, `.stop()`, `.kill()`, `.restart()`. Tests that stop it
    start it again; topics are told apart by `fresh_prefix()`."""
    with tempfile.TemporaryDirectory(prefix="sla-monitor-kafka-") as data:
        running = Broker(Path(data))
        try:
            running.start()
            yield running
        finally:
            running.kill()  # its data goes with it


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Marks before `-m` chooses; what is chosen is checked before the first test, outside of its time-out."""
    for item in items:
        if "broker" in getattr(item, "fixturenames", ()):
            item.add_marker("kafka")
    yield
    chosen = [item for item in items if item.get_closest_marker("kafka")]
    if not chosen or config.option.collectonly:
        return
    try:
        find_java()
        resolve_jars()
    except BrokerUnavailable as missing:
        config.stash[MISSING] = f"{len(chosen)} TESTS AGAINST KAFKA DID NOT RUN: {missing}"
        if os.environ.get("CI"):
            return  # they fail
        for item in chosen:
            item.add_marker(pytest.mark.skip(reason=str(missing)))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With several processes each collects for itself; the one that reports is told by them."""
    told: dict[str, str] | None = getattr(session.config, "workeroutput", None)
    if told is not None and (missing := session.config.stash.get(MISSING, None)):
        told["kafka_missing"] = missing


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    if missing := getattr(node, "workeroutput", {}).get("kafka_missing"):
        node.config.stash[MISSING] = missing


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The loud line."""
    if missing := config.stash.get(MISSING, None):
        terminalreporter.write_line(missing, red=True, bold=True)
