"""One idea: a policy pack read as plain dicts, where the first rule that matches wins (`docs/policy-packs.md`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from sla_monitor.oracle.days_off import DaysOff
from sla_monitor.oracle.events import instant
from sla_monitor.oracle.hours import ROUND_THE_CLOCK, BusinessHours, RoundTheClock, calendar_of, micros
from sla_monitor.oracle.shapes import countries

UNITS = {"s": 1, "m": 60, "h": 3_600}
SECOND = 1_000_000
FROM_START: Mapping[str, str] = {"mode": "from_start", "rule": ""}
FROM_CHANGE: Mapping[str, str] = {"mode": "from_change", "rule": ""}
CHANGES = {"raised": FROM_CHANGE, "lowered": FROM_START, "sideways": FROM_START}
Terms = Mapping[str, Any]  # what rules ask of a case, as it is at a time
Rule = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """One version of a pack."""

    pack: Mapping[str, Any]
    effective_from: int
    days_off: DaysOff
    _calendars: dict[tuple[object, ...], BusinessHours] = field(default_factory=dict, compare=False, repr=False)

    @property
    def policy(self) -> dict[str, str]:
        return {"name": str(self.pack["name"]), "version": str(self.pack["version"])}

    @property
    def clocks(self) -> dict[str, Rule]:
        return {name: rule for name, rule in self.pack["clocks"].items() if rule.get("enabled", True)}

    def first(self, rules: Sequence[Rule], terms: Terms) -> Rule | None:
        return next((rule for rule in rules if self._matches(rule.get("when") or {}, terms)), None)

    def _matches(self, when: Mapping[str, Any], terms: Terms) -> bool:
        known = {**terms, "language": primary(terms["language"]), "english": self.english(terms)}
        return all(_one_of(known.get(name), many(wish)) for name, wish in when.items())

    def english(self, terms: Terms) -> bool:
        return bool(
            primary(terms["language"]) in many(self.pack["languages"]["english"])
            or terms.get("accepts_english")
            or terms.get("accepts_translation")
        )

    def limited(self, terms: Terms) -> bool:
        """SP-LANG-TR: neither served nor replaced by English or a translation."""
        return primary(terms["language"]) not in many(self.pack["languages"]["local"]) and not self.english(terms)

    def hours(self, terms: Terms) -> RoundTheClock | BusinessHours:
        rule = self.first(self.pack["hours"], terms)
        if rule and rule["serve"] == "round_the_clock":
            return ROUND_THE_CLOCK
        return self.calendar(terms)

    def calendar(self, terms: Terms) -> BusinessHours:
        place = (terms["country"], terms.get("subdivision"), terms.get("timezone"))
        if place not in self._calendars:
            self._calendars[place] = calendar_of(self.pack, self.days_off, countries(), terms)
        return self._calendars[place]

    def direction(self, old: Terms, new: Terms) -> str:
        """By severity; if that is the same, by plan; then by hours, round the clock being more."""
        severities, plans = list(self.pack["severities"]), list(self.pack["plans"])
        steps = (
            severities.index(old["severity"]) - severities.index(new["severity"]),
            plans.index(new["plan"]) - plans.index(old["plan"]),
            (self.hours(new) is ROUND_THE_CLOCK) - (self.hours(old) is ROUND_THE_CLOCK),
        )
        step = next((step for step in steps if step), 0)
        return "raised" if step > 0 else "lowered" if step < 0 else "sideways"

    def change(self, clock: Rule, direction: str) -> Mapping[str, str]:
        found = (clock.get("changes") or {}).get(direction)
        return {"rule": "", **(found or CHANGES[direction])}


def _one_of(known: Any, wishes: list[Any]) -> bool:
    """Of what a case has several of (traits), one is enough."""
    if isinstance(known, list | tuple | set):
        return any(each in wishes for each in known)
    return known in wishes


def many(found: Any) -> list[Any]:
    return list(found) if isinstance(found, list) else [found]


def primary(language: str) -> str:
    return language.split("-", maxsplit=1)[0].lower()


def duration(written: str) -> int:
    found = re.fullmatch(r"([0-9]{1,6})([smh])", written)
    if not found:
        raise ValueError(written)
    return int(found[1]) * UNITS[found[2]] * SECOND


class Plans:
    """All versions of one pack."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self._plans = sorted(plans, key=lambda plan: plan.effective_from)

    @classmethod
    def load(cls, paths: Sequence[Path] = ()) -> Plans:
        """A path is a file, or a folder of versions. Without one: the built-in pack."""
        files = [file for path in paths for file in (_files(path) if path.is_dir() else [path])]
        if not paths:
            files = [Path(str(resources.files("sla_monitor"))) / "policies" / "default.yaml"]
        return cls([_plan(_loaded(file), DaysOff.of(file.parent)) for file in files])

    def at(self, opened_at: int) -> Plan:
        """The version in force when the case was opened; before the first one, the first."""
        return next((plan for plan in reversed(self._plans) if plan.effective_from <= opened_at), self._plans[0])

    def moves_after(self, plan: Plan) -> list[Plan]:
        """Later versions that take over the cases that are open when they begin."""
        later = (each for each in self._plans if each.effective_from > plan.effective_from)
        return [each for each in later if each.pack.get("open_cases", "stay") != "stay"]


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix in {".yaml", ".yml"})


def _loaded(file: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = YAML(typ="safe", pure=True).load(file.read_text(encoding="utf-8"))
    return found


def _plan(pack: Mapping[str, Any], days_off: DaysOff) -> Plan:
    since = pack["effective_from"]
    if isinstance(since, datetime):  # YAML has times of its own, in UTC where no offset is left
        return Plan(pack, micros(since if since.tzinfo else since.replace(tzinfo=UTC)), days_off)
    return Plan(pack, instant(str(since)), days_off)
