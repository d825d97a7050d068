"""The brokers themselves: whether they answer, what they can do, what they allow, and what time it is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.metadata import MetadataRequest

from sla_monitor.config.settings import Settings
from sla_monitor.engine.abilities import Transactions, probe_id, transactions
from sla_monitor.engine.doctor.findings import Finding, ok, problem, unknown, warning
from sla_monitor.engine.transactional import TRANSACTION_TIMEOUT_MS

SLOW_SECONDS = 0.25  # an answer to the smallest request; a commit needs several
NODE_SECONDS_MAX = 5.0
LOOKS = 3  # the first one opens the connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """Two clients of the same brokers; `client` for requests that `admin` does not make."""

    settings: Settings
    client: AIOKafkaClient
    admin: AIOKafkaAdminClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A broker as it advertises itself."""

    number: int
    address: str
    answers: bool


async def broker(connected: Connected) -> list[Finding]:
    """Every broker, at the address that it advertises: that is where clients go."""
    client = connected.client
    seconds = min([await _answer_seconds(client) for _ in range(LOOKS)])
    nodes = await asyncio.gather(*(_node(client, each) for each in client.cluster.brokers()))
    return list(judge_broker(connected.settings.broker, sorted(nodes, key=lambda node: node.number), seconds))


async def _answer_seconds(client: AIOKafkaClient) -> float:
    asked_at = time.monotonic()
    await client.send(client.get_random_node(), MetadataRequest([]))
    return time.monotonic() - asked_at


async def _node(client: AIOKafkaClient, broker: Any) -> Node:
    try:
        answers = await asyncio.wait_for(client.ready(broker.nodeId), NODE_SECONDS_MAX)
    except TimeoutError:
        answers = False
    return Node(number=broker.nodeId, address=f"{broker.host}:{broker.port}", answers=answers)


def judge_broker(servers: str, nodes: list[Node], seconds: float) -> Iterator[Finding]:
    """One line of good news, one for each broker that does not answer."""
    says = f"{servers} answers in {seconds * 1_000:.1f} ms; {len(nodes)} broker{'s'[: len(nodes) != 1]}"
    if seconds > SLOW_SECONDS:
        yield warning("broker", says, "run the worker nearer to the brokers: each commit waits for several answers")
    else:
        yield ok("broker", says)
    for node in nodes:
        if not node.answers:
            says = f"broker {node.number} does not answer at {node.address}, the address it advertises"
            todo = "start it, or let its advertised.listeners name an address that this machine reaches"
            yield problem("broker", says, todo)


async def journal(connected: Connected) -> list[Finding]:
    """Whether SLA_JOURNAL fits these brokers."""
    answer = await transactions(connected.client, name := probe_id(connected.settings))
    return [judge_journal(connected.settings.journal, answer, name)]


def judge_journal(journal: str, answer: Transactions, probed: str) -> Finding:
    """Exactly once needs transactions; without them there is the other journal."""
    if answer == "no":
        if journal == "at_least_once":
            return ok("transactions", "the broker has no transactions, and SLA_JOURNAL=at_least_once needs none")
        todo = (
            "use Apache Kafka, or set SLA_JOURNAL=at_least_once: one worker, whose notices may come twice after a crash"
        )
        return problem("transactions", f"the broker has no transactions, and SLA_JOURNAL={journal} needs them", todo)
    if journal == "at_least_once":
        says = "the broker has transactions, and SLA_JOURNAL=at_least_once does not use them"
        return warning("transactions", says, "set SLA_JOURNAL=transactional for exactly once and several workers")
    if answer == "denied":
        todo = f"permit Write on transactional ids that begin with {probed.removesuffix('probe')}"
        return problem("transactions", f"the broker has them, and not for this user (asked for {probed})", todo)
    return ok("transactions", f"the broker has them, as SLA_JOURNAL={journal} needs")


async def limits(connected: Connected) -> list[Finding]:
    """What the brokers allow of the times that a worker asks for."""
    node = connected.client.get_random_node()
    answers: Any = await connected.admin.describe_configs([ConfigResource(ConfigResourceType.BROKER, str(node))])
    [(code, _, _, _, entries)] = answers[0].resources
    if code:
        todo = "nothing; with DescribeConfigs on the cluster it could be checked"
        return [unknown("limits", f"the broker's settings ({for_code(code).__name__})", todo)]
    return list(judge_limits(connected.settings, {name: value for name, value, *_ in entries}))


def judge_limits(settings: Settings, configs: Mapping[str, str | None]) -> Iterator[Finding]:
    """A session or a transaction of another length is refused by the broker."""
    session_ms = int(settings.session_timeout_seconds * 1_000)
    low, high = configs.get("group.min.session.timeout.ms"), configs.get("group.max.session.timeout.ms")
    longest = configs.get("transaction.max.timeout.ms")
    if low is None or high is None or longest is None:
        yield unknown("limits", "the broker does not tell its limits")
        return
    says = f"SLA_SESSION_TIMEOUT_SECONDS={settings.session_timeout_seconds:g}, the broker takes {low} to {high} ms"
    if int(low) <= session_ms <= int(high):
        yield ok("limits", says)
    else:
        yield problem("limits", says, "set it to one that the broker takes")
    if settings.journal == "transactional" and int(longest) < TRANSACTION_TIMEOUT_MS:
        says = f"transaction.max.timeout.ms is {longest}, the worker asks for {TRANSACTION_TIMEOUT_MS}"
        yield problem("limits", says, f"set it to {TRANSACTION_TIMEOUT_MS} or more on every broker")
