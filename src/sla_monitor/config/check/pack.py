"""What only the whole pack tells: rules that nothing cites, levels that nobody hears of, events that stop nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sla_monitor.config.check.findings import PAUSE, STOPS_NOTHING, SWITCHED_OFF, UNCITED, Finding
from sla_monitor.config.check.sources import Source
from sla_monitor.config.yaml_lines import Value, Where
from sla_monitor.core import notices

# A case is opened before its clocks run, and a fact that is withdrawn was never there.
NEVER_DRIVE: Final = ("case.opened", "case.fact_withdrawn")


def check_pack(source: Source) -> Iterator[Finding]:
    yield from _uncited(source)
    yield from _switched_off(source)
    yield from _events(source)


def _events(source: Source) -> Iterator[Finding]:
    for name, clock in source.pack.clocks.items():
        for field in ("stops", "pauses", "resumes"):
            for position, event in enumerate(getattr(clock, field)):
                if event in NEVER_DRIVE:
                    text = f"{event} never {field} a clock"
                    yield source.finding(STOPS_NOTHING, ("clocks", name, field, position), text)
        if clock.pauses and not clock.resumes:
            yield source.finding(PAUSE, ("clocks", name, "pauses"), "it pauses for good: nothing resumes it")
        if clock.resumes and not clock.pauses:
            yield source.finding(PAUSE, ("clocks", name, "resumes"), "nothing pauses it")


def _uncited(source: Source) -> Iterator[Finding]:
    content = source.document.content
    said = content if isinstance(content, dict) else {}
    cited = {rule for key, value in said.items() if key != "rules" for rule in citations(value)}
    waiting = list(cited)
    while waiting:
        seen = {*source.pack.rules[waiting.pop()].see} - cited
        cited |= seen
        waiting += seen
    for rule in source.pack.rules:
        if rule not in cited:
            yield source.finding(UNCITED, ("rules", rule), "defined, and never cited")


def citations(value: Value) -> Iterator[str]:
    """Every rule id that a part of a pack cites: the values of `rule`, `own_target_rule` and the like."""
    if isinstance(value, list):
        for entry in value:
            yield from citations(entry)
    elif isinstance(value, dict):
        for key, entry in value.items():
            if (key == "rule" or key.endswith("_rule")) and isinstance(entry, str):
                yield entry
            else:
                yield from citations(entry)


def _switched_off(source: Source) -> Iterator[Finding]:
    pack = source.pack
    levels: list[tuple[Where, list[int], str]] = [
        *((("clocks", name, "warnings"), clock.warnings, notices.WARNING) for name, clock in pack.clocks.items()),
        *((("clocks", name, "overdue"), clock.overdue, notices.OVERDUE) for name, clock in pack.clocks.items()),
        *(
            (("effort", "limits", position, "warnings"), limit.warnings, notices.EFFORT_WARNING)
            for position, limit in enumerate(pack.effort.limits)
        ),
    ]
    for where, wanted, kind in levels:
        if wanted and kind in pack.switched_off:
            yield source.finding(SWITCHED_OFF, where, f"nobody hears of {where[-1]}: {kind} is switched off")
