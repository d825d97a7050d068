"""What can happen to a case, continued: who may ask, what for, how far support goes, and whether a case comes back.

In minutes of the plan, as in `demo/plots.py`.
"""

from __future__ import annotations

import random
from typing import Any, Final

from sla_monitor.demo.customers import CUSTOMERS, ENGINEERS, STANDARD
from sla_monitor.demo.plots import Answer, Case, Happening, anybody, in_english, resolved, responded

AT_WORK: Final = 3  # engineers at once
LIMIT_MINUTES: Final = 240  # SP-EFF-PERF, SP-EFF-REPRO: of all engineers together
EAST, WEST = "JP", "BR"  # business hours there never overlap
BUILD: Final = {"build": "24.1", "environment": "production", "error": "posting fails"}


def not_allowed(chance: random.Random) -> Case:
    """Somebody asks who may not, and is told who may."""
    asks: dict[str, Any] = chance.choice(
        ({"submitted_by": "end_user"}, {"submitted_by": "end_user"}, {"has_subscription": False})
    )
    closed = Happening(at=chance.uniform(30, 90), kind="case.closed")
    return Case(customer=anybody(chance), severity=chance.choice("ABC"), asks=asks, happenings=(closed,))


def not_included(chance: random.Random) -> Case:
    """Something is asked that the plan does not have; some buy the plan that has it, and are served from then on."""
    standard = [each for each in CUSTOMERS if each.plan == STANDARD and each.is_served_in_english]
    request = chance.choice(("how_to", "rca", "advisory"))
    at = chance.uniform(15, 40)
    told = [Happening(at=at + 60, kind="case.closed")]
    if request == "advisory":
        bought = Happening(at=at, kind="case.plan_changed", data={"plan": "unified"})
        told = [bought, responded(chance, at + chance.uniform(20, 130)), resolved(chance, at + 130)]
    return Case(
        customer=chance.choice(standard),
        severity="B",
        access="24x7",
        asks={"request": request},
        happenings=tuple(told),
    )


def somebody_elses(chance: random.Random) -> Case:
    """Software of another maker is part of it; its cause is found there, and the case leaves the promise."""
    at = chance.uniform(10, 40)
    cause = {"cause": chance.choice(("partner", "third_party", "environment"))}
    found = Happening(at=at + chance.uniform(5, 60), kind="case.cause_found", data=cause)
    return Case(
        customer=in_english(chance),
        severity=chance.choice("AB"),
        access="24x7",
        asks={"traits": ["third_party"]},
        happenings=(responded(chance, at), found, resolved(chance, found.at)),
    )


def asleep(chance: random.Random) -> Case:
    """A case moves from an office in the east to one in the west. Both are called, and one of them is asleep."""
    customer = next(each for each in CUSTOMERS if each.country == EAST)
    at = chance.uniform(5, 15)

    def called(at: float, *, reached: bool) -> Happening:
        return Happening(at=at, kind="case.contact_attempted", data={"reached": reached, "channel": "phone"})

    return Case(
        customer=customer,
        severity="C",
        happenings=(
            called(at, reached=False),
            Happening(at=at + 5, kind="case.location_changed", data={"country": WEST}),
            called(at + chance.uniform(10, 20), reached=True),
            responded(chance, at + 25),
        ),
    )


def bounced(chance: random.Random) -> Case:
    """Mail comes back; the details are put right, and a person declines the downgrade that they allow."""
    at = chance.uniform(15, 30)
    answer = Answer(rule="SP-CONTACT-OK", since=at)
    return Case(
        customer=in_english(chance),
        severity="A",
        happenings=(
            responded(chance, at - 8),
            Happening(at=at, kind="case.contact_updated", data={"verified": False}),
            Happening(at=at + 20, kind="case.contact_updated", data={"verified": True}),
            Happening(at=at + 25, kind="case.downgrade_declined", answers=answer),
            resolved(chance, at + 30),
        ),
    )


def laborious(chance: random.Random) -> Case:
    """Several engineers work on what gets only so much of their time, until it is used up and the case is closed."""
    at = chance.uniform(4, 10)
    used_up = at + AT_WORK + LIMIT_MINUTES / AT_WORK
    team = chance.sample(ENGINEERS, AT_WORK)
    told = [responded(chance, at)]
    told += [
        Happening(at=at + number, kind="case.work_started", data={"engineer": who})
        for number, who in enumerate(team, 1)
    ]
    stopped = used_up + chance.uniform(2, 10)
    told += [Happening(at=stopped, kind="case.work_stopped", data={"engineer": who}) for who in team]
    told.append(Happening(at=stopped + chance.uniform(5, 20), kind="case.closed"))
    trait = chance.choice(("performance_isolated", "not_reproducible", "customised_database"))
    return Case(
        customer=in_english(chance), severity="B", access="24x7", asks={"traits": [trait]}, happenings=tuple(told)
    )


def scripted(chance: random.Random) -> Case:
    """Data are corrupted; a script may be run once it was tested."""
    at = chance.uniform(8, 40)
    return Case(
        customer=in_english(chance),
        severity="A",
        asks={"traits": ["data_corruption"]},
        happenings=(
            responded(chance, at),
            Happening(at=at + 20, kind="case.script_submitted", data={"uat_tested": False}),
            Happening(at=at + 60, kind="case.script_submitted", data={"uat_tested": True}),
            resolved(chance, at + 65),
        ),
    )


def taken_up_again(chance: random.Random) -> Case:
    """The same problem comes back and is taken up again; on another build it is a new one."""
    at = chance.uniform(8, 30)

    def reopened(at: float, **news: str) -> Happening:
        return Happening(at=at, kind="case.reopen_requested", data={"fingerprint": BUILD | news})

    return Case(
        customer=in_english(chance),
        severity="A",
        asks={"fingerprint": BUILD},
        happenings=(
            responded(chance, at),
            Happening(at=at + 10, kind="case.closed"),
            reopened(at + 20),
            responded(chance, at + 20 + chance.uniform(10, 55)),
            Happening(at=at + 80, kind="case.closed"),
            reopened(at + 90, build="24.2"),
        ),
    )
