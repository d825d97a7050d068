"""A child process that ends with us, however we end: SIGKILL too.

Between the two stands a keeper, this file run by its path (standard library only). It holds the child and ends it once
its standard input closes, which the kernel does when whoever started it is gone. The child is reaped only by it, so
the child's pid cannot belong to another process while the keeper lives. It may have a folder to remove afterwards.

    keeper.py [--remove FOLDER] LOG GRACE_SECONDS COMMAND...   prints the child's pid; ends with the child's exit code
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

REMOVE = "--remove"
MARGIN_SECONDS = 10  # beyond the grace, after which the keeper kills


class Kept:
    """A child and its keeper. `grace_seconds`: how long it has to end once it is asked to; then it is killed.
    `removes`: a folder, such as the one with the log, that is gone after `end`, or with us.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        grace_seconds: int,
        environment: Mapping[str, str] | None = None,
        removes: Path | None = None,
    ) -> None:
        self._grace_seconds = grace_seconds
        self._removes = removes
        removal = [REMOVE, str(removes)] if removes else []
        self._keeper = subprocess.Popen(  # noqa: S603 - the caller's own command
            [sys.executable, __file__, *removal, str(log), str(grace_seconds), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # Ctrl-C is for us; we end the child
        )
        self.pid = int(self._keeper.stdout.readline()) if self._keeper.stdout else 0

    @property
    def exit_code(self) -> int | None:
        """None while it runs; that of a signal is its number."""
        return self._keeper.poll()

    def kill(self) -> None:
        """SIGKILL, and it is gone on return."""
        if self.exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self.end()

    def end(self) -> None:
        """Asks it to end, and returns when it has. Safe to repeat."""
        for pipe in (self._keeper.stdin, self._keeper.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._keeper.wait(self._grace_seconds + MARGIN_SECONDS)
        if self._removes is not None:  # of a child that had ended before it was asked to
            shutil.rmtree(self._removes, ignore_errors=True)


def main() -> int:
    arguments = sys.argv[1:]
    removes = arguments[1] if arguments[0] == REMOVE else ""
    log, grace_seconds, *command = arguments[2:] if removes else arguments
    is_abandoned = threading.Event()
    with Path(log).open("ab") as output:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)  # noqa: S603
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    print(child.pid, flush=True)  # noqa: T201 - what whoever started us reads

    def end_when_abandoned() -> None:
        while os.read(0, 1):
            pass
        is_abandoned.set()
        child.terminate()
        time.sleep(float(grace_seconds))
        child.kill()

    threading.Thread(target=end_when_abandoned, daemon=True).start()
    exit_code = child.wait()
    if removes and is_abandoned.is_set():  # else whoever started us wants to read what is in it
        shutil.rmtree(removes, ignore_errors=True)
    return exit_code


if __name__ == "__main__":
    os._exit(min(abs(main()), 255))
