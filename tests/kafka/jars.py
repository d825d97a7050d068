"""Finds Java and resolves the jars of one Kafka broker with Maven, once a machine.

The jars live in a cache outside the checkout, in a folder named after the content of `broker/pom.xml`. The folder
appears by a rename, so that it is either complete or absent; a lock lets two runs that race download once.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

POM = Path(__file__).parent / "broker" / "pom.xml"
JAVA_VERSION_MIN = 17
DOWNLOAD_SECONDS_MAX = 300
ATTEMPTS = 2  # registries drop connections


class BrokerUnavailable(Exception):
    """This machine cannot run a broker; the text says what is missing."""


def find_java() -> Path:
    """The `java` of JAVA_HOME, else of PATH. BrokerUnavailable if there is none, or if it is too old."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if found is None:
        raise BrokerUnavailable(f"no Java {JAVA_VERSION_MIN} or newer (Debian: apt-get install default-jre-headless)")
    said = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < JAVA_VERSION_MIN:
        raise BrokerUnavailable(f"{found} is older than Java {JAVA_VERSION_MIN}: {said.partition(chr(10))[0]}")
    return Path(found)


def resolve_jars() -> Path:
    """The folder of jars, downloaded if this machine does not have it. BrokerUnavailable without Maven."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sla-monitor"
    jars = cache / f"kafka-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}"
    if jars.is_dir():
        return jars
    maven = shutil.which("mvn")
    if maven is None:
        raise BrokerUnavailable("no Maven to fetch the broker's jars (Debian: apt-get install maven)")
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{jars.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not jars.is_dir():
            _download(maven, jars)
    return jars


def _download(maven: str, jars: Path) -> None:
    said = ""
    with tempfile.TemporaryDirectory(dir=jars.parent, prefix=f"{jars.name}.partial-") as scratch:
        copied = Path(scratch) / "jars"
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={copied}"]
        command = [maven, "--quiet", "--batch-mode", "--file", str(POM), *goal]
        for _ in range(ATTEMPTS):
            try:
                subprocess.run(command, capture_output=True, text=True, check=True, timeout=DOWNLOAD_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                said = f"no end after {DOWNLOAD_SECONDS_MAX} s"
            except subprocess.CalledProcessError as failure:
                said = failure.stdout.strip()[:500]
            else:
                copied.rename(jars)
                return
    raise BrokerUnavailable(f"Maven could not fetch the broker's jars: {said}")
