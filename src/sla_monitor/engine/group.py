"""The Faust app: membership of the group, assignment and fetching, and nothing else of Faust."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import faust
import yarl

from sla_monitor.config.settings import Settings
from sla_monitor.engine.kafka import client_options
from sla_monitor.engine.transport import BatchTransport

POLL_RECORDS_MAX = 2_000  # a fetched batch: 2,000 x ~600 B = 1.2 MB
FETCH_BYTES_MAX = 1 << 20  # a partition and request
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is listened on, and where it is found


class GroupApp(faust.App):
    """Faust starts its services, the group's among them, after `on_start`."""

    before_joining: Callable[[], Awaitable[None]]

    def _create_directories(self) -> None:
        """None: they are for tables, and a worker that is killed could not remove them."""

    async def on_start(self) -> None:
        await super().on_start()
        await self.before_joining()  # its errors end the process: Faust would write a traceback and exit with 1


def group_app(settings: Settings, partitions: int) -> GroupApp:
    """Faust for membership, assignment, fetching and lifecycle: no tables, no acks, no web, no topics of its own."""
    session = settings.session_timeout_seconds
    servers = [yarl.URL(f"kafka://{server}") for server in settings.bootstrap_servers]
    options = client_options(settings)
    app = GroupApp(
        settings.group,
        broker=servers,
        broker_credentials=_credentials(options),
        broker_session_timeout=session,
        broker_heartbeat_interval=max(0.3, session / 10),
        broker_rebalance_timeout=max(10.0, session),
        broker_request_timeout=max(30.0, session * 1.5),
        broker_max_poll_records=POLL_RECORDS_MAX,
        consumer_max_fetch_size=FETCH_BYTES_MAX,
        consumer_auto_offset_reset="earliest",
        table_standby_replicas=1,  # 0 selects round robin, which swaps partitions at every rebalance
        topic_partitions=partitions,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=False,
        producer_request_timeout=20.0,
        web_enabled=False,
        autodiscover=False,
    )
    app.transport = BatchTransport(servers, app)
    return app


def url_of(host: str, port: int) -> str:
    """Of a web server; one that listens everywhere is told by the address of loopback, where its own machine has it."""
    host = EVERYWHERE.get(host, host)
    return str(yarl.URL.build(scheme="http", host=host, port=port))


def as_told(url: str) -> str:
    """As the members of the group will have it: addresses are compared."""
    return str(yarl.URL(url))


def tell_url(app: faust.App, url: str) -> None:
    """To the group, with every (re)join, before the first: Faust's assignor hands the URLs of all members to all, with
    their partitions (ADR 0015).
    """
    app.conf.canonical_url = yarl.URL(url)


def owners(app: faust.App, topic: str) -> dict[int, str]:
    """Which member, by its URL, got each partition at the last assignment. One that died since is still in it."""
    given = app.assignor.external_topics_metadata()
    return {partition: url for url, topics in given.items() for partition in topics.get(topic, ())}


def _credentials(options: dict[str, Any]) -> Any:
    """Faust's own form of the same security options."""
    context = options.get("ssl_context")
    if "sasl_mechanism" in options:
        return faust.SASLCredentials(
            username=options["sasl_plain_username"],
            password=options["sasl_plain_password"],
            mechanism=options["sasl_mechanism"],
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context is not None else None
