"""How long a partition is nobody's after a SIGKILL: from the signal until another worker has it live."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from tests.chaos.scene import opening, settle_state
from tests.kafka.world import WorkerProcess, World

PARTITIONS: Final = 4
CASES_A_PARTITION: Final = 1_000
LOOK_EVERY_SECONDS: Final = 0.05
LIVE_WITHIN_SECONDS: Final = 120.0


async def open_cases(world: World, cases: int = PARTITIONS * CASES_A_PARTITION) -> None:
    """Partitions get about as many each. The cases are in the state before a worker runs."""
    await world.send(*(opening(86_400) for number in range(cases)))
    await settle_state(world)


async def balanced(world: World, *, spare: bool = False) -> None:
    """Until all partitions are live and every worker has some, or with `spare` has joined at least: three workers
    may share four partitions so that one has none.
    """
    async with asyncio.timeout(LIVE_WITHIN_SECONDS):
        while True:
            running = [worker for worker in world.workers if worker.exit_code is None]
            found = [await worker.states() for worker in running]
            numbers = sorted(number for each in found for number in each)
            states = {state for each in found for state in each.values()}
            if (spare or all(found)) and numbers == list(range(world.partitions)) and states == {"live"}:
                return
            await asyncio.sleep(LOOK_EVERY_SECONDS)


async def failover_seconds(world: World, victim: WorkerProcess, heir: WorkerProcess) -> float:
    """The victim's partitions are live with the heir after that."""
    lost = await victim.states()
    assert lost, "it had no partition to lose"
    began = time.monotonic()
    victim.kill()
    async with asyncio.timeout(LIVE_WITHIN_SECONDS):
        while True:
            states = await heir.states()
            if len(states) == world.partitions and all(states[number] == "live" for number in lost):
                return time.monotonic() - began
            await asyncio.sleep(LOOK_EVERY_SECONDS)
