"""The health check of images: what it says is what the worker's page says."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from sla_monitor.config.settings import Settings
from sla_monitor.observe import metrics, probe
from sla_monitor.observe.health import Readiness, application, serve


async def asked(readiness: Readiness, *arguments: str, **environment: str) -> tuple[int, str]:
    """Exit code and output of the check, as a process of its own, beside a worker that is in this state."""
    stop = await serve("127.0.0.1", 0, application(metrics.registry(), lambda: readiness))
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            probe.__name__,
            *arguments,
            env={**os.environ, "SLA_WEB_PORT": str(stop.port), **environment},
            stdout=subprocess.PIPE,
        )
        said, _ = await process.communicate()
    finally:
        await stop()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_a_page_that_is_fine_is_healthy() -> None:
    """Exit 0, and the page is what the engine keeps."""
    assert await asked(Readiness(joined=False), "/healthz") == (0, '{"status": "ok"}\n')
    code, said = await asked(Readiness(joined=True), "/readyz")
    assert (code, '"ready": true' in said) == (0, True)


async def test_a_worker_that_is_not_ready_is_unhealthy_and_says_why() -> None:
    """503 is exit 1, with the reason."""
    code, said = await asked(Readiness(joined=False), "/readyz")
    assert code == 1
    assert "the consumer group is not joined" in said


async def test_a_page_that_is_not_there_is_unhealthy() -> None:
    """A typing error in a check never passes for health; nor does a check without a page."""
    assert (await asked(Readiness(joined=True), "/ready"))[0] == 1
    assert (await asked(Readiness(joined=True)))[0] == 1


async def test_no_proxy_stands_between_a_check_and_its_worker() -> None:
    """A proxy in the environment is for others; nobody listens at this one."""
    code, _ = await asked(Readiness(joined=True), "/healthz", http_proxy="http://127.0.0.1:1")
    assert code == 0


def test_nobody_listening_is_unhealthy(capsys: pytest.CaptureFixture[str], unused_tcp_port: int) -> None:
    """Exit 1 and a line, no traceback; so is a port that is no number."""
    assert probe.main(["probe", "/healthz"], {"SLA_WEB_PORT": str(unused_tcp_port)}) == 1
    assert "ConnectionRefusedError" in capsys.readouterr().out
    assert probe.main(["probe", "/healthz"], {"SLA_WEB_PORT": "web"}) == 1


def test_the_worker_is_found_by_its_own_settings() -> None:
    """The defaults are those of the settings, and what listens everywhere is found on the loopback."""
    defaults = Settings()
    assert probe.address({}) == (defaults.web_host, defaults.web_port)
    assert probe.address({"SLA_WEB_HOST": "", "SLA_WEB_PORT": ""}) == (defaults.web_host, defaults.web_port)
    assert probe.address({"SLA_WEB_HOST": "0.0.0.0", "SLA_WEB_PORT": "8080"}) == ("127.0.0.1", 8080)  # noqa: S104
    assert probe.address({"SLA_WEB_HOST": "::"}) == ("::1", 6066)
    assert probe.address({"SLA_WEB_HOST": "10.0.0.7"}) == ("10.0.0.7", 6066)
