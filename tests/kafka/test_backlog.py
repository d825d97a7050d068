"""A worker that was away: what waits for it is judged by when it happened, and does not fill its memory."""

from __future__ import annotations

import json
from pathlib import Path

from tests.kafka.broker import Broker
from tests.kafka.test_faults import opened, started
from tests.kafka.world import A_CASE, SECOND, Event, WorkerProcess, World, a_world, envelope, event, eventually, now

EVENT_BYTES = 250_000  # few and large: what fills memory is bytes, and these are produced in seconds
BACKLOG_BYTES = 250_000_000  # 600 MB, run by hand, made the same peak of 119 MB and took a busy machine a minute
RESIDENT_BYTES_MAX = 200_000_000  # ~90 MB idle; 8 MB of queue a partition, fetches of 1 MB: the backlog would not fit
DOWN_SECONDS = 120


def peak_resident_bytes(worker: WorkerProcess) -> int:
    """The most it ever had."""
    for line in Path(f"/proc/{worker.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def padded(case_id: str) -> Event:
    """As large as producers make them; the worker has no use for the rest."""
    small = envelope(case_id, "case.opened", now(), **A_CASE)
    return Event(key=case_id.encode(), value=json.dumps(small | {"padding": "x" * EVENT_BYTES}).encode())


async def test_a_large_backlog_does_not_fill_the_memory(broker: Broker) -> None:
    """Fetching waits for folding: memory has a bound, whatever the backlog."""
    count = BACKLOG_BYTES // EVENT_BYTES
    async with a_world(broker.bootstrap, partitions=2) as world:
        for first in range(0, count, 100):
            await world.send(*(padded(f"case-{number}") for number in range(first, min(count, first + 100))))
        worker = world.start()
        await worker.ready(60)
        await eventually(lambda: applied(worker, count), world.ends_of_logs, 60)
        peak = peak_resident_bytes(worker)
        print(f"peak resident {peak / 1e6:.0f} MB of a backlog of {BACKLOG_BYTES / 1e6:.0f} MB")
        assert peak < RESIDENT_BYTES_MAX
        assert sum(started(await world.notices()).values()) == count


async def applied(worker: WorkerProcess, count: int) -> bool:
    return await worker.metric('sla_events_total{type="case.opened"}') == count


def kinds(notices: list[tuple[str, str, int]], case_id: str) -> list[tuple[str, int]]:
    return [(kind, at) for case, kind, at in notices if case == case_id]


async def verdicts(world: World) -> list[tuple[str, str, int]]:
    """Case, kind and instant of each breach, target met and retraction."""
    wanted = {"sla.breached", "sla.met", "sla.retracted"}
    return [(each.case_id, each.type, each.at) for each in await world.notices() if each.type in wanted]


async def test_an_answer_that_waits_in_the_backlog_is_in_time(broker: Broker) -> None:
    """Two minutes without a worker. Deadlines passed meanwhile; where the answer lies in the backlog and came before
    the deadline there is no breach and nothing to take back. What was missed is breached at its deadline."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        down_at = now() - DOWN_SECONDS * SECOND
        deadline = down_at + 60 * SECOND
        for case in ("answered", "missed", "late"):
            target = {"initial_response": 90}
            await world.send(event(case, "case.opened", deadline - 90 * SECOND, **A_CASE, targets=target))
        await world.send(*map(opened, (f"noise-{number}" for number in range(3_000))))
        await world.send(
            event("answered", "case.responded", deadline - 1),
            event("late", "case.responded", deadline + SECOND),
        )
        worker = world.start()
        await worker.ready()
        await world.caught_up()
        await eventually(lambda: has(world, "missed"), world.ends_of_logs)
        found = await verdicts(world)
        assert kinds(found, "answered") == [("sla.met", deadline - 1)]
        assert kinds(found, "missed") == [("sla.breached", deadline)]
        assert kinds(found, "late") == [("sla.breached", deadline), ("sla.met", deadline + SECOND)]


async def test_a_restart_reads_the_backlog_before_it_judges(broker: Broker) -> None:
    """The worker knew the cases, was killed, and their deadlines passed. Of those answered in time meanwhile, none is
    breached, although the restored timers were due at once."""
    async with a_world(broker.bootstrap, partitions=1, SLA_SESSION_TIMEOUT_SECONDS="2") as world:
        first = world.start()
        await first.ready()
        began = now()
        deadline = began + 8 * SECOND
        target = {"initial_response": 8}
        names = [f"case-{number}" for number in range(40)]
        await world.send(*(event(name, "case.opened", began, **A_CASE, targets=target) for name in names))
        await world.caught_up()
        first.kill()
        assert now() < deadline, "too slow to mean anything"
        answered_at = now()
        await world.send(*map(opened, (f"noise-{number}" for number in range(2_000))))
        await world.send(*(event(name, "case.responded", answered_at) for name in names[::2]))
        await eventually(lambda: now() > deadline, str)
        world.start()
        await eventually(lambda: has(world, names[-1]), world.ends_of_logs)
        await world.caught_up()
        found = await verdicts(world)
        for name in names[::2]:
            assert kinds(found, name) == [("sla.met", answered_at)]
        for name in names[1::2]:
            assert kinds(found, name) == [("sla.breached", deadline)]


async def has(world: World, case_id: str) -> bool:
    return any(each.case_id == case_id and each.type == "sla.breached" for each in await world.notices())
