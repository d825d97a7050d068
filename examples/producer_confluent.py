"""Case events from Python with confluent-kafka, that is librdkafka: a case is opened, and answered.

    SLA_BROKER=127.0.0.1:9092 python examples/producer_confluent.py CASE-1000123

One setting is not its default and must be set, in every language: `partitioner` is `murmur2_random`. With the default
a case's events go to other partitions than those of all other producers.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime

from confluent_kafka import KafkaError, Message, Producer

from sla_monitor.events import CaseEvents, Event, Stamp

BROKER = os.environ.get("SLA_BROKER", "127.0.0.1:9092")
TOPIC = os.environ.get("SLA_TOPIC_PREFIX", "") + "case-events"
SETTINGS = {
    "bootstrap.servers": BROKER,
    "partitioner": "murmur2_random",
    "enable.idempotence": True,  # its own retries neither repeat nor reorder
}
FLUSH_SECONDS_MAX = 30.0


def events_of(case_id: str) -> list[Event]:
    """What your system knows. `at` is when it happened, however late it is sent."""
    events = CaseEvents("/examples/confluent")
    return [
        events.opened(
            case_id,
            Stamp(id=f"{case_id}/opened", at=datetime(2026, 3, 2, 8, 0, tzinfo=UTC)),
            severity="A",
            plan="unified",
            country="DE",
            language="en",
            submitted_by="admin",
        ),
        events.responded(
            case_id,
            Stamp(id=f"{case_id}/responded", at=datetime(2026, 3, 2, 8, 20, tzinfo=UTC)),
            by="engineer-12",
        ),
    ]


def main(case_id: str) -> int:
    """0 only if the broker has acknowledged every event: `produce` alone says nothing."""
    failed = 0

    def told(error: KafkaError | None, message: Message) -> None:
        nonlocal failed
        if error is None:
            print(f"{TOPIC} partition {message.partition()} offset {message.offset()}")
        else:
            failed += 1
            print(f"{TOPIC}: {error}", file=sys.stderr)

    producer = Producer(SETTINGS)
    for event in events_of(case_id):
        producer.produce(TOPIC, event.value, key=event.key, headers=dict(event.headers), on_delivery=told)
    unsent = producer.flush(FLUSH_SECONDS_MAX)
    return 1 if failed or unsent else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
