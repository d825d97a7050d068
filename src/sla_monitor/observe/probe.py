"""Asks the worker of this machine for one of its pages, for health checks in images that have no curl.

    python -m sla_monitor.observe.probe /readyz

Ends with 0 if the page answers 200, else with 1 and a line that says why. It finds the worker by the worker's own
settings, SLA_WEB_HOST and SLA_WEB_PORT, read here without their model: a check every few seconds must be cheap, and
loading the model takes ten times as long as asking. No proxy of the environment is used.
"""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Mapping, Sequence

EXIT_HEALTHY = 0
EXIT_UNHEALTHY = 1  # the only other code that container engines know
DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = "6066"
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is listened on, and where it is found
ANSWER_SECONDS_MAX = 3.0
TEXT_BYTES_MAX = 2048  # engines keep the last answers


def main(arguments: Sequence[str] = sys.argv, environment: Mapping[str, str] = os.environ) -> int:
    """One request; whatever is wrong is unhealthy."""
    if len(arguments) != 2:  # noqa: PLR2004 - the program and its page
        print("usage: python -m sla_monitor.observe.probe PATH")  # noqa: T201
        return EXIT_UNHEALTHY
    try:
        status, text = _page(*address(environment), arguments[1])
    except (OSError, ValueError, http.client.HTTPException) as error:
        print(f"no answer: {error!r}")  # noqa: T201
        return EXIT_UNHEALTHY
    print(text)  # noqa: T201
    return EXIT_HEALTHY if status == http.client.OK else EXIT_UNHEALTHY


def address(environment: Mapping[str, str]) -> tuple[str, int]:
    """Where the worker of this environment listens; an empty variable counts as absent, as for the worker."""
    host = environment.get("SLA_WEB_HOST") or DEFAULT_HOST
    return EVERYWHERE.get(host, host), int(environment.get("SLA_WEB_PORT") or DEFAULT_PORT)


def _page(host: str, port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS_MAX)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(TEXT_BYTES_MAX).decode(errors="replace")
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
