"""Everything that keeps a worker from starting, looked for before it starts, so that all of it is told at once.

The checks are those of `sla-monitor doctor`; of what they find only that counts which no worker survives. One that
cannot be made keeps nobody from starting: what is really wrong will show.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack

from sla_monitor.config.packs import load_packs
from sla_monitor.config.settings import Settings
from sla_monitor.core.policy import Packs
from sla_monitor.engine.abilities import probe_id, transactions
from sla_monitor.engine.doctor import cluster, group, host, permissions
from sla_monitor.engine.doctor.cluster import Connected
from sla_monitor.engine.doctor.examination import made
from sla_monitor.engine.doctor.findings import Finding
from sla_monitor.engine.kafka import admin_client, plain_client
from sla_monitor.engine.survey import survey, unusable
from sla_monitor.errors import BadConfiguration, RefuseToStart


def checked_packs(settings: Settings) -> Packs:
    """The policy packs, once nothing is in the way. RefuseToStart lists every problem, theirs and all others."""
    packs, problems = None, []
    try:
        packs = load_packs(settings.policy)
    except BadConfiguration as wrong:
        unreadable = f"{settings.policy}: cannot be read"
        problems += [f"SLA_POLICY: {each}" if each.startswith(unreadable) else each for each in wrong.problems]
    problems += asyncio.run(start_problems(settings))
    if packs is None or problems:
        raise RefuseToStart(problems)
    return packs


async def start_problems(settings: Settings) -> list[str]:
    """A line each, with what to do."""
    problems = [*_lines(await _made("secrets", host.secrets(settings))), *_lines([host.taken(settings)])]
    try:
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(plain_client(settings))
            admin = await stack.enter_async_context(admin_client(settings))
            problems += await _of_kafka(Connected(settings=settings, client=client, admin=admin))
    except RefuseToStart as refusal:
        problems += [each for each in refusal.problems if not any(told.startswith(each) for told in problems)]
    return problems


async def _of_kafka(connected: Connected) -> list[str]:
    settings = connected.settings
    name = probe_id(settings)
    found = [cluster.judge_journal(settings.journal, await transactions(connected.client, name), name)]
    for check in (cluster.limits, permissions.permissions, group.access):
        found += await _made(check.__name__, check(connected))
    lines = _lines(found)
    topics = await survey(connected.admin, settings, configs_of=(settings.topics.state,))
    for topic, text in unusable(settings.topics, topics):
        withheld = topic not in topics.partitions or topic in topics.unreadable
        if not (withheld and any(line.startswith(f"{topic}: ") for line in lines)):  # told as a permission
            lines.append(text)
    return lines


async def _made(name: str, check: Awaitable[list[Finding]]) -> list[Finding]:
    """A defect in a look at something must not keep a worker from it."""
    return await made(name, check, defect="cannot be checked")


def _lines(findings: list[Finding]) -> list[str]:
    return [f"{finding.says}: {finding.what_to_do}" for finding in findings if finding.level == "problem"]
