"""What the board needs of the worker that serves it. The engine has it; the board knows nothing else of the engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from sla_monitor.core.notices import Notice
from sla_monitor.core.policy import Packs

# The states of a shard in which its rows are those of the topic, so that questions about its cases can be answered.
ANSWERING = frozenset({"catching_up", "live", "tripped"})


class Holding(Protocol):
    """One partition that this worker holds, as it is now. The object may be kept: it goes on telling."""

    @property
    def partition(self) -> int: ...

    @property
    def state(self) -> str:
        """Of the shard: `opening`, `catching_up`, `live`, `suspended`, `tripped` or `closed`."""

    @property
    def state_since(self) -> float:
        """Seconds since the epoch."""

    @property
    def rows(self) -> Mapping[bytes, bytes]:
        """State rows by case id. Another object once the partition was restored anew."""

    @property
    def packs(self) -> Packs:
        """That its cases are decided by."""

    def changes(self) -> set[bytes] | None:
        """The cases whose rows were written or removed since the last call; None the first time: look at all."""

    def forget(self) -> None:
        """Changes are not asked for any more: nothing is kept for it."""


class Verdicts(Protocol):
    """Promises of one kind that came to a verdict which stands, as this worker has counted them since it started."""

    @property
    def plan(self) -> str: ...

    @property
    def severity(self) -> str: ...

    @property
    def clock(self) -> str: ...

    @property
    def met(self) -> int: ...

    @property
    def met_late(self) -> int: ...

    @property
    def breached(self) -> int: ...


class Produced(Protocol):
    """Where a record was written."""

    @property
    def topic(self) -> str: ...

    @property
    def partition(self) -> int: ...

    @property
    def offset(self) -> int: ...


class Deployment(Protocol):
    """The worker, and what it knows of the others."""

    @property
    def name(self) -> str:
        """Of the deployment: its consumer group."""

    @property
    def url(self) -> str:
        """Where the other workers reach this one."""

    @property
    def partitions(self) -> int: ...

    @property
    def packs(self) -> Packs: ...

    @property
    def token(self) -> str | None: ...

    @property
    def is_on_loopback(self) -> bool:
        """Whether only this machine can reach the web server."""

    @property
    def is_shadow(self) -> bool:
        """Whether it only looks on: its input is that of another deployment."""

    def now(self) -> int:
        """Wall clock, microseconds since the epoch."""

    def holdings(self) -> Sequence[Holding]: ...

    def owners(self) -> Mapping[int, str]:
        """Which worker, by its URL, got each partition when they were last assigned."""

    def partition_of(self, case_id: str) -> int:
        """Where producers put the case."""

    def verdicts(self) -> Sequence[Verdicts]: ...

    def retraction(self, notice_id: str) -> Notice | None:
        """The `sla.retracted` of this id, if this worker sent it lately: what the withdrawn notice said, and why."""

    async def produce(self, partition: int, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> Produced:
        """A case event, acknowledged by all replicas on return. OSError: it is not known to be written."""
