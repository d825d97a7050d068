"""Notices to a webhook: each one that matters is raised, and withdrawn again if it turns out not to be true.

    SLA_BROKER=127.0.0.1:9092 WEBHOOK_URL=https://alerts.example/sla python examples/consumer_webhook.py

What is posted: `{"action": "raise", "id": …, "notice": …}`, and for a retraction `{"action": "withdraw", "id": …,
"notice": …}`, where `id` is that of the notice which no longer stands.

- Only committed notices are read. aiokafka's default also shows those of transactions that were aborted.
- At least once: offsets are committed after the webhook has taken the notices, so that a crash repeats some of them.
- Whoever receives must take an id once: the header `Idempotency-Key` is the notice's id, the same whoever sends it and
  however often. Repetitions that this process can see are left out here.
- In order: a case's notices come one after the other, so that nothing is withdrawn before it is raised.
- A webhook that is away is waited for. One that refuses a notice (4xx) ends this program, with nothing lost: it goes on
  from there when it is started again.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections import OrderedDict
from http import HTTPStatus
from typing import Any

import aiohttp
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError

BROKER = os.environ.get("SLA_BROKER", "127.0.0.1:9092")
TOPIC = os.environ.get("SLA_TOPIC_PREFIX", "") + "sla-notices"
GROUP = os.environ.get("WEBHOOK_GROUP", "sla-webhook")
# Types that somebody wants to hear of; a retraction is of interest if what it withdraws was.
WANTED = frozenset(os.environ.get("WEBHOOK_TYPES", "sla.breached,severity.downgrade_recommended").split(","))
RETRY_SECONDS = float(os.environ.get("WEBHOOK_RETRY_SECONDS", "1"))  # doubled each time, up to
RETRY_SECONDS_MAX = 30.0
ANSWER_SECONDS_MAX = 10.0
REMEMBERED_MAX = 10_000  # ids of 36 bytes: about a megabyte

LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class Refused(Exception):
    """The webhook will not take this, however often it is sent."""


def request_of(notice: dict[str, Any]) -> dict[str, Any] | None:
    """What to post about a notice; None if nobody wants to know."""
    if notice["detected"] == "history":  # about the time before go-live
        return None
    if notice["type"] == "sla.retracted":
        data = notice["data"]
        if data["retracted_type"] not in WANTED:
            return None
        return {"action": "withdraw", "id": data["retracts"], "notice": notice}
    if notice["type"] not in WANTED:
        return None
    return {"action": "raise", "id": notice["id"], "notice": notice}


class Webhook:
    """Posts until it is taken."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, url
        self._taken: OrderedDict[str, None] = OrderedDict()

    async def hand_over(self, notice: dict[str, Any]) -> None:
        """Returns once the webhook has it. Refused: it never will."""
        body, identity = request_of(notice), str(notice["id"])
        if body is None or identity in self._taken:
            return
        wait = RETRY_SECONDS
        while not await self._is_taken(body, identity):
            await asyncio.sleep(wait)
            wait = min(2 * wait, RETRY_SECONDS_MAX)
        self._taken[identity] = None
        if len(self._taken) > REMEMBERED_MAX:
            self._taken.popitem(last=False)

    async def _is_taken(self, body: dict[str, Any], identity: str) -> bool:
        limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS_MAX)
        headers = {"Idempotency-Key": identity}
        try:
            async with self._session.post(self._url, json=body, headers=headers, timeout=limit) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError) as error:
            print(f"{self._url}: {type(error).__name__}; again later", file=sys.stderr)
            return False
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in LATER:
            print(f"{self._url}: {status}; again later", file=sys.stderr)
            return False
        if status >= HTTPStatus.BAD_REQUEST and status != HTTPStatus.CONFLICT:  # 409: it has this id already
            raise Refused(f"{self._url}: {status} for notice {identity}")
        return True


async def run(url: str) -> None:
    """Until it is ended."""
    consumer = AIOKafkaConsumer(
        TOPIC,
        bootstrap_servers=BROKER,
        group_id=GROUP,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        async with aiohttp.ClientSession() as session:
            webhook = Webhook(session, url)
            while True:
                for partition, records in (await consumer.getmany(timeout_ms=1_000)).items():
                    for record in records:
                        await webhook.hand_over(json.loads(record.value or b""))
                    await commit(consumer, {partition: records[-1].offset + 1})
    finally:
        await consumer.stop()


async def commit(consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int]) -> None:
    """Of what was handed over and no other partition: `commit()` without offsets would skip what was fetched with it.
    If the partition went to somebody else meanwhile, that one repeats what we have posted.
    """
    try:
        await consumer.commit(offsets)
    except CommitFailedError as lost:
        print(f"not committed, will be repeated: {lost}", file=sys.stderr)


async def main() -> int:
    running = asyncio.ensure_future(run(os.environ["WEBHOOK_URL"]))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    try:
        await running
    except asyncio.CancelledError:
        return 0
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
