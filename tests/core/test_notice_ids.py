"""The id of a notice is a UUIDv5 like any other, whoever computes it."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from sla_monitor.core.notices import NAMESPACE, RETRACTED, Key, notice_id, retraction_id


@given(case_id=st.text(st.characters(codec="utf-8")), level=st.integers(0), revision=st.integers(0))
def test_an_id_is_the_uuid5_of_everything_that_makes_the_notice_the_one_it_is(
    case_id: str, level: int, revision: int
) -> None:
    """Anybody can compute it with a library of UUIDs: joined by U+001F, in this order."""
    name = f"{case_id}\x1f2\x1finitial_response\x1fsla.warning\x1f{level}\x1f{revision}\x1f/crm\x1fe-1"
    key = Key(2, "initial_response", "sla.warning", level)
    assert notice_id(case_id, ("/crm", "e-1"), key, revision) == str(uuid.uuid5(NAMESPACE, name))


@given(st.uuids().map(str))
def test_the_id_of_a_retraction_follows_from_the_id_it_retracts(retracted: str) -> None:
    """One notice is withdrawn at most once."""
    assert retraction_id(retracted) == str(uuid.uuid5(NAMESPACE, f"{RETRACTED}\x1f{retracted}"))
