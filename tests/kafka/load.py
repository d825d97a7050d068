"""A load whose every notice is known beforehand: cases with own targets, answered in time, late or never.

What must stand is worked out here from the plan alone, by the plan's rules in plain words: a warning at 75 and 90
percent of the target, a breach at the target, overdue at 150 and 200 percent, each unless answered strictly before;
an answer stops the clock and is a target met, late or not.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from tests.kafka.world import A_CASE, SECOND, Event, Notice, World, event, eventually, instant, now, standing

TARGET_SECONDS: Final = range(3, 13)
DUPLICATES: Final = 0.05  # of all events, sent again with the same id
MARGIN: Final = SECOND  # before the level that it prevents an answer is sent at the latest, whatever its own time: on a
# busy machine a record takes a while into the log, and real clocks must not decide what is said
LATE_AT_LEAST: Final = SECOND // 10
BEFORE_DEADLINE_PERCENT: Final = (75, 90)
OVERDUE_PERCENT: Final = (150, 200)
LEVELS: Final = (*BEFORE_DEADLINE_PERCENT, 100, *OVERDUE_PERCENT)
LAST_NOTICE_SECONDS_MAX: Final = 20.0


class Said(NamedTuple):
    """One notice about one case, as far as a plan can know it."""

    type: str
    at: int
    level: int = 0
    late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCase:
    """Instants are microseconds since the epoch. `answered_at`: None for never."""

    case_id: str
    opened_at: int
    target_seconds: int
    answered_at: int | None

    @property
    def deadline(self) -> int:
        return self.opened_at + self.target_seconds * SECOND

    @property
    def events(self) -> Iterator[tuple[int, Event]]:
        """When each is sent, and what."""
        opened = event(
            self.case_id,
            "case.opened",
            self.opened_at,
            event_id=f"{self.case_id}-opened",
            **A_CASE,
            targets={"initial_response": self.target_seconds},
        )
        yield self.opened_at, opened
        if self.answered_at is not None:
            answer = event(self.case_id, "case.responded", self.answered_at, event_id=f"{self.case_id}-answered")
            levels = (self.opened_at + self.target_seconds * SECOND * level // 100 for level in LEVELS)
            following = min((at for at in levels if at >= self.answered_at), default=self.answered_at + MARGIN)
            yield min(self.answered_at, following - MARGIN), answer

    @property
    def notices(self) -> Counter[Said]:
        """Everything that will ever stand about it."""

        def percent(level: int) -> int:
            return self.opened_at + self.target_seconds * SECOND * level // 100

        timed = [Said("sla.warning", percent(level), level) for level in BEFORE_DEADLINE_PERCENT]
        timed.append(Said("sla.breached", self.deadline))
        timed += [Said("sla.overdue", percent(level), level) for level in OVERDUE_PERCENT]
        said = [Said("sla.clock.started", self.opened_at)]
        said += [each for each in timed if self.answered_at is None or self.answered_at > each.at]
        if self.answered_at is not None:
            said.append(Said("sla.clock.stopped", self.answered_at))
            said.append(Said("sla.met", self.answered_at, late=self.answered_at > self.deadline))
        return Counter(said)


def planned(seed: int, cases: int, start: int, over_seconds: float) -> list[PlannedCase]:
    """Opened evenly over that time from `start`; a third each answered in time, late, never."""
    chance = random.Random(seed)
    made = []
    for number in range(cases):
        opened_at = start + int(number * over_seconds * SECOND / cases)
        target = chance.choice(TARGET_SECONDS)
        deadline = opened_at + target * SECOND
        answers = (
            deadline - 1 if number % 10 == 0 else chance.randint(opened_at + SECOND // 5, deadline - 1),
            chance.randint(deadline + LATE_AT_LEAST, deadline + 4 * SECOND),
            None,
        )
        case = PlannedCase(
            case_id=f"case-{number}",
            opened_at=opened_at,
            target_seconds=target,
            answered_at=answers[chance.randrange(len(answers))],
        )
        made.append(case)
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """How the machine did meanwhile. `tardiest`: from when an event was to be sent to its acknowledgement; `ack_p99`:
    from when it was sent. Seconds."""

    tardiest: float
    ack_p99: float


async def play(world: World, plan: Iterable[PlannedCase], seed: int) -> Played:
    """Sends every event at its own time, and some again up to two seconds later."""
    chance = random.Random(seed)
    due = [each for case in plan for each in case.events]
    again = chance.sample(due, int(len(due) * DUPLICATES))
    due += [(at + chance.randint(0, 2 * SECOND), sent) for at, sent in again]
    due.sort(key=lambda each: each[0])
    tardiest, acknowledged, count = 0, [0], 0
    while count < len(due):
        await asyncio.sleep(max(0.005, (due[count][0] - now()) / SECOND))
        began = now()
        ready = [each for at, each in due[count:] if at <= began]
        if ready:
            await world.send(*ready)
            acknowledged.append(now() - began)
            tardiest = max(tardiest, now() - due[count][0])
            count += len(ready)
    assert tardiest < MARGIN, f"an event was {tardiest / SECOND} s late: this machine is too busy to judge anybody"
    return Played(tardiest=tardiest / SECOND, ack_p99=percentile_99(acknowledged) / SECOND)


def percentile_99(values: Iterable[float]) -> float:
    """The value that one in a hundred exceeds."""
    ordered = sorted(values)
    return ordered[math.ceil(0.99 * len(ordered)) - 1]


def said(notices: Iterable[Notice]) -> dict[str, Counter[Said]]:
    """What stands, by case."""
    found: dict[str, Counter[Said]] = {}
    for each in standing(notices):
        words = Said(each.type, each.at, int(each.data.get("level", 0)), bool(each.data.get("late", False)))
        found.setdefault(each.case_id, Counter())[words] += 1
    return found


def problems(plan: Iterable[PlannedCase], notices: Iterable[Notice], until: int) -> list[str]:
    """What is missing of all up to the instant `until`, and what stands that should not, one line each."""
    found, lines = said(notices), []
    for case in plan:
        stands = found.pop(case.case_id, Counter())
        missing = [each for each in (case.notices - stands).elements() if each.at <= until]
        lines += [f"{case.case_id}: missing {each}" for each in missing]
        lines += [f"{case.case_id}: should not stand: {each}" for each in (stands - case.notices).elements()]
    return lines + [f"{case_id}: nobody opened it" for case_id in found]


async def notices_of(world: World, plan: list[PlannedCase], until: int) -> list[Notice]:
    """All notices, once everything up to `until` is said; AssertionError with what is wrong if that takes too long."""
    notices: list[Notice] = []

    async def is_said() -> bool:
        nonlocal notices
        notices = await world.notices()
        return not problems(plan, notices, until)

    def otherwise() -> str:
        wrong = problems(plan, notices, until)
        return "\n".join([f"{len(wrong)} problems", *wrong[:20], world.ends_of_logs()])

    await eventually(is_said, otherwise, LAST_NOTICE_SECONDS_MAX)
    return notices


def assert_said_once_and_for_good(notices: Iterable[Notice]) -> None:
    """No id twice for a reader of committed records, no retraction, each under its case's key, each breach about its
    deadline."""
    notices = list(notices)
    repeated = [each for each, count in Counter(notice.id for notice in notices).items() if count > 1]
    assert repeated == []
    assert [notice.value for notice in notices if notice.type == "sla.retracted"] == []
    assert [notice.value for notice in notices if notice.key != notice.case_id.encode()] == []
    breaches = [notice for notice in notices if notice.type == "sla.breached"]
    assert [notice.value for notice in breaches if notice.at != instant(notice.data["deadline"])] == []
