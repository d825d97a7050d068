"""Several answers as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sla_monitor.board.models import Attained, Counts, Facets


def counts_of(parts: Iterable[Counts]) -> Counts:
    total: Counter[str] = Counter()
    for each in parts:
        total.update(each.model_dump())
    return Counts(**total)


def facets_of(parts: Iterable[Facets]) -> Facets:
    """The values in the order of their names, so that nothing jumps when counts change."""
    totals: dict[str, Counter[str]] = {}
    for each in parts:
        for facet, counted in each.model_dump().items():
            totals.setdefault(facet, Counter()).update(counted)
    return Facets(**{facet: dict(sorted(counted.items())) for facet, counted in totals.items()})


def attained(plan: str, severity: str, clock: str, verdicts: tuple[int, int, int]) -> Attained:
    met, met_late, breached = verdicts
    share = met / (met + breached) if met + breached > 0 else None
    return Attained(
        plan=plan, severity=severity, clock=clock, met=met, met_late=met_late, breached=breached, attained=share
    )


def attainment_of(parts: Iterable[Attained]) -> list[Attained]:
    totals: dict[tuple[str, str, str], tuple[int, int, int]] = {}
    for each in parts:
        key = (each.plan, each.severity, each.clock)
        met, met_late, breached = totals.get(key, (0, 0, 0))
        totals[key] = (met + each.met, met_late + each.met_late, breached + each.breached)
    return [attained(*key, verdicts) for key, verdicts in sorted(totals.items())]
