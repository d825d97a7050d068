"""`explain` on a real deployment: what the worker has decided, and no more; what it set aside is set aside."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from tests.explain.checker import problems
from tests.kafka.broker import Broker
from tests.kafka.helpers import admin_of
from tests.kafka.test_replay import DEFECT
from tests.kafka.world import A_CASE, SECOND, Event, World, a_world, event, eventually, now, patched, rfc3339

pytestmark = pytest.mark.timeout(300)  # seven commands, each a process of its own


async def explain(world: World, *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    line = [sys.executable, "-m", "sla_monitor", "explain", *arguments]
    done = await asyncio.to_thread(
        subprocess.run, line, env=world.environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


async def test_a_case_is_explained_as_its_worker_decided_it(broker: Broker) -> None:
    """Breached before the answer came, as the notices say; as of the partition's watermark, or of an earlier time. Also
    when retention has removed the events: the worker's row has what is needed.
    """
    async with a_world(broker.bootstrap, partitions=1) as world:
        worker = world.start(patched(DEFECT))
        await worker.ready()
        began = now() - 5 * SECOND
        await world.send(
            event("late", "case.opened", began, **A_CASE, targets={"initial_response": 3}),
            event("gone", "case.opened", began, **A_CASE),
            event("bad", "case.opened", began, **A_CASE),
            event("bad", "case.labels_changed", began + 1, queue="x"),
            event("late", "case.severity_changed", now() + 3600 * SECOND, severity="B"),
            Event(key=b"gone", value=None),
        )
        await world.caught_up()

        async def breached() -> bool:
            return "sla.breached" in [notice.type for notice in await world.notices()]

        await eventually(breached, world.ends_of_logs)
        await world.send(event("late", "case.responded", began + 4 * SECOND))
        await world.caught_up()
        met = next(notice for notice in await world.notices() if notice.type == "sla.met")
        code, out, err = await explain(world, "late", "--json", "--broker", broker.bootstrap)
        trace = json.loads(out)
        assert (code, problems(trace)) == (0, [])
        assert "set aside: future" in err
        [life] = trace["clocks"]
        assert life["deadline"] == met.data["deadline"]
        assert life["verdict"]["state"] == "met_late"
        assert life["verdict"]["late_by_seconds"] == met.data["late_by"]
        assert rfc3339(began + 3 * SECOND) <= trace["as_of"] <= rfc3339(now())
        code, out, _ = await explain(world, "late", "--at", rfc3339(now()))
        assert code == 0
        assert "met late" in out
        reasons = {"gone": "erased at", "bad": "in quarantine", "nobody": "unknown"}
        answers = await asyncio.gather(*(explain(world, case) for case in reasons))
        for (case, why), (code, out, err) in zip(reasons.items(), answers, strict=True):
            assert (code, out) == (1, "")
            assert f"{case}: {why}" in err
        async with admin_of(broker.bootstrap) as admin:
            [end] = (await world.input_ends()).values()
            place = TopicPartition(world.settings.topics.events, 0)
            await admin.delete_records({place: RecordsToDelete(before_offset=end)})
        code, out, _ = await explain(world, "late", "--json")
        assert (code, json.loads(out)["clocks"]) == (0, trace["clocks"])
        code, _, err = await explain(world, "late", "--partition", "7")
        assert code == 2
        assert "1 partitions" in err
