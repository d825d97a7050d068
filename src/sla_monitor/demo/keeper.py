"""Keeps a folder and one process, and ends both when standard input closes: when whoever asked is gone, however.

Usage: keeper.py FOLDER GRACE_SECONDS    (standard library only, run by path, in a session of its own)

Each line of input is a JSON object: `{"command": […], "environment": {…}, "log": "…"}` starts the process, once;
`{"end": true}` ends it. Each line of output tells one thing: `{"pid": n}`, later `{"ended": exit code}`. The process
is asked to end, and killed after the grace. It is a child of this one and reaped only here, so its pid cannot belong to
another while this one lives. The folder, with the log, goes last.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

REMOVALS_MAX = 100  # x 0.1 s: another process may still write into the folder


def main() -> None:
    folder, grace_seconds = Path(sys.argv[1]), float(sys.argv[2])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    child: subprocess.Popen[bytes] | None = None
    try:
        for line in sys.stdin:
            asked = json.loads(line)
            if child is None and "command" in asked:
                child = _started(asked)
            elif child is not None and "end" in asked:
                _end(child, grace_seconds)
    finally:
        if child is not None:
            _end(child, grace_seconds)
        _remove(folder)


def _started(asked: dict[str, Any]) -> subprocess.Popen[bytes]:
    with Path(asked["log"]).open("ab") as log:
        child = subprocess.Popen(  # noqa: S603 - the demo names its own worker
            asked["command"], env=asked["environment"], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )
    _tell(pid=child.pid)
    threading.Thread(target=lambda: _tell(ended=child.wait()), daemon=True).start()
    return child


def _end(child: subprocess.Popen[bytes], grace_seconds: float) -> None:
    child.terminate()
    try:
        child.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _remove(folder: Path) -> None:
    for _ in range(REMOVALS_MAX):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)


def _tell(**what: int) -> None:
    with suppress(OSError):  # nobody listens any more
        sys.stdout.write(json.dumps(what) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
