"""A demo from its first line to its last: broker, topics, worker, customers, and what the worker says about them.

Everything started here ends here, whichever way the demo ends: by Ctrl-C, SIGTERM, its duration, or because something
broke. The worker and the temporary folder end even when this process is killed (`demo/kept.py`).
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from sla_monitor.config import settings as configuration
from sla_monitor.config.settings import Settings
from sla_monitor.core.facts import SECOND
from sla_monitor.demo.kept import Kept, a_keeper
from sla_monitor.demo.pack import write_shortened
from sla_monitor.demo.stories import Run, Story, stories, tellings
from sla_monitor.engine.playing import a_sender, followed, make_topics, records_so_far
from sla_monitor.errors import EXIT_USAGE, Fatal, RefuseToStart, SlaError

PARTITIONS: Final = 4  # of new topics
SPEED_DEFAULT: Final = 600.0  # an hour of the plan takes six seconds
READY_SECONDS_MAX: Final = 60.0  # ~3 s with Kafka, ~10 s with the embedded broker, whose groups are slow to form
POLL_SECONDS: Final = 0.1
DRAW_SECONDS: Final = 0.25
DRAIN_SECONDS_MAX: Final = 5.0  # for what the worker said last
SOON_SECONDS: Final = 0.001  # nobody waits for less
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_WEB_PORT = re.compile(r"ready for partitions\b.*\bweb=(\d+)")

Clock = Callable[[], int]  # microseconds since the epoch


class Show(Protocol):
    """Who watches: a person at a terminal, or a program behind a pipe."""

    def progress(self, text: str) -> None:
        """A step of the start was made."""

    def playing(self, metrics: str) -> None:
        """The customers begin; the worker's metrics are at this address."""

    def begins(self, story: Story) -> None:
        """A case is about to be opened."""

    def notice(self, line: bytes) -> None:
        """A notice, as it is in Kafka. BrokenPipeError: nobody reads any more, and the demo ends."""

    def dead_letter(self) -> None:
        """A record was set aside."""

    def draw(self, now: int, left: int | None) -> None:
        """Time has passed; `left`: microseconds until the end, if there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """What the command line asks for. `broker` None: one of its own. `duration_seconds` None: until it is ended."""

    seed: int
    speed: float
    cases_a_minute: float
    duration_seconds: float | None = None
    broker: str | None = None


def wall() -> int:
    """The clock of this machine."""
    return time.time_ns() // 1_000


async def until_signal(work: Coroutine[Any, Any, None]) -> None:
    """`work` to its end, or to the first SIGINT, SIGTERM or SIGHUP: then it is cancelled and may tidy up in peace."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in SIGNALS:
        loop.add_signal_handler(number, stop.set)
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    working.cancel()  # of no effect on what is done
    with suppress(asyncio.CancelledError):
        await working


async def perform(programme: Programme, show: Show, clock: Clock = wall) -> None:
    """Until it is cancelled, or its duration is over. Fatal: the worker ended by itself; RefuseToStart: it did so, for
    a reason that it named, before it began.
    """
    async with a_keeper() as kept:
        with _a_broker(programme.broker, kept.folder) as broker:
            settings = _settings(programme, broker)
            show.progress(f"broker: {broker}")
            partitions = await make_topics(settings, PARTITIONS)
            kept.start(_environment(settings, write_shortened(kept.folder, programme.speed)))
            show.progress("the worker starts and joins its group")
            is_over = asyncio.Event()
            listening = asyncio.create_task(_listen(settings, partitions, show, is_over))
            try:
                show.playing(await _ready(kept))
                await _play(programme, settings, partitions, kept, show, clock, listening)
            finally:
                await kept.end()
                is_over.set()
                await asyncio.wait({listening}, timeout=DRAIN_SECONDS_MAX)
                listening.cancel()


def name_of(speed: float) -> str:
    """Of the deployment: what was decided at one speed makes no sense at another, so each has topics of its own."""
    return "demo" if speed == SPEED_DEFAULT else f"demo-x{speed:g}"


def _settings(programme: Programme, broker: str) -> Settings:
    """Of every client here, and of the worker. What a demo has no opinion on comes from the environment."""
    name = name_of(programme.speed)
    return configuration.load(
        broker=broker,
        group=os.environ.get("SLA_GROUP") or f"sla-monitor-{name}",
        topic_prefix=os.environ.get("SLA_TOPIC_PREFIX") or f"{name}.",
        journal=os.environ.get("SLA_JOURNAL") or "at_least_once",
        web_port=os.environ.get("SLA_WEB_PORT") or 0,
        settle_seconds=0,
        log_format="console",
    )


