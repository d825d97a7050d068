"""The same job on Quix Streams, in its own manner: a StreamingDataFrame with state.

    BROKER=127.0.0.1:9092 TOPIC=case-events GROUP=quix NOTICES=notices STATE=folder JOB=core python benchmarks/quix.py

JOB=core: decoded, folded, decided and encoded by the same code as in our worker; the row of a case is kept in the state
store as bytes, notices go to another topic. No timers, no dead letters, at least once. JOB=count: how many events each
key has had, without looking at them. It runs in an environment of its own (quix-requirements.txt).
"""

from __future__ import annotations

import os
import time
from typing import Any

from quixstreams import Application

BROKER, TOPIC, GROUP = os.environ["BROKER"], os.environ["TOPIC"], os.environ["GROUP"]
COMMIT_SECONDS = 1.0  # 5 by default: the end of a run of some seconds would be seen too late


def application() -> Application:
    return Application(
        broker_address=BROKER,
        consumer_group=GROUP,
        auto_offset_reset="earliest",
        commit_interval=COMMIT_SECONDS,
        state_dir=os.environ["STATE"],
        loglevel="WARNING",
    )


def count(_: Any, state: Any) -> None:
    state.set("count", state.get("count", 0) + 1)


def counting(app: Application) -> None:
    events = app.topic(TOPIC, key_deserializer="bytes", value_deserializer="bytes")
    app.dataframe(events).update(count, stateful=True)


def deciding(app: Application) -> None:
    from sla_monitor.config.packs import load_packs  # noqa: PLC0415 - counting needs nothing of ours
    from sla_monitor.core import decide  # noqa: PLC0415
    from sla_monitor.core.decide import Bounds, Case  # noqa: PLC0415
    from sla_monitor.wire import outbound, rows  # noqa: PLC0415
    from sla_monitor.wire.inbound import CaseEvent, decode  # noqa: PLC0415
    from sla_monitor.wire.rows import Row  # noqa: PLC0415

    packs, bounds, watermark = load_packs(), Bounds(), 0

    def fold(value: bytes, key: bytes, _timestamp: int, headers: Any, state: Any) -> list[bytes]:
        received = decode(key, value, headers or ())
        if not isinstance(received, CaseEvent):
            return []
        kept, wall = state.get_bytes("row"), int(time.time() * 1e6)
        case_id = received.case_id
        row = Row(case=Case(case_id=case_id)) if kept is None else rows.decode_row(case_id, kept, packs)
        decision = decide.fold(row.case, received.fact, watermark, packs, bounds)
        state.set_bytes("row", rows.encode_row(row, decide.next_wake(row.case, bounds)))
        return [
            outbound.encode(notice, wall, outbound.detected(notice, wall, None, outbound.LIVE_WITHIN))
            for notice in decision.notices
        ]

    events = app.topic(TOPIC, key_deserializer="bytes", value_deserializer="bytes")
    notices = app.topic(os.environ["NOTICES"], key_serializer="bytes", value_serializer="bytes")
    app.dataframe(events).apply(fold, stateful=True, expand=True, metadata=True).to_topic(notices)


def main() -> None:
    app = application()
    {"count": counting, "core": deciding}[os.environ["JOB"]](app)
    app.run()


if __name__ == "__main__":
    main()
