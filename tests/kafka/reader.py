"""A reader who types what a page says: in a folder with the files of a checkout, on a deployment of the reader's own.

What the page stands for is put in its place (a process id, a port, a file); everything else is typed as it is, by bash.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from sla_monitor.config.settings import Settings
from tests.kafka.helpers import fresh_prefix
from tests.kafka.world import WorkerProcess
from tests.pages import ROOT

READ_BY_COMMANDS = ("docs/examples", "deploy/prometheus", "examples")


class Reader:
    """`types` a line and tells what it printed; `starts` one that goes on until it is ended."""

    def __init__(self, bootstrap: str, folder: Path, path: Path) -> None:
        self.folder = folder
        self.settings = Settings(broker=bootstrap, topic_prefix=(prefix := fresh_prefix()), group=f"{prefix}group")
        for name in READ_BY_COMMANDS:
            shutil.copytree(ROOT / name, folder / name)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SLA_")}
        self.environment = inherited | {
            "PATH": os.pathsep.join([str(path), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "SLA_BROKER": bootstrap,
            "SLA_TOPIC_PREFIX": self.settings.topic_prefix,
            "SLA_GROUP": self.settings.group,
            "SLA_WEB_PORT": "0",
            "SLA_LOG_FORMAT": "json",
        }
        self._started: list[WorkerProcess] = []

    def exports(self, line: str) -> None:
        """`export NAME=VALUE`: for all that is typed from now on."""
        name, value = line.removeprefix("export ").split("=", 1)
        self.environment[name] = value

    async def types(self, line: str, *, code: int = 0) -> str:
        """What it printed. AssertionError if it ends with another code."""
        typed = await asyncio.create_subprocess_exec(
            "bash",
            "-c",
            line,
            cwd=self.folder,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await typed.communicate()
        assert typed.returncode == code, f"{line}: {typed.returncode}\n{printed.decode()}"
        return printed.decode()

    def starts(self, line: str) -> WorkerProcess:
        """In the background."""
        command = ("bash", "-c", f"cd {self.folder} && exec env {line}")
        process = WorkerProcess(command, self.environment, self.folder / f"{len(self._started)}.log")
        self._started.append(process)
        return process

    async def ends(self, process: WorkerProcess, how: signal.Signals = signal.SIGTERM) -> None:
        """In order."""
        os.kill(process.pid, how)
        assert await process.ended() == 0, process.end_of_log()

    async def produces(self, file: str) -> None:
        """The events of a file of the checkout."""
        await self.sends(*map(json.loads, (ROOT / file).read_bytes().splitlines()))

    async def sends(self, *events: Mapping[str, Any]) -> None:
        """Each with its case as the key."""
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.broker)
        await producer.start()
        try:
            for event in events:
                value = json.dumps(event).encode()
                await producer.send_and_wait(self.settings.topics.events, value, key=event["subject"].encode())
        finally:
            await producer.stop()

    def close(self) -> None:
        for process in self._started:
            process.close()


@contextlib.asynccontextmanager
async def a_reader(bootstrap: str, folder: Path, path: Path = Path()) -> AsyncIterator[Reader]:
    """Nothing that was started outlives the test. `path`: where more programs are."""
    reader = Reader(bootstrap, folder, path)
    try:
        yield reader
    finally:
        reader.close()
