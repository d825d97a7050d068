"""Moves the watermarks: asks Kafka where the logs end when, and only when, a deadline is waiting for it.

One ListOffsets serves all partitions of the worker. A deadline fires once everything below that end is folded, so an
answer that lies in the log in time is always seen first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from time import monotonic

import structlog
from aiokafka.errors import KafkaError

from sla_monitor.core.facts import SECOND
from sla_monitor.engine.log import Log
from sla_monitor.engine.shard import Shard

ASK_EVERY_SECONDS = 0.05
ASK_ANYWAY_EVERY_SECONDS = 15.0  # also where nothing is due: a consumer that has silently stopped shows as lag
SKEW_MAX_SECONDS = 60.0
STEP_SECONDS = 1.0  # at once; a clock that is slewed moves by 0.5 ms a second

_log = structlog.get_logger("sla_monitor.watermark")


class Watermarks:
    """`skew`: our clock minus the broker's, in seconds, as last seen. Above a minute nothing fires, nor before it is
    known, nor after the clock was set. A partition then writes its row, and again every 15 s while the clock is held:
    the answer tells.
    """

    def __init__(self, log: Log, shards: Callable[[], Iterable[Shard]], wall: Callable[[], float], settle: int) -> None:
        self._kafka, self._shards, self._wall, self._settle = log, shards, wall, settle
        self.skew: float | None = None
        self._wall_ahead: float | None = None  # of the monotonic clock, which nobody sets
        self._stepped_at: float | None = None  # monotonic: when a step was last seen

    @property
    def is_held(self) -> bool:
        """Whether the clocks differ so much that firing would be a guess."""
        return self.skew is not None and abs(self.skew) > SKEW_MAX_SECONDS

    def _has_stepped(self, wall: float) -> bool:
        """Whether somebody has set the clock since the last look: what was known of it is known no longer."""
        before, self._wall_ahead = self._wall_ahead, wall - monotonic()
        has_stepped = before is not None and abs(self._wall_ahead - before) > STEP_SECONDS
        if has_stepped:
            self._stepped_at = monotonic()
        return has_stepped

    def measured(self, skew: float, took: float) -> None:
        """What the answer of a commit that took so many seconds has shown; nothing, if the clock was set in the middle
        of it, whoever saw that first: between two readings of a clock that was set, everything seems possible.
        """
        self._has_stepped(self._wall())
        is_whole = self._stepped_at is None or self._stepped_at < monotonic() - took
        self.skew = skew if is_whole else None

    async def run(self) -> None:
        """Until cancelled. A broker that does not answer only delays."""
        asked_anyway_at = monotonic()
        while True:
            await asyncio.sleep(ASK_EVERY_SECONDS)
            anyway = monotonic() - asked_anyway_at > ASK_ANYWAY_EVERY_SECONDS
            if anyway:
                asked_anyway_at = monotonic()
            try:
                await self.ask(anyway=anyway)
            except KafkaError as error:
                _log.warning("the ends of the logs are not to be had; deadlines wait", error=type(error).__name__)
                await asyncio.sleep(1.0)

    async def ask(self, *, anyway: bool = False) -> None:
        """One round. The wall time is noted before asking, so what came later cannot have been missed."""
        for shard in self._shards():
            shard.fetch_again_if_starved()
        wall = self._wall()
        if self._has_stepped(wall):
            self.skew = None
        settled = int(wall * SECOND) - self._settle
        waiting = [shard for shard in self._shards() if shard.wants_head(settled, anyway=anyway)]
        if not waiting:
            return
        for shard in waiting if anyway else ():
            shard.look()
        if self.skew is None or (self.is_held and anyway):
            waiting[0].mark()
        if self.skew is None or self.is_held:
            return
        ends = await self._kafka.ends([shard.topic_partition for shard in waiting])
        for shard in waiting:
            shard.head(settled, ends[shard.topic_partition])
