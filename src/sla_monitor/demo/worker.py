"""The demo's worker: `sla-monitor run` as a process of its own, in a temporary folder, which ends with the demo."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import Final

from yarl import URL

from sla_monitor.config.settings import PREFIX, Settings
from sla_monitor.demo.pack import write_shortened
from sla_monitor.engine.keeper import Kept
from sla_monitor.errors import EXIT_USAGE, Fatal, RefuseToStart, SlaError

COMMAND: Final = (sys.executable, "-m", "sla_monitor", "run")
GRACE_SECONDS: Final = 10  # a worker closes within eight
READY_SECONDS_MAX: Final = 60.0  # ~3 s with Kafka, ~13 s with the embedded broker, whose groups are slow to form
POLL_SECONDS: Final = 0.1
LAST_LINES: Final = 15
ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where a worker that listens everywhere answers

_WEB_PORT = re.compile(r"ready for partitions\b.*\bweb=(\d+)")
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy knows the loopback of this machine


class DemoWorker:
    """Runs from the moment it is made until `end`, however this process ends."""

    def __init__(self, settings: Settings, speed: float) -> None:
        folder = Path(tempfile.mkdtemp(prefix="sla-monitor-demo-"))
        self._log = folder / "worker.log"
        self._host = ANY_ADDRESS.get(settings.web_host, settings.web_host)
        self._kept = Kept(
            COMMAND,
            log=self._log,
            grace_seconds=GRACE_SECONDS,
            environment=_environment(settings, folder, speed),
            removes=folder,
        )

    @property
    def pid(self) -> int:
        return self._kept.pid

    async def ready(self) -> str:
        """Until it is ready for work; the address of its metrics. RefuseToStart: it did, and said why. Fatal: it ended
        otherwise, or takes too long.
        """
        try:
            async with asyncio.timeout(READY_SECONDS_MAX):
                while True:
                    if self._kept.exit_code is not None:
                        raise self._why_it_ended(while_starting=True)
                    match = _WEB_PORT.search("\n".join(self._lines()))
                    if match is not None and await asyncio.to_thread(_is_ready, page := self._page(match[1])):
                        return f"{page}/metrics"
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError as late:
            raise Fatal(f"the worker is not ready after {READY_SECONDS_MAX:g} s.{self._said_last()}") from late

    async def watch(self) -> None:
        """Ends only by an error: Fatal, when the worker has ended."""
        while self._kept.exit_code is None:  # noqa: ASYNC110 - a process has no event
            await asyncio.sleep(POLL_SECONDS)
        raise self._why_it_ended()

    async def end(self) -> None:
        """It is gone on return, and so is its folder."""
        await asyncio.to_thread(self._kept.end)

    def _page(self, port: str) -> str:
        return str(URL.build(scheme="http", host=self._host, port=int(port)))

    def _why_it_ended(self, *, while_starting: bool = False) -> SlaError:
        if while_starting and self._kept.exit_code == EXIT_USAGE:
            return RefuseToStart([*self._lines()[-LAST_LINES:], "the demo's worker refused to start: see above"])
        return Fatal(f"the worker ended unexpectedly, with exit code {self._kept.exit_code}.{self._said_last()}")

    def _said_last(self) -> str:
        lines = self._lines()[-LAST_LINES:] or ["(nothing)"]
        return " Its last lines:\n" + "\n".join(f"  {line}" for line in lines)

    def _lines(self) -> list[str]:
        with suppress(FileNotFoundError):
            return self._log.read_text("utf-8", "replace").splitlines()
        return []


def _environment(settings: Settings, folder: Path, speed: float) -> dict[str, str]:
    """Ours, with what the settings say instead. What the worker keeps for a while is in the folder too: killed, it
    cannot tidy up.
    """
    said = ("broker", "group", "topic_prefix", "journal", "web_port", "settle_seconds", "log_format")
    values = {f"{PREFIX}{name.upper()}": str(getattr(settings, name)) for name in said}
    own = {"SLA_POLICY": str(write_shortened(folder, speed)), "TMPDIR": str(folder), "NO_COLOR": "1"}
    return dict(os.environ) | values | own


def _is_ready(page: str) -> bool:
    with suppress(OSError), _DIRECTLY.open(f"{page}/readyz", timeout=1):
        return True  # any other status than 200 is an OSError
    return False
