"""What another pack would change for the same events: deadlines that move, and verdicts that flip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median_low

from sla_monitor.engine.outcome import NONE, OPEN, USUAL, About, Outcome

NO_VERDICT = {NONE, OPEN}  # a clock that runs under one pack only is told by its deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Of one case: a clock, or what else a verdict is about; plan and severity under the old pack."""

    case_id: str
    generation: int
    about: str
    plan: str
    severity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved(Change):
    """A deadline that is open under both packs, or (None) under one of them only, microseconds since the epoch."""

    old: int | None
    new: int | None

    @property
    def by(self) -> int | None:
        """Microseconds later; negative: earlier."""
        return None if self.old is None or self.new is None else self.new - self.old


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip(Change):
    """A verdict that is another one."""

    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """In the order of case, generation and clock. `open_deadlines`: under the old pack."""

    moved: tuple[Moved, ...]
    flips: tuple[Flip, ...]
    open_deadlines: int
    cases: int
    dead_letters: tuple[int, int]  # events that cannot be used, under the old pack and the new


def compare(old: Outcome, new: Outcome) -> Difference:
    """What differs. A deadline that is gone because its clock has a verdict is told as the flip alone."""
    flips = tuple(_flips(old, new))
    flipped = {About(flip.case_id, flip.generation, flip.about) for flip in flips}
    return Difference(
        moved=tuple(each for each in _moved(old, new, flipped)),
        flips=flips,
        open_deadlines=len(old.deadlines),
        cases=len({case_id for case_id, _ in old.of.keys() | new.of.keys()}),
        dead_letters=(old.dead_letters, new.dead_letters),
    )


def _flips(old: Outcome, new: Outcome) -> Iterator[Flip]:
    for about in sorted(old.verdicts.keys() | new.verdicts.keys()):
        usual = USUAL.get(about.about, NONE)
        before, after = old.verdicts.get(about, usual), new.verdicts.get(about, usual)
        if before != after and not {before, after} <= NO_VERDICT:
            plan, severity = _terms(about, old, new)
            yield Flip(
                case_id=about.case_id,
                generation=about.generation,
                about=about.about,
                plan=plan,
                severity=severity,
                old=before,
                new=after,
            )


def _moved(old: Outcome, new: Outcome, flipped: set[About]) -> Iterator[Moved]:
    for about in sorted(old.deadlines.keys() | new.deadlines.keys()):
        before, after = old.deadlines.get(about), new.deadlines.get(about)
        if before != after and about not in flipped:
            plan, severity = _terms(about, old, new)
            yield Moved(
                case_id=about.case_id,
                generation=about.generation,
                about=about.about,
                plan=plan,
                severity=severity,
                old=before,
                new=after,
            )


def _terms(about: About, old: Outcome, new: Outcome) -> tuple[str, str]:
    key = (about.case_id, about.generation)
    return old.of.get(key) or new.of.get(key) or ("", "")


Group = tuple[str, str, str]  # clock, plan, severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """Deadlines of one clock, plan and severity. `moved` are open under both packs, and of these are `least`, `median`
    and `most` in microseconds (None if there are none); `appeared` and `gone` are open under one of them only.
    """

    moved: int
    earlier: int
    later: int
    appeared: int
    gone: int
    least: int | None
    median: int | None
    most: int | None


def movements(difference: Difference) -> dict[Group, Movement]:
    """By clock, plan and severity."""
    groups: dict[Group, list[Moved]] = {}
    for each in difference.moved:
        groups.setdefault((each.about, each.plan, each.severity), []).append(each)
    return {group: _movement(moved) for group, moved in sorted(groups.items())}


def _movement(moved: list[Moved]) -> Movement:
    by = [each.by for each in moved if each.by is not None]
    return Movement(
        moved=len(by),
        earlier=sum(length < 0 for length in by),
        later=sum(length > 0 for length in by),
        appeared=sum(each.old is None for each in moved),
        gone=sum(each.new is None for each in moved),
        least=min(by, default=None),
        median=median_low(by) if by else None,
        most=max(by, default=None),
    )


def flips(difference: Difference) -> dict[tuple[str, str, str, str, str], int]:
    """By what they are about, plan, severity, old and new verdict."""
    counts = Counter((each.about, each.plan, each.severity, each.old, each.new) for each in difference.flips)
    return dict(sorted(counts.items()))
