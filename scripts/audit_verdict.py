"""The verdict of `scripts/audit` on the JSON of pip-audit: 0 nothing is known, 1 something is, 2 nobody can say."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CLEAN, VULNERABLE, UNKNOWN = 0, 1, 2


def verdict(text: str) -> tuple[int, list[str]]:
    """Exit code and lines. What is known counts before what could not be asked."""
    try:
        packages = json.loads(text)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return UNKNOWN, ["pip-audit gave no answer: see above"]
    found, skipped = list(_found(packages)), list(_skipped(packages))
    if found:
        return VULNERABLE, found + skipped
    if skipped or not packages:
        return UNKNOWN, [*skipped, f"{len(packages) - len(skipped)} of {len(packages)} packages were asked about"]
    return CLEAN, [f"nothing is known of {len(packages)} packages"]


def _found(packages: list[dict[str, Any]]) -> Iterator[str]:
    for each in packages:
        for known in each.get("vulns", ()):
            names = ", ".join([known["id"], *known.get("aliases", ())])
            fixed = ", ".join(known.get("fix_versions", ())) or "no version yet"
            yield f"{each['name']} {each['version']}: {names}; mended in {fixed}"


def _skipped(packages: list[dict[str, Any]]) -> Iterator[str]:
    yield from (f"{each['name']}: {each['skip_reason']}" for each in packages if "skip_reason" in each)


if __name__ == "__main__":
    code, lines = verdict(Path(sys.argv[1]).read_text("utf-8"))
    print("\n".join(lines))
    sys.exit(code)
