"""State rows as each version wrote them, kept for ever: `v1/*.bin`, and in `v1/*.json` what each of them says.

    python -m tests.wire.rows.corpus          writes what is not there yet; what is there is never written again

A worker must read what an older one wrote. When the format changes, these files stay; the folder of the version of
today is made by the command above.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import msgspec

from sla_monitor.config.packs import load_packs
from sla_monitor.core import facts as f
from sla_monitor.core.case import CaseState
from sla_monitor.core.clock import Breached, ClockState, Paused, Running, Step, Stopped
from sla_monitor.core.decide import Case
from sla_monitor.core.facts import DAY, HOUR, MINUTE, Fact
from sla_monitor.core.notices import Key
from sla_monitor.core.policy import Packs
from sla_monitor.core.silence import Silence
from sla_monitor.engine.partition import Rules
from sla_monitor.wire.inbound import CaseEvent, decode
from sla_monitor.wire.rows import PARTITION_KEY, Orphan, Row, decode_partition, decode_row, encode_row, header
from sla_monitor.wire.schemas import example
from sla_monitor.wire.upgrades import VERSION
from tests.engine.feeding import NINE, PACKS, SOURCE, STRUCTURED, Fed, clock, event, rules

FOLDERS: Final = [Path(__file__).parent / f"v{version}" for version in range(1, VERSION + 1)]
# Rows name a pack that stays, whatever the built-in one is called one day.
HOSTING: Final = load_packs(Path(__file__).parents[3] / "docs/examples/hosting.yaml").versions[0]
# Two versions of long ago, the second of which takes over the open cases of the first and of no other.
MOVED_AT: Final = NINE - 5_000 * DAY
MOVED: Final = replace(
    PACKS.versions[0],
    name="moved",
    version="2",
    effective_from=MOVED_AT,
    open_cases="keep_elapsed",
    clocks=tuple(
        replace(clock, targets=tuple(replace(each, target=2 * each.target) for each in clock.targets))
        for clock in PACKS.versions[0].clocks
    ),
)
CORPUS: Final = Packs(
    versions=(
        replace(PACKS.versions[0], name="moved", version="1", effective_from=0),
        MOVED,
        replace(PACKS.versions[0], name="corpus", version="1", effective_from=NINE - 3_650 * DAY),
        replace(HOSTING, name="corpus", version="2", effective_from=NINE + 3_650 * DAY),
    )
)
SINCE: Final = {
    "base_grounds": 3,
    "base_effort": 3,
    "base_reopened": 3,
    "base_paused": 3,
    "base_moved": 4,
    "base_breached_and_moved": 4,
}  # rows that no version before this one can write
UUIDS: Final = [f"9f8b2c1e-0d4a-4b6f-8a57-{number:012x}" for number in range(20)]
TRACE: Final = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


# --- what a row says --------------------------------------------------------------------------------------------------


def meaning(case_id: str, value: bytes) -> dict[str, Any]:
    """All that is read from a row, in plain JSON values and in names that mean something outside the code."""
    status, wake_at = header(value)
    row = decode_row(case_id, value, CORPUS)
    case = row.case
    said = {
        "status": status,
        "wake_at": wake_at,
        "quarantined": row.quarantined,
        "rules_version": row.rules_version,
        "policy": case.policy_key,
        "facts": [_fact(fact) for fact in case.facts],
        "standing": [[*_key(sent.key), sent.at, sent.revision, sent.digest] for sent in case.ledger.standing],
        "last_revisions": [[*_key(key), revision] for key, revision in case.ledger.last_revisions.items()],
        "known_since": case.known_since,
        "decided_to": case.decided_to,
        "folded_early": case.folded_early,
        "base_order": case.base_order,
        "base": case.base and _state(case.base),
        "orphans": [_orphan(orphan) for orphan in row.orphans],
        "failure": row.failure,
    }
    return _plain(said)


def meaning_of_partition(value: bytes) -> dict[str, Any]:
    row = msgspec.structs.asdict(decode_partition(value)) | {"version": msgspec.msgpack.decode(value)[0]}
    return _plain(row | {"outcomes": row["outcomes"].hex()})


def differences(expected: Any, found: Any, place: str = "") -> list[str]:
    """Where a row no longer says what it said. Fields that are new are no difference."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        gone = [f"{place}.{name}: gone" for name in expected if name not in found]
        both = [name for name in expected if name in found]
        return gone + [each for name in both for each in differences(expected[name], found[name], f"{place}.{name}")]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        pairs = enumerate(zip(expected, found, strict=True))
        return [each for number, (one, other) in pairs for each in differences(one, other, f"{place}[{number}]")]
    return [] if expected == found else [f"{place}: {expected!r} has become {found!r}"]


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(value))
    return plain


