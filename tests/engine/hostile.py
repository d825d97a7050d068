"""A partition under a flood of made-up cases, in a process that may take so much memory and no more.

    python -m tests.engine.hostile MIB RECORDS WAITING_MIB_MAX

Prints how it ended. Records are made on the fly: what grows is the partition.
"""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import replace

from sla_monitor.engine import partition as engine
from sla_monitor.engine.partition import Partition
from sla_monitor.engine.records import Record
from tests.engine.feeding import NINE, RULES, STRUCTURED, event

TRANSACTION_RECORDS = 50  # x 40 kB = 2 MB, as a shard has it
HEADER_BYTES = 40_000  # below what one case may keep


def flood(records: int) -> dict[str, int]:
    """Each record is the first event of another case, which nobody will ever open."""
    partition, dead = Partition(0, replace(RULES, breaker_ratio=1.0)), 0
    for offset in range(records):
        value = event(f"case-{offset}", "case.labels_changed", NINE, "e", queue="x")
        headers = (*STRUCTURED, ("made-up", b"%d" % offset * (HEADER_BYTES // len(str(offset)))))
        partition.fold(Record(offset, NINE // 1_000, b"case-%d" % offset, value, headers), NINE)
        if offset % TRANSACTION_RECORDS == TRANSACTION_RECORDS - 1:
            dead += len(partition.take().dead)
    return {"rows": len(partition.rows), "bytes": sum(map(len, partition.rows.values())), "dead": dead}


def main() -> None:
    limit, records, waiting = int(sys.argv[1]) << 20, int(sys.argv[2]), int(sys.argv[3]) << 20
    engine.WAITING_BYTES_MAX = waiting
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    try:
        found = flood(records)
    except MemoryError:
        print("MemoryError")
        sys.exit(9)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
