"""The oracle: a second, deliberately naive implementation of every decision, to prove the worker against.

It is written after the support plan, the contract and `docs/`, never after the worker's code, and imports none of it.
Where these leave something open, it does as the product does and says so at that place. It is slow on purpose: days are
walked one by one, a case is told from its opening each time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sla_monitor.oracle.events import Bad, Erasure, Event, LogRecord, Skipped, classify
from sla_monitor.oracle.log import read
from sla_monitor.oracle.plan import Plans
from sla_monitor.oracle.standing import Standing, standing_of_notice
from sla_monitor.oracle.verdicts import tell

__all__ = [
    "Bad",
    "Erasure",
    "Event",
    "Judgement",
    "LogRecord",
    "Plans",
    "Skipped",
    "Standing",
    "classify",
    "judge",
    "standing_of_notice",
]


class Judgement(NamedTuple):
    standing: list[Standing]
    dead: dict[int, str]  # offset -> reason: dead letters on their own account, or by conflict
    open: bool  # a case.opened counts at the end


def judge(
    case_id: str,
    records: Sequence[LogRecord],
    *,
    plans: Plans,
    now: int,
    set_aside: Mapping[int, str] = {},
    published: Mapping[str, Standing] = {},
) -> Judgement:
    """What stands about one case.

    `records`: all with this case's key, in log order. `now`: the watermark in microseconds; every timer up to it has
    fired. Facts count whatever `now` is, and decide what was due up to their own time. `set_aside`: offset -> reason of
    records that were dead-lettered for their arrival; they count for nothing. `published`: the notices by their id, as
    far as they are known: an answer to a recommendation names such an id, and what it named is read there, because how
    ids are computed is the worker's own. Without it every answer is to something unknown and has no effect.

    After an erasure the case begins anew: only what follows it stands. Retractions, `case.forgotten`,
    `case.quarantined` and `case.history_folded` are never among the standing.
    """
    opening, facts, dead = read(records, set_aside, plans)
    if opening is None or opening.case_id != case_id:
        return Judgement([], dead, open=False)
    plan = plans.at(opening.at)
    return Judgement(tell([plan, *plans.moves_after(plan)], opening, facts, now, published), dead, open=True)
