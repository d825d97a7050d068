"""Records that no producer should send, and some do. Each is beside a good event and takes nothing away from it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from typing import Any, Final

Attributes = dict[str, Any]
Record = tuple[bytes | None, bytes]  # key and value


def cut_off(event: Attributes) -> Record:
    """A file that was written to the end of a disk."""
    content = _encoded(event)
    return _key(event), content[: len(content) * 2 // 3]


def without_key(event: Attributes) -> Record:
    return None, _encoded(_other(event))


def under_another_key(event: Attributes) -> Record:
    """As if the case were another one: nobody can tell which is right."""
    return _key(event) + b"-copy", _encoded(_other(event))


def without_offset(event: Attributes) -> Record:
    """A time that may mean any of 24 hours and more."""
    local = str(event["time"]).removesuffix("Z")
    return _key(event), _encoded(_other(event) | {"time": local})


def of_a_misspelt_type(event: Attributes) -> Record:
    return _key(event), _encoded(_other(event) | {"type": "case.escalatd"})


def with_an_unknown_word(event: Attributes) -> Record:
    changed = {"type": "case.severity_changed", "data": {"severity": "A", "by": "the weather"}}
    return _key(event), _encoded(_other(event) | changed)


def of_another_system(event: Attributes) -> Record:
    """Not about cases: skipped, and no dead letter."""
    return _key(event), _encoded(_other(event) | {"type": "crm.note_added", "data": {"text": "called again"}})


# kind of spoiling: why the worker sets it aside, or None
SPOILERS: Final[Mapping[Callable[[Attributes], Record], str | None]] = {
    cut_off: "not_json",
    without_key: "no_key",
    under_another_key: "key_mismatch",
    without_offset: "bad_time",
    of_a_misspelt_type: "unknown_type",
    with_an_unknown_word: "invalid",
    of_another_system: None,
}


def spoilt(event: Attributes, chance: random.Random) -> Record:
    """Something like this event that is of no use."""
    return chance.choice(list(SPOILERS))(event)


def _other(event: Attributes) -> Attributes:
    """An event of its own: with the id of the good one it might come first, and the good one would be in conflict."""
    return event | {"id": f"{event['id']}.bad"}


def _key(event: Attributes) -> bytes:
    return str(event["subject"]).encode()


def _encoded(event: Attributes) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
