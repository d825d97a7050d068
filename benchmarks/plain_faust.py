"""The same job as an ordinary Faust app, as its documentation would have it: an agent, a table, one event at a time.

Only Faust differs from our worker. Events are decoded, folded, decided and encoded by the same code, and the table
holds a case ready to use (the memory store keeps values as they are), so that nothing is decoded twice. It does less
than our worker: at least once, no timers, no dead letters, no check that state and input fit together.

    BROKER=127.0.0.1:9092 TOPIC=case-events NAME=plain python benchmarks/plain_faust.py worker -l warn
"""

from __future__ import annotations

import os
import time
from typing import Any

import faust
from faust.serializers import codecs

from sla_monitor.config.packs import load_packs
from sla_monitor.core import decide
from sla_monitor.core.decide import Bounds, Case
from sla_monitor.wire import outbound, rows
from sla_monitor.wire.inbound import CaseEvent, decode
from sla_monitor.wire.rows import Row

NAME, BROKER, TOPIC = os.environ["NAME"], os.environ["BROKER"], os.environ["TOPIC"]
PARTITIONS = int(os.environ.get("PARTITIONS", "4"))
PACKS, BOUNDS, WATERMARK = load_packs(), Bounds(), 0


class RowCodec(codecs.Codec):
    """A case as the bytes of our state row."""

    def _dumps(self, obj: Any) -> bytes:
        return rows.encode_row(obj, decide.next_wake(obj.case, BOUNDS))

    def _loads(self, s: bytes) -> Any:
        return rows.decode_row("", s, PACKS)


codecs.register("case-row", RowCodec())


class TableRow:
    """What tells the table how its values are written; the values are `Row`."""

    class _options:  # noqa: N801 - the name Faust looks for
        serializer = "case-row"


app = faust.App(
    NAME,
    broker=f"kafka://{BROKER}",
    store="memory://",
    processing_guarantee="at_least_once",
    topic_partitions=PARTITIONS,
    topic_replication_factor=1,
    web_enabled=False,
)
RAW = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
events = app.topic(TOPIC, **RAW)
notices = app.topic(f"{NAME}-sla-notices", **RAW)
table = app.Table("cases", partitions=PARTITIONS, key_type=bytes, value_type=TableRow)


@app.agent(events)
async def fold(stream: Any) -> None:
    async for event in stream.events():
        message = event.message
        received = decode(message.key, message.value, message.headers or ())
        if not isinstance(received, CaseEvent):
            continue
        wall = int(time.time() * 1e6)
        row = table.get(message.key) or Row(case=Case(case_id=received.case_id))
        decision = decide.fold(row.case, received.fact, WATERMARK, PACKS, BOUNDS)
        for notice in decision.notices:
            value = outbound.encode(notice, wall, outbound.detected(notice, wall, None, outbound.LIVE_WITHIN))
            await notices.send(key=message.key, value=value)
        table[message.key] = row


if __name__ == "__main__":
    app.main()
