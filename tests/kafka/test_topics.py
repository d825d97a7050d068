"""`topics create` makes the topics right, and the worker refuses to start on wrong ones."""

from __future__ import annotations

from typing import Any

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from sla_monitor.config.settings import Settings
from sla_monitor.engine.survey import check_topics
from sla_monitor.engine.topics import TopicReport, Want
from sla_monitor.engine.topics import create_topics as make_right
from sla_monitor.errors import RefuseToStart, UnsafeState
from tests.kafka.broker import Broker, free_port
from tests.kafka.helpers import admin_of, create_topics, fresh_prefix

DAY_MS = 86_400_000


@pytest.fixture
def settings(broker: Broker) -> Settings:
    """Topics that nobody has yet."""
    return Settings(broker=broker.bootstrap, topic_prefix=fresh_prefix())


async def configs(settings: Settings, topic: str) -> dict[str, str]:
    """The configs of a topic as the broker says them."""
    async with admin_of(settings.broker) as admin:
        answers: Any = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
    return {entry[0]: entry[1] for entry in answers[0].resources[0][4]}


def outcomes(reports: list[TopicReport]) -> list[str]:
    """One word for each of events, notices, state, dead."""
    return [report.outcome for report in reports]


async def test_what_is_missing_is_created_with_its_configs(settings: Settings) -> None:
    """On an empty cluster one command makes all four, and the worker may start."""
    assert len(await check_topics(settings)) == 4
    assert outcomes(await make_right(settings, 3, 1)) == ["created"] * 4
    assert await check_topics(settings) == []
    notices = await configs(settings, settings.topics.notices)
    assert (notices["cleanup.policy"], notices["retention.ms"]) == ("delete", str(90 * DAY_MS))
    assert notices["message.timestamp.type"] == "LogAppendTime"
    state = await configs(settings, settings.topics.state)
    assert (state["cleanup.policy"], state["segment.bytes"]) == ("compact", "67108864")
    assert (state["min.cleanable.dirty.ratio"], state["max.compaction.lag.ms"]) == ("0.1", "3600000")
    assert state["message.timestamp.type"] == "LogAppendTime"
    assert (await configs(settings, settings.topics.events))["cleanup.policy"] == "delete"


async def test_a_second_run_changes_nothing(settings: Settings) -> None:
    """Right topics are left alone; the number of partitions is known by then."""
    await make_right(settings, 2, 1)
    assert outcomes(await make_right(settings)) == ["right"] * 4


async def test_the_largest_input_fits_into_the_dead_letter_topic(settings: Settings) -> None:
    """A dead letter is the input record and its reasons."""
    await create_topics(settings.broker, settings.topics.events, partitions=2, configs={"max.message.bytes": "5000000"})
    assert outcomes(await make_right(settings)) == ["right", "created", "created", "created"]
    dead = await configs(settings, settings.topics.dead)
    assert dead["max.message.bytes"] == str(5_000_000 + 64 * 1024)
    assert (dead["cleanup.policy"], dead["retention.ms"]) == ("delete", str(30 * DAY_MS))


async def test_our_topics_are_repaired_and_keep_what_an_operator_chose(settings: Settings) -> None:
    """A wrong value is set right; a longer retention and a value we do not care about stay."""
    topics = settings.topics
    await create_topics(settings.broker, topics.events, topics.dead)
    await create_topics(settings.broker, topics.state, configs={"cleanup.policy": "delete", "retention.bytes": "77"})
    await create_topics(settings.broker, topics.notices, configs={"retention.ms": "-1"})
    assert [problem for problem in await check_topics(settings) if "forgotten" in problem]
    reports = await make_right(settings)
    assert outcomes(reports) == ["right", "repaired", "repaired", "repaired"]
    assert "cleanup.policy: delete -> compact" in reports[2].changes
    assert await check_topics(settings) == []
    state, notices = await configs(settings, topics.state), await configs(settings, topics.notices)
    assert (state["cleanup.policy"], state["retention.bytes"], state["segment.bytes"]) == ("compact", "77", "67108864")
    assert (notices["retention.ms"], notices["message.timestamp.type"]) == ("-1", "LogAppendTime")
    assert outcomes(await make_right(settings)) == ["right"] * 4


async def test_the_input_topic_is_never_changed(settings: Settings) -> None:
    """It belongs to its producers: what is wrong with it is said."""
    await create_topics(settings.broker, settings.topics.events, configs={"cleanup.policy": "compact"})
    reports = await make_right(settings)
    assert outcomes(reports) == ["wrong", "created", "created", "created"]
    assert "compact -> delete" in reports[0].problems[0]
    assert (await configs(settings, settings.topics.events))["cleanup.policy"] == "compact"


async def test_unequal_partition_counts_are_named(settings: Settings) -> None:
    """A case must have one partition number everywhere: the worker does not start, and says which topic differs."""
    await create_topics(settings.broker, settings.topics.events, partitions=4)
    await create_topics(settings.broker, settings.topics.notices, partitions=3)
    reports = await make_right(settings)
    assert outcomes(reports) == ["right", "wrong", "created", "created"]
    [problem] = await check_topics(settings)
    assert problem.startswith(f"{settings.topics.notices}: has 3 partitions, {settings.topics.events} has 4")


async def test_another_count_than_the_input_has_touches_nothing(settings: Settings) -> None:
    """`--partitions` is checked before the first topic is made."""
    await create_topics(settings.broker, settings.topics.events, partitions=4)
    with pytest.raises(UnsafeState, match="--partitions 4"):
        await make_right(settings, 6, 1)
    assert len(await check_topics(settings)) == 3


async def test_the_first_count_must_be_said(settings: Settings) -> None:
    """A number of partitions is a decision for years; there is no default."""
    with pytest.raises(UnsafeState, match="--partitions N"):
        await make_right(settings)


async def test_a_refused_creation_is_a_problem_with_the_way_out(settings: Settings) -> None:
    """More replicas than brokers: the broker's reason is passed on, nothing else is attempted."""
    [report] = await make_right(settings, 1, 3)
    assert report.outcome == "wrong"
    assert "InvalidReplicationFactorError" in report.problems[0]


async def test_without_a_broker_the_refusal_names_the_setting() -> None:
    """Not a traceback: the variable and the address."""
    nobody = f"127.0.0.1:{free_port()}"
    with pytest.raises(RefuseToStart, match=f"SLA_BROKER: no connection to {nobody}"):
        await check_topics(Settings(broker=nobody))


@pytest.mark.parametrize(
    ("want", "good", "bad"),
    [
        (Want(value="delete"), ["delete"], ["compact", "compact,delete"]),
        (Want(value="90", bound="at least"), ["90", "91", "-1"], ["89"]),
        (Want(value="0.1", bound="at most"), ["0.1", "0.05"], ["0.5", "-1"]),
    ],
)
def test_a_bound_accepts_what_is_as_good(want: Want, good: list[str], bad: list[str]) -> None:
    """-1 is Kafka's word for no limit."""
    assert all(want.satisfied_by(value) for value in good)
    assert not any(want.satisfied_by(value) for value in bad)