def _fact(fact: Fact) -> dict[str, Any]:
    return {
        "type": f.NAMES[type(fact.body)],
        "at": fact.at,
        "sequence": fact.sequence,
        "source": fact.source,
        "id": fact.id,
        "traceparent": fact.traceparent,
        "data": asdict(fact.body),
    }


def _key(key: Key) -> tuple[int, str, str, int]:
    return (key.generation, key.subject, key.kind, key.level)


def _state(state: CaseState) -> dict[str, Any]:
    return {
        "opening": state.opening,
        "opened_at": state.opened_at,
        "profile": asdict(state.profile),
        "fingerprint": state.fingerprint,
        "generation": state.generation,
        "clocks": {name: _clock(each) for name, each in state.clocks.items()},
        "held": {
            severity: {name: _steps(steps) for name, steps in histories.items()}
            for severity, histories in state.held.items()
        },
        "silence": _silence(state.silence),
        "limited": bool(state.limits),
        "limits": state.limits,
        "awaits_proposal": state.awaits_proposal,
        "effort": asdict(state.effort),
        "was_proposed": state.was_proposed,
        "closed_at": state.closed_at,
        "restarted": state.restarted,
        "ended_at": state.ended_at,
        "fired_at": state.fired_at,
    }


def _clock(state: ClockState) -> dict[str, Any]:
    if isinstance(state, Stopped):
        return {"is": "stopped"}
    if isinstance(state, Paused):
        return {"is": "paused", "steps": _steps(state.steps), "since": state.since, "pauses": state.pauses}
    measure = state.measure
    counted = {
        "profile": asdict(measure.profile),
        "anchor": measure.anchor,
        "credit": measure.credit,
        "due_at": measure.due_at,
        "policy": measure.policy.key,
        "pauses": state.pauses,
    }
    match state:
        case Running(steps=steps, warnings=warnings):
            return {"is": "running", **counted, "steps": _steps(steps), "warnings": warnings}
        case Breached(overdue=overdue):
            return {"is": "breached", **counted, "overdue": overdue}


def _steps(steps: tuple[Step, ...]) -> list[dict[str, Any]]:
    return [
        {"at": step.at, "profile": asdict(step.profile), "how": step.how, "policy": step.policy.key} for step in steps
    ]


def _silence(silence: Silence) -> dict[str, Any]:
    waiting = silence.waiting
    return {
        "waiting": waiting
        and {"since": waiting.since, "event": waiting.event, "due_at": waiting.due_at, "used": waiting.used},
        "attempts": silence.attempts,
        "attempts_used": silence.attempts_used,
        "recommended": asdict(silence.open[-1]) if silence.open else None,
        "open": [asdict(each) for each in silence.open],
    }


def _orphan(orphan: Orphan) -> dict[str, Any]:
    return {
        "identity": orphan.identity,
        "arrived_at": orphan.arrived_at,
        "offset": orphan.offset,
        "key": orphan.key.hex(),
        "value": None if orphan.value is None else orphan.value.hex(),
        "headers": [(name, text.hex()) for name, text in orphan.headers],
    }


# --- the rows ---------------------------------------------------------------------------------------------------------


def _rules(**changed: Any) -> Rules:
    return rules(packs=CORPUS, **changed)


def _typical() -> Fed:
    """Opened, answered, waiting, told, resolved: all of it still facts."""
    fed = Fed(_rules())
    fed.open("case", NINE, UUIDS[0], access="24x7", timezone="America/Los_Angeles", customer="Contoso", queue="emea")
    fed.tell("case", "case.responded", clock(0, 20), UUIDS[1], by="engineer-12")
    fed.tell("case", "case.waiting_on_customer", clock(0, 30), UUIDS[2])
    fed.tell("case", "case.customer_responded", clock(1), UUIDS[3])
    fed.tell("case", "case.resolved", clock(2), UUIDS[4])
    return fed


def _revisions() -> Fed:
    """A verdict said, withdrawn and said again: revisions of keys of which nothing stands, and of some that stand."""
    fed = Fed(_rules())
    fed.open("case")
    fed.wait(clock(2))
    fed.tell("case", "case.responded", clock(0, 50), "r")
    fed.tell("case", "case.fact_withdrawn", clock(2), "w", source=SOURCE, id="r")
    fed.tell("case", "case.responded", clock(0, 53), "r2")
    return fed


