"""One Apache Kafka node (KRaft, loopback only) as a child of this process.

By hand, and for benchmarks: `python -m tests.kafka.broker --port 9092 --data DIR` prints the bootstrap address and
runs until standard input closes or SIGTERM. Whatever ends this process ends the broker too (engine/keeper.py).
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from sla_monitor.engine.keeper import Kept
from tests.kafka.jars import BrokerUnavailable, find_java, resolve_jars

START_SECONDS_MAX = 60  # ~4 s on an idle machine
STOP_SECONDS_MAX = 20  # then it is killed
ATTEMPTS = 3  # a port found free may be taken a moment later
LOG_LINES_SHOWN = 20

PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "broker.session.timeout.ms": "4000",  # a killed broker waits this long for its own ghost when it comes back
    "broker.heartbeat.interval.ms": "500",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "log.cleaner.dedupe.buffer.size": str(32 * 1024 * 1024),  # of 512 MB; the default takes 128
}


class BrokerFailed(Exception):
    """The broker did not start or ended by itself; the text has the end of its log."""


class Broker:
    """A broker with a data folder of its own. Made by `start`; `kill` and `stop` keep data, port and log."""

    def __init__(
        self, data: Path, *, port: int = 0, properties: Mapping[str, str] | None = None, proxy_port: int = 0
    ) -> None:
        """`proxy_port`: a second listener, `behind_proxy_port`, tells clients to come back to this port: whoever
        listens there stands between them and the broker for good."""
        self.data = data
        self.port = port
        self.proxy_port = proxy_port
        self.behind_proxy_port = 0
        self.log = data / "broker.log"
        self._properties = PROPERTIES | dict(properties or {})
        self._java = [str(find_java()), "-cp", f"{resolve_jars()}/*"]
        self._java += ["-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Djava.awt.headless=true"]
        self._kept: Kept | None = None

    @property
    def bootstrap(self) -> str:
        """`127.0.0.1:PORT`: the same after a restart."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The pid of the Java process, to send signals to. BrokerFailed if it does not run."""
        if self._kept is None or not self.running:
            raise BrokerFailed(f"the broker on {self.bootstrap} is not running\n{self._end_of_log()}")
        return self._kept.pid

    @property
    def running(self) -> bool:
        return self._kept is not None and self._kept.exit_code is None

    def start(self) -> None:
        """Returns when the node answers and has joined its cluster. BrokerFailed if it does not."""
        given = self.port
        for attempt in range(ATTEMPTS):
            self.port = given or free_port()
            self._write_properties()
            self._format()
            self._launch()
            try:
                self._wait_until_ready()
            except BrokerFailed:
                self.kill()
                if given or attempt == ATTEMPTS - 1:
                    raise
            else:
                return

    def stop(self) -> None:
        """An orderly end. Nothing happens if it does not run."""
        if self._kept is not None:
            self._kept.end()
            self._kept = None

    def kill(self) -> None:
        """SIGKILL, as when the machine fails. Nothing happens if it does not run."""
        if self._kept is not None:
            self._kept.kill()
            self._kept = None

    def restart(self) -> None:
        """Stops it (unless it was killed) and starts it again on the same port and data."""
        self.stop()
        self.start()

    def _write_properties(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        lines = [f"{name}={value}\n" for name, value in (self._properties | self._own_properties()).items()]
        self._server_properties.write_text("".join(lines))

    def _own_properties(self) -> dict[str, str]:
        """Those that name this broker's folder and ports."""
        controller = f"127.0.0.1:{free_port()}"
        own = {
            "log.dirs": str(self.data / "log"),
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.quorum.voters": f"1@{controller}",
        }
        if self.proxy_port:
            self.behind_proxy_port = self.behind_proxy_port or free_port()
            own["listeners"] += f",PROXIED://127.0.0.1:{self.behind_proxy_port}"
            own["advertised.listeners"] += f",PROXIED://127.0.0.1:{self.proxy_port}"
            own["listener.security.protocol.map"] = (
                self._properties["listener.security.protocol.map"] + ",PROXIED:PLAINTEXT"
            )
            own["inter.broker.listener.name"] = "PLAINTEXT"
        return own

    def _format_options(self) -> list[str]:
        """What the storage tool is told besides."""
        return []

    @property
    def _server_properties(self) -> Path:
        return self.data / "server.properties"

    def _format(self) -> None:
        if (self.data / "log" / "meta.properties").exists():
            return
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(self._server_properties)]
        tool += self._format_options()
        done = subprocess.run([*self._java, *tool], capture_output=True, text=True, check=False)
        if done.returncode:
            raise BrokerFailed(f"formatting {self.data} failed: {done.stdout}{done.stderr}")

    def _launch(self) -> None:
        command = [*self._java, "kafka.Kafka", str(self._server_properties)]
        self._kept = Kept(command, log=self.log, grace_seconds=STOP_SECONDS_MAX)

    def _wait_until_ready(self) -> None:
        give_up_at = time.monotonic() + START_SECONDS_MAX
        with ThreadPoolExecutor(1) as thread:  # the caller may have a running event loop
            while not thread.submit(asyncio.run, _has_joined(self.bootstrap)).result():
                if not self.running:
                    raise BrokerFailed(f"the broker ended while starting\n{self._end_of_log()}")
                if time.monotonic() > give_up_at:
                    raise BrokerFailed(f"no answer after {START_SECONDS_MAX} s\n{self._end_of_log()}")
                time.sleep(0.1)

    def _end_of_log(self) -> str:
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:])


async def _has_joined(bootstrap: str) -> bool:
    """Whether the node answers a metadata request and lists itself."""
    with contextlib.suppress(OSError):
        with socket.create_connection(bootstrap.split(":"), timeout=1):  # type: ignore[arg-type]  # a list will do
            pass
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5000)
        try:
            await admin.start()
            return bool((await admin.describe_cluster())["brokers"])
        except KafkaError:
            return False
        finally:
            await admin.close()
    return False


def free_port() -> int:
    """A loopback port that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> int:
    """Runs one broker for whoever holds our standard input."""
    parser = argparse.ArgumentParser(description="One Kafka broker on loopback, until standard input closes")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--data", type=Path, help="kept and used again; without it a temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sla-monitor-kafka-") as scratch:
        try:
            broker = Broker(arguments.data or Path(scratch), port=arguments.port)
        except BrokerUnavailable as missing:
            print(missing, file=sys.stderr)
            return 2
        signal.signal(signal.SIGTERM, _exit)
        try:
            broker.start()
            print(broker.bootstrap, flush=True)
            while broker.pid:
                readable, _, _ = select.select([0], [], [], 1.0)
                if readable and not os.read(0, 1024):
                    return 0
        except BrokerFailed as failure:
            print(failure, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 0
        finally:
            broker.stop()
    return 0


def _exit(*_: object) -> NoReturn:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
