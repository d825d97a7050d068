"""The topics: whether they are as the worker needs them, and safe against the loss of a broker."""

from __future__ import annotations

from collections.abc import Iterator

from sla_monitor.config.settings import Settings
from sla_monitor.engine.doctor.cluster import Connected
from sla_monitor.engine.doctor.findings import Finding, ok, problem, unknown, warning
from sla_monitor.engine.sending import BATCH_BYTES
from sla_monitor.engine.survey import Deviation, Survey, deviations, survey, untold, unusable
from sla_monitor.engine.topics import SAFE_REPLICAS, Want, differing

FRAMING_BYTES = 1_000
DAY_MS = 86_400_000
WEEK = Want(value=str(7 * DAY_MS), bound="at least")
A_BATCH = Want(value=str(BATCH_BYTES + FRAMING_BYTES), bound="at least")

CONSEQUENCES = {
    "cleanup.policy": "records that are needed would be removed",
    "retention.ms": "it is gone before late readers, replays and `sla-monitor verify` have seen it",
    "message.timestamp.type": "the worker cannot compare its clock with the broker's",
    "segment.bytes": "a restart reads more than the open cases",
    "min.cleanable.dirty.ratio": "a restart reads more than the open cases",
    "max.compaction.lag.ms": "a restart reads more than the open cases",
    "max.message.bytes": "larger ones are replaced by their size and checksum",
}


async def topics(connected: Connected) -> list[Finding]:
    """All four, and how their records are kept."""
    found = await survey(connected.admin, connected.settings, configs_of=connected.settings.topics)
    brokers = len(connected.client.cluster.brokers())
    return [*judge_topics(connected.settings, found), *judge_replication(found, brokers)]


def judge_topics(settings: Settings, found: Survey) -> Iterator[Finding]:
    """Every problem, every deviation, and one line of good news for each topic without either."""
    wrong = list(unusable(settings.topics, found))
    others = [*deviations(settings, found), *_too_small(settings, found)]
    for _, text in wrong:
        says, _, todo = text.partition("; ")
        yield problem("topics", says, todo)
    for each in others:
        if not (each.topic == settings.topics.state and each.config == "cleanup.policy"):  # said above
            yield _judge_deviation(settings, each)
    for topic, why in found.unreadable.items():
        if topic != settings.topics.state:
            yield unknown("topics", f"{topic}: its configs ({why})", f"permit DescribeConfigs on {topic}")
    silent = untold(settings, found)
    for topic, names in silent.items():
        yield unknown("topics", f"{topic}: the broker does not tell {', '.join(names)}")
    spoken_of = (
        {topic for topic, _ in wrong} | {each.topic for each in others} | found.unreadable.keys() | silent.keys()
    )
    for topic in settings.topics:
        if topic not in spoken_of:
            yield ok("topics", f"{topic}: {len(found.partitions[topic])} partitions, configs as needed")


def _too_small(settings: Settings, found: Survey) -> Iterator[Deviation]:
    """Batches are cut to a size; the broker must take it. And a week of input is what a correction may need."""
    for topic, config, want in (
        (settings.topics.state, "max.message.bytes", A_BATCH),
        (settings.topics.notices, "max.message.bytes", A_BATCH),
        (settings.topics.events, "retention.ms", WEEK),
    ):
        for name in differing(found.configs.get(topic, {}), {config: want}):
            yield Deviation(topic=topic, config=name, found=found.configs[topic][name].value, want=want)


def _judge_deviation(settings: Settings, each: Deviation) -> Finding:
    bound = "" if each.want.bound == "exactly" else f"{each.want.bound} "
    too_small = each.want is A_BATCH
    follows = "commits would fail" if too_small else CONSEQUENCES[each.config]
    says = f"{each.topic}: {each.config} is {each.found}, needed is {bound}{each.want.value}: {follows}"
    set_it = f"set {each.config}={each.want.value} on {each.topic} (kafka-configs --alter --add-config)"
    if each.topic == settings.topics.events:
        todo = f"let its owner {set_it}"
    else:
        todo = set_it if too_small else "`sla-monitor topics create` sets it"
    level = problem if too_small or each.config == "cleanup.policy" else warning
    return level("topics", says, todo)


def judge_replication(found: Survey, brokers: int) -> Iterator[Finding]:
    """Partitions without a leader stop; without a second copy they end with their broker's disk."""
    for topic, partitions in found.partitions.items():
        if without := [number for number, each in enumerate(partitions) if each.leader < 0]:
            says = f"{topic}: no broker leads {_partitions(without)}: nothing is read or written there"
            yield problem("replication", says, "start the brokers that have its copies")
    fewest = {topic: min(len(each.replicas) for each in copies) for topic, copies in found.partitions.items() if copies}
    single = [topic for topic, count in fewest.items() if count < SAFE_REPLICAS]
    if single:
        says = f"one copy of each record: {', '.join(single)}; lost with the disk of its broker"
        grow = "" if brokers >= SAFE_REPLICAS else "add brokers, then "
        yield warning("replication", says, f"{grow}raise the number of copies (kafka-reassign-partitions) to 3")
    yield from _judge_insync(found, fewest)
    behind = [
        f"{topic}/{number}"
        for topic, copies in found.partitions.items()
        for number, each in enumerate(copies)
        if len(each.in_sync) < len(each.replicas)
    ]
    if behind:
        says = f"copies that are behind: {_some(behind)}"
        yield warning("replication", says, "look at the brokers: one is down, or too slow")
    if fewest and not single and not behind:
        yield ok("replication", f"{min(fewest.values())} copies of each record, all of them in step")


def _judge_insync(found: Survey, fewest: dict[str, int]) -> Iterator[Finding]:
    for topic, configs in found.configs.items():
        if topic not in fewest or "min.insync.replicas" not in configs:
            continue
        least, copies = int(configs["min.insync.replicas"].value), fewest[topic]
        says = f"{topic}: min.insync.replicas is {least} of {copies} copies"
        if copies > SAFE_REPLICAS and least < SAFE_REPLICAS:
            follows = "an acknowledged record may be lost with one broker"
            yield warning("replication", f"{says}: {follows}", f"set it to {SAFE_REPLICAS} on {topic}")
        elif least > copies:
            yield problem("replication", f"{says}: nothing can be written", f"set it below {copies} on {topic}")
        elif copies > 1 and least == copies:
            follows = "one broker that is down stops the worker"
            yield warning("replication", f"{says}: {follows}", f"set it to {copies - 1} on {topic}, or add a copy")


def _partitions(numbers: list[int]) -> str:
    return _some([f"partition {number}" for number in numbers])


def _some(names: list[str], shown: int = 5) -> str:
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
