"""The same plans on calendars with everything that may close or open a day otherwise, so that explanations meet it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from sla_monitor.config.calendars import CalendarRule, CountryCalendars
from sla_monitor.config.closures import read_closures
from sla_monitor.config.holiday_dates import Holidays, Kind
from sla_monitor.config.packs import country_table
from sla_monitor.core.hours import Hours
from sla_monitor.core.policy import Packs
from tests.oracle.differential import PACKS

FILE = Path(__file__).parent / "closed.ics"
DAYS = [date(year, month, 1) for year in (2024, 2025, 2026, 2027) for month in range(1, 13)]
HALF_DAYS = Kind(categories=("half_day", "optional"))
OFFICE: Hours = ((540, 765), (800, 1020))
NIGHT: Hours = ((75, 165), (780, 1200), (1320, 120))


def calendars(rule: str, hours: Hours) -> CountryCalendars:
    """Hours that change in the middle of June 2026, dates with hours of their own, worked holidays, breaks, half days,
    events of whole days and with times.
    """
    date_hours: Mapping[date, Hours] = {
        **{day.replace(day=15): ((480, 725), (840, 1380)) for day in DAYS},
        **{day.replace(day=22): () for day in DAYS},
        date(2026, 1, 1): ((600, 660),),
        date(2026, 5, 1): ((600, 840), (1380, 60)),
    }
    breaks: Mapping[date, Hours] = {
        **{day.replace(day=10): ((600, 690), (960, 1200)) for day in DAYS},
        **{day.replace(day=20): ((1410, 150),) for day in DAYS},
    }
    first = CalendarRule(
        rule=rule,
        hours=hours,
        date_hours=date_hours,
        breaks=breaks,
        holidays=Holidays(closed=Kind(categories=("bank", "public")), early=HALF_DAYS, early_minute=705),
        closures=(read_closures(FILE, FILE.name),),
    )
    later = replace(first, begins=date(2026, 6, 15), hours=((480, 1080),), holidays=Holidays(), breaks={})
    return CountryCalendars([first, later], country_table())


def closing(packs: Packs, rule: str, hours: Hours) -> Packs:
    found = calendars(rule, hours)
    return Packs(versions=tuple(replace(each, calendar_for=found.calendar_for) for each in packs.versions))


CLOSING = {False: closing(PACKS[False], "SP-HRS-1", OFFICE), True: closing(PACKS[True], "N-11", NIGHT)}
