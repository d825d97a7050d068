"""A deployment as operators see it: workers on a real Kafka, scraped by a real Prometheus, told of by Alertmanager."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.deploy.dashboards import asked, filled_in
from tests.deploy.fixtures import Monitoring
from tests.deploy.queries import rules, selectors
from tests.deploy.running import Server, Webhook, a_prometheus, a_webhook, an_alertmanager, free_port
from tests.kafka.broker import Broker
from tests.kafka.world import A_CASE, SECOND, Event, World, a_world, event, eventually, now

SEEN_SECONDS_MAX = 90.0  # on two busy cores; ~15 s on idle ones
AT_ONCE = 32  # queries


async def series(prometheus: Server, expression: str) -> list[Any]:
    answer = await prometheus.get("/api/v1/query", query=expression)
    assert answer is None or answer["status"] == "success", (expression, answer)
    return list(answer["data"]["result"]) if answer else []


async def until_each_has_shown_data(prometheus: Server, expressions: Iterable[str]) -> None:
    """Each at some instant: a rate shows what happens only while it happens."""
    left = set(expressions)

    async def none_is_left() -> bool:
        for expression in sorted(left)[:AT_ONCE]:
            if await series(prometheus, expression):
                left.discard(expression)
        return not left

    await eventually(none_is_left, lambda: "without data: " + "\n".join(sorted(left)), SEEN_SECONDS_MAX)


async def until_told(hook: Webhook, receiver: str, name: str, status: str = "firing") -> dict[str, Any]:
    """The first alert of this name and status that reaches this receiver."""

    def found() -> list[dict[str, Any]]:
        return [alert for alert in hook.alerts(receiver, name) if alert["status"] == status]

    await eventually(lambda: bool(found()), lambda: f"{receiver} was told {hook.came}", SEEN_SECONDS_MAX)
    return found()[0]


def a_day() -> list[Event]:
    """Promises kept, broken, and still open; one that is to be taken back, a record that cannot be used, one twice."""
    at = now()
    late: dict[str, Any] = {**A_CASE, "targets": {"initial_response": 1}}
    kept = [
        sent
        for severity in "ABC"
        for sent in (
            event(f"kept-{severity}", "case.opened", at, **{**A_CASE, "severity": severity}),
            event(f"kept-{severity}", "case.responded", at + 1),
        )
    ]
    again = event("broken", "case.opened", at, event_id="once", **late)
    waits = event("waits", "case.opened", at, **A_CASE)
    taken_back = event("taken-back", "case.opened", at, **late)
    return [*kept, waits, again, again, taken_back, Event(key=b"rubbish", value=b"{")]


async def said(world: World, *wanted: tuple[str, str]) -> None:
    """Until these notices (case, type) stand in the topic."""

    async def all_are_there() -> bool:
        return {(each.case_id, each.type) for each in await world.notices()} >= set(wanted)

    await eventually(all_are_there, world.ends_of_logs, SEEN_SECONDS_MAX)


async def test_what_happens_is_seen(broker: Broker, monitoring: Monitoring, tmp_path: Path) -> None:
    """Every query of every dashboard, and every series that a rule reads, has data. A breach reaches whoever is to be
    woken, with severity, plan and runbook, and ends when the case is answered. An exemplar names the case. Once no
    worker answers, that is what is told."""
    async with (
        a_world(broker.bootstrap, partitions=2) as world,
        a_webhook() as hook,
        an_alertmanager(monitoring, tmp_path / "alertmanager", hook) as alertmanager,
    ):
        first = world.start()
        await first.ready()
        workers = {"worker-1": first.web_port, "worker-2": free_port()}
        async with a_prometheus(monitoring, tmp_path / "prometheus", workers, alertmanager) as prometheus:
            await until_each_has_shown_data(prometheus, ['sla_rebalances_total{instance="worker-1"}'])
            second = world.start(SLA_WEB_PORT=str(workers["worker-2"]))  # what a rebalance shows
            await second.ready()
            await until_each_has_shown_data(prometheus, ['sla_rebalances_total{instance="worker-2"}'])
            opened = now()
            await world.send(*a_day())
            await said(world, ("broken", "sla.breached"), ("taken-back", "sla.breached"))
            await world.send(event("taken-back", "case.responded", opened + SECOND // 10))
            os.kill(first.pid, signal.SIGHUP)

            alert = await until_told(hook, "page-unified", "SlaPromiseBroken")
            labels = {"job": "sla-monitor", "severity": "critical", "case_severity": "A", "plan": "unified"}
            assert alert["labels"] == {"alertname": "SlaPromiseBroken", **labels}
            assert alert["annotations"]["runbook_url"] == "deploy/runbooks/SlaPromiseBroken.md"
            assert re.match("[12] open cases of severity A on unified are past", alert["annotations"]["description"])
            assert (await until_told(hook, "ticket", "SlaDeadLetters"))["labels"]["reason"] == "not_json"

            await until_each_has_shown_data(prometheus, {filled_in(query.expression) for query in asked()})
            read = {name + matchers for rule in rules() for name, matchers in selectors(rule.expression)}
            await until_each_has_shown_data(prometheus, read)

            exemplars = await prometheus.get(
                "/api/v1/query_exemplars",
                query='sla_targets_total{outcome="breached"}',
                start=str(opened / SECOND - 60),
                end=str(now() / SECOND + 60),
            )
            named = {each["labels"]["case_id"] for found in exemplars["data"] for each in found["exemplars"]}
            assert named <= {"broken", "taken-back"}
            assert named

            await world.send(event("broken", "case.responded", now()))
            await until_told(hook, "page-unified", "SlaPromiseBroken", "resolved")
            for worker in (first, second):
                worker.terminate()
            await asyncio.gather(*(worker.ended() for worker in (first, second)))
            absent = await until_told(hook, "page", "SlaWorkerAbsent")
            assert absent["labels"]["job"] == "sla-monitor"
