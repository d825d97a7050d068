"""A worker as the board sees it, without a broker: partitions that are fed by hand, and a real web server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
from aiohttp import web
from yarl import URL

from sla_monitor.board.api import add_board
from sla_monitor.cli.explanation import lines
from sla_monitor.core.notices import Notice
from sla_monitor.core.policy import Packs
from sla_monitor.engine.case_events_out import Produced
from sla_monitor.engine.holdings import Holding, Retractions, Verdicts
from sla_monitor.engine.layout import partition_of
from sla_monitor.engine.partition import Rules
from sla_monitor.observe.health import serve
from tests.engine.feeding import NINE, RULES, Fed


@dataclass(kw_only=True)
class Worker:
    """See `board.deployment.Deployment`. `elsewhere`: the partitions of other workers, by their URL."""

    count: int = 1
    numbers: Sequence[int] | None = None  # of the partitions that it holds; None: all
    token: str | None = None
    is_on_loopback: bool = True
    is_shadow: bool = False
    wall: int = NINE
    name: str = "sla-monitor"
    url: str = ""
    elsewhere: dict[int, str] = field(default_factory=dict)
    counted: list[Verdicts] = field(default_factory=list)
    produced: list[tuple[int, bytes, bytes]] = field(default_factory=list)
    is_kafka_there: bool = True
    retractions: Retractions = field(default_factory=Retractions)
    rules: Rules = RULES

    def __post_init__(self) -> None:
        held = range(self.count) if self.numbers is None else self.numbers
        self.fed = {number: Fed(self.rules, number=number) for number in held}
        self.shards = {
            number: SimpleNamespace(partition=number, state="live", state_since=NINE / 1e6, content=fed.partition)
            for number, fed in self.fed.items()
        }
        self._holdings = {number: Holding(cast(Any, shard)) for number, shard in self.shards.items()}

    def of(self, case_id: str) -> Fed:
        """The partition that the case belongs to."""
        return self.fed[self.partition_of(case_id)]

    @property
    def partitions(self) -> int:
        return self.count

    @property
    def packs(self) -> Packs:
        return self.rules.packs

    def now(self) -> int:
        return self.wall

    def holdings(self) -> Sequence[Holding]:
        return list(self._holdings.values())

    def owners(self) -> Mapping[int, str]:
        return dict.fromkeys(self.fed, self.url) | self.elsewhere

    def partition_of(self, case_id: str) -> int:
        return partition_of(case_id.encode("utf-8", "surrogatepass"), self.count)

    def retraction(self, notice_id: str) -> Notice | None:
        return self.retractions.of(notice_id)

    def remember(self) -> None:
        """What was taken back so far, as a worker does with every batch."""
        for fed in self.fed.values():
            for batch in fed.batches:
                self.retractions.take(batch)

    def verdicts(self) -> Sequence[Verdicts]:
        return self.counted

    async def produce(self, partition: int, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> Produced:
        assert headers
        self.produced.append((partition, key, value))
        if not self.is_kafka_there:  # it has it, and does not say so
            raise OSError("case-events did not take the event")
        return Produced(topic="case-events", partition=partition, offset=len(self.produced) - 1)


class Client:
    """Asks one worker."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str | None) -> None:
        self._session, self.url = session, url
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    async def ask(
        self, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, json: Any = None
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Status, body and headers."""
        sent = self._headers if headers is None else headers
        url = f"{self.url}{path}"
        async with self._session.request(method, URL(url, encoded=True), headers=sent, json=json) as answer:
            return answer.status, await answer.json(content_type=None), answer.headers

    async def get(self, path: str) -> Any:
        """The body of what must be answered."""
        status, body, _ = await self.ask(f"/api/v1{path}")
        assert status == 200, body
        return body


@asynccontextmanager
async def served(worker: Worker, port: int = 0) -> AsyncIterator[Client]:
    """On a port of this machine; 0: any free one."""
    app = web.Application()
    add_board(app, worker, lines)
    stop = await serve("127.0.0.1", port, app)
    worker.url = f"http://127.0.0.1:{stop.port}"
    try:
        async with aiohttp.ClientSession() as session:
            yield Client(session, worker.url, worker.token)
    finally:
        await stop()
