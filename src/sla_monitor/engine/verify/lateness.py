"""How late notices of deadlines were: the broker's time of their write less the instant they are about.

Nobody can speak of a case before it is heard of, so where its first event came after that instant, less its time.

Counted by value with three significant digits, so that any number of notices needs the memory of a few thousand.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, Final

from sla_monitor.core import notices as n
from sla_monitor.wire import rfc3339

MEASURED: Final = frozenset({n.WARNING, n.BREACHED, n.OVERDUE, n.DOWNGRADE_RECOMMENDED})  # what time alone decides
MEASURED_WHEN: Final = frozenset({n.LIVE, n.CATCH_UP})
QUANTILES: Final = (0.5, 0.9, 0.99)
EXACT_BELOW: Final = 1_000


class Lateness:
    """Milliseconds, by how it was detected and by type."""

    def __init__(self) -> None:
        self._found: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)

    def note(self, notice: Mapping[str, Any], appended_ms: int, heard_ms: int = 0) -> None:
        """One notice; others than those of deadlines, and corrections and history, are not late but later."""
        kind, detected = notice["type"], notice["detected"]
        if kind in MEASURED and detected in MEASURED_WHEN:
            due_ms = max(rfc3339.parse(notice["time"]) // 1_000, heard_ms)
            self._found[detected, kind][_rounded(appended_ms - due_ms)] += 1

    def join(self, other: Lateness) -> None:
        for key, counts in other._found.items():
            self._found[key].update(counts)

    def table(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Detected -> type -> count, p50, p90, p99 and max in seconds."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for (detected, kind), counts in sorted(self._found.items()):
            quantiles = {f"p{round(share * 100)}": _quantile(counts, share) / 1_000 for share in QUANTILES}
            row = {"count": counts.total(), **quantiles, "max": max(counts) / 1_000}
            found.setdefault(detected, {})[kind] = row
        return found


def _rounded(milliseconds: int) -> int:
    digits = max(0, len(str(abs(milliseconds))) - len(str(EXACT_BELOW - 1)))
    return round(milliseconds, -digits)


def _quantile(counts: Counter[int], share: float) -> int:
    """The smallest value that so many do not exceed."""
    left = share * counts.total()
    for value in sorted(counts):
        left -= counts[value]
        if left <= 0:
            return value
    return max(counts)
