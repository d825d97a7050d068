"""`scripts/monitoring.sh` where it cannot do what it is for: tests without Prometheus go on, and the reason is told."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SCRIPT = "set -euo pipefail; caller=scripts/test; . scripts/monitoring.sh; install_monitoring; echo goes on"


def fetched(folder: Path, **programs: str) -> subprocess.CompletedProcess[str]:
    """On a machine that has the programs of a shell, these, and an empty cache."""
    tools = folder / "bin"
    tools.mkdir()
    for name in ("bash", "dirname", "mkdir", "mktemp", "mv", "rm", "sed", "tail"):
        [found] = [path for each in ("/usr/bin", "/bin") if (path := Path(each, name)).exists()][:1]
        (tools / name).symlink_to(found)
    for name, body in programs.items():
        program = tools / name.replace("_", "-")
        program.write_text(f"#!/bin/bash\n{body}\n", "utf-8")
        program.chmod(0o755)
    environment = {"PATH": str(tools), "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
    return subprocess.run(
        ["bash", "-c", SCRIPT], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


pytestmark = pytest.mark.skipif(os.name != "posix", reason="a shell script")


def test_without_apt_it_says_so_and_goes_on(tmp_path: Path) -> None:
    """The tests then say which program is missing."""
    done = fetched(tmp_path)
    assert (done.returncode, done.stdout) == (0, "goes on\n"), done.stderr
    assert "no apt to fetch them" in done.stderr


def test_without_a_network_it_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    """Nothing half is kept that the next run would take for whole."""
    done = fetched(tmp_path, apt_get="echo 'Could not resolve deb.debian.org' >&2; exit 100", dpkg_deb="exit 1")
    assert (done.returncode, done.stdout) == (0, "goes on\n"), done.stderr
    assert "Could not resolve" in done.stderr
    assert list((tmp_path / "cache/sla-monitor").iterdir()) == []


def test_what_is_fetched_is_kept_for_the_next_run(tmp_path: Path) -> None:
    """Unpacked into the cache as a whole; then apt is not asked again."""
    apt = f'case "$*" in *download*) : > one.deb;; esac; echo "$*" >> {tmp_path}/asked'
    unpack = (
        "mkdir -p root/usr/bin; for each in prometheus promtool prometheus-alertmanager amtool; do "
        "echo > root/usr/bin/$each; /bin/chmod +x root/usr/bin/$each; done"
    )
    assert fetched(tmp_path, apt_get=apt, dpkg_deb=unpack).returncode == 0
    asked = (tmp_path / "asked").read_text("utf-8").splitlines()
    assert len(asked) == 2
    environment = {"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    again = subprocess.run(
        ["bash", "-c", SCRIPT], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (again.returncode, again.stderr) == (0, "")
    assert (tmp_path / "asked").read_text("utf-8").splitlines() == asked
