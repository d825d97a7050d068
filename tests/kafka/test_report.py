"""`report` from Kafka: the notices of a worker on a real broker."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest

from tests.kafka.broker import Broker
from tests.kafka.world import A_CASE, SECOND, a_world, event, eventually, now, rfc3339

pytestmark = pytest.mark.timeout(120)


async def test_the_notices_of_a_worker_are_reported(broker: Broker) -> None:
    """A case answered in time and one answered late, in two partitions."""
    async with a_world(broker.bootstrap, partitions=2) as world:
        await world.start().ready()
        began = now() - 5400 * SECOND
        await world.send(*(event(case, "case.opened", began, **A_CASE) for case in ("case-0", "case-1", "case-2")))
        await world.send(event("case-0", "case.responded", began + 600 * SECOND))
        await world.send(event("case-1", "case.responded", began + 4000 * SECOND))
        await world.caught_up()

        async def all_said() -> bool:
            said = [notice.type for notice in await world.notices()]
            return said.count("sla.met") == 2 and said.count("sla.breached") >= 2

        await eventually(all_said, world.ends_of_logs)
        command = [sys.executable, "-m", "sla_monitor", "report", "--broker", broker.bootstrap, "--json"]
        command += ["--from", rfc3339(began), "--to", rfc3339(now() + SECOND)]
        done = await asyncio.to_thread(
            subprocess.run, command, env=world.environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        made = json.loads(done.stdout)
        [row] = made["attainment"]
        assert (row["met"], row["late"], row["breached"], row["percent"]) == (1, 1, 1, 33.33)
        late = next(each for each in made["worst"] if each["case_id"] == "case-1")
        assert late["late_seconds"] == 400
