"""The topics as they are. `survey` asks and changes nothing; `unusable` and `deviations` judge what it saw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import BrokerResponseError

from sla_monitor.config.settings import Settings, Topics
from sla_monitor.engine.kafka import admin_client
from sla_monitor.engine.topics import (
    INPUT,
    Config,
    Configs,
    Want,
    differing,
    message_bytes_max,
    other_count,
    topic_configs,
    visible_topics,
    wanted_configs,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """Where a partition's records are: brokers by number; those of `in_sync` have all of them. `leader`: -1 if none."""

    leader: int
    replicas: tuple[int, ...]
    in_sync: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Those of our topics that this user may see, as they are; `unreadable` has why configs could not be had."""

    partitions: Mapping[str, tuple[Copies, ...]]
    configs: Mapping[str, Mapping[str, Config]]
    unreadable: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """A config that is not as the worker needs it."""

    topic: str
    config: str
    found: str
    want: Want


async def check_topics(settings: Settings) -> list[str]:
    """Why the worker must not start: topics that are missing, cannot go together, or would lose its state."""
    async with admin_client(settings) as admin:
        found = await survey(admin, settings, configs_of=(settings.topics.state,))
    return [problem for _, problem in unusable(settings.topics, found)]


async def survey(admin: AIOKafkaAdminClient, settings: Settings, *, configs_of: Iterable[str]) -> Survey:
    """Asks and changes nothing. KafkaError only where the broker does not even list topics."""
    visible = await visible_topics(admin)
    partitions = {
        topic: tuple(
            Copies(leader=each["leader"], replicas=tuple(each["replicas"]), in_sync=tuple(each["isr"]))
            for each in visible[topic]["partitions"]
        )
        for topic in settings.topics
        if topic in visible
    }
    configs, unreadable = {}, {}
    for topic in configs_of:
        if topic in partitions:
            try:
                configs[topic] = await topic_configs(admin, topic)
            except BrokerResponseError as error:
                unreadable[topic] = type(error).__name__
    return Survey(partitions=partitions, configs=configs, unreadable=unreadable)


def unusable(topics: Topics, found: Survey) -> Iterator[tuple[str, str]]:
    """(topic, what is wrong and what to do): topics that are missing, cannot go together, or would lose the state."""
    counts = {topic: len(partitions) for topic, partitions in found.partitions.items()}
    for topic in topics:
        if topic not in counts:
            yield topic, f"{topic}: is missing, or hidden from this user; `sla-monitor topics create` makes it"
        elif topics.events in counts and counts[topic] != counts[topics.events]:
            yield topic, other_count(topic, counts[topic], topics.events, counts[topics.events])
    if why := found.unreadable.get(topics.state):
        yield topics.state, f"{topics.state}: its configs cannot be read ({why}); permit DescribeConfigs on it"
    state = found.configs.get(topics.state)
    if state and "cleanup.policy" in state and (policy := state["cleanup.policy"].value) != "compact":
        forgotten = f"{topics.state}: cleanup.policy is {policy}, so open cases would be forgotten"
        yield topics.state, f"{forgotten}; `sla-monitor topics create` sets it to compact"


def deviations(settings: Settings, found: Survey) -> list[Deviation]:
    """What `create_topics` would set, and on the input topic what it would ask for."""
    return [
        Deviation(topic=topic, config=name, found=found.configs[topic][name].value, want=want)
        for topic, wanted in _wanted(settings, found).items()
        for name, want in differing(found.configs[topic], wanted).items()
    ]


def untold(settings: Settings, found: Survey) -> dict[str, list[str]]:
    """Configs of each topic that the worker needs to be right and the broker does not tell."""
    told = {topic: wanted.keys() - found.configs[topic].keys() for topic, wanted in _wanted(settings, found).items()}
    return {topic: sorted(names) for topic, names in told.items() if names}


def _wanted(settings: Settings, found: Survey) -> dict[str, Configs]:
    """Of the topics whose configs could be read."""
    events = settings.topics.events
    wanted: dict[str, Configs] = {events: INPUT}
    if events in found.configs:  # else nobody knows how large its records are
        wanted |= wanted_configs(settings, message_bytes_max(found.configs[events]))
    return {topic: configs for topic, configs in wanted.items() if topic in found.configs}
