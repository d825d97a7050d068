"""The whole job, from Kafka to Kafka: `sla-monitor run` beside an ordinary Faust app that runs the same core.

    python benchmarks/throughput.py                     a table: medians, spread, ratio
    python benchmarks/throughput.py --json              and one line of JSON at the end

One broker, started and ended here, on loopback. In each round the contenders work one after the other, each a fresh
process on topics of its own that were filled before it began with the same events (the ordinary app with fewer, it is
slow). Both are timed alike, by the broker's clock: from the first append to the topic that holds the cases' state
(`sla-state`, the table's changelog) to the last one, and only events applied after that first append are counted. So
start, group join and restore are left out. Because work under way at the first append would flatter whoever writes in
large transactions, the rate of the middle is told too: from a fifth to four fifths of the events. The processor time
that the process used between the same two appends says what an event costs where others use the machine as well.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from workload import Event, events, partition_of  # noqa: E402

from sla_monitor.wire.rows import PARTITION_KEY, decode_partition  # noqa: E402
from tests.kafka.broker import Broker, free_port  # noqa: E402
from tests.kafka.helpers import create_topics  # noqa: E402

PARTITIONS = 4
SPAN_SECONDS = 3 * 86_400
ROUND_SECONDS_MAX = 180
STILL_SECONDS_MAX = 40  # without a step
POLL_SECONDS = 0.1
REST_SECONDS = 0.7  # without an append before the topic is read
BATCH_BYTES = 500_000
BROKER_TIME = {"message.timestamp.type": "LogAppendTime"}

Progress = list[tuple[int, int]]  # (broker's milliseconds, events applied with that append), in order of time
Appended = list[tuple[int, int, bytes, bytes]]  # (broker's milliseconds, partition, key, value)
Spent = list[tuple[int, float]]  # (milliseconds, processor seconds of the process until then)


@dataclass(frozen=True, kw_only=True)
class Contender:
    """`progress` reads what the state topic says has been applied so far."""

    name: str
    events: int
    command: list[str]
    topics: Callable[[str], list[str]]  # of a prefix; the first is the input, the second holds the state
    environment: Callable[[str, str], dict[str, str]]
    progress: Callable[[Appended], Progress]


def ours(count: int) -> Contender:
    def environment(bootstrap: str, prefix: str) -> dict[str, str]:
        return {
            "SLA_BROKER": bootstrap,
            "SLA_GROUP": prefix,
            "SLA_TOPIC_PREFIX": prefix,
            "SLA_SETTLE_SECONDS": "0",
            "SLA_WEB_PORT": "0",
        }

    def topics(prefix: str) -> list[str]:
        return [f"{prefix}{name}" for name in ("case-events", "sla-state", "sla-notices", "case-events.dead")]

    command = [sys.executable, "-m", "sla_monitor.cli.main"]
    if (installed := Path(sys.executable).with_name("sla-monitor")).exists():
        command = [str(installed)]
    return Contender(
        name="sla-monitor run",
        events=count,
        command=[*command, "run"],
        topics=topics,
        environment=environment,
        progress=_ours_applied,
    )


def _ours_applied(appended: Appended) -> Progress:
    """Each transaction writes the partition's row, which has the offset applied."""
    before: dict[int, int] = {}
    made = []
    for at, partition, key, value in appended:
        if key == PARTITION_KEY:
            applied = decode_partition(value).applied
            made.append((at, applied - before.get(partition, -1)))
            before[partition] = applied
    return made


def plain_faust(count: int) -> Contender:
    return Contender(
        name="ordinary Faust",
        events=count,
        command=[sys.executable, str(HERE / "plain_faust.py"), "worker", "-l", "warn"],
        topics=lambda prefix: [f"{prefix}-case-events", f"{prefix}-cases-changelog", f"{prefix}-sla-notices"],
        environment=lambda bootstrap, prefix: {"NAME": prefix, "BROKER": bootstrap, "PARTITIONS": str(PARTITIONS)},
        progress=lambda appended: [(at, 1) for at, _, _, _ in appended],  # one row an event
    )


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Events a second, from the first append on and in the middle; processor time an event, microseconds."""

    whole: float
    middle: float
    cost: float


def measured(progress: Progress, spent: Spent) -> Measured:
    first, last = progress[0][0], progress[-1][0]
    applied = sum(count for _, count in progress[1:])
    total, seen, marks = sum(count for _, count in progress), 0, []
    for at, count in progress:
        seen += count
        if total * 0.2 <= seen <= total * 0.8:
            marks.append((at, seen))
    return Measured(
        whole=applied / max(1, last - first) * 1_000,
        middle=(marks[-1][1] - marks[0][1]) / max(1, marks[-1][0] - marks[0][0]) * 1_000,
        cost=(_spent_until(last, spent) - _spent_until(first, spent)) / applied * 1e6,
    )


def _spent_until(at: int, spent: Spent) -> float:
    """Between two samples, in proportion."""
    for (before, low), (after, high) in itertools.pairwise(spent):
        if before <= at <= after:
            return low + (high - low) * (at - before) / max(1, after - before)
    return spent[-1][1]


def processor_seconds(pid: int) -> float:
    """User and system time of all threads of a process so far (Linux)."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


