"""What can happen to a case, told in minutes of the plan: an hour here is the plan's hour, however fast the demo runs.

Each plot is a pure function of the chance it is given; `demo/repertoire.py` says how often each is told. Here are those
about the first answer, the customer's side and changes. Longer than usual: it is a list of plots, each read on its own.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sla_monitor.demo.customers import CUSTOMERS, ENGINEERS, STANDARD, Customer

# Minutes of the plan (SP-A, SP-B, SP-C): (standard, the other plans). A test holds them to the built-in pack.
TARGET_MINUTES: Final = {"A": (60, 60), "B": (240, 120), "C": (480, 240)}
SILENCE_MINUTES: Final = {"A": 120, "B": 240}  # SP-DOWN-SILENCE, where the case is served round the clock
EFFORT_IS_LOGGED: Final = 0.3  # share of those who note their time afterwards
RULES_OF_SILENCE: Final = {"A": "SP-DOWN-A", "B": "SP-DOWN-B"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an answer to a recommended downgrade is about: the rule, and the minute its silence or attempts began."""

    rule: str
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One event of a case. `at` and `late` in minutes of the plan: since the opening, and from then to its arrival."""

    at: float
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)
    late: float = 0
    answers: Answer | None = None
    withdraws: int | None = None  # the place, in the plot, of an event that was wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case as its plot tells it. `asks`: what its opening says beside the customer's terms. `forgotten_at`: the
    minute the customer asks for erasure.
    """

    customer: Customer
    severity: str
    happenings: tuple[Happening, ...]
    access: str = ""
    asks: Mapping[str, Any] = field(default_factory=dict)
    forgotten_at: float | None = None


def target_minutes(severity: str, plan: str) -> int:
    """What the built-in plan promises as initial response."""
    standard, others = TARGET_MINUTES[severity]
    return standard if plan == STANDARD else others


def anybody(chance: random.Random) -> Customer:
    return chance.choice(CUSTOMERS)


def in_english(chance: random.Random) -> Customer:
    """A customer whose critical cases are served round the clock, so that the plot works at any hour of any day."""
    return chance.choice([each for each in CUSTOMERS if each.is_served_in_english])


def engineer(chance: random.Random) -> str:
    return chance.choice(ENGINEERS)


def responded(chance: random.Random, at: float, late: float = 0) -> Happening:
    return Happening(at=at, kind="case.responded", data={"by": engineer(chance)}, late=late)


def unreached(at: float, channel: str) -> Happening:
    return Happening(at=at, kind="case.contact_attempted", data={"reached": False, "channel": channel})


def resolved(chance: random.Random, after: float) -> Happening:
    return Happening(at=after + chance.uniform(20, 90), kind="case.resolved")


def work(chance: random.Random, since: float) -> list[Happening]:
    """Somebody works on the case for a while."""
    who = {"engineer": engineer(chance)}
    until = since + chance.uniform(10, 45)
    if chance.random() < EFFORT_IS_LOGGED:
        return [Happening(at=until, kind="case.effort_logged", data={"minutes": chance.randrange(10, 90), **who})]
    return [
        Happening(at=since, kind="case.work_started", data=who),
        Happening(at=until, kind="case.work_stopped", data=who),
    ]


# --- the first answer ---------------------------------------------------------------------------------------------


def answered(chance: random.Random) -> Case:
    """A critical case, answered in time."""
    at = chance.uniform(8, 45)
    return Case(
        customer=in_english(chance),
        severity="A",
        happenings=(responded(chance, at), *work(chance, at + 1), resolved(chance, at + 50)),
    )


def missed(chance: random.Random) -> Case:
    """A critical case that is answered after its deadline."""
    at = chance.uniform(70, 135)
    return Case(customer=in_english(chance), severity="A", happenings=(responded(chance, at), *work(chance, at + 1)))


def told_late(chance: random.Random) -> Case:
    """Answered in time, but the message comes when the breach has been said: the breach is taken back."""
    at = chance.uniform(30, 54)
    return Case(
        customer=in_english(chance),
        severity="A",
        happenings=(responded(chance, at, late=chance.uniform(86, 100) - at), resolved(chance, 100)),
    )


