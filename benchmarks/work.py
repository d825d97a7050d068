"""How much work an event is, counted and not timed: the same on every machine, busy or idle.

    python -m benchmarks.work            compares with benchmarks/work.json; 1 if something rose by more than a tenth
    python -m benchmarks.work --renew    writes what is counted now into it, where a rise is meant or a fall was earned

A fixed backlog goes through one partition as the worker feeds it, then a week passes. The first pass only compiles
calendars and fills caches. Calls and memory belong to a release of Python, so the file has them by release; one that is
not in it is compared by what any of them must agree on.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from benchmarks.workload import events
from sla_monitor.config.packs import load_packs
from sla_monitor.core import decide
from sla_monitor.engine.partition import Partition, Rules
from sla_monitor.engine.records import Batch, Record
from sla_monitor.wire import rfc3339

BASELINE = Path(__file__).with_name("work.json")
SOURCE = str(Path(decide.__file__).parents[1])
RISE_MAX = 0.10
EVENTS = 1_500
TRANSACTION_RECORDS = 200
UNTIL = rfc3339.parse("2026-03-19T12:00:00Z")
SPAN_SECONDS = 3 * 86_400
WEEK = 7 * 86_400 * 1_000_000
DECIDING = {"fold", "wake", "refold"}  # of core/decide.py: a decision, in order or anew
ANY_PYTHON = ("decisions", "refolds", "notices", "notice_bytes", "row_bytes")  # the same whatever release runs it

Figures = dict[str, float]


def backlog() -> list[Record]:
    made = events(EVENTS, until=UNTIL, span_seconds=SPAN_SECONDS)
    return [Record(offset, at // 1_000, key, value) for offset, (at, key, value) in enumerate(made)]


def one_pass(records: list[Record], rules: Rules, take: Callable[[Batch], None]) -> Partition:
    """Everything a worker does with them between fetching and sending."""
    partition = Partition(0, rules)
    for start in range(0, len(records), TRANSACTION_RECORDS):
        for record in records[start : start + TRANSACTION_RECORDS]:
            partition.fold(record, UNTIL)
        take(partition.take())
    partition.advance(UNTIL + WEEK)
    while partition.fire(UNTIL + WEEK, TRANSACTION_RECORDS):
        take(partition.take())
    take(partition.take())
    return partition


def counted() -> Figures:
    """Each an event."""
    records, rules = backlog(), Rules(packs=load_packs())
    out: Counter[str] = Counter()

    def weigh(batch: Batch) -> None:
        out["notices"] += len(batch.notices)
        out["notice_bytes"] += sum(len(each.key) + len(each.value) for each in batch.notices)
        out["row_bytes"] += sum(len(key) + len(value or b"") for key, value in batch.rows)
        assert not batch.dead

    one_pass(records, rules, weigh)
    found = out | calls(records, rules) | memory(records, rules)
    return {name: round(value / len(records), 3) for name, value in sorted(found.items())}


def calls(records: list[Record], rules: Rules) -> Counter[str]:
    """Of our own functions, by package; of built-in ones from there; of the calendar's."""
    found: Counter[str] = Counter()
    packages: dict[str, str] = {}  # of a file; empty for those of others

    def package(file: str) -> str:
        return "" if not file.startswith(SOURCE) else file.removeprefix(SOURCE).split("/")[1]

    def note(frame: FrameType, happened: str, _: object) -> None:
        code = frame.f_code
        where = packages.get(code.co_filename)
        if where is None:
            where = packages[code.co_filename] = package(code.co_filename)
        if not where:
            return
        if happened == "c_call":
            found["builtin_calls"] += 1
            found["calendar_steps"] += code.co_filename.endswith("core/calendar.py")
        elif happened == "call":
            found[f"{where}_calls"] += 1
            found["calendar_steps"] += code.co_filename.endswith("core/calendar.py")
            if code.co_name in DECIDING and code.co_filename.endswith("core/decide.py"):
                found["refolds" if code.co_name == "refold" else "decisions"] += 1

    def ignore(_: Batch) -> None:
        pass

    sys.setprofile(note)
    try:
        one_pass(records, rules, ignore)
    finally:
        sys.setprofile(None)
    return found


def memory(records: list[Record], rules: Rules) -> Counter[str]:
    """Blocks and bytes that are kept once all is decided, and the most bytes there ever were."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        kept = one_pass(records, rules, lambda _: None)
        size, peak = tracemalloc.get_traced_memory()
        blocks = sum(each.count for each in tracemalloc.take_snapshot().statistics("filename"))
    finally:
        tracemalloc.stop()
        gc.enable()
    assert kept.rows
    return Counter(kept_blocks=blocks, kept_bytes=size, peak_bytes=peak)


def rises(now: Mapping[str, float], before: Mapping[str, float]) -> list[str]:
    """What is more than a tenth above the baseline, or new in it."""
    return [
        f"{name}: {value} an event, {before.get(name, 0)} in the baseline"
        for name, value in now.items()
        if value > before.get(name, 0) * (1 + RISE_MAX)
    ]


def comparable(baseline: Mapping[str, Any], now: Figures) -> tuple[Figures, Figures]:
    """(now, before), as far as this release of Python can be compared."""
    release = platform.python_version().rpartition(".")[0]
    if release in baseline:
        return now, baseline[release]
    [known, *_] = baseline.values()
    return {name: now[name] for name in ANY_PYTHON}, {name: known[name] for name in ANY_PYTHON}


def main() -> int:
    parser = argparse.ArgumentParser(description="Work an event, against benchmarks/work.json")
    parser.add_argument("--renew", action="store_true", help="write the baseline of this release of Python anew")
    now = counted()
    baseline = json.loads(BASELINE.read_text("utf-8")) if BASELINE.exists() else {}
    if parser.parse_args().renew:
        baseline[platform.python_version().rpartition(".")[0]] = now
        BASELINE.write_text(json.dumps(baseline, indent=1, sort_keys=True) + "\n", "utf-8")
    compared, before = comparable(baseline, now)
    for name, value in compared.items():
        print(f"{name:<16}{value:>12,.3f}   baseline {before.get(name, 0):>12,.3f}")
    found = rises(compared, before)
    for text in found:
        print(f"MORE  {text}")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
