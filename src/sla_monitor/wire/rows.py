"""State rows: one case, or one partition, as versioned bytes.

A case row is a header of ten bytes, of an open case seventeen, and a MessagePack array:

    version (1) · status (1) · next wake-up (8, signed big-endian microseconds; the largest integer: none)
    · of an open case how it stands (7, wire/standing.py) · body

so that the timers of a partition are restored, and its cases counted, without decoding a single one. The body is
positional and compact (bytes written for each event are bytes restored for each case): sources are written once, an id
that is a UUID takes 16 bytes, fields of a fact that have their default at the end are left out. What an older version
wrote is brought to the shape of today while it is read (wire/upgrades.py), and written as of today when it changes. A
newer version, or more fields than this one has, refuses to be read: what is not understood must not be dropped.

Over 300 lines: each value's way in and out stand together, for one format has one home.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final

import msgspec

from sla_monitor.core import facts as f
from sla_monitor.core import silence as s
from sla_monitor.core.case import CaseState
from sla_monitor.core.clock import Breached, ClockState, Measure, Paused, Running, Step, Stopped, terms_of
from sla_monitor.core.decide import Case
from sla_monitor.core.effort import Effort
from sla_monitor.core.facts import Fact
from sla_monitor.core.notices import KINDS, Key, Ledger, Sent
from sla_monitor.core.policy import Packs, Policy
from sla_monitor.core.profile import Profile
from sla_monitor.errors import UnsafeState
from sla_monitor.wire import standing as st
from sla_monitor.wire.upgrades import CASE, PARTITION, STANDING_SINCE, VERSION, never_was, upgraded

RULES_VERSION = 2  # of the code that decided; verdicts of an older one are frozen unless a fact changes them
NEVER = 2**63 - 1
OPEN, ENDED, ORPHANED, QUARANTINED = range(4)
CASE_FIELDS = 12  # of the body of a case
ORPHANS_AT = 9

_HEADER = struct.Struct(">BBq")
_BODIES = tuple(f.TYPES.values())  # a body's place in this list is its number on disk: only append
_NUMBERS = {body: number for number, body in enumerate(_BODIES)}
_is_uuid = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode
_KIND_NUMBERS = {kind: number for number, kind in enumerate(KINDS)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """An event before its opening, with the bytes it came as, so that it can still go to the dead letters."""

    identity: tuple[str, str]
    arrived_at: int
    offset: int
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


@dataclass(slots=True, kw_only=True)
class Row:
    """Everything kept of one case. `failure`: of a quarantined one, the error's name and the instant decided then."""

    case: Case
    orphans: list[Orphan] = field(default_factory=list)
    quarantined: bool = False
    failure: tuple[str, int] | None = None
    rules_version: int = RULES_VERSION


def status_of(row: Row) -> int:
    """For counting cases without decoding them."""
    if row.quarantined:
        return QUARANTINED
    if row.case.state is None:
        return ORPHANED
    return OPEN if row.case.state.ended_at is None else ENDED


def header(value: bytes) -> tuple[int, int]:
    """(status, next wake-up) of a row's bytes. UnsafeState if a newer version wrote it."""
    version, status, wake_at = _HEADER.unpack_from(value)
    if version > VERSION:
        raise _newer(version)
    return status, wake_at


def standing(value: bytes) -> bytes | None:
    """How the case of a row stands, packed: b"" if the row does not say it, None if the case is not open."""
    if value[1] != OPEN:
        return None
    return value[_HEADER.size : _HEADER.size + st.BYTES] if value[0] >= STANDING_SINCE else b""


def _body(value: bytes) -> list[Any]:
    """The body in the shape of today."""
    if not value[0]:
        raise never_was(value[0])
    stands = standing(value) or b""
    return upgraded(_decode(memoryview(value)[_HEADER.size + len(stands) :]), value[0], CASE)


