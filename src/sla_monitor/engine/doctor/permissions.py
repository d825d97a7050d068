"""What this user may do on Kafka, as the brokers themselves tell it (KIP-430): nothing is tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from aiokafka.errors import for_code

from sla_monitor.config.settings import Settings, Topics
from sla_monitor.engine.doctor.cluster import Connected
from sla_monitor.engine.doctor.findings import Finding, ok, problem, unknown
from sla_monitor.engine.doctor.requests import PermittedOperations

OPERATIONS: Final = {
    "Read": 3,
    "Write": 4,
    "Create": 5,
    "Describe": 8,
    "DescribeConfigs": 10,
    "AlterConfigs": 11,
}  # by their bits, as the brokers tell them
UNTOLD: Final = {-(2**31), -1}  # what brokers answer that do not tell
MISSING, HIDDEN = 3, 29  # UnknownTopicOrPartition, TopicAuthorizationFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """Of a topic: its error code and its operations as bits."""

    error: int
    operations: int


def needed(topics: Topics) -> dict[str, tuple[str, ...]]:
    """What `run` does with each topic."""
    return {
        topics.events: ("Describe", "Read"),
        topics.notices: ("Describe", "Write"),
        topics.state: ("Describe", "DescribeConfigs", "Read", "Write"),
        topics.dead: ("Describe", "DescribeConfigs", "Write"),
    }


def useful(topics: Topics) -> dict[tuple[str, str], str]:
    """(topic, operation) that only other commands need, and which."""
    return {
        (topics.notices, "Read"): "verify",
        (topics.dead, "Read"): "verify, dead",
        (topics.events, "Write"): "dead replay",
        (topics.notices, "AlterConfigs"): "topics create",
        (topics.state, "AlterConfigs"): "topics create",
        (topics.dead, "AlterConfigs"): "topics create",
    }


async def permissions(connected: Connected) -> list[Finding]:
    """Of the topics. The group and transactional ids are asked for where they are looked at."""
    client, topics = connected.client, connected.settings.topics
    answer = await client.send(client.get_random_node(), PermittedOperations(list(topics)))
    found = {
        each["topic"]: Permitted(error=each["error_code"], operations=each["authorized_operations"])
        for each in answer.to_object()["topics"]
    }
    return list(judge_permissions(connected.settings, found))


def judge_permissions(settings: Settings, found: Mapping[str, Permitted]) -> Iterator[Finding]:
    """What `run` lacks is a problem; what only other commands lack is said."""
    topics = settings.topics
    told = {name: each for name, each in found.items() if each.error == 0 and each.operations not in UNTOLD}
    for name, each in found.items():
        if each.error == HIDDEN:
            yield problem("permissions", f"{name}: hidden from this user", f"permit {_list(needed(topics)[name])}")
        elif each.error not in (0, MISSING):
            yield unknown("permissions", f"{name}: {for_code(each.error).__name__}")
    denied = {
        name: [operation for operation in operations if not _may(told[name], operation)]
        for name, operations in needed(topics).items()
        if name in told
    }
    for name, operations in denied.items():
        if operations:
            yield problem("permissions", f"{name}: {_list(operations)} denied", f"permit {_list(operations)} on {name}")
    if any(each.error == 0 and each.operations in UNTOLD for each in found.values()):
        yield unknown("permissions", "this broker does not tell what is permitted")
    elif told and not any(denied.values()):
        lacking = [
            f"{operation} on {name} ({commands})"
            for (name, operation), commands in useful(topics).items()
            if name in told and not _may(told[name], operation)
        ]
        says = f"all that `run` needs of {len(told)} topics"
        yield ok("permissions", says + (f"; for other commands not: {_list(lacking)}" if lacking else ""))


def _may(permitted: Permitted, operation: str) -> bool:
    return bool(permitted.operations & (1 << OPERATIONS[operation]))


def _list(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(names)
