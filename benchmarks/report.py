"""Writes docs/benchmarks.md from benchmarks/results.json: every figure there was printed by a script.

    python -m benchmarks.report            renders anew what was measured last
    python -m benchmarks.report --check    says whether the page is what the results give

Only what stands between the two markers is written; the rest of the page is for people to write.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import contenders, figures

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks/results.json"
PAGE = ROOT / "docs/benchmarks.md"
PICTURES = ROOT / "docs/pictures"
BEGIN, END = "<!-- results: begin, written by scripts/bench -->", "<!-- results: end -->"
MIB = 2**20
LIBRARIES = ("ours", "workclock", "businesstimedelta")
IDLE_LOAD_MAX = 0.5  # of the system before a run

# What is promised: figure, words, bound, whether more is better.
WANTED = (
    ("events_per_second", "case events a second, the whole job, exactly once, one worker", 30_000, True),
    ("vs_faust_table", "times an ordinary Faust agent with a table", 10, True),
    ("vs_quix", "times Quix Streams that only counts", 1, True),
    ("vs_quix_core", "times Quix Streams that runs the same core", 1.5, True),
    ("vs_kafka_streams", "of Kafka Streams that only counts, exactly once", 0.5, True),
    ("vs_limit", "of a loop that only decodes and commits", None, True),
    ("add_microseconds", "µs to add a budget on a compiled calendar", 1.5, False),
    ("vs_workclock", "times as fast as `workclock`", 5, True),
    ("vs_businesstimedelta", "times as fast as `businesstimedelta`", 5, True),
    ("bytes_per_open_case", "bytes of memory for each open case", None, False),
    ("resident_gib", "GiB of memory in all, with {cases:,} open cases", 1, False),
    ("restore_cases_per_second", "cases restored a second", 50_000, True),
    ("restore_seconds", "s to restore {cases:,} cases", 20, False),
    ("timer_lateness_p99_seconds", "s late, 99 of 100 timers", 0.25, False),
    ("failover_seconds", "s from a SIGKILL until all its partitions are live elsewhere, the longest", 9, False),
)

Results = dict[str, Any]


def load() -> Results:
    return dict(json.loads(RESULTS.read_text("utf-8"))) if RESULTS.exists() else {}


def write(found: Mapping[str, Any]) -> None:
    """Parts that were measured replace what was known of them; the others stay."""
    from benchmarks import pictures  # noqa: PLC0415 - matplotlib is in the extra `benchmarks` only

    RESULTS.write_text(json.dumps(load() | dict(found), indent=1, sort_keys=True) + "\n", "utf-8")
    results = load()  # as whoever renders it later finds it
    PAGE.write_text(page(results), "utf-8")
    pictures.draw(results, PICTURES)


def page(results: Results) -> str:
    """The whole page: what people wrote in it stays."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{rendered(results)}\n{END}{after}"


def rendered(results: Results) -> str:
    """The part of the page that belongs to the script."""
    parts = (summary, throughput, settings, partitions, arithmetic, scale, restore, compaction, failover)
    return "\n".join(line for part in parts for line in part(results))


