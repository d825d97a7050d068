"""Hours of trouble in minutes: workers killed and frozen, the broker killed, a load that goes on; then one judge.

    scripts/soak --workers 3 --partitions 12 --cases 20000 --kills 60 --stops 20 --broker-restarts 5 --report soak.md

Ends by itself: 0 if nothing was found, 1 otherwise. Load and order of faults follow from the seed; what the machine
makes of them does not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.chaos import load
from tests.chaos.judge import settings_of, settled, shown
from tests.chaos.scene import SESSION_SECONDS, a_scene
from tests.kafka.broker import Broker
from tests.kafka.jars import BrokerUnavailable
from tests.kafka.world import SECOND, Notice, WorkerEnded, WorkerProcess, World, now

EXIT_FATAL: Final = 70
EXIT_KILLED: Final = -9
EXIT_USAGE: Final = 2
COORDINATOR_LOST: Final = b"is out of sync with the underlying log"  # in the broker's own log
NO_BROKER: Final = "no connection to"  # it was started while the broker was down
FROZEN_SECONDS: Final = SESSION_SECONDS + 2
LAST_DEADLINE_SECONDS: Final = 2 * load.TARGET_SECONDS[1] + 5.0
BY_TIME: Final = frozenset({"sla.warning", "sla.breached", "sla.overdue"})
LOOK_EVERY_SECONDS: Final = 0.5
SAY_EVERY_SECONDS: Final = 10.0
JUDGED_WITHIN_SECONDS: Final = 180.0
FINDINGS_QUOTED_MAX: Final = 20
FAULTS_END_AT: Final = 0.95  # of the load's time


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What is to be gone through. `minutes` is the load's time; the end comes a minute or two later."""

    workers: int = 3
    partitions: int = 12
    cases: int = 20_000
    kills: int = 60
    stops: int = 20
    broker_restarts: int = 5
    seed: int = 1
    minutes: float = 15.0
    tail_seconds: float = LAST_DEADLINE_SECONDS  # of peace before the judge


@dataclass(slots=True, kw_only=True)
class Report:
    """What was done when, and what came of it. Seconds."""

    options: Options
    faults: list[tuple[float, str]] = field(default_factory=list)
    exits: Counter[str] = field(default_factory=Counter)
    last_words: list[str] = field(default_factory=list)
    recoveries: list[float] = field(default_factory=list)
    progress: dict[str, int] = field(default_factory=dict)
    notices: dict[str, int] = field(default_factory=dict)
    lateness: dict[str, float] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    verified: dict[str, Any] = field(default_factory=dict)  # what `sla-monitor verify --json` said
    seconds: float = 0.0

    @property
    def is_clean(self) -> bool:
        return not self.findings

    def markdown(self) -> str:
        lines = ["# Soak", "", f"`{asdict(self.options)}`", "", f"{self.seconds:.0f} s in all.", ""]
        lines += ["## Findings", "", *(f"- {each}" for each in self.findings or ["none"]), ""]
        lines += ["## `sla-monitor verify`", "", f"`{json.dumps(self.verified)}`", ""]
        lines += ["## Notices", "", "| type | count |", "|---|---|"]
        lines += [f"| {kind} | {count} |" for kind, count in sorted(self.notices.items())]
        lines += ["", "## Seconds from a deadline to its notice, all faults included", "", f"`{self.lateness}`", ""]
        lines += ["## Workers", "", f"Ended with: `{dict(self.exits)}`", "", *(f"- {each}" for each in self.last_words)]
        lines += ["", f"Seconds from a fault until every partition was live: `{quantiles(self.recoveries)}`", ""]
        lines += ["## Faults", "", "| at, s | what |", "|---|---|"]
        lines += [f"| {at:.1f} | {what} |" for at, what in self.faults]
        return "\n".join(lines) + "\n"


def quantiles(values: list[float]) -> dict[str, float]:
    """Of what was measured; empty if nothing was."""
    ordered = sorted(values)
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {
        name: round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 2)
        for name, share in shares.items()
        if ordered
    }


