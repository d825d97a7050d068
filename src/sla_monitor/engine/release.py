"""Letting a tripped partition go on: its row is written anew, which its owner notices within a second."""

from __future__ import annotations

import time

from sla_monitor.config.settings import Settings
from sla_monitor.core.policy import Packs
from sla_monitor.engine.log import Log
from sla_monitor.engine.partition import Partition, Rules
from sla_monitor.engine.transactional import TransactionalJournal
from sla_monitor.errors import UnsafeState


async def release(settings: Settings, packs: Packs, number: int) -> None:
    """Opens the partition's state, which fences its owner for a moment. UnsafeState if the breaker did not trip."""
    log = Log(settings)
    await log.start()
    journal = TransactionalJournal(settings, log, number, wall=time.time)
    try:
        content = Partition(number, Rules(packs=packs))
        await journal.open(content)
        if not content.row.tripped:
            raise UnsafeState(f"partition {number} is not stopped by the breaker")
        await journal.commit(content.release())
    finally:
        await journal.close()
        await log.stop()