def _base_running() -> Fed:
    """Older facts in the base: a running clock with its history, a held severity, a used silence, a recommendation."""
    fed = Fed(_rules(correction_horizon=10 * MINUTE))
    fed.open("case", NINE, "o", plan="standard", language="fi", fingerprint={"error": "E1", "build": "7"})
    fed.tell("case", "case.severity_changed", clock(0, 5), "s", severity="B", by="customer", reason="a workaround")
    fed.tell("case", "case.plan_changed", clock(6), "p", plan="unified")
    fed.tell("case", "case.waiting_on_customer", clock(6, 2), UUIDS[9], reason="resources")
    for number in range(3):
        fed.tell("case", "case.contact_attempted", clock(6, 5 + number), UUIDS[number], reached=False)
    fed.wait(clock(6, 20))
    fed.tell("case", "case.labels_changed", clock(6, 20), "last", queue="late")
    return fed


def _base_breached() -> Fed:
    """Nobody answered, and that is beyond correction; levels above the target are still to come."""
    fed = Fed(_rules(correction_horizon=HOUR))
    fed.open("case", NINE, "o", targets={"initial_response": 18_000})
    fed.tell("case", "case.labels_changed", clock(5, 10), "l", customer="x")
    fed.wait(clock(6, 30))
    fed.tell("case", "case.labels_changed", clock(6, 30), "l2", customer="y")
    return fed


def _base_grounds() -> Fed:
    """Two recommendations that wait for an answer, one of a trait, one of a resolution that was proposed."""
    fed = Fed(_rules(correction_horizon=10 * MINUTE))
    fed.open("case", NINE, "o", traits=["rca_requested", "third_party"])
    fed.tell("case", "case.resolution_proposed", clock(0, 5), "p")
    fed.wait(clock(0, 30))
    fed.tell("case", "case.labels_changed", clock(0, 30), "last", queue="late")
    return fed


def _base_effort() -> Fed:
    """Two engineers at work on what gets four hours, three of which are worked."""
    fed = Fed(_rules(correction_horizon=10 * MINUTE))
    fed.open("case", NINE, "o", traits=["performance_isolated"], targets={"initial_response": 90_000})
    fed.tell("case", "case.effort_logged", clock(0, 5), "l", minutes=150)
    fed.tell("case", "case.work_started", clock(0, 6), "w", engineer="joe")
    fed.tell("case", "case.work_started", clock(0, 16), "w2", engineer="eve")
    fed.wait(clock(0, 45))
    fed.tell("case", "case.labels_changed", clock(0, 45), "last", queue="late")
    return fed


def _base_reopened() -> Fed:
    """Taken up again after a proposal, resolved once more and closed later."""
    fed = Fed(_rules(correction_horizon=10 * MINUTE))
    fed.open("case", NINE, "o", fingerprint={"error": "E1"})
    fed.tell("case", "case.resolution_proposed", clock(0, 5), "p")
    fed.tell("case", "case.closed", clock(0, 6), "c")
    fed.tell("case", "case.reopen_requested", clock(0, 16), "r", fingerprint={"error": "E1"})
    fed.tell("case", "case.resolved", clock(0, 17), "e")
    fed.tell("case", "case.closed", clock(0, 20), "c2")
    fed.wait(clock(0, 45))
    fed.tell("case", "case.labels_changed", clock(0, 45), "last", queue="late")
    return fed


def _base_paused() -> Fed:
    """Clocks of another plan: one that waits on the customer for the second time, one that ran before, one that is
    late.
    """
    fed = Fed(rules(packs=Packs(versions=CORPUS.versions[3:]), correction_horizon=10 * MINUTE))
    fed.open("case", NINE, "o", plan="basic", severity="urgent")
    fed.tell("case", "case.waiting_on_customer", clock(0, 2), "w")
    fed.tell("case", "case.customer_responded", clock(0, 4), "c")
    fed.tell("case", "case.responded", clock(0, 20), "r")
    fed.tell("case", "case.customer_responded", clock(0, 22), "c2")
    fed.tell("case", "case.responded", clock(0, 23), "r2")
    fed.tell("case", "case.customer_responded", clock(0, 24), "c3")
    fed.tell("case", "case.waiting_on_customer", clock(1, 30), "w2")
    fed.wait(clock(1, 45))
    fed.tell("case", "case.labels_changed", clock(1, 45), "last", queue="late")
    return fed


def _base_moved() -> Fed:
    """Lowered, then taken over by another version: what it has now and what it may return to are of both."""
    fed = Fed(_rules(correction_horizon=10 * MINUTE))
    fed.open("case", MOVED_AT - 40 * MINUTE, "o", access="24x7")
    fed.tell("case", "case.severity_changed", MOVED_AT - 30 * MINUTE, "s", severity="B")
    fed.wait(MOVED_AT + 5 * MINUTE)
    fed.tell("case", "case.labels_changed", MOVED_AT + 5 * MINUTE, "then", queue="early")
    fed.wait(MOVED_AT + HOUR)
    fed.tell("case", "case.labels_changed", MOVED_AT + HOUR, "last", queue="late")
    return fed


