"""The oracle and the worker read the same calendars out of a pack: made-up ones, with all that a pack may say."""

from __future__ import annotations

import json
import random
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from sla_monitor.config.lock import lock_beside, resolved, written
from sla_monitor.config.pack_lock import needed_by
from sla_monitor.config.packs import load_packs
from sla_monitor.core.facts import DAY, HOUR
from sla_monitor.oracle.plan import Plans
from tests.business_time.questions import spans
from tests.config.test_closures import ics
from tests.core.test_calendar import at

PACK = Path(__file__).parents[1] / "config/faulty/closed_for_good.yaml"
PLACES = [
    ("DE", "BY", None),
    ("DE", None, "Australia/Lord_Howe"),
    ("US", "CA", "America/Havana"),
    ("EG", None, None),
    ("AU", "SA", "Australia/Adelaide"),
    ("CN", None, "America/Sao_Paulo"),
]
AROUND = [date(2026, 3, 27), date(2026, 10, 24), date(2026, 12, 30), date(2026, 4, 3)]
A_HALF_DAY = "2026-12-31"  # in South Australia
CLOSURES = ics(
    "DTSTART;VALUE=DATE:20260330\r\nDTEND;VALUE=DATE:20260401",
    "DTSTART;TZID=Europe/Berlin:20260105T100000\r\nDTEND;TZID=Europe/Berlin:20260105T113000\r\n"
    "RRULE:FREQ=WEEKLY;BYDAY=MO,FR\r\nEXDATE;TZID=Europe/Berlin:20261026T100000",
    "DTSTART:20261023T230000\r\nDTEND:20261024T030000",
    "DTSTART;VALUE=DATE:20261231\r\nSTATUS:CANCELLED",
)


def periods(chance: random.Random) -> list[str]:
    """In order, apart, the last one perhaps past midnight: as a pack may say them."""
    found: list[str] = []
    last = "00:00"
    for opens, closes in sorted(spans(chance)):
        if opens >= last and (not found or last != "24:00"):
            found.append(f"{opens}-{closes}")
            last = closes if closes > opens else "24:00"
    return found


def entry(chance: random.Random) -> dict[str, Any]:
    near = [str(chance.choice(AROUND) + timedelta(days=chance.randrange(-4, 5))) for _ in range(4)]
    found: dict[str, Any] = {"rule": "R-1", "closures": "plant.ics"}
    if chance.random() < 0.5:
        found["hours"] = periods(chance) or ["09:00-17:00"]
    else:
        found["week"] = {day: periods(chance) for day in ("mon", "wed", "fri", "sun")} | {"tue": ["08:00-12:00"]}
    found["dates"] = {day: periods(chance) for day in [*near[:2], A_HALF_DAY]}
    found["breaks"] = {day: periods(chance) for day in near[2:]}
    if chance.random() < 0.5:
        found["holidays"] = {
            "categories": chance.choice([["public"], [], ["public", "bank", "half_day"]]),
            "observed": chance.random() < 0.5,
            "half_days": chance.choice([None, {"close": "11:30"}]),
        }
    return found


def made(folder: Path, chance: random.Random) -> Path:
    entries = [entry(chance)] + [entry(chance) | {"since": str(day)} for day in AROUND if chance.random() < 0.2]
    text = re.sub(r"(?ms)^calendars:.*?(?=^\w)", "", PACK.read_text("utf-8"))
    file = folder / "pack.yaml"
    file.write_text(f"{text}calendars: {json.dumps(entries)}\nholidays: {{half_days: {{close: 12:00}}}}\n")
    (folder / "plant.ics").write_text(CLOSURES, newline="")
    return file


@pytest.mark.parametrize("locked", [False, True], ids=["resolved", "locked"])
def test_both_find_the_same_deadlines(tmp_path: Path, locked: bool) -> None:  # noqa: FBT001 # which of two
    """Weekly and dated hours, shifts past midnight, breaks, categories, half days, closures, versions, the lock."""
    chance = random.Random(11)
    for _ in range(3 if locked else 8):
        file = made(tmp_path, chance)
        lock_beside(file).unlink(missing_ok=True)
        if locked:
            needed = needed_by(file)
            lock = resolved(needed.kinds, needed.closures, sorted({place[0] for place in PLACES}), 2026, 2026)
            lock_beside(file).write_text(tampered(written(lock)))
        policy, plan = load_packs(file).versions[0], Plans.load([file]).at(0)
        for country, part, zone in PLACES:
            ours = policy.calendar_for(country, part, zone)
            theirs = plan.calendar({"country": country, "subdivision": part, "timezone": zone})
            assert ours.name == theirs.name
            assert ours.day == theirs.one_day
            for _ in range(10):
                day = chance.choice(AROUND) + timedelta(days=chance.randrange(-4, 5))
                start = at(f"{day}T00:00Z") + chance.randrange(DAY)
                budget = chance.choice([HOUR, 4 * HOUR, 8 * HOUR, chance.randrange(20 * HOUR)])
                assert ours.add(start, budget) == theirs.add(start, budget)
                assert ours.between(start, start + 5 * DAY) == theirs.between(start, start + 5 * DAY)


def tampered(lock: str) -> str:
    """Other holidays than any package says, so that it is seen who reads them."""
    changed = lock.replace("\nDE 2026 0101 ", "\nDE 2026 0105 0330 ").replace("\nEG 2026 ", "\nEG 2026 0329 ")
    return changed.replace("2026 dates 0330", "2026 dates 0329")
