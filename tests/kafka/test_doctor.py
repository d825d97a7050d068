"""The doctor on a real broker: each kind of finding is put there first, and nothing is changed by looking."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewPartitions

from sla_monitor.config.settings import Settings
from sla_monitor.engine.doctor import clock, cluster
from sla_monitor.engine.doctor.cluster import Connected
from sla_monitor.engine.doctor.examination import OF_KAFKA, examine
from sla_monitor.engine.doctor.findings import Finding
from sla_monitor.engine.kafka import admin_client, plain_client
from sla_monitor.engine.preflight import start_problems
from sla_monitor.engine.survey import survey
from sla_monitor.engine.topics import create_topics
from tests.kafka.broker import Broker, free_port
from tests.kafka.helpers import admin_of, delete_topic, fresh_prefix, move_offsets, set_config
from tests.kafka.test_abilities import without_transactions

__all__ = ["without_transactions"]


@pytest.fixture
async def settings(broker: Broker) -> Settings:
    """A deployment in order, of two partitions."""
    prefix = fresh_prefix()
    made = Settings(broker=broker.bootstrap, topic_prefix=prefix, group=f"{prefix}group", web_port=0)
    await create_topics(made, 2, 1)
    return made


async def found(settings: Settings, check: str) -> list[Finding]:
    """What one check of all says that is not fine."""
    return [each for each in await examine(settings) if each.check == check and each.level != "ok"]


async def test_a_deployment_in_order(settings: Settings) -> None:
    """Every check is made; one broker is all there is to warn of. The clocks are those of one machine."""
    findings = await examine(settings)
    of_kafka = [each for each in findings if each.check in OF_KAFKA or each.check == "replication"]
    assert {each.check for each in of_kafka} == OF_KAFKA.keys() | {"replication"}
    assert [each.check for each in of_kafka if each.level != "ok"] == ["replication"]


async def test_looking_changes_nothing(settings: Settings) -> None:
    """Topics, configs and groups are as before, right or wrong."""
    topics = settings.topics
    await set_config(settings.broker, topics.state, cleanup_policy="delete")
    async with admin_client(settings) as admin:
        before = await survey(admin, settings, configs_of=topics)
        groups = set(await admin.list_consumer_groups())
        await examine(settings)
        assert await survey(admin, settings, configs_of=topics) == before
        assert set(await admin.list_consumer_groups()) == groups


async def test_wrong_topics(settings: Settings) -> None:
    """Several at once, each with what to do."""
    topics = settings.topics
    await delete_topic(settings.broker, topics.dead)
    await set_config(settings.broker, topics.state, cleanup_policy="delete")
    await set_config(settings.broker, topics.notices, message_timestamp_type="CreateTime")
    async with admin_of(settings.broker) as admin:
        await admin.create_partitions({topics.notices: NewPartitions(3)})
    findings = await found(settings, "topics")
    assert [(each.level, each.says.partition(":")[0]) for each in findings] == [
        ("problem", topics.notices),
        ("problem", topics.dead),
        ("problem", topics.state),
        ("warning", topics.notices),
    ]
    assert all("topics create" in each.what_to_do for each in findings)


async def test_a_producer_with_another_partitioner(settings: Settings) -> None:
    """All keys in one partition: about half of them belong into the other."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.broker)
    await producer.start()
    try:
        for number in range(20):
            await producer.send_and_wait(settings.topics.events, b"{}", key=f"case-{number}".encode(), partition=0)
    finally:
        await producer.stop()
    [finding] = await found(settings, "partitioner")
    assert finding.level == "problem"
    assert "of the newest 20 records" in finding.says
    assert "murmur2_random" in finding.what_to_do


async def test_offsets_beyond_the_input(settings: Settings) -> None:
    """As after the topic was made anew."""
    await move_offsets(settings.broker, settings.group, {TopicPartition(settings.topics.events, 1): 7})
    [finding] = await found(settings, "group")
    assert (finding.level, f"{settings.topics.events}/1" in finding.says) == ("problem", True)


async def test_a_session_that_the_broker_does_not_take(settings: Settings) -> None:
    """The test's broker has Kafka's own upper limit, half an hour."""
    long = settings.model_copy(update={"session_timeout_seconds": 1801.0})
    [finding] = await found(long, "limits")
    assert finding.level == "problem"


async def test_the_clock_is_measured(settings: Settings) -> None:
    """To what the answer took; a clock that is two minutes ahead is seen as just that."""
    async with plain_client(settings) as client, admin_client(settings) as admin:
        connected = Connected(settings=settings, client=client, admin=admin)
        difference = await clock.controllers(connected)
        assert isinstance(difference, clock.Difference)
        assert difference.least == 0
        shifted = await clock.controllers(connected, lambda: time.time() + 120)
        assert isinstance(shifted, clock.Difference)
        assert shifted.low <= 120 <= shifted.high


async def test_a_broker_without_transactions(without_transactions: str) -> None:
    """The journal does not fit; what such a broker does not tell is unknown, and no check crashes."""
    settings = Settings(broker=without_transactions, web_port=0)
    await create_topics(settings, 2, 1)
    findings = await examine(settings)
    assert [each.check for each in findings if each.level == "problem"] == ["transactions"]
    assert {each.check for each in findings if each.level == "cannot be checked"} >= {"limits", "permissions", "clock"}
    alone = settings.model_copy(update={"journal": "at_least_once"})
    assert [each.check for each in await examine(alone) if each.level == "problem"] == []


async def test_before_the_start_each_problem_is_one_line(settings: Settings) -> None:
    """What no worker survives, and nothing else: a single copy of each record keeps nobody from starting."""
    assert await start_problems(settings) == []
    await delete_topic(settings.broker, settings.topics.dead)
    long = settings.model_copy(update={"session_timeout_seconds": 1801.0})
    session, missing = await start_problems(long)
    assert "the broker takes 1000 to 1800000 ms: set it" in session
    assert missing.startswith(f"{settings.topics.dead}: is missing")


async def test_a_defect_of_a_look_keeps_nobody_from_starting(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither does a question that the broker does not take."""
    for wrong in (ZeroDivisionError, NotImplementedError):
        monkeypatch.setattr(cluster, "judge_limits", _raising(wrong))
        assert await start_problems(settings) == []
    assert [each.level for each in await found(settings, "limits")] == ["cannot be checked"]


def _raising(wrong: type[Exception]) -> Callable[..., NoReturn]:
    def judge(*_: object) -> NoReturn:
        raise wrong

    return judge


async def test_a_journal_that_the_broker_cannot_keep_is_refused(without_transactions: str) -> None:
    """Together with everything else that is wrong."""
    settings = Settings(broker=without_transactions, web_port=0)
    lines = await start_problems(settings)
    assert "SLA_JOURNAL=at_least_once" in lines[0]
    assert len(lines) == 1 + 4


async def test_a_broker_that_is_away_does_not_hide_the_rest(tmp_path: Path) -> None:
    """The token's file is told beside it, the password's once."""
    token, password = tmp_path / "token", tmp_path / "password"
    token.touch()
    lines = await start_problems(Settings(broker=f"127.0.0.1:{free_port()}", web_port=0, web_token_file=token))
    assert [line.partition(":")[0] for line in lines] == ["SLA_WEB_TOKEN_FILE", "SLA_BROKER"]
    password.touch()
    secured = Settings(
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username="worker",
        sasl_password_file=password,
        web_port=0,
    )
    [line] = await start_problems(secured)
    assert line.startswith(f"SLA_SASL_PASSWORD_FILE: {password} is empty")
