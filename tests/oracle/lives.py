"""Made-up lives of cases, a seed each: most of what happens, happens when it matters, or a microsecond beside.

The instants that matter are computed with the oracle's own hours: deadlines, warnings, limits of silence, opening and
closing, changes of clocks, holidays, and those of what was changed meanwhile.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from sla_monitor.oracle.events import instant
from sla_monitor.oracle.hours import ROUND_THE_CLOCK, BusinessHours, micros
from sla_monitor.oracle.plan import Plan, Plans, duration
from sla_monitor.oracle.reopening import months_later
from sla_monitor.oracle.shapes import FINGERPRINT, RELEASES, REQUESTS, TRAITS
from sla_monitor.oracle.standing import written

CloudEvent = dict[str, Any]
SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
PLACES: tuple[tuple[str, tuple[str | None, ...], tuple[str | None, ...]], ...] = (
    ("US", (None, "CA", "TX"), (None, "America/New_York", "Pacific/Honolulu")),
    ("CA", (None, "QC", "CA-ON"), (None, "America/Toronto")),
    ("JP", (None,), (None, "Europe/Berlin")),
    ("DE", (None, "BY", "DE-BE", "ZZ"), (None, "Europe/Berlin", "Asia/Tokyo")),
    ("AU", (None, "NSW", "WA"), (None, "Australia/Perth", "Australia/Lord_Howe")),
    ("BR", (None, "SP"), (None, "America/Manaus")),
    ("MX", (None,), (None, "America/Tijuana")),
    ("GB", (None, "SCT"), (None,)),
    ("AE", (None,), (None,)),
    ("KW", (None,), ("Europe/Berlin", "Europe/London")),
    ("EG", (None,), (None, "Africa/Cairo", "Europe/Berlin")),
    ("IL", (None,), (None, "Europe/London", "America/New_York")),
    ("IR", (None,), (None,)),
    ("BN", (None,), (None,)),
    ("IN", (None, "MH"), (None,)),
    ("NP", (None,), (None,)),
    ("NZ", (None, "AUK"), (None, "Pacific/Chatham")),
    ("RU", (None,), (None, "Asia/Vladivostok")),
    ("CL", (None,), (None, "Pacific/Easter")),
    ("AQ", (None,), (None,)),
)
LANGUAGES = ("en", "en", "en-GB", "EN-us", "de", "ja", "zh-Hant", "fr-CA", "ru", "pl", "uk")
SEVERITIES = "AABBBC"
ENDS = ("case.resolved", "case.closed", "case.cancelled")
LABOURED = ("performance_isolated", "not_reproducible", "customised_database")  # what gets little engineer time
ENGINEERS = ("eve", "eve", "dan", "joe")
REASONS = ("information", "resources", "proposed_resolution")
CAUSES = ("service", "custom_code", "partner", "third_party", "environment", "other")
PLANS = ("standard", "standard", "professional_direct", "unified")
PRODUCTS = ("finance", "sales", "")
NIGHTS = (
    "2026-03-08",
    "2026-03-29",
    "2026-10-25",
    "2026-11-01",
    "2025-10-05",
    "2026-04-05",
    "2024-09-08",
    "2026-04-23",
)
SUNDAYS = ("2026-03-29", "2026-03-29", "2026-10-25", "2026-10-25", "2026-03-08", "2026-11-01")
HOLIDAYS = (
    "2026-01-01",
    "2026-04-03",
    "2026-05-01",
    "2026-07-03",
    "2026-12-24",
    "2027-12-30",
    "2026-09-21",
    "2026-06-24",
)
PAUSED_TWICE_EVERY = 20  # lives; the last of them, which the night desk serves: only its clocks pause
NAMED = ("last", "last", "last", "last", "first", "unknown")  # which recommendation an answer names, see `differential`


def place(chance: random.Random) -> dict[str, str]:
    country, subdivisions, zones = chance.choice(PLACES)
    found = {"country": country, "subdivision": chance.choice(subdivisions), "timezone": chance.choice(zones)}
    return {name: value for name, value in found.items() if value is not None}


def terms(chance: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {
        "severity": chance.choice(SEVERITIES),
        "plan": chance.choice(PLANS),
        "language": chance.choice(LANGUAGES),
        "submitted_by": "admin",
        **place(chance),
    }
    if chance.random() < 0.4:
        found["access"] = chance.choice(("24x7", "24x7", "business_hours"))
    for name in ("accepts_english", "accepts_translation"):
        if chance.random() < 0.15:
            found[name] = chance.random() < 0.7
    found |= nature(chance)
    if chance.random() < 0.15:
        found["targets"] = {"initial_response": chance.choice((900, 5400, 1800.5, 28_800, 72_000.25, 1.5))}
        if chance.random() < 0.3:
            found["targets"] = {"resolution": chance.choice((3_600, 60_000))}
    return found


def nature(chance: random.Random) -> dict[str, Any]:
    """Who asks, for what, and what the problem is like: mostly the usual."""
    found: dict[str, Any] = {}
    unusual: tuple[tuple[str, float, tuple[Any, ...]], ...] = (
        ("submitted_by", 0.12, ("service_admin", "owner", "delegated_admin", "end_user", "end_user")),
        ("request", 0.2, REQUESTS),
        ("release", 0.2, RELEASES[1:]),
        ("channel", 0.08, ("other_agreement",)),
        ("has_subscription", 0.07, (False,)),
        ("product", 0.2, PRODUCTS),
        ("contact_verified", 0.1, (False,)),
    )
    for name, share, values in unusual:
        if chance.random() < share:
            found[name] = chance.choice(values)
    if found.get("request") == "rca":
        found["published_incident"] = chance.random() < 0.5
    if chance.random() < 0.5:
        found["fingerprint"] = fingerprint(chance)
    if chance.random() < 0.25:
        found["traits"] = chance.sample(TRAITS, chance.choice((1, 1, 2, 3)))
    elif chance.random() < 0.12:
        found["traits"] = [chance.choice(LABOURED)]
    return found


def fingerprint(chance: random.Random) -> dict[str, str]:
    return {part: chance.choice(("one", "one", "one", "two")) for part in chance.sample(FINGERPRINT, 3)}


def start(chance: random.Random, country: str) -> int:
    """Clocks change on Sundays: where these are working days, that is what happens more often."""
    sundays = country in {"EG", "IL", "KW"}
    roll = chance.random() * (0.35 if sundays else 1)
    if roll < 0.25:
        day = date.fromisoformat(chance.choice(SUNDAYS if sundays else NIGHTS)) - timedelta(
            days=chance.choice((0, 1, 1, 2, 3))
        )
    elif roll < 0.5:
        day = date.fromisoformat(chance.choice(HOLIDAYS)) - timedelta(days=chance.choice((0, 1, 1, 2, 4)))
    else:
        day = date(2026, 1, 1) + timedelta(days=chance.randrange(400))
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return micros(midnight) + chance.choice((chance.randrange(24 * 60) * 60 * SECOND, chance.randrange(DAY)))


def edges(plan: Plan, known: dict[str, Any], since: int) -> list[int]:
    """Opening, closing and, where the case is served in them, the ends of holidays around an instant."""
    hours = plan.hours(known | {"severity": "C"})
    if not isinstance(hours, BusinessHours):
        return []
    today = date(1970, 1, 1) + timedelta(microseconds=since)
    days = [today + timedelta(days=count) for count in range(-1, 6)]
    near = [today + timedelta(days=count) for count in range(-6, 7)]
    off = [day for day in near if hours.closed(day)]
    beside = [day + timedelta(days=step) for day in off for step in (-1, 1)]
    return [edge for day in [*days, *beside] for interval in hours.open_on(day) for edge in interval]


def matters(plan: Plan, known: dict[str, Any], since: Sequence[int]) -> list[int]:
    """Deadlines, levels and limits of all severities, from all instants since which something may count."""
    found: list[int] = []
    written_limits = [rule["limit"] for rule in plan.pack["commitment"]["silences"]]
    limits = [duration(limit) for limit in written_limits if limit != "one_day"]
    for severity in "ABC":
        hours = plan.hours(known | {"severity": severity})
        own = known.get("targets", {}).get("initial_response")
        for begin in since:
            for target in [own * SECOND] if own else targets_of(plan):
                found += [hours.add(begin, int(target * share) // 100) for share in shares_of(plan)]
            found += [hours.add(begin, limit) for limit in (*limits, plan.calendar(known).one_day)]
            found += [ROUND_THE_CLOCK.add(begin, limit) for limit in limits]
            found += [begin + share * HOUR // 12 for share in (12, 18, 24, 36, 48)]  # three hours of one, two, three
    return found


def targets_of(plan: Plan) -> list[int]:
    return sorted({duration(rule["target"]) for clock in plan.clocks.values() for rule in clock["targets"]})


def shares_of(plan: Plan) -> list[int]:
    clock = plan.clocks["initial_response"]
    return [*clock["warnings"], 100, 100, 100, *clock["overdue"]]


def happening(chance: random.Random) -> tuple[str, dict[str, Any]]:
    kinds = {
        "case.responded": 5,
        "case.severity_changed": 18,
        "case.plan_changed": 4,
        "case.access_changed": 6,
        "case.language_changed": 5,
        "case.location_changed": 5,
        "case.waiting_on_customer": 14,
        "case.resolution_proposed": 6,
        "case.customer_responded": 9,
        "case.resolution_rejected": 3,
        "case.contact_attempted": 18,
        "case.downgrade_confirmed": 9,
        "case.downgrade_declined": 2,
        "case.resolved": 2,
        "case.closed": 1,
        "case.cancelled": 1,
        "case.work_started": 8,
        "case.work_stopped": 6,
        "case.effort_logged": 5,
        "case.labels_changed": 3,
        "case.traits_changed": 9,
        "case.cause_found": 5,
        "case.contact_updated": 4,
        "case.script_submitted": 2,
        "case.reopen_requested": 3,
    }
    kind = chance.choices(list(kinds), list(kinds.values()))[0]
    language: dict[str, Any] = {"language": chance.choice(LANGUAGES)}
    if chance.random() < 0.4:
        language["accepts_english"] = chance.random() < 0.5
    data: dict[str, dict[str, Any]] = {
        "case.severity_changed": {"severity": chance.choice("ABC")},
        "case.plan_changed": {"plan": chance.choice(PLANS)},
        "case.access_changed": {"access": chance.choice(("24x7", "business_hours"))},
        "case.language_changed": language,
        "case.location_changed": place(chance),
        "case.contact_attempted": {"reached": chance.random() < 0.2},
        "case.downgrade_confirmed": {"recommendation": chance.choice(NAMED)},
        "case.downgrade_declined": {"recommendation": chance.choice(NAMED)},
        "case.work_started": {"engineer": chance.choice(ENGINEERS)},
        "case.work_stopped": {"engineer": chance.choice(ENGINEERS)},
        "case.effort_logged": {"minutes": chance.choice((1, 20, 59.5, 60, 180, 0.00001))},
        "case.labels_changed": {"queue": "q", "product": chance.choice(PRODUCTS)},
        "case.traits_changed": traits_changed(chance),
        "case.script_submitted": {"uat_tested": chance.random() < 0.5},
        "case.reopen_requested": {"fingerprint": fingerprint(chance), "new_update_installed": chance.random() < 0.2},
        "case.contact_updated": {"verified": chance.random() < 0.4},
        "case.waiting_on_customer": {"reason": chance.choice(REASONS)} if chance.random() < 0.5 else {},
        "case.cause_found": {"cause": chance.choice(CAUSES)},
    }
    return kind, data.get(kind, {})


def traits_changed(chance: random.Random) -> dict[str, Any]:
    found = {"add": chance.sample(TRAITS, chance.choice((0, 1, 1, 2)))}
    if chance.random() < 0.5:
        found["remove"] = chance.sample(TRAITS, chance.choice((1, 2, 4)))
    return found


def story(seed: int, plan: Plan | None = None) -> list[CloudEvent]:
    """One case's events in the order of time. Answers to recommendations name "last", "first" or "unknown"."""
    chance = random.Random(seed)
    plan = plan or Plans.load().at(0)
    known = terms(chance)
    opened_at = start(chance, known["country"])
    around = edges(plan, known, opened_at)
    if around and chance.random() < 0.35:
        opened_at = near(chance, chance.choice(around))
    if seed % PAUSED_TWICE_EVERY == PAUSED_TWICE_EVERY - 1:
        known = {name: value for name, value in known.items() if name != "targets"} | {"severity": "C"}
        paused = paused_twice(chance, plan, known, opened_at)
        return [
            event(chance, number, *each) for number, each in enumerate([(opened_at, "case.opened", known), *paused])
        ]
    told: list[tuple[int, str, dict[str, Any]]] = []
    since, at, moving = [opened_at], opened_at, dict(known)
    if chance.random() < 0.05:
        told.append((opened_at - chance.randrange(1, HOUR), *happening(chance)))
    if known["severity"] < max(SEVERITIES) and chance.random() < 0.15:
        told += detour(chance, known["severity"], opened_at)
        at = told[-1][0]
    for _ in range(chance.choice((1, 2, 3, 4, 6, 8, 12))):
        kind, data = happening(chance)
        at = next_at(chance, plan, moving, since, at)
        since = [opened_at, *since[-2:], at]
        told.append((at, kind, data))
        if kind.endswith("_changed") and kind not in {"case.labels_changed", "case.traits_changed"}:
            moving |= data
        told += sequel(chance, kind, at)
        at = told[-1][0]
    if chance.random() < 0.2:
        told += afterlife(chance, plan, known, at)
    opening = event(chance, 0, opened_at, "case.opened", known)
    others = [event(chance, number, at, kind, data) for number, (at, kind, data) in enumerate(told, 1)]
    if others and chance.random() < 0.25:
        for victim in chance.sample(others, chance.choice((1, 1, min(2, len(others))))):
            later = instant(victim["time"]) + chance.choice((0, 1, HOUR, chance.randrange(2 * DAY)))
            target = {"source": victim["source"], "id": victim["id"]}
            others.append(event(chance, len(others) + 1, later, "case.fact_withdrawn", target))
    return sorted([opening, *others], key=lambda found: (instant(found["time"]), found["type"] != "case.opened"))


