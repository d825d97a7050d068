"""The calendar of a case's country: SP-HRS-NA, SP-HRS-JP and SP-HRS-1, with public holidays and time zones.

Zones come from the `tzdata` package, never from the machine, so that every worker has the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial
from importlib import resources
from weakref import WeakValueDictionary
from zoneinfo import ZoneInfo

from holidays.constants import PUBLIC
from holidays.utils import country_holidays

from sla_monitor.core.calendar import INTERVALS_COMPILED_MAX, Calendar, CompiledCalendar, Room
from sla_monitor.core.hours import Hours, WeeklyHours
from sla_monitor.errors import BadConfiguration

EVERY_DAY = frozenset(range(7))
SATURDAY_AND_SUNDAY = frozenset({5, 6})
ZONES_KEPT_MAX = 1_024  # there are 600; x ~3 KB = 3 MB
COUNTRIES_KEPT_MAX = 512  # there are 249 with 651 subdivisions; together < 1 MB
HOLIDAY_YEARS_KEPT_MAX = 4_096  # country or subdivision, and year; x ~15 dates, ~2 KB = 8 MB


class UnknownPlace(ValueError):
    """A country that the table does not have, or a time zone that tzdata does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarRule:
    """Hours of a working day, for some countries or (None) all others, in a fixed zone or (None) the case's own."""

    rule: str
    hours: Hours
    countries: frozenset[str] | None = None
    timezone: str | None = None


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
    ) -> None:
        """BadConfiguration lists every country without one rule, unknown zone or country, and rule that never opens."""
        problems = _problems(rules, countries)
        if problems:
            raise BadConfiguration(problems)
        self.room = Room(intervals_max)
        self._countries = countries
        named = {country: rule for rule in rules for country in rule.countries or ()}
        others = {country: rule for rule in rules if rule.countries is None for country in countries}
        self._rules = others | named
        self._calendars: WeakValueDictionary[str, CompiledCalendar] = WeakValueDictionary()

    def calendar_for(self, country: str, subdivision: str | None, timezone: str | None) -> Calendar:
        """Return the calendar of a place, named `SP-HRS-1:DE-BY:Europe/Berlin`. UnknownPlace for country or zone.

        `subdivision` is `BY` or `DE-BY`; one that the holidays package does not know has the national holidays. The
        time zone counts only where the rule fixes none.
        """
        entry = self._countries.get(country)
        if entry is None:
            raise UnknownPlace("the country is not in the countries table")
        rule = self._rules[country]
        zone = zone_named(rule.timezone or timezone or entry.zone)
        part = known_subdivision(country, subdivision)
        name = f"{rule.rule}:{country}{f'-{part}' if part else ''}:{zone.key}"
        found = self._calendars.get(name)
        if found is None:
            hours = WeeklyHours(
                weekly={weekday: rule.hours for weekday in range(7) if weekday not in entry.weekend},
                closed=partial(public_holidays, country, part),
            )
            found = self._calendars[name] = CompiledCalendar(name, hours, zone, self.room)
        return found


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every IANA name that the tzdata package has, old ones too."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text("utf-8").split())


@lru_cache(maxsize=ZONES_KEPT_MAX)
def zone_named(name: str) -> ZoneInfo:
    """Return the zone of tzdata with this name; UnknownPlace if there is none (the text may be hostile)."""
    if name not in zone_names():
        raise UnknownPlace("the time zone is not in tzdata")
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def known_subdivision(country: str, subdivision: str | None) -> str | None:
    """`BY` for `BY` and `DE-BY`; None for one whose holidays nobody knows."""
    code = (subdivision or "").removeprefix(f"{country}-")
    return code if code in _subdivisions(country) else None


@lru_cache(maxsize=COUNTRIES_KEPT_MAX)
def _subdivisions(country: str) -> frozenset[str]:
    try:
        return frozenset(country_holidays(country).subdivisions)
    except NotImplementedError:
        return frozenset()


@lru_cache(maxsize=HOLIDAY_YEARS_KEPT_MAX)
def public_holidays(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    """Public holidays of a year, observed days included, national ones and those of a known subdivision.

    None at all for a country that the `holidays` package does not have, nor for years it does not know. Working days
    that make up for a holiday (a Saturday in China) stay closed. Days that follow the moon are estimates for years not
    yet announced.
    """
    try:
        with warnings.catch_warnings():  # "only available from 2001 to 2035": the docstring says what that means
            warnings.simplefilter("ignore", UserWarning)
            found = country_holidays(country, subdiv=subdivision, years=year, expand=False, categories=PUBLIC)
    except NotImplementedError:
        return frozenset()
    return frozenset(found)


def _problems(rules: Sequence[CalendarRule], countries: Mapping[str, Country]) -> list[str]:
    return [
        *(problem for rule in rules for problem in _problems_of_rule(rule, countries)),
        *(problem for code, country in countries.items() for problem in _problems_of_country(code, country, rules)),
        *(["more than one calendar rule is for all other countries"] if _for_others(rules) > 1 else []),
    ]


def _for_others(rules: Sequence[CalendarRule]) -> int:
    return sum(rule.countries is None for rule in rules)


def _problems_of_rule(rule: CalendarRule, countries: Mapping[str, Country]) -> Iterator[str]:
    if rule.timezone is not None and rule.timezone not in zone_names():
        yield f"{rule.rule}: zone {rule.timezone} is not in tzdata"
    for code in sorted((rule.countries or frozenset()) - countries.keys()):
        yield f"{rule.rule}: country {code} is not in the countries table"
    if not rule.hours:
        yield f"{rule.rule}: it never opens"
        return
    try:
        WeeklyHours(weekly={0: rule.hours})
    except BadConfiguration as wrong:
        yield from (f"{rule.rule}: {problem}" for problem in wrong.problems)


def _problems_of_country(code: str, country: Country, rules: Sequence[CalendarRule]) -> Iterator[str]:
    if country.zone not in zone_names():
        yield f"country {code}: zone {country.zone} is not in tzdata"
    if not EVERY_DAY - country.weekend:
        yield f"country {code}: the weekend leaves no day to work"
    if country.weekend - EVERY_DAY:
        yield f"country {code}: weekdays are 0 to 6"
    named = [rule.rule for rule in rules if code in (rule.countries or ())]
    if len(named) > 1:
        yield f"country {code}: more than one calendar rule names it: {', '.join(named)}"
    if not named and not _for_others(rules):
        yield f"country {code}: no calendar rule is for it"
