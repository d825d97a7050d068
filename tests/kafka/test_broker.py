"""The broker that the other tests stand on."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from sla_monitor.engine import keeper
from tests.kafka.broker import Broker
from tests.kafka.helpers import committed, create_topics, fresh_prefix, read_all

ROOT = Path(__file__).parents[2]


async def send(broker: Broker, topic: str, *values: bytes) -> None:
    """Each value to partition 0, acknowledged."""
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap)
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value, partition=0)
    finally:
        await producer.stop()


async def test_a_new_topic_is_empty_and_takes_records(broker: Broker) -> None:
    """What is sent is what is read, in order."""
    topic = f"{fresh_prefix()}events"
    await create_topics(broker.bootstrap, topic, partitions=2)
    assert await read_all(broker.bootstrap, topic) == []
    await send(broker, topic, b"one", b"two")
    assert [(record.partition, record.value) for record in await read_all(broker.bootstrap, topic)] == [
        (0, b"one"),
        (0, b"two"),
    ]


async def test_an_aborted_transaction_is_seen_by_nobody_who_reads_committed(broker: Broker) -> None:
    """Committed records and offsets stand together; of an aborted transaction neither does."""
    prefix = fresh_prefix()
    topic, group = f"{prefix}notices", f"{prefix}group"
    await create_topics(broker.bootstrap, topic)
    producer = AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap, transactional_id=f"{prefix}writer", retry_backoff_ms=20
    )
    await producer.start()
    try:
        for value, offset in ((b"stands", 1), (b"withdrawn", 2)):
            await producer.begin_transaction()
            await producer.send_and_wait(topic, value)
            await producer.send_offsets_to_transaction({TopicPartition(topic, 0): offset}, group)
            await (producer.commit_transaction() if value == b"stands" else producer.abort_transaction())
    finally:
        await producer.stop()
    assert [record.value for record in await read_all(broker.bootstrap, topic)] == [b"stands"]
    assert [record.value for record in await read_all(broker.bootstrap, topic, "read_uncommitted")] == [
        b"stands",
        b"withdrawn",
    ]
    assert await committed(broker.bootstrap, group, topic) == {0: 1}


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_a_restart_keeps_address_and_data(broker: Broker, end: str) -> None:
    """A broker that ended, in order or not, is the same one when it is back."""
    topic = f"{fresh_prefix()}events"
    await create_topics(broker.bootstrap, topic)
    await send(broker, topic, b"kept")
    bootstrap, pid = broker.bootstrap, broker.pid
    getattr(broker, end)()
    assert not broker.running
    broker.restart()
    assert broker.bootstrap == bootstrap
    assert broker.pid != pid
    assert [record.value for record in await read_all(bootstrap, topic)] == [b"kept"]


@pytest.mark.kafka
def test_a_broker_started_by_hand_ends_with_its_input(tmp_path: Path) -> None:
    """`python -m tests.kafka.broker` says where it listens and runs for as long as somebody holds its input."""
    command = [sys.executable, "-m", "tests.kafka.broker", "--data", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as by_hand:
        assert by_hand.stdin
        assert by_hand.stdout
        host, _, port = by_hand.stdout.readline().strip().partition(":")
        with socket.create_connection((host, int(port)), timeout=5):
            pass
        by_hand.stdin.close()
        assert by_hand.wait(60) == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=5)


STARTS_AND_WAITS = """
import subprocess, sys, time
keeper = subprocess.Popen([sys.executable, *sys.argv[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(keeper.stdout.readline().decode(), flush=True)
time.sleep(600)
"""


def test_what_a_killed_process_had_started_ends_too(tmp_path: Path) -> None:
    """A test run that is killed leaves no broker behind: the keeper ends its child when nobody holds it any more."""
    kept = [str(keeper.__file__), str(tmp_path / "log"), "5", "sleep", "600"]
    command = [sys.executable, "-c", STARTS_AND_WAITS, *kept]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        pid = int(starter.stdout.readline())
        starter.kill()
    assert ended(pid, within_seconds=10)


def ended(pid: int, *, within_seconds: float) -> bool:
    """Whether the process is gone in time."""
    give_up_at = time.monotonic() + within_seconds
    while time.monotonic() < give_up_at:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
