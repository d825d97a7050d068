"""Case events from Python with aiokafka: a case is opened, and answered.

    SLA_BROKER=127.0.0.1:9092 python examples/producer_aiokafka.py CASE-1000123

Run it twice: nothing changes. Each event has an id that follows from what happened, so that the second is a duplicate.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer

from sla_monitor.events import CaseEvents, Event, Stamp

BROKER = os.environ.get("SLA_BROKER", "127.0.0.1:9092")
TOPIC = os.environ.get("SLA_TOPIC_PREFIX", "") + "case-events"


def events_of(case_id: str) -> list[Event]:
    """What your system knows. `at` is when it happened, however late it is sent."""
    events = CaseEvents("/examples/aiokafka")
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


async def main(case_id: str) -> None:
    """One after the other, each acknowledged, so that retries reorder nothing. The client partitions by murmur2."""
    async with AIOKafkaProducer(bootstrap_servers=BROKER, acks="all") as producer:
        for event in events_of(case_id):
            sent = await producer.send_and_wait(TOPIC, event.value, key=event.key, headers=event.headers)
            print(f"{TOPIC} partition {sent.partition} offset {sent.offset}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
