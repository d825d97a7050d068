"""Several versions of one pack: which comes into force when."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from pathlib import Path

from sla_monitor.config.check.findings import ORDER_OF_VERSIONS, SAME_VERSION, Finding
from sla_monitor.config.check.sources import Source


def check_versions(sources: Sequence[Source]) -> Iterator[Finding]:
    """All files of one name are versions of one pack, in one folder or given one by one."""
    for name in dict.fromkeys(source.pack.name for source in sources):
        versions = [source for source in sources if source.pack.name == name]
        yield from _same(versions)
        yield from _order(sorted(versions, key=lambda source: source.pack.effective_from))


def _same(versions: Sequence[Source]) -> Iterator[Finding]:
    for earlier, later in combinations(versions, 2):
        if Path(earlier.document.name).resolve() == Path(later.document.name).resolve():
            continue  # given twice
        for field in ("version", "effective_from"):
            if getattr(earlier.pack, field) == getattr(later.pack, field):
                yield later.finding(SAME_VERSION, (field,), f"the same {field} as {earlier.document.name}")


def _order(versions: Sequence[Source]) -> Iterator[Finding]:
    """Versions that are spelt alike are compared, numbers in them as numbers."""
    for earlier, later in pairwise(versions):
        before, after = parts(earlier.pack.version), parts(later.pack.version)
        if [*map(type, before)] == [*map(type, after)] and before > after:
            text = (
                f"version {later.pack.version} comes into force after {earlier.pack.version} ({earlier.document.name})"
            )
            yield later.finding(ORDER_OF_VERSIONS, ("effective_from",), text)


def parts(version: str) -> list[str | int]:
    """`2026-01` as [2026, "-", 1]."""
    return [int(part) if part.isdigit() else part for part in re.findall(r"[0-9]+|[^0-9]+", version)]
