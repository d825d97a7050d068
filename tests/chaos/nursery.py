"""Workers without the second of processor time that importing takes: forked from a process that has imported already.

Each is a process of its own, with its own pid, environment, log and end, as one that was started; only its memory
begins as a copy. Chaos starts hundreds of them.

Run as a program this is the nursery: it reads one line of JSON for each worker from the socket that is its standard
input, forks, and answers with pids and exit codes. When the socket closes it kills whom it has left, and ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tests.kafka.world import WorkerProcess

ROOT: Final = Path(__file__).parents[2]
LOOK_EVERY_SECONDS: Final = 0.05
HATCHED_WITHIN_SECONDS: Final = 120.0


class Hatched:
    """What `subprocess.Popen` offers for a child of ours, for one of the nursery's."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self._nursery, self.pid = nursery, pid

    def poll(self) -> int | None:
        return self._nursery.exit_code(self.pid)

    def wait(self) -> int:
        while (code := self.poll()) is None:
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class Nursery:
    """Our end of the socket."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        environment = {name: text for name, text in os.environ.items() if not name.startswith("SLA_")}
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "src")])
        with theirs:
            self._process = subprocess.Popen([sys.executable, "-m", __name__], stdin=theirs.fileno(), env=environment)
        self._codes: dict[int, int] = {}
        self._pids: list[int] = []
        self._rest = b""

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def hatch(self, command: Sequence[str], environment: dict[str, str], log: Path) -> Hatched:
        """Its process runs on return."""
        wish = {"arguments": list(command[1:]), "environment": environment, "log": str(log)}
        self._socket.sendall(json.dumps(wish).encode() + b"\n")
        give_up_at = time.monotonic() + HATCHED_WITHIN_SECONDS
        while not self._pids:
            assert time.monotonic() < give_up_at, "the nursery does not answer"
            self._listen(1.0)
        return Hatched(self, self._pids.pop())

    def exit_code(self, pid: int) -> int | None:
        self._listen(0)
        return self._codes.get(pid)

    def _listen(self, seconds: float) -> None:
        while select.select([self._socket], [], [], seconds)[0]:
            received = self._socket.recv(65_536)
            assert received, "the nursery is gone"
            *lines, self._rest = (self._rest + received).split(b"\n")
            for line in lines:
                said = json.loads(line)
                if "code" in said:
                    self._codes[said["pid"]] = said["code"]
                else:
                    self._pids.append(said["pid"])
            seconds = 0

    def close(self) -> None:
        self._socket.close()
        self._process.wait()


_nurseries: list[Nursery] = []


class HatchedWorker(WorkerProcess):
    """A `WorkerProcess` in everything but how it began."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], log: Path) -> None:
        if not _nurseries:
            _nurseries.append(Nursery())
        self.log = log
        log.touch()
        self._process: Any = _nurseries[0].hatch(command, environment, log)
        self._port = 0


# --- the nursery itself -------------------------------------------------------------------------------------------


def _brood() -> dict[str, Any] | None:
    """Forever the nursery's loop; what is returned is for the child that was forked: its wish, or None for the end."""
    with socket.socket(fileno=os.dup(0)) as line:
        children: set[int] = set()
        rest = b""
        while True:
            if select.select([line], [], [], LOOK_EVERY_SECONDS)[0]:
                received = line.recv(1 << 20)
                if not received:
                    for pid in children:
                        os.kill(pid, signal.SIGKILL)
                    return None
                *wishes, rest = (rest + received).split(b"\n")
                for wish in wishes:
                    pid = os.fork()
                    if not pid:
                        return dict(json.loads(wish))
                    children.add(pid)
                    line.sendall(json.dumps({"pid": pid}).encode() + b"\n")
            for pid in list(children):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    children.discard(pid)
                    code = os.waitstatus_to_exitcode(status)
                    line.sendall(json.dumps({"pid": pid, "code": code}).encode() + b"\n")


def _live(wish: dict[str, Any]) -> None:
    """As `python ARGUMENTS` would, from here on."""
    log = os.open(wish["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    for opened in {log, nothing} - {0, 1, 2}:
        os.close(opened)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, write_through=True)  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(wish["environment"])
    random.seed()
    how, what, *arguments = wish["arguments"]
    names: dict[str, Any] = {"__name__": "__main__"}
    sys.modules["__main__"].__dict__.update(names)
    if how == "-m":
        what, arguments = "from sla_monitor.__main__ import main\nmain()", ["sla-monitor", *arguments]
    else:
        arguments = ["-c", *arguments]
    sys.argv[:] = arguments
    exec(compile(what, "<worker>", "exec"), names)  # noqa: S102 - the command of a test


if __name__ == "__main__":
    import sla_monitor.cli.main
    import sla_monitor.engine.app  # noqa: F401 - so that children have it

    if wished := _brood():
        _live(wished)
