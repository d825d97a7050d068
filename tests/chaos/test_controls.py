"""A judge that always says yes proves nothing: take one protection away, and the same judge must find what it cost.

Each scenario is played twice, with the product as it is and with one of its protections taken out of the worker's
process. Nothing hangs on luck: what must happen in between is waited for.
"""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from tests.chaos.judge import judged, settled, shown
from tests.chaos.scene import SESSION_SECONDS, a_scene, answer, garbage, opening, settle_state
from tests.kafka.broker import Broker
from tests.kafka.helpers import set_config
from tests.kafka.world import SECOND, World, eventually, now, patched

WITHIN_SECONDS: Final = 40.0
EXIT_FATAL: Final = 70
NOTHING_TAKEN: Final = ""

# A transactional id of its own for each process, and memory is always believed: nobody is ever fenced.
WITHOUT_FENCE: Final = """
import os
from aiokafka import AIOKafkaProducer
from sla_monitor.engine.transactional import TransactionalJournal
made = AIOKafkaProducer.__init__
def alone(self, *arguments, transactional_id=None, **options):
    made(self, *arguments, transactional_id=transactional_id and f"{transactional_id}-{os.getpid()}", **options)
AIOKafkaProducer.__init__ = alone
async def always(self):
    return True
TransactionalJournal.is_current = always
"""

# What makes a zombie: the watchdog that would end it is gone, and a commit begins when a file says so.
ZOMBIE: Final = """
import asyncio, os
from sla_monitor.engine.transactional import TransactionalJournal
from sla_monitor.engine.watchdog import Watchdog
Watchdog.look = lambda self: None
commit = TransactionalJournal.commit
async def waits(self, batch):
    if batch.notices:
        open({about!r}, "w").close()
        while not os.path.exists({go!r}):
            await asyncio.sleep(0.02)
    return await commit(self, batch)
TransactionalJournal.commit = waits
"""

# What the broker answered to a batch is not asked.
WITHOUT_ANSWERS: Final = """
from sla_monitor.engine.transactional import TransactionalJournal
send_all = TransactionalJournal._send_all
async def unanswered(self, producer, batch):
    for future in await send_all(self, producer, batch):
        future.add_done_callback(lambda done: done.exception())
    return []
TransactionalJournal._send_all = unanswered
"""

# Time passes by the wall clock, whatever lies unread in the log.
WITHOUT_GATE: Final = """
from sla_monitor.engine.shard import Shard
async def always(self, end):
    return True
Shard._is_complete = always
"""

# Fetched records take their time: as behind a large backlog, and always.
SLOW_FETCHING: Final = """
import asyncio
from sla_monitor.engine.shard import Shard
offer = Shard.offer
Shard.offer = lambda self, records: asyncio.get_running_loop().call_later(3.0, offer, self, records) and None
"""

# The group's offset is committed by nobody in the transaction, and where the state stands is forgotten.
WITHOUT_APPLIED: Final = """
from aiokafka import AIOKafkaProducer
from sla_monitor.engine.partition import Partition
from sla_monitor.engine import transactional
async def nothing(*arguments, **options):
    pass
AIOKafkaProducer.send_offsets_to_transaction = nothing
transactional.verify_position = nothing
restored = Partition.restored
def forgotten(self):
    restored(self)
    self.row.applied = -1
Partition.restored = forgotten
"""


