"""How every Kafka client of the worker reaches the brokers: the one place for addresses and security."""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from aiokafka.helpers import create_ssl_context

from sla_monitor.config.settings import Settings, read_secret
from sla_monitor.errors import BadConfiguration, RefuseToStart

ADMIN_REQUEST_SECONDS_MAX = 15

ADVICE = (  # what the client says, and what to do about it
    ("authenticationfailed", "check SLA_SASL_USERNAME, SLA_SASL_MECHANISM and the file of SLA_SASL_PASSWORD_FILE"),
    ("illegalsasl", "that listener asks nobody who they are: check SLA_SECURITY_PROTOCOL and the port in SLA_BROKER"),
    ("sasl", "check SLA_SASL_MECHANISM: it must be one of those that the broker offers"),
    ("certificate", "check SLA_SSL_CAFILE: it needs the authority of the broker's certificate, which names this host"),
    ("ssl", "check SLA_SECURITY_PROTOCOL and the port in SLA_BROKER: that listener may not speak TLS"),
    ("name or service|name resolution|nodename", "the host is unknown here: check SLA_BROKER and the name service"),
    ("connect call failed|refused", "nobody listens there: start the broker, or set SLA_BROKER to its listener"),
    ("closed|reset", "it hangs up: check SLA_SECURITY_PROTOCOL, one side may speak TLS and the other not"),
)
ADVICE_ELSE = "check SLA_BROKER and SLA_SECURITY_PROTOCOL, and whether a firewall is in between"

_client_log = logging.getLogger("aiokafka")


class NoConnection(RefuseToStart):
    """No broker answers."""

    def __init__(self, why: str, what_to_do: str) -> None:
        self.why, self.what_to_do = why, what_to_do
        super().__init__(f"SLA_BROKER: {why}: {what_to_do}")


def client_options(settings: Settings) -> dict[str, Any]:
    """Keyword arguments for any aiokafka client. BadConfiguration: a file of keys or passwords that is of no use."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "security_protocol": settings.security_protocol,
    }
    if settings.security_protocol.endswith("SSL"):
        options["ssl_context"] = _ssl_context(settings)
    if settings.sasl_password_file is not None:
        options["sasl_mechanism"] = settings.sasl_mechanism
        options["sasl_plain_username"] = settings.sasl_username
        options["sasl_plain_password"] = read_secret(settings.sasl_password_file, "SLA_SASL_PASSWORD_FILE")
    return options


@asynccontextmanager
async def admin_client(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """A connected admin client. RefuseToStart: no broker answers, or one answers with an error nobody handled."""
    admin = AIOKafkaAdminClient(request_timeout_ms=ADMIN_REQUEST_SECONDS_MAX * 1000, **client_options(settings))
    async with _connected(settings, admin.start, admin.close):
        yield admin


@asynccontextmanager
async def plain_client(settings: Settings) -> AsyncIterator[AIOKafkaClient]:
    """A connected client for single requests that no other client makes. RefuseToStart as for `admin_client`."""
    client = AIOKafkaClient(request_timeout_ms=ADMIN_REQUEST_SECONDS_MAX * 1000, **client_options(settings))
    async with _connected(settings, client.bootstrap, client.close):
        yield client


@asynccontextmanager
async def _connected(
    settings: Settings, connect: Callable[[], Awaitable[None]], close: Callable[[], Awaitable[None]]
) -> AsyncIterator[None]:
    try:
        with _reasons() as reasons:
            try:
                await connect()
            except KafkaError as error:
                raise no_connection(settings.broker, reasons) from error
        yield
    except (KafkaError, TimeoutError, OSError) as error:
        raise RefuseToStart(f"SLA_BROKER: {settings.broker}: {str(error) or 'no answer in time'}") from error
    finally:
        await close()


@contextmanager
def _reasons() -> Iterator[list[str]]:
    """Why the client could not connect: it tells its log alone, a line for each server, and raises without them."""
    reasons: list[str] = []

    def keep(record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        *_, error = record.args if isinstance(record.args, tuple) and record.args else ("",)
        reasons.append(record.getMessage() + ("" if str(error) else type(error).__name__))
        return False

    _client_log.addFilter(keep)
    try:
        yield reasons
    finally:
        _client_log.removeFilter(keep)


def no_connection(servers: str, reasons: Iterable[str]) -> NoConnection:
    """What was tried, why it failed, and what to do about each reason."""
    said = list(dict.fromkeys(reason.removeprefix("Unable connect to ") for reason in reasons))
    advice = dict.fromkeys(_advice(reason) for reason in said or [""])
    return NoConnection(f"no connection to {servers} ({'; '.join(said) or 'no answer'})", "; ".join(advice))


def _advice(reason: str) -> str:
    found = (advice for signs, advice in ADVICE if re.search(signs, reason, re.IGNORECASE))
    return next(found, ADVICE_ELSE)


def _ssl_context(settings: Settings) -> ssl.SSLContext:
    """The broker's certificate and host name are always checked."""
    try:
        trusted = create_ssl_context(cafile=settings.ssl_cafile)
    except (OSError, ssl.SSLError) as error:
        raise BadConfiguration(f"SLA_SSL_CAFILE: {settings.ssl_cafile} has no certificates ({error})") from error
    if settings.ssl_certfile is not None:
        try:
            trusted.load_cert_chain(settings.ssl_certfile, settings.ssl_keyfile, password=_no_password)
        except (OSError, ssl.SSLError, ValueError) as error:
            raise BadConfiguration(
                f"SLA_SSL_CERTFILE: {settings.ssl_certfile} and SLA_SSL_KEYFILE {settings.ssl_keyfile} are not a pair "
                f"of PEM files without a pass phrase ({error})"
            ) from error
    return trusted


def _no_password() -> str:
    """Otherwise OpenSSL asks for one on the terminal and the worker hangs."""
    return ""
