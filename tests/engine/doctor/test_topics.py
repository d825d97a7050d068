"""Topics and where cases are, judged by examples."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import pytest

from sla_monitor.config.settings import Settings
from sla_monitor.engine.doctor.partitioner import Sampled, judge_partitioner
from sla_monitor.engine.doctor.topics import judge_replication, judge_topics
from sla_monitor.engine.layout import partition_of
from sla_monitor.engine.survey import Copies, Survey
from sla_monitor.engine.topics import Config, wanted_configs

SETTINGS = Settings()
TOPICS = SETTINGS.topics
BYTES_MAX = 1_048_588
DEFAULTS = {"max.message.bytes": str(BYTES_MAX), "retention.ms": "604800000", "min.insync.replicas": "2"}
KEYS = [f"CASE-{number}".encode() for number in range(100)]


def a_survey(
    *,
    changed: Mapping[tuple[str, str], str] | None = None,
    partitions: Mapping[str, int] | None = None,
    copies: Copies | None = None,
    without: tuple[str, ...] = (),
) -> Survey:
    """Topics as `topics create` makes them, on three brokers, with changes."""
    copy = copies or Copies(leader=1, replicas=(1, 2, 3), in_sync=(1, 2, 3))
    wanted = wanted_configs(SETTINGS, BYTES_MAX)
    values = {
        topic: DEFAULTS
        | {"cleanup.policy": "delete"}
        | {name: want.value for name, want in wanted.get(topic, {}).items()}
        | {name: value for (where, name), value in (changed or {}).items() if where == topic}
        for topic in TOPICS
        if topic not in without
    }
    return Survey(
        partitions={topic: (copy,) * (partitions or {}).get(topic, 3) for topic in values},
        configs={
            topic: {name: Config(value=value, of_the_topic=True) for name, value in configs.items()}
            for topic, configs in values.items()
        },
        unreadable={},
    )


def test_topics_as_they_are_made_are_fine() -> None:
    """One line each."""
    assert [finding.level for finding in judge_topics(SETTINGS, a_survey())] == ["ok"] * 4
    assert [finding.level for finding in judge_replication(a_survey(), 3)] == ["ok"]


@pytest.mark.parametrize(
    ("topic", "config", "value", "level", "advice"),
    [
        (TOPICS.state, "cleanup.policy", "delete", "problem", "topics create"),
        (TOPICS.notices, "cleanup.policy", "compact", "problem", "topics create"),
        (TOPICS.events, "cleanup.policy", "compact", "problem", "let its owner set"),
        (TOPICS.dead, "cleanup.policy", "compact", "problem", "topics create"),
        (TOPICS.notices, "message.timestamp.type", "CreateTime", "warning", "topics create"),
        (TOPICS.notices, "retention.ms", "1000", "warning", "topics create"),
        (TOPICS.events, "retention.ms", "1000", "warning", "let its owner set"),
        (TOPICS.state, "segment.bytes", "1073741824", "warning", "topics create"),
        (TOPICS.state, "max.compaction.lag.ms", "9223372036854775807", "warning", "topics create"),
        (TOPICS.state, "min.cleanable.dirty.ratio", "0.5", "warning", "topics create"),
        (TOPICS.dead, "max.message.bytes", "1000", "warning", "topics create"),
        (TOPICS.state, "max.message.bytes", "500000", "problem", "kafka-configs"),
        (TOPICS.notices, "max.message.bytes", "500000", "problem", "kafka-configs"),
    ],
)
def test_each_config_that_is_not_as_needed(topic: str, config: str, value: str, level: str, advice: str) -> None:
    """What is lost or stops the worker is a problem, what makes it worse a warning; each is said once."""
    findings = list(judge_topics(SETTINGS, a_survey(changed={(topic, config): value})))
    [finding] = [each for each in findings if each.level != "ok"]
    assert finding.level == level
    assert finding.says.startswith(f"{topic}: {config} is {value}")
    assert advice in finding.what_to_do
    assert len(findings) == 4


def test_a_missing_topic_and_one_with_other_partitions() -> None:
    """As `run` refuses them, with the command that helps."""
    found = a_survey(without=(TOPICS.dead,), partitions={TOPICS.notices: 2})
    wrong = [each for each in judge_topics(SETTINGS, found) if each.level == "problem"]
    assert [each.says.partition(":")[0] for each in wrong] == [TOPICS.notices, TOPICS.dead]
    assert all("topics create" in each.what_to_do for each in wrong)


def test_what_the_broker_does_not_tell_is_not_taken_for_right() -> None:
    """Some tell only what was set on the topic."""
    found = a_survey()
    bare = Survey(partitions=found.partitions, configs={topic: {} for topic in TOPICS}, unreadable={})
    assert {finding.level for finding in judge_topics(SETTINGS, bare)} == {"cannot be checked"}


def test_configs_that_may_not_be_read() -> None:
    """The worker needs those of its state; the others are said to be unknown."""
    found = a_survey()
    denied = dict.fromkeys(TOPICS, "TopicAuthorizationFailedError")
    hidden = Survey(partitions=found.partitions, configs={}, unreadable=denied)
    levels = {each.says.partition(":")[0]: each.level for each in judge_topics(SETTINGS, hidden)}
    assert levels == {topic: "problem" if topic == TOPICS.state else "cannot be checked" for topic in TOPICS}


@pytest.mark.parametrize(
    ("copies", "insync", "levels"),
    [
        (Copies(leader=1, replicas=(1,), in_sync=(1,)), "1", ["warning"]),
        (Copies(leader=-1, replicas=(1, 2, 3), in_sync=(2,)), "2", ["problem"] * 4 + ["warning"]),
        (Copies(leader=1, replicas=(1, 2, 3), in_sync=(1, 2)), "2", ["warning"]),
        (Copies(leader=1, replicas=(1, 2, 3), in_sync=(1, 2, 3)), "1", ["warning"] * 4 + ["ok"]),
        (Copies(leader=1, replicas=(1, 2), in_sync=(1, 2)), "2", ["warning"] * 4 + ["ok"]),
        (Copies(leader=1, replicas=(1, 2), in_sync=(1, 2)), "3", ["problem"] * 4 + ["ok"]),
    ],
    ids=["one copy", "no leader", "one behind", "may lose", "may stop", "cannot write"],
)
def test_how_safe_records_are(copies: Copies, insync: str, levels: list[str]) -> None:
    """Against the loss of one broker."""
    found = a_survey(copies=copies, changed={(topic, "min.insync.replicas"): insync for topic in TOPICS})
    assert [finding.level for finding in judge_replication(found, 3)] == levels


# --- the partitioner ----------------------------------------------------------------------------------------------


def murmur2(key: bytes) -> int:
    return partition_of(key, 6)


def crc32(key: bytes) -> int:
    return zlib.crc32(key) % 6


def test_records_where_they_belong() -> None:
    """None of them is elsewhere; those without a key are another matter."""
    sample = [*(Sampled(key=key, partition=murmur2(key)) for key in KEYS), Sampled(key=None, partition=0)]
    finding = judge_partitioner(SETTINGS, sample, 6)
    assert (finding.level, "newest 100 records" in finding.says) == ("ok", True)


def test_the_default_of_librdkafka_is_recognised() -> None:
    """By where it puts them, with the setting that mends it."""
    sample = [Sampled(key=key, partition=crc32(key)) for key in KEYS]
    misplaced = sum(crc32(key) != murmur2(key) for key in KEYS)
    finding = judge_partitioner(SETTINGS, sample, 6)
    assert finding.level == "problem"
    assert f"{misplaced} of the newest 100 records" in finding.says
    assert "librdkafka's default" in finding.says
    assert "partitioner=murmur2_random" in finding.what_to_do


def test_another_way_is_not_called_librdkafkas() -> None:
    """One off: by chance a few are where CRC-32 would have them."""
    sample = [Sampled(key=key, partition=(murmur2(key) + 1) % 6) for key in KEYS]
    finding = judge_partitioner(Settings(partition_check="strict"), sample, 6)
    assert "100 of the newest 100" in finding.says
    assert "librdkafka's default" not in finding.says
    assert "dead-lettered" in finding.says


def test_nothing_to_look_at() -> None:
    """An empty topic, or one partition where nobody can be wrong."""
    assert judge_partitioner(SETTINGS, [], 6).level == "ok"
    assert judge_partitioner(SETTINGS, [Sampled(key=b"x", partition=0)], 1).level == "ok"
