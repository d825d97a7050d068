"""What rules may ask of a case is read off its opening in one place."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from sla_monitor.core.facts import Opened
from sla_monitor.core.profile import LABELS, READ, Profile
from tests.core.stories import PACKS, opening

OTHER: dict[str, Any] = {"targets": (("initial_response", 1),), "traits": ("third_party",)}
[POLICY] = PACKS.versions


def test_every_field_of_a_request_that_is_in_the_profile_tells_requests_apart() -> None:
    """Profiles are made once for all requests that say the same: a field that is not looked at would be lost."""
    shared = {each.name for each in fields(Profile)} & {each.name for each in fields(Opened)}
    assert set(READ) == shared - LABELS
    usual = opening()
    for name in READ:
        value = getattr(usual, name)
        other: Any = OTHER.get(name, not value if isinstance(value, bool) else "other")
        changed = POLICY.profile_of(replace(usual, **{name: other}))
        assert getattr(changed, name) == other
        assert getattr(POLICY.profile_of(usual), name) == value


def test_requests_that_say_the_same_have_one_profile() -> None:
    """One object: what is remembered of it is found without comparing fields."""
    one = POLICY.profile_of(opening(customer="Contoso", traits=("third_party", "custom_code")))
    other = POLICY.profile_of(opening(customer="Fabrikam", traits=("custom_code", "third_party")))
    assert one is other


def test_profiles_that_differ_have_hashes_that_differ() -> None:
    """Whatever the field: were one left out, a producer that varies it would make every look-up a search."""
    usual = POLICY.profile_of(opening())
    for each in fields(Profile):
        value = getattr(usual, each.name)
        other: Any = OTHER.get(each.name, not value if isinstance(value, bool) else "other")
        assert hash(replace(usual, **{each.name: other})) != hash(usual), each.name
    assert hash(replace(usual)) == hash(usual)
