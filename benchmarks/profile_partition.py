"""What one event costs in the pure path: decoded, folded, decided, encoded; no Kafka, no event loop.

    python benchmarks/profile_partition.py              µs an event, the fastest and the median round
    python benchmarks/profile_partition.py --profile    and where they go (cProfile, which makes small calls look dear)

The input is the same at every run. `warm`: every case is still decoded from its last event, as where events of a case
follow each other closely. `cold`: every event finds its case as bytes, as where very many cases are open.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import hashlib
import pstats
import statistics
import time

from workload import events

from sla_monitor.config.packs import load_packs
from sla_monitor.engine import partition as engine
from sla_monitor.engine.garbage import collect_seldom
from sla_monitor.engine.partition import Partition, Rules
from sla_monitor.engine.records import Batch, Record
from sla_monitor.wire import rfc3339

TRANSACTION_RECORDS = 2_000
UNTIL = rfc3339.parse("2026-03-19T12:00:00Z")
SPAN_SECONDS = 3 * 86_400


class Output:
    """What came out. `fingerprint` is of every byte of notices and rows: faster code must not change it."""

    def __init__(self) -> None:
        self.notices = self.dead = self.row_bytes = 0
        self._notices, self._rows = hashlib.sha256(), hashlib.sha256()

    def add(self, batch: Batch) -> None:
        self.notices += len(batch.notices)
        self.dead += len(batch.dead)
        for out in batch.notices:
            self._notices.update(out.value)
        for _, value in batch.rows:
            self._rows.update(value or b"")
            self.row_bytes += len(value or b"")

    @property
    def fingerprint(self) -> str:
        return f"notices {self._notices.hexdigest()[:12]}, rows {self._rows.hexdigest()[:12]}"


def work(records: list[Record], rules: Rules, batch_records: int) -> tuple[float, Output]:
    """Seconds of processor time for all records, and what came out."""
    partition, output, took = Partition(0, rules), Output(), 0.0
    gc.collect()
    for start in range(0, len(records), batch_records):
        began = time.process_time()
        for record in records[start : start + batch_records]:
            partition.fold(record, UNTIL)
        batch = partition.take()
        took += time.process_time() - began
        output.add(batch)
    return took, output


def loop_ns() -> float:
    """How fast the machine is at this moment: one turn of an empty addition, nanoseconds."""
    began, total = time.process_time(), 0
    for number in range(1_000_000):
        total += number
    return (time.process_time() - began) * 1e3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=15_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--top", type=int, default=40)
    arguments = parser.parse_args()
    made = events(arguments.events, until=UNTIL, span_seconds=SPAN_SECONDS)
    records = [Record(offset, at // 1_000, key, value) for offset, (at, key, value) in enumerate(made)]
    rules = Rules(packs=load_packs())
    work(records, rules, TRANSACTION_RECORDS)  # calendars are compiled, terms are matched
    gc.collect()
    collect_seldom()  # as the worker does it
    for name, working_set in (("warm", engine.WORKING_SET_MAX), ("cold", 0)):
        engine.WORKING_SET_MAX = working_set
        per_transaction = TRANSACTION_RECORDS if working_set else 200  # few events of one case in one transaction
        took, output, speed = [], Output(), []
        for _ in range(arguments.rounds):
            speed.append(loop_ns())
            seconds, output = work(records, rules, per_transaction)
            took.append(seconds / len(records) * 1e6)
        print(f"{name}: {min(took):.1f} µs an event (median {statistics.median(took):.1f}), {len(records)} events")
        print(
            f"      {output.notices / len(records):.2f} notices and {output.row_bytes / len(records):.0f} B of rows an "
            f"event, {output.dead} dead letters; a bare loop's turn {min(speed):.0f} to {max(speed):.0f} ns; "
            f"{output.fingerprint}"
        )
        if arguments.profile:
            profile = cProfile.Profile()
            profile.runcall(work, records, rules, per_transaction)
            pstats.Stats(profile).sort_stats("tottime").print_stats(arguments.top)


if __name__ == "__main__":
    main()
