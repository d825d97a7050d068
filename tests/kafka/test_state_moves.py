"""The state is backed up and restored, and goes with its cases to an input of another number of partitions."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from sla_monitor.config.packs import load_packs
from sla_monitor.engine.backup import Saved, back_up
from sla_monitor.engine.layout import partition_of
from sla_monitor.engine.restoration import Restored, restore_new, restore_same
from sla_monitor.engine.topics import create_topics
from sla_monitor.errors import UnsafeState
from sla_monitor.wire.backup_file import Backup
from tests.chaos.nursery import HatchedWorker
from tests.chaos.scene import settle_state
from tests.kafka.broker import Broker
from tests.kafka.helpers import delete_topic
from tests.kafka.load import PlannedCase, assert_said_once_and_for_good, problems
from tests.kafka.test_faults import opened
from tests.kafka.world import SECOND, Event, Notice, WorkerProcess, World, a_world, eventually, now, rfc3339

BEFORE, AFTER = 2, 5  # partitions
CASES: Final = 12  # of each kind
HOUR: Final = 3_600
SAID_WITHIN_SECONDS: Final = 30.0
VERIFY: Final = (sys.executable, "-m", "sla_monitor", "verify", "--jobs", "1")
PACKS = load_packs(None)


def cases(kind: str, opened_at: int, target_seconds: int, answered_at: int | None) -> list[PlannedCase]:
    return [
        PlannedCase(
            case_id=f"{kind}-{number}", opened_at=opened_at, target_seconds=target_seconds, answered_at=answered_at
        )
        for number in range(CASES)
    ]


def openings(plan: Sequence[PlannedCase]) -> list[Event]:
    return [next(iter(case.events))[1] for case in plan]


def answers(plan: Sequence[PlannedCase]) -> list[Event]:
    return [list(case.events)[1][1] for case in plan]


def new_home(notice: Notice) -> int:
    return partition_of(notice.key or b"", AFTER)


async def worked(world: World) -> WorkerProcess:
    """A worker that has read all there is."""
    worker = world.start()
    await worker.ready()
    await world.caught_up()
    return worker


async def save(world: World, file: Path) -> Saved:
    return await back_up(world.settings, PACKS, file)


async def put_back(world: World, file: Path) -> Restored:
    return await restore_same(world.settings, PACKS, Backup(file))


async def move(world: World, file: Path) -> Restored:
    return await restore_new(world.settings, PACKS, Backup(file))


async def test_the_number_of_partitions_changes_and_nothing_is_lost_or_said_twice(
    broker: Broker, tmp_path: Path
) -> None:
    """Of cases that ended before, whose deadlines pass around the move, that are answered after it, and of one whose
    answer came before and whose opening comes after: every notice once, in both topics of notices together."""
    start = now()
    past = cases("past", start - 100 * SECOND, 10, None)
    around = cases("around", start, 3, None)
    later = cases("later", start, HOUR, start + 2 * SECOND)
    early = cases("early", start - 2 * SECOND, HOUR, start - SECOND)
    plan = [*past, *around, *later, *early]
    file = tmp_path / "state"
    async with (
        a_world(broker.bootstrap, partitions=BEFORE) as old,
        a_world(broker.bootstrap, partitions=AFTER) as new,
    ):
        old.launch = new.launch = HatchedWorker
        await old.send(*openings([*past, *around, *later]), *answers(early))
        worker = await worked(old)
        worker.terminate()
        assert await worker.ended() == 0
        said_before = await old.notices()
        saved = await save(old, file)
        assert (saved.cases, saved.unread) == (4 * CASES, ())

        assert await move(new, file) == Restored(partitions=AFTER, cases=3 * CASES, resent=CASES)
        await new.send(*openings(early), *answers(later))
        await worked(new)
        everything: list[Notice] = []
        until = start + 6 * SECOND

        async def is_said() -> bool:
            nonlocal everything
            everything = [*said_before, *await new.notices()]
            return not problems(plan, everything, until)

        await eventually(is_said, lambda: "\n".join(problems(plan, everything, until)[:20]), SAID_WITHIN_SECONDS)
        verify = new.start((*VERIFY, "--until", rfc3339(until)))
        assert await verify.ended() == 0, verify.text
        await new.send(*openings(past))  # again, as producers do
        await new.caught_up()
        everything = [*said_before, *await new.notices()]
        assert problems(plan, everything, until) == []
        assert_said_once_and_for_good(everything)
        assert said_before == await old.notices()
        assert await old.dead() == await new.dead() == []
        assert [each for each in everything[len(said_before) :] if each.partition != new_home(each)] == []


async def test_a_lost_state_comes_back_from_its_backup(broker: Broker, tmp_path: Path) -> None:
    """The topic is made anew and filled; the worker goes on where it was and says nothing again."""
    file = tmp_path / "state"
    async with a_world(broker.bootstrap, partitions=BEFORE) as world:
        world.launch = HatchedWorker
        await world.send(*map(opened, ("one", "two", "three")))
        worker = await worked(world)
        worker.terminate()
        assert await worker.ended() == 0
        await save(world, file)
        rows = await world.state()
        await delete_topic(broker.bootstrap, world.settings.topics.state)
        await create_topics(world.settings, BEFORE, 1)
        assert (await put_back(world, file)).cases == 3
        assert await world.state() == rows
        with pytest.raises(UnsafeState, match="is not empty"):
            await put_back(world, file)
        await world.send(opened("four"))
        await worked(world)
        notices = await world.notices()
        assert sorted(notice.case_id for notice in notices) == ["four", "one", "three", "two"]


async def test_no_backup_is_made_of_a_deployment_at_work(broker: Broker, tmp_path: Path) -> None:
    """What it would hold could be old before it is written."""
    file = tmp_path / "state"
    async with a_world(broker.bootstrap, partitions=1) as world:
        world.launch = HatchedWorker
        await world.start().ready()
        with pytest.raises(UnsafeState, match="1 workers run; end them first"):
            await save(world, file)
    assert not file.exists()


async def test_a_backup_that_is_older_than_what_was_said_is_refused(broker: Broker, tmp_path: Path) -> None:
    """Restored, its notices since then would be said again; moved to another input, its cases would forget them."""
    file = tmp_path / "state"
    async with a_world(broker.bootstrap, partitions=1) as world, a_world(broker.bootstrap, partitions=2) as other:
        await world.send(opened("one"))
        await settle_state(world)
        await save(world, file)
        await world.send(opened("two"))
        with pytest.raises(UnsafeState, match=r"case-events/0: went on since the backup, from 1 to 2"):
            await move(other, file)
        await settle_state(world)
        with pytest.raises(UnsafeState, match="sla-state/0: went on since the backup"):
            await move(other, file)
        await delete_topic(broker.bootstrap, world.settings.topics.state)
        await create_topics(world.settings, 1, 1)
        with pytest.raises(UnsafeState) as refused:
            await put_back(world, file)
        assert [each for each in refused.value.problems if "the group's offset 2 is ahead of the state" in each]
        assert [each for each in refused.value.problems if "more was said since the backup" in each]
        assert await world.state() == await other.state() == {}


async def test_a_move_goes_into_an_empty_input_and_with_all_that_came(broker: Broker, tmp_path: Path) -> None:
    """A record that is there already would be taken for one that was decided; one that nobody applied would be lost."""
    file, early = tmp_path / "state", tmp_path / "early"
    async with a_world(broker.bootstrap, partitions=1) as world, a_world(broker.bootstrap, partitions=2) as other:
        await world.send(opened("one"))
        assert (await save(world, early)).unread == (0,)
        with pytest.raises(UnsafeState, match=r"case-events/0: the backup lacks events that no worker had applied"):
            await move(other, early)
        await settle_state(world)
        await save(world, file)
        with pytest.raises(UnsafeState, match="into another input a backup goes with --new-input"):
            await put_back(other, file)
        await other.send(opened("two"))
        with pytest.raises(UnsafeState, match=r"case-events/[01]: is not empty"):
            await move(other, file)
        assert await other.state() == {}
