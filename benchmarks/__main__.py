"""Everything that is measured, in one run on one machine against a broker of its own.

    scripts/bench                    all parts; writes benchmarks/results.json, docs/benchmarks.md and its pictures
    scripts/bench --quick            every part small, under three minutes on an idle machine; writes nothing
    scripts/bench --only race        one part, or several with commas; the others stay as they were written
    scripts/bench --json             ends with one line of JSON

A contender that is missing or fails is told with its reason, and its fields are null; exit code 1 where one failed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from benchmarks import (
    arithmetic,
    compaction,
    contenders,
    failover,
    fairness,
    figures,
    machine,
    partitions,
    race,
    report,
    restore,
    scale,
)
from benchmarks.ground import Ground, a_broker, filled_topic, now_micros
from benchmarks.workload import Event, events

PARTITIONS = 4
SPAN_SECONDS = 3 * 86_400


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is measured. `seconds`: of a contender's turn, at most."""

    events: int
    rounds: int
    seconds: float
    arithmetic_rounds: int
    cases: Sequence[int]
    due_a_second: int
    due_seconds: int
    partition_rounds: int
    partition_events: int
    compaction_cases: int
    restore_cases: int
    restore_rounds: int
    fairness_events: int
    deaths: int


WHOLE = Size(
    events=500_000,
    rounds=5,
    seconds=15.0,
    arithmetic_rounds=9,
    cases=scale.CASES_WHOLE,
    due_a_second=1_000,
    due_seconds=30,
    partition_rounds=2,
    partition_events=500_000,
    compaction_cases=100_000,
    restore_cases=200_000,
    restore_rounds=3,
    fairness_events=16_000,
    deaths=10,
)
QUICK = Size(
    events=150_000,
    rounds=1,
    seconds=3.0,
    arithmetic_rounds=3,
    cases=(2_000, 10_000),
    due_a_second=1_000,
    due_seconds=3,
    partition_rounds=0,
    partition_events=0,
    compaction_cases=0,
    restore_cases=0,
    restore_rounds=0,
    fairness_events=0,
    deaths=1,
)


@dataclass(kw_only=True)
class Run:
    """What this run has found so far, by part, and what went wrong in it."""

    size: Size
    quick: bool
    only: Sequence[str]
    contenders: Sequence[contenders.Contender]
    began: float = field(default_factory=time.monotonic)
    machine: dict[str, str] = field(default_factory=machine.described)
    found: dict[str, Any] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def tell(self, text: str) -> None:
        print(f"{time.monotonic() - self.began:>6.0f} s  {text}", flush=True)

    def part(self, name: str, measure: Callable[[], dict[str, Any]]) -> None:
        """One of them; an error ends this part alone."""
        if name not in self.only:
            return
        self.tell(f"--- {name}")
        try:
            measured = measure()
        except Exception as error:  # noqa: BLE001 - told, counted, and the other parts are still worth having
            self.fail(f"{name}: {type(error).__name__}: {error}")
        else:
            self.found[name] = {**measured, "machine": self.machine, "quick": self.quick}

    def fail(self, text: str) -> None:
        self.failed.append(text)
        self.tell(f"FAILED  {text}")


def race_part(run: Run) -> dict[str, Any]:
    """The contenders that are here, on one broker and one topic."""
    ready = []
    for each in run.contenders:
        if reason := each.missing():
            run.tell(f"not available: {each.title}: {reason}")
        else:
            ready.append(each)
    with a_broker() as ground:
        return asyncio.run(_race(run, ground, ready))


async def _race(run: Run, ground: Ground, ready: Sequence[contenders.Contender]) -> dict[str, Any]:
    same: dict[str, int] = {}
    if run.size.fairness_events:
        small = _backlog(run.size.fairness_events, whole_cases=True)
        notices, problems = await fairness.differing(ground, ready, small, PARTITIONS, run.tell)
        for problem in problems:
            run.fail(f"not the same job: {problem}")
        same = {"events": len(small), "notices": notices} if not problems else {}
    made = _backlog(run.size.events)
    count = await filled_topic(ground, contenders.TOPIC, made, PARTITIONS)
    size = sum(len(value) for _, _, value in made) / count
    run.tell(f"{count:,} events of {size:.0f} bytes in {PARTITIONS} partitions")
    rounds, problems = await race.race(
        ground, ready, partitions=PARTITIONS, rounds=run.size.rounds, seconds=run.size.seconds, tell=run.tell
    )
    for problem in problems:
        run.fail(problem)
    for each in ready:
        if len(rounds.get(each.name, [])) > 1:
            run.tell(f"median   {race.told(each, rounds[each.name])}")
    return {
        "events": count,
        "event_bytes": round(size),
        "partitions": PARTITIONS,
        "rounds": race.as_plain(rounds),
        "same": same,
    }


def partitions_part(run: Run) -> dict[str, Any]:
    async def measure(ground: Ground) -> dict[str, Any]:
        size = run.size
        found = await partitions.measure(
            ground, _backlog(size.partition_events), rounds=size.partition_rounds, tell=run.tell
        )
        return {"rounds": race.as_plain(found)}

    with a_broker() as ground:
        return asyncio.run(measure(ground))