def _newer(version: object) -> UnsafeState:
    return UnsafeState(f"the state has version {version}, this worker reads up to {VERSION}: upgrade it")


def encode_row(row: Row, wake_at: int | None) -> bytes:
    case = row.case
    sources = _Table()
    body = (
        row.rules_version,
        case.policy_key,
        [_fact(fact, sources) for fact in case.facts],
        [_sent(sent) for sent in case.ledger.standing],
        [(*_key(key), revision) for key, revision in case.ledger.last_revisions.items()],
        case.known_since,
        case.decided_to,
        case.folded_early,
        _base(case, sources),
        [_orphan(orphan) for orphan in row.orphans],
        sources.names,
        row.failure,
    )
    status = status_of(row)
    stands = st.packed(case.state) if status == OPEN and case.state is not None else b""
    return _HEADER.pack(VERSION, status, NEVER if wake_at is None else wake_at) + stands + _encode(body)


def decode_row(case_id: str, value: bytes, packs: Packs) -> Row:
    """The row without its cache: `core.decide.load` folds it. UnsafeState for a newer version or an absent pack."""
    status, _ = header(value)
    body = _body(value)
    if len(body) != CASE_FIELDS:
        raise UnsafeState(f"a state row has {len(body)} fields, those of version {VERSION} have {CASE_FIELDS}")
    rules_version, policy_key, facts, standing, revisions, known_since, decided_to, early, base, *others = body
    orphans, names, failure = others
    policy = policy_named(policy_key, packs) if policy_key else None
    case = Case(
        case_id=case_id,
        facts=[_to_fact(packed, names) for packed in facts],
        ledger=Ledger(
            standing=[_to_sent(packed) for packed in standing],
            last_revisions={_to_key(packed[:4]): packed[4] for packed in revisions},
        ),
        policy_key=policy_key,
        known_since=known_since,
        decided_to=decided_to,
        folded_early=early,
    )
    if base is not None and policy is not None:
        order, state = base
        case.base_order = (order[0], order[1], order[2], order[3])
        case.base = _to_state(case_id, state, names, policy, packs)
    return Row(
        case=case,
        orphans=[_to_orphan(packed) for packed in orphans],
        quarantined=status == QUARANTINED,
        failure=failure and (failure[0], failure[1]),
        rules_version=rules_version,
    )


def has_orphans(value: bytes) -> bool:
    """Whether events wait in this row, without making values of them."""
    return bool(_body(value)[ORPHANS_AT])


def policy_named(key: str, packs: Packs) -> Policy:
    """The pack version a row names. UnsafeState if it is not there: deciding by another would change verdicts."""
    policy = packs.named(key)
    if policy is None:
        raise UnsafeState(f"state rows name policy pack {key}, which is not among the loaded versions")
    return policy


def waking_at(value: bytes, instant: int) -> bytes:
    """The same row, to be looked at by `instant`."""
    version, status, wake_at = _HEADER.unpack_from(value)
    return _HEADER.pack(version, status, min(wake_at, instant)) + value[_HEADER.size :]


# --- facts and the ledger -----------------------------------------------------------------------------------------


