"""Prometheus and Alertmanager as processes of a test: started on free ports of the loopback, ended with it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from ruamel.yaml import YAML

from tests.deploy.composed import read_yaml
from tests.deploy.fixtures import UNPACKED, Monitoring
from tests.kafka.world import eventually

ROOT = Path(__file__).parent.parent.parent
ANSWER_SECONDS_MAX = 60.0  # on a busy machine


def write_yaml(path: Path, value: Any) -> None:
    with path.open("w", encoding="utf-8") as file:
        YAML(typ="safe", pure=True).dump(value, file)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclass(slots=True, kw_only=True)
class Server:
    """A program that answers over HTTP. `get` gives None while nobody answers, or says that it is not ready."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    async def get(self, path: str, **query: str) -> Any:
        limit = aiohttp.ClientTimeout(total=10)
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.get(f"{self.url}{path}", params=query) as answer,
            ):
                text = await answer.text()
                return json.loads(text) if answer.content_type == "application/json" else text if answer.ok else None
        return None

    async def post(self, path: str, document: Any) -> int:
        async with aiohttp.ClientSession() as session, session.post(f"{self.url}{path}", json=document) as answer:
            return answer.status

    async def answers(self) -> None:
        """Until it is ready."""

        async def is_ready() -> bool:
            assert self.process.poll() is None, self.end_of_log()
            return await self.get("/-/ready") is not None

        await eventually(is_ready, self.end_of_log, ANSWER_SECONDS_MAX)

    def end_of_log(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


def started(command: Sequence[str], folder: Path, log: Path) -> subprocess.Popen[bytes]:
    """`.usr`: where programs that scripts/monitoring.sh has unpacked find what belongs to them."""
    if not (folder / ".usr").is_symlink():
        (folder / ".usr").symlink_to(UNPACKED.parent)
    with log.open("wb") as output:
        return subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)


@contextlib.asynccontextmanager
async def serving(command: Sequence[str], port: int, folder: Path) -> AsyncIterator[Server]:
    process = started(command, folder, folder / "log")
    try:
        server = Server(url=f"http://127.0.0.1:{port}", process=process, log=folder / "log")
        await server.answers()
        yield server
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)


@dataclass(slots=True, kw_only=True)
class Webhook:
    """Where the receivers of Alertmanager lead to in a test: what came, by the name of the receiver."""

    port: int = 0
    came: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    async def take(self, request: web.Request) -> web.Response:
        self.came.setdefault(request.match_info["receiver"], []).append(await request.json())
        return web.Response()

    def alerts(self, receiver: str, name: str) -> list[dict[str, Any]]:
        """Those of this name that the receiver was told of."""
        told = (alert for group in self.came.get(receiver, []) for alert in group["alerts"])
        return [alert for alert in told if alert["labels"]["alertname"] == name]


@contextlib.asynccontextmanager
async def a_webhook() -> AsyncIterator[Webhook]:
    hook = Webhook()
    app = web.Application()
    app.router.add_post("/{receiver}", hook.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hook.port = runner.addresses[0][1]
    try:
        yield hook
    finally:
        await runner.cleanup()


def impatient(route: dict[str, Any]) -> dict[str, Any]:
    """The same routes without their waiting: a message comes at once, and changes to it as soon."""
    quick = dict.fromkeys(("group_wait", "group_interval"), "1s")
    return {**route, **quick, "routes": [impatient(each) for each in route.get("routes", [])]}


def write_alertmanager(folder: Path, hook: Webhook) -> None:
    """The configuration of the repository, but for its waiting and for where its receivers lead."""
    folder.mkdir()
    file = read_yaml(ROOT / "deploy/alertmanager/alertmanager.yml")
    file["route"] = impatient(file["route"])
    file["templates"] = [str(ROOT / "deploy/alertmanager/templates/*.tmpl")]
    for receiver in file["receivers"]:
        receiver["webhook_configs"] = [{"url": f"http://127.0.0.1:{hook.port}/{receiver['name']}"}]
    write_yaml(folder / "alertmanager.yml", file)


@contextlib.asynccontextmanager
async def an_alertmanager(monitoring: Monitoring, folder: Path, hook: Webhook) -> AsyncIterator[Server]:
    """As `write_alertmanager` has it; without peers."""
    write_alertmanager(folder, hook)
    port = free_port()
    command = [
        monitoring.alertmanager,
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    async with serving(command, port, folder) as server:
        yield server


def write_prometheus(folder: Path, workers: Mapping[str, int], alertmanager: Server | None) -> None:
    """The rules of the repository, but every second and with little patience. `workers`: their names and ports."""
    folder.mkdir()
    (folder / "rules").mkdir()
    for path in (ROOT / "deploy/prometheus/rules").glob("*.yaml"):
        groups = read_yaml(path)
        for group in groups["groups"]:
            group["interval"] = "1s"
            for rule in group["rules"]:
                for patience in rule.keys() & {"for", "keep_firing_for"}:
                    rule[patience] = "5s"  # a scrape or two that fail on a busy machine are no absence
        write_yaml(folder / "rules" / path.name, groups)
    targets = [{"targets": [f"127.0.0.1:{port}"], "labels": {"instance": name}} for name, port in workers.items()]
    file = {
        "global": {"scrape_interval": "2s", "scrape_timeout": "2s", "evaluation_interval": "1s"},
        "rule_files": [str(folder / "rules/*.yaml")],
        "scrape_configs": [{"job_name": "sla-monitor", "static_configs": targets}],
    }
    if alertmanager is not None:
        address = alertmanager.url.removeprefix("http://")
        file["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [address]}]}]}
    write_yaml(folder / "prometheus.yml", file)


@contextlib.asynccontextmanager
async def a_prometheus(
    monitoring: Monitoring, folder: Path, workers: Mapping[str, int], alertmanager: Server | None = None
) -> AsyncIterator[Server]:
    """As `write_prometheus` has it."""
    write_prometheus(folder, workers, alertmanager)
    port = free_port()
    command = [
        monitoring.prometheus,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--enable-feature=exemplar-storage",
        "--rules.alert.resend-delay=1s",
    ]
    async with serving(command, port, folder) as server:
        yield server
