"""Ids of events in state rows: a UUID is short, and every id comes back as it was."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_monitor.wire.rows import _id, _to_id


@given(st.uuids() | st.text())
def test_every_id_comes_back_as_it_was(written: object) -> None:
    """Whatever it looks like: a row must name the event by the very id it came with."""
    assert _to_id(_id(str(written))) == str(written)


@given(st.uuids())
def test_a_uuid_takes_its_sixteen_bytes(written: uuid.UUID) -> None:
    """Bytes written for each event are bytes restored for each case."""
    assert _id(str(written)) == written.bytes


@pytest.mark.parametrize(
    "written",
    [
        "6FA459EA-EE8A-4CA4-894E-DB77E160355E",  # upper case
        "6fa459eaee8a4ca4894edb77e160355e",
        "{6fa459ea-ee8a-4ca4-894e-db77e160355e}",
        "6fa459ea-ee8a-4ca4-894e-db77e160355e\n",
        "6fa459ea-ee8a-4ca4-894e-db77e16035\u0665e",  # a digit of another script
    ],
)
def test_what_is_only_nearly_a_uuid_stays_text(written: str) -> None:
    """Other spellings of one UUID are other ids."""
    assert _id(written) == written
