"""What tests of commands share: the program run in this process, and logging as it was before."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from sla_monitor.cli import main as cli


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
def _quietened_for_one_test(logging_as_before: None) -> None:
    """A command may quieten a library for good; tests share a process."""
