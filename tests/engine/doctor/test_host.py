"""The machine itself: ports and files, judged without a broker."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from sla_monitor.config.settings import Settings
from sla_monitor.engine.doctor import host
from sla_monitor.engine.doctor.findings import Finding
from sla_monitor.engine.doctor.host import judge_authorities, judge_file, judge_secrets, judge_web, port_error
from sla_monitor.engine.doctor.host import web as look_at_web
from sla_monitor.observe.health import Readiness, application, serve

NOW = datetime(2026, 11, 25, tzinfo=UTC)
SECRET = "correct horse battery staple"


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program has, which answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_a_port_that_is_taken_is_told_and_a_free_one_stays_free(taken: int) -> None:
    """Looking does not take it."""
    error = port_error("127.0.0.1", taken)
    assert error is not None
    assert error.errno == errno.EADDRINUSE
    with socket.create_server(("127.0.0.1", 0)) as other:
        free = other.getsockname()[1]
    assert port_error("127.0.0.1", free) is None
    assert port_error("127.0.0.1", free) is None
    assert port_error("127.0.0.1", 0) is None


async def test_another_program_on_the_port_is_a_problem(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It accepts connections and says nothing."""
    monkeypatch.setattr(host, "ANSWER_SECONDS_MAX", 0.1)
    [finding] = await look_at_web(Settings(web_port=taken))
    assert (finding.level, "SLA_WEB_PORT" in finding.what_to_do) == ("problem", True)


async def test_a_worker_on_the_port_is_as_it_should_be() -> None:
    """The doctor is asked beside workers too, and knows them by their page."""
    page = application(CollectorRegistry(), lambda: Readiness(joined=False))
    serving = await serve("127.0.0.1", 0, page)
    try:
        [finding] = await look_at_web(Settings(web_port=serving.port))
    finally:
        await serving()
    assert finding.level == "ok"
    assert "a worker is running there" in finding.says


async def test_some_other_page_is_not_a_worker() -> None:
    """JSON under the same path, of another kind."""
    page = web.Application()
    page.router.add_get("/readyz", _ready)
    serving = await serve("127.0.0.1", 0, page)
    try:
        [finding] = await look_at_web(Settings(web_port=serving.port))
    finally:
        await serving()
    assert finding.level == "problem"


async def _ready(_request: web.Request) -> web.Response:
    return web.json_response({"ready": True})


@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.EADDRNOTAVAIL, "an address of this machine"), (errno.EACCES, "a higher one"), (None, "SLA_WEB_HOST")],
)
def test_each_reason_has_its_advice(number: int | None, advice: str) -> None:
    """An address of another machine, a port for root, a name nobody knows."""
    error = OSError(number, "said") if number else OSError("said")
    finding = judge_web("10.0.0.1", 80, error, a_worker=False)
    assert finding.level == "problem"
    assert "10.0.0.1:80" in finding.says
    assert advice in finding.what_to_do


def secret(tmp_path: Path, mode: int, content: str = SECRET) -> Path:
    file = tmp_path / "secret"
    file.write_text(content)
    file.chmod(mode)
    return file


def test_a_secret_for_its_owner_is_fine(tmp_path: Path) -> None:
    """And is not shown."""
    finding = judge_file("SLA_WEB_TOKEN_FILE", secret(tmp_path, 0o640))
    assert finding.level == "ok"
    assert SECRET not in str(finding)


def test_a_secret_for_everybody_is_a_warning(tmp_path: Path) -> None:
    """With the command that ends it."""
    finding = judge_file("SLA_WEB_TOKEN_FILE", secret(tmp_path, 0o644))
    assert (finding.level, finding.what_to_do) == ("warning", f"chmod o= {tmp_path / 'secret'}")
    assert SECRET not in str(finding)


def test_an_empty_or_missing_secret_is_a_problem(tmp_path: Path) -> None:
    """Each names its setting and its file."""
    for file in (secret(tmp_path, 0o600, ""), tmp_path / "missing"):
        finding = judge_file("SLA_WEB_TOKEN_FILE", file)
        assert finding.level == "problem"
        assert f"SLA_WEB_TOKEN_FILE: {file}" in finding.says


def levels(findings: list[Finding]) -> list[str]:
    return [finding.level for finding in findings]


def test_a_password_without_encryption_is_a_warning(tmp_path: Path) -> None:
    """Whoever listens reads it."""
    settings = Settings(
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username="worker",
        sasl_password_file=secret(tmp_path, 0o600),
    )
    findings = list(judge_secrets(settings, NOW))
    assert levels(findings) == ["ok", "warning"]
    assert "unencrypted" in findings[1].says
    assert SECRET not in str(findings)


def test_a_file_that_is_no_certificate_is_a_problem(tmp_path: Path) -> None:
    """As the worker would say it, before it is started."""
    [finding] = judge_secrets(Settings(security_protocol="SSL", ssl_cafile=secret(tmp_path, 0o600)), NOW)
    assert (finding.level, finding.check) == ("problem", "secrets")
    assert "SLA_SSL_CAFILE" in finding.says


async def test_nothing_secret_is_fine() -> None:
    """Without any such file there is one line."""
    assert levels(await host.secrets(Settings())) == ["ok"]


@pytest.mark.parametrize(
    ("ends", "level"),
    [
        (["Nov 24 00:00:00 2026 GMT"], "problem"),
        (["Nov 24 00:00:00 2020 GMT", "Dec 10 00:00:00 2026 GMT"], "warning"),
        (["Nov 24 00:00:00 2020 GMT", "Dec 10 00:00:00 2036 GMT"], "ok"),
    ],
)
def test_authorities_that_end(ends: list[str], level: str) -> None:
    """The last one decides: a month before there is time to act."""
    assert judge_authorities(Path("ca.pem"), ends, NOW).level == level
