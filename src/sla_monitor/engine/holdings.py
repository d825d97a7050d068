"""The worker's cases as the board is shown them: rows and what was written, nothing that could change them.

`board/deployment.py` says what a board needs; that these classes have it is checked where both meet, in `cli/run.py`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from sla_monitor.core.facts import SECOND
from sla_monitor.core.notices import RETRACTED, Notice
from sla_monitor.core.policy import Packs
from sla_monitor.engine.case_events_out import CaseEventsOut, Produced
from sla_monitor.engine.layout import partition_of
from sla_monitor.engine.records import Batch
from sla_monitor.engine.shard import Shard

RETRACTIONS_MAX = 2_000  # a worker, x ~1.5 KB = 3 MB


class Holding:
    """One partition of this worker."""

    def __init__(self, shard: Shard) -> None:
        self._shard = shard

    @property
    def partition(self) -> int:
        return self._shard.partition

    @property
    def state(self) -> str:
        return self._shard.state

    @property
    def state_since(self) -> float:
        return self._shard.state_since

    @property
    def rows(self) -> Mapping[bytes, bytes]:
        return self._shard.content.rows

    @property
    def packs(self) -> Packs:
        return self._shard.content.packs

    def changes(self) -> set[bytes] | None:
        """At most as many as the partition has cases."""
        content = self._shard.content
        changed, content.touched = content.touched, set()
        return changed

    def forget(self) -> None:
        self._shard.content.touched = None


class Retractions:
    """What this worker has taken back lately, by the id of the notice that says so: its row keeps only that it did."""

    def __init__(self) -> None:
        self._notices: OrderedDict[str, Notice] = OrderedDict()

    def take(self, batch: Batch) -> None:
        """Of a batch that is committed."""
        for each in batch.notices:
            if each.notice.kind == RETRACTED:
                self._notices[each.notice.id] = each.notice
        while len(self._notices) > RETRACTIONS_MAX:
            self._notices.popitem(last=False)

    def of(self, notice_id: str) -> Notice | None:
        return self._notices.get(notice_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """Promises of one kind that came to a verdict and were not taken back, since this worker started."""

    plan: str
    severity: str
    clock: str
    met: int
    met_late: int
    breached: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The worker, for its own pages."""

    name: str
    partitions: int
    token: str | None
    web_host: str
    is_shadow: bool
    ask_packs: Callable[[], Packs]
    ask_shards: Callable[[], Iterable[Shard]]
    ask_owners: Callable[[], Mapping[int, str]]
    ask_url: Callable[[], str]
    ask_verdicts: Callable[[], Mapping[tuple[str, str, str], Mapping[str, int]]]
    wall: Callable[[], float]
    out: CaseEventsOut
    retractions: Retractions
    _known: dict[Shard, Holding] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.ask_url()

    @property
    def packs(self) -> Packs:
        return self.ask_packs()

    @property
    def is_on_loopback(self) -> bool:
        return self.web_host == "localhost" or _is_loopback(self.web_host)

    def now(self) -> int:
        return int(self.wall() * SECOND)

    def holdings(self) -> Sequence[Holding]:
        """The same object for a shard each time, so that who keeps something of it knows it again."""
        shards = list(self.ask_shards())
        known = {shard: self._known.get(shard) or Holding(shard) for shard in shards}
        self._known.clear()
        self._known.update(known)
        return [known[shard] for shard in shards]

    def owners(self) -> Mapping[int, str]:
        return self.ask_owners()

    def partition_of(self, case_id: str) -> int:
        return partition_of(case_id.encode("utf-8", "surrogatepass"), self.partitions)

    def verdicts(self) -> Sequence[Verdicts]:
        return [
            Verdicts(
                clock=clock,
                severity=severity,
                plan=plan,
                met=counted.get("met", 0),
                met_late=counted.get("met_late", 0),
                breached=counted.get("breached", 0),
            )
            for (clock, severity, plan), counted in self.ask_verdicts().items()
        ]

    def retraction(self, notice_id: str) -> Notice | None:
        return self.retractions.of(notice_id)

    async def produce(self, partition: int, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> Produced:
        return await self.out.produce(partition, key, value, headers)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
