"""Lists in which the first match wins: rules and values that never decide, and rules that change nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sla_monitor.config.check.cases import Box, Cases, Condition, TooMany, condition, is_any
from sla_monitor.config.check.findings import (
    DECLINED_BEFORE,
    IMPOSSIBLE,
    NEVER_SERVED,
    REDUNDANT,
    UNDECIDED,
    UNREACHABLE,
    UNREACHABLE_VALUE,
    Finding,
)
from sla_monitor.config.check.sources import Source
from sla_monitor.config.pack_model import Matched, Pack
from sla_monitor.config.yaml_lines import Where

Outcome = tuple[object, ...] | None
# Whom a list is asked about. THE_PROMISED: those served who need no target of their own.
EVERYBODY, THE_ELIGIBLE, THE_SERVED, THE_PROMISED = "everybody", "the eligible", "the served", "the promised"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleList:
    """A list of rules, where it stands, whom it is asked about, and what it decides where nothing matches."""

    where: Where
    rules: Sequence[Matched]
    asked_about: str
    otherwise: Outcome = None

    @property
    def conditions(self) -> list[Condition]:
        return [condition(rule) for rule in self.rules]

    def outcome(self, position: int | None) -> Outcome:
        """What a rule decides: all of it but its condition."""
        return self.otherwise if position is None else outcome(self.rules[position])


def outcome(rule: Matched) -> Outcome:
    """A window that is always open, and an effort without a limit, are as if there were no rule."""
    said: dict[str, Any] = {name: value for name, value in rule if name != "when"}
    if said.get("open") == "always" or said.get("limit") == 0:
        return ()
    return tuple(str(value) for value in said.values())


def lists_of(pack: Pack) -> list[RuleList]:
    """Every list of the pack in which the first match wins."""
    return [
        RuleList(where=("eligibility",), rules=pack.eligibility, asked_about=EVERYBODY, otherwise=()),
        RuleList(where=("coverage",), rules=pack.coverage, asked_about=THE_ELIGIBLE, otherwise=()),
        *(
            RuleList(where=("clocks", name, "targets"), rules=clock.targets, asked_about=THE_PROMISED)
            for name, clock in pack.clocks.items()
        ),
        RuleList(where=("hours",), rules=pack.hours, asked_about=THE_SERVED),
        RuleList(where=("commitment", "silences"), rules=pack.commitment.silences, asked_about=THE_SERVED),
        RuleList(
            where=("commitment", "downgrades"), rules=pack.commitment.downgrades, asked_about=THE_SERVED, otherwise=()
        ),
        RuleList(where=("contact", "windows"), rules=pack.contact.windows, asked_about=THE_SERVED, otherwise=()),
        RuleList(where=("effort", "limits"), rules=pack.effort.limits, asked_about=THE_SERVED, otherwise=()),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Who is served: first eligibility is asked, then coverage."""

    cases: Cases
    eligibility: RuleList
    coverage: RuleList

    def of(self, boxes: Iterator[Box], asked_about: str) -> Iterator[Box]:
        """The parts of boxes whom a list is asked about."""
        if asked_about == EVERYBODY:
            yield from boxes
            return
        not_served = {"declined", "own_targets"} if asked_about == THE_PROMISED else {"declined"}
        for box in boxes:
            for position, part in self.cases.decided(box, self.eligibility.conditions):
                if _result(self.eligibility, position) == "declined":
                    continue
                if asked_about == THE_ELIGIBLE:
                    yield part
                    continue
                for which, covered in self.cases.decided(part, self.coverage.conditions):
                    if _result(self.coverage, which) not in not_served:
                        yield covered


def _result(rules: RuleList, position: int | None) -> str:
    return "" if position is None else str(getattr(rules.rules[position], "outcome", ""))


def service_of(cases: Cases, lists: Sequence[RuleList]) -> Service:
    by_place = {each.where: each for each in lists}
    return Service(cases=cases, eligibility=by_place["eligibility",], coverage=by_place["coverage",])


def check_lists(source: Source, service: Service, lists: Sequence[RuleList]) -> Iterator[Finding]:
    """Every rule of every list; one that would take too long to decide is told as such."""
    for each in lists:
        for position in range(len(each.rules)):
            where = (*each.where, position)
            service.cases.steps = 0
            try:
                yield from _check_rule(source, service, each, position)
            except TooMany:
                yield source.finding(UNDECIDED, where, "too many combinations to decide whether it can be reached")


def _check_rule(source: Source, service: Service, rules: RuleList, position: int) -> Iterator[Finding]:
    cases, conditions, where = service.cases, rules.conditions, (*rules.where, position)
    wanted, earlier = conditions[position], conditions[:position]
    if not cases.split({}, wanted)[0]:
        yield source.finding(IMPOSSIBLE, where, "no case matches it: its fields contradict each other")
        return
    if not is_any(cases.left(wanted, earlier)):
        blamed = ", ".join(
            f"{source.line((*rules.where, index))} ({rules.rules[index].rule})"
            for index in needed(lambda kept: not is_any(cases.left(wanted, [earlier[i] for i in kept])), position)
        )
        yield source.finding(UNREACHABLE, where, f"never reached: every case of it is decided before, on line {blamed}")
        return
    if not is_any(service.of(cases.left(wanted, earlier), rules.asked_about)):
        yield source.finding(DECLINED_BEFORE, where, "decides nothing: eligibility or coverage turns away its cases")
        return
    yield from _values(source, cases, rules, position)
    decided = rules.outcome(position)
    later = conditions[position + 1 :]
    without = (
        rules.outcome(None if index is None else position + 1 + index)
        for box in cases.left(wanted, earlier)
        for index, _ in cases.decided(box, later)
    )
    if all(each == decided for each in without):
        yield source.finding(REDUNDANT, where, "without it the same is decided by what comes after it")


def _values(source: Source, cases: Cases, rules: RuleList, position: int) -> Iterator[Finding]:
    """Values of the rule that earlier ones have all cases of."""
    conditions = rules.conditions
    for field, values in conditions[position].items():
        for index, value in enumerate(values if len(values) > 1 else ()):
            narrowed: Mapping[str, Sequence[str | bool]] = {**conditions[position], field: [value]}
            if not is_any(cases.left(narrowed, conditions[:position])):
                said = str(value).lower() if isinstance(value, bool) else value
                yield source.finding(
                    UNREACHABLE_VALUE,
                    (*rules.where, position, "when", field, index),
                    f"{field} {said} is never reached here: earlier rules have every case of it",
                )


def needed(covers: Callable[[list[int]], bool], count: int) -> list[int]:
    """Positions below `count` that together cover; none of them can be left out."""
    kept = list(range(count))
    for position in range(count):
        without = [each for each in kept if each != position]
        if covers(without):
            kept = without
    return kept


def check_served(source: Source, service: Service) -> Iterator[Finding]:
    """Severities and plans of which no case is served."""
    for field, names in (("severity", source.pack.severities), ("plan", source.pack.plans)):
        for index, name in enumerate(names):
            service.cases.steps = 0
            try:
                box = service.cases.split({}, {field: [name]})[0]
                if not is_any(service.of(iter(box), THE_SERVED)):
                    where = ("severities" if field == "severity" else "plans", index)
                    yield source.finding(NEVER_SERVED, where, f"{field} {name}: every case of it is declined")
            except TooMany:
                where = ("severities" if field == "severity" else "plans", index)
                yield source.finding(UNDECIDED, where, f"{field} {name}: too many combinations to decide")