def _base_breached_and_moved() -> Fed:
    """Late by the version that it was opened under, whatever came later."""
    fed = Fed(_rules(correction_horizon=10 * MINUTE))
    fed.open("case", MOVED_AT - 70 * MINUTE, "o")
    fed.wait(MOVED_AT + 2 * MINUTE)
    fed.tell("case", "case.labels_changed", MOVED_AT + 2 * MINUTE, "then", queue="early")
    fed.wait(MOVED_AT + 15 * MINUTE)
    fed.tell("case", "case.labels_changed", MOVED_AT + 15 * MINUTE, "last", queue="late")
    return fed


def _ended() -> Fed:
    """Long closed: no facts, only a base."""
    fed = Fed(_rules(correction_horizon=DAY))
    fed.open("case")
    fed.tell("case", "case.closed", clock(1), "c")
    fed.wait(clock(1) + DAY + 1)
    return fed


def _early() -> Fed:
    """Folded because it was too large."""
    fed = Fed(_rules())
    fed.open("case")
    for number in range(501):
        fed.wall = clock(1)
        value = event("case", "case.labels_changed", clock(1, 0) + number, f"l{number}", queue=f"{number}")
        fed.fold(b"case", value)
    fed.take()
    fed.wait(NINE + 9 * DAY)
    fed.tell("case", "case.labels_changed", NINE + 9 * DAY, "last", queue="late")
    return fed


def _orphans() -> Fed:
    """Waiting for an opening, with the bytes they came as."""
    fed = Fed(_rules())
    fed.offset = 2**40
    fed.fold(b"case", event("case", "case.responded", NINE, "r"), (*STRUCTURED, ("trace", b"\xff\x00")))
    ce = {"specversion": "1.0", "type": "case.closed", "id": "c", "source": SOURCE, "subject": "case"}
    headers = tuple((f"ce_{name}", text.encode()) for name, text in (ce | {"time": "2026-01-05T08:00:00Z"}).items())
    fed.fold(b"case", None, headers)
    fed.take()
    return fed


def every_body() -> bytes:
    """A fact of each type, with every kind of identity."""
    facts = []
    for number, body in enumerate(f.TYPES.values()):
        told = example(body) | {"id": [UUIDS[0], f"evt-{number}", UUIDS[1].upper()][number % 3]}
        told |= {"source": f"/crm/{number % 2}", "sequence": [None, number, str(-(2**63))][number % 3]}
        told |= {"traceparent": TRACE} if number % 4 == 0 else {}
        received = decode(b"CASE-1000123", json.dumps(told).encode(), ())
        assert isinstance(received, CaseEvent)
        facts.append(received.fact)
    return encode_row(Row(case=Case(case_id="case", facts=facts, policy_key="corpus/1")), NINE)


def rows_now() -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of each row as the code of today writes it."""
    made = {
        "typical": _typical(),
        "revisions": _revisions(),
        "base_running": _base_running(),
        "base_breached": _base_breached(),
        "base_grounds": _base_grounds(),
        "base_effort": _base_effort(),
        "base_reopened": _base_reopened(),
        "base_paused": _base_paused(),
        "base_moved": _base_moved(),
        "base_breached_and_moved": _base_breached_and_moved(),
        "ended": _ended(),
        "folded_early": _early(),
        "orphans": _orphans(),
    }
    for name, fed in made.items():
        yield name, fed.state[b"case"]
    yield "every_body", every_body()
    row = decode_row("case", made["revisions"].state[b"case"], CORPUS)
    row.quarantined, row.failure = True, ("AssertionError", clock(2))
    yield "quarantined", encode_row(row, None)
    fed = made["typical"]
    fed.fold(b"case", b"garbage")
    fed.wait(clock(3))
    fed.partition.row.empty_until = fed.offset + 1
    fed.open("another")
    yield "partition", fed.state[PARTITION_KEY]


def meaning_of(name: str, value: bytes) -> dict[str, Any]:
    return meaning_of_partition(value) if name == "partition" else meaning("case", value)


def main() -> None:
    FOLDERS[-1].mkdir(exist_ok=True)
    for name, value in rows_now():
        path = FOLDERS[-1] / f"{name}.bin"
        if path.exists():
            continue
        path.write_bytes(value)
        path.with_suffix(".json").write_text(json.dumps(meaning_of(name, value), indent=1) + "\n", "utf-8")
        print(f"{path.name}: {len(value)} bytes")


if __name__ == "__main__":
    main()