def mistaken(chance: random.Random) -> Case:
    """An answer that was noted on the wrong case, and is withdrawn: the deadline counts again."""
    at = chance.uniform(5, 25)
    withdrawn = Happening(at=at + chance.uniform(10, 20), kind="case.fact_withdrawn", withdraws=0)
    return Case(
        customer=in_english(chance),
        severity="A",
        happenings=(responded(chance, at), withdrawn, responded(chance, chance.uniform(50, 90))),
    )


def round_the_clock(chance: random.Random) -> Case:
    """Severity B with round-the-clock access."""
    customer = in_english(chance)
    at = target_minutes("B", customer.plan) * chance.choice((0.4, 0.7, 0.85, 0.95, 1.1))
    return Case(
        customer=customer,
        severity="B",
        access="24x7",
        happenings=(responded(chance, at), *work(chance, at + 1), resolved(chance, at + 50)),
    )


def office_hours(chance: random.Random) -> Case:
    """Severity B or C in the business hours of the customer's country, by its real calendar."""
    customer, severity = anybody(chance), chance.choice("BCC")
    at = target_minutes(severity, customer.plan) * chance.uniform(0.2, 1.2)
    return Case(
        customer=customer,
        severity=severity,
        happenings=(responded(chance, at), *work(chance, at + 1), resolved(chance, at + 50)),
    )


def native(chance: random.Random) -> Case:
    """A critical case in a language that is served in local hours only."""
    customer = chance.choice([each for each in CUSTOMERS if not each.is_served_in_english])
    return Case(customer=customer, severity="A", happenings=(responded(chance, chance.uniform(20, 120)),))


def cancelled(chance: random.Random) -> Case:
    """The customer found the cause before anybody answered."""
    at = chance.uniform(10, 50)
    return Case(
        customer=anybody(chance),
        severity=chance.choice("ABC"),
        happenings=(Happening(at=at, kind="case.cancelled"),),
    )


# --- the customer's side ------------------------------------------------------------------------------------------


def _silent(chance: random.Random) -> tuple[Customer, list[Happening], Answer, float]:
    """Answered, then support waits and hears nothing. The last: when the downgrade is recommended."""
    first = chance.uniform(4, 12)
    since = first + chance.uniform(4, 12)
    reason = {"reason": chance.choice(("information", "resources"))}
    waiting = Happening(at=since, kind="case.waiting_on_customer", data=reason)
    answer = Answer(rule=RULES_OF_SILENCE["A"], since=since)
    return in_english(chance), [responded(chance, first), waiting], answer, since + SILENCE_MINUTES["A"]


def silent(chance: random.Random) -> Case:
    """A silence breaks the commitment; a person confirms the downgrade."""
    customer, told, answer, broken = _silent(chance)
    at = broken + chance.uniform(10, 30)
    told += [Happening(at=at, kind="case.downgrade_confirmed", answers=answer), resolved(chance, at + 30)]
    return Case(customer=customer, severity="A", happenings=tuple(told))


def pardoned(chance: random.Random) -> Case:
    """A silence breaks the commitment; a person declines the downgrade, and the customer answers."""
    customer, told, answer, broken = _silent(chance)
    at = broken + chance.uniform(10, 30)
    told += [
        Happening(at=at, kind="case.downgrade_declined", answers=answer),
        Happening(at=at + 15, kind="case.customer_responded"),
        resolved(chance, at + 30),
    ]
    return Case(customer=customer, severity="A", happenings=tuple(told))


def back_again(chance: random.Random) -> Case:
    """Lowered after a silence; the customer comes back and the old severity returns."""
    customer, told, answer, broken = _silent(chance)
    at = broken + chance.uniform(10, 30)
    told += [
        Happening(at=at, kind="case.downgrade_confirmed", answers=answer),
        Happening(at=at + 20, kind="case.customer_responded"),
        Happening(at=at + 25, kind="case.severity_changed", data={"severity": "A", "by": "customer"}),
        resolved(chance, at + 60),
    ]
    return Case(customer=customer, severity="A", happenings=tuple(told))


def heard_late(chance: random.Random) -> Case:
    """The customer had answered before the silence was too long, but the message comes afterwards."""
    customer, told, answer, broken = _silent(chance)
    at = answer.since + chance.uniform(40, 100)
    told += [
        Happening(at=at, kind="case.customer_responded", late=broken + chance.uniform(26, 40) - at),
        resolved(chance, broken + 40),
    ]
    return Case(customer=customer, severity="A", happenings=tuple(told))


