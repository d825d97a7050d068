"""Which clocks are asked for: the parameters of `GET /cases`, and the cursor from one page to the next.

A cursor is the place of the last item in the order, not a count: what was added or removed meanwhile moves nothing
else to another page, and each worker goes on from it with its own cases.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, NamedTuple

from pydantic_core import from_json

from sla_monitor.board.clocks import STATES
from sla_monitor.board.index import NONE
from sla_monitor.board.models import Clock
from sla_monitor.board.problems import Refused, refused
from sla_monitor.wire import rfc3339

LIMIT_DEFAULT: Final = 50
LIMIT_MAX: Final = 200
VALUES_MAX: Final = 100  # of one filter
FACETS: Final = ("severity", "plan", "clock", "state", "queue")
FILTERS: Final = (*FACETS, "customer")
SORTS: Final = ("deadline", "opened", "case_id")
SINGLE: Final = ("search", "sort", "limit", "after")


class Place(NamedTuple):
    """Of one item in its order: what it is sorted by, then whose it is."""

    value: int
    case_id: str
    clock: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """`any_of`: the values of each filter that is set. `after`: only what comes behind."""

    any_of: dict[str, frozenset[str]]
    search: str = ""
    sort: str = "deadline"
    limit: int = LIMIT_DEFAULT
    after: Place | None = None

    def parameters(self) -> list[tuple[str, str]]:
        """As they are asked for."""
        asked = [(name, value) for name, values in self.any_of.items() for value in sorted(values)]
        asked += [("search", self.search)] if self.search else []
        asked += [("after", cursor(self.sort, self.after))] if self.after else []
        return [*asked, ("sort", self.sort), ("limit", str(self.limit))]


def parsed(parameters: Iterable[tuple[str, str]]) -> Wanted:
    """Refused with 400: a parameter or a value that there is not. Names that a pack may define are not held against
    it: another worker may have another pack.
    """
    filters: dict[str, set[str]] = {}
    single: dict[str, str] = {}
    for name, value in parameters:
        if name in FILTERS:
            filters.setdefault(name, set()).add(value)
        elif name not in SINGLE:
            raise _wrong(f"there is no parameter {name!r}; there are {', '.join((*FILTERS, *SINGLE))}")
        elif name in single:
            raise _wrong(f"{name} may be given once")
        else:
            single[name] = value
    if unknown := filters.get("state", set()) - set(STATES):
        raise _wrong(f"state: {', '.join(sorted(unknown))} is none of {', '.join(STATES)}")
    for name, values in filters.items():
        if len(values) > VALUES_MAX:
            raise _wrong(f"{name}: more than {VALUES_MAX} values")
    sort = single.get("sort", "deadline")
    if sort not in SORTS:
        raise _wrong(f"sort is one of {', '.join(SORTS)}")
    return Wanted(
        any_of={name: frozenset(values) for name, values in filters.items()},
        search=single.get("search", ""),
        sort=sort,
        limit=_limit(single.get("limit", str(LIMIT_DEFAULT))),
        after=place_at(sort, single["after"]) if "after" in single else None,
    )


def place_of(sort: str, item: Clock) -> Place:
    """Where an item is in its order."""
    value = 0
    if sort == "deadline":
        value = NONE if item.deadline is None else rfc3339.parse_any(item.deadline)
    elif sort == "opened":
        value = rfc3339.parse_any(item.opened_at)
    return Place(value, item.case_id, item.clock)


def cursor(sort: str, place: Place) -> str:
    return urlsafe_b64encode(json.dumps([sort, *place], separators=(",", ":")).encode()).decode().rstrip("=")


def place_at(sort: str, text: str) -> Place:
    """That a cursor names. Refused with 400: it is none of this order."""
    wrong = _wrong("after: not the `next` of an answer to this question")
    try:
        said = from_json(urlsafe_b64decode((text + "=" * (-len(text) % 4)).encode("ascii")), allow_inf_nan=False)
    except ValueError as error:
        raise wrong from error
    match said:
        case [str(asked), int(value), str(case_id), str(clock)] if asked == sort and not isinstance(value, bool):
            return Place(value, case_id, clock)
        case _:
            raise wrong


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= LIMIT_MAX):
        raise _wrong(f"limit is a number from 1 to {LIMIT_MAX}")
    return int(text)


def _wrong(detail: str) -> Refused:
    return refused(HTTPStatus.BAD_REQUEST, detail)
