"""Whether a closed case may be taken up again: every rule is asked, so that a refusal can list all that failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sla_monitor.core.facts import ReopenRequested


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenRule:
    """What must hold. `same`: parts of the fingerprint that must not differ; with `after_fix` only once an update was
    installed or a resolution had been proposed. `no_update`: no update was installed. `months`: so many calendar months
    since it was closed have not passed; 0: never too late.
    """

    rule: str
    same: frozenset[str] = frozenset()
    after_fix: bool = False
    no_update: bool = False
    months: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """What a request is held against. `too_late(months)`: whether so many months have passed since it was closed."""

    fingerprint: tuple[tuple[str, str], ...]
    was_proposed: bool
    months_passed: Mapping[int, bool]


def judged(rules: Iterable[ReopenRule], request: ReopenRequested, closed: Closed) -> list[tuple[str, bool]]:
    """(rule, whether it holds) for each, in order."""
    return [(rule.rule, _holds(rule, request, closed)) for rule in rules]


def _holds(rule: ReopenRule, request: ReopenRequested, closed: Closed) -> bool:
    if rule.no_update and request.new_update_installed:
        return False
    if rule.months and closed.months_passed[rule.months]:
        return False
    is_asked = not rule.after_fix or request.new_update_installed or closed.was_proposed
    return not is_asked or not _differs(rule.same, dict(closed.fingerprint), dict(request.fingerprint))


def _differs(parts: Iterable[str], old: Mapping[str, str], new: Mapping[str, str]) -> bool:
    """A part missing on either side counts as equal."""
    return any(part in old and part in new and old[part] != new[part] for part in parts)
