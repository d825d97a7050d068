"""Questions about business time from a seed: calendars with everything a question may say, around moments at which
clocks do something.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from importlib import resources
from typing import Any

from tests.business_time.walker import WEEKDAYS, zone_of

# Half-hour steps, a date that a country skipped, clocks that turn at midnight, for Ramadan, by two hours, backwards in
# winter, by a quarter of an hour; offsets with odd minutes, and local mean times with odd seconds.
ODD = {
    "Africa/Cairo": ["2010-08-11", "2026-04-24", "2026-10-30"],
    "Africa/Casablanca": ["2026-02-15", "2026-03-22"],
    "Africa/El_Aaiun": ["2030-12-22", "2031-02-02"],
    "Africa/Monrovia": ["1972-01-07"],
    "Africa/Windhoek": ["1994-03-20", "2017-10-24"],
    "America/Caracas": ["2007-12-09", "2016-05-01"],
    "America/Havana": ["2026-03-08", "2026-11-01"],
    "America/Los_Angeles": ["2026-03-08", "2026-11-01"],
    "America/Nuuk": ["2024-03-30", "2024-10-26"],
    "America/Sao_Paulo": ["2018-02-18", "2018-11-04"],
    "America/Scoresbysund": ["2024-03-31", "2026-10-25"],
    "America/St_Johns": ["1988-04-03", "2010-11-07", "2011-03-13"],
    "Antarctica/Casey": ["2010-03-05", "2023-03-09"],
    "Antarctica/Troll": ["2026-03-29", "2026-10-25"],
    "Asia/Amman": ["2022-10-28"],
    "Asia/Beirut": ["2026-03-29", "2026-10-25"],
    "Asia/Gaza": ["2026-03-28", "2026-10-31", "2040-09-01"],
    "Asia/Jerusalem": ["2026-03-27", "2026-10-25"],
    "Asia/Kathmandu": ["1986-01-01", "2026-01-01"],
    "Asia/Kolkata": ["1941-10-01", "1945-10-15"],
    "Asia/Pyongyang": ["2015-08-15", "2018-05-05"],
    "Asia/Singapore": ["1982-01-01"],
    "Asia/Tehran": ["2022-03-22", "2022-09-22"],
    "Atlantic/Azores": ["2026-03-29", "2026-10-25"],
    "Australia/Eucla": ["2009-03-29"],
    "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"],
    "Europe/Amsterdam": ["1937-07-01", "1940-05-16"],
    "Europe/Berlin": ["1945-05-24", "2026-03-29", "2026-10-25", "2100-03-28"],
    "Europe/Dublin": ["1916-05-21", "1916-10-01", "2026-03-29", "2026-10-25"],
    "Europe/London": ["1968-10-27", "2026-03-29"],
    "Europe/Volgograd": ["2018-10-28", "2020-12-27"],
    "Pacific/Apia": ["2011-12-30", "2020-04-05"],
    "Pacific/Chatham": ["2026-04-05", "2026-09-27"],
    "Pacific/Enderbury": ["1994-12-31"],
    "Pacific/Kwajalein": ["1993-08-21"],
    "UTC": ["2026-01-01"],
}
Moment = tuple[str, date]


def odd_moments() -> list[Moment]:
    return [(zone, date.fromisoformat(day)) for zone, days in ODD.items() for day in days]


def any_moment(chance: random.Random) -> Moment:
    """A day of any zone, whenever possible one on which its clocks are turned."""
    names = resources.files("tzdata").joinpath("zones").read_text("utf-8").split()
    name, year = chance.choice(names), chance.randint(1901, 2104)
    noons = [datetime(year, 1, 1, 12, tzinfo=UTC) + timedelta(days=n) for n in range(365)]
    offsets = [noon.astimezone(zone_of(name)).utcoffset() for noon in noons]
    turned = [n for n in range(1, 365) if offsets[n] != offsets[n - 1]]
    return name, noons[chance.choice(turned) if turned else chance.randrange(365)].date()


def calendar_near(chance: random.Random, moment: Moment) -> dict[str, Any]:
    """What a question says of its calendar, with exceptions on dates around the moment."""
    zone, day = moment
    near = [str(day + timedelta(days=n)) for n in range(-4, 5)]
    weekly = {name: spans(chance) for name in WEEKDAYS if chance.random() < 0.8}
    return {
        "tz": zone,
        "hours": weekly | {chance.choice(WEEKDAYS): [["09:00", "17:00"]]},
        "holidays": chance.sample(near, chance.choice([0, 0, 1, 2])),
        "date_hours": {each: spans(chance) for each in chance.sample(near, chance.choice([0, 0, 1, 2]))},
        "breaks": {each: spans(chance) for each in chance.sample(near, chance.choice([0, 0, 1, 2]))},
    }


def spans(chance: random.Random) -> list[list[str]]:
    """Up to three intervals; often around midnight and 02:00, in any order, overlapping, past midnight, all day."""
    found = []
    for _ in range(chance.choice([0, 1, 1, 1, 2, 3])):
        opens, closes = (
            chance.choice([0, 30, 60, 90, 120, 135, 150, 180, 540, 720, 1020, 1320, 1410, chance.randrange(1440)])
            for _ in range(2)
        )
        if opens < closes or (opens > closes and chance.random() < 0.5):
            found.append([hhmm(opens), hhmm(closes)])
        else:
            found.append([hhmm(min(opens, closes)), "24:00"])
    return found


def hhmm(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def questions(chance: random.Random, moment: Moment, around_seconds: int, number: int) -> Iterator[dict[str, Any]]:
    """Questions about one calendar, whose instants are at most so far from the moment."""
    calendar = calendar_near(chance, moment)
    noon = datetime(moment[1].year, moment[1].month, moment[1].day, 12, tzinfo=UTC)
    for n in range(number):
        first, second = sorted(instant(chance, noon, around_seconds) for _ in range(2))
        op = chance.choice(["add", "add", "subtract", "between", "periods"])
        asked: dict[str, Any] = {"id": n, "op": op, **calendar, "start": written(chance, first)}
        if op in {"add", "subtract"}:
            if op == "subtract":
                asked["start"] = written(chance, second)
            hours = chance.choice([0, 1, 4, 8, 12, 40, chance.random() * 30])
            asked["seconds"] = chance.choice([round(hours * 3600), round(hours * 3600), round(hours * 3600, 6)])
            asked["boundary"] = chance.choice(["closing", "opening"])
        elif op == "between" or chance.random() < 0.5:
            asked["end"] = written(chance, second)
        else:
            asked["count"] = chance.randrange(6)
        yield asked


def instant(chance: random.Random, noon: datetime, around_seconds: int) -> datetime:
    """Mostly on a quarter of an hour, so that it meets edges; sometimes on any microsecond."""
    offset = chance.uniform(-around_seconds, around_seconds)
    return noon + timedelta(seconds=round(offset, 6) if chance.random() < 0.3 else offset // 900 * 900)


def written(chance: random.Random, at: datetime) -> str:
    """RFC 3339 with any offset: which one must not matter."""
    offset = chance.choice([0, 0, 60, -480, 330, 345])
    return at.astimezone(timezone(timedelta(minutes=offset))).isoformat()