def afterlife(
    chance: random.Random, plan: Plan, known: dict[str, Any], at: int
) -> list[tuple[int, str, dict[str, Any]]]:
    """The case ends, somebody asks to reopen it, three months later or soon, and it lives on for a while."""
    at += chance.choice((0, HOUR, 3 * DAY, to_the_end_of_its_month(at)))
    told: list[tuple[int, str, dict[str, Any]]] = [(at, chance.choice(ENDS), {})]
    if chance.random() < 0.3:
        at += chance.randrange(2 * DAY)
        told.append((at, "case.closed", {}))
    months = next((rule["within_months"] for rule in plan.pack["reopening"] if "within_months" in rule), 3)
    late = months_later(at, months, plan.calendar(known).zone)
    at = max(at, late - chance.choice((0, 0, 1, SECOND))) if chance.random() < 0.5 else at + chance.randrange(4 * HOUR)
    same: dict[str, Any] = {"fingerprint": fingerprint(chance) if chance.random() < 0.4 else {}}
    told.append((at, "case.reopen_requested", same))
    for _ in range(chance.choice((0, 1, 3))):
        at += chance.choice((0, 1, HOUR, chance.randrange(DAY)))
        told.append((at, *happening(chance)))
    return told


def paused_twice(
    chance: random.Random, plan: Plan, known: dict[str, Any], opened_at: int
) -> list[tuple[int, str, dict[str, Any]]]:
    """The severity is raised in a second pause. Whether the target of 20 hours, counted from the start, was used up
    before that pause depends on how long the first one was.
    """
    hours = plan.hours(known | {"severity": "A"})
    worked, asked = sorted(chance.sample(range(1, 20), 2))
    first = hours.add(opened_at, worked * HOUR)
    back = hours.add(first, chance.randrange(2, 12) * HOUR)
    second = hours.add(back, (asked - worked) * HOUR)
    raised = second + chance.randrange(HOUR)
    told: list[tuple[int, str, dict[str, Any]]] = [
        (first, "case.waiting_on_customer", {}),
        (back, "case.customer_responded", {}),
        (second, "case.waiting_on_customer", {}),
        (raised, "case.severity_changed", {"severity": chance.choice("AB")}),
        (raised + chance.randrange(DAY), "case.customer_responded", {}),
        (raised + 2 * DAY, "case.resolved", {}),
    ]
    return told