class _Table:
    """Strings written once and referred to by number."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def number(self, name: str) -> int:
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)


# (field, default) of each body in the order of its definition: only append fields, with defaults.
_SHAPES: dict[type, tuple[tuple[str, Any], ...]] = {
    body: tuple((each.name, each.default) for each in fields(body)) for body in _BODIES
}


def _fact(fact: Fact, sources: _Table) -> tuple[object, ...]:
    body = fact.body
    shape = _SHAPES[type(body)]
    values = [getattr(body, name) for name, _ in shape]
    while values and shape[len(values) - 1][1] is not MISSING and values[-1] == shape[len(values) - 1][1]:
        values.pop()
    source = sources.number(fact.source)
    return (_NUMBERS[type(body)], fact.at, fact.sequence, source, _id(fact.id), fact.traceparent, *values)


def _to_fact(packed: list[Any], names: list[str]) -> Fact:
    number, at, sequence, source, identity, traceparent, *values = packed
    body = _BODIES[number]
    said = {name: value for (name, _), value in zip(_SHAPES[body], values, strict=False)}
    return Fact(
        at=at,
        sequence=sequence,
        source=names[source],
        id=_to_id(identity),
        body=msgspec.convert(said, body) if said else body(),  # a fifth of what calling the class costs
        traceparent=traceparent,
    )


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value


def _id(identity: str) -> str | bytes:
    """A canonical UUID as its 16 bytes, anything else as it is."""
    return bytes.fromhex(identity.replace("-", "")) if _is_uuid(identity) else identity


def _to_id(packed: str | bytes) -> str:
    if isinstance(packed, str):
        return packed
    digits = packed.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _key(key: Key) -> tuple[int, str, int | str, int]:
    """A kind of this version by its number in KINDS, which is only appended to."""
    generation, subject, kind, level = key
    return (generation, subject, _KIND_NUMBERS.get(kind, kind), level)


def _to_key(packed: list[Any]) -> Key:
    generation, subject, kind, level = packed
    return Key(generation, subject, KINDS[kind] if isinstance(kind, int) else kind, level)


def _sent(sent: Sent) -> tuple[object, ...]:
    return (*_key(sent.key), sent.at, sent.revision, sent.digest)


def _to_sent(packed: list[Any]) -> Sent:
    generation, subject, kind, level, at, revision, digest = packed
    return Sent(Key(generation, subject, KINDS[kind] if isinstance(kind, int) else kind, level), at, revision, digest)


def _orphan(orphan: Orphan) -> tuple[object, ...]:
    return (*orphan.identity, orphan.arrived_at, orphan.offset, orphan.key, orphan.value, orphan.headers)


def _to_orphan(packed: list[Any]) -> Orphan:
    source, identity, arrived_at, offset, key, value, headers = packed
    return Orphan(
        identity=(source, identity),
        arrived_at=arrived_at,
        offset=offset,
        key=key,
        value=value,
        headers=tuple((name, content) for name, content in headers),
    )


# --- the base: a folded state -------------------------------------------------------------------------------------


def _base(case: Case, sources: _Table) -> tuple[object, ...] | None:
    if case.base is None or case.base_order is None:
        return None
    state = case.base
    packed = (
        (sources.number(state.opening[0]), _id(state.opening[1])),
        state.opened_at,
        _profile(state.profile),
        state.fingerprint,
        state.generation,
        {name: _clock(clock, state.policy) for name, clock in state.clocks.items()},
        {
            severity: {name: _steps(steps, state.policy) for name, steps in histories.items()}
            for severity, histories in state.held.items()
        },
        _silence(state.silence, sources),
        state.limits,
        state.ended_at,
        state.fired_at,
        _unusual(state),
    )
    return (case.base_order, packed)


def _to_state(case_id: str, packed: list[Any], names: list[str], policy: Policy, packs: Packs) -> CaseState:
    opening, opened_at, profile, fingerprint, generation, clocks, held, silence, *others = packed
    limits, ended_at, fired_at, unusual = others
    now, versions = _to_profile(profile), _Versions(policy, packs)
    return CaseState(
        case_id=case_id,
        policy=policy,
        opening=(names[opening[0]], _to_id(opening[1])),
        opened_at=opened_at,
        profile=now,
        fingerprint=_frozen(fingerprint),
        generation=generation,
        clocks={name: _to_clock(name, clock, versions) for name, clock in clocks.items()},
        held={
            severity: {name: _to_steps(steps, versions) for name, steps in histories.items()}
            for severity, histories in held.items()
        },
        silence=_to_silence(silence, names, policy, now),
        declined=bool(policy.coverage_of(now).declined_by),
        limits=tuple(policy.languages.limited_rule if rule is None else rule for rule in limits),
        limit=None if ended_at is not None else policy.effort_limit(now),
        ended_at=ended_at,
        fired_at=fired_at,
        **_to_unusual(unusual),
    )


# What few cases have, by name; a case that has none of it pays one byte. A name that is not known refuses to be read.
_UNUSUAL: Final[Mapping[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]]] = {
    "awaits_proposal": (bool, bool),
    "was_proposed": (bool, bool),
    "closed_at": (int, int),
    "restarted": (dict, dict),
    "effort": (
        lambda effort: (effort.worked, effort.counted_at, effort.engineers, effort.said),
        lambda packed: Effort(
            worked=packed[0], counted_at=packed[1], engineers=_frozen(packed[2]), said=_frozen(packed[3])
        ),
    ),
}


def _unusual(state: CaseState) -> dict[str, object]:
    found = ((name, getattr(state, name), there) for name, (there, _) in _UNUSUAL.items())
    return {name: there(value) for name, value, there in found if value != _USUAL[name]}


def _to_unusual(packed: Mapping[str, Any]) -> dict[str, Any]:
    unknown = packed.keys() - _UNUSUAL.keys()
    if unknown:
        raise UnsafeState(f"a state row has {', '.join(sorted(unknown))}, which this worker does not know: upgrade it")
    return {name: _UNUSUAL[name][1](value) for name, value in packed.items()}


_USUAL: Final[dict[str, Any]] = {
    each.name: {} if each.name == "restarted" else each.default for each in fields(CaseState) if each.name in _UNUSUAL
}


_PROFILE = tuple(each.name for each in fields(Profile))  # only append


_PROFILE_DEFAULTS = tuple(each.default for each in fields(Profile))


def _profile(profile: Profile) -> list[object]:
    """Fields at the end that have their default are left out."""
    values = [getattr(profile, name) for name in _PROFILE]
    while values[-1] == _PROFILE_DEFAULTS[len(values) - 1]:
        values.pop()
    return values


def _to_profile(packed: Iterable[Any]) -> Profile:
    return Profile(**{name: _frozen(value) for name, value in zip(_PROFILE, packed, strict=False)})


@dataclass(frozen=True, slots=True)
class _Versions:
    """The version of the pack that a part of a base is of: by its key, or without one that of the base."""

    own: Policy
    packs: Packs

    def of(self, packed: list[Any], position: int) -> Policy:
        return policy_named(packed[position], self.packs) if len(packed) > position else self.own


def _steps(steps: tuple[Step, ...], own: Policy) -> list[object]:
    return [(step.at, _profile(step.profile), step.how, *_other(step.policy, own)) for step in steps]


def _other(policy: Policy, own: Policy) -> tuple[str, ...]:
    """Only a clock that was moved from one version to another has something of another one."""
    return () if policy.key == own.key else (policy.key,)


def _to_steps(packed: list[Any], versions: _Versions) -> tuple[Step, ...]:
    return tuple(
        Step(at=step[0], profile=_to_profile(step[1]), policy=versions.of(step, 3), how=step[2]) for step in packed
    )


def _clock(state: ClockState, own: Policy) -> tuple[object, ...]:
    match state:
        case Running(steps=steps, measure=measure, warnings=warnings, pauses=pauses):
            counted = (measure.anchor, measure.credit, measure.due_at)
            return (0, _steps(steps, own), *counted, warnings, *([pauses] if pauses else []))
        case Breached(measure=measure, overdue=overdue, pauses=pauses):
            counted = (measure.anchor, measure.credit, measure.due_at)
            other = _other(measure.policy, own)
            return (1, _profile(measure.profile), *counted, overdue, *([pauses] if pauses or other else []), *other)
        case Paused(steps=steps, pauses=pauses, since=since):
            return (2, _steps(steps, own), since, pauses)
        case Stopped():
            return ()


_PAUSED = 2


def _to_clock(name: str, packed: list[Any], versions: _Versions) -> ClockState:
    if not packed:
        return Stopped()
    if packed[0] == _PAUSED:
        return Paused(steps=_to_steps(packed[1], versions), since=packed[2], pauses=_frozen(packed[3]))
    number, history, anchor, credit, due_at, levels, *more = packed
    pauses = _frozen(more[0]) if more else ()
    steps = _to_steps(history, versions) if number == 0 else ()
    last = steps[-1] if steps else Step(at=anchor, profile=_to_profile(history), policy=versions.of(packed, 7))
    measure = Measure(
        profile=last.profile,
        policy=last.policy,
        terms=terms_of(name, last, pauses),
        anchor=anchor,
        credit=credit,
        due_at=due_at,
    )
    if steps:
        return Running(steps=steps, measure=measure, warnings=_frozen(levels), pauses=pauses)
    return Breached(measure=measure, overdue=_frozen(levels), pauses=pauses)


def _silence(silence: s.Silence, sources: _Table) -> tuple[object, ...]:
    waiting = silence.waiting
    return (
        waiting
        and (waiting.since, sources.number(waiting.event[0]), _id(waiting.event[1]), waiting.due_at, waiting.used),
        [(at, sources.number(source), _id(identity)) for at, (source, identity) in silence.attempts],
        silence.attempts_used,
        [(found.rule, found.severity, found.to, found.occasion) for found in silence.open],
    )


def _to_silence(packed: list[Any], names: list[str], policy: Policy, profile: Profile) -> s.Silence:
    waiting, attempts, used, recommended = packed
    return s.Silence(
        waiting=waiting
        and s.Waiting(
            since=waiting[0],
            event=(names[waiting[1]], _to_id(waiting[2])),
            terms=policy.silence(profile),
            due_at=waiting[3],
            used=waiting[4],
        ),
        attempts=tuple((at, (names[source], _to_id(identity))) for at, source, identity in attempts),
        attempts_used=used,
        open=tuple(
            s.Recommendation(rule=rule, severity=severity, to=to, occasion=occasion)
            for rule, severity, to, occasion in recommended
        ),
    )


# --- the partition's own row ----------------------------------------------------------------------------------------

PARTITION_KEY = b"\x00partition"


class PartitionRow(msgspec.Struct, array_like=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a partition knows of itself. Every transaction writes it. Only append fields, with a new version."""

    version: int = VERSION
    applied: int = -1  # the offset of the last input record in the state
    applied_timestamp: int = -1  # that record's Kafka timestamp, milliseconds
    applied_checksum: int = 0  # CRC-32 of its key and value
    watermark: int = 0  # microseconds; 0: none yet
    packs: dict[str, str] = {}  # name/version -> digest of every pack a row may name
    outcomes: bytes = b""  # the breaker's window: one bit a record, 1 = dead letter
    outcomes_seen: int = 0
    tripped: bool = False
    empty_until: int = 0  # the input is known to hold no committed record between `applied` and here
    moves: tuple[str, ...] = ()  # versions that take open cases over, known here before the instant at which they do
    moving_at: int = 0  # the earliest instant of these at which some case may still have to move; 0: none
    latest: int = 0  # the latest instant of a fact that was folded


def encode_partition(row: PartitionRow) -> bytes:
    return msgspec.msgpack.encode(row)


def decode_partition(value: bytes) -> PartitionRow:
    """As the version of today has it. UnsafeState if a newer version wrote it, or something else."""
    body = _decode(value) or [VERSION]
    version = body[0]  # first alone: what follows may have another shape
    if version > VERSION:
        raise _newer(version)
    try:
        return msgspec.convert(upgraded(body, version, PARTITION), PartitionRow, strict=True)
    except msgspec.ValidationError as error:
        raise UnsafeState(f"the row of a partition is not one of version {version}: {error}") from error
