"""What opening a partition takes on any broker: its rows are read, and its position is held against the input."""

from __future__ import annotations

from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, TopicPartition

from sla_monitor.config.settings import Settings
from sla_monitor.engine import crash
from sla_monitor.engine.kafka import client_options
from sla_monitor.engine.log import Log
from sla_monitor.engine.partition import Partition
from sla_monitor.errors import UnsafeState
from sla_monitor.wire.own_rows import OWNER_KEY, Redo, decode_owner, decode_redo, is_of_the_journal

FETCH_BYTES = 8 << 20


class StateRows:
    """Sorts what a restore reads: the journal's own rows stay here, all others are the partition's."""

    def __init__(self, partition: Partition) -> None:
        self._partition = partition
        self._redo: dict[bytes, bytes] = {}
        self.epoch = 0  # the highest of any owner; 0: there is none

    def take(self, key: bytes, value: bytes | None) -> None:
        """One record of the state topic, in its order."""
        if not is_of_the_journal(key):
            self._partition.restore(key, value)
        elif key == OWNER_KEY:
            self.epoch = max(self.epoch, decode_owner(value).epoch) if value else 0
        elif value is None:
            self._redo.pop(key, None)
        else:
            self._redo[key] = value

    @property
    def redo_keys(self) -> list[bytes]:
        """Of a batch that was being written, whole or not."""
        return sorted(self._redo)

    def redo(self) -> Redo | None:
        """The batch that was decided and is not done, if there is one."""
        return decode_redo(self._redo.items())


async def restore(
    settings: Settings, state: TopicPartition, end: int, take: Callable[[bytes, bytes | None], None]
) -> int:
    """Hands over every row below `end`, in the order of the log; returns how many."""
    reader = AIOKafkaConsumer(
        **client_options(settings),
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="earliest",  # `latest` may overtake the seek below, and all would seem to be read
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    await reader.start()
    count = 0
    try:
        reader.assign([state])
        await reader.seek_to_beginning(state)
        while await reader.position(state) < end:
            for records in (await reader.getmany(state, timeout_ms=200)).values():
                for record in records:
                    take(record.key or b"", record.value)
                count += len(records)
                crash.point("open.restoring")
    finally:
        await reader.stop()
    return count


async def verify_position(log: Log, events: TopicPartition, partition: Partition, *, accept_input_loss: bool) -> None:
    """The state says where the input goes on; what Kafka says must agree with it. UnsafeState if it does not."""
    begin = await log.begin(events)
    end = await log.high_watermark(events)
    committed = await log.committed(events)
    following, problem = partition.next_offset, ""
    if following == 0 and not committed:
        partition.row.applied = begin - 1  # the first start on this topic: nothing was decided before
    elif committed is not None and committed > following:
        problem = f"the group's offset {committed} is ahead of the state, which goes on at {following}"
    elif begin > max(following, partition.row.empty_until):
        problem = f"the input begins at {begin}, the state goes on at {following}: retention removed some of it"
    elif following > end:
        problem = f"the state goes on at {following}, the input ends at {end}: is it another topic of that name?"
    else:
        problem = await _changed_record(log, events, partition)
    if problem and not accept_input_loss:
        raise UnsafeState(f"{name_of(events)}: {problem} (--accept-input-loss goes on all the same)")
    if problem:  # another input is read from its start: events that are known already have no effect
        onward = committed if committed is not None and following < committed <= end else begin
        partition.row.applied = max(begin, onward) - 1
        partition.row.applied_timestamp, partition.row.applied_checksum = -1, 0  # of a record that is not there
        partition.row.empty_until = 0  # of an input that may be another one


async def _changed_record(log: Log, events: TopicPartition, partition: Partition) -> str:
    row = partition.row
    if row.applied_timestamp < 0 or row.applied < await log.begin(events):
        return ""
    found = await log.first_record(events, row.applied, row.applied + 1)
    if found is None or (found.timestamp, found.checksum) == (row.applied_timestamp, row.applied_checksum):
        return ""
    return f"offset {row.applied} holds another record than the one that was applied"


def name_of(partition: TopicPartition) -> str:
    """As people write it."""
    return f"{partition.topic}/{partition.partition}"
