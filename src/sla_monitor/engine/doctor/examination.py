"""All checks, one after the other. One that fails hides none of the others; without a broker the local ones remain."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from aiokafka.errors import KafkaError

from sla_monitor.config.settings import Settings
from sla_monitor.engine.doctor import clock, cluster, group, host, partitioner, permissions, rules, topics
from sla_monitor.engine.doctor.cluster import Connected
from sla_monitor.engine.doctor.findings import Finding, Level, problem, unknown
from sla_monitor.engine.kafka import NoConnection, admin_client, plain_client
from sla_monitor.errors import RefuseToStart

CHECK_SECONDS_MAX = 30.0

LOCAL: dict[str, Callable[[Settings], Awaitable[list[Finding]]]] = {
    "policy": rules.policy,
    "calendars": rules.calendars,
    "tzdata": rules.zones,
    "web": host.web,
    "secrets": host.secrets,
}
NEED_NO_SETTINGS = {"calendars", "tzdata"}
WRONG = "the settings are wrong"
OF_KAFKA: dict[str, Callable[[Connected], Awaitable[list[Finding]]]] = {
    "broker": cluster.broker,
    "transactions": cluster.journal,
    "limits": cluster.limits,
    "permissions": permissions.permissions,
    "topics": topics.topics,
    "partitioner": partitioner.partitioner,
    "group": group.group,
    "clock": clock.clock,
}


async def examine(settings: Settings) -> list[Finding]:
    """Everything, changing nothing anywhere."""
    findings = []
    for name, local in LOCAL.items():
        findings += await made(name, local(settings))
    return [*findings, *await _of_kafka(settings)]


async def _of_kafka(settings: Settings) -> list[Finding]:
    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(plain_client(settings))
            admin = await stack.enter_async_context(admin_client(settings))
        except NoConnection as nobody:
            return [problem("broker", nobody.why, nobody.what_to_do), *_not_asked("no broker answers")]
        except RefuseToStart as refusal:
            todo = "mend the setting that is named"
            return [*(problem("broker", says, todo) for says in refusal.problems), *_not_asked("no connection")]
        connected = Connected(settings=settings, client=client, admin=admin)
        return [finding for name, check in OF_KAFKA.items() for finding in await made(name, check(connected))]


async def without_settings(problems: list[str]) -> list[Finding]:
    """Settings that are wrong, and what can be looked at without them."""
    todo = "set it right or unset it: `sla-monitor --help` has all settings"
    findings = [problem("settings", says, todo) for says in problems]
    for name, check in LOCAL.items():
        needs_none = name in NEED_NO_SETTINGS
        findings += await made(name, check(Settings.model_construct())) if needs_none else [unknown(name, WRONG)]
    return [*findings, unknown("broker", WRONG), *_not_asked(WRONG)]


def _not_asked(why: str) -> list[Finding]:
    return [unknown(name, why) for name in OF_KAFKA if name != "broker"]


async def made(name: str, check: Awaitable[list[Finding]], defect: Level = "problem") -> list[Finding]:
    """What a check finds, or why it could not be made. A defect is told by its place but not with its values: one may
    be a secret.
    """
    try:
        async with asyncio.timeout(CHECK_SECONDS_MAX):
            return await check
    except RefuseToStart as refusal:
        return [unknown(name, says) for says in refusal.problems]
    except (KafkaError, OSError, TimeoutError) as error:
        kind, said = type(error).__name__, str(error)
        return [unknown(name, said if said.startswith(kind) else f"{kind}: {said}".removesuffix(": "))]
    except NotImplementedError:
        return [unknown(name, "the broker takes no question of the version that is asked")]
    except Exception as wrong:  # noqa: BLE001 - told, and the others go on
        last = traceback.extract_tb(wrong.__traceback__)[-1]
        where = f"{type(wrong).__name__} in {Path(last.filename).name}, line {last.lineno}"
        says = f"cannot be checked, by a defect of sla-monitor: {where}"
        return [Finding(check=name, level=defect, says=says, what_to_do="report it with this line")]
