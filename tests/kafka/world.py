"""A whole deployment for one test: its four topics, workers as real processes, case events in, notices out.

    async with a_world(broker.bootstrap, partitions=2) as world:
        worker = world.start()
        await worker.ready()
        await world.send(event("case-1", "case.opened", now(), **A_CASE))
        await world.caught_up()
        assert [notice.type for notice in await world.notices()] == ["sla.clock.started"]

Every process started here is ended with the test, by its pid. All waiting polls, up to a deadline; past it the error
shows the end of each worker's log.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiokafka import AIOKafkaProducer
from aiokafka.structs import RecordMetadata

from sla_monitor.config.settings import Settings
from sla_monitor.engine.topics import create_topics
from tests.kafka.helpers import Record, committed, fresh_prefix, read_all

SECOND: Final = 1_000_000  # instants are microseconds since the epoch
READY_SECONDS_MAX: Final = 40.0  # on two busy cores; ~3 s on idle ones
EXIT_SECONDS_MAX: Final = 40.0  # a start that is refused is a start: see above
CAUGHT_UP_SECONDS_MAX: Final = 60.0
PATIENCE_SECONDS: Final = 60.0  # for anything else: it only bounds how long a hang takes to fail
POLL_SECONDS: Final = 0.05
LOG_LINES_SHOWN: Final = 15
SOURCE: Final = "/tests"

# What `case.opened` needs at least, for a case whose clocks run around the clock. Targets are the test's.
A_CASE: Final[dict[str, Any]] = {
    "severity": "A",
    "plan": "unified",
    "country": "US",
    "language": "en",
    "submitted_by": "admin",
}

CONSOLE: Final = (sys.executable, "-m", "sla_monitor", "run")
_SHIFTED: Final = """
import sys, time
from sla_monitor.config.packs import load_packs
from sla_monitor.config.settings import load
from sla_monitor.engine import app
from sla_monitor.observe import logs
settings, seconds = load(), float(sys.argv[1])
logs.configure(settings.log_format)
app.run(settings, load_packs(settings.policy), wall=lambda: time.time() + seconds)
"""

_PATCHED: Final = """
import sys
exec(sys.argv.pop(1))
from sla_monitor.__main__ import main
sys.argv[0] = "sla-monitor"
main()
"""

_numbers = itertools.count()


def shifted(seconds: float) -> tuple[str, ...]:
    """The command of a worker whose clock is this much ahead of ours (behind: below zero)."""
    return (sys.executable, "-c", _SHIFTED, str(seconds))


def patched(statements: str, *arguments: str) -> tuple[str, ...]:
    """The command of a worker in whose process these statements run first: a slow disk, a fault, a delay."""
    return (sys.executable, "-c", _PATCHED, statements, "run", *arguments)


def now() -> int:
    """This machine's clock."""
    return time.time_ns() // 1_000


def rfc3339(at: int) -> str:
    """An instant as events write it, to the microsecond."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def instant(text: str) -> int:
    """The instant a notice names."""
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


# --- events in ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A record for the input topic. `partition`: None lets murmur2 of the key decide, as all producers must."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    partition: int | None = None


def envelope(
    case_id: str, kind: str, at: int, *, event_id: str | None = None, sequence: int | None = None, **data: Any
) -> dict[str, Any]:
    """A case event as a CloudEvent; tests spoil copies of it. Without `event_id` each has its own."""
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": event_id or f"e{next(_numbers)}",
        "source": SOURCE,
        "type": kind,
        "subject": case_id,
        "time": rfc3339(at),
        "data": data,
    }
    if sequence is not None:
        attributes["sequence"] = str(sequence)
    return attributes


def event(
    case_id: str, kind: str, at: int, *, event_id: str | None = None, sequence: int | None = None, **data: Any
) -> Event:
    """A structured case event under its case's key."""
    attributes = envelope(case_id, kind, at, event_id=event_id, sequence=sequence, **data)
    return Event(key=case_id.encode(), value=json.dumps(attributes).encode())


# --- notices out --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notice as a reader of committed records gets it. `at` is what it is about, `appended_at` the broker's time
    of its transaction's write; both in microseconds."""

    partition: int
    offset: int
    key: bytes | None
    id: str
    type: str
    case_id: str
    at: int
    appended_at: int
    data: dict[str, Any]
    value: dict[str, Any]

    @property
    def clock(self) -> str:
        return str(self.data.get("clock", ""))


def as_notice(record: Record) -> Notice:
    value = json.loads(record.value or b"")
    return Notice(
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        id=value["id"],
        type=value["type"],
        case_id=value["subject"],
        at=instant(value["time"]),
        appended_at=record.timestamp * 1_000,
        data=value["data"],
        value=value,
    )