def to_the_end_of_its_month(at: int) -> int:
    """Until a day that not every month has."""
    day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).day
    return max(0, 31 - day) * DAY


def sequel(chance: random.Random, kind: str, at: int) -> list[tuple[int, str, dict[str, Any]]]:
    """More of the same: attempts come in runs, and engineers do not work alone."""
    told: list[tuple[int, str, dict[str, Any]]] = []
    if kind == "case.work_started" and chance.random() < 0.6:
        told.append((at + chance.choice((0, 1, HOUR)), kind, {"engineer": chance.choice(ENGINEERS)}))
    if kind == "case.contact_attempted" and chance.random() < 0.5:
        for _ in range(chance.choice((1, 2, 2, 3))):
            at += chance.choice((0, 1, 60 * SECOND, HOUR))
            told.append((at, kind, {"reached": False}))
    return told


def detour(chance: random.Random, severity: str, at: int) -> list[tuple[int, str, dict[str, Any]]]:
    """The severity is lowered, other terms change, and it is raised again; within minutes, while the clocks run."""
    changes = {
        "case.plan_changed": {"plan": chance.choice(PLANS)},
        "case.access_changed": {"access": chance.choice(("24x7", "business_hours"))},
        "case.language_changed": {"language": chance.choice(LANGUAGES)},
        "case.location_changed": place(chance),
    }
    between = chance.sample(sorted(changes.items()), chance.choice((1, 1, 2)))
    lower = chance.choice([other for other in SEVERITIES if other > severity])
    there, back = ("case.severity_changed", {"severity": lower}), ("case.severity_changed", {"severity": severity})
    told = []
    for kind, data in (there, *between, back):
        at += chance.randrange(6 * 60 * SECOND)
        told.append((at, kind, data))
    return told


