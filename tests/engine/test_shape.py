"""What `engine/transport.py` overrides and leans on inside Faust, mode and aiokafka. A new version of one of them that
fails here is not taken before transport.py has been read against it."""

from __future__ import annotations

import inspect
import re
import tomllib
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer import consumer as aiokafka_consumer
from aiokafka.producer import AIOKafkaProducer
from faust.app.base import App
from faust.assignor.partition_assignor import PartitionAssignor
from faust.serializers.schemas import Schema
from faust.transport.consumer import Consumer, ConsumerThread, ThreadDelegateConsumer
from faust.transport.drivers import aiokafka as driver
from mode.services import Service

from sla_monitor.engine.transport import BatchConsumer, BatchTransport, CommittedConsumerThread, PassThrough

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
PINNED = ("faust-streaming", "mode-streaming", "aiokafka")

# Where a name lives, and its parameters by name, in order.
SHAPES: list[tuple[type, str, list[str]]] = [
    # overridden
    (driver.AIOKafkaConsumerThread, "_create_worker_consumer", ["self", "transport"]),
    (driver.Consumer, "_new_consumer_thread", ["self"]),
    (Consumer, "getmany", ["self", "timeout"]),
    (driver.Transport, "create_consumer", ["self", "callback", "kwargs"]),
    (Schema, "compile", ["self", "app", "on_key_decode_error", "on_value_decode_error", "default_propagate"]),
    (App, "on_start", ["self"]),
    (App, "_create_directories", ["self"]),
    # called
    (Consumer, "_wait_next_records", ["self", "timeout"]),
    (Consumer, "perform_seek", ["self"]),
    (driver.Consumer, "_to_message", ["self", "tp", "record"]),
    (Consumer, "pause_partitions", ["self", "tps"]),
    (Consumer, "resume_partitions", ["self", "tps"]),
    (ThreadDelegateConsumer, "seek_wait", ["self", "partitions"]),
    (ThreadDelegateConsumer, "_commit", ["self", "offsets"]),
    (App, "create_event", ["self", "key", "value", "headers", "message"]),
    (PartitionAssignor, "external_topics_metadata", ["self"]),
    # what our reading of a rebalance and of a shutdown rests on
    (App, "_on_partitions_revoked", ["self", "revoked"]),
    (App, "_on_partitions_assigned", ["self", "assigned", "generation_id"]),
    (Consumer, "on_partitions_revoked", ["self", "revoked"]),
    (Consumer, "on_partitions_assigned", ["self", "assigned", "generation_id"]),
    (ConsumerThread, "seek_wait", ["self", "partitions"]),
    # of aiokafka
    (AIOKafkaProducer, "send_batch", ["self", "batch", "topic", "partition"]),
    (AIOKafkaProducer, "send_offsets_to_transaction", ["self", "offsets", "group_id"]),
]


@pytest.mark.parametrize(
    ("owner", "name", "parameters"), SHAPES, ids=[f"{each[0].__name__}.{each[1]}" for each in SHAPES]
)
def test_names_and_parameters(owner: type, name: str, parameters: list[str]) -> None:
    """Each is there, and takes what it took."""
    assert list(inspect.signature(getattr(owner, name)).parameters) == parameters


@pytest.mark.parametrize("package", PINNED)
def test_the_versions_are_the_pinned_ones(package: str) -> None:
    """Exactly."""
    dependencies = tomllib.loads(PYPROJECT.read_text())["project"]["dependencies"]
    assert f"{package}=={metadata.version(package)}" in dependencies


def test_ours_are_used_where_faust_looks() -> None:
    """A subclass that nobody asks for would be silent: the state would count what producers aborted."""
    assert BatchTransport.Consumer is BatchConsumer
    assert issubclass(BatchConsumer, driver.Consumer)
    assert issubclass(CommittedConsumerThread, driver.AIOKafkaConsumerThread)
    assert issubclass(PassThrough, Schema)
    assert "create_consumer(" in inspect.getsource(App._new_consumer)
    assert "_new_consumer_thread()" in inspect.getsource(ThreadDelegateConsumer)
    assert "_create_worker_consumer(" in inspect.getsource(driver.AIOKafkaConsumerThread._create_consumer)


def test_the_isolation_level_is_read_at_start() -> None:
    """It is set between making a consumer and starting it: by then its fetcher must not exist yet."""
    assert "self._isolation_level = isolation_level" in inspect.getsource(AIOKafkaConsumer.__init__)
    assert "Fetcher(" not in inspect.getsource(AIOKafkaConsumer.__init__)
    assert "isolation_level=self._isolation_level" in inspect.getsource(AIOKafkaConsumer.start)
    assert aiokafka_consumer.AIOKafkaConsumer is AIOKafkaConsumer


def test_our_consumer_reads_committed_records_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one override that correctness rests on, whatever Faust asks for."""
    made = SimpleNamespace(_isolation_level="read_uncommitted")
    monkeypatch.setattr(driver.AIOKafkaConsumerThread, "_create_worker_consumer", lambda _self, _transport: made)
    thread = object.__new__(CommittedConsumerThread)
    assert thread._create_worker_consumer(None) is made
    assert made._isolation_level == "read_committed"


def test_fetching_stops_and_goes_on_by_a_flag() -> None:
    """`getmany` is ours, so the check that a rebalance stopped the flow is ours too."""
    assert Consumer.flow_active is True
    assert "self.flow_active = False" in inspect.getsource(Consumer.stop_flow)
    assert "self.flow_active = True" in inspect.getsource(Consumer.resume_flow)
    assert "getmany(timeout=" in inspect.getsource(Consumer._drain_messages)


def test_a_new_generation_is_known_before_its_partitions_are() -> None:
    """Batches carry the generation they were fetched in; those of an older one are dropped."""
    source = inspect.getsource(driver.ConsumerRebalanceListener.on_partitions_assigned)
    assert re.search(r"consumer_generation_id = generation.*on_partitions_assigned\(", source, re.DOTALL)
    assert App.consumer_generation_id == 0


def test_a_rebalance_forgets_what_was_paused() -> None:
    """A shard forgets at a revocation that it had paused fetching; Faust must too, or it would never go on."""
    assert "_paused_partitions.difference_update(revoked)" in inspect.getsource(Consumer.on_partitions_revoked)


def test_members_tell_each_other_their_addresses_and_partitions() -> None:
    """The board asks the owner of a case by this map: made of every member's canonical URL, and told to all."""
    source = inspect.getsource(PartitionAssignor)
    assert "return self.app.conf.canonical_url" in source
    assert "external_topic_distribution=tp_distribution" in source
    assert "self.external_topic_distribution = metadata.external_topic_distribution" in source


def test_sigterm_reaches_us_before_the_consumer_is_stopped() -> None:
    """Closing hangs on this signal: the group is left by a child of the app, and children stop after `on_stop`."""
    assert "on_before_shutdown.send()" in inspect.getsource(App.on_stop)
    source = inspect.getsource(Service.stop)
    assert source.index("self.on_stop()") < source.index("self._stop_children()")


def test_each_reader_says_where_it_begins() -> None:
    """aiokafka looks for a place as soon as a partition is assigned. With its default, `latest`, the answer may come
    after `seek_to_beginning` has asked, and the reader believes it has read everything."""
    for path in Path(inspect.getfile(BatchConsumer)).parent.rglob("*.py"):
        made = path.read_text().split("AIOKafkaConsumer(")[1:]
        assert all("auto_offset_reset=" in each[:600] for each in made), path
