"""Sets of cases against the real thing: every case of a small world, matched one by one as the worker matches it."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla_monitor.config import pack_model as model
from sla_monitor.config.check.cases import Cases, Condition, is_any, words
from sla_monitor.config.packs import country_table, load_packs, validated
from sla_monitor.config.yaml_lines import read_yaml
from sla_monitor.core.profile import Profile

FILE = Path(__file__).parent / "clean.yaml"
PACK = validated(read_yaml(FILE))
(POLICY,) = load_packs(FILE).versions
TRAITS = ("custom_code", "third_party")
# What conditions may ask for here; a field with every value it can have is as good as a small one.
ASKED: dict[str, list[Any]] = {
    "severity": ["high", "mid", "low"],
    "access": [*get_args(model.Access)],
    "language": ["en", "de", "fr"],
    "english": [True, False],
    "cause": ["service", "partner"],
    "traits": [*TRAITS],
    "traits_removed": [*TRAITS],
    "queue": ["finance"],
}
EVERY_CASE = [
    Profile(
        severity=severity,
        plan="basic",
        country="DE",
        access=access,
        language=language,
        accepts_english=english,
        cause=cause,
        traits=tuple(name for name, state in zip(TRAITS, states, strict=True) if state == "present"),
        traits_removed=tuple(name for name, state in zip(TRAITS, states, strict=True) if state == "removed"),
        queue=queue,
    )
    for severity, access, language, english, cause, states, queue in product(
        ASKED["severity"],
        [None, *ASKED["access"]],
        [*ASKED["language"], "sv"],
        ASKED["english"],
        [None, *ASKED["cause"], "other"],
        product(["absent", "present", "removed"], repeat=2),
        ["", "finance"],
    )
]

conditions = st.dictionaries(st.sampled_from([*ASKED]), st.just(None), max_size=3).flatmap(
    lambda fields: st.fixed_dictionaries(
        {field: st.lists(st.sampled_from(ASKED[field]), min_size=1, unique=True) for field in fields}
    )
)


def matches(wanted: Condition, profile: Profile) -> bool:
    """As the worker decides it."""
    return POLICY._matches(tuple((field, frozenset(values)) for field, values in wanted.items()), profile)


def cases_of(rules: list[Condition]) -> Cases:
    assert PACK is not None
    return Cases(PACK, country_table(), rules)


@given(st.lists(conditions, min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_a_rule_can_be_reached_exactly_if_one_of_all_cases_reaches_it(rules: list[Condition]) -> None:
    """Thousands of cases tried one by one say the same as the boxes."""
    cases = cases_of(rules)
    reached = {next((at for at, rule in enumerate(rules) if matches(rule, profile)), None) for profile in EVERY_CASE}
    for position, rule in enumerate(rules):
        assert is_any(cases.left(rule, rules[:position])) == (position in reached)
    assert {position for position, _ in cases.decided({}, rules)} == reached


@pytest.mark.parametrize(
    "rule",
    [
        {"language": ["en"], "english": [False]},
        {"traits": ["third_party"], "traits_removed": ["third_party"]},
    ],
    ids=["english", "traits"],
)
def test_fields_that_contradict_each_other_match_no_case(rule: Condition) -> None:
    """English is always English, and a trait that is there has not been removed."""
    assert not is_any(cases_of([rule]).left(rule, []))


def test_of_several_traits_one_is_enough() -> None:
    """And a rule for both of them one by one leaves nothing over."""
    both: Condition = {"traits": [*TRAITS]}
    apart: list[Condition] = [{"traits": [name]} for name in TRAITS]
    cases = cases_of([both, *apart])
    assert not is_any(cases.left(both, apart))
    assert is_any(cases.left(both, apart[:1]))


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ({"severity": ["mid"]}, "severity mid"),
        ({"english": [False]}, "language any other, not english"),
        ({"traits": ["custom_code"]}, "trait custom_code present"),
        ({"has_subscription": [False]}, "has_subscription false"),
        ({}, "every case"),
    ],
)
def test_a_case_is_told_by_the_fields_that_decide_it(rule: Condition, told: str) -> None:
    """In words that a pack uses."""
    (box,) = cases_of([rule]).split({}, rule)[0]
    assert words(box) == told


def test_a_field_that_was_not_chosen_is_told_as_such() -> None:
    """A case without a choice matches neither value."""
    rule: Condition = {"access": ["24x7", "business_hours"]}
    (left,) = cases_of([rule]).split({}, rule)[1]
    assert words(left) == "access not chosen"
