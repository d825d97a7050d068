"""The calendar of a case's country: opening hours by rule, with holidays, closures, and the country's zone and weekend.

Zones come from the `tzdata` package, never from the machine, so that every worker has the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from weakref import WeakValueDictionary
from zoneinfo import ZoneInfo

from sla_monitor.config.closures import Closures
from sla_monitor.config.holiday_dates import PUBLIC_HOLIDAYS, Holidays, Kind, holiday_dates, known_subdivision
from sla_monitor.config.reasons import NamedReasons
from sla_monitor.config.zones import UnknownPlace, zone_named, zone_names
from sla_monitor.core.calendar import INTERVALS_COMPILED_MAX, Calendar, CompiledCalendar, Room
from sla_monitor.core.hours import (
    MINUTES_A_DAY,
    DatedHours,
    Hours,
    Interval,
    WeeklyHours,
    dated_shifts,
    weekly_shifts,
)
from sla_monitor.errors import BadConfiguration

EVERY_DAY = frozenset(range(7))
SATURDAY_AND_SUNDAY = frozenset({5, 6})

# The days of a country (and subdivision) of some kind in a year.
Lookup = Callable[[str, str | None, Kind, int], frozenset[date]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarRule:
    """Hours for some countries or (None) all others, in a fixed zone or (None) the case's own.

    `hours` are those of every day that is not the country's weekend, or by weekday (0 = Monday) whatever its weekend.
    Intervals that end before they begin end on the next day. `date_hours` hold on single dates, holidays or not. The
    rule holds from the local date `begins` on, or (None) from the beginning, up to the next one for the same countries.
    """

    rule: str
    hours: Hours | Mapping[int, Hours]
    countries: frozenset[str] | None = None
    timezone: str | None = None
    begins: date | None = None
    date_hours: Mapping[date, Hours] = field(default_factory=dict)
    breaks: Mapping[date, Hours] = field(default_factory=dict)
    holidays: Holidays = PUBLIC_HOLIDAYS
    closures: tuple[Closures, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """One line of the countries table. `weekend`: weekdays that are not worked, 0 = Monday."""

    zone: str
    weekend: frozenset[int] = SATURDAY_AND_SUNDAY


class CountryCalendars:
    """Finds the calendar of a country (support plan, "The calendar follows `country`").

    The same answer is the same object for as long as anyone holds it. What all of them keep compiled is bounded by one
    `Room` of INTERVALS_COMPILED_MAX = 48 MB, whatever is asked for; a calendar that is not compiled is ~1 KB and
    is kept only by those who hold it (a policy remembers at most 20,000: 20 MB).
    """

    def __init__(
        self,
        rules: Sequence[CalendarRule],
        countries: Mapping[str, Country],
        intervals_max: int = INTERVALS_COMPILED_MAX,
        lookup: Lookup = holiday_dates,
    ) -> None:
        """BadConfiguration lists every country without one rule, unknown zone or country, and rule that never opens."""
        problems = _problems(rules, countries)
        if problems:
            raise BadConfiguration(problems)
        self.room = Room(intervals_max)
        self._countries = countries
        self._lookup = lookup
        self._rules = {country: rules_for(country, rules) for country in countries}
        self._calendars: WeakValueDictionary[str, CompiledCalendar] = WeakValueDictionary()

    def calendar_for(self, country: str, subdivision: str | None, timezone: str | None) -> Calendar:
        """Return the calendar of a place, named `SP-HRS-1:DE-BY:Europe/Berlin`. UnknownPlace for country or zone.

        `subdivision` is `BY` or `DE-BY`; one that the holidays package does not know has the national holidays. The
        time zone counts only where the rule fixes none.
        """
        entry = self._countries.get(country)
        if entry is None:
            raise UnknownPlace("the country is not in the countries table")
        versions = self._rules[country]
        rule = versions[0]
        zone = zone_named(rule.timezone or timezone or entry.zone)
        part = known_subdivision(country, subdivision)
        name = f"{rule.rule}:{country}{f'-{part}' if part else ''}:{zone.key}"
        found = self._calendars.get(name)
        if found is None:
            dated = [(version.begins or date.min, self._hours(version, country, part, zone)) for version in versions]
            hours = dated[0][1] if len(dated) == 1 else DatedHours(tuple(dated))
            stated = (self._countries[country].weekend, *map(_stated, versions))
            found = self._calendars[name] = CompiledCalendar(name, hours, zone, self.room, stated)
        return found

    def _hours(self, rule: CalendarRule, country: str, part: str | None, zone: ZoneInfo) -> WeeklyHours:
        weekend = self._countries[country].weekend
        shifts = rule.hours if isinstance(rule.hours, Mapping) else dict.fromkeys(EVERY_DAY - weekend, rule.hours)
        weekly = weekly_shifts(shifts)
        date_hours = dated_shifts(rule.date_hours, lambda day: weekly.get(day.weekday(), ()))
        days = rule.holidays
        return WeeklyHours(
            weekly=weekly,
            date_hours=date_hours,
            breaks=dated_shifts(rule.breaks),
            closed=partial(closed_dates, partial(of_kind, self._lookup, country, part, days.closed), rule),
            early=partial(early_dates, partial(of_kind, self._lookup, country, part, days.early), rule),
            early_minute=days.early_minute,
            outages=partial(outages, rule.closures, zone),
            reasons=NamedReasons(
                country=country,
                part=part,
                zone=zone,
                holidays=days,
                closures=rule.closures,
                own=frozenset(rule.date_hours),
                lookup=self._lookup,
            ),
        )


def of_kind(lookup: Lookup, country: str, part: str | None, kind: Kind | None, year: int) -> frozenset[date]:
    """The days of a kind; none of no kind."""
    return lookup(country, part, kind, year) if kind else frozenset()


def closed_dates(holidays: Callable[[int], frozenset[date]], rule: CalendarRule, year: int) -> frozenset[date]:
    """Holidays, unless the rule gives their date hours of its own, and closures of whole days."""
    if not rule.closures and not rule.date_hours:
        return holidays(year)
    closures = (each.year(year).dates for each in rule.closures)
    return (holidays(year) - rule.date_hours.keys()).union(*closures)


def early_dates(half_days: Callable[[int], frozenset[date]], rule: CalendarRule, year: int) -> frozenset[date]:
    """Half days, unless the rule gives their date hours of its own."""
    return half_days(year) - rule.date_hours.keys()


def outages(closures: Sequence[Closures], zone: ZoneInfo, year: int) -> list[Interval]:
    """Closures of a part of a day."""
    return [outage for each in closures for outage in each.year(year).outages(zone)]


def _stated(rule: CalendarRule) -> object:
    """What a rule says of any of its countries. Versions of a pack share its iCalendar files and its lock."""
    return replace(rule, countries=None, closures=()), tuple(each.name for each in rule.closures)


def rules_for(country: str, rules: Sequence[CalendarRule]) -> tuple[CalendarRule, ...]:
    """The rules that name a country, else those for all others: the first one first."""
    named = [rule for rule in rules if country in (rule.countries or ())]
    others = [rule for rule in rules if rule.countries is None]
    return tuple(sorted(named or others, key=lambda rule: rule.begins or date.min))


def _problems(rules: Sequence[CalendarRule], countries: Mapping[str, Country]) -> list[str]:
    others = [rule for rule in rules if rule.countries is None]
    return [
        *(problem for rule in rules for problem in _problems_of_rule(rule, countries)),
        *(problem for code, country in countries.items() for problem in _problems_of_country(code, country, rules)),
        *(f"all other countries: {problem}" for problem in _problems_of_versions(others)),
    ]


def _problems_of_rule(rule: CalendarRule, countries: Mapping[str, Country]) -> Iterator[str]:
    if rule.timezone is not None and rule.timezone not in zone_names():
        yield f"{rule.rule}: zone {rule.timezone} is not in tzdata"
    for code in sorted((rule.countries or frozenset()) - countries.keys()):
        yield f"{rule.rule}: country {code} is not in the countries table"
    weekly = rule.hours if isinstance(rule.hours, Mapping) else {0: rule.hours}
    if not any(weekly.values()) and not any(rule.date_hours.values()):
        yield f"{rule.rule}: it never opens"
    for table in (weekly, rule.date_hours, rule.breaks):
        for key, hours in table.items():
            for opens, closes in hours:
                if not 0 <= opens < MINUTES_A_DAY or not 0 <= closes <= MINUTES_A_DAY or opens == closes:
                    yield f"{rule.rule}: {key}: {opens} to {closes} is not an interval of minutes of a day"


def _problems_of_country(code: str, country: Country, rules: Sequence[CalendarRule]) -> Iterator[str]:
    if country.zone not in zone_names():
        yield f"country {code}: zone {country.zone} is not in tzdata"
    if not EVERY_DAY - country.weekend:
        yield f"country {code}: the weekend leaves no day to work"
    if country.weekend - EVERY_DAY:
        yield f"country {code}: weekdays are 0 to 6"
    named = [rule for rule in rules if code in (rule.countries or ())]
    yield from (f"country {code}: {problem}" for problem in _problems_of_versions(named))
    if not rules_for(code, rules):
        yield f"country {code}: no calendar rule is for it"


def _problems_of_versions(versions: Sequence[CalendarRule]) -> Iterator[str]:
    """What is wrong with the rules for the same countries; each but one begins on a date of its own."""
    begins = [version.begins for version in versions]
    if len(set(begins)) < len(begins):
        yield f"more than one calendar rule from the same date: {', '.join(version.rule for version in versions)}"
    elif versions and None not in begins:
        yield f"no hours before {min(each for each in begins if each)}"
    if len({(version.rule, version.timezone) for version in versions}) > 1 and len(set(begins)) == len(begins):
        yield "all versions of hours have one rule id and one time zone"
