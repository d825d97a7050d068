"""The worker's own rows on a broker without transactions: who owns the deployment, and a batch that is on its way.

They stand in the state topic beside the cases and the partition's row. Only the at-least-once journal writes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec

from sla_monitor.errors import UnsafeState
from sla_monitor.wire.rows import PARTITION_KEY

Said = tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes]]]  # key, value, headers
_Kind = TypeVar("_Kind", "OwnerRow", "_Chunk")

OWN_PREFIX = b"\x00"  # no case id begins with it
OWNER_KEY = b"\x00owner"
REDO_PREFIX = b"\x00redo-"
OWN_VERSION = 1
CHUNK_BYTES = 800_000  # a row, below the broker's default of 1 MB for a record batch


class OwnerRow(msgspec.Struct, array_like=True, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Who runs the deployment. In partition 0 it is written again every second (`beat`), as a sign of life; in each
    partition once by whoever opens it.
    """

    version: int = OWN_VERSION
    epoch: int
    owner: str  # a name nobody else has
    beat: int = 0
    released: bool = False  # ended in order: the next one need not wait


class Redo(msgspec.Struct, array_like=True, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """All that a batch writes. While it stands, the batch is decided and not yet done."""

    rows: Sequence[tuple[bytes, bytes | None]]
    notices: Sequence[Said]
    dead: Sequence[Said]


class _Chunk(msgspec.Struct, array_like=True, kw_only=True, frozen=True, forbid_unknown_fields=True):
    version: int = OWN_VERSION
    batch: tuple[int, int]  # the owner's epoch and its count of batches: no two have the same
    count: int
    part: bytes


def is_of_a_case(key: bytes | None) -> bool:
    """Whether a row of the state topic is a case's and not the worker's own."""
    return bool(key) and not (key or b"").startswith(OWN_PREFIX)


def is_of_the_journal(key: bytes) -> bool:
    """Neither a case's nor the partition's: nothing that a partition restores."""
    return key.startswith(OWN_PREFIX) and key != PARTITION_KEY


def encode_owner(row: OwnerRow) -> bytes:
    return msgspec.msgpack.encode(row)


def decode_owner(value: bytes) -> OwnerRow:
    """UnsafeState if a newer version wrote it, or something else."""
    return _decode(value, OwnerRow)


def encode_redo(redo: Redo, batch: tuple[int, int]) -> list[tuple[bytes, bytes]]:
    """As rows of bounded size."""
    whole = msgspec.msgpack.encode(redo)
    parts = [whole[start : start + CHUNK_BYTES] for start in range(0, len(whole), CHUNK_BYTES)]
    return [
        (REDO_PREFIX + str(number).encode(), msgspec.msgpack.encode(_Chunk(batch=batch, count=len(parts), part=part)))
        for number, part in enumerate(parts)
    ]


def decode_redo(chunks: Iterable[tuple[bytes, bytes]]) -> Redo | None:
    """The batch that these rows hold; None if some of it is missing: then nothing else of it was written."""
    found: dict[tuple[int, int], dict[int, bytes]] = {}
    counts: dict[tuple[int, int], int] = {}
    for key, value in chunks:
        chunk = _decode(value, _Chunk)
        found.setdefault(chunk.batch, {})[int(key.removeprefix(REDO_PREFIX))] = chunk.part
        counts[chunk.batch] = chunk.count
    whole = [parts for batch, parts in sorted(found.items()) if len(parts) == counts[batch]]
    if not whole:
        return None
    return msgspec.msgpack.decode(b"".join(part for _, part in sorted(whole[-1].items())), type=Redo)


def _decode(value: bytes, kind: type[_Kind]) -> _Kind:
    try:
        body: Sequence[int] = msgspec.msgpack.decode(value)
        if body[0] > OWN_VERSION:  # first alone: what follows may have another shape
            raise UnsafeState(f"the state has rows of version {body[0]}, not {OWN_VERSION}: a newer worker wrote it")
        return msgspec.msgpack.decode(value, type=kind)
    except (msgspec.DecodeError, LookupError, TypeError) as error:
        raise UnsafeState(f"a row of the journal cannot be read: {error}") from error
