"""A thread that ends the process when its event loop stalls or its partitions do not move.

Faust's heartbeats come from another thread, so a worker whose loop hangs would keep its partitions for ever.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable

import structlog

from sla_monitor.engine.shard import Shard
from sla_monitor.errors import EXIT_FATAL

LOOK_EVERY_SECONDS = 0.25
NO_PROGRESS_SECONDS = 60.0
LAST_WORD_SECONDS = 2.0

_log = structlog.get_logger("sla_monitor.watchdog")


def end_process(reason: str, code: int = EXIT_FATAL) -> None:
    """Stop at once, with one clear line: a normal shutdown would still commit. Kafka hands the partitions on.

    The line is not waited for long: whoever stalled may hold the lock of the log, or nobody reads it.
    """
    last_word = threading.Timer(LAST_WORD_SECONDS, os._exit, [code])
    last_word.daemon = True
    last_word.start()
    _log.critical("stopping", reason=reason)
    os._exit(code)


class Watchdog:
    """`beat` is called by the loop; the thread looks whether it comes."""

    def __init__(
        self,
        session_timeout: float,
        shards: Callable[[], Iterable[Shard]],
        stalled: Callable[[float], None],
        end: Callable[[str], None] = end_process,
    ) -> None:
        self._session_timeout, self._shards = session_timeout, shards
        self._stalled, self._end = stalled, end
        self._beaten_at = time.monotonic()
        self._stopped = threading.Event()

    def start(self) -> None:
        self.beat()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def beat(self) -> None:
        """The event loop turns."""
        self._beaten_at = time.monotonic()

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK_EVERY_SECONDS):
            self.look()

    def look(self) -> None:
        """One look at everything."""
        silent = time.monotonic() - self._beaten_at
        self._stalled(silent)
        if silent > self._session_timeout:
            self._end(f"the event loop stalled for {silent:.1f} s, longer than the session time-out")
        now = time.monotonic()
        for shard in list(self._shards()):
            still = now - shard.moved_at
            if shard.has_work and still > max(NO_PROGRESS_SECONDS, self._session_timeout):
                self._end(f"partition {shard.partition} has records to read and did not move for {still:.0f} s")