def unreachable(chance: random.Random) -> Case:
    """Three attempts in a row that reach nobody break the commitment at once. Then a person decides, or nobody does."""
    severity, access = chance.choice((("A", ""), ("A", ""), ("B", "24x7")))
    first = chance.uniform(4, 10)
    times = [first, first + chance.uniform(8, 14), first + chance.uniform(20, 28)]
    told = [unreached(at, channel) for at, channel in zip(times, ("phone", "phone", "e-mail"), strict=True)]
    verdict = chance.choice(("case.downgrade_confirmed", "case.downgrade_declined", ""))
    if verdict:
        answer = Answer(rule=RULES_OF_SILENCE[severity], since=first)
        told.append(Happening(at=times[-1] + chance.uniform(10, 20), kind=verdict, answers=answer))
    told.append(responded(chance, chance.uniform(70, 110)))
    return Case(customer=in_english(chance), severity=severity, access=access, happenings=tuple(told))


def proposed(chance: random.Random) -> Case:
    """A resolution is proposed, rejected, proposed again and taken."""
    at = chance.uniform(8, 40)
    return Case(
        customer=in_english(chance),
        severity=chance.choice("AAB"),
        happenings=(
            responded(chance, at),
            *work(chance, at + 1),
            Happening(at=at + 50, kind="case.resolution_proposed"),
            Happening(at=at + 80, kind="case.resolution_rejected"),
            Happening(at=at + 110, kind="case.resolution_proposed"),
            resolved(chance, at + 115),
        ),
    )


# --- changes ------------------------------------------------------------------------------------------------------


def raised(chance: random.Random) -> Case:
    """It got worse: the higher severity's target counts from the change."""
    before, customer = chance.choice("BC"), in_english(chance)
    at = chance.uniform(10, 40)
    change = {"severity": "A", "by": "customer", "reason": "more users cannot work"}
    return Case(
        customer=customer,
        severity=before,
        access="24x7" if before == "B" else "",
        happenings=(
            Happening(at=at, kind="case.severity_changed", data=change),
            responded(chance, at + chance.uniform(20, 80)),
        ),
    )


def lowered(chance: random.Random) -> Case:
    """There is a workaround: the case is B now, round the clock."""
    at = chance.uniform(15, 50)
    change = {"severity": "B", "by": chance.choice(("customer", "support")), "reason": "there is a workaround"}
    return Case(
        customer=in_english(chance),
        severity="A",
        access="24x7",
        happenings=(
            Happening(at=at, kind="case.severity_changed", data=change),
            responded(chance, at + chance.uniform(30, 150)),
        ),
    )


def moved(chance: random.Random) -> Case:
    """Other terms change while the deadline runs: plan, hours, language, place, labels, contact."""
    changes: list[tuple[str, dict[str, Any]]] = [
        ("case.plan_changed", {"plan": "unified"}),
        ("case.access_changed", {"access": "24x7"}),
        ("case.language_changed", {"language": "en", "accepts_english": True}),
        ("case.location_changed", {"country": "IE"}),
        ("case.location_changed", {"country": "IN", "timezone": "Asia/Kolkata"}),
        ("case.labels_changed", {"queue": "escalations"}),
        ("case.contact_updated", {"verified": True}),
        ("case.traits_changed", {"add": ["performance_isolated"]}),
        ("case.cause_found", {"cause": "environment"}),
    ]
    told = [
        Happening(at=chance.uniform(5, 50), kind=kind, data=data)
        for kind, data in sorted(chance.sample(changes, 3), key=lambda change: change[0])
    ]
    told.append(responded(chance, chance.uniform(60, 200)))
    return Case(customer=anybody(chance), severity=chance.choice("BBC"), happenings=tuple(told))


def forgotten(chance: random.Random) -> Case:
    """Solved, and the customer wants nothing of it kept."""
    at = chance.uniform(8, 45)
    return Case(
        customer=in_english(chance),
        severity="A",
        happenings=(responded(chance, at), Happening(at=at + 10, kind="case.closed")),
        forgotten_at=at + 40,
    )
