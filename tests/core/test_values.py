"""Values made at every event: cheap to make, and still values."""

from __future__ import annotations

from dataclasses import replace

from sla_monitor.core.silence import Recommendation

FOUND = Recommendation(rule="SP-DOWN-SILENCE", severity="A", to="B", occasion=7)


def test_a_value_is_what_its_fields_are() -> None:
    """Two with the same fields are equal and count once in a set; changing one makes another."""
    same = replace(FOUND)
    other = replace(FOUND, occasion=8)
    assert (same, hash(same)) == (FOUND, hash(FOUND))
    assert {FOUND, same, other} == {FOUND, other}
    assert FOUND.occasion == 7


def test_a_value_has_no_room_for_more_than_its_fields() -> None:
    """A name mistyped in an assignment is an error also where no type checker looks."""
    assert not hasattr(FOUND, "__dict__")
