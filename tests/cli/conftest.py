"""What tests of commands share: the program run in this process, and logging as it was before."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator

import pytest

from sla_monitor.cli import main as cli

LIBRARIES = ("aiokafka", "faust", "mode")  # whose loggers commands quieten


@pytest.fixture
def sla_monitor(monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Runs `sla-monitor` with these arguments, as a shell would; answers with its exit code."""

    def run(*arguments: object) -> object:
        monkeypatch.setattr(sys, "argv", ["sla-monitor", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code

    return run


@pytest.fixture(autouse=True)
def _libraries_speak_as_before() -> Iterator[None]:
    """A command is a process of its own and may quieten a library for good; tests share one."""
    before = [(logger := logging.getLogger(name), logger.level, logger.propagate) for name in LIBRARIES]
    yield
    for logger, level, propagate in before:
        logger.setLevel(level)
        logger.propagate = propagate
