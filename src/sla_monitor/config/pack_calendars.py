"""The calendars of a pack: from its file, and the iCalendar files that it names, to what finds the hours of a case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import get_args

from sla_monitor.config.calendars import CalendarRule, Country, CountryCalendars, Lookup
from sla_monitor.config.closures import BadClosures, Closures, read_closures
from sla_monitor.config.holiday_dates import Holidays, Kind, holiday_dates
from sla_monitor.config.lock import LOCK_NAME, Lock
from sla_monitor.config.pack_model import Holidays as SaidHolidays
from sla_monitor.config.pack_model import OpenHours, Pack, Weekday
from sla_monitor.config.yaml_lines import Document
from sla_monitor.core.facts import DAY
from sla_monitor.core.hours import MINUTES_A_DAY

MAKE_IT = "`sla-monitor calendar lock`"
NAMES = get_args(Weekday)
YEARS_TO_REACH_IT = 5  # a target that takes longer is no promise to anybody


def kinds_of(pack: Pack) -> set[Kind]:
    """The kinds of holidays that its calendars ask for."""
    days = [days_off(entry.holidays or pack.holidays) for entry in pack.calendars]
    return {kind for each in days for kind in (each.closed, each.early) if kind}


def pinned(document: Document, pack: Pack, closures: Mapping[str, Closures], lock: Lock) -> dict[str, Closures]:
    """The closures as the lock has them; complains of what the pack needs and the lock does not have."""
    if kinds_of(pack) - lock.days.keys():
        document.complain(("holidays",), f"{LOCK_NAME} was made for other holidays; make it anew: {MAKE_IT}")
    for name in closures.keys() - lock.closures.keys():
        document.complain(("calendars",), f"{LOCK_NAME} was made without {name}; make it anew: {MAKE_IT}")
    return {name: Closures(name, each.calendar, dict(lock.closures.get(name, {}))) for name, each in closures.items()}


def closures_of(document: Document, pack: Pack) -> dict[str, Closures]:
    """The iCalendar files of a pack by their names; those that are wrong are problems of the document."""
    found: dict[str, Closures] = {}
    for position, entry in enumerate(pack.calendars):
        for number, name in enumerate(entry.closures):
            try:
                found[name] = found.get(name) or read_closures(Path(document.name).parent / name, name)
            except BadClosures as error:
                where = ("calendars", position, "closures", number)
                document.complain(where, f"calendars[{position}].closures[{number}]: {name}: {error}")
    return found


def calendars_of(
    pack: Pack,
    countries: Mapping[str, Country],
    closures: Mapping[str, Closures],
    lookup: Lookup = holiday_dates,
) -> CountryCalendars:
    """What finds the calendar of a place under this pack."""
    rules = [calendar_rule(entry, pack.holidays, closures) for entry in pack.calendars]
    return CountryCalendars(rules, countries, lookup=lookup)


def calendar_rule(entry: OpenHours, holidays: SaidHolidays, closures: Mapping[str, Closures]) -> CalendarRule:
    weekly = {NAMES.index(day): tuple(periods) for day, periods in entry.week.items()}
    return CalendarRule(
        rule=entry.rule,
        hours=weekly or tuple(entry.hours),
        countries=frozenset(entry.countries) or None,
        timezone=entry.timezone or None,
        begins=entry.since,
        date_hours={day: tuple(periods) for day, periods in entry.dates.items()},
        breaks={day: tuple(periods) for day, periods in entry.breaks.items()},
        holidays=days_off(entry.holidays or holidays),
        closures=tuple(closures[name] for name in entry.closures),
    )


def days_off(said: SaidHolidays) -> Holidays:
    half = said.half_days
    return Holidays(
        closed=kind_of(said.categories, said.observed) if said.categories else None,
        early=kind_of(half.categories, said.observed) if half else None,
        early_minute=half.close if half else MINUTES_A_DAY,
    )


def kind_of(categories: Iterable[str], observed: bool) -> Kind:  # noqa: FBT001 # as the pack says it
    """In one order, so that the same days are the same kind."""
    return Kind(categories=tuple(sorted(set(categories))), observed=observed)


def too_short(document: Document, pack: Pack, calendars: CountryCalendars, countries: Iterable[str]) -> None:
    """Complain of calendars in which the longest target of the pack is not reached for years.

    One country stands for those of an entry: what closes a calendar for good is the entry's, not a country's holidays.
    """
    longest = max(target.target for clock in pack.clocks.values() for target in clock.targets)
    named = {country for entry in pack.calendars for country in entry.countries}
    rest = next((country for country in countries if country not in named), None)
    for position, entry in enumerate(pack.calendars):
        country = min(entry.countries, default=rest)
        if country is None or not (entry.closures or entry.dates or entry.since):
            continue  # weekly hours alone always reach it
        calendar = calendars.calendar_for(country, None, None)
        since = (entry.since - date(1970, 1, 1)).days * DAY if entry.since else 0
        start = max(since, pack.effective_from)
        years = (start + n * 366 * DAY for n in range(1, YEARS_TO_REACH_IT + 1))
        if not any(calendar.between(start, end) >= longest for end in years):
            text = f"calendars[{position}]: too seldom open for the longest target: not in {YEARS_TO_REACH_IT} years"
            document.complain(("calendars", position), text)
