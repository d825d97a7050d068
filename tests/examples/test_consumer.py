"""The example consumer, a real broker and a real webhook: at least once, in order, and what was wrong withdrawn."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from aiokafka import AIOKafkaProducer

from tests.kafka.broker import Broker
from tests.kafka.helpers import committed, create_topics, fresh_prefix
from tests.kafka.world import eventually

ROOT = Path(__file__).parents[2]
CONSUMER = [sys.executable, "examples/consumer_webhook.py"]
SECONDS_MAX = 20.0


def notice(number: int, kind: str, *, detected: str = "live", **data: Any) -> dict[str, Any]:
    """As much of one as the consumer looks at."""
    return {"id": f"n-{number}", "type": kind, "subject": "case-1", "detected": detected, "data": data}


BREACHED = notice(1, "sla.breached")
RETRACTED = notice(2, "sla.retracted", retracts="n-1", retracted_type="sla.breached")
MET = notice(3, "sla.met")
NEVER_MEANT = notice(4, "sla.retracted", retracts="n-0", retracted_type="sla.met")
HISTORY = notice(5, "sla.breached", detected="history")
LAST = notice(6, "severity.downgrade_recommended")
ABORTED = notice(7, "sla.breached")


@dataclass(slots=True)
class Receiver:
    """A webhook: what was posted, with the key of each, and the answers it gives first."""

    answers: list[int] = field(default_factory=list)
    posted: list[tuple[str, str, str]] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.posted.append((body["action"], body["id"], request.headers["Idempotency-Key"]))
        return web.Response(status=self.answers.pop(0) if self.answers else 204)


@contextlib.asynccontextmanager
async def a_receiver(*answers: int) -> AsyncIterator[Receiver]:
    receiver = Receiver(list(answers))
    application = web.Application()
    application.router.add_post("/sla", receiver.take)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/sla"
        yield receiver
    finally:
        await runner.cleanup()


async def said(bootstrap: str, topic: str, *notices: dict[str, Any], commit: bool = True) -> None:
    """In one transaction, as a worker says them."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=f"{topic}-tests") as producer:
        await producer.begin_transaction()
        for each in notices:
            await producer.send_and_wait(topic, json.dumps(each).encode(), key=b"case-1")
        await (producer.commit_transaction() if commit else producer.abort_transaction())


@contextlib.contextmanager
def consuming(bootstrap: str, prefix: str, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """The example as a process; killed at the end if it still runs."""
    environment = {
        **os.environ,
        "SLA_BROKER": bootstrap,
        "SLA_TOPIC_PREFIX": prefix,
        "WEBHOOK_URL": url,
        "WEBHOOK_GROUP": f"{prefix}webhook",
        "WEBHOOK_RETRY_SECONDS": "0.05",
    }
    process = subprocess.Popen(CONSUMER, cwd=ROOT, env=environment, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()


async def test_notices_are_raised_and_withdrawn_once_they_are_committed(broker: Broker) -> None:
    """Those that somebody wants, in order; an answer of 503 or 429 is asked again with the same key; what a worker
    aborted, what nobody wants and what is from before go-live is not posted. SIGTERM ends it with 0, and the next one
    goes on behind."""
    prefix = fresh_prefix()
    topic, group = f"{prefix}sla-notices", f"{prefix}webhook"
    await create_topics(broker.bootstrap, topic)
    await said(broker.bootstrap, topic, ABORTED, commit=False)
    await said(broker.bootstrap, topic, BREACHED, MET, RETRACTED, NEVER_MEANT, HISTORY, LAST)
    async with a_receiver(503, 429) as receiver:
        with consuming(broker.bootstrap, prefix, receiver.url) as first:
            raised, withdrawn, last = ("raise", "n-1", "n-1"), ("withdraw", "n-1", "n-2"), ("raise", "n-6", "n-6")
            wanted = [raised, raised, raised, withdrawn, last]
            await eventually(lambda: receiver.posted == wanted, lambda: str(receiver.posted), SECONDS_MAX)

            async def is_committed() -> bool:
                return bool(await committed(broker.bootstrap, group, topic))

            await eventually(is_committed, lambda: "nothing is committed", SECONDS_MAX)
            first.terminate()
            await eventually(lambda: first.poll() == 0, lambda: f"exit code {first.poll()}", SECONDS_MAX)
        await said(broker.bootstrap, topic, notice(8, "sla.breached"))
        with consuming(broker.bootstrap, prefix, receiver.url):
            await eventually(lambda: len(receiver.posted) > len(wanted), lambda: str(receiver.posted), SECONDS_MAX)
        assert receiver.posted == [*wanted, ("raise", "n-8", "n-8")]


async def test_what_was_not_taken_is_posted_again(broker: Broker) -> None:
    """A webhook that refuses ends the consumer with 1 and nothing committed; the next one begins with what was taken
    but not committed, under the same key, and a webhook that says 409 has it already."""
    prefix = fresh_prefix()
    topic, group = f"{prefix}sla-notices", f"{prefix}webhook"
    await create_topics(broker.bootstrap, topic)
    await said(broker.bootstrap, topic, BREACHED, LAST)
    async with a_receiver(204, 400, 409) as receiver:
        with consuming(broker.bootstrap, prefix, receiver.url) as refused:
            await eventually(lambda: refused.poll() == 1, lambda: f"exit code {refused.poll()}", SECONDS_MAX)
            assert refused.stderr
            assert b"400 for notice n-6" in refused.stderr.read()
        assert await committed(broker.bootstrap, group, topic) == {}
        with consuming(broker.bootstrap, prefix, receiver.url):
            await eventually(lambda: len(receiver.posted) == 4, lambda: str(receiver.posted), SECONDS_MAX)
        assert [key for _, _, key in receiver.posted] == ["n-1", "n-6", "n-1", "n-6"]
