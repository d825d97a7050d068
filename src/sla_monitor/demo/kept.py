"""The demo's worker: a process of its own in a temporary folder, and a keeper that outlives neither."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

KEEPER: Final = Path(__file__).with_name("keeper.py")
COMMAND: Final = (sys.executable, "-m", "sla_monitor", "run")
GRACE_SECONDS: Final = 10  # a worker closes within eight
LAST_LINES: Final = 15


class Kept:
    """A folder, and at most one worker in it. Made by `a_keeper`."""

    def __init__(self, keeper: asyncio.subprocess.Process, folder: Path) -> None:
        self.folder = folder
        self._keeper = keeper
        self._log = folder / "worker.log"
        self._is_ended = asyncio.Event()
        self.exit_code: int | None = None  # of the worker, once it has ended; below zero: the signal that ended it
        self._listening = asyncio.create_task(self._listen())

    def start(self, environment: Mapping[str, str]) -> None:
        """The worker, with this environment and no other."""
        self._log.touch()
        self._ask(command=COMMAND, environment=dict(environment), log=str(self._log))

    async def ended(self) -> None:
        """Until the worker has ended, by whatever reason."""
        await self._is_ended.wait()

    async def end(self) -> None:
        """An orderly end, or a forced one after the grace."""
        self._ask(end=True)
        await self._is_ended.wait()

    def lines(self) -> list[str]:
        """What it has written so far."""
        with suppress(FileNotFoundError):
            return self._log.read_text("utf-8", "replace").splitlines()
        return []

    def last_lines(self) -> list[str]:
        return self.lines()[-LAST_LINES:]

    def _ask(self, **what: object) -> None:
        if self._keeper.stdin is not None:
            self._keeper.stdin.write(json.dumps(what).encode() + b"\n")

    async def _listen(self) -> None:
        """A keeper that is gone has taken the worker along, or somebody has killed both."""
        exit_code = -signal.SIGKILL
        while self._keeper.stdout is not None and (line := await self._keeper.stdout.readline()):
            said = json.loads(line)
            if "ended" in said:
                exit_code = said["ended"]
                break
        self.exit_code = exit_code
        self._is_ended.set()

    async def close(self) -> None:
        """Everything ends and is removed."""
        if self._keeper.stdin is not None:
            self._keeper.stdin.close()
        await self._keeper.wait()
        self._listening.cancel()


@asynccontextmanager
async def a_keeper() -> AsyncIterator[Kept]:
    """A temporary folder that is gone at the end, also when this process is killed."""
    folder = Path(tempfile.mkdtemp(prefix="sla-monitor-demo-"))
    keeper = await asyncio.create_subprocess_exec(
        sys.executable,
        str(KEEPER),
        str(folder),
        str(GRACE_SECONDS),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the demo, which ends the worker in its own order
    )
    kept = Kept(keeper, folder)
    try:
        yield kept
    finally:
        await kept.close()
