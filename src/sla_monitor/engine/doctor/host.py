"""The machine itself: the port of the web server, and files with secrets."""

from __future__ import annotations

import errno
import socket
import ssl
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from yarl import URL

from sla_monitor.config.settings import Settings, read_secret
from sla_monitor.engine.doctor.findings import Finding, ok, problem, warning
from sla_monitor.engine.kafka import client_options
from sla_monitor.errors import BadConfiguration

ANSWER_SECONDS_MAX = 2.0
EXPIRY_DAYS_WARNED = 30
OTHERS = stat.S_IRWXO
PORT_WORDS = {
    errno.EADDRINUSE: "another program has it: end that, or set SLA_WEB_PORT to a free one (0 takes any)",
    errno.EADDRNOTAVAIL: "set SLA_WEB_HOST to an address of this machine",
    errno.EACCES: "ports below 1024 are not for everybody: set SLA_WEB_PORT to a higher one",
}


async def web(settings: Settings) -> list[Finding]:
    """Whether a worker of this machine could listen."""
    error = port_error(settings.web_host, settings.web_port)
    ours = (
        error is not None
        and error.errno == errno.EADDRINUSE
        and await _is_a_worker(settings.web_host, settings.web_port)
    )
    return [judge_web(settings.web_host, settings.web_port, error, a_worker=ours)]


def taken(settings: Settings) -> Finding:
    """As `web`, for a worker that wants the port itself."""
    return judge_web(
        settings.web_host, settings.web_port, port_error(settings.web_host, settings.web_port), a_worker=False
    )


def port_error(host: str, port: int) -> OSError | None:
    """Why nobody can listen there, or None. The port is free again on return."""
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the web server does
                probe.bind(address)
                probe.listen()
    except OSError as error:
        return error
    return None


async def _is_a_worker(host: str, port: int) -> bool:
    limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX)
    with suppress(aiohttp.ClientError, TimeoutError, ValueError):
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.get(URL.build(scheme="http", host=host, port=port, path="/readyz")) as answer,
        ):
            page = await answer.json()
            return isinstance(page, dict) and {"ready", "reason", "partitions"} <= page.keys()
    return False


def judge_web(host: str, port: int, error: OSError | None, *, a_worker: bool) -> Finding:
    """A worker that has the port already is as it should be."""
    where = f"{host}:{port}"
    if error is None:
        return ok("web", f"any free port of {host}" if port == 0 else f"{where} is free")
    if a_worker:
        return ok("web", f"{where}: a worker is running there; another one on this machine needs another SLA_WEB_PORT")
    todo = PORT_WORDS.get(error.errno or 0, "set SLA_WEB_HOST to an address or a name of this machine")
    return problem("web", f"cannot listen on {where} ({error.strerror or error})", todo)


async def secrets(settings: Settings) -> list[Finding]:
    """Files with secrets can be read, by as few as possible; what is in them is never shown."""
    return list(judge_secrets(settings, datetime.now(UTC))) or [ok("secrets", "no file with a secret is set")]


def judge_secrets(settings: Settings, now: datetime) -> Iterator[Finding]:
    """Reads the files that the settings name."""
    files = {
        "SLA_WEB_TOKEN_FILE": settings.web_token_file,
        "SLA_SASL_PASSWORD_FILE": settings.sasl_password_file,
        "SLA_SSL_KEYFILE": settings.ssl_keyfile,
    }
    readable = True
    for name, file in files.items():
        if file is not None:
            finding = judge_file(name, file)
            readable &= finding.level != "problem"
            yield finding
    if readable and settings.security_protocol != "PLAINTEXT":
        yield from _judge_security(settings, now)


def judge_file(name: str, file: Path) -> Finding:
    """Readable, not empty, and not for every user of this machine."""
    try:
        read_secret(file, name)
        mode = file.stat().st_mode
    except (BadConfiguration, OSError) as wrong:
        return problem("secrets", str(wrong), "put the secret into it, and let the user of the worker read it")
    if mode & OTHERS:
        says = f"{name}: every user of this machine can open {file} ({stat.filemode(mode)})"
        return warning("secrets", says, f"chmod o= {file}")
    return ok("secrets", f"{name}: {file} can be read")


def _judge_security(settings: Settings, now: datetime) -> Iterator[Finding]:
    try:
        context: ssl.SSLContext | None = client_options(settings).get("ssl_context")
    except BadConfiguration as wrong:
        for says in wrong.problems:
            yield problem("secrets", says, "mend the file, or set the variable to another one")
        return
    if context is None:
        says = f"SLA_SECURITY_PROTOCOL={settings.security_protocol} sends the password unencrypted"
        yield warning("secrets", says, "use SASL_SSL on a listener that speaks TLS")
    elif settings.ssl_cafile is not None:
        ends = [str(certificate["notAfter"]) for certificate in context.get_ca_certs() if "notAfter" in certificate]
        yield judge_authorities(settings.ssl_cafile, ends, now)


def judge_authorities(file: Path, ends: list[str], now: datetime) -> Finding:
    """The one that ends last decides: old ones are left in such files."""
    last = max(datetime.fromtimestamp(ssl.cert_time_to_seconds(each), UTC) for each in ends)
    says = f"SLA_SSL_CAFILE: the last of the authorities in {file} ends on {last:%Y-%m-%d}"
    if last <= now:
        return problem("secrets", says, "put the new authority into the file")
    if (last - now).days < EXPIRY_DAYS_WARNED:
        return warning("secrets", says, "put the next authority into the file before that")
    return ok("secrets", says)
