"""One idea: what the bytes of one record say, or why they say nothing.

Written by hand after the published JSON Schema of an event and `docs/concepts.md`, so that it shares no mistake with
the worker's decoder.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sla_monitor.oracle.shapes import DATA_OPTIONAL, SHAPES

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
CASE_ID_BYTES_MAX = 200
VALUE_BYTES_MAX = 256 * 1024
NAME_CHARACTERS_MAX = 256
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
INT64 = range(-(2**63), 2**63)
TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII)


class LogRecord(NamedTuple):
    offset: int
    timestamp: int  # milliseconds, Kafka's
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True)
class Event:
    case_id: str
    source: str
    id: str
    type: str
    at: int  # microseconds since the epoch
    sequence: int | None
    data: Mapping[str, object]

    @property
    def name(self) -> tuple[str, str]:
        return self.source, self.id

    @property
    def content(self) -> tuple[object, ...]:
        """What must be the same for a second event of this name to be a duplicate."""
        sequence = None if self.type == "case.opened" else self.sequence  # nothing of a case comes before its opening
        return self.type, self.at, sequence, json.dumps(self.data, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Erasure:
    """No value and no `ce_type`: forget the case."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Not about a case."""


@dataclass(frozen=True, slots=True)
class Bad:
    reason: str


class _BadError(Exception):
    pass


def instant(text: str) -> int:
    """RFC 3339 with an offset, years 2000 to 2099 in UTC; digits after the sixth are cut. Raises ValueError."""
    found = TIME.fullmatch(text)
    if not found:
        raise ValueError(text)
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    fraction = (found[7] or "")[:6].ljust(6, "0")
    offset = timedelta()
    if found[8]:
        if int(found[9]) > 23 or int(found[10]) > 59:  # noqa: PLR2004  # as RFC 3339 has it
            raise ValueError(text)
        offset = timedelta(hours=int(found[9]), minutes=int(found[10])) * (-1 if found[8] == "-" else 1)
    local = datetime(year, month, day, hour, minute, second, int(fraction), tzinfo=UTC)
    at = local - offset
    if not 2000 <= at.year <= 2099:  # noqa: PLR2004  # other years are most likely a unit mistaken
        raise ValueError(text)
    return (at - EPOCH) // MICROSECOND


def classify(record: LogRecord) -> Event | Erasure | Skipped | Bad:
    """Of headers of one name the last counts, and names are told apart without regard to case; with a content type,
    only one that is not of CloudEvents makes a record that has a value binary.
    """
    if any(_undecodable(name) for name, _ in record.headers):
        return Bad("invalid")
    headers = {name.lower(): text for name, text in record.headers}
    content_type = headers.get("content-type", b"").lower()
    structured = record.value is not None and content_type.startswith(b"application/cloudevents")
    binary = "ce_type" in headers and not structured
    try:
        if record.value is None and not binary:
            _case_of(record.key)
            return Erasure()
        attributes = _binary(headers, record.value) if binary else _structured(record.value or b"")
        return _event(attributes, record.key)
    except _BadError as bad:
        return Bad(str(bad))


def _undecodable(name: str) -> bool:
    """Bytes that are no UTF-8 were decoded to lone surrogates (PEP 383)."""
    return any("\udc80" <= letter <= "\udcff" for letter in name)


def _case_of(key: bytes | None) -> str:
    """At most 200 bytes of UTF-8 without control characters."""
    if not key:
        raise _BadError("no_key")
    try:
        case_id = key.decode()
    except UnicodeDecodeError:
        raise _BadError("invalid") from None
    if len(key) > CASE_ID_BYTES_MAX or any(unicodedata.category(letter) == "Cc" for letter in case_id):
        raise _BadError("invalid")
    return case_id


def _structured(value: bytes) -> dict[str, object]:
    found = _json(value)
    if not isinstance(found, dict):
        raise _BadError("invalid")
    return found


def _binary(headers: Mapping[str, bytes], value: bytes | None) -> dict[str, object]:
    try:
        attributes: dict[str, object] = {
            name.removeprefix("ce_"): text.decode() for name, text in headers.items() if name.startswith("ce_")
        }
    except UnicodeDecodeError:
        raise _BadError("invalid") from None
    attributes["data"] = _json(value) if value else None
    return attributes


def _json(value: bytes) -> object:
    if len(value) > VALUE_BYTES_MAX:
        raise _BadError("too_large")

    def refuse(text: str) -> object:
        raise ValueError(text)  # NaN and Infinity are no JSON

    try:
        found = json.loads(value.decode(), parse_constant=refuse)
        json.dumps(found, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise _BadError("not_json") from None
    return found


def _event(found: Mapping[str, object], key: bytes | None) -> Event | Skipped:
    kind = found.get("type")
    if not isinstance(kind, str):
        raise _BadError("invalid")
    if not kind.startswith("case."):
        return Skipped()
    if kind not in SHAPES:
        raise _BadError("unknown_type")
    case_id = _case_of(key)
    if found.get("specversion") != "1.0" or found.get("data_base64") is not None:
        raise _BadError("invalid")
    subject = found.get("subject")
    if not isinstance(subject, str):
        raise _BadError("invalid")
    if subject != case_id:
        raise _BadError("key_mismatch")
    time = found.get("time")
    try:
        at = instant(time if isinstance(time, str) else "")
    except (ValueError, OverflowError):
        raise _BadError("bad_time") from None
    return Event(
        case_id=case_id,
        source=_text(found.get("source"), NAME_CHARACTERS_MAX),
        id=_text(found.get("id"), NAME_CHARACTERS_MAX),
        type=kind,
        at=at,
        sequence=_sequence(found.get("sequence")),
        data=_shaped(kind, found.get("data")),
    )


def _text(found: object, longest: int) -> str:
    if not isinstance(found, str) or not 1 <= len(found) <= longest:
        raise _BadError("invalid")
    return found


def _sequence(found: object) -> int | None:
    if found is None:
        return None
    if isinstance(found, str) and re.fullmatch(r"-?[0-9]{1,19}", found):
        found = int(found)
    if isinstance(found, bool) or not isinstance(found, int) or found not in INT64:
        raise _BadError("invalid")
    return found


def _shaped(kind: str, found: object) -> dict[str, object]:
    """The known fields only, with defaults filled in: what is unknown neither counts nor makes a difference."""
    if found is None and kind in DATA_OPTIONAL:
        found = {}
    if not isinstance(found, dict):
        raise _BadError("invalid")
    data: dict[str, object] = {}
    for name, field in SHAPES[kind].items():
        if name in found:
            if not _fits(field.fits, found[name]):
                raise _BadError("invalid")
            data[name] = field.clean(found[name]) if field.clean else found[name]
        elif field.required:
            raise _BadError("invalid")
        elif field.default is not None:
            data[name] = field.default
    return data


def _fits(fits: Callable[[object], bool], value: object) -> bool:
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return fits(value)