async def fill(bootstrap: str, topic: str, made: list[Event]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_batch_size=BATCH_BYTES)
    await producer.start()
    try:
        batches = {number: producer.create_batch() for number in range(PARTITIONS)}
        for at, key, value in made:
            number = partition_of(key, PARTITIONS)
            if batches[number].append(key=key, value=value, timestamp=at // 1_000) is None:
                await producer.send_batch(batches[number], topic, partition=number)
                batches[number] = producer.create_batch()
                batches[number].append(key=key, value=value, timestamp=at // 1_000)
        for number, batch in batches.items():
            await producer.send_batch(batch, topic, partition=number)
        await producer.flush()
    finally:
        await producer.stop()


async def watch(bootstrap: str, topic: str, contender: Contender, process: subprocess.Popen[bytes]) -> Measured:
    """Until everything is applied. The topic is read only when it rests: reading takes processor time too."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_uncommitted")
    await consumer.start()
    appended: Appended = []
    spent: Spent = []
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer.assign(partitions)
    await consumer.seek_to_beginning()
    began = moved_at = time.monotonic()
    known: dict[TopicPartition, int] = {}
    try:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            if process.poll() is not None:
                raise RuntimeError(f"{contender.name} ended with {process.returncode}")
            spent.append((int(time.time() * 1_000), processor_seconds(process.pid)))
            now, ends = time.monotonic(), await consumer.end_offsets(partitions)
            if now - began > ROUND_SECONDS_MAX or now - moved_at > STILL_SECONDS_MAX:
                raise TimeoutError(f"{contender.name}: not done after {now - began:.0f} s")
            if ends != known:
                known, moved_at = ends, now
            elif now - moved_at > REST_SECONDS and any(ends.values()):
                await _read_until(consumer, ends, appended)
                progress = contender.progress(sorted(appended, key=lambda each: each[0]))
                if sum(count for _, count in progress) >= contender.events:
                    return measured(progress, spent)
    finally:
        await consumer.stop()


async def _read_until(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int], appended: Appended) -> None:
    for partition, end in ends.items():
        while await consumer.position(partition) < end:
            for found in (await consumer.getmany(timeout_ms=100)).values():
                appended += [(each.timestamp, each.partition, each.key, each.value) for each in found]


async def compete(bootstrap: str, contender: Contender, prefix: str, made: list[Event], folder: Path) -> Measured:
    topics = contender.topics(prefix)
    await create_topics(bootstrap, topics[0], partitions=PARTITIONS)
    state = BROKER_TIME | {"cleanup.policy": "compact"}
    await create_topics(bootstrap, topics[1], partitions=PARTITIONS, configs=state)
    await create_topics(bootstrap, *topics[2:], partitions=PARTITIONS, configs=BROKER_TIME)
    await fill(bootstrap, topics[0], made)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLA_")}
    with (folder / f"{prefix}.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs meanwhile
            contender.command,
            env=environment | contender.environment(bootstrap, prefix),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            return await watch(bootstrap, topics[1], contender, process)
        except (RuntimeError, TimeoutError):
            print((folder / f"{prefix}.log").read_text(errors="replace")[-3_000:], file=sys.stderr)
            raise
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(12)
        return
    process.kill()
    process.wait()


FIGURES = ("whole", "middle", "cost")


def told(name: str, found: list[Measured]) -> str:
    whole, middle, cost = ([getattr(each, figure) for each in found] for figure in FIGURES)
    return (
        f"{name:<16}{statistics.median(whole):>8,.0f} events/s ({min(whole):,.0f} to {max(whole):,.0f})   "
        f"middle{statistics.median(middle):>8,.0f} ({min(middle):,.0f} to {max(middle):,.0f})   "
        f"processor{statistics.median(cost):>6,.0f} µs an event ({min(cost):,.0f} to {max(cost):,.0f})"
    )


def compared(ours_: list[Measured], others: list[Measured], figure: str) -> list[float]:
    """Ours over theirs, round by round; of costs theirs over ours, so that more is better everywhere."""
    ratios = [getattr(one, figure) / getattr(other, figure) for one, other in zip(ours_, others, strict=True)]
    return [1 / ratio for ratio in ratios] if figure == "cost" else ratios


async def run(arguments: argparse.Namespace, bootstrap: str, folder: Path) -> dict[str, object]:
    contenders = [ours(arguments.events), plain_faust(arguments.faust_events)]
    until = int(time.time() * 1e6) - 60_000_000
    found: dict[str, list[Measured]] = {each.name: [] for each in contenders}
    for number in range(arguments.rounds):
        for place, contender in enumerate(contenders):
            made = events(int(contender.events * 1.05), until=until, span_seconds=SPAN_SECONDS)[: contender.events]
            one = await compete(bootstrap, contender, f"bench{number}{place}", made, folder)
            found[contender.name].append(one)
            print(f"round {number + 1}  {told(contender.name, [one])}", flush=True)
    for name, each in found.items():
        print(f"median   {told(name, each)}")
    ratios = {figure: compared(*found.values(), figure) for figure in FIGURES}
    for figure, each in ratios.items():
        print(f"ratio    {figure}: {statistics.median(each):.1f} ({min(each):.1f} to {max(each):.1f})")
    return {
        "events": {each.name: each.events for each in contenders},
        "rounds": {
            name: [{f: round(getattr(one, f)) for f in FIGURES} for one in each] for name, each in found.items()
        },
        "ratios": {figure: round(statistics.median(each), 2) for figure, each in ratios.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--faust-events", type=int, default=6_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sla-monitor-bench-") as folder:
        broker = Broker(Path(folder) / "broker", port=free_port())
        broker.start()
        try:
            result = asyncio.run(run(arguments, broker.bootstrap, Path(folder)))
        finally:
            broker.stop()
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
