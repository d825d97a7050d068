"""How an open case stands, in seven bytes of its row's header: what gauges count cases by, without decoding one.

    pack (2, CRC-16 of `name/version`) · severity, plan (1 each, places in that pack's lists) · queue (2, CRC-16 of its
    name, for the list of queues may change) · the rest (1)

The rest, from the lowest bit: what the worst of its clocks is at (3), whether that clock is promised (1), whether a
recommended downgrade waits for a person (1), how far engineer time is used up (2). Rows from before version 5 of the
format do not say it; they count as `unknown` until they are written anew.
"""

from __future__ import annotations

import struct
from binascii import crc_hqx
from functools import lru_cache
from typing import Final, NamedTuple, assert_never

from sla_monitor.core.case import CaseState
from sla_monitor.core.clock import Breached, ClockState, Paused, Running, Stopped, terms_of
from sla_monitor.core.effort import WHOLE
from sla_monitor.core.policy import Packs, Policy

IDLE, PAUSED, RUNNING, AT_RISK, OVERDUE = STATES = ("idle", "paused", "running", "at_risk", "overdue")  # by rank
UNKNOWN: Final = "unknown"
WITHIN, WARNED, EXHAUSTED = EFFORTS = ("within", "warned", "exhausted")
ELSEWHERE: Final = 255  # a severity or plan that the pack does not list

_HEAD = struct.Struct(">HBBH")
BYTES: Final = _HEAD.size + 1
_IDLE, _PAUSED, _RUNNING, _AT_RISK, _OVERDUE = range(len(STATES))
_PROMISED, _WAITS, _EFFORT_AT = 8, 16, 5
_RESTS: Final = [bytes([rest]) for rest in range(128)]
_HEADS_MAX = 4_096  # x ~250 B = 1 MB: packs, severities, plans and queues as they meet


class Standing(NamedTuple):
    """One way to stand. Names are None where they are not among those of a loaded pack."""

    severity: str | None
    plan: str | None
    queue: str | None
    state: str
    promised: bool
    waits: bool
    effort: str


NOT_SAID: Final = Standing(None, None, None, UNKNOWN, promised=False, waits=False, effort=WITHIN)


def packed(case: CaseState) -> bytes:
    """Of an open case, as its facts and the watermark have made it. On the path of every event: 2 us."""
    rank, worst = _IDLE, ""
    for name, state in case.clocks.items():
        if (found := _rank(name, state)) > rank:
            rank, worst = found, name
    rest = rank
    if worst and _is_promised(worst, case.clocks[worst]):
        rest |= _PROMISED
    if case.silence.open:
        rest |= _WAITS
    if case.limit is not None:
        rest |= _effort(case.limit.rule, case.effort.said) << _EFFORT_AT
    profile = case.profile
    key = (case.policy.key, profile.severity, profile.plan, profile.queue)
    return (_heads.get(key) or _remember(key, case.policy)) + _RESTS[rest]


_heads: dict[tuple[str, str, str, str], bytes] = {}


def _remember(key: tuple[str, str, str, str], policy: Policy) -> bytes:
    """The part that many cases have in common; a cache of what its key alone decides."""
    if len(_heads) >= _HEADS_MAX:
        _heads.clear()
    name, severity, plan, queue = key
    places = _place(policy.severities, severity), _place(policy.plans, plan)
    head = _heads[key] = _HEAD.pack(_number(name), *places, _number(queue))
    return head


def read(said: bytes, packs: Packs) -> Standing:
    """What seven bytes say; none of them: that nothing is known."""
    if not said:
        return NOT_SAID
    number, severity, plan, queue = _HEAD.unpack_from(said)
    rest = said[-1]
    policy = next((each for each in packs.versions if _number(each.key) == number), None)
    return Standing(
        severity=_named(policy.severities if policy else (), severity),
        plan=_named(policy.plans if policy else (), plan),
        queue=next((name for each in packs.versions for name in each.queues if _number(name) == queue), None),
        state=STATES[rest & 7],
        promised=bool(rest & _PROMISED),
        waits=bool(rest & _WAITS),
        effort=EFFORTS[rest >> _EFFORT_AT],
    )


def _rank(clock: str, state: ClockState) -> int:
    """At risk: some warning of it is not to come any more."""
    match state:
        case Running(warnings=left, measure=measure):
            return _AT_RISK if len(left) < len(measure.policy.clock(clock).warnings) else _RUNNING
        case Stopped():
            return _IDLE
        case Breached():
            return _OVERDUE
        case Paused():
            return _PAUSED
        case _:
            assert_never(state)


def _is_promised(clock: str, state: ClockState) -> bool:
    match state:
        case Running(measure=measure) | Breached(measure=measure):
            return measure.terms.promised
        case Paused(steps=steps):
            return terms_of(clock, steps[-1]).promised
        case _:
            return False


def _effort(rule: str, said: tuple[tuple[str, int], ...]) -> int:
    levels = [level for told_of, level in said if told_of == rule]
    return EFFORTS.index(EXHAUSTED if WHOLE in levels else WARNED if levels else WITHIN)


@lru_cache(maxsize=1_024)
def _number(name: str) -> int:
    """Sixteen bits tell the versions of a pack, or a hundred queues, apart; two that meet are counted as one."""
    return crc_hqx(name.encode(), 0)


def _place(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else ELSEWHERE


def _named(names: tuple[str, ...], place: int) -> str | None:
    return names[place] if place < len(names) else None
