import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as parse_text

from sla_monitor.errors import RefuseToStart
from sla_monitor.observe import metrics
from sla_monitor.observe.health import NOT_READY, Readiness, application, readiness_report, serve
from sla_monitor.observe.metrics import PARTITION_STATES
from sla_monitor.observe.recorder import Labels, Recorder
from tests.observe.shards import Shard

NO_LABELS = Labels(notices=(), dead_reasons=(), clocks=(), severities=(), plans=())
Get = Callable[..., Awaitable[tuple[int, str, Any]]]


@asynccontextmanager
async def served(readiness: Readiness) -> AsyncIterator[Get]:
    """The pages on a free port of this machine."""
    registry = metrics.registry()
    Recorder(registry, NO_LABELS)
    stop = await serve("127.0.0.1", 0, application(registry, lambda: readiness))

    async def get(path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str, Any]:
        async with client.get(f"http://127.0.0.1:{stop.port}{path}", headers=headers) as answer:
            body = await (answer.json() if answer.content_type == "application/json" else answer.text())
            return answer.status, answer.headers["content-type"], body

    try:
        async with aiohttp.ClientSession() as client:
            yield get
    finally:
        await stop()


async def test_healthz_answers_whatever_kafka_does() -> None:
    """Liveness is the loop turning, even while nothing is ready: a restart would not mend Kafka."""
    async with served(Readiness(joined=False)) as get:
        status, _, body = await get("/healthz")
    assert (status, body) == (200, {"status": "ok"})


async def test_metrics_speak_openmetrics_when_asked_and_text_otherwise() -> None:
    """Content negotiation as Prometheus does it; both pages parse."""
    async with served(Readiness(joined=True)) as get:
        _, asked_type, asked = await get("/metrics", {"Accept": "application/openmetrics-text;version=1.0.0,*/*;q=0.1"})
        _, plain_type, plain = await get("/metrics")
    assert asked_type.startswith("application/openmetrics-text; version=1.0.0")
    assert plain_type.startswith("text/plain")
    assert {"sla_events", "sla_build"} <= {family.name for family in text_string_to_metric_families(asked)}
    assert {"sla_events", "sla_build_info"} <= {family.name for family in parse_text(plain)}


async def test_readyz_says_which_partition_is_not_ready_and_why() -> None:
    """503, the partition, its state, since when, and the reason; the live one is said to be ready."""
    shards = (Shard(partition=3, state="opening", state_since=1_767_225_600.0), Shard(partition=1))
    async with served(Readiness(joined=True, shards=shards)) as get:
        status, _, body = await get("/readyz")
    assert status == 503
    assert body["reason"] == "partition 3 is opening: its state is being restored"
    assert [each["ready"] for each in body["partitions"]] == [True, False]
    assert body["partitions"][1] == {
        "partition": 3,
        "state": "opening",
        "since": "2026-01-01T00:00:00.000Z",
        "ready": False,
        "why": "its state is being restored",
    }


async def test_readyz_is_fine_when_every_partition_is_live() -> None:
    """200 and the number of partitions."""
    async with served(Readiness(joined=True, shards=(Shard(), Shard(partition=1)))) as get:
        status, _, body = await get("/readyz")
    assert (status, body["ready"], body["reason"]) == (200, True, "2 partitions are live")


def test_a_worker_without_partitions_is_ready_and_says_so() -> None:
    """More workers than partitions is no fault: the spare one stands by."""
    report = readiness_report(Readiness(joined=True))
    assert report["ready"] is True
    assert report["reason"] == "joined the group; no partition is assigned to this worker"


def test_a_worker_outside_the_group_is_not_ready() -> None:
    """No partitions because nobody has assigned any yet is another thing."""
    report = readiness_report(Readiness(joined=False))
    assert report["ready"] is False
    assert report["reason"] == "the consumer group is not joined"


def test_other_problems_are_listed_beside_the_partitions() -> None:
    """All reasons at once, the engine's own first."""
    readiness = Readiness(
        joined=True, shards=(Shard(state="catching_up", lag_records=40),), problems=("no pack loaded",)
    )
    report = readiness_report(readiness)
    assert report["reason"] == "no pack loaded; partition 0 is catching_up: 40 records behind its input"


def test_a_tripped_partition_names_the_command_that_helps() -> None:
    """The operator is told what to type."""
    report = readiness_report(Readiness(joined=True, shards=(Shard(partition=7, state="tripped"),)))
    assert "sla-monitor dead resume 7" in str(report["reason"])


def test_a_closed_partition_is_not_ours_to_answer_for() -> None:
    """A hand-over that is done does not keep this worker from being ready."""
    report = readiness_report(Readiness(joined=True, shards=(Shard(state="closed"),)))
    assert (report["ready"], report["partitions"]) == (True, [])


def test_every_state_has_an_answer() -> None:
    """A state added to the catalogue needs its reason here."""
    assert {*NOT_READY, "live", "closed"} == set(PARTITION_STATES)
    report = readiness_report(Readiness(joined=True, shards=(Shard(state="new"),)))
    assert report["reason"] == "partition 0 is new: not live"


async def test_a_port_in_use_is_refused_with_the_setting_to_change() -> None:
    """One line that names the address and the setting, not a stack of calls."""
    app = application(metrics.registry(), lambda: Readiness(joined=True))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RefuseToStart, match=rf"127\.0\.0\.1:{port} .*SLA_WEB_PORT.*in use"):
            await serve("127.0.0.1", port, app)


@pytest.mark.parametrize(("host", "port"), [("", 0), ("192.0.2.1", 0), ("127.0.0.1", 70_000)])
async def test_an_address_that_cannot_be_had_is_refused(host: str, port: int) -> None:
    """No host would mean every interface: that is never assumed. Nor is another address taken instead."""
    with pytest.raises(RefuseToStart, match="SLA_WEB_HOST"):
        await serve(host, port, application(metrics.registry(), lambda: Readiness(joined=True)))


async def test_stopping_frees_the_port() -> None:
    """A restarted worker finds its port again."""
    stop = await serve("127.0.0.1", 0, application(metrics.registry(), lambda: Readiness(joined=True)))
    await stop()
    again = await serve("127.0.0.1", stop.port, application(metrics.registry(), lambda: Readiness(joined=True)))
    await again()