class Soak:
    """One run."""

    def __init__(self, broker: Broker, world: World, options: Options, say: Callable[[str], None]) -> None:
        self.broker, self.world, self.options, self.say = broker, world, options, say
        self.report = Report(options=options)
        self._began = time.monotonic()
        self._chance = random.Random(options.seed)
        self._gone: set[int] = set()
        self._faulted_at: float | None = None
        self._one_restart = asyncio.Lock()

    async def run(self) -> Report:
        """Load and faults together; then peace, and the judge."""
        for _ in range(self.options.workers):
            self.world.start()
        async with asyncio.TaskGroup() as tasks:
            beside = (self._supervise(), self._mend_broker(), self._measure(), self._tell())
            helpers = [tasks.create_task(each) for each in beside]
            await self._all_live()
            start = now() + SECOND
            sent = load.lives(self.options.seed, self.options.cases, start, self.options.minutes * 60)
            playing = tasks.create_task(load.play(self.world, sent, self.report.progress))
            await self._faults()
            await playing
            self.say("the load is over; the last deadlines pass")
            await asyncio.sleep(self.options.tail_seconds)
            await self._all_live()
            self.report.findings = await settled(self.world, now(), JUDGED_WITHIN_SECONDS)
            await self._verify()
            for each in helpers:
                each.cancel()
        self._sum_up(await self.world.notices())
        return self.report

    # --- faults -----------------------------------------------------------------------------------------------------

    async def _faults(self) -> None:
        options = self.options
        todo = ["kill"] * options.kills + ["stop"] * options.stops + ["broker"] * options.broker_restarts
        self._chance.shuffle(todo)
        began, over = time.monotonic(), options.minutes * 60 * FAULTS_END_AT
        times = sorted(self._chance.uniform(0.02, 1.0) * over for _ in todo)
        for at, what in zip(times, todo, strict=True):
            await asyncio.sleep(max(0.0, began + at - time.monotonic()))
            await {"kill": self._kill, "stop": self._stop, "broker": self._restart_broker}[what]()

    async def _kill(self) -> None:
        while not (running := self._running()):
            await asyncio.sleep(0.1)
        victim = self._chance.choice(running)
        self._note(f"SIGKILL worker {victim.pid}")
        victim.kill()

    async def _stop(self) -> None:
        """As a machine that hangs; it wakes up to find that others have its partitions."""
        while not (running := self._running()):
            await asyncio.sleep(0.1)
        victim = self._chance.choice(running)
        self._note(f"SIGSTOP worker {victim.pid} for {FROZEN_SECONDS:.0f} s")
        victim.freeze()
        await asyncio.sleep(FROZEN_SECONDS)
        if victim.exit_code is None:
            victim.thaw()

    async def _restart_broker(self) -> None:
        async with self._one_restart:
            self._note("SIGKILL broker, and start it again")
            await asyncio.to_thread(self.broker.kill)
            await asyncio.to_thread(self.broker.start)

    def _note(self, what: str) -> None:
        self._faulted_at = time.monotonic()
        self.report.faults.append((round(self._faulted_at - self._began, 1), what))

    # --- beside them ------------------------------------------------------------------------------------------------

    def _running(self) -> list[WorkerProcess]:
        return [worker for worker in self.world.workers if worker.exit_code is None]

    async def _supervise(self) -> None:
        """What an orchestrator does: whoever ends is started anew."""
        while True:
            for worker in self.world.workers[:]:
                if worker.exit_code is not None and worker.pid not in self._gone:
                    self._gone.add(worker.pid)
                    self.report.exits[str(worker.exit_code)] += 1
                    if worker.exit_code != EXIT_KILLED:
                        self._quote(worker)
                    self.world.start()
            await asyncio.sleep(0.1)

    async def _mend_broker(self) -> None:
        """Also an orchestrator's work: a broker whose group coordinator has lost its way answers nobody's group again,
        until it is started anew. Kafka 4.3.1 does so now and then after a kill in the middle of offset commits.
        """
        read = 0
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            said = await asyncio.to_thread(self.broker.log.read_bytes)
            if COORDINATOR_LOST in said[read:]:
                self._note("the broker's group coordinator is out of sync with its log")
                await self._restart_broker()
                said = await asyncio.to_thread(self.broker.log.read_bytes)
            read = len(said)

    def _quote(self, worker: WorkerProcess) -> None:
        reasons = [str(line.get("reason")) for line in worker.lines if line.get("level") == "critical"]
        words = "; ".join(reasons) or worker.end_of_log()
        self.report.last_words.append(f"{time.monotonic() - self._began:.1f} s: {worker.exit_code}: {words[:400]}")
        waits_for_broker = worker.exit_code == EXIT_USAGE and NO_BROKER in words
        if worker.exit_code != EXIT_FATAL and not waits_for_broker:
            self.report.findings.append(f"a worker ended with {worker.exit_code}: {words}")

    async def _live(self) -> bool:
        """Every partition is live with exactly one worker."""
        found: list[tuple[int, str]] = []
        for worker in self._running():
            try:
                found += (await worker.states()).items()
            except WorkerEnded:
                return False
        return sorted(found) == [(number, "live") for number in range(self.world.partitions)]

    async def _measure(self) -> None:
        while True:
            faulted_at = self._faulted_at
            if faulted_at is not None and await self._live() and self._faulted_at == faulted_at:
                self.report.recoveries.append(round(time.monotonic() - faulted_at, 1))
                self._faulted_at = None
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _all_live(self) -> None:
        async with asyncio.timeout(JUDGED_WITHIN_SECONDS):
            while not await self._live():
                await asyncio.sleep(LOOK_EVERY_SECONDS)

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(SAY_EVERY_SECONDS)
            self.say(
                f"{time.monotonic() - self._began:6.0f} s  {self.report.progress.get('records', 0)} records  "
                f"{len(self.report.faults)} faults  ended: {dict(self.report.exits)}"
            )

    async def _verify(self) -> None:
        """The product's own command, with the oracle, on the deployment as it stands; workers go on meanwhile."""
        self.say("sla-monitor verify")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sla_monitor", "verify", "--json"),
            env=self.world.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complained = await process.communicate()
        if not said:
            self.report.findings.append(f"verify ended with {process.returncode}: {complained.decode()[-2_000:]}")
            return
        document = json.loads(said)
        examples = document.pop("examples", [])
        self.report.verified = document
        if process.returncode:
            self.report.findings += [f"verify: {json.dumps(each)}" for each in examples[:FINDINGS_QUOTED_MAX]]
            self.report.findings.append(f"verify ended with {process.returncode}: {document}")

    def _sum_up(self, notices: list[Notice]) -> None:
        settle = int(settings_of(self.world).settle_seconds * SECOND)
        self.report.notices = dict(Counter(each.type for each in notices))
        late = [
            (each.appended_at - each.at) / SECOND
            for each in notices
            if each.type in BY_TIME and each.value["detected"] != "correction"
        ]
        self.report.lateness = quantiles([each - settle / SECOND for each in late])
        self.report.seconds = time.monotonic() - self._began


async def soak(broker: Broker, options: Options, say: Callable[[str], None]) -> Report:
    """A deployment of its own on this broker, which is killed and started again if the options say so."""
    async with a_scene(broker.bootstrap, partitions=options.partitions) as world:
        return await Soak(broker, world, options, say).run()


def main() -> int:
    """By hand."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in asdict(Options()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    parser.add_argument("--report", type=Path, help="Markdown, or JSON if it ends so")
    arguments = vars(parser.parse_args())
    path = arguments.pop("report")
    with tempfile.TemporaryDirectory(prefix="sla-monitor-soak-") as data:
        try:
            broker = Broker(Path(data))
        except BrokerUnavailable as missing:
            print(missing, file=sys.stderr)
            return 2
        broker.start()
        try:
            report = asyncio.run(soak(broker, Options(**arguments), lambda line: print(line, flush=True)))
        finally:
            broker.kill()
    if path is not None:
        path.write_text(json.dumps(asdict(report), indent=1) if path.suffix == ".json" else report.markdown())
    print(report.markdown() if report.is_clean else shown(report.findings))
    return 0 if report.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