def _environment(settings: Settings, policy: Path) -> dict[str, str]:
    """The worker's: ours, with what the settings say instead."""
    said = ("broker", "group", "topic_prefix", "journal", "web_port", "settle_seconds", "log_format")
    values = {f"{configuration.PREFIX}{name.upper()}": str(getattr(settings, name)) for name in said}
    return dict(os.environ) | values | {"SLA_POLICY": str(policy), "NO_COLOR": "1"}


@contextmanager
def _a_broker(given: str | None, _folder: Path) -> Iterator[str]:
    """The bootstrap address of the broker that was named, which stays as it is, or of one that ends with the demo."""
    if given is None:
        raise RefuseToStart("--broker: is needed; a broker of its own is not available in this version")
    yield given


async def _ready(kept: Kept) -> str:
    """Until the worker is ready for work; the address of its metrics."""
    async with asyncio.timeout(READY_SECONDS_MAX):
        while True:
            if kept.exit_code is not None:
                raise _ended(kept, while_starting=True)
            match = _WEB_PORT.search("\n".join(kept.lines()))
            if match:
                is_ready = await asyncio.to_thread(_is_ready, int(match[1]))
                if is_ready:
                    return f"http://127.0.0.1:{match[1]}/metrics"
            await asyncio.sleep(POLL_SECONDS)


def _is_ready(port: int) -> bool:
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
        return True  # any other status than 200 is an OSError
    return False


def _ended(kept: Kept, *, while_starting: bool = False) -> SlaError:
    """Why the worker is gone, with what it said last."""
    lines = kept.last_lines()
    if while_starting and kept.exit_code == EXIT_USAGE:
        return RefuseToStart([*lines, "the demo's worker refused to start, for the reasons above"])
    said = "\n".join(f"  {line}" for line in lines) or "  (nothing)"
    return Fatal(f"the worker ended unexpectedly, with exit code {kept.exit_code}. Its last lines:\n{said}")


async def _play(
    programme: Programme,
    settings: Settings,
    partitions: int,
    kept: Kept,
    show: Show,
    clock: Clock,
    listening: asyncio.Task[None],
) -> None:
    """The customers, until the duration is over or one of the parts ends: each may only end by an error."""
    run = Run(
        seed=programme.seed,
        started_at=clock(),
        speed=programme.speed,
        cases_a_minute=programme.cases_a_minute,
        tag=tag(await records_so_far(settings, partitions)),
    )
    ends_at = None if programme.duration_seconds is None else clock() + int(programme.duration_seconds * SECOND)
    jobs = [
        asyncio.create_task(job)
        for job in (play(settings, run, show.begins, clock), _draw(show, clock, ends_at), _watch(kept))
    ]
    try:
        done, _ = await asyncio.wait(
            {*jobs, listening}, timeout=programme.duration_seconds, return_when=asyncio.FIRST_COMPLETED
        )
        for job in done:
            job.result()
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


def tag(records: int) -> str:
    """What sets the cases of this run apart: nothing in a new topic, so that a seed always has the same ids there."""
    return f"{records:x}" if records else ""


async def play(settings: Settings, run: Run, begins: Callable[[Story], None], clock: Clock = wall) -> None:
    """The customers alone, for ever: each record at its time, or as soon as the one before it is acknowledged."""

    def begun() -> Iterator[Story]:
        for story in stories(run):
            begins(story)
            yield story

    async with a_sender(settings) as sender:
        for telling in tellings(begun()):
            await _until(telling.at, clock)
            await sender.send(telling.key, telling.value)


async def _until(at: int, clock: Clock) -> None:
    """Sleeps are cut short and clocks are set, so it looks again."""
    while (seconds := (at - clock()) / SECOND) > SOON_SECONDS:  # noqa: ASYNC110 - time has no event
        await asyncio.sleep(seconds)


async def _listen(settings: Settings, partitions: int, show: Show, is_over: asyncio.Event) -> None:
    """Notices and dead letters, until all that there is when it is over has been read, or nobody wants any more."""
    topics = settings.topics
    with suppress(BrokenPipeError):
        async for record in followed(settings, (topics.notices, topics.dead), partitions, is_over):
            if record.topic == topics.dead:
                show.dead_letter()
            elif record.value is not None:
                show.notice(record.value)


async def _draw(show: Show, clock: Clock, ends_at: int | None) -> None:
    while True:
        now = clock()
        show.draw(now, None if ends_at is None else ends_at - now)
        await asyncio.sleep(DRAW_SECONDS)


async def _watch(kept: Kept) -> None:
    await kept.ended()
    raise _ended(kept)
