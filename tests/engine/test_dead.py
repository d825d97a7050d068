"""Where a dead letter goes when it is sent once more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from sla_monitor.engine import dead
from sla_monitor.engine.dead import Letter
from sla_monitor.engine.layout import partition_of

PARTITIONS = 6
KEY = b"case-1"


class Packed:
    """A batch that takes what it is given."""

    def append(self, **_: object) -> object:
        return self


@dataclass
class Producer:
    """Remembers where it was told to send."""

    sent_to: list[int] = field(default_factory=list)

    def create_batch(self) -> Packed:
        return Packed()

    async def send_batch(self, _: Packed, _topic: str, *, partition: int) -> asyncio.Future[None]:
        self.sent_to.append(partition)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


def letter(reason: str, partition: int, key: bytes | None = KEY) -> Letter:
    return Letter(
        place="dead/0/0",
        at_ms=0,
        reason=reason,
        detail="",
        topic="case-events",
        partition=partition,
        offset=0,
        key=key,
        value=b"{}",
        headers=(),
        replayed_from="",
        replaced_by={},
    )


@pytest.mark.parametrize("reason", ["future", "quarantined", "internal_error", "orphan_expired"])
async def test_a_record_goes_back_to_where_its_case_lives(reason: str) -> None:
    """Also where a producer has another partitioner: elsewhere it would be an event of a case nobody opened."""
    producer, elsewhere = Producer(), (partition_of(KEY, PARTITIONS) + 1) % PARTITIONS
    await dead._send_again(producer, "case-events", letter(reason, elsewhere), PARTITIONS)
    assert producer.sent_to == [elsewhere]


async def test_a_record_that_was_in_the_wrong_partition_goes_to_the_right_one() -> None:
    """That is all that was wrong with it; without a key there is no right one."""
    producer, home = Producer(), partition_of(KEY, PARTITIONS)
    elsewhere = (home + 1) % PARTITIONS
    await dead._send_again(producer, "case-events", letter("partition_mismatch", elsewhere), PARTITIONS)
    await dead._send_again(producer, "case-events", letter("no_key", elsewhere, None), PARTITIONS)
    assert producer.sent_to == [home, elsewhere]
