"""`backtest` of a live topic: what is committed on it, in every partition, with attributes in headers or not."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from sla_monitor.config.packs import BUILT_IN
from tests.kafka.broker import Broker
from tests.kafka.world import A_CASE, SECOND, Event, a_world, event, now

DEFAULT = BUILT_IN / "default.yaml"

pytestmark = pytest.mark.timeout(120)


async def test_a_live_topic_is_decided_under_both_packs(broker: Broker, tmp_path: Path) -> None:
    """Four cases in two partitions, answered after an hour and a half: late under one pack, in time under the other;
    an erased case is no case.
    """
    slow = tmp_path / "slow.yaml"
    text = DEFAULT.read_text("utf-8")
    slow.write_text(text.replace("{severity: A}, target: 1h}", "{severity: A}, target: 2h}"), "utf-8")
    async with a_world(broker.bootstrap, partitions=2) as world:
        began = now() - 5400 * SECOND
        cases = [f"case-{number}" for number in range(4)]
        await world.send(*(event(case, "case.opened", began, **A_CASE) for case in cases))
        await world.send(*(event(case, "case.responded", now() - SECOND) for case in cases))
        await world.send(Event(key=b"case-3", value=None))
        command = [sys.executable, "-m", "sla_monitor", "backtest", "--broker", broker.bootstrap, "--json"]
        command += ["--old", str(DEFAULT), "--new", str(slow)]
        done = await asyncio.to_thread(
            subprocess.run, command, env=world.environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        told = json.loads(done.stdout)
        assert (told["events"], told["cases"], told["dead_letters"]) == (9, 3, {"old": 0, "new": 0})
        assert [(each["case_id"], each["old"], each["new"]) for each in told["examples"]] == [
            (case, "met late", "met") for case in cases[:3]
        ]
