"""Whether a version can take over the open cases of those before it: it must know whatever they may have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

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
    """What a case of `earlier` may have that `later` could not go on with."""
    yield from gone("severity", earlier.severities, later.severities)
    yield from gone("plan", earlier.plans, later.plans)
    for label in sorted(later.labels - earlier.labels):
        yield f"which did not ask for {label!r}: what such a case had there was not kept"
    for clock in later.clocks:
        carried = earlier.has_clock(clock.name) and earlier.clock(clock.name).own_target_rule
        if carried and not clock.own_target_rule:
            yield f"which may carry their own target of {clock.name!r}: 'own_target_rule' is missing there"


def gone(kind: str, before: Iterable[str], after: Iterable[str]) -> Iterator[str]:
    missing = set(before) - set(after)
    return (f"which may have the {kind} {name!r}, and does not know it" for name in before if name in missing)
