"""Builds the Kafka Streams contender with Maven, once a machine; `benchmarks/kafka_streams` has its source."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

from tests.kafka.cache import kept
from tests.kafka.jars import POM, BrokerUnavailable, find_java, maven

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
    """The folder named after what it was built from."""
    sources = sorted(path for path in PROJECT.rglob("*") if path.is_file())
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources) + kafka_version().encode()).hexdigest()
    return kept(f"kafka-streams-{digest[:12]}", _build)


def _build(scratch: Path) -> Path:
    project = Path(shutil.copytree(PROJECT, scratch / "project"))
    goals = ["compile", "dependency:copy-dependencies", f"-DoutputDirectory={project}/target/jars"]
    command = [maven(), "--quiet", "--batch-mode", f"-Dkafka.version={kafka_version()}", *goals]
    try:
        subprocess.run(command, cwd=project, capture_output=True, text=True, check=True, timeout=BUILD_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        raise BrokerUnavailable(f"Maven did not build it within {BUILD_SECONDS_MAX} s") from None
    except subprocess.CalledProcessError as failure:
        raise BrokerUnavailable(f"Maven could not build it: {failure.stdout.strip()[:500]}") from None
    return project / "target"
