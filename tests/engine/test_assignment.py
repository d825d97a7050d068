"""Which partitions are ours through rebalances: every one is revoked each time, most of them come back."""

from __future__ import annotations

import asyncio

import pytest

from sla_monitor.engine import assignment as module
from sla_monitor.engine.assignment import Assignment
from sla_monitor.engine.records import Record
from sla_monitor.engine.shard import CATCHING_UP, CLOSED, LIVE, OPENING, SUSPENDED
from tests.engine.fakes import Around, opening, settled


class Worker:
    """An assignment and what it asked for."""

    def __init__(self) -> None:
        self.around = Around()
        self.failures: list[BaseException] = []
        self.assignment = Assignment("events", self.around.surroundings, self.failures.append)

    @property
    def ours(self) -> dict[int, str]:
        return {shard.partition: shard.state for shard in self.assignment.shards}

    async def assigned(self, *partitions: int) -> None:
        await self.assignment.assigned(partitions)
        await settled()

    def committed(self, partition: int) -> list[int]:
        """The offsets its journals have committed, in order."""
        offsets = [batch.next_offset for each in self.around.journals[partition] for batch in each.committed]
        return [offset for offset in offsets if offset is not None]


async def test_assigned_partitions_open_in_the_background() -> None:
    """A long restore holds up neither the group nor the other partitions."""
    worker = Worker()
    worker.around.opens_at_once = False
    joined = [worker.assignment.joined]
    await worker.assigned(1, 0)
    joined.append(worker.assignment.joined)
    assert joined == [False, True]
    assert worker.ours == {0: OPENING, 1: OPENING}
    worker.around.journals[1][0].may_open.set()
    await settled()
    assert worker.ours == {0: OPENING, 1: CATCHING_UP}
    await worker.assignment.close()


async def test_a_batch_goes_to_the_shard_of_its_partition() -> None:
    """Also while that still opens; one for a partition that is not ours is dropped."""
    worker = Worker()
    worker.around.opens_at_once = False
    await worker.assigned(0, 1)
    worker.assignment.deliver(1, [opening(0)])
    worker.assignment.deliver(2, [opening(0)])
    worker.assignment.deliver(0, [])
    for journals in worker.around.journals.values():
        journals[0].may_open.set()
    await settled()
    assert set(worker.around.journals) == {0, 1}
    assert (worker.committed(0), worker.committed(1)) == ([], [1])
    await worker.assignment.close()


async def test_a_revoked_partition_that_comes_back_goes_on_without_a_restore() -> None:
    """The same shard, the same journal; a batch that arrives between belongs to nobody and will be fetched again."""
    worker = Worker()
    await worker.assigned(0)
    worker.assignment.deliver(0, [opening(0)])
    await settled()
    await worker.assignment.revoked([0])
    assert worker.ours == {0: SUSPENDED}
    worker.assignment.deliver(0, [opening(1, "case-2")])
    await settled()
    assert worker.committed(0) == [1]
    await worker.assigned(0)
    assert worker.ours == {0: CATCHING_UP}
    assert worker.around.journals[0][0].opened == 1
    worker.assignment.deliver(0, [opening(1, "case-2")])
    await settled()
    assert worker.committed(0) == [1, 2]
    assert len(worker.around.journals[0]) == 1
    await worker.assignment.close()


async def test_memory_is_not_trusted_when_somebody_else_has_written() -> None:
    """Another worker had the partition meanwhile: it is restored, and its records are known by their offsets."""
    worker = Worker()
    await worker.assigned(0)
    await worker.assignment.revoked([0])
    worker.around.journals[0][0].current = False
    await worker.assigned(0)
    assert worker.around.journals[0][0].opened == 2
    await worker.assignment.close()


