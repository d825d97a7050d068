"""Every example of a producer is run as its page says, against a real broker: its events are those the worker needs."""

from __future__ import annotations

import os
import subprocess
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from aiokafka.partitioner import murmur2

from sla_monitor.core.facts import Opened, Responded
from sla_monitor.engine.embedded import embedded_broker
from sla_monitor.wire.inbound import CaseEvent, decode
from tests.kafka.broker import Broker
from tests.kafka.helpers import create_topics, fresh_prefix, read_all

ROOT = Path(__file__).parents[2]
PARTITIONS = 7
CASE = "CASE-1000123"
PARTITION = (murmur2(CASE.encode()) & 0x7FFFFFFF) % PARTITIONS
AIOKAFKA = (sys.executable, "examples/producer_aiokafka.py")
CONFLUENT = (sys.executable, "examples/producer_confluent.py")
SHELL = ("examples/producer.sh",)


def run(command: Sequence[str], bootstrap: str, prefix: str, path: Path | None = None) -> str:
    """As a person would, from the top of the checkout; what it printed."""
    environment = {
        **os.environ,
        "SLA_BROKER": bootstrap,
        "SLA_TOPIC_PREFIX": prefix,
        "PATH": f"{path or ''}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run([*command, CASE], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def sent(bootstrap: str, topic: str) -> list[CaseEvent]:
    """What the worker reads, all of it from the one partition that the key says."""
    records = await read_all(bootstrap, topic)
    assert {record.partition for record in records} == {PARTITION}
    received = [decode(record.key, record.value, record.headers) for record in records]
    assert all(isinstance(each, CaseEvent) for each in received)
    return [each for each in received if isinstance(each, CaseEvent)]


@pytest.mark.parametrize("command", [AIOKAFKA, CONFLUENT, SHELL], ids=lambda command: Path(command[-1]).name)
async def test_a_producer_sends_what_the_worker_needs(broker: Broker, tools: Path, command: Sequence[str]) -> None:
    """Both events of the case, in order and in the partition that all producers must use."""
    prefix = fresh_prefix()
    await create_topics(broker.bootstrap, f"{prefix}case-events", partitions=PARTITIONS)
    run(command, broker.bootstrap, prefix, tools)
    opened, responded = await sent(broker.bootstrap, f"{prefix}case-events")
    assert (opened.case_id, responded.case_id) == (CASE, CASE)
    assert isinstance(opened.fact.body, Opened)
    assert isinstance(responded.fact.body, Responded)
    assert opened.fact.at < responded.fact.at


async def test_what_is_sent_twice_is_the_same_event(broker: Broker) -> None:
    """To the byte, so that the worker sees a duplicate and not a conflict."""
    prefix = fresh_prefix()
    await create_topics(broker.bootstrap, f"{prefix}case-events", partitions=PARTITIONS)
    for _ in range(2):
        run(CONFLUENT, broker.bootstrap, prefix)
    first, second, *again = await sent(broker.bootstrap, f"{prefix}case-events")
    assert again == [first, second]


async def test_a_producer_works_with_the_broker_of_the_demo() -> None:
    """The one without Java, which knows neither transactions nor idempotent producers."""
    with embedded_broker() as bootstrap:
        await create_topics(bootstrap, "case-events", partitions=PARTITIONS)
        said = run(AIOKAFKA, bootstrap, "")
        assert said.splitlines() == [f"case-events partition {PARTITION} offset {number}" for number in range(2)]


def test_the_default_of_librdkafka_is_another_partition() -> None:
    """CRC-32: so the tests above would notice if the setting were forgotten."""
    assert zlib.crc32(CASE.encode()) % PARTITIONS != PARTITION


def test_an_example_without_a_broker_fails() -> None:
    """A producer that says nothing of what was not taken would be a bad example."""
    nobody = {**os.environ, "SLA_BROKER": "127.0.0.1:1"}
    done = subprocess.run([*AIOKAFKA, CASE], cwd=ROOT, env=nobody, capture_output=True, text=True, check=False)
    assert done.returncode != 0
