"""The stories of the scenarios in a real deployment: all of a pack in one topic, read by one worker that was away.

They lie in the past, on days that are what they are about (holidays, weekends, changes of clocks). So the worker comes
when all has happened, as on the day on which a deployment begins: it reads history, and must say what the stories say.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pytest

from sla_monitor.config.packs import load_packs
from sla_monitor.core.notices import FORGOTTEN, HISTORY, HISTORY_FOLDED, KINDS, QUARANTINED
from sla_monitor.oracle import Standing, standing_of_notice
from sla_monitor.oracle.events import instant
from tests.kafka.broker import Broker
from tests.kafka.world import Event, Notice, World, a_world, event, eventually, now, rfc3339, standing
from tests.scenarios.stories import ROOT, USUAL, Story, by_the_core, problems, stories

SAID_SECONDS_MAX: Final = 30
KEPT_DAYS: Final = "3660"  # the most: stories are not forgotten however long ago they were
LAST: Final = "the last one"  # a case whose deadline comes after all others
URGENT: Final[dict[str, dict[str, Any]]] = {  # served round the clock, so that a second is a second: by pack
    "": USUAL | {"severity": "A", "targets": {"initial_response": 1}},
    "docs/examples/hosting.yaml": USUAL | {"severity": "urgent", "plan": "basic", "targets": {"first_reply": 1}},
}
ELSEWHERE: Final = {FORGOTTEN, QUARANTINED, HISTORY_FOLDED}  # of the worker's own doings, which no story is about


@dataclass(frozen=True)
class Told:
    """A story as a case of its own, and all that stands at its end by the pure core."""

    story: Story
    case_id: str
    events: Sequence[dict[str, Any]]
    stands: Counter[str]

    def wrong(self, notices: Sequence[Notice]) -> list[str]:
        """What the story says otherwise than these notices of its case, up to its end."""
        found = [standing_of_notice(each.value) for each in standing(notices) if each.at <= self.story.end]
        lines = problems(self.story, found)
        lines += [f"missing {each}" for each in (self.stands - written(found)).elements()]
        lines += [f"should not stand: {each}" for each in (written(found) - self.stands).elements()]
        return [f"{self.story.story}: {line}" for line in lines]


def written(notices: Sequence[Standing]) -> Counter[str]:
    return Counter(json.dumps(notice, sort_keys=True) for notice in notices)


def told(pack_file: str) -> list[Told]:
    """Every story of a pack as it is shipped that has come to its end."""
    packs, found = load_packs(ROOT / pack_file if pack_file else None), []
    for number, story in enumerate(stories()):
        if story.pack_file == pack_file and not story.pack and story.end < now():
            stands, events = by_the_core(story, packs, f"story-{number}")
            found.append(Told(story, f"story-{number}", events, written(stands)))
    return found


def in_time(chosen: Sequence[Told]) -> Iterator[Event]:
    """The events of all stories as they happened, one story among the others."""
    happened: list[tuple[int, Event]] = []
    for each in chosen:
        at = 0
        for found in each.events:
            at = max(at, instant(found["time"]))  # within a story the order is the story's
            happened.append((at, Event(key=each.case_id.encode(), value=json.dumps(found).encode())))
    yield from (sent for _, sent in sorted(happened, key=lambda pair: pair[0]))


async def played(broker: Broker, pack_file: str) -> list[Notice]:
    """Every notice about the stories of a pack, once a deadline of today has been said after all of theirs."""
    chosen, began = told(pack_file), now()
    deployed = {"SLA_NOTICES_FROM": rfc3339(began), "SLA_RETENTION_DAYS": KEPT_DAYS}
    if pack_file:
        deployed["SLA_POLICY"] = str(ROOT / pack_file)
    async with a_world(broker.bootstrap, partitions=1, **deployed) as world:
        await world.send(*in_time(chosen), event(LAST, "case.opened", began, **URGENT[pack_file]))
        worker = world.start()
        await worker.ready()
        notices = await said(world)
        assert await world.dead() == []
        worker.terminate()
        assert await worker.ended() == 0
    by_case: dict[str, list[Notice]] = {each.case_id: [] for each in chosen}
    for notice in notices:
        by_case[notice.case_id].append(notice)
    assert [line for each in chosen for line in each.wrong(by_case[each.case_id])] == []
    assert {notice.value["detected"] for notice in notices if notice.at < began} == {HISTORY}
    return [notice for notice in notices if notice.at <= began]


async def said(world: World) -> list[Notice]:
    """What stands in the topic when the breach of today does: one partition fires in the order of deadlines."""
    notices: list[Notice] = []

    async def is_over() -> bool:
        nonlocal notices
        notices = await world.notices()
        return any(each.case_id == LAST and each.type == "sla.breached" for each in notices)

    await eventually(is_over, world.ends_of_logs, SAID_SECONDS_MAX)
    return [each for each in notices if each.case_id != LAST]


@pytest.mark.timeout(120)
async def test_stories_end_in_a_real_deployment_as_they_say(broker: Broker) -> None:
    """Nothing is missing, nothing more stands, to the last field; marked as history, because today the deployment
    begins. Between them they have a notice of every type."""
    both = await asyncio.gather(*(played(broker, pack_file) for pack_file in URGENT))
    assert {notice.type for notices in both for notice in notices} == set(KINDS) - ELSEWHERE
