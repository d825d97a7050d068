"""Whether a broker has transactions is asked of it, and asking changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from aiokafka import AIOKafkaProducer, errors

from sla_monitor.config.settings import Settings
from sla_monitor.engine import abilities
from sla_monitor.engine.abilities import Transactions, probe_id, transactions, transactions_by
from sla_monitor.engine.embedded import embedded_broker
from sla_monitor.engine.kafka import plain_client
from sla_monitor.errors import RefuseToStart
from tests.kafka.broker import Broker, free_port
from tests.kafka.helpers import create_topics, fresh_prefix


@pytest.fixture
def without_transactions() -> Iterator[str]:
    """The address of a broker that lists the requests of transactions and answers them with an error."""
    with embedded_broker() as address:
        yield address


async def asked(settings: Settings) -> Transactions:
    async with plain_client(settings) as client:
        return await transactions(client, probe_id(settings))


async def test_kafka_has_transactions(broker: Broker) -> None:
    """Without any topic of ours."""
    assert await asked(Settings(broker=broker.bootstrap, topic_prefix=fresh_prefix())) == "yes"


async def test_a_broker_that_only_lists_them_has_none(without_transactions: str) -> None:
    """It says of itself that it takes the request."""
    settings = Settings(broker=without_transactions)
    assert await asked(settings) == "no"


async def test_asking_disturbs_nobody(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the owner of the very id that is asked for: its open transaction is committed."""
    settings = Settings(broker=broker.bootstrap, topic_prefix=fresh_prefix())
    await create_topics(broker.bootstrap, settings.topics.state)
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=probe_id(settings))
    await producer.start()
    try:
        await producer.begin_transaction()
        await producer.send_and_wait(settings.topics.state, b"value")
        assert await asked(settings) == "yes"
        await producer.commit_transaction()
        # The control: with a time-out that the broker accepts the owner is fenced.
        monkeypatch.setattr(abilities, "NO_TIMEOUT_MS", 60_000)
        await producer.begin_transaction()
        await producer.send_and_wait(settings.topics.state, b"value")
        assert await asked(settings) == "yes"
        with pytest.raises(errors.ProducerFenced):
            await producer.commit_transaction()
    finally:
        await producer.stop()


async def test_without_a_broker_nobody_can_tell() -> None:
    """A refusal that names the setting, never a yes or a no."""
    with pytest.raises(RefuseToStart, match="SLA_BROKER"):
        await asked(Settings(broker=f"127.0.0.1:{free_port()}"))


@pytest.mark.parametrize(
    ("code", "meaning"),
    [(0, "yes"), (50, "yes"), (16, "yes"), (53, "denied"), (-1, "no"), (35, "no")],
)
def test_what_an_answer_means(code: int, meaning: str) -> None:
    """Success, a refused time-out, another coordinator; not permitted; unknown, not supported."""
    assert transactions_by(code) == meaning


@pytest.mark.parametrize(("code", "name"), [(58, "SaslAuthenticationFailed"), (32_000, "error 32000")])
def test_an_answer_that_says_neither(code: int, name: str) -> None:
    """It is named, and nothing is made of it."""
    with pytest.raises(RefuseToStart, match=name):
        transactions_by(code)
