"""A worker takes another policy while it runs."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import aiohttp

from sla_monitor.config.packs import BUILT_IN
from tests.kafka.broker import Broker
from tests.kafka.world import A_CASE, SECOND, WorkerProcess, a_world, event, eventually, now, rfc3339

HEADERS = {"Authorization": "Bearer s3cret"}
CHANGED = ('version: "2026-01"', "effective_from: 2000-01-01T00:00:00Z", "warnings: [75, 90] #")


def version(number: int, effective_from: int) -> str:
    """Another version of the built-in pack, with one warning at this many percent."""
    text = (BUILT_IN / "default.yaml").read_text()
    for before, after in zip(
        CHANGED,
        (f'version: "{number}"', f"effective_from: {rfc3339(effective_from)}", f"warnings: [{number}] #"),
        strict=True,
    ):
        assert text.count(before) == 1
        text = text.replace(before, after)
    return text


async def post(worker: WorkerProcess) -> tuple[int, list[str]]:
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"http://127.0.0.1:{worker.web_port}/-/reload", headers=HEADERS) as answer,
    ):
        return answer.status, (await answer.json())["problems"]


async def test_a_reload_is_for_cases_to_come(broker: Broker, tmp_path: Path) -> None:
    """By signal or request: a bad pack changes nothing, a good one is for what is opened from its instant on, and the
    metrics say which of it happened."""
    folder, token = tmp_path / "packs", tmp_path / "token"
    folder.mkdir()
    token.write_text("s3cret\n")
    (folder / "first.yaml").write_text((BUILT_IN / "default.yaml").read_text())
    settings = {"SLA_POLICY": str(folder), "SLA_WEB_TOKEN_FILE": str(token), "SLA_FUTURE_TOLERANCE_SECONDS": "0.1"}
    async with a_world(broker.bootstrap, partitions=1, **settings) as world:
        worker = world.start()
        await worker.ready()
        await world.send(event("before", "case.opened", now(), **A_CASE))

        (folder / "second.yaml").write_text(version(50, effective_from=now() - SECOND))
        os.kill(worker.pid, signal.SIGHUP)

        async def is_refused() -> bool:
            return await worker.metric("sla_config_last_reload_successful") == 0

        await eventually(is_refused, world.ends_of_logs)
        status, problems = await post(worker)
        assert status == 409
        assert "choose an instant after" in problems[0]

        effective_from = now() + 2 * SECOND
        (folder / "second.yaml").write_text(version(50, effective_from))
        assert await post(worker) == (200, [])
        assert await worker.metric("sla_config_last_reload_successful") == 1

        async def has_come() -> bool:
            return now() >= effective_from

        await eventually(has_come, world.ends_of_logs)
        await world.send(event("after", "case.opened", effective_from, **A_CASE))
        await world.send(event("before", "case.severity_changed", now(), severity="B"))
        await world.caught_up()
        versions = {(each.case_id, each.data["policy"]["version"]) for each in await world.notices()}
        assert versions == {("before", "2026-01"), ("after", "50")}
