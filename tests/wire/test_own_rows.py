"""The journal's own rows: what is written is read again, whole or not at all."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sla_monitor.errors import UnsafeState
from sla_monitor.wire import own_rows
from sla_monitor.wire.own_rows import (
    OWNER_KEY,
    OwnerRow,
    Redo,
    decode_owner,
    decode_redo,
    encode_owner,
    encode_redo,
    is_of_a_case,
    is_of_the_journal,
)
from sla_monitor.wire.rows import PARTITION_KEY

KEYS = st.binary(min_size=1, max_size=8)
BYTES = st.none() | st.binary(max_size=40)
HEADERS = st.lists(st.tuples(st.text(max_size=5), st.binary(max_size=5)), max_size=3)
REDOS = st.builds(
    Redo,
    rows=st.lists(st.tuples(KEYS, BYTES), max_size=5),
    notices=st.lists(st.tuples(KEYS, BYTES, HEADERS), max_size=5),
    dead=st.lists(st.tuples(BYTES, BYTES, HEADERS), max_size=5),
)


@given(redo=REDOS, chunk_bytes=st.integers(1, 200), others=st.lists(REDOS, max_size=2))
@settings(max_examples=100, deadline=None)
def test_a_batch_comes_back_as_it_was(redo: Redo, chunk_bytes: int, others: list[Redo]) -> None:
    """However many rows it takes; and none of it does if one row is missing, also among rows of older batches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_rows, "CHUNK_BYTES", chunk_bytes)
        stands: dict[bytes, bytes] = {}
        for number, other in enumerate(others):
            stands |= dict(encode_redo(other, (1, number))[1:])  # never whole: its first row is gone
        rows = encode_redo(redo, (2, 0))
        assert decode_redo((stands | dict(rows)).items()) == redo
        for missing, _ in rows:
            left = stands | {key: value for key, value in rows if key != missing}
            assert decode_redo((key, value) for key, value in left.items() if key != missing) is None


def test_a_row_is_bounded() -> None:
    """A batch may be larger than the broker takes at once."""
    redo = Redo(rows=[(b"case", b"x" * 3_000_000)], notices=[], dead=[])
    rows = encode_redo(redo, (1, 1))
    assert [len(value) <= own_rows.CHUNK_BYTES + 50 for _, value in rows] == [True] * 4


def test_an_owner_comes_back_as_it_was() -> None:
    """Field by field."""
    row = OwnerRow(epoch=3, owner="a", beat=7, released=True)
    assert decode_owner(encode_owner(row)) == row


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (msgspec.msgpack.encode([own_rows.OWN_VERSION + 1, "in another shape"]), "a newer worker wrote it"),
        (b"\xc1", "cannot be read"),
        (msgspec.msgpack.encode([]), "cannot be read"),
        (msgspec.msgpack.encode([own_rows.OWN_VERSION, "no epoch"]), "cannot be read"),
    ],
)
def test_what_this_version_cannot_read_refuses_to_start(value: bytes, says: str) -> None:
    """It is never taken for nothing."""
    with pytest.raises(UnsafeState, match=says):
        decode_owner(value)
    with pytest.raises(UnsafeState, match=says):
        decode_redo([(b"\x00redo-0", value)])


def test_whose_a_row_is() -> None:
    """A case's, the partition's, the journal's: each is one of them."""
    assert [is_of_a_case(key) for key in (b"case", PARTITION_KEY, OWNER_KEY, b"", None)] == [True, *[False] * 4]
    assert [is_of_the_journal(key) for key in (b"case", PARTITION_KEY, OWNER_KEY)] == [False, False, True]
