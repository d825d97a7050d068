"""Finds Java and resolves the jars of one Kafka broker with Maven, once a machine.

They are kept outside of the checkout, in a folder named after the content of `broker/pom.xml`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.kafka.cache import kept

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
    return kept(f"kafka-{hashlib.sha256(POM.read_bytes()).hexdigest()[:12]}", _download)


def maven() -> str:
    """BrokerUnavailable if there is none."""
    found = shutil.which("mvn")
    if found is None:
        raise BrokerUnavailable("no Maven to fetch what is needed (Debian: apt-get install maven)")
    return found


def _download(scratch: Path) -> Path:
    said, copied = "", scratch / "jars"
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={copied}"]
    command = [maven(), "--quiet", "--batch-mode", "--file", str(POM), *goal]
    for _ in range(ATTEMPTS):
        try:
            subprocess.run(command, capture_output=True, text=True, check=True, timeout=DOWNLOAD_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            said = f"no end after {DOWNLOAD_SECONDS_MAX} s"
        except subprocess.CalledProcessError as failure:
            said = failure.stdout.strip()[:500]
        else:
            return copied
    raise BrokerUnavailable(f"Maven could not fetch the broker's jars: {said}")
