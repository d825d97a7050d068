"""Who takes part: how each is started, and with which settings and why. docs/benchmarks.md is written from this."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import streams
from sla_monitor.config.settings import Settings
from sla_monitor.engine.topics import create_topics as create_own_topics
from tests.kafka.helpers import create_topics
from tests.kafka.jars import BrokerUnavailable

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TOPIC_PREFIX = "bench."
TOPIC = f"{TOPIC_PREFIX}case-events"  # the name our worker gives its input with that prefix
QUIX_PYTHON = Path(os.environ.get("BENCH_QUIX_PYTHON") or ROOT / ".venv-quix/bin/python")
WARM_UP_SECONDS = 20


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One run of one contender. `folder` is its own and empty."""

    bootstrap: str
    group: str
    partitions: int
    folder: Path


async def nothing(_turn: Turn) -> None:
    """There is nothing to do: it makes its own topics."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """`job` and `settings` are for readers. `missing`: why it cannot run here, or nothing."""

    name: str
    title: str
    job: str
    settings: str
    command: Callable[[], list[str]]
    environment: Callable[[Turn], Mapping[str, str]]
    prepare: Callable[[Turn], Awaitable[None]] = nothing
    workers: int = 1
    missing: Callable[[], str] = lambda: ""
    in_quick: bool = True
    notices: Callable[[Turn], str] | None = None  # the topic, of those that run the core


# --- ours ---------------------------------------------------------------------------------------------------------


def ours(name: str, title: str, *, journal: str, workers: int = 1, settings: str, in_quick: bool = True) -> Contender:
    def environment(turn: Turn) -> dict[str, str]:
        return {
            "SLA_BROKER": turn.bootstrap,
            "SLA_GROUP": turn.group,
            "SLA_TOPIC_PREFIX": TOPIC_PREFIX,
            "SLA_JOURNAL": journal,
            "SLA_SETTLE_SECONDS": "0",
            "SLA_WEB_PORT": "0",
        }

    async def prepare(turn: Turn) -> None:
        given = Settings(broker=turn.bootstrap, group=turn.group, topic_prefix=TOPIC_PREFIX)
        await create_own_topics(given, turn.partitions, 1)

    return Contender(
        name=name,
        title=title,
        job="the whole job: decode, fold, decide, notices, state, offsets, timers, dead letters",
        settings=settings,
        command=lambda: [sys.executable, "-m", "sla_monitor", "run"],
        environment=environment,
        prepare=prepare,
        workers=workers,
        in_quick=in_quick,
        notices=lambda _: f"{TOPIC_PREFIX}sla-notices",
    )


OURS = ours(
    "ours",
    "sla-monitor, exactly once",
    journal="transactional",
    settings="Defaults; topics as `sla-monitor topics create` makes them. `SLA_SETTLE_SECONDS=0`: no deadline is "
    "judged while the backlog is read.",
)
OURS_TWO = ours(
    "ours_two",
    "sla-monitor, exactly once, 2 workers",
    journal="transactional",
    workers=2,
    settings="The same, two processes of one group. Timed from the moment both have their partitions.",
)
OURS_AT_LEAST_ONCE = ours(
    "ours_at_least_once",
    "sla-monitor, at least once",
    journal="at_least_once",
    settings="The same with `SLA_JOURNAL=at_least_once`, the journal for brokers without transactions.",
    in_quick=False,
)


# --- Python peers -------------------------------------------------------------------------------------------------


async def _faust_topics(turn: Turn) -> None:
    await create_topics(turn.bootstrap, f"{turn.group}-sla-notices", partitions=turn.partitions)
    changelog = {"cleanup.policy": "compact"}
    await create_topics(turn.bootstrap, f"{turn.group}-cases-changelog", partitions=turn.partitions, configs=changelog)


FAUST = Contender(
    name="faust_table",
    title="ordinary Faust agent with a table",
    job="the same core: decode, fold, decide; state in a table, notices sent; no timers, no dead letters",
    settings="At least once and the memory store, both defaults and the fastest; the table holds decoded cases, so "
    "that nothing is decoded twice. Faust is the release that our worker uses.",
    command=lambda: [sys.executable, str(HERE / "plain_faust.py"), "worker", "-l", "warn"],
    environment=lambda turn: {
        "NAME": turn.group,
        "BROKER": turn.bootstrap,
        "TOPIC": TOPIC,
        "PARTITIONS": str(turn.partitions),
    },
    prepare=_faust_topics,
    notices=lambda turn: f"{turn.group}-sla-notices",
)


def _without_quix() -> str:
    if not QUIX_PYTHON.exists():
        return f"no environment at {QUIX_PYTHON.relative_to(ROOT)}: scripts/bench makes it from PyPI"
    asked = subprocess.run([QUIX_PYTHON, "-W", "ignore", "-c", "import quixstreams"], capture_output=True, check=False)
    return "" if asked.returncode == 0 else "its environment has no quixstreams that can be imported"


def _quix(job: str) -> Callable[[Turn], dict[str, str]]:
    return lambda turn: {
        "BROKER": turn.bootstrap,
        "TOPIC": TOPIC,
        "GROUP": turn.group,
        "NOTICES": f"{turn.group}-notices",
        "STATE": str(turn.folder),
        "JOB": job,
        "PYTHONPATH": str(ROOT / "src"),
    }


async def _quix_topics(turn: Turn) -> None:
    await create_topics(turn.bootstrap, f"{turn.group}-notices", partitions=turn.partitions)


QUIX_SETTINGS = (
    "At least once, its default and the faster one; state in RocksDB with a changelog topic, defaults; a checkpoint "
    "every second instead of every 5, so that a run of some seconds ends on one."
)
QUIX_CORE = Contender(
    name="quix_core",
    title="Quix Streams running the same core",
    job="the same core: decode, fold, decide; rows as bytes in its state store, notices sent; no timers, no dead "
    "letters",
    settings=QUIX_SETTINGS,
    command=lambda: [str(QUIX_PYTHON), "-W", "ignore", str(HERE / "quix.py")],
    environment=_quix("core"),
    prepare=_quix_topics,
    notices=lambda turn: f"{turn.group}-notices",
    missing=_without_quix,
)
QUIX_COUNT = Contender(
    name="quix_count",
    title="Quix Streams, only counting",
    job="counts the events of each key in its state store; values are not looked at",
    settings=QUIX_SETTINGS,
    command=QUIX_CORE.command,
    environment=_quix("count"),
    missing=_without_quix,
)
LIMIT = Contender(
    name="limit",
    title="bare aiokafka loop",
    job="decodes the JSON and commits the offsets, nothing else: the practical limit of a Python client",
    settings="The client that our worker uses, one process; `msgspec` decodes; a commit for each poll of at most "
    "8,000.",
    command=lambda: [sys.executable, str(HERE / "limit.py")],
    environment=lambda turn: {"BROKER": turn.bootstrap, "TOPIC": TOPIC, "GROUP": turn.group},
)


# --- Kafka Streams ------------------------------------------------------------------------------------------------


def _without_streams() -> str:
    try:
        streams.command()
    except BrokerUnavailable as missing:
        return str(missing)
    return ""


def kafka_streams(
    name: str, title: str, *, guarantee: str, commit_ms: str = "", threads: int = 1, why: str, in_quick: bool = True
) -> Contender:
    def environment(turn: Turn) -> dict[str, str]:
        commit = {"COMMIT_MS": commit_ms} if commit_ms else {}
        return commit | {
            "BROKER": turn.bootstrap,
            "TOPIC": TOPIC,
            "GROUP": turn.group,
            "GUARANTEE": guarantee,
            "STATE": str(turn.folder),
            "THREADS": str(threads),
            "WARM_UP_SECONDS": str(WARM_UP_SECONDS),
        }

    return Contender(
        name=name,
        title=title,
        job="counts the events of each key in its state store; values are not looked at",
        settings=f"`{guarantee}`, RocksDB with a changelog and the record cache, defaults; {why} Warmed up: the same "
        "process has read the whole topic once before it is timed.",
        command=streams.command,
        environment=environment,
        missing=_without_streams,
        in_quick=in_quick,
    )


STREAMS_AT_LEAST_ONCE = kafka_streams(
    "streams_at_least_once",
    "Kafka Streams, only counting, at least once",
    guarantee="at_least_once",
    commit_ms="100",
    why="one stream thread, the default; a commit every 100 ms, as with exactly once, instead of every 30 s, "
    "so that a run ends on one.",
    in_quick=False,
)
STREAMS_EXACTLY_ONCE = kafka_streams(
    "streams_exactly_once_v2",
    "Kafka Streams, only counting, exactly once",
    guarantee="exactly_once_v2",
    why="one stream thread, the default, beside our one worker; a commit every 100 ms, its default here.",
)
STREAMS_TWO = kafka_streams(
    "streams_two",
    "Kafka Streams, only counting, exactly once, 2 threads",
    guarantee="exactly_once_v2",
    threads=2,
    why="a stream thread for each core, beside our two workers.",
    in_quick=False,
)

ALL = (
    OURS,
    OURS_TWO,
    OURS_AT_LEAST_ONCE,
    FAUST,
    QUIX_CORE,
    QUIX_COUNT,
    STREAMS_AT_LEAST_ONCE,
    STREAMS_EXACTLY_ONCE,
    STREAMS_TWO,
    LIMIT,
)
