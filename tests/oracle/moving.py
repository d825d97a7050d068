"""Lives in which other versions of the plan take the open cases over: `python -m tests.oracle.moving --seeds 0..300`.

The versions are the two plans that are always there, mostly turn by turn, with instants that matter to the life: each
is unlike the other in every rule, in its clocks and in how changes count. Others are the plan before them but for their
targets or their levels, so that clocks which pause go on, with little left or nothing.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sla_monitor.core.policy import Packs, Policy
from sla_monitor.oracle import Plans
from sla_monitor.oracle.events import instant
from sla_monitor.oracle.plan import SECOND, Plan, duration
from sla_monitor.oracle.standing import written
from tests.oracle.campaign import campaign
from tests.oracle.differential import PACKS, PLANS, answered, arranged, compared, life_shown, product
from tests.oracle.lives import DAY, HOUR, CloudEvent, edges, matters, story

MODES = ("from_start", "from_start", "from_change", "keep_elapsed", "stay")
NAME = "moving"


class Otherwise(NamedTuple):
    """What of a plan is another: targets are so many times as long; levels of warnings, None: as they are written."""

    times: float
    warnings: tuple[int, ...] | None

    def of(self, target: int) -> int:
        return round(target * self.times)


AS_WRITTEN = Otherwise(1, None)


class Versions(NamedTuple):
    """The same versions for the product and for the oracle."""

    packs: Packs
    plans: Plans


def versions(seed: int, events: Sequence[CloudEvent]) -> Versions:
    """Two to four, of which some take over what is open."""
    chance = random.Random(f"versions {seed}")
    night = chance.random() < 0.5
    instants, modes = [0], ["stay"]
    for _ in range(chance.choice((1, 1, 2, 3))):
        instants.append(_instant(chance, events, night=night))
        modes.append(chance.choice(MODES))
    instants = sorted(set(instants))
    packs, plans = [], []
    chance = random.Random(f"otherwise {seed}")
    for number, (at, mode) in enumerate(zip(instants, modes, strict=False)):
        otherwise = AS_WRITTEN
        if number and chance.random() < 0.4:
            otherwise = Otherwise(chance.choice((0.05, 0.25, 1, 1, 3)), chance.choice(((), (20, 60), (75, 90))))
        elif number:
            night = not night
        packs.append(_pack(night=night, number=number, at=at, mode=mode, otherwise=otherwise))
        plans.append(_plan(night=night, number=number, at=at, mode=mode, otherwise=otherwise))
    return Versions(Packs(versions=tuple(packs)), Plans(plans))


def _instant(chance: random.Random, events: Sequence[CloudEvent], *, night: bool) -> int:
    """At an event, at an instant that matters, a microsecond beside, or anywhere in the life."""
    opening = next(event for event in events if event["type"] == "case.opened")
    begin, last = instant(opening["time"]), max(instant(event["time"]) for event in events)
    if chance.random() < 0.4:
        at = chance.choice([instant(event["time"]) for event in events])
    elif chance.random() < 0.5:
        plan = PLANS[night].at(0)
        found = sorted({*matters(plan, opening["data"], [begin, last]), *edges(plan, opening["data"], last)})
        at = chance.choice(found)
    else:
        at = begin + chance.randrange(max(1, last - begin + DAY))
    return at + chance.choice((0, 0, 0, 1, -1, HOUR))


def _pack(*, night: bool, number: int, at: int, mode: str, otherwise: Otherwise) -> Policy:
    found = PACKS[night].versions[0]
    clocks = tuple(
        replace(
            clock,
            targets=tuple(replace(each, target=otherwise.of(each.target)) for each in clock.targets),
            warnings=clock.warnings if otherwise.warnings is None else otherwise.warnings,
        )
        for clock in found.clocks
    )
    return replace(found, name=NAME, version=str(number), effective_from=at, open_cases=mode, clocks=clocks)


def _plan(*, night: bool, number: int, at: int, mode: str, otherwise: Otherwise) -> Plan:
    found = PLANS[night].at(0)
    clocks: dict[str, Any] = {}
    for name, clock in found.pack["clocks"].items():
        targets = [
            {**each, "target": f"{otherwise.of(duration(each['target'])) // SECOND}s"} for each in clock["targets"]
        ]
        levels = {} if otherwise.warnings is None else {"warnings": [*otherwise.warnings]}
        clocks[name] = {**clock, "targets": targets, **levels}
    pack = {**found.pack, "name": NAME, "version": str(number), "open_cases": mode, "clocks": clocks}
    return replace(found, pack=pack, effective_from=at)


def life(seed: int) -> list[CloudEvent]:
    """Without the label that only one of the plans asks for: no version may take over what did not keep it."""
    told = story(seed, PLANS[bool(seed % 2)].at(0))
    found = []
    for event in told:
        data = event.get("data")
        found.append(event if data is None else event | {"data": _without(data, "product")})
    return found


def _without(data: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key != name}


def told_by(seed: int) -> tuple[Versions, list[CloudEvent]]:
    """A life, and the versions that it is lived under."""
    told = life(seed)
    made = versions(seed, told)
    return made, answered(told, packs=made.packs)


def differences(seed: int) -> list[str]:
    made, events = told_by(seed)
    lines, until = arranged(seed, events)
    known = product(events, None, packs=made.packs).published
    return compared(lines, until, known, packs=made.packs, plans=made.plans)


def shown(seed: int) -> str:
    made, events = told_by(seed)
    rows = [f"  {each.version} from {written(each.effective_from)}: {each.open_cases}" for each in made.packs.versions]
    return "\n".join([*rows, life_shown(*arranged(seed, events))])


def main(arguments: Sequence[str] | None = None) -> int:
    return campaign("tests.oracle.moving", __doc__, differences, arguments, shown=shown)


if __name__ == "__main__":
    sys.exit(main())
