"""Steps down in severity: facts that allow two at once, and rules that lower here and only recommend there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from sla_monitor.config.check.findings import MIXED_MODES, MODES_CONFLICT, TWO_STEPS, Finding
from sla_monitor.config.check.sources import Source
from sla_monitor.config.pack_model import Downgrade, Ground


def check_steps(source: Source) -> Iterator[Finding]:
    commitment = source.pack.commitment
    for (_, earlier), (later, ground) in combinations(enumerate(commitment.grounds), 2):
        fact = shared_fact(earlier, ground)
        severities = [name for name in source.pack.severities if name in earlier.steps and name in ground.steps]
        if fact and severities:
            where = ("commitment", "grounds", later)
            if earlier.mode != ground.mode:
                text = f"{fact} lowers {', '.join(severities)} at once and recommends it too, with {earlier.rule}"
                yield source.finding(MODES_CONFLICT, where, text)
            else:
                text = f"{fact} allows two steps from {', '.join(severities)}, this one and that of {earlier.rule}"
                yield source.finding(TWO_STEPS, where, text)
    yield from _mixed_modes(source)


def shared_fact(one: Ground, other: Ground) -> str:
    """A fact that both grounds wait for; "" if there is none."""
    for name in type(one.on).model_fields:
        first, second = getattr(one.on, name), getattr(other.on, name)
        if isinstance(first, bool):
            if first and second:
                return name
            continue
        both = [str(value).lower() if isinstance(value, bool) else value for value in first if value in second]
        if both:
            return f"{name} {both[0]}"
    return ""


def _mixed_modes(source: Source) -> Iterator[Finding]:
    """Told where the mode first differs from that of the rule's first place."""
    commitment = source.pack.commitment
    modes: dict[str, str] = {}
    places: list[tuple[str, Sequence[Downgrade | Ground]]] = [
        ("downgrades", commitment.downgrades),
        ("grounds", commitment.grounds),
    ]
    for field, entries in places:
        for position, entry in enumerate(entries):
            if modes.setdefault(entry.rule, entry.mode) != entry.mode:
                text = f"{entry.mode} here, {modes[entry.rule]} where the rule stands first"
                yield source.finding(MIXED_MODES, ("commitment", field, position), text)
