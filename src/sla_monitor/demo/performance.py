"""A demo from its first line to its last: broker, topics, worker, customers, and what the worker says about them.

Everything started here ends here, whichever way the demo ends: by Ctrl-C, SIGTERM, its duration, or because something
broke. Broker and worker end even when this process is killed (`engine/keeper.py`).
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sla_monitor.config import settings as configuration
from sla_monitor.config.settings import Settings
from sla_monitor.core.facts import SECOND
from sla_monitor.demo.stories import Run, Story, stories, tellings
from sla_monitor.demo.worker import DemoWorker
from sla_monitor.engine.embedded import embedded_broker
from sla_monitor.engine.playing import a_sender, followed, make_topics, records_so_far

PARTITIONS: Final = 4  # of new topics
SPEED_DEFAULT: Final = 600.0  # an hour of the plan takes six seconds
DRAW_SECONDS: Final = 0.25
DRAIN_SECONDS_MAX: Final = 5.0  # for what the worker said last
STUCK_SECONDS: Final = 3.0  # the loop does not turn: nobody reads what is being written
SOON_SECONDS: Final = 0.001  # nobody waits for less
SECURITY: Final = ("SLA_SECURITY_", "SLA_SASL_", "SLA_SSL_")
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

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


async def until_signal(work: Coroutine[Any, Any, None], stuck: Callable[[], None] = lambda: None) -> None:
    """`work` to its end, or to the first SIGINT, SIGTERM or SIGHUP: then it is cancelled and may tidy up in peace. A
    second one ends the process at once.

    Whoever reads what we say may have stopped reading, and then the loop hangs in a write. Once it was asked to end,
    `stuck` is called when that lasts; it may lead the file elsewhere, and the write goes on there (PEP 475).
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    has_turned = True

    def turned() -> None:
        nonlocal has_turned
        has_turned = True

    def look(*_: object) -> None:
        nonlocal has_turned
        if not has_turned:
            stuck()
        has_turned = False
        loop.call_soon_threadsafe(turned)

    def asked_to_end(*_: object) -> None:  # by Python, not by the loop, which may not turn
        for each in SIGNALS:
            signal.signal(each, signal.SIG_DFL)
        loop.call_soon_threadsafe(stop.set)
        look()
        signal.setitimer(signal.ITIMER_REAL, STUCK_SECONDS, STUCK_SECONDS)

    signal.signal(signal.SIGALRM, look)
    for number in SIGNALS:
        signal.signal(number, asked_to_end)
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    working.cancel()  # of no effect on what is done
    try:
        with suppress(asyncio.CancelledError):
            await working
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


async def perform(programme: Programme, show: Show, clock: Clock = wall) -> None:
    """Until it is cancelled, or its duration is over. Fatal: the worker ended by itself; RefuseToStart: it did so, for
    a reason that it named, before it began.
    """
    with _a_broker(programme.broker) as broker:
        settings = _settings(programme, broker)
        show.progress(f"broker: {broker}")
        partitions = await make_topics(settings, PARTITIONS)
        worker = DemoWorker(settings, programme.speed)
        show.progress("the worker starts and joins its group")
        is_over = asyncio.Event()
        listening = asyncio.create_task(_listen(settings, partitions, show, is_over))
        try:
            show.playing(await worker.ready())
            await _play(programme, settings, partitions, worker, show, clock, listening)
        finally:
            await worker.end()
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


@contextmanager
def _a_broker(given: str | None) -> Iterator[str]:
    """The bootstrap address of the broker that was named, which stays as it is, or of one that ends with the demo."""
    if given is not None:
        yield given
        return
    for name in [name for name in os.environ if name.startswith(SECURITY)]:
        del os.environ[name]  # ours, and so the worker's: they are about another broker, this one speaks plainly
    with embedded_broker() as address:
        yield address


async def _play(
    programme: Programme,
    settings: Settings,
    partitions: int,
    worker: DemoWorker,
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
        for job in (play(settings, run, show.begins, clock), _draw(show, clock, ends_at), worker.watch())
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
