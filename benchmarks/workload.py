"""The case events that benchmarks work on: support cases as they come, the same ones for the same seed.

Every case is opened, answered (one in eight after its target), asked something, answers, and is resolved; one in ten
changes its severity before it is answered. Cases begin evenly over `span_seconds` and take hours, so that the events of
many are interleaved in the order of time.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator

from aiokafka.partitioner import murmur2

from sla_monitor.core.times import iso

SECOND = 1_000_000
EVENTS_A_CASE = 5.1
COUNTRIES = tuple(pair.split("-") for pair in ["US-en", "DE-de", "JP-ja", "FR-fr", "GB-en", "IN-en", "BR-pt", "ES-es"])
PLANS = ("standard", "professional_direct", "unified")
TARGET_SECONDS = {"A": 3_600, "B": 4 * 3_600, "C": 8 * 3_600}

Event = tuple[int, bytes, bytes]  # instant in microseconds, key, value


def events(count: int, *, until: int, span_seconds: int, seed: int = 1) -> list[Event]:
    """About `count` events in the order of time, the last of them before `until` (microseconds)."""
    chance = random.Random(seed)
    cases = round(count / EVENTS_A_CASE)
    start = until - span_seconds * SECOND
    made = [
        event
        for number in range(cases)
        for event in _case(number, start + int(number / cases * span_seconds * 0.6 * SECOND), chance)
    ]
    return sorted(event for event in made if event[0] < until)


def _case(number: int, opened_at: int, chance: random.Random) -> Iterator[Event]:
    case_id = f"CASE-{number:08d}"
    country, language = chance.choice(COUNTRIES)
    severity = chance.choices("ABC", (1, 4, 5))[0]
    yield _event(
        case_id,
        "case.opened",
        opened_at,
        chance,
        {
            "severity": severity,
            "plan": chance.choice(PLANS),
            "country": country,
            "language": language,
            "submitted_by": "admin",
            "fingerprint": {"build": f"24.{number % 12}", "error": f"E{number % 997:04d}", "environment": "production"},
            "customer": f"customer-{number % 400}",
            "product": "finance",
            "queue": "emea-1",
        },
    )
    at = opened_at
    if chance.random() < 0.1:
        at += chance.randint(60, 1_800) * SECOND
        raised = {"A": "B", "B": "A", "C": "B"}[severity]
        yield _event(case_id, "case.severity_changed", at, chance, {"severity": raised, "by": "customer"})
    share = chance.uniform(1.0, 1.6) if chance.random() < 0.125 else chance.uniform(0.05, 0.9)
    at += int(TARGET_SECONDS[severity] * share) * SECOND
    yield _event(case_id, "case.responded", at, chance, {"by": f"engineer-{number % 60}"})
    at += chance.randint(300, 7_200) * SECOND
    yield _event(case_id, "case.waiting_on_customer", at, chance, {"reason": "information"})
    at += chance.randint(300, 14_400) * SECOND
    yield _event(case_id, "case.customer_responded", at, chance, {})
    at += chance.randint(600, 14_400) * SECOND
    yield _event(case_id, "case.resolved", at, chance, {})


def _event(case_id: str, kind: str, at: int, chance: random.Random, said: dict[str, object]) -> Event:
    event = {
        "specversion": "1.0",
        "id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "source": "/crm/cases",
        "type": kind,
        "subject": case_id,
        "time": iso(at),
        "datacontenttype": "application/json",
        "data": said,
    }
    return at, case_id.encode(), json.dumps(event).encode()


def partition_of(key: bytes, partitions: int) -> int:
    """Where Kafka's default partitioner puts a key."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)
