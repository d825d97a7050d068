"""How a partition's decisions become durable: one small interface, behind which other kinds of broker fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sla_monitor.engine.partition import Partition
from sla_monitor.engine.records import Batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """`skew_seconds`: our clock minus the broker's, as far as the answer proves it; None if the broker told no time."""

    skew_seconds: float | None


class Journal(Protocol):
    """The only writer of one partition. Called by one shard, never concurrently.

    Any error other than Fenced is final: the caller stops the process, Kafka hands the partition on.
    """

    async def open(self, partition: Partition) -> int:
        """Take the partition from whoever has it, then restore it; returns the number of rows read.

        UnsafeState if going on would lose or repeat something; Fenced if somebody else has taken it meanwhile.
        """

    async def is_current(self) -> bool:
        """Whether nobody has written the state since our last commit. After a suspension, memory is worth keeping
        only then.
        """

    async def commit(self, batch: Batch) -> Committed:
        """Rows, notices, dead letters and the input offset, all or nothing. Fenced if another owner took over."""

    async def close(self) -> None:
        """Let go; never raises for a broker that is gone."""