async def test_a_partition_that_does_not_come_back_is_closed() -> None:
    """Its producer is left; should it come again, it is another shard."""
    worker = Worker()
    await worker.assigned(0, 1)
    leaving = worker.assignment.shards[0]
    await worker.assignment.revoked([0, 1])
    await worker.assigned(1)
    assert worker.ours == {1: CATCHING_UP}
    assert (leaving.partition, leaving.state, worker.around.journals[0][0].closed) == (0, CLOSED, 1)
    await worker.assigned(0, 1)
    assert len(worker.around.journals[0]) == 2
    assert worker.ours == {0: CATCHING_UP, 1: CATCHING_UP}
    await worker.assignment.close()
    assert worker.ours == {}
    assert worker.failures == []


async def test_a_revocation_waits_for_the_transaction_under_way() -> None:
    """What the next owner reads is whole."""
    worker = Worker()
    await worker.assigned(0)
    journal = worker.around.journals[0][0]
    journal.may_commit.clear()
    worker.assignment.deliver(0, [opening(0)])
    await settled()
    revocation = asyncio.create_task(worker.assignment.revoked([0]))
    await settled()
    assert not revocation.done()
    journal.may_commit.set()
    await revocation
    assert worker.committed(0) == [1]
    assert worker.ours == {0: SUSPENDED}
    await worker.assignment.close()


async def test_a_transaction_that_hangs_does_not_hold_up_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are suspended; when the partition comes back and the commit ends after all, the shard is at work
    again, and nothing that was begun before suspends it afterwards."""
    monkeypatch.setattr(module, "CLOSE_SECONDS", 0.01)
    worker = Worker()
    await worker.assigned(0, 1)
    journal = worker.around.journals[0][0]
    journal.may_commit.clear()
    worker.assignment.deliver(0, [opening(0)])
    await settled()
    await worker.assignment.revoked([0, 1])
    assert worker.ours[1] == SUSPENDED
    await worker.assigned(0, 1)
    journal.may_commit.set()
    await settled()
    assert worker.committed(0) == [1]
    assert worker.ours == {0: CATCHING_UP, 1: CATCHING_UP}
    worker.assignment.shards[0].head(1, 1)
    await settled()
    assert worker.ours[0] == LIVE
    await worker.assignment.close()


async def test_a_shard_that_does_not_end_is_left_in_the_middle_of_its_transaction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next owner's fencing aborts it; closing the others has not waited for it."""
    monkeypatch.setattr(module, "CLOSE_SECONDS", 0.01)
    worker = Worker()
    await worker.assigned(0, 1)
    worker.around.journals[0][0].may_commit.clear()
    worker.assignment.deliver(0, [opening(0)])
    await settled()
    await worker.assignment.close()
    assert worker.committed(0) == []
    assert worker.around.journals[1][0].closed == 1
    assert worker.ours == {}


async def test_a_partition_revoked_while_it_opens_is_closed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a restore that nobody needs."""
    monkeypatch.setattr(module, "CLOSE_SECONDS", 60.0)
    worker = Worker()
    worker.around.opens_at_once = False
    await worker.assigned(0)
    await worker.assignment.revoked([0])
    await worker.assigned()
    assert worker.ours == {}
    assert worker.around.journals[0][0].closed == 1
    assert worker.failures == []


async def test_a_partition_given_and_taken_at_once_is_closed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its task has hardly begun."""
    monkeypatch.setattr(module, "CLOSE_SECONDS", 0.05)
    worker = Worker()
    await worker.assignment.assigned([0])
    await worker.assignment.close()
    assert worker.ours == {}
    assert worker.around.journals[0][0].closed == 1


async def test_the_error_of_a_shard_is_told_once() -> None:
    """It must end the process; closing afterwards still works."""
    worker = Worker()
    await worker.assigned(0)
    worker.around.journals[0][0].fails = ConnectionError("gone")
    worker.assignment.deliver(0, [opening(0)])
    await settled()
    assert [str(error) for error in worker.failures] == ["gone"]
    await worker.assignment.close()
    assert len(worker.failures) == 1


async def test_revoking_what_is_not_ours_does_nothing() -> None:
    """The first rebalance revokes partitions that were never assigned."""
    worker = Worker()
    await worker.assignment.revoked([0, 1])
    await worker.assignment.revoked([])
    assert worker.ours == {}
    records: list[Record] = []
    worker.assignment.deliver(0, records)
