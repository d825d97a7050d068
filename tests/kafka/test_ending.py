"""A worker that is asked to end does so in order, whenever it is asked: exit 0, and no traceback.

An orchestrator may ask in the first second: it gave a pod another node, or a roll-out was taken back.
"""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

import sla_monitor.__main__
from tests.chaos.nursery import HatchedWorker
from tests.kafka.broker import Broker
from tests.kafka.world import a_world, patched

WHILE_IMPORTING = """
import os, signal, sys
class Asks:
    def find_spec(self, name, *_):
        if name == "faust":
            os.kill(os.getpid(), signal.SIGTERM)
sys.meta_path.insert(0, Asks())
"""
WHEN_CALLED = """
import os, signal
import {module} as module
of = module.{owner}
there = of.{name}
async def asks(*given, **named):
    os.kill(os.getpid(), signal.SIGTERM)
    return await there(*given, **named)
of.{name} = asks
"""


def when(module: str, name: str) -> str:
    """The worker asks itself, when it comes to this coroutine."""
    owner, _, method = name.rpartition(".")
    return WHEN_CALLED.format(module=f"sla_monitor.engine.{module}", owner=owner, name=method)


async def test_a_worker_that_is_asked_while_it_imports(broker: Broker) -> None:
    """As in the first second of its life."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        worker = world.start(patched(WHILE_IMPORTING))
        assert (await worker.ended(), worker.text) == (0, "")


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("kafka", "AIOKafkaAdminClient.start"),  # the checks before the start
        ("log", "Log.start"),  # Faust runs, and nothing of ours
        ("app", "health.serve"),
        ("app", "Worker.start"),
        ("transactional", "TransactionalJournal.open"),  # a partition came
    ],
)
async def test_a_worker_that_is_asked_while_it_starts(broker: Broker, module: str, name: str) -> None:
    """Whatever has begun by then is closed, the rest does not begin."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        world.launch = HatchedWorker
        worker = world.start(patched(when(module, name)))
        assert await worker.ended() == 0, worker.text
        assert "Traceback" not in worker.text
        assert [line for line in worker.lines if line["level"] in {"error", "critical"}] == []


def test_people_and_tests_start_it_by_the_same_entry_point() -> None:
    """Its name, and `python -m`: else only one of them would take care of the signal."""
    [command] = entry_points(group="console_scripts", name="sla-monitor")
    assert command.value == f"{sla_monitor.__main__.__name__}:main"
