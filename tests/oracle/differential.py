"""The worker's decisions against the oracle's, on made-up lives: `python -m tests.oracle.differential --seeds 0..300`.

The worker's side is `simulate`: its own code, on a clock of the file's own.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sla_monitor.config.packs import load_packs
from sla_monitor.core.policy import Packs
from sla_monitor.engine.records import DeadLetter
from sla_monitor.engine.simulation import Simulation
from sla_monitor.oracle import Judgement, LogRecord, Plans, Standing, judge, standing_of_notice
from sla_monitor.oracle.events import instant
from sla_monitor.oracle.standing import written
from tests.oracle.campaign import campaign
from tests.oracle.lives import DAY, HOUR, CloudEvent, edges, matters, shuffled, story

NIGHT = Path(__file__).parent / "night.yaml"
PLANS = {False: Plans.load(), True: Plans.load([NIGHT])}
PACKS = {False: load_packs(None), True: load_packs(NIGHT)}
ARRIVAL = {"future", "too_late", "orphan_expired", "orphan_overflow"}
NOT_STANDING = {"sla.retracted", "case.forgotten", "case.quarantined", "case.history_folded"}
ANSWERS = {"case.downgrade_confirmed", "case.downgrade_declined"}
Published = dict[str, Standing]


class Said(NamedTuple):
    standing: list[Standing]
    published: Published  # by id, also those that were retracted
    dead: dict[int, str]


def product(lines: Sequence[CloudEvent], until: int | None, *, night: bool = False, packs: Packs | None = None) -> Said:
    """`packs`: others than the two that are always there."""
    notices: list[dict[str, Any]] = []
    dead: dict[int, str] = {}

    def bury(letter: DeadLetter) -> None:
        dead[letter.offset] = letter.reason

    encoded = [json.dumps(line).encode() for line in lines]
    Simulation(packs or PACKS[night], lambda notice: notices.append(json.loads(notice.value)), bury).run(encoded, until)
    gone = {notice["data"]["retracts"] for notice in notices if notice["type"] == "sla.retracted"}
    told = {notice["id"]: standing_of_notice(notice) for notice in notices if notice["type"] not in NOT_STANDING}
    return Said([found for name, found in told.items() if name not in gone], told, dead)


def oracle(
    lines: Sequence[CloudEvent], until: int, set_aside: dict[int, str], published: Published, plans: Plans
) -> Judgement:
    records = [
        LogRecord(offset, until // 1_000, line["subject"].encode(), json.dumps(line).encode())
        for offset, line in enumerate(lines)
        if arrival(line) <= until
    ]
    return judge("CASE-1", records, plans=plans, now=until, set_aside=set_aside, published=published)


def arrival(line: CloudEvent) -> int:
    return instant(str(line.get("arrivedat") or line["time"]))


def answered(events: Sequence[CloudEvent], *, night: bool = False, packs: Packs | None = None) -> list[CloudEvent]:
    """Answers name the id of a recommendation; which ids there are by then, the worker tells."""
    found: list[CloudEvent] = []
    for event in events:
        if event["type"] in ANSWERS:
            said = product(found, instant(event["time"]), night=night, packs=packs)
            ids = [name for name, notice in said.published.items() if notice.kind == "severity.downgrade_recommended"]
            wish = event["data"]["recommendation"]
            chosen = "nothing" if wish == "unknown" or not ids else ids[-1] if wish == "last" else ids[0]
            event = {**event, "data": {"recommendation": chosen}}  # noqa: PLW2901
        found.append(event)
    return found


def end(chance: random.Random, events: Sequence[CloudEvent], *, night: bool) -> int:
    """Where time ends: in the middle of the life, at an instant that matters, or long after."""
    opening = next(event for event in events if event["type"] == "case.opened")
    last = max(instant(event["time"]) for event in events)
    roll = chance.random()
    if roll < 0.5:
        return last + chance.choice((DAY, 12 * DAY, 40 * DAY))
    plan, known = PLANS[night].at(0), opening["data"]
    begin = instant(opening["time"])
    found = sorted({begin, *matters(plan, known, [begin, last]), *edges(plan, known, last)})
    ahead = [at for at in found if at >= begin]
    return chance.choice(ahead) + chance.choice((0, 0, 1, -1, HOUR))


def arranged(seed: int, events: Sequence[CloudEvent]) -> tuple[list[CloudEvent], int]:
    """Lines in an order of arrival, with the time of each arrival, and where time ends."""
    chance = random.Random(f"arranged {seed}")
    until = end(chance, events, night=is_night(seed))
    if seed % 3 == 0:
        return list(events), until
    lines = shuffled(events, seed)
    times = sorted(instant(line["time"]) for line in lines)
    if seed % 3 == 1:  # late: one came when another happened, all within the horizon
        arrivals = [min(at, times[0] + 5 * DAY) for at in times]
        if times[-1] - times[0] > 20 * HOUR:  # an orphan waits a day
            arrivals = [times[0] + (20 * HOUR // len(lines)) * count for count in range(len(lines))]
    else:  # early: what happens is known before
        arrivals = [times[0]] * len(lines)
    lines = [{**line, "arrivedat": written(at)} for line, at in zip(lines, arrivals, strict=True)]
    return lines, max(until, arrivals[-1])


def differences(seed: int) -> list[str]:
    night = is_night(seed)
    events = told_by(seed)
    lines, until = arranged(seed, events)
    known = product(events, None, night=night).published
    return compared(lines, until, known, packs=PACKS[night], plans=PLANS[night])


def is_night(seed: int) -> bool:
    """Every fourth life is lived under the other plan."""
    return seed % 4 == 3


def told_by(seed: int) -> list[CloudEvent]:
    night = is_night(seed)
    return answered(story(seed, PLANS[night].at(0)), night=night)


def compared(
    lines: Sequence[CloudEvent],
    until: int,
    known: Published | None = None,
    *,
    packs: Packs = PACKS[False],
    plans: Plans = PLANS[False],
) -> list[str]:
    said = product(lines, until, packs=packs)
    published = {**(known or {}), **said.published}
    set_aside = {offset: reason for offset, reason in said.dead.items() if reason in ARRIVAL}
    judged = oracle(lines, until, set_aside, published, plans)
    found = [
        f"one id, two meanings: {name}"
        for name, notice in said.published.items()
        if (known or {}).get(name, notice)[:5] != notice[:5]
    ]
    if judged.dead | set_aside != said.dead:
        found.append(f"dead letters: the product {said.dead}, the oracle {judged.dead}")
    ours, theirs = listed(judged.standing), listed(said.standing)
    for key in sorted(ours.keys() | theirs.keys()):
        mine, other = ours.get(key, []), theirs.get(key, [])
        if mine != other:
            found.append(told(key, mine, other))
    return found


def listed(notices: Sequence[Standing]) -> dict[tuple[str, str, int, int], list[str]]:
    found: dict[tuple[str, str, int, int], list[str]] = {}
    for notice in notices:
        key = (notice.subject, notice.kind, notice.level, notice.at)
        found.setdefault(key, []).append(json.dumps(notice.data, sort_keys=True))
    return {key: sorted(value) for key, value in found.items()}


def told(key: tuple[str, str, int, int], mine: list[str], other: list[str]) -> str:
    subject, kind, level, at = key
    about = f"{written(at)} {kind} {subject} {level}"
    if not mine:
        return f"{about}: only the product says it: {other}"
    if not other:
        return f"{about}: only the oracle says it: {mine}"
    if len(mine) != len(other):
        return f"{about}: {len(other)} times by the product, {len(mine)} times by the oracle"
    diffs = []
    for one, two in zip(mine, other, strict=True):
        a, b = json.loads(one), json.loads(two)
        diffs += [
            f"{name}: product {b.get(name)!r}, oracle {a.get(name)!r}" for name in a | b if a.get(name) != b.get(name)
        ]
    return f"{about}: {'; '.join(diffs)}"


def shown(seed: int) -> str:
    return life_shown(*arranged(seed, told_by(seed)))


def life_shown(lines: Sequence[CloudEvent], until: int) -> str:
    rows = []
    for line in lines:
        sequence = f" #{line['sequence']!r}" if "sequence" in line else ""
        late = f" (arrives {line['arrivedat']})" if "arrivedat" in line else ""
        name = f"{line['source']} {line['id']}"
        rows.append(f"  {line['time']} {line['type']} {json.dumps(line.get('data'))} {name}{sequence}{late}")
    return "\n".join([*rows, f"  until {written(until)}"])


def main(arguments: Sequence[str] | None = None) -> int:
    return campaign("tests.oracle.differential", __doc__, differences, arguments, shown=shown)


if __name__ == "__main__":
    sys.exit(main())
