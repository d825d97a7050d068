"""How every Kafka client of the worker reaches the brokers: the one place for addresses and security."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError
from aiokafka.helpers import create_ssl_context

from sla_monitor.config.settings import Settings, read_secret
from sla_monitor.errors import BadConfiguration, RefuseToStart

ADMIN_REQUEST_SECONDS_MAX = 15


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
        try:
            await connect()
        except KafkaError as error:
            raise RefuseToStart(f"SLA_BROKER: no connection to {settings.broker}, for the reasons above") from error
        yield
    except (KafkaError, TimeoutError, OSError) as error:
        raise RefuseToStart(f"SLA_BROKER: {settings.broker}: {str(error) or 'no answer in time'}") from error
    finally:
        await close()


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
