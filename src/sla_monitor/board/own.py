"""What this worker can say of the partitions that it holds itself."""

from __future__ import annotations

import asyncio
import heapq
import uuid
from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from sla_monitor.board import recommendations
from sla_monitor.board.clocks import clock, standing
from sla_monitor.board.deployment import ANSWERING, Deployment, Holding
from sla_monitor.board.index import Index, case_of
from sla_monitor.board.models import (
    Attained,
    Cases,
    Changes,
    Clock,
    Downgrade,
    Overview,
    Partition,
    PartitionState,
    Policy,
)
from sla_monitor.board.query import Place, Wanted, cursor
from sla_monitor.board.selection import Extremes, Found, Page
from sla_monitor.board.sums import attained, counts_of, facets_of
from sla_monitor.board.turns import SLICE_SECONDS, Turns
from sla_monitor.core.times import iso

SHOWN_MAX: Final = 20  # of each list of the overview
READING_SECONDS_MAX: Final = 2.0  # a question waits so long for cases to be looked at; then it is answered without
CHANGES_MAX: Final = 2_000  # remembered for who listens, x ~150 B = 0.3 MB
UNUSED_SECONDS: Final = 600.0  # nobody asked: the index goes, and with it its memory

_STATES: Final[dict[str, PartitionState]] = {
    "opening": "restoring",
    "catching_up": "restoring",
    "live": "live",
    "tripped": "stopped",
    "suspended": "moving",
    "closed": "moving",
}


Whose = tuple[int, bytes, str, Index]  # as `Found`, and where


