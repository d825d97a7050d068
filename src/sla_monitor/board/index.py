"""The open cases of one partition as lists see them: fifty bytes a clock, kept up with the rows that were written.

Rows are bytes, and what lists ask for (deadlines, labels) is only known once a case is decoded and folded. So each case
is looked at once when somebody first asks, and again when its row was written; questions then go through these bytes.
Without a question nothing is kept: an index that nobody has asked for a while is dropped (`Own.forget_unused`).

Nothing here may stall the worker, whose timers run on the same loop. `Turns` says how.
"""

from __future__ import annotations

import asyncio
import itertools
import struct
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

from sla_monitor.board.clocks import STATES, labels, standing
from sla_monitor.board.deployment import Holding
from sla_monitor.board.turns import Turns
from sla_monitor.core import decide
from sla_monitor.core.case import CaseState
from sla_monitor.core.decide import Case
from sla_monitor.core.policy import Packs
from sla_monitor.wire import rows

NONE: Final = rows.NEVER  # of an instant: there is none; sorts last
CASES_AT_ONCE: Final = 1_000  # x ~0.5 us = 0.5 ms between two looks at the time
QUEUES_NAMED_MAX: Final = 1_000  # a partition; queues beyond are found, but not listed

# Of each clock: deadline, opened_at, since (of a pause) · digests of customer and queue · numbers of severity, plan and
# clock in the index's lists · its state's place in STATES
_ENTRY: Final = struct.Struct("<qqqqqHHHB")


unpacked: Final = _ENTRY.iter_unpack  # what is packed of one case, as tuples


class Waiting(NamedTuple):
    """Recommendations of one case that wait for a person, and since when the customer has been silent at most."""

    number: int
    occasion: int


class Names:
    """Strings by number; as many as packs have severities, plans and clocks."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self.names: list[str] = []

    def number(self, name: str) -> int:
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self.names)
            self.names.append(name)
        return number

    def among(self, names: Iterable[str]) -> frozenset[int]:
        """The numbers of those that occur."""
        return frozenset(self._numbers[name] for name in names if name in self._numbers)


@lru_cache(maxsize=10_000)
def digest(label: str) -> int:
    """64 bits tell the labels of a million cases apart."""
    return int.from_bytes(blake2b(label.encode(), digest_size=8).digest(), "little", signed=True)


def case_of(key: bytes, value: bytes, packs: Packs) -> Case:
    """The case of a row, folded: a copy that nobody else has."""
    case = rows.decode_row(key.decode(), value, packs).case
    decide.load(case, packs)
    return case


class Index:
    """Of one partition. `changed` is called with the cases that were written since it was made."""

    def __init__(self, holding: Holding, changed: Callable[[Iterable[bytes]], None] = lambda _cases: None) -> None:
        self.holding, self._changed = holding, changed
        self.rows = holding.rows
        self.severities, self.plans, self.clocks = Names(), Names(), Names()
        self.queues: dict[int, str] = {}
        self.waiting: dict[bytes, Waiting] = {}  # of cases with recommendations without an answer
        self._entries: dict[bytes, bytes] = {}
        self._to_look_at: list[bytes] = []
        self._one_at_a_time = asyncio.Lock()
        self.is_complete = False

    def __len__(self) -> int:
        """Open cases."""
        return len(self._entries)

    @property
    def is_of_now(self) -> bool:
        """Whether the partition is still the one that it was made from."""
        return self.holding.rows is self.rows

    def forget(self) -> None:
        """Nothing is kept for it any more."""
        self.holding.forget()

    async def refresh(self, turns: Turns) -> None:
        """Look at what was written. May be cancelled: what is left is looked at next time."""
        async with self._one_at_a_time:
            changed = self.holding.changes()
            self._to_look_at += self.rows if changed is None else changed
            if changed:
                self._changed(changed)
            async with turns:
                while self._to_look_at:
                    self._look_at(self._to_look_at.pop())
                    if turns.is_over:
                        await turns.pause()
            self.is_complete = True

    async def walk(self, visit: Callable[[Sequence[tuple[bytes, bytes]]], None], turns: Turns) -> None:
        """All open cases with the bytes of their clocks (`unpacked`), so many at a time; nothing changes meanwhile."""
        async with self._one_at_a_time, turns:
            cases = iter(self._entries.items())
            while some := list(itertools.islice(cases, CASES_AT_ONCE)):
                visit(some)
                if turns.is_over:
                    await turns.pause()

    def _look_at(self, key: bytes) -> None:
        self._entries.pop(key, None)
        self.waiting.pop(key, None)
        value = self.rows.get(key)
        if value is None or rows.header(value)[0] != rows.OPEN:
            return
        try:
            case = case_of(key, value, self.holding.packs)
        except Exception:  # noqa: BLE001 - a defect of the pure core belongs to its case: the worker sets it aside
            return
        if (state := case.state) is None:
            return
        self._entries[key] = self._packed(case, state)
        if recommended := state.silence.open:
            self.waiting[key] = Waiting(len(recommended), min(each.occasion for each in recommended))

    def _packed(self, case: Case, state: CaseState) -> bytes:
        named = labels(case)
        queue = digest(named.queue)
        if queue not in self.queues and len(self.queues) < QUEUES_NAMED_MAX:
            self.queues[queue] = named.queue
        of_the_case = digest(named.customer), queue
        terms = self.severities.number(state.profile.severity), self.plans.number(state.profile.plan)
        return b"".join(
            _ENTRY.pack(
                NONE if each.deadline is None else each.deadline,
                state.opened_at,
                NONE if each.since is None else each.since,
                *of_the_case,
                *terms,
                self.clocks.number(each.clock),
                STATES.index(each.state),
            )
            for each in standing(state)
        )
