"""What happens in one schedule, from a seed: the lives of some cases as they arrive, and what goes wrong meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from sla_monitor.engine import crash
from tests.engine.feeding import A_CASE, NINE, SOURCE, STRUCTURED, event

SECOND = 1_000_000
FAULTS_UNTIL = 40.0  # seconds of the loop; then everything is calm
UNTIL = NINE + 85 * SECOND  # nothing is due between here and hours later
HOUR = 3_600.0
AFTER: tuple[tuple[str, dict[str, Any]], ...] = (
    ("case.responded", {}),
    ("case.responded", {}),
    ("case.responded", {}),
    ("case.waiting_on_customer", {}),
    ("case.customer_responded", {}),
    ("case.contact_attempted", {"reached": False}),
    ("case.severity_changed", {"severity": "B", "by": "customer"}),
    ("case.severity_changed", {"severity": "A", "by": "customer"}),
    ("case.language_changed", {"language": "de"}),
    ("case.resolved", {}),
    ("case.closed", {}),
    ("case.cancelled", {}),
)
FAULTS = ("die", "die", "sleep", "sleep", "rebalance", "rebalance", "stop", "jump")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One record of the input, and when it is appended. `transaction`: the producer's, None if it uses none."""

    at: float
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Any = STRUCTURED
    transaction: int | None = None


@dataclass(slots=True, kw_only=True)
class Plan:
    """One schedule before it runs."""

    partitions: int
    workers: int
    arrivals: list[Arrival] = field(default_factory=list)
    transactions: list[tuple[float, str]] = field(default_factory=list)  # when each ends, and how
    faults: list[tuple[float, str, float]] = field(default_factory=list)
    crashes: list[tuple[str, int]] = field(default_factory=list)  # a point, and at which time there
    naps: list[tuple[str, int, float]] = field(default_factory=list)  # the same, and for how many seconds
    refusals: float = 0.0
    failures: float = 0.0


def plan(seed: int) -> Plan:
    """The same for the same seed."""
    chance = Random(seed)
    made = Plan(partitions=chance.choice((1, 1, 2, 3)), workers=chance.choice((1, 2, 2, 3)))
    for number in range(chance.randint(3, 7)):
        _live(made, chance, f"case-{number}")
    _disturb(made, chance)
    made.arrivals.sort(key=lambda arrival: arrival.at)
    _bundle(made, chance)
    for _ in range(chance.choice((0, 1, 2, 2, 3, 4))):
        made.faults.append((chance.uniform(1, FAULTS_UNTIL), chance.choice(FAULTS), chance.random()))
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        made.crashes.append((chance.choice(crash.POINTS), chance.choice((1, 1, 2, 3, 5, 8))))
    for _ in range(chance.choice((0, 0, 1, 1, 2))):
        nap = chance.choice((chance.uniform(0.1, 4), chance.uniform(11, 28), chance.uniform(11, 28)))
        made.naps.append((chance.choice(crash.POINTS), chance.choice((1, 1, 2, 3, 5, 8)), nap))
    made.refusals = chance.choice((0.0, 0.0, 0.02))
    made.failures = chance.choice((0.0, 0.0, 0.004))
    return made


