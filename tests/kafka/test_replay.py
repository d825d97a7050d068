"""Dead letters looked at and sent once more, and a case that comes out of its quarantine: the operator's way back."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from tests.kafka.broker import Broker
from tests.kafka.test_faults import started
from tests.kafka.world import A_CASE, SECOND, Event, World, a_world, event, eventually, now, patched

pytestmark = pytest.mark.timeout(300)  # a dozen commands, each a process of its own

DEFECT = """
from sla_monitor.core.case import CaseState
real = CaseState.apply
def apply(self, fact):
    if self.case_id in {"bad", "worse"} and type(fact.body).__name__ == "LabelsChanged":
        raise RuntimeError("made up")
    return real(self, fact)
CaseState.apply = apply
"""


async def command(world: World, *arguments: str, exit_code: int = 0) -> str:
    """What a command prints."""
    line = [sys.executable, "-m", "sla_monitor", *arguments]
    done = await asyncio.to_thread(
        subprocess.run, line, env=world.environment | {"COLUMNS": "200"}, capture_output=True, check=False
    )
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert done.returncode == exit_code, said
    return said


async def document(world: World, *arguments: str, exit_code: int = 0) -> Any:
    return json.loads(await command(world, *arguments, "--json", exit_code=exit_code))


async def test_what_was_dead_is_folded_when_it_is_replayed(broker: Broker) -> None:
    """An event from the future, once its time has come; the same bytes, key and headers, and a header that says
    whence. Again it is a duplicate; what is wrong in itself is a dead letter again, one for one."""
    async with a_world(broker.bootstrap, partitions=2, SLA_FUTURE_TOLERANCE_SECONDS="1") as world:
        worker = world.start()
        await worker.ready(partitions=2)
        soon = event("early", "case.opened", now() + 6 * SECOND, **A_CASE)
        headers = (("trace", b"\xff\x00"), ("dead-offset", b"a producer's own"))
        sent = Event(key=soon.key, value=soon.value, headers=headers)
        wrong = Event(key=b"wrong", value=b"no JSON \xff\x1b[31m")
        [place, _] = await world.send(sent, wrong)
        await world.caught_up()
        listed = await document(world, "dead", "list")
        assert {(each["reason"], each["count"]) for each in listed["counts"]} == {("future", 1), ("not_json", 1)}
        assert len(listed["newest"]) == 2
        assert (await document(world, "dead", "list", "--case", "early"))["counts"] == [
            {"reason": "future", "partition": place.partition, "count": 1}
        ]
        assert "not_json" in await command(world, "dead", "list")
        at = f"{place.partition}:{place.offset}"
        shown = await command(world, "dead", "show", at)
        assert "reason     future" in shown
        assert "header     trace: \\xff" in shown
        assert (await command(world, "dead", "show", at, "--raw")).encode() == soon.value
        await command(world, "dead", "show", f"{place.partition}:{place.offset + 1000}", exit_code=1)
        await command(world, "dead", "replay", exit_code=2)
        assert await document(world, "dead", "replay", "--dry-run") == {
            "dry_run": True,
            "sent": {"future": 1, "not_json": 1},
            "replaced": 0,
            "done_with": 0,
        }
        assert len(await world.dead()) == 2
        await asyncio.sleep(6)
        for done_with, dead in ((0, 3), (1, 4)):
            replayed = await document(world, "dead", "replay", "--yes")
            assert (replayed["sent"], replayed["done_with"]) == ({"future": 1, "not_json": 1}, done_with)
            await world.caught_up()
            assert len(await world.dead()) == dead
        assert started(await world.notices()) == {"early": 1}
        assert await worker.metric('sla_events_without_effect_total{reason="duplicate"}') == 1
        [first, again, _] = [each for each in await world.dead() if each.key == b"wrong"]
        assert again.value == first.value == wrong.value
        whence = f"{first.topic}/{first.partition}/{first.offset}".encode()
        assert [value for name, value in again.headers if name == "dead-replayed-from"] == [whence]
        assert worker.exit_code is None


async def test_a_case_is_released_and_what_came_meanwhile_is_replayed(broker: Broker) -> None:
    """With the defect it fails again and stays; without, its events go on, and the worker that owns the partition
    notices by itself: nothing else happens there."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        worker = world.start(patched(DEFECT))
        await worker.ready()
        began = now()
        await world.send(event("bad", "case.opened", began, **A_CASE))
        await world.send(event("bad", "case.labels_changed", began + 1, queue="x"))
        await world.send(event("worse", "case.opened", began, **A_CASE))
        await world.send(event("worse", "case.labels_changed", began + 1, queue="x"))
        await world.send(event("bad", "case.closed", began + 2), event("well", "case.opened", began, **A_CASE))
        await world.caught_up()
        listed = await document(world, "quarantine", "list")
        assert [tuple(each.values())[:3] for each in listed] == [
            ("bad", 0, "RuntimeError"),
            ("worse", 0, "RuntimeError"),
        ]
        assert "RuntimeError" in await command(world, "quarantine", "list")
        await command(world, "quarantine", "release", "bad", "well", exit_code=2)
        assert await document(world, "quarantine", "list") == listed
        worker.terminate()
        assert await worker.ended() == 0

        worker = world.start()
        await worker.ready()
        assert (await command(world, "quarantine", "release", "bad", "worse", "bad")).count("goes on") == 2
        assert await document(world, "quarantine", "list") == []
        await eventually(lambda: nobody_in_quarantine(worker), worker.end_of_log)
        assert worker.exit_code is None
        replayed = await document(world, "dead", "replay", "--case", "bad", "--yes")
        assert replayed["sent"] == {"internal_error": 1, "quarantined": 1}
        await world.caught_up()
        kinds = [each.type for each in await world.notices() if each.case_id == "bad"]
        assert kinds == ["sla.clock.started", "case.quarantined", "sla.clock.stopped", "sla.met"]
        assert started(await world.notices()) == {"bad": 1, "well": 1, "worse": 1}
        assert len(await world.dead()) == 3
        await command(world, "quarantine", "release", "bad", exit_code=2)


async def nobody_in_quarantine(worker: Any) -> bool:
    return bool(await worker.metric('sla_quarantined_cases{partition="0"}') == 0)


async def test_a_record_that_was_not_kept_cannot_be_replayed(broker: Broker) -> None:
    """Only its size and hash are left; it is counted, and the exit code says so."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        worker = world.start()
        await worker.ready()
        zipped = AIOKafkaProducer(
            bootstrap_servers=broker.bootstrap, compression_type="gzip", max_request_size=64 << 20
        )
        await zipped.start()
        try:
            await zipped.send_and_wait(world.settings.topics.events, b"x" * (4 << 20), key=b"large", partition=0)
        finally:
            await zipped.stop()
        await world.caught_up()
        listed = await document(world, "dead", "list")
        assert listed["counts"] == [{"reason": "too_large", "partition": 0, "count": 1}]
        assert "not kept" in await command(world, "dead", "show", "0:0")
        replayed = await document(world, "dead", "replay", "--yes", exit_code=1)
        assert (replayed["sent"], replayed["replaced"]) == ({}, 1)
        assert await world.input_ends() == {0: 1}
