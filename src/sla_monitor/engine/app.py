"""The worker: Faust runs the group and fetches, the shards decide and commit, a web page tells how they are.

Over 300 lines: in which order all of it begins and ends has to be read in one place.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import faust
import structlog
from aiohttp import web
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError
from faust.types import TP

from sla_monitor.config.packs import load_packs
from sla_monitor.config.settings import Settings, read_secret
from sla_monitor.core.facts import SECOND
from sla_monitor.core.notices import KINDS
from sla_monitor.core.policy import Packs
from sla_monitor.engine.assignment import Assignment
from sla_monitor.engine.case_events_out import CaseEventsOut
from sla_monitor.engine.counting import count
from sla_monitor.engine.garbage import collect_seldom
from sla_monitor.engine.group import EVERYWHERE, as_told, group_app, owners, tell_url, url_of
from sla_monitor.engine.holdings import Deployment, Retractions
from sla_monitor.engine.journals import Journals
from sla_monitor.engine.layout import Layout, verified_layout
from sla_monitor.engine.log import Log
from sla_monitor.engine.partition import Rules
from sla_monitor.engine.records import Batch
from sla_monitor.engine.reload import Reloading
from sla_monitor.engine.rules import rules_of
from sla_monitor.engine.shard import Surroundings
from sla_monitor.engine.transport import FetchedBatch, PassThrough
from sla_monitor.engine.watchdog import Watchdog, end_process
from sla_monitor.engine.watermark import Watermarks
from sla_monitor.errors import EXIT_USAGE, RefuseToStart
from sla_monitor.observe import control, health, metrics
from sla_monitor.observe.recorder import Labels, Recorder, ShardCollector
from sla_monitor.wire.inbound import REASONS

CLOSING_SECONDS_MAX = 8.0  # from SIGTERM to the end; orchestrators kill after 10 or 30
LOOK_AT_TOPICS_SECONDS = 30.0

Pages = Callable[[web.Application, Deployment], None]

_log = structlog.get_logger("sla_monitor")


class Worker:
    """Everything one process runs. Made once; `wall` is the only clock."""

    def __init__(
        self,
        settings: Settings,
        packs: Packs,
        layout: Layout,
        *,
        wall: Callable[[], float] = time.time,
        accept_input_loss: bool = False,
        pages: Pages | None = None,
    ) -> None:
        self.settings, self.packs, self.layout, self.wall = settings, packs, layout, wall
        self._pages = pages
        self.rules = self._rules()
        self._settle = int(settings.settle_seconds * SECOND)
        self.registry = metrics.registry()
        self.labels = _labels(packs)
        self.recorder = Recorder(self.registry, self.labels)
        self.log = Log(settings)
        self.journals = Journals(
            settings, self.log, wall=wall, accept_input_loss=accept_input_loss, commit_input=self._commit_input
        )
        self.case_events, self.retractions = CaseEventsOut(settings), Retractions()
        self.faust = group_app(settings, layout.partitions)
        self.assignment = Assignment(settings.topics.events, self._surroundings(), self._failed)
        self.watermarks = Watermarks(self.log, lambda: self.assignment.shards, wall, self._settle)
        self.watchdog = Watchdog(settings.session_timeout_seconds, lambda: self.assignment.shards, self.recorder.stall)
        self.registry.register(
            ShardCollector(lambda: self.assignment.shards, wall, settings.settle_seconds, self.labels)
        )
        self.reloading = Reloading(
            packs,
            load=self._load,
            take=self._take,
            told=self._reloaded,
            wall=wall,
            ahead=int(settings.future_tolerance_seconds * SECOND),
        )
        self._stop_web: Any = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._has_begun, self._is_closing = False, False
        self._not_starting = asyncio.Event()
        self._not_starting.set()
        self._connect()

    def run(self) -> None:
        """Until a signal. Ends the process with 70 when something is wrong that a restart may mend."""
        worker = faust.Worker(
            self.faust,
            loglevel="WARNING",
            override_logging=False,
            redirect_stdouts=False,
            quiet=True,
            loop=asyncio.new_event_loop(),
        )
        worker.spinner = None
        collect_seldom()
        try:
            worker.execute_from_commandline()
        except SystemExit as ended:  # mode ends with 1 whatever crashed inside Faust
            if ended.code:
                end_process(f"a service of Faust crashed: {ended.__context__!r}")
            raise

    def _connect(self) -> None:
        """Faust's signals and the one agent."""
        app, topic = self.faust, self.settings.topics.events
        app.before_joining = self.start

        @app.on_partitions_revoked.connect(weak=False)
        async def revoked(_app: Any, revoked: set[TP], **_: Any) -> None:
            await self.assignment.revoked(tp.partition for tp in revoked if tp.topic == topic)

        @app.on_partitions_assigned.connect(weak=False)
        async def assigned(_app: Any, assigned: set[TP], **_: Any) -> None:
            ours = sorted(tp.partition for tp in assigned if tp.topic == topic)
            _log.info("assigned", partitions=ours)
            self.recorder.rebalanced()
            await self.assignment.assigned(ours)

        @app.on_before_shutdown.connect(weak=False)
        async def closing(_app: Any, **_: Any) -> None:
            await self._close()

        channel = app.topic(topic, partitions=self.layout.partitions, schema=PassThrough(), acks=False)

        @app.agent(channel, name="shards")
        async def deliver(stream: Any) -> None:
            async for event in stream.noack().events():
                batch: FetchedBatch = event.value
                if batch.generation == app.consumer_generation_id:
                    self.assignment.deliver(event.message.partition, batch.records)

    async def start(self) -> None:
        """Before the group is joined. Asked to end meanwhile, it never returns and is cancelled: Faust would go on and
        join.
        """
        self._has_begun = True
        self._not_starting.clear()
        try:
            await self._start()
        except RefuseToStart as refusal:
            end_process("; ".join(refusal.problems), EXIT_USAGE)
        except Exception as error:  # noqa: BLE001 - handed on
            self._failed(error)
        finally:
            self._not_starting.set()
        if self._is_closing:
            await asyncio.Event().wait()

    async def _start(self) -> None:
        await self.log.start()
        await self.journals.take()
        self.recorder.partitions(self.layout.partitions)
        await asyncio.to_thread(self.packs.versions[-1].horizons)
        self._configured()  # before anybody can look: no page says that nothing is loaded
        token = self._token()
        page = health.application(self.registry, self._readiness)
        control.add_routes(page, self.reloading.reload, token)
        if self._pages is not None:
            self._pages(page, self._deployment(token))
        self._stop_web = await health.serve(self.settings.web_host, self.settings.web_port, page)
        tell_url(self.faust, self._url())
        self.watchdog.start()
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload)
        for job in (self.watermarks.run(), self._beat(), self._watch_topics(), self.journals.keep()):
            self._spawn(job)
        _log.info("ready for partitions", group=self.settings.group, web=self._stop_web.port)

    def _spawn(self, job: Any, *, may_end: bool = False) -> None:
        """A job that ends although it must not, or with an error, ends the process."""

        def ended(done: asyncio.Task[Any]) -> None:
            self._tasks.discard(done)
            if not done.cancelled() and not (may_end and done.exception() is None):
                self._failed(done.exception())

        task = asyncio.get_running_loop().create_task(job)
        task.add_done_callback(ended)
        self._tasks.add(task)

    def _token(self) -> str | None:
        path = self.settings.web_token_file
        return None if path is None else read_secret(path, "SLA_WEB_TOKEN_FILE")

    def _url(self) -> str:
        """Where the other workers reach this one. Without SLA_WEB_ADVERTISED_URL: by the address that it listens on, or
        by the name of its machine where that is every one.
        """
        host = self.settings.web_host
        host = socket.gethostname() if host in EVERYWHERE else host
        return as_told(self.settings.web_advertised_url or url_of(host, self._stop_web.port))

    def _deployment(self, token: str | None) -> Deployment:
        return Deployment(
            name=self.settings.group,
            partitions=self.layout.partitions,
            token=token,
            web_host=self.settings.web_host,
            is_shadow=bool(self.settings.shadow),
            ask_packs=lambda: self.packs,
            ask_shards=lambda: self.assignment.shards,
            ask_owners=lambda: owners(self.faust, self.settings.topics.events),
            ask_url=self._url,
            ask_verdicts=self.recorder.verdicts,
            wall=self.wall,
            out=self.case_events,
            retractions=self.retractions,
        )

    def _reload(self) -> None:
        """SIGHUP: as the POST, and the outcome is in the log and the metrics."""
        self._spawn(self.reloading.reload(), may_end=True)

    def _load(self) -> Packs:
        """In a thread, and so is what takes long to say of them."""
        packs = load_packs(self.settings.policy)
        packs.versions[-1].horizons()
        return packs

    def _configured(self) -> None:
        newest = self.packs.versions[-1]
        self.recorder.configured(self.packs.digest[:12], self.wall())
        for calendar, until in newest.horizons().items():
            self.recorder.horizon(calendar, until / SECOND)
        for names in itertools.product(self.labels.clocks, self.labels.severities, self.labels.plans):
            self.recorder.attainment(*names, newest.attainment_of(*names))

    def _rules(self) -> Rules:
        return rules_of(self.settings, self.packs, self.layout, lambda: len(self.assignment.shards))

    def _take(self, packs: Packs) -> None:
        self.packs = packs
        self.rules = self._rules()
        for shard in self.assignment.shards:
            shard.use(self.rules)

    def _reloaded(self, problems: list[str]) -> None:
        if problems:
            self.recorder.reload_refused()
        else:
            self._configured()

    async def _close(self) -> None:
        """Shards end their transactions, then everything else; whatever hangs is left to the kernel."""
        deadline = threading.Timer(CLOSING_SECONDS_MAX, end_process, ["closing took too long"])
        deadline.daemon = True  # in a thread: once the loop has ended, Python still waits for those that read a pack
        deadline.start()
        asyncio.get_running_loop().set_exception_handler(_while_closing)
        self._is_closing = True
        await self._not_starting.wait()  # then there is one order in which things end
        for task in self._tasks:
            task.cancel()
        await self.assignment.close()
        await self.journals.release()
        self.watchdog.stop()
        if self._stop_web is not None:
            await self._stop_web()
        await self.case_events.close()
        if self._has_begun:
            await self.log.stop()

    async def _beat(self) -> None:
        while True:
            self.watchdog.beat()
            await asyncio.sleep(0.1)

    async def _watch_topics(self) -> None:
        """A changed number of partitions would send cases elsewhere: stop and say so."""
        while True:
            await asyncio.sleep(LOOK_AT_TOPICS_SECONDS)
            now = self.log.partitions(self.settings.topics.events)
            if now not in (0, self.layout.partitions):
                end_process(
                    f"{self.settings.topics.events} has {now} partitions now, {self.layout.partitions} at the start"
                )

    def _failed(self, error: BaseException | None) -> None:
        """A shard or a service ended by an error: the process ends, loudly, and Kafka hands its partitions on."""
        if isinstance(error, RefuseToStart):
            end_process("; ".join(error.problems))
        if error is not None:
            _log.error("unexpected", exc_info=error)
        end_process(f"{type(error).__name__}: {error}")

    # --- what shards get ------------------------------------------------------------------------------------------

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            rules=lambda: self.rules,
            log=self.log,
            journal=self.journals.of,
            wall=self.wall,
            settle=self._settle,
            session_timeout=self.settings.session_timeout_seconds,
            pause=lambda partition: self.faust.consumer.pause_partitions({_tp(partition)}),
            resume=lambda partition: self.faust.consumer.resume_partitions({_tp(partition)}),
            rewind=self._rewind,
            committed=self._committed,
            restored=self.recorder.restored,
            fenced=self.recorder.fenced,
        )

    async def _rewind(self, partition: TopicPartition, offset: int) -> None:
        """In the consumer's own thread: it is not safe from ours. One revoked meanwhile is sought when assigned."""
        with suppress(IllegalStateError):
            await self.faust.consumer.seek_wait({_tp(partition): offset})

    async def _commit_input(self, partition: TopicPartition, offset: int) -> None:
        await self.faust.consumer.commit_applied({_tp(partition): offset})

    def _committed(self, batch: Batch, seconds: float, skew: float | None) -> None:
        self.recorder.committed(seconds)
        count(batch, self.recorder, self.wall(), self._settle)
        self.retractions.take(batch)
        if skew is not None:
            self.watermarks.measured(skew, seconds)
            self.recorder.skew(skew)
        elif self.watermarks.skew is None:  # topics without the broker's time: nobody can tell
            self.watermarks.skew = 0.0

    def _readiness(self) -> health.Readiness:
        held = ("the clock differs from the broker's by more than a minute: deadlines wait",)
        return health.Readiness(
            joined=self.assignment.joined,
            shards=self.assignment.shards,
            problems=held if self.watermarks.is_held else (),
        )


