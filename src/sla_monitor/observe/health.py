"""The worker's own pages: `/metrics`, `/healthz`, `/readyz`. The board adds its routes to the same application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.aiohttp import make_aiohttp_handler

from sla_monitor.errors import RefuseToStart
from sla_monitor.observe.recorder import ShardView

SHUTDOWN_SECONDS = 1.0  # open requests get this long; partitions need the rest of the closing deadline

# Why a partition in this state keeps the worker from being ready. A live one does not; a closed one is not ours.
NOT_READY = {
    "opening": "its state is being restored",
    "catching_up": "{lag} records behind its input",
    "suspended": "the group is rebalancing",
    "tripped": "stopped by a flood of dead letters; `sla-monitor dead resume {partition}` lets it go on",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What the engine says of itself. `problems`: what else keeps it from being ready, one line each."""

    joined: bool
    shards: Iterable[ShardView] = ()
    problems: tuple[str, ...] = ()


def application(registry: CollectorRegistry, readiness: Callable[[], Readiness]) -> web.Application:
    """The three pages. None of them shows more of a case than its id (in exemplars) or changes anything, so none asks
    for a token.
    """
    app = web.Application()
    app.router.add_get("/metrics", make_aiohttp_handler(registry))
    app.router.add_get("/healthz", _healthz)
    app.router.add_get("/readyz", _readyz(readiness))
    return app


async def _healthz(_request: web.Request) -> web.Response:
    """Answering is the proof: the event loop turns. Kafka is not asked, restarting us would not mend it."""
    return web.json_response({"status": "ok"})


def _readyz(readiness: Callable[[], Readiness]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        report = readiness_report(readiness())
        return web.json_response(report, status=200 if report["ready"] else 503)

    return answer


def readiness_report(readiness: Readiness) -> dict[str, object]:
    """The body of `/readyz`: `ready`, one line that says why, and each partition with its state and since when."""
    shards = sorted((shard for shard in readiness.shards if shard.state != "closed"), key=lambda shard: shard.partition)
    partitions = [_partition(shard) for shard in shards]
    blocked = [f"partition {each['partition']} is {each['state']}: {each['why']}" for each in partitions if each["why"]]
    problems = [*([] if readiness.joined else ["the consumer group is not joined"]), *readiness.problems, *blocked]
    return {
        "ready": not problems,
        "reason": "; ".join(problems) or _in_order(len(partitions)),
        "joined": readiness.joined,
        "partitions": partitions,
    }


def _in_order(count: int) -> str:
    return f"{count} partitions are live" if count else "joined the group; no partition is assigned to this worker"


def _partition(shard: ShardView) -> dict[str, object]:
    """One partition. An unknown state is not ready: better asked about than trusted."""
    reason = "" if shard.state == "live" else NOT_READY.get(shard.state, "not live")
    return {
        "partition": shard.partition,
        "state": shard.state,
        "since": _rfc3339(shard.state_since),
        "ready": not reason,
        "why": reason.format(lag=shard.lag_records, partition=shard.partition),
    }


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A server at work; calling it stops it. `port` is the one bound, also when 0 (any free one) was asked for."""

    port: int
    runner: web.AppRunner

    async def __call__(self) -> None:
        await self.runner.cleanup()


async def serve(host: str, port: int, app: web.Application) -> Serving:
    """Serve on this host alone. RefuseToStart when the address cannot be had, or when no host would mean every one."""
    if not host:
        raise RefuseToStart("SLA_WEB_HOST is empty: name the address to listen on, 127.0.0.1 for this machine only")
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except (OSError, OverflowError) as error:
        await runner.cleanup()
        raise RefuseToStart(f"cannot listen on {host}:{port} (SLA_WEB_HOST, SLA_WEB_PORT): {error}") from error
    return Serving(port=runner.addresses[0][1], runner=runner)
