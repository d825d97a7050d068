"""Completion in the shell: what Tab offers in a real bash, and the scripts for the others."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sla_monitor.cli import main as cli

BIN = Path(sys.executable).parent
ENVIRONMENT = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """What `--show-completion` prints in a shell."""

    def print_script(shell: str) -> str:
        # it looks at the process that called it, unless it is told not to
        monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
        monkeypatch.setattr(sys, "argv", ["sla-monitor", "--show-completion", shell])
        with pytest.raises(SystemExit):
            cli.main()
        return capsys.readouterr().out

    return print_script


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["ca"], {"calendar"}),
        (["backtest", "--o"], {"--old"}),
        (["calendar", ""], {"compute", "lock", "show"}),
    ],
)
def test_bash_offers_what_may_follow(script: Callable[[str], str], typed: list[str], offered: set[str]) -> None:
    """Commands, their commands, options: the function is called as bash calls it."""
    words = " ".join(f"'{word}'" for word in ("sla-monitor", *typed))
    ask = (
        f'COMP_WORDS=({words}); COMP_CWORD={len(typed)}; _sla_monitor_completion sla-monitor; echo "${{COMPREPLY[*]}}"'
    )
    done = subprocess.run(
        ["bash", "-c", f"{script('bash')}\n{ask}"], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) == offered


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_there_is_a_script_for(script: Callable[[str], str], shell: str) -> None:
    """It calls the program back in that shell's manner."""
    assert f"complete_{shell}" in script(shell)