def _live(made: Plan, chance: Random, case_id: str) -> None:
    """An opening and what follows, each somewhat late, some very; some openings never come."""
    partition = chance.randrange(made.partitions)
    is_old = chance.random() < 0.25
    opened = chance.uniform(-4 * HOUR, -60) if is_old else chance.uniform(-5, 18)
    terms: dict[str, Any] = A_CASE | {"severity": chance.choice("AAB")}
    if not is_old or chance.random() < 0.3:
        terms |= {"targets": {"initial_response": chance.randint(2, 28) if not is_old else 7_200}}
    told: list[tuple[float, str, dict[str, Any]]] = [(opened, "case.opened", terms)]
    for _ in range(chance.choice((0, 1, 1, 2, 2, 3, 4))):
        kind, data = chance.choice(AFTER)
        at = opened + (chance.uniform(60, 3 * HOUR) if is_old else chance.uniform(0.5, 35))
        told.append((min(at, FAULTS_UNTIL - 1), kind, data))
    if chance.random() < 0.06:
        del told[0]
    for number, (at, kind, data) in enumerate(told):
        identity = f"{case_id}-{number}"
        value = event(case_id, kind, NINE + int(at * SECOND), identity, **data)
        arrives = _arrives(chance, at)
        made.arrivals.append(Arrival(at=arrives, partition=partition, key=case_id.encode(), value=value))
        if chance.random() < 0.12:
            again = arrives + chance.choice((0.0, 0.01, chance.uniform(0, 15)))
            made.arrivals.append(Arrival(at=again, partition=partition, key=case_id.encode(), value=value))
        if chance.random() < 0.08:
            wrong = event(
                case_id, "case.fact_withdrawn", NINE + int(at * SECOND) + 1, f"{identity}-w", source=SOURCE, id=identity
            )
            when = _arrives(chance, at + chance.uniform(-2, 12))
            made.arrivals.append(Arrival(at=when, partition=partition, key=case_id.encode(), value=wrong))
    if chance.random() < 0.06:
        when = chance.uniform(0, FAULTS_UNTIL)
        made.arrivals.append(Arrival(at=when, partition=partition, key=case_id.encode(), value=None, headers=()))


def _arrives(chance: Random, at: float) -> float:
    kind = chance.random()
    late = 0.02 if kind < 0.4 else chance.uniform(0, 1.5) if kind < 0.75 else chance.uniform(0, 20)
    return min(max(at, chance.uniform(0, 10)) + late, FAULTS_UNTIL + 2)


def _disturb(made: Plan, chance: Random) -> None:
    """Records nobody can use, and the contradiction of one that was good."""
    for _ in range(chance.choice((0, 1, 1, 2))):
        when, partition = chance.uniform(0, FAULTS_UNTIL), chance.randrange(made.partitions)
        good = chance.choice(made.arrivals)
        bad = chance.choice(
            (
                Arrival(at=when, partition=partition, key=b"case-0", value=b"not JSON"),
                Arrival(at=when, partition=partition, key=None, value=good.value),
                Arrival(at=when, partition=partition, key=b"another", value=good.value),
                Arrival(at=when, partition=good.partition, key=good.key,
                        value=good.value and good.value.replace(b'"severity": "A"', b'"severity": "C"')),
            )
        )  # fmt: skip
        made.arrivals.append(bad)


def _bundle(made: Plan, chance: Random) -> None:
    """Some producers use transactions, which stay open for a while and are aborted now and then: then the records
    come again, in another one."""
    share = chance.choice((0.0, 0.3, 0.8))
    number = 0
    while number < len(made.arrivals):
        size = chance.randint(1, 4)
        if chance.random() < share:
            bundle = made.arrivals[number : number + size]
            ends = bundle[-1].at + chance.choice((0.01, 0.3, chance.uniform(0, 6)))
            how = chance.choice(("committed", "committed", "aborted"))
            mine = len(made.transactions)
            made.transactions.append((ends, how))
            made.arrivals[number : number + size] = [_within(arrival, mine) for arrival in bundle]
            if how == "aborted" and chance.random() < 0.5:
                made.arrivals += [_within(arrival, None, ends + 0.1) for arrival in bundle]
                made.arrivals[number + size :] = sorted(made.arrivals[number + size :], key=lambda one: one.at)
        number += size


def _within(arrival: Arrival, transaction: int | None, at: float | None = None) -> Arrival:
    return Arrival(
        at=arrival.at if at is None else at,
        partition=arrival.partition,
        key=arrival.key,
        value=arrival.value,
        headers=arrival.headers,
        transaction=transaction,
    )
