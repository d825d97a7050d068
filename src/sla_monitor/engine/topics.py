"""The topics as the worker needs them: created when missing, repaired when ours, else described with what to do.

`create_topics` makes them right. Who only wants to look asks `engine/survey.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from sla_monitor.config.settings import Settings
from sla_monitor.engine.kafka import admin_client
from sla_monitor.errors import UnsafeState

DAY_MS = 86_400_000
DEAD_HEADERS_BYTES = 64 * 1024  # a dead letter is its input record with the reasons in its headers
MESSAGE_BYTES_MAX_DEFAULT = 1_048_588  # of Apache Kafka
SAFE_REPLICAS = 2
REPLICAS_DEFAULT = 3  # or as many as there are brokers
VISIBLE_SECONDS_MAX = 15  # from creation until every broker shows it
SET_ON_THE_TOPIC = 1  # `config_source` of a value that the topic itself has, not a default

Outcome = Literal["created", "right", "repaired", "wrong"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicReport:
    """What was found or done. `changes` were made, `problems` are left, each with what to do about it."""

    topic: str
    outcome: Outcome
    changes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """A config value. `bound`: a larger or smaller one than ours is as good, and an operator's choice is kept."""

    value: str
    bound: Literal["exactly", "at least", "at most"] = "exactly"

    def satisfied_by(self, found: str) -> bool:
        """Kafka writes "no limit" as -1."""
        if self.bound == "exactly":
            return found == self.value
        if self.bound == "at least":
            return found == "-1" or float(found) >= float(self.value)
        return found != "-1" and float(found) <= float(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A value that the broker says. `of_the_topic`: the topic has it itself, it is no default."""

    value: str
    of_the_topic: bool


Configs = Mapping[str, Want]

DELETE = Want(value="delete")
BROKER_TIME = Want(value="LogAppendTime")  # each commit tells the broker's clock
INPUT: Configs = {"cleanup.policy": DELETE}


def wanted_configs(settings: Settings, input_bytes_max: int) -> dict[str, Configs]:
    """The configs of our own topics by their names."""
    topics = settings.topics
    return {
        topics.notices: {
            "cleanup.policy": DELETE,
            "retention.ms": Want(value=str(90 * DAY_MS), bound="at least"),
            "message.timestamp.type": BROKER_TIME,
        },
        topics.state: {  # else the time of a restore follows the writes, not the cases
            "cleanup.policy": Want(value="compact"),
            "segment.bytes": Want(value=str(64 * 1024 * 1024), bound="at most"),
            "min.cleanable.dirty.ratio": Want(value="0.1", bound="at most"),
            "max.compaction.lag.ms": Want(value=str(3_600_000), bound="at most"),
            "message.timestamp.type": BROKER_TIME,
        },
        topics.dead: {
            "cleanup.policy": DELETE,
            "retention.ms": Want(value=str(30 * DAY_MS), bound="at least"),
            "max.message.bytes": Want(value=str(input_bytes_max + DEAD_HEADERS_BYTES), bound="at least"),
        },
    }


async def create_topics(
    settings: Settings, partitions: int | None = None, replication_factor: int | None = None
) -> list[TopicReport]:
    """Creates what is missing and repairs configs of our own topics; the input topic belongs to its producers.

    `partitions` may be left out when the input topic exists; `replication_factor` is 3, or the number of brokers if
    they are fewer. UnsafeState, and nothing is touched: the input topic has another number of partitions.
    """
    events = settings.topics.events
    async with admin_client(settings) as admin:
        found = await topic_partitions(admin)
        count = _agreed_count(events, found, partitions)
        replicas = replication_factor or min(REPLICAS_DEFAULT, len((await admin.describe_cluster())["brokers"]))
        work = _Work(admin=admin, found=found, partitions=count, replicas=replicas)
        reports = [await work.make_right(events, INPUT, ours=False)]
        if events in found or reports[0].outcome == "created":
            await _until_visible(admin, {events})
            input_bytes_max = message_bytes_max(await topic_configs(admin, events))
            for topic, wanted in wanted_configs(settings, input_bytes_max).items():
                reports.append(await work.make_right(topic, wanted, ours=True))
        await _until_visible(admin, {report.topic for report in reports if report.outcome == "created"})
    return reports


def differing(found: Mapping[str, Config], wanted: Configs) -> dict[str, Want]:
    """Those that are not as wanted, as far as the broker tells."""
    return {name: want for name, want in wanted.items() if name in found and not want.satisfied_by(found[name].value)}


def _agreed_count(events: str, found: Mapping[str, int], asked: int | None) -> int:
    existing = found.get(events)
    if existing is None and asked is None:
        raise UnsafeState(f"{events}: does not exist, so the number of partitions must be said: --partitions N")
    if existing is not None and asked is not None and existing != asked:
        raise UnsafeState(
            f"{events}: has {existing} partitions, not {asked}. All topics must have the same number and this one "
            f"belongs to its producers: use --partitions {existing}"
        )
    return existing or asked or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What holds for all topics of one run of `create_topics`; `found` has the partition counts before it."""

    admin: AIOKafkaAdminClient
    found: Mapping[str, int]
    partitions: int
    replicas: int

    async def make_right(self, topic: str, wanted: Configs, *, ours: bool) -> TopicReport:
        if topic not in self.found:
            return await self._create(topic, wanted)
        problems = []
        if self.found[topic] != self.partitions:
            problems.append(other_count(topic, self.found[topic], "the input", self.partitions))
        configs = await topic_configs(self.admin, topic)
        others = differing(configs, wanted)
        changes = [f"{name}: {configs[name].value} -> {want.value}" for name, want in others.items()]
        if others and (refusal := await self._repair(topic, configs, others) if ours else "it is not ours"):
            problems += [f"{topic}: {change} is needed and was not done: {refusal}" for change in changes]
            changes = []
        outcome: Outcome = "wrong" if problems else "repaired" if changes else "right"
        return TopicReport(topic=topic, outcome=outcome, changes=tuple(changes), problems=tuple(problems))

    async def _create(self, topic: str, wanted: Configs) -> TopicReport:
        configs = {name: want.value for name, want in wanted.items()}
        if self.replicas > SAFE_REPLICAS:  # an acknowledged notice survives the loss of any one broker
            configs["min.insync.replicas"] = str(SAFE_REPLICAS)
        new = NewTopic(topic, self.partitions, self.replicas, topic_configs=configs)
        answer: Any = await self.admin.create_topics([new])
        [(_, code, message)] = answer.topic_errors
        said = (
            f"{self.partitions} partitions",
            f"{self.replicas} replicas",
            *(f"{n} = {v}" for n, v in configs.items()),
        )
        if code:
            problem = f"{topic}: was not created ({_error(code, message)}); it needs {', '.join(said)}"
            return TopicReport(topic=topic, outcome="wrong", problems=(problem,))
        return TopicReport(topic=topic, outcome="created", changes=said)

    async def _repair(self, topic: str, configs: Mapping[str, Config], wanted: Configs) -> str:
        """Why it was refused, or nothing. The request replaces every value the topic has, so those are sent along."""
        kept = {name: config.value for name, config in configs.items() if config.of_the_topic}
        values = kept | {name: want.value for name, want in wanted.items()}
        answers: Any = await self.admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, values)])
        [(code, message, _, _)] = answers[0].resources
        return _error(code, message) if code else ""