def near(chance: random.Random, at: int) -> int:
    return at + chance.choice((0, 0, 0, 1, -1, SECOND, -60 * SECOND))


def next_at(chance: random.Random, plan: Plan, known: dict[str, Any], since: Sequence[int], at: int) -> int:
    roll = chance.random()
    if roll < 0.08:
        return at  # at the same instant: sequence, source and id decide
    if roll < 0.35:
        return at + chance.choice(
            (chance.randrange(10 * 60 * SECOND), chance.randrange(5 * HOUR), chance.randrange(3 * DAY))
        )
    candidates = matters(plan, known, since) if roll < 0.85 else edges(plan, known, at)
    ahead = sorted(found for found in candidates if at <= found <= at + 12 * DAY)
    if not ahead:
        return at + chance.randrange(HOUR)
    return max(at, near(chance, chance.choice(ahead[: max(3, len(ahead) // 2)])))


def event(chance: random.Random, number: int, at: int, kind: str, data: dict[str, Any]) -> CloudEvent:
    found: CloudEvent = {
        "specversion": "1.0",
        "id": f"e{chance.randrange(100):02}-{number}",
        "source": chance.choice(("/crm", "/crm", "/phone")),
        "type": kind,
        "subject": "CASE-1",
        "time": written(at) if chance.random() < 0.7 else elsewhere(at, chance.choice((330, -210, 60, -720))),
    }
    if chance.random() < 0.3:
        found["sequence"] = chance.choice((chance.randrange(10), str(chance.randrange(10))))
    if data or chance.random() < 0.5:
        found["data"] = data
    return found


def elsewhere(at: int, minutes: int) -> str:
    """The same instant as a clock shows it that is so far ahead of UTC."""
    zone = timezone(timedelta(minutes=minutes))
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).astimezone(zone).isoformat()


def shuffled(events: Sequence[CloudEvent], seed: int) -> list[CloudEvent]:
    """Another order of arrival, with duplicates and contradictions; a withdrawal may come before what it withdraws.

    The first of two contradicting events wins by its arrival, so the other always comes right after it.
    """
    chance = random.Random(f"shuffled {seed}")
    groups: list[list[CloudEvent]] = [[found] for found in events]
    for group in groups:
        if chance.random() < 0.1:
            other = json.loads(json.dumps(group[0]))
            other["time"] = written(instant(other["time"]) + chance.choice((1, HOUR, -HOUR)))
            group.append(other)
    groups += [[json.loads(json.dumps(found))] for found in events if chance.random() < 0.15]
    mode = chance.random()
    if mode < 0.4:
        chance.shuffle(groups)
    elif mode < 0.8:  # a few come late
        for _ in range(chance.randrange(1, 4)):
            groups.insert(chance.randrange(len(groups) + 1), groups.pop(chance.randrange(len(groups))))
    return [found for group in groups for found in group]