def standing(notices: Iterable[Notice]) -> list[Notice]:
    """Sent and not withdrawn, in the order given."""
    notices = list(notices)
    withdrawn = {notice.data["retracts"] for notice in notices if notice.type == "sla.retracted"}
    return [notice for notice in notices if notice.type != "sla.retracted" and notice.id not in withdrawn]


# --- workers ------------------------------------------------------------------------------------------------------


class WorkerEnded(Exception):
    """A worker ended while something was expected of it."""


class WorkerProcess:
    """One worker, a child process of the test. Its log is JSON lines; `lines` are those already written."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        self._port = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; -9 after SIGKILL."""
        return self._process.poll()

    @property
    def text(self) -> str:
        """Everything it has written."""
        return self.log.read_text(errors="replace")

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it has logged, without what is no JSON."""
        found = []
        for line in self.text.splitlines():
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return [line for line in found if isinstance(line, dict)]

    @property
    def web_port(self) -> int:
        """The one it found free; 0 as long as it has not said so."""
        if not self._port:
            self._port = next((int(line["web"]) for line in self.lines if "web" in line), 0)
        return self._port

    def kill(self) -> None:
        """SIGKILL, and it is gone on return."""
        self._process.kill()
        self._process.wait()

    def terminate(self) -> None:
        """SIGTERM: an orderly end; see `ended`."""
        self._process.terminate()

    def freeze(self) -> None:
        """SIGSTOP: as a machine that hangs, with its connections open."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._process.send_signal(signal.SIGCONT)

    async def ended(self, seconds: float = EXIT_SECONDS_MAX) -> int:
        """Its exit code, once it has one."""
        await eventually(lambda: self.exit_code is not None, lambda: f"it runs on\n{self.end_of_log()}", seconds)
        assert self.exit_code is not None
        return self.exit_code

    async def ready(self, seconds: float = READY_SECONDS_MAX, partitions: int | None = None) -> dict[str, Any]:
        """Until `/readyz` says so, of as many partitions if told how many; the page."""
        page: dict[str, Any] = {}

        async def is_ready() -> bool:
            nonlocal page
            page = await self.page("/readyz") or {}
            return bool(page.get("ready")) and partitions in {None, len(page["partitions"])}

        await eventually(is_ready, lambda: f"not ready: {page}\n{self.end_of_log()}", seconds)
        return page

    async def states(self) -> dict[int, str]:
        """The state of each partition it has."""
        page = await self.page("/readyz") or {"partitions": []}
        return {each["partition"]: each["state"] for each in page["partitions"]}

    async def page(self, path: str) -> dict[str, Any] | None:
        """A JSON page whatever its status; None if nobody answers (yet). WorkerEnded if it has ended."""
        text = await self.text_of(path)
        return None if text is None else dict(json.loads(text))

    async def text_of(self, path: str) -> str | None:
        """A page as text, such as `/metrics`."""
        if self.exit_code is not None:
            raise WorkerEnded(f"exit code {self.exit_code}\n{self.end_of_log()}")
        if not self.web_port:
            return None
        limit = aiohttp.ClientTimeout(total=2)
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.get(f"http://127.0.0.1:{self.web_port}{path}") as answer,
            ):
                return await answer.text()
        return None

    async def metric(self, series: str) -> float:
        """The value of one series as `/metrics` writes it, labels included; 0 if it is not there."""
        for line in (await self.text_of("/metrics") or "").splitlines():
            name, _, value = line.rpartition(" ")
            if name == series:
                return float(value)
        return 0.0

    def end_of_log(self) -> str:
        return "\n".join(self.text.splitlines()[-LOG_LINES_SHOWN:])

    def close(self) -> None:
        """Nobody outlives the test, frozen or not."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


# --- the deployment -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class World:
    """Made by `a_world`."""

    settings: Settings
    partitions: int
    producer: AIOKafkaProducer
    folder: Path
    environment: dict[str, str]
    workers: list[WorkerProcess] = field(default_factory=list)
    launch: type[WorkerProcess] = WorkerProcess

    def start(self, command: Sequence[str] = CONSOLE, **environment: str) -> WorkerProcess:
        """Another worker of this deployment: `run`, or such as `shifted(-5)`. Settings by their full names."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        worker = self.launch(command, {**self.environment, **environment}, log)
        self.workers.append(worker)
        return worker

    async def send(self, *events: Event) -> list[RecordMetadata]:
        """Each, in this order within a partition, acknowledged on return."""
        return list(await asyncio.gather(*[await self._send(each) for each in events]))

    async def _send(self, sent: Event) -> asyncio.Future[RecordMetadata]:
        topic, headers = self.settings.topics.events, list(sent.headers)
        future: asyncio.Future[RecordMetadata]
        if sent.key is None and sent.value is None:  # which `send` refuses, and other clients do not
            batch = self.producer.create_batch()
            batch.append(key=None, value=None, timestamp=None, headers=headers)
            future = await self.producer.send_batch(batch, topic, partition=sent.partition or 0)
        else:
            future = await self.producer.send(
                topic, sent.value, key=sent.key, partition=sent.partition, headers=headers
            )
        return future

    async def notices(self) -> list[Notice]:
        """As a reader of committed records sees them, by partition and offset."""
        return [as_notice(record) for record in await read_all(self.settings.broker, self.settings.topics.notices)]

    async def dead(self) -> list[Record]:
        """The dead letters, raw."""
        return await read_all(self.settings.broker, self.settings.topics.dead)

    async def state(self) -> dict[bytes, bytes | None]:
        """The newest row of each key; None is a tombstone."""
        records = await read_all(self.settings.broker, self.settings.topics.state)
        return {record.key or b"": record.value for record in records}

    async def committed(self) -> dict[int, int]:
        """The group's offsets on the input; 0 where there is none yet."""
        found = await committed(self.settings.broker, self.settings.group, self.settings.topics.events)
        return {partition: found.get(partition, 0) for partition in range(self.partitions)}

    async def input_ends(self) -> dict[int, int]:
        """Behind the last committed record of each partition (markers of transactions are nobody's to commit)."""
        ends = dict.fromkeys(range(self.partitions), 0)
        for record in await read_all(self.settings.broker, self.settings.topics.events):
            ends[record.partition] = max(ends[record.partition], record.offset + 1)
        return ends

    async def caught_up(self, seconds: float = CAUGHT_UP_SECONDS_MAX, partitions: Iterable[int] | None = None) -> None:
        """Until the group has committed everything that is in the input now, or in these partitions of it."""
        ends = await self.input_ends()
        wanted = {partition: ends[partition] for partition in (ends if partitions is None else partitions)}
        reached: dict[int, int] = {}

        async def is_there() -> bool:
            nonlocal reached
            reached = await self.committed()
            return all(reached[partition] >= end for partition, end in wanted.items())

        await eventually(is_there, lambda: f"committed {reached} of {wanted}\n{self.ends_of_logs()}", seconds)

    def ends_of_logs(self) -> str:
        """For messages of failed tests."""
        return "\n".join(f"--- {worker.log.name}\n{worker.end_of_log()}" for worker in self.workers)