def number(value: float) -> str:
    """With as many digits as mean something."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def spread(values: Sequence[float]) -> str:
    if len(values) == 1:
        return number(values[0])
    return f"{number(statistics.median(values))} ({number(min(values))} to {number(max(values))})"


def summary(results: Results) -> Iterator[str]:
    yield from ("## In one table", "", "| measured | wanted | what |", "|---:|---:|---|")
    last = results.get("scale", {}).get("steps", [{}])[-1]
    line = figures.line(results) | {
        "vs_quix_core": figures.middle(figures.against(results, "quix_core")),
        "resident_gib": last["resident"] / 2**30 if last else None,
        "restore_seconds": last["restore_seconds"] if last else None,
    }
    for name, words, bound, more in WANTED:
        value = line[name]
        measured = "not measured" if value is None else number(value)
        wanted = "" if bound is None else f"{'at least' if more else 'at most'} {number(bound)}"
        yield f"| {measured} | {wanted} | {words.format(cases=last.get('cases', 1_000_000))} |"
    yield ""
    if quick := sorted(name for name, part in results.items() if part.get("quick")):
        yield f"From a quick run, with little of everything and so with a large error: {', '.join(quick)}."
        yield ""
    if busy := sorted(name for name, part in results.items() if was_busy(part)):
        yield f"Measured beside the work of others, so no promise is judged by it: {', '.join(busy)}."
        yield ""


def was_busy(part: Mapping[str, Any]) -> bool:
    return float(part["machine"]["load before"]) > IDLE_LOAD_MAX


def machine(part: Mapping[str, Any]) -> Iterator[str]:
    said = part["machine"]
    names = ("processor", "cores", "memory", "system", "load before", "Python", "Java", "Kafka")
    yield f"Measured on {said['day']} (commit {said['commit']}): {', '.join(f'{x} {said[x]}' for x in names)}."
    yield ""


def throughput(results: Results) -> Iterator[str]:
    if "race" not in results:
        return
    part = results["race"]
    yield from ("## Throughput", "")
    yield from machine(part)
    size = f"{part['events']:,} events of {part['event_bytes']} bytes"
    yield f"{size} in {part['partitions']} partitions, the same topic for all."
    yield from ("", "![Events a second](pictures/rates.svg)", "")
    yield "| contender | events/s | processor, µs an event | of the broker, µs an event | ours / theirs |"
    yield "|---|---:|---:|---:|---:|"
    for each in contenders.ALL:
        found = part["rounds"].get(each.name, [])
        if not found:
            yield f"| {each.title} | not measured | | | |"
            continue
        columns = [
            spread([one[name] for one in found]) for name in ("events_per_second", "processor", "broker_processor")
        ]
        faster = "" if each.name.startswith("ours") else spread(figures.against(results, each.name))
        yield f"| {each.title} | {' | '.join(columns)} | {faster} |"
    yield from (
        "",
        "The median of the rounds, and in brackets the least and the most; ratios are of the same round.",
        "",
    )


def settings(results: Results) -> Iterator[str]:
    if "race" not in results:
        return
    said = results["race"]["machine"]
    yield from (
        "### Who does what, and with which settings",
        "",
        "| contender | job | settings and why |",
        "|---|---|---|",
    )
    for each in contenders.ALL:
        yield f"| {each.title} | {each.job} | {each.settings} |"
    packages = ("faust-streaming", "aiokafka", "quixstreams", "msgspec", "pydantic")
    yield from ("", "Versions: " + ", ".join(f"{name} {said[name]}" for name in packages) + ".", "")


def partitions(results: Results) -> Iterator[str]:
    if "partitions" not in results:
        return
    yield from ("## One producer for each partition", "")
    yield from machine(results["partitions"])
    yield from (
        "| partitions in one worker | events/s | processor, µs an event | memory, MiB |",
        "|---:|---:|---:|---:|",
    )
    for count, found in sorted(results["partitions"]["rounds"].items(), key=lambda each: int(each[0])):
        columns = [spread([one[name] for one in found]) for name in ("events_per_second", "processor")]
        memory = spread([one["resident"] / MIB for one in found])
        yield f"| {count} | {' | '.join(columns)} | {memory} |"
    yield ""


def arithmetic(results: Results) -> Iterator[str]:
    if "arithmetic" not in results:
        return
    part = results["arithmetic"]
    yield from ("## Calendar arithmetic", "")
    yield from machine(part)
    yield "Adding open time from any instant of a year: weekdays from 9 to 17 in Berlin without the public holidays of"
    yield "Germany, a calendar already compiled. Microseconds, median of the rounds with the least and the most."
    yield from (
        "",
        "| budget | library | µs | ours is faster by | answers that differ from ours |",
        "|---:|---|---:|---:|---:|",
    )
    for hours, libraries in part["budgets"].items():
        ours = libraries["ours"]["microseconds"]
        for name in LIBRARIES:
            found = libraries[name]
            faster = "" if name == "ours" else number(found["microseconds"] / ours)
            version = "" if name == "ours" else f" {part['machine'][name]}"
            took = f"{number(found['microseconds'])} ({number(found['least'])} to {number(found['most'])})"
            yield f"| {hours} h | {name}{version} | {took} | {faster} | {found['differing']} of {found['asked']:,} |"
    yield ""


def scale(results: Results) -> Iterator[str]:
    if "scale" not in results:
        return
    part = results["scale"]
    yield from ("## Very many open cases", "")
    yield from machine(part)
    idle = part["idle_bytes"] / MIB
    yield f"One worker with {part['partitions']} partitions; without a case it takes {idle:.0f} MiB."
    yield from ("", "![Memory and restore by the number of cases](pictures/cases.svg)", "")
    yield "| open cases | memory, MiB | peak | bytes a case | state, MiB | restored in, s | cases/s | a scrape, ms |"
    yield "|---:|---:|---:|---:|---:|---:|---:|---:|"
    for step in part["steps"]:
        cases = step["cases"]
        cells = (
            f"{cases:,}",
            f"{step['resident'] / MIB:,.0f}",
            f"{step['peak'] / MIB:,.0f}",
            f"{(step['resident'] - part['idle_bytes']) / cases:,.0f}",
            f"{step['state_bytes'] / MIB:,.0f}",
            number(step["restore_seconds"]),
            f"{cases / step['restore_seconds']:,.0f}",
            number(step["scrape_seconds"] * 1e3),
        )
        yield f"| {' | '.join(cells)} |"
    yield ""
    if late := part.get("lateness"):
        pace = f"{late['breaches']:,} breaches at {late['a_second']:,} a second"
        late_by = f"{late['median']:.3f} s (median), {late['p99']:.3f} s (p99), {late['most']:.3f} s (most)"
        yield f"Timers: {pace} beside {late['timers']:,} waiting ones reached a reader"
        yield f"{late_by} after due + settle."
        yield ""


def restore(results: Results) -> Iterator[str]:
    if "restore" not in results:
        return
    part = results["restore"]
    yield from ("## A restore by several shards", "")
    yield from machine(part)
    yield from (
        f"{part['cases']:,} cases in one worker:",
        "",
        "| partitions | restored in, s | cases/s |",
        "|---:|---:|---:|",
    )
    for count, seconds in sorted(part["seconds"].items(), key=lambda each: int(each[0])):
        yield f"| {count} | {spread(seconds)} | {part['cases'] / statistics.median(seconds):,.0f} |"
    yield ""


def compaction(results: Results) -> Iterator[str]:
    if "compaction" not in results:
        return
    yield from ("## What the settings of the state topic are for", "")
    yield from machine(results["compaction"])
    yield from ("| settings | cases | records left | on disk, MiB | restored in, s |", "|---|---:|---:|---:|---:|")
    names = {"ours": "as `sla-monitor topics create` has them", "plain": "`cleanup.policy=compact` alone"}
    for name, found in results["compaction"]["settings"].items():
        size = f"{found['bytes'] / MIB:,.0f}"
        cells = (f"{found['cases']:,}", f"{found['records']:,}", size, number(found["restore_seconds"]))
        yield f"| {names[name]} | {' | '.join(cells)} |"
    yield ""


def failover(results: Results) -> Iterator[str]:
    if "failover" not in results:
        return
    part = results["failover"]
    yield from ("## A worker dies", "")
    yield from machine(part)
    yield "SIGKILL of one of two workers, 4 partitions, 1,000 open cases each, a session time-out of"
    yield f"{part['session_seconds']:.0f} s: {spread(part['seconds'])} s until its partitions are live with the other,"
    yield f"from {len(part['seconds'])} such ends."
    yield ""


def main() -> int:
    """Writes the page anew; with --check says whether it is what the results give."""
    parser = argparse.ArgumentParser(description="docs/benchmarks.md from benchmarks/results.json")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if the page is another")
    if not parser.parse_args().check:
        write({})
        return 0
    is_right = page(load()) == PAGE.read_text("utf-8")
    print("docs/benchmarks.md is " + ("what" if is_right else "NOT what") + " benchmarks/results.json gives")
    return int(not is_right)


if __name__ == "__main__":
    sys.exit(main())
