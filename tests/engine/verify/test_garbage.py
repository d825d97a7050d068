"""Worker and oracle agree on every record that cannot be used, down to the reason."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sla_monitor.wire.outbound import HEADERS
from tests.engine.verify.test_court import Watched
from tests.kafka.test_bad_input import binary, garbage
from tests.kafka.world import A_CASE, Event, envelope, event, now


def odd() -> Iterator[Event]:
    """What only somebody hostile sends."""

    def written(case_id: str, key: bytes | None = None, **instead: object) -> Event:
        value = envelope(case_id, "case.opened", now(), **A_CASE) | instead
        return Event(key=case_id.encode() if key is None else key, value=json.dumps(value).encode())

    yield written("empty", b"")
    yield Event(key=b"", value=None)
    yield Event(key=b"k" * 201, value=None)
    yield written("control\x85")
    yield written("surrogate", id="\ud800")
    yield written("sequence", sequence="9999999999999999999")
    yield written("leap", time="2026-06-30T23:59:60Z")
    yield Event(key=b"name", value=written("name").value, headers=(("h\udcff", b"1"),))
    yield Event(key=b"both", value=written("both").value, headers=(*HEADERS, ("ce_type", b"case.closed")))
    upper = binary("upper", "case.opened", now(), A_CASE)
    yield Event(key=b"upper", value=upper.value, headers=tuple((name.upper(), text) for name, text in upper.headers))
    for value in (b'{"a": NaN}', b"\xef\xbb\xbf{}", b"[" * 100_000, b"1", b'{"a": 1, "a": 2}'):
        yield Event(key=b"json", value=value)


def test_every_kind_of_garbage_is_what_the_oracle_says_it_is() -> None:
    fed = Watched()
    fed.wall = now()
    opening = event("known", "case.opened", now(), event_id="known-opened", **A_CASE)
    for each in (opening, *(bad for _, bad in garbage("known")), *odd()):
        fed.fold(each.key, each.value, tuple((name, text) for name, text in each.headers if text is not None))
    fed.take()
    tally = fed.tried()
    assert (tally.examples, tally.unverifiable) == ([], {})
    assert tally.dead > 30
