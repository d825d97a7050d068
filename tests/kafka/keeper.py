"""Holds one child process and ends it when standard input closes: when whoever started this is gone, however it went.

Usage: keeper.py LOG GRACE_SECONDS COMMAND...    (standard library only, run by path)

The first line of output is the child's pid. The child is asked to end, and killed after the grace. It is a child of
this process and reaped only by it, so that its pid cannot belong to another process while this one lives.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path


def main() -> int:
    log, grace_seconds, *command = sys.argv[1:]
    with Path(log).open("ab") as output:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    print(child.pid, flush=True)

    def end_when_abandoned() -> None:
        while os.read(0, 1):
            pass
        child.terminate()
        time.sleep(float(grace_seconds))
        child.kill()

    threading.Thread(target=end_when_abandoned, daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    os._exit(min(abs(main()), 255))
