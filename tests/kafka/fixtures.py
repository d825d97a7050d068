"""The fixture `broker` for every folder of tests, loaded by `tests/conftest.py`.

A test that uses it is marked `kafka`; what becomes of it where no broker can run is in `tests/needs.py`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kafka.broker import Broker


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
