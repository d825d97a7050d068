"""The few of many: what a walk through an index keeps.

A walk sees every open case, so each step is a few comparisons of numbers; what a case says in words is made afterwards,
for those that are shown.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from sla_monitor.board.clocks import AT_RISK, BREACHED, PAUSED, RUNNING, STATES
from sla_monitor.board.index import NONE, Index, digest, unpacked
from sla_monitor.board.models import Counts, Facets
from sla_monitor.board.query import FACETS, Wanted

Some = Sequence[tuple[bytes, bytes]]
Found = tuple[int, bytes, str]  # what it is sorted by, case, clock
Combination = tuple[int, int, int, int, int]  # severity, plan, clock, state, queue: as FACETS

TRIMMED_AT: Final = 4  # times as many as are wanted are kept before the rest is dropped
FACET_VALUES_MAX: Final = 100  # of one facet: the most frequent

_UNLISTED: Final = 0  # stands for the queues that are too many to be listed

_RUNNING, _AT_RISK, _PAUSED, _BREACHED = (STATES.index(each) for each in (RUNNING, AT_RISK, PAUSED, BREACHED))


class Smallest:
    """The `count` smallest of many."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._kept: list[Found] = []
        self.bound: int | None = None  # nothing above is among them

    def take(self, found: Found) -> None:
        self._kept.append(found)
        if len(self._kept) > TRIMMED_AT * self._count:
            self._kept = heapq.nsmallest(self._count, self._kept)
            self.bound = self._kept[-1][0]

    def all(self) -> list[Found]:
        return heapq.nsmallest(self._count, self._kept)


class Page:
    """One page of a list, and what there is in all. One more than asked for is kept: then there is a next page."""

    def __init__(self, index: Index, wanted: Wanted) -> None:
        self._index, self._wanted = index, wanted
        self._search = wanted.search.encode()
        self._customers = {digest(each) for each in wanted.any_of.get("customer", ())}
        self._combinations: Counter[Combination] = Counter()
        self._fits: dict[Combination, bool] = {}
        self._found = Smallest(wanted.limit + 1)
        self._allowed = self._allowed_numbers()
        # So that there are few combinations, whatever producers call their queues.
        self._listed = index.queues.keys() | self._allowed.get(FACETS.index("queue"), frozenset())
        self._by_deadline, self._by_opening = wanted.sort == "deadline", wanted.sort == "opened"
        after = wanted.after
        self._after = None if after is None else (after.value, after.case_id.encode(), after.clock)

    def _allowed_numbers(self) -> dict[int, frozenset[int]]:
        """By place in a combination; no entry: everything."""
        index, any_of = self._index, self._wanted.any_of
        of: dict[str, Callable[[Iterable[str]], frozenset[int]]] = {
            "severity": index.severities.among,
            "plan": index.plans.among,
            "clock": index.clocks.among,
            "state": lambda names: frozenset(STATES.index(name) for name in names),
            "queue": lambda names: frozenset(map(digest, names)),
        }
        return {FACETS.index(name): of[name](any_of[name]) for name in FACETS if name in any_of}

    def visit(self, some: Some) -> None:
        search, customers, combinations, fits = self._search, self._customers, self._combinations, self._fits
        listed = self._listed
        for key, packed in some:
            if search and not key.startswith(search):
                continue
            for deadline, opened_at, _since, customer, queue, severity, plan, clock, state in unpacked(packed):
                if customers and customer not in customers:
                    continue
                combination = (severity, plan, clock, state, queue if queue in listed else _UNLISTED)
                combinations[combination] += 1
                fit = fits.get(combination)
                if fit is None:
                    fit = fits[combination] = not self._misfits(combination)
                if fit:
                    self._keep(deadline if self._by_deadline else opened_at if self._by_opening else 0, key, clock)

    def _keep(self, value: int, key: bytes, clock: int) -> None:
        """If it is among the first behind the cursor."""
        if self._found.bound is not None and value > self._found.bound:
            return
        found = (value, key, self._index.clocks.names[clock])
        if self._after is None or found > self._after:
            self._found.take(found)

    def _misfits(self, combination: Combination) -> list[int]:
        return [place for place, allowed in self._allowed.items() if combination[place] not in allowed]

    def found(self) -> list[Found]:
        return self._found.all()

    @property
    def total(self) -> int:
        return sum(count for combination, count in self._combinations.items() if self._fits[combination])

    def facets(self) -> Facets:
        """Each without its own filter."""
        counted: list[Counter[int]] = [Counter() for _ in FACETS]
        for combination, count in self._combinations.items():
            misfits = self._misfits(combination)
            for place, number in enumerate(combination):
                if not misfits or misfits == [place]:
                    counted[place][number] += count
        index = self._index
        names: list[Callable[[int], str | None]] = [
            index.severities.names.__getitem__,
            index.plans.names.__getitem__,
            index.clocks.names.__getitem__,
            STATES.__getitem__,
            index.queues.get,
        ]
        named = [
            {name: count for number, count in each.most_common(FACET_VALUES_MAX) if (name := names[place](number))}
            for place, each in enumerate(counted)
        ]
        return Facets(**dict(zip(FACETS, named, strict=True)))


class Extremes:
    """What the overview shows of one partition: the nearest deadlines, the latest breaches, the longest pauses."""

    def __init__(self, index: Index, count: int) -> None:
        self._index = index
        self._by_state = [0, 0, 0, 0]
        self.nearest, self.breached, self.paused = Smallest(count), Smallest(count), Smallest(count)

    def visit(self, some: Some) -> None:
        by_state, clocks = self._by_state, self._index.clocks.names
        for key, packed in some:
            for deadline, _opened_at, since, _customer, _queue, _severity, _plan, clock, state in unpacked(packed):
                by_state[state] += 1
                if state == _PAUSED:
                    _offer(self.paused, since, key, clocks[clock])
                elif deadline == NONE:
                    continue
                elif state == _BREACHED:
                    _offer(self.breached, -deadline, key, clocks[clock])
                else:
                    _offer(self.nearest, deadline, key, clocks[clock])

    def counts(self) -> Counts:
        by_state = self._by_state
        return Counts(
            open=len(self._index),
            running=by_state[_RUNNING],
            at_risk=by_state[_AT_RISK],
            paused=by_state[_PAUSED],
            breached=by_state[_BREACHED],
            downgrades_waiting=sum(each.number for each in self._index.waiting.values()),
        )


def _offer(smallest: Smallest, value: int, key: bytes, clock: str) -> None:
    if smallest.bound is None or value <= smallest.bound:
        smallest.take((value, key, clock))