def _backlog(count: int, *, whole_cases: bool = False) -> list[Event]:
    """Cases of three days, all events in the past. With `whole_cases` about so many, and no deadline is left open."""
    made = events(int(count * 1.05), until=now_micros() - 60_000_000, span_seconds=SPAN_SECONDS)
    return made if whole_cases else made[:count]


def arithmetic_part(run: Run) -> dict[str, Any]:
    found = arithmetic.measure(run.size.arithmetic_rounds)
    for text in arithmetic.told(found).splitlines():
        run.tell(text)
    return {"budgets": found}


def scale_part(run: Run) -> dict[str, Any]:
    size = run.size
    with a_broker() as ground:
        found = asyncio.run(
            scale.grow(ground, size.cases, run.tell, due_a_second=size.due_a_second, due_seconds=size.due_seconds)
        )
    if problem := found.pop("problem", ""):
        run.fail(f"timers: {problem}")
    if run.quick:
        run.tell(f"quick: memory, restore and timers are those of {size.cases[-1]:,} cases, not of 1,000,000")
    return found


def compaction_part(run: Run) -> dict[str, Any]:
    with a_broker(**compaction.CLEANER) as ground:
        return {"settings": asyncio.run(compaction.measure(ground, run.size.compaction_cases, run.tell))}


def restore_part(run: Run) -> dict[str, Any]:
    cases, rounds = run.size.restore_cases, run.size.restore_rounds
    with a_broker() as ground:
        found = asyncio.run(restore.measure(ground, cases, rounds, run.tell))
    return {"cases": cases, "seconds": found}


def failover_part(run: Run) -> dict[str, Any]:
    with a_broker() as ground:
        seconds = asyncio.run(failover.measure(ground.bootstrap, run.size.deaths, failover.SESSION_SECONDS))
    run.tell(f"failover: longest {max(seconds):.2f} s of {len(seconds)}")
    return {"seconds": [round(each, 2) for each in seconds], "session_seconds": failover.SESSION_SECONDS}


PARTS = {
    "arithmetic": arithmetic_part,
    "race": race_part,
    "partitions": partitions_part,
    "scale": scale_part,
    "restore": restore_part,
    "compaction": compaction_part,
    "failover": failover_part,
}
QUICK_PARTS = ("arithmetic", "race", "scale", "failover")


def main() -> int:
    """0: measured, also where somebody was missing; 1: something failed; 2: wrong usage."""
    given = _arguments()
    signal.signal(signal.SIGTERM, _exit)  # in order: what was started here ends too
    size = QUICK if given.quick else WHOLE
    changed = {name: value for name in ("events", "rounds", "seconds") if (value := getattr(given, name)) is not None}
    if given.huge:
        changed["cases"] = scale.CASES_HUGE
    if given.cases:
        changed["cases"] = [int(each) for each in given.cases.split(",")]
    run = Run(
        size=Size(**{**vars(size), **changed}),
        quick=given.quick,
        only=given.only or (QUICK_PARTS if given.quick else tuple(PARTS)),
        contenders=[each for each in contenders.ALL if each.name in (given.contenders or _usual(quick=given.quick))],
    )
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what a new broker cannot do yet is waited for
    os.environ["PYTHONPATH"] = f"{contenders.ROOT}:{contenders.ROOT / 'src'}"  # of every worker started here
    for name, part in PARTS.items():
        run.part(name, lambda part=part: part(run))  # type: ignore[misc]
    if given.write or not given.quick:
        report.write(run.found)
        run.tell("written: benchmarks/results.json, docs/benchmarks.md and its pictures")
    told = figures.line(run.found)
    if absent := [name for name, value in told.items() if value is None]:
        run.tell(f"null, because it was not measured in this run: {', '.join(absent)}")
    if given.json:
        print(json.dumps(told), flush=True)
    return int(bool(run.failed))


def _exit(*_: object) -> NoReturn:
    raise SystemExit(143)


def _usual(*, quick: bool) -> list[str]:
    return [each.name for each in contenders.ALL if each.in_quick or not quick]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )

    def names(known: Sequence[str]) -> Callable[[str], list[str]]:
        def parsed(text: str) -> list[str]:
            if unknown := set(text.split(",")) - set(known):
                raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: there are {', '.join(known)}")
            return text.split(",")

        return parsed

    parser.add_argument("--quick", action="store_true", help="small, and nothing is written")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument("--only", type=names(list(PARTS)), metavar="PART,…", help=", ".join(PARTS))
    parser.add_argument(
        "--contenders", type=names([each.name for each in contenders.ALL]), metavar="NAME,…",
        help=", ".join(each.name for each in contenders.ALL),
    )  # fmt: skip
    parser.add_argument("--events", type=int, help=f"in the topic of the race ({WHOLE.events}; quick: {QUICK.events})")
    parser.add_argument("--rounds", type=int, help=f"of the race ({WHOLE.rounds}; quick: {QUICK.rounds})")
    parser.add_argument("--seconds", type=float, help=f"of a turn at most ({WHOLE.seconds}; quick: {QUICK.seconds})")
    parser.add_argument("--cases", metavar="N,…", help="steps of the curve, ascending")
    parser.add_argument("--huge", action="store_true", help="also 3 million open cases")
    parser.add_argument("--write", action="store_true", help="write results and docs also of a quick run")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