@contextlib.asynccontextmanager
async def a_world(bootstrap: str, *, partitions: int = 2, **environment: str) -> AsyncIterator[World]:
    """A deployment nobody else has, topics made by the product itself, settle time 0, one producer. `environment`:
    settings of all its workers by their full names. Whatever happens, its workers are gone in the end."""
    prefix = fresh_prefix()
    given = {"journal": environment["SLA_JOURNAL"]} if "SLA_JOURNAL" in environment else {}
    settings = Settings(broker=bootstrap, topic_prefix=prefix, group=f"{prefix}group", **given)  # type: ignore[arg-type]
    reports = await create_topics(settings, partitions, 1)
    assert [report.outcome for report in reports] == ["created"] * 4, reports
    ours = {
        "SLA_BROKER": settings.broker,
        "SLA_TOPIC_PREFIX": settings.topic_prefix,
        "SLA_GROUP": settings.group,
        "SLA_SETTLE_SECONDS": "0",
        "SLA_WEB_PORT": "0",
        "SLA_LOG_FORMAT": "json",
        "PYTHONUNBUFFERED": "1",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SLA_")}
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=settings.journal == "transactional",
        max_request_size=64 << 20,
        linger_ms=2,
    )
    with tempfile.TemporaryDirectory(prefix="sla-monitor-world-") as folder:
        world = World(settings, partitions, producer, Path(folder), {**inherited, **ours, **environment})
        await producer.start()
        try:
            yield world
        finally:
            for worker in world.workers:
                worker.close()
            await producer.stop()


async def eventually(
    condition: Callable[[], bool | Awaitable[bool]], otherwise: Callable[[], str], seconds: float = PATIENCE_SECONDS
) -> None:
    """Polls until it holds. AssertionError with what `otherwise` says, after `seconds`."""
    give_up_at = time.monotonic() + seconds
    while True:
        holds = condition()
        if holds if isinstance(holds, bool) else await holds:
            return
        assert time.monotonic() < give_up_at, f"not within {seconds} s: {otherwise()}"
        await asyncio.sleep(POLL_SECONDS)
