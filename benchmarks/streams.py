"""Builds the Kafka Streams contender with Maven, once a machine; `benchmarks/kafka_streams` has its source."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.kafka.jars import POM, BrokerUnavailable, find_java

PROJECT = Path(__file__).parent / "kafka_streams"
BUILD_SECONDS_MAX = 300


def kafka_version() -> str:
    """Of the broker that everybody runs against."""
    found = re.search(r"<artifactId>kafka_2.13</artifactId>\s*<version>([\d.]+)</version>", POM.read_text())
    assert found
    return found[1]


def command() -> list[str]:
    """Java and its class path. BrokerUnavailable says what is missing, Java, Maven or the jars."""
    built = _built()
    quiet = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
    return [str(find_java()), *quiet, "-cp", f"{built}/classes:{built}/jars/*", "bench.Counting"]


def _built() -> Path:
    """The folder named after what it was built from; it is complete or absent."""
    sources = sorted(path for path in PROJECT.rglob("*") if path.is_file())
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources) + kafka_version().encode()).hexdigest()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sla-monitor"
    built = cache / f"kafka-streams-{digest[:12]}"
    if built.is_dir():
        return built
    maven = shutil.which("mvn")
    if maven is None:
        raise BrokerUnavailable("no Maven to build it (Debian: apt-get install maven)")
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{built.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.is_dir():
            _build(maven, built)
    return built


def _build(maven: str, built: Path) -> None:
    with tempfile.TemporaryDirectory(dir=built.parent, prefix=f"{built.name}.partial-") as scratch:
        project = Path(shutil.copytree(PROJECT, Path(scratch) / "project"))
        goals = ["compile", "dependency:copy-dependencies", f"-DoutputDirectory={project}/target/jars"]
        command = [maven, "--quiet", "--batch-mode", f"-Dkafka.version={kafka_version()}", *goals]
        try:
            subprocess.run(command, cwd=project, capture_output=True, text=True, check=True, timeout=BUILD_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise BrokerUnavailable(f"Maven did not build it within {BUILD_SECONDS_MAX} s") from None
        except subprocess.CalledProcessError as failure:
            raise BrokerUnavailable(f"Maven could not build it: {failure.stdout.strip()[:500]}") from None
        (project / "target").rename(built)
