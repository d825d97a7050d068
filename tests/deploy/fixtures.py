"""The fixture `monitoring`: the programs of Prometheus and Alertmanager, loaded by `tests/conftest.py`.

`scripts/test` fetches them (scripts/monitoring.sh); what becomes of these tests without is in `tests/needs.py`.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

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
