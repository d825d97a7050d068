"""Whether a version can take over the open cases of those before it: it must know whatever they may have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sla_monitor.config.yaml_lines import Document
from sla_monitor.core.policy import STAY, Policy

WHERE = ("open_cases",)


def complain_of_moves(versions: Sequence[tuple[Document, Policy]]) -> None:
    """Adds what is wrong to the documents. `versions` by `effective_from`, ascending."""
    for number, (document, policy) in enumerate(versions):
        if policy.open_cases != STAY:
            for _, earlier in versions[:number]:
                for problem in unknown(earlier, policy):
                    document.complain(WHERE, f"open_cases: takes over cases of version {earlier.version}, {problem}")


def unknown(earlier: Policy, later: Policy) -> Iterator[str]:
    """What such a case may have had or may come to have that one of the two could not count by."""
    yield from differing("severity", earlier.severities, later.severities)
    yield from differing("plan", earlier.plans, later.plans)
    for label in sorted(later.labels - earlier.labels):
        yield f"which did not ask for {label!r}: what such a case had there was not kept"


def differing(kind: str, before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    for name in sorted(set(before) ^ set(after)):
        yield f"and only one of the two has the {kind} {name!r}"
