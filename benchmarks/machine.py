"""The machine and the versions that figures belong to."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from benchmarks.contenders import QUIX_PYTHON, ROOT
from benchmarks.streams import kafka_version
from tests.kafka.jars import BrokerUnavailable, find_java

PACKAGES = ("faust-streaming", "aiokafka", "msgspec", "pydantic", "workclock", "businesstimedelta")


def described() -> dict[str, str]:
    """What a reader needs to judge a figure. The load is that before the run: above 0.2, others were at work."""
    return {
        "day": datetime.now(UTC).date().isoformat(),
        "commit": _said(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "load before": f"{os.getloadavg()[0]:.1f}",
        "Python": platform.python_version(),
        "Java": _java(),
        "Kafka": kafka_version(),
        **{name: _version(name) for name in PACKAGES},
        "quixstreams": _quix_version(),
    }


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _java() -> str:
    try:
        java = find_java()
    except BrokerUnavailable:
        return "none"
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "([^"]+)"', said)
    return found[1] if found else "unknown"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "none"


def _quix_version() -> str:
    if not QUIX_PYTHON.exists():
        return "none"
    asked = "from importlib.metadata import version; print(version('quixstreams'))"
    return _said([str(QUIX_PYTHON), "-c", asked]) or "none"


def _said(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
