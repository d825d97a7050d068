"""What all workers of the deployment say together. Who cannot be asked is said to be missing.

Which worker has which partition is what the consumer group told all of its members at the last assignment (ADR 0015).
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from sla_monitor.board.deployment import Deployment
from sla_monitor.board.models import Cases, Changes, Clock, Overview, Partition, PartitionState
from sla_monitor.board.others import Others, Told
from sla_monitor.board.own import SHOWN_MAX, Own
from sla_monitor.board.query import Wanted, cursor, place_at, place_of
from sla_monitor.board.sums import attainment_of, counts_of, facets_of
from sla_monitor.wire import rfc3339

BASE: Final = "/api/v1"

_Answer = TypeVar("_Answer", Overview, Cases)
_Told = TypeVar("_Told", Overview, Cases, Changes)


class Together:
    """Answers for all partitions, by one worker."""

    def __init__(self, deployment: Deployment, own: Own, others: Others) -> None:
        self._deployment, self._own, self._others = deployment, own, others

    def other_urls(self) -> list[str]:
        """Of the workers that have partitions which this one has not."""
        ours = {each.partition for each in self._deployment.holdings()}
        owners = self._deployment.owners().items()
        return sorted({url for number, url in owners if number not in ours and url != self._deployment.url})

    def elsewhere(self, partition: int, silent: Iterable[str] = ()) -> Partition:
        """How a partition is that nobody has answered for; the workers at `silent` were asked."""
        owner = self._deployment.owners().get(partition)
        state: PartitionState = "unowned" if owner is None else "unreachable" if owner in silent else "moving"
        return Partition(partition=partition, state=state, owner=owner, since=None, answered=False)

    async def overview(self) -> Overview:
        own, others, partitions = await self._asked(self._own.overview(), "/overview", (), Overview)
        all_of_them = [own, *others]
        downgrades = sorted(
            (each for part in all_of_them for each in part.downgrades), key=lambda each: (_at(each.since), each.case_id)
        )
        return own.model_copy(
            update={
                "partitions": partitions,
                "complete": all(each.answered for each in partitions),
                "counts": counts_of(each.counts for each in all_of_them),
                "nearest": _first((each.nearest for each in all_of_them), lambda clock: _at(clock.deadline)),
                "breached": _first((each.breached for each in all_of_them), lambda clock: -_at(clock.deadline)),
                "paused": _first((each.paused for each in all_of_them), lambda clock: _at(clock.paused_since)),
                "downgrades": downgrades[:SHOWN_MAX],
                "attainment": attainment_of(line for each in all_of_them for line in each.attainment),
            }
        )

    async def cases(self, wanted: Wanted) -> Cases:
        own, others, partitions = await self._asked(self._own.cases(wanted), "/cases", wanted.parameters(), Cases)
        all_of_them = [own, *others]
        items = sorted(
            (item for each in all_of_them for item in each.items), key=lambda item: place_of(wanted.sort, item)
        )
        # Behind the first of these somebody has more to tell: what has moved there meanwhile comes with a later page.
        ends = [place_at(wanted.sort, each.next) for each in all_of_them if each.next is not None]
        end = min(ends, default=None)
        items = [item for item in items if end is None or place_of(wanted.sort, item) <= end]
        if len(items) > wanted.limit:
            end = place_of(wanted.sort, items[wanted.limit - 1])
        return own.model_copy(
            update={
                "items": items[: wanted.limit],
                "next": None if end is None else cursor(wanted.sort, end),
                "total": sum(each.total for each in all_of_them),
                "complete": all(each.answered for each in partitions),
                "partitions": partitions,
                "facets": facets_of(each.facets for each in all_of_them),
            }
        )

    async def changes(self, since: Mapping[str, Changes]) -> dict[str, Changes]:
        """Of each worker, by its URL, what was written after what it said before."""
        urls = self.other_urls()
        before = since.get("")
        own = self._own.changes("", 0) if before is None else self._own.changes(before.process, before.place)
        ours, told = await asyncio.gather(own, asyncio.gather(*(self._changes_of(url, since.get(url)) for url in urls)))
        theirs = {url: each for url, each in zip(urls, told, strict=True) if each is not None}
        return {"": ours, **theirs}

    async def _changes_of(self, url: str, before: Changes | None) -> Changes | None:
        asked = [] if before is None else [("process", before.process), ("after", str(before.place))]
        return _understood(await self._others.ask(url, f"{BASE}/changes", asked), Changes)

    async def _asked(
        self, own: Coroutine[Any, Any, _Answer], path: str, parameters: Sequence[tuple[str, str]], kind: type[_Answer]
    ) -> tuple[_Answer, list[_Answer], list[Partition]]:
        """Our own answer, those of the others that came, and how every partition is."""
        urls = self.other_urls()
        ours, told = await asyncio.gather(own, self._others.ask_all(urls, BASE + path, parameters))
        understood = {url: _understood(each, kind) for url, each in told.items()}
        found: dict[str, _Answer] = {url: answer for url, answer in understood.items() if answer is not None}
        answers = [ours, *found.values()]
        told_of = [each for answer in answers for each in answer.partitions]
        told_of.sort(key=lambda each: each.answered)  # who has answered for one knows best
        known = {each.partition: each for each in told_of}
        silent = set(urls) - found.keys()
        partitions = [
            known.get(number) or self.elsewhere(number, silent) for number in range(self._deployment.partitions)
        ]
        return ours, answers[1:], partitions


def _understood(told: Told, kind: type[_Told]) -> _Told | None:
    """None: not an answer to this question, perhaps of a worker of another release."""
    if told.status != HTTPStatus.OK:
        return None
    try:
        return kind.model_validate_json(told.body)
    except ValidationError:
        return None


def _first(count_from: Iterable[list[Clock]], place: Callable[[Clock], int]) -> list[Clock]:
    """Of the lists of several workers, in one order."""
    every = (each for part in count_from for each in part)
    return heapq.nsmallest(SHOWN_MAX, every, key=lambda each: (place(each), each.case_id, each.clock))


def _at(instant: str | None) -> int:
    return 0 if instant is None else rfc3339.parse_any(instant)
