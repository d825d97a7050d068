"""The entry point, also as `python -m sla_monitor`.

It stands before everything is imported, which takes a second: an orchestrator may change its mind in the first one, and
a worker that was asked to end in order must not look like one that failed.
"""

from __future__ import annotations

import os
import signal
import sys


def main() -> None:
    """`sla-monitor`. Until a worker has begun, SIGTERM ends it at once, with 0: there is nothing to finish yet."""
    if sys.argv[1:2] == ["run"]:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    from sla_monitor.cli.main import main as command_line  # noqa: PLC0415 - after the signal is taken care of

    command_line()


if __name__ == "__main__":
    main()