class Own:
    """The indexes of a worker's partitions, and the answers made with them."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._indexes: dict[int, Index] = {}
        self._refreshing: dict[Index, asyncio.Task[None]] = {}
        self._gate = asyncio.Lock()
        self._asked_at = 0.0
        self._process = uuid.uuid4().hex
        self._place = 0
        self._recent: deque[tuple[int, str]] = deque(maxlen=CHANGES_MAX)
        self.overview_seconds = 0.0  # worked for overviews so far

    def turns(self) -> Turns:
        """For other work of the board; see there."""
        return Turns(self._gate)

    # --- indexes --------------------------------------------------------------------------------------------------

    def forget_unused(self) -> None:
        """Called now and then."""
        if self._indexes and monotonic() - self._asked_at > UNUSED_SECONDS:
            for index in list(self._indexes.values()):
                self._drop(index)

    def close(self) -> None:
        for index in list(self._indexes.values()):
            self._drop(index)

    def _drop(self, index: Index) -> None:
        self._indexes.pop(index.holding.partition, None)
        if (task := self._refreshing.pop(index, None)) is not None:
            task.cancel()
        index.forget()

    def holding(self, partition: int) -> Holding | None:
        return next((each for each in self._deployment.holdings() if each.partition == partition), None)

    def partition(self, holding: Holding, *, answered: bool) -> Partition:
        """How one of ours is. One that is being looked at for the first time is being read, too."""
        state = _STATES.get(holding.state, "moving")
        if not answered and state == "live":
            state = "restoring"
        return Partition(
            partition=holding.partition,
            state=state,
            owner=self._deployment.url,
            since=_second(holding.state_since),
            answered=answered,
        )

    async def _indexed(self) -> tuple[list[Index], list[Partition]]:
        """Indexes that are up to date, and how every partition is that we hold."""
        self._asked_at = monotonic()
        holdings = list(self._deployment.holdings())
        for partition in self._indexes.keys() - {each.partition for each in holdings}:
            self._drop(self._indexes[partition])
        asked = [self._index_of(each) for each in holdings if each.state in ANSWERING]
        tasks = [self._refresh(index) for index in asked]
        if tasks:
            await asyncio.wait(tasks, timeout=READING_SECONDS_MAX)
        ready = [each for each in asked if each.is_complete and each.is_of_now]
        answered = {each.holding.partition for each in ready}
        return ready, [self.partition(each, answered=each.partition in answered) for each in holdings]

    def _index_of(self, holding: Holding) -> Index:
        index = self._indexes.get(holding.partition)
        if index is not None and not (index.is_of_now and index.holding is holding):
            self._drop(index)
            index = None
        if index is None:
            index = self._indexes[holding.partition] = Index(holding, self._changed)
        return index

    def _refresh(self, index: Index) -> asyncio.Task[None]:
        """One at a time for each. It goes on when who asked has gone."""
        task = self._refreshing.get(index)
        if task is None or task.done():
            task = asyncio.get_running_loop().create_task(index.refresh(Turns(self._gate, rest=SLICE_SECONDS)))
            self._refreshing[index] = task
        return task

    def _changed(self, keys: Iterable[bytes]) -> None:
        for key in keys:
            self._place += 1
            self._recent.append((self._place, key.decode()))

    # --- answers --------------------------------------------------------------------------------------------------

    async def overview(self) -> Overview:
        indexes, partitions = await self._indexed()
        turns = self.turns()
        seen = []
        for index in indexes:
            extremes = Extremes(index, SHOWN_MAX)
            await index.walk(extremes.visit, turns)
            seen.append((index, extremes))
        nearest = _first(SHOWN_MAX, ((index, each.nearest.all()) for index, each in seen))
        breached = _first(SHOWN_MAX, ((index, each.breached.all()) for index, each in seen))
        paused = _first(SHOWN_MAX, ((index, each.paused.all()) for index, each in seen))
        newest = self._deployment.packs.versions[-1]
        made = Overview(
            now=iso(self._deployment.now()),
            deployment=self._deployment.name,
            worker=self._deployment.url,
            policy=Policy(name=newest.name, version=newest.version),
            partitions=partitions,
            complete=all(each.answered for each in partitions),
            counts=counts_of(each.counts() for _, each in seen),
            nearest=await self._clocks(nearest, turns),
            breached=await self._clocks(breached, turns),
            paused=await self._clocks(paused, turns),
            downgrades=await self._downgrades(indexes, turns),
            attainment=self._attainment(),
        )
        self.overview_seconds += turns.worked_seconds
        return made

    def _attainment(self) -> list[Attained]:
        return [
            attained(each.plan, each.severity, each.clock, (each.met, each.met_late, each.breached))
            for each in self._deployment.verdicts()
        ]

    async def cases(self, wanted: Wanted) -> Cases:
        indexes, partitions = await self._indexed()
        turns = self.turns()
        pages = []
        for index in indexes:
            page = Page(index, wanted)
            await index.walk(page.visit, turns)
            pages.append((index, page))
        found = _first(wanted.limit + 1, ((index, page.found()) for index, page in pages))
        shown, more = found[: wanted.limit], len(found) > wanted.limit
        return Cases(
            now=iso(self._deployment.now()),
            items=await self._clocks(shown, turns),
            next=cursor(wanted.sort, _end_of(shown)) if more else None,
            total=sum(page.total for _, page in pages),
            complete=all(each.answered for each in partitions),
            partitions=partitions,
            facets=facets_of(page.facets() for _, page in pages),
        )

    async def changes(self, process: str, after: int) -> Changes:
        """What was written since; of another process: nothing, only from where on there will be something."""
        await self._indexed()
        cases = [case for place, case in self._recent if place > after] if process == self._process else []
        missed = process == self._process and after + len(cases) < self._place
        return Changes(process=self._process, place=self._place, cases=list(dict.fromkeys(cases)), missed=missed)

    async def _clocks(self, found: Iterable[Whose], turns: Turns) -> list[Clock]:
        """In words. One that has changed since the walk is not shown: it would be in the wrong place."""
        made: list[Clock] = []
        async with turns:
            for _, key, name, index in found:
                made += self._clock(index, key, name)
                if turns.is_over:
                    await turns.pause()
        return made

    def _clock(self, index: Index, key: bytes, name: str) -> list[Clock]:
        value = index.rows.get(key)
        packs = index.holding.packs
        case = None if value is None else case_of(key, value, packs)
        if case is None or case.state is None:
            return []
        now = self._deployment.now()
        return [clock(case, case.state, each, packs, now) for each in standing(case.state) if each.clock == name]

    async def _downgrades(self, indexes: list[Index], turns: Turns) -> list[Downgrade]:
        """Those that have waited longest."""
        waiting = ((each.occasion, key, "", index) for index in indexes for key, each in index.waiting.items())
        made: list[Downgrade] = []
        async with turns:
            for _, key, _, index in heapq.nsmallest(SHOWN_MAX, waiting, key=_place):
                value = index.rows.get(key)
                if value is not None:
                    packs = index.holding.packs
                    made += recommendations.of(case_of(key, value, packs), packs)
                if turns.is_over:
                    await turns.pause()
        return made[:SHOWN_MAX]


def _first(count: int, parts: Iterable[tuple[Index, list[Found]]]) -> list[Whose]:
    """Of several partitions."""
    return heapq.nsmallest(count, ((*found, index) for index, some in parts for found in some), key=_place)


def _end_of(shown: list[Whose]) -> Place:
    value, key, name, _ = shown[-1]
    return Place(value, key.decode(), name)


def _place(whose: Whose) -> Found:
    return whose[:3]


def _second(since: float) -> str:
    return datetime.fromtimestamp(since, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