def run(
    settings: Settings,
    packs: Packs,
    *,
    wall: Callable[[], float] = time.time,
    accept_input_loss: bool = False,
    pages: Pages | None = None,
) -> None:
    """Check what can be checked before joining the group, then work. RefuseToStart lists every problem. `pages` adds
    what else the web server shows.
    """
    layout = asyncio.run(verified_layout(settings))
    Worker(settings, packs, layout, wall=wall, accept_input_loss=accept_input_loss, pages=pages).run()


def _labels(packs: Packs) -> Labels:
    newest = packs.versions[-1]
    return Labels(
        notices=KINDS,
        dead_reasons=tuple(REASONS),
        clocks=tuple(clock.name for clock in newest.clocks),
        severities=newest.severities,
        plans=newest.plans,
        calendars=tuple(newest.calendars),
        queues=newest.queues,
    )


def _while_closing(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Aiokafka leaves a connection behind that is being made when it is cancelled, as a partition may be that is just
    opening. The process ends, and the kernel closes it: no error for anybody.
    """
    if str(context.get("message", "")).startswith("Unclosed AIOKafkaConnection"):
        _log.debug("left to the kernel", what=context["message"])
    else:
        loop.default_exception_handler(context)


def _tp(partition: TopicPartition) -> TP:
    return TP(partition.topic, partition.partition)