def message_bytes_max(configs: Mapping[str, Config]) -> int:
    """How large a record batch of the topic may be. Brokers that are not Apache Kafka may not say."""
    return int(configs["max.message.bytes"].value) if "max.message.bytes" in configs else MESSAGE_BYTES_MAX_DEFAULT


async def topic_configs(admin: AIOKafkaAdminClient, topic: str) -> dict[str, Config]:
    """What the broker tells of a topic's settings: all of them, if it is Apache Kafka."""
    answers: Any = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    [(code, message, _, _, entries)] = answers[0].resources
    if code:
        raise for_code(code)(f"{topic}: {message}")
    return {
        name: Config(value=value, of_the_topic=source == SET_ON_THE_TOPIC) for name, value, _, source, *_ in entries
    }


async def topic_partitions(admin: AIOKafkaAdminClient) -> dict[str, int]:
    """The number of each topic that this user may see."""
    return {topic: len(described["partitions"]) for topic, described in (await visible_topics(admin)).items()}


async def visible_topics(admin: AIOKafkaAdminClient) -> dict[str, Any]:
    """All of them: to ask for one by name would create it where brokers create on demand."""
    return {each["topic"]: each for each in await admin.describe_topics() if not each["error_code"]}


async def _until_visible(admin: AIOKafkaAdminClient, topics: set[str]) -> None:
    """A broker confirms a topic before it shows it."""
    async with asyncio.timeout(VISIBLE_SECONDS_MAX):
        while not topics <= (await topic_partitions(admin)).keys():  # noqa: ASYNC110 - a broker has no event
            await asyncio.sleep(0.05)


def other_count(topic: str, count: int, other: str, wanted: int) -> str:
    return (
        f"{topic}: has {count} partitions, {other} has {wanted}; a case has the same partition number in all topics. "
        f"While no worker runs, delete {topic} (its records are lost) and run `sla-monitor topics create`"
    )


def _error(code: int, message: str | None) -> str:
    return f"{for_code(code).__name__}: {message}" if message else for_code(code).__name__
