"""The fixtures `broker` and `tools` for every folder of tests, loaded by `tests/conftest.py`.

A test that uses it is marked `kafka`; what becomes of it where no broker can run is in `tests/needs.py`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kafka.broker import Broker
from tests.kafka.jars import find_java, resolve_jars


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


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Kafka's script by its name, from the jars of the broker."""
    folder = tmp_path_factory.mktemp("kafka-bin")
    script = folder / "kafka-console-producer.sh"
    java = f"{find_java()} -cp '{resolve_jars()}/*' org.apache.kafka.tools.ConsoleProducer"
    script.write_text(f'#!/bin/sh\nexec {java} "$@"\n')
    script.chmod(0o755)
    return folder
