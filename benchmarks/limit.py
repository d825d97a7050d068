"""The practical limit of a Python client: events are fetched, decoded as JSON and committed, and nothing else happens.

BROKER=127.0.0.1:9092 TOPIC=case-events GROUP=limit python benchmarks/limit.py
"""

from __future__ import annotations

import asyncio
import os

import msgspec
from aiokafka import AIOKafkaConsumer

BROKER, TOPIC, GROUP = os.environ["BROKER"], os.environ["TOPIC"], os.environ["GROUP"]
RECORDS_MAX = 8_000  # a poll; the same as our worker lets wait in a partition
decode = msgspec.json.Decoder().decode


async def main() -> None:
    consumer = AIOKafkaConsumer(
        TOPIC, bootstrap_servers=BROKER, group_id=GROUP, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        while True:
            fetched = await consumer.getmany(timeout_ms=200, max_records=RECORDS_MAX)
            for records in fetched.values():
                for record in records:
                    decode(record.value)
            if fetched:
                await consumer.commit({partition: records[-1].offset + 1 for partition, records in fetched.items()})
    finally:
        await consumer.stop()


if __name__ == "__main__":
    asyncio.run(main())
