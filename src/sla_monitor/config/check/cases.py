"""Sets of cases, exactly: which ones a condition matches, and which are left after others.

A set is a box: for each dimension the values that are left, and every combination of them. A condition cuts a box into
boxes inside and outside. All dimensions are finite: labels, countries and languages have one value more, for all that
no rule names. So nothing is guessed: every question is answered by walking boxes until a case is found or none is left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, get_args

from sla_monitor.config import pack_model as model
from sla_monitor.core.profile import LABELS, LISTS

STEPS_MAX = 100_000  # cuts for one rule, ~3 s; of two hundred made-up rules none takes half of it
OTHER: Final = "any other"
SPEECH: Final = "language and english"
TRAITS: Final = frozenset(get_args(model.Trait))
ABSENT, PRESENT, REMOVED = "absent", "present", "removed"  # of a trait; `traits_removed` never has one that is present
STATE_OF: Final = {"traits": PRESENT, "traits_removed": REMOVED}

Value = str | bool | None | tuple[str, bool]
Condition = Mapping[str, Sequence[str | bool]]  # as `when` has it: every field must match, one of its values each
Box = Mapping[str, tuple[Value, ...]]  # a dimension that is missing is not restricted


class TooMany(Exception):
    """The answer would take more than STEPS_MAX cuts."""


def condition(rule: model.Matched) -> Condition:
    """What a rule asks for."""
    return {name: values for name, values in rule.when if values}


class Cases:
    """All cases that there can be under a pack. Fields have no more values than the pack can tell apart."""

    def __init__(self, pack: model.Pack, countries: Iterable[str], conditions: Iterable[Condition]) -> None:
        asked = list(conditions)

        def named(field: str) -> list[str]:
            return sorted({str(value) for each in asked for value in each.get(field, ())})

        english = set(pack.languages.english)
        languages = sorted({*named("language"), *english, *pack.languages.local, OTHER})
        self._domains: dict[str, tuple[Value, ...]] = {
            "severity": tuple(pack.severities),
            "plan": tuple(pack.plans),
            "access": (None, *get_args(model.Access)),
            "country": tuple(sorted(countries)),
            SPEECH: tuple((each, said) for each in languages for said in (True, False) if said or each not in english),
            "request": get_args(model.Request),
            "release": get_args(model.Release),
            "channel": get_args(model.Channel),
            "submitted_by": get_args(model.Submitter),
            "has_subscription": (True, False),
            "published_incident": (False, True),
            "contact_verified": (True, False),
            "cause": (None, *get_args(model.Cause)),
            **dict.fromkeys(get_args(model.Trait), (ABSENT, PRESENT, REMOVED)),
            **{label: (OTHER, *named(label)) for label in LABELS},
        }
        self.steps = 0

    def split(self, box: Box, wanted: Condition) -> tuple[list[Box], list[Box]]:
        """(boxes that match, boxes that do not); together they are the box, and no case is in two of them."""
        self.steps += 1
        if self.steps > STEPS_MAX:
            raise TooMany
        inside, outside = [box], list[Box]()
        for field, values in wanted.items():
            matching: list[Box] = []
            for each in inside:
                yes, no = self._split_by(each, field, values)
                matching += yes
                outside += no
            inside = matching
        return inside, outside

    def _split_by(self, box: Box, field: str, values: Sequence[str | bool]) -> tuple[list[Box], list[Box]]:
        if field in LISTS:
            return self._split_by_traits(box, STATE_OF[field], values)
        if field == "english":
            return self._cut(box, SPEECH, [each for each in self._of(box, SPEECH) if _second(each) in values])
        if field == "language":
            return self._cut(box, SPEECH, [each for each in self._of(box, SPEECH) if _first(each) in values])
        return self._cut(box, field, [each for each in self._of(box, field) if each in values])

    def _split_by_traits(self, box: Box, state: str, traits: Sequence[str | bool]) -> tuple[list[Box], list[Box]]:
        """One of them is enough: the first has it; or the first has not and the second has; and so on."""
        inside, rest = list[Box](), [box]
        for trait in map(str, traits):
            without: list[Box] = []
            for each in rest:
                yes, no = self._cut(each, trait, [state])
                inside += yes
                without += no
            rest = without
        return inside, rest

    def _cut(self, box: Box, dimension: str, values: Iterable[Value]) -> tuple[list[Box], list[Box]]:
        wanted = set(values)
        left = self._of(box, dimension)
        yes = tuple(value for value in left if value in wanted)
        no = tuple(value for value in left if value not in wanted)
        return [{**box, dimension: yes}] if yes else [], [{**box, dimension: no}] if no else []

    def _of(self, box: Box, dimension: str) -> tuple[Value, ...]:
        return box.get(dimension, self._domains[dimension])

    def decided(self, box: Box, rules: Sequence[Condition]) -> Iterator[tuple[int | None, Box]]:
        """The box as the list decides it, first match first: (position of the rule, or None for no match, part)."""
        waiting: list[tuple[Box, int]] = [(box, 0)]
        while waiting:
            rest, position = waiting.pop()
            while position < len(rules):
                inside, outside = self.split(rest, rules[position])
                for part in inside:
                    yield position, part
                position += 1
                if not outside:
                    break
                rest = outside[0]
                waiting += [(each, position) for each in outside[1:]]
            else:
                yield None, rest

    def left(self, wanted: Condition, earlier: Sequence[Condition], within: Box | None = None) -> Iterator[Box]:
        """The cases that match and that none of the earlier conditions matches."""
        for box in self.split(within or {}, wanted)[0]:
            yield from self._without(box, earlier)

    def _without(self, box: Box, earlier: Sequence[Condition]) -> Iterator[Box]:
        """A part that one condition has all of is dropped at once; else the one that cuts it into fewest goes first."""
        waiting: list[tuple[Box, Sequence[Condition]]] = [(box, earlier)]
        while waiting:
            rest, conditions = waiting.pop()
            overlapping: list[tuple[Condition, list[Box]]] = []
            for each in conditions:
                inside, outside = self.split(rest, each)
                if inside and not outside:
                    break
                if inside:
                    overlapping.append((each, outside))
            else:
                if not overlapping:
                    yield rest
                    continue
                first, parts = min(overlapping, key=lambda cut: len(cut[1]))
                others = [each for each, _ in overlapping if each is not first]
                waiting += [(part, others) for part in parts]


def _first(value: Value) -> str | None:
    return value[0] if isinstance(value, tuple) else None


def _second(value: Value) -> bool | None:
    return value[1] if isinstance(value, tuple) else None


def is_any(boxes: Iterable[Box]) -> bool:
    """Whether there is at least one case."""
    return next(iter(islice(boxes, 1)), None) is not None


def words(box: Box) -> str:
    """One case of a box, by the fields that decided it."""
    said = []
    for dimension, values in box.items():
        value = values[0]
        if dimension == SPEECH and isinstance(value, tuple):
            said.append(f"language {value[0]}" + (", english" if value[1] else ", not english"))
        elif dimension in TRAITS:
            said.append(f"trait {dimension} {value}")
        else:
            shown = str(value).lower() if isinstance(value, bool) else value
            said.append(f"{dimension} {model.ABSENT.get(dimension, 'not chosen') if value is None else shown}")
    return ", ".join(said) or "every case"