def taken(protection: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("protection", [NOTHING_TAKEN, protection], ids=["as it is", "control"])


def assert_judged(findings: list[str], protection: str, word: str) -> None:
    """Clean with everything in place; without the protection the judge says so, in this word."""
    if protection:
        assert any(word in line for line in findings), f"the judge did not notice: {shown(findings)}"
    else:
        assert findings == [], shown(findings)


@taken(WITHOUT_FENCE)
async def test_fence(broker: Broker, protection: str) -> None:
    """A worker is frozen with a batch decided and not committed. Another takes over and says it all. The first wakes
    up and commits: only the fence makes that impossible."""
    async with a_scene(broker.bootstrap) as world:
        about, go = world.folder / "about", world.folder / "go"
        zombie = world.start(patched(protection + ZOMBIE.format(about=str(about), go=str(go))))
        await zombie.ready()
        await world.send(opening(3_600), opening(3_600))
        await eventually(about.exists, zombie.end_of_log, WITHIN_SECONDS)
        zombie.freeze()
        heir = world.start(patched(protection))
        await heir.ready(partitions=1)
        await world.caught_up()
        assert await settled(world, now(), WITHIN_SECONDS) == []
        await asyncio.to_thread(go.touch)
        zombie.thaw()
        if protection:
            await eventually(lambda: is_repeated(world), world.ends_of_logs, WITHIN_SECONDS)
        else:
            await asyncio.sleep(SESSION_SECONDS)
        assert_judged(await judged(world, now()), protection, "said twice")


async def is_repeated(world: World) -> bool:
    return any("said twice" in line for line in await judged(world, now()))


@taken(WITHOUT_ANSWERS)
async def test_awaited_answers(broker: Broker, protection: str) -> None:
    """The broker refuses a batch of notices. Whoever does not ask commits the offset without them."""
    async with a_scene(broker.bootstrap) as world:
        worker = world.start(patched(protection))
        await worker.ready()
        await world.send(opening(3_600))
        await world.caught_up()
        await set_config(broker.bootstrap, world.settings.topics.notices, max_message_bytes="100")
        await world.send(opening(3_600))
        if protection:
            await world.caught_up()
            worker.kill()
        else:
            assert await worker.ended() == EXIT_FATAL
        await set_config(broker.bootstrap, world.settings.topics.notices, max_message_bytes="1048588")
        world.start()
        await world.caught_up()
        found = await settled(world, now(), 3.0 if protection else WITHIN_SECONDS)
        assert_judged(found, protection, "missing")


@taken(WITHOUT_GATE)
async def test_watermark(broker: Broker, protection: str) -> None:
    """Deadlines passed while nobody ran; the answers, given in time, wait in the log and are slow to come."""
    async with a_scene(broker.bootstrap) as world:
        began = now() - 20 * SECOND
        cases = [opening(10, began) for _ in range(20)]
        await world.send(*cases)
        await settle_state(world)
        await world.send(*(answer(each, began + 5 * SECOND) for each in cases))
        await asyncio.sleep(1.0)  # more than the judge forgives between a record's stamp and its being there
        world.start(patched(SLOW_FETCHING + protection))
        await world.caught_up(WITHIN_SECONDS)
        found = await settled(world, now(), 3.0 if protection else WITHIN_SECONDS)
        assert_judged(found, protection, "judged too early")
        breaches = [each for each in await world.notices() if each.type == "sla.breached"]
        assert bool(breaches) == bool(protection), "taken back later, but said"


@taken(WITHOUT_APPLIED)
async def test_applied_position(broker: Broker, protection: str) -> None:
    """A restart without the position that the state itself has: what is read again is set aside again."""
    async with a_scene(broker.bootstrap) as world:
        first = world.start(patched(protection))
        await first.ready()
        await world.send(opening(3_600), garbage(), opening(3_600))
        await eventually(lambda: has_dead(world, 1), world.ends_of_logs, WITHIN_SECONDS)
        assert await settled(world, now(), WITHIN_SECONDS) == []
        first.kill()
        second = world.start(patched(protection))
        await second.ready()
        await world.send(garbage())
        await eventually(lambda: has_dead(world, 3 if protection else 2), world.ends_of_logs, WITHIN_SECONDS)
        assert_judged(await judged(world, now()), protection, "dead letters: should not be there")


async def has_dead(world: World, count: int) -> bool:
    return len(await world.dead()) >= count
