"""Calendars by country: the three rules of hours, holidays, weekends, and the table of all countries."""

from __future__ import annotations

import gc
from datetime import date, datetime, timedelta
from functools import cache
from importlib import resources

import pytest
from holidays.utils import country_holidays, list_supported_countries
from ruamel.yaml import YAML

from sla_monitor.config.calendars import (
    SATURDAY_AND_SUNDAY,
    CalendarRule,
    Country,
    CountryCalendars,
)
from sla_monitor.config.holiday_dates import Kind, holiday_dates, known_subdivision
from sla_monitor.config.zones import UnknownPlace, zone_named, zone_names
from sla_monitor.core.calendar import BeyondHorizon
from sla_monitor.core.facts import HOUR, MINUTE
from sla_monitor.errors import BadConfiguration

WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
RULES = [
    CalendarRule(
        rule="SP-HRS-NA",
        hours=((6 * 60, 18 * 60),),
        countries=frozenset({"US", "CA"}),
        timezone="America/Los_Angeles",
    ),
    CalendarRule(rule="SP-HRS-JP", hours=((9 * 60, 17 * 60 + 30),), countries=frozenset({"JP"}), timezone="Asia/Tokyo"),
    CalendarRule(rule="SP-HRS-1", hours=((9 * 60, 17 * 60),)),
]


def at(text: str) -> int:
    return (datetime.fromisoformat(text) - datetime.fromisoformat("1970-01-01T00:00Z")) // timedelta(microseconds=1)


@cache
def table() -> dict[str, Country]:
    lines = YAML(typ="safe").load(resources.files("sla_monitor.policies").joinpath("countries.yaml").read_text("utf-8"))
    return {
        code: Country(
            zone=line["zone"],
            weekend=frozenset(map(WEEKDAYS.index, line["weekend"])) if "weekend" in line else SATURDAY_AND_SUNDAY,
        )
        for code, line in lines.items()
    }


@pytest.fixture(scope="module")
def calendars() -> CountryCalendars:
    return CountryCalendars(RULES, table())


def rows_of_tzdata(name: str) -> list[list[str]]:
    text = resources.files("tzdata").joinpath("zoneinfo", name).read_text("utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]


# The three rules


def test_north_america_keeps_pacific_hours(calendars: CountryCalendars) -> None:
    """SP-HRS-NA: US and CA are served 06:00 to 18:00 Pacific, whatever time zone the case names."""
    for country in ("US", "CA"):
        calendar = calendars.calendar_for(country, None, "America/New_York")
        assert calendar.name == f"SP-HRS-NA:{country}:America/Los_Angeles"
        assert calendar.day == 12 * HOUR
        assert calendar.add(at("2026-01-09T17:00-08:00"), 2 * HOUR) == at("2026-01-12T07:00-08:00")


def test_japan_keeps_its_own_hours(calendars: CountryCalendars) -> None:
    """SP-HRS-JP: 09:00 to 17:30 in Tokyo, holidays closed (12 January 2026 is Coming of Age Day)."""
    calendar = calendars.calendar_for("JP", None, "Europe/Berlin")
    assert calendar.name == "SP-HRS-JP:JP:Asia/Tokyo"
    assert calendar.day == 8 * HOUR + 30 * MINUTE
    assert calendar.add(at("2026-01-09T17:00+09:00"), HOUR) == at("2026-01-13T09:30+09:00")


def test_all_others_keep_the_hours_of_their_country(calendars: CountryCalendars) -> None:
    """SP-HRS-1: 09:00 to 17:00 in the case's time zone, else in the country's; Mexico is not North America here."""
    assert calendars.calendar_for("DE", None, None).name == "SP-HRS-1:DE:Europe/Berlin"
    assert calendars.calendar_for("MX", None, None).name == "SP-HRS-1:MX:America/Mexico_City"
    perth = calendars.calendar_for("AU", None, "Australia/Perth")
    assert perth.name == "SP-HRS-1:AU:Australia/Perth"
    assert perth.day == 8 * HOUR
    assert perth.add(at("2026-02-06T16:30+08:00"), HOUR) == at("2026-02-09T09:30+08:00")


def test_the_weekend_is_the_country_s_own(calendars: CountryCalendars) -> None:
    """Egypt works from Sunday to Thursday, the Emirates since 2022 from Monday to Friday."""
    thursday = at("2026-02-05T16:00+02:00")
    assert calendars.calendar_for("EG", None, None).add(thursday, 2 * HOUR) == at("2026-02-08T10:00+02:00")
    friday = at("2026-02-06T16:00+04:00")
    assert calendars.calendar_for("AE", None, None).add(friday, 2 * HOUR) == at("2026-02-09T10:00+04:00")


# Holidays


def test_national_holidays_are_closed(calendars: CountryCalendars) -> None:
    """From Maundy Thursday 16:00 two hours end on Tuesday after Easter at 10:00 in Germany."""
    calendar = calendars.calendar_for("DE", None, None)
    assert calendar.add(at("2026-04-02T16:00+02:00"), 2 * HOUR) == at("2026-04-07T10:00+02:00")


def test_holidays_follow_the_country_not_the_hours(calendars: CountryCalendars) -> None:
    """Canada Day closes CA only, Independence Day (observed on 3 July 2026) US only, both on Pacific hours."""
    day = at("2026-07-01T00:00-07:00")
    canada, states = (calendars.calendar_for(country, None, None) for country in ("CA", "US"))
    assert (canada.between(day, day + 24 * HOUR), states.between(day, day + 24 * HOUR)) == (0, 12 * HOUR)
    day += 2 * 24 * HOUR
    assert (canada.between(day, day + 24 * HOUR), states.between(day, day + 24 * HOUR)) == (12 * HOUR, 0)


def test_a_holiday_observed_in_the_year_before_is_closed(calendars: CountryCalendars) -> None:
    """New Year's Day 2028 is a Saturday: in the US Friday, 31 December 2027, is off, though it is another year."""
    assert date(2027, 12, 31) in holiday_dates("US", None, Kind(), 2027)
    assert calendars.calendar_for("US", None, None).add(at("2027-12-30T17:00-08:00"), 2 * HOUR) == at(
        "2028-01-03T07:00-08:00"
    )


@pytest.mark.parametrize("subdivision", ["BY", "DE-BY"])
def test_a_subdivision_adds_its_holidays(calendars: CountryCalendars, subdivision: str) -> None:
    """Epiphany is a holiday in Bavaria, not in all of Germany; both spellings of ISO 3166-2 are understood."""
    epiphany = at("2026-01-06T00:00+01:00")
    bavaria = calendars.calendar_for("DE", subdivision, None)
    assert bavaria.name == "SP-HRS-1:DE-BY:Europe/Berlin"
    assert bavaria.between(epiphany, epiphany + 24 * HOUR) == 0
    assert calendars.calendar_for("DE", None, None).between(epiphany, epiphany + 24 * HOUR) == 8 * HOUR
    assert holiday_dates("DE", None, Kind(), 2026) < holiday_dates("DE", "BY", Kind(), 2026)


@pytest.mark.parametrize("subdivision", ["", "XX", "FR-BY", "DE-", "by", "B" * 10_000, "DE-DE-BY"])
def test_an_unknown_subdivision_has_the_national_holidays(calendars: CountryCalendars, subdivision: str) -> None:
    """It is the very calendar of the country, so that invented names cost no memory."""
    national = calendars.calendar_for("DE", None, None)
    assert calendars.calendar_for("DE", subdivision, None) is national


def test_a_country_without_known_holidays_has_none() -> None:
    """No holidays rather than no calendar."""
    assert holiday_dates("XX", None, Kind(), 2026) == frozenset()
    assert known_subdivision("XX", "BY") is None


# Places that do not exist


@pytest.mark.parametrize(
    "timezone", ["Mars/Phobos", "../../etc/passwd", "/etc/localtime", "posix/Europe/Berlin", "UTC\0"]
)
def test_an_unknown_time_zone_is_refused(calendars: CountryCalendars, timezone: str) -> None:
    """A name that tzdata does not have is an error, never a path and never a silent default."""
    with pytest.raises(UnknownPlace, match="time zone"):
        calendars.calendar_for("DE", None, timezone)


def test_an_unknown_country_is_refused(calendars: CountryCalendars) -> None:
    """There is no calendar for a country that the table does not have."""
    with pytest.raises(UnknownPlace, match="country"):
        calendars.calendar_for("XX", None, "Europe/Berlin")


def test_every_name_of_tzdata_is_a_zone() -> None:
    """What is offered can be read, old names too."""
    assert {zone_named(name).key for name in zone_names()} == zone_names()
    assert "Asia/Calcutta" in zone_names()


# Memory


def test_the_same_place_is_the_same_calendar(calendars: CountryCalendars) -> None:
    """A calendar that is in use is never built twice, so that its compiled years are shared."""
    assert calendars.calendar_for("FR", None, None) is calendars.calendar_for("FR", None, "Europe/Paris")
    assert calendars.calendar_for("US", "US-CA", None) is calendars.calendar_for("US", "CA", "Asia/Tokyo")


def test_hostile_places_stay_within_the_bound() -> None:
    """Every time zone for one country: what is compiled stays bounded, what nobody holds is not kept."""
    calendars = CountryCalendars(RULES, table(), intervals_max=2_000)  # 8 calendars of a year
    for timezone in sorted(zone_names())[:60]:
        calendars.calendar_for("DE", None, timezone).add(at("2026-01-09T12:00Z"), HOUR)
        assert calendars.room.intervals <= 2_000
    gc.collect()
    assert len(calendars._calendars) <= 9


def test_a_calendar_that_was_forgotten_gives_the_same_deadline() -> None:
    """Whoever still holds it does not notice, and gets the same object when asking again."""
    calendars = CountryCalendars(RULES, table(), intervals_max=300)
    berlin = calendars.calendar_for("DE", None, None)
    deadline = berlin.add(at("2026-01-09T12:00Z"), 40 * HOUR)
    calendars.calendar_for("FR", None, None).add(at("2026-01-09T12:00Z"), 40 * HOUR)
    assert calendars.calendar_for("DE", None, None) is berlin
    assert berlin.add(at("2026-01-09T12:00Z"), 40 * HOUR) == deadline


# Rules that are wrong


def test_every_problem_of_the_rules_is_listed() -> None:
    """One start shows all that is wrong with rules and table."""
    rules = [
        CalendarRule(rule="R1", hours=(), countries=frozenset({"DE", "XX"})),
        CalendarRule(rule="R2", hours=((60, 60),), countries=frozenset({"DE"}), timezone="Mars/Phobos"),
    ]
    countries = {
        "DE": Country(zone="Europe/Bonn"),
        "FR": Country(zone="Europe/Paris", weekend=frozenset(range(8))),
    }
    with pytest.raises(BadConfiguration) as refused:
        CountryCalendars(rules, countries)
    assert refused.value.problems == [
        "R1: country XX is not in the countries table",
        "R1: it never opens",
        "R2: zone Mars/Phobos is not in tzdata",
        "R2: 0: 60 to 60 is not an interval of minutes of a day",
        "country DE: zone Europe/Bonn is not in tzdata",
        "country DE: more than one calendar rule from the same date: R1, R2",
        "country FR: the weekend leaves no day to work",
        "country FR: weekdays are 0 to 6",
        "country FR: no calendar rule is for it",
    ]


def test_two_rules_for_all_others_are_refused() -> None:
    """Which of the two would hold must not depend on their order."""
    with pytest.raises(BadConfiguration, match="all other countries: more than one calendar rule from the same date"):
        CountryCalendars([RULES[2], RULES[2]], table())


# The table of countries


def test_every_country_is_in_the_table_once() -> None:
    """The 249 countries of ISO 3166-1 and Kosovo, in order; YAML itself refuses a second line for one."""
    assert list(table()) == sorted({"XK"}.union(code for code, _ in rows_of_tzdata("iso3166.tab")))
    assert len(table()) == 250


def test_every_country_of_the_holidays_package_is_in_the_table() -> None:
    """So each of them has a calendar: a case of any country whose holidays are known finds it."""
    assert list_supported_countries(include_aliases=False).keys() <= table().keys()


def test_every_zone_is_its_country_s() -> None:
    """tzdata names the country for each zone, but none for Kosovo, and for two islands where nobody lives."""
    pairs = {
        (code, row[2])
        for name in ("zone.tab", "zone1970.tab")
        for row in rows_of_tzdata(name)
        for code in row[0].split(",")
    }
    foreign = {code for code, country in table().items() if (code, country.zone) not in pairs}
    assert foreign == {"BV", "HM", "XK"}
    assert {country.zone for country in table().values()} <= zone_names()


def test_weekends_differ_from_the_holidays_package_only_where_we_say_so() -> None:
    """A new release that moves a weekend is seen here; the reasons for ours are at the top of the table."""
    rest_by_law_is_sunday = {"AI", "CD", "HK", "KN", "NE", "PY", "TK", "VE"}
    friday_and_saturday = {"LY", "PS"}
    moved_to_saturday_and_sunday = {"MR"}
    different = {code for code, country in table().items() if country.weekend != country_holidays(code).weekend}
    assert different == rest_by_law_is_sunday | friday_and_saturday | moved_to_saturday_and_sunday


def test_every_country_has_a_calendar_that_opens(calendars: CountryCalendars) -> None:
    """Each gives a deadline within three weeks for a full day's work, holidays and all."""
    start = at("2026-12-20T00:00Z")
    for code in table():
        calendar = calendars.calendar_for(code, None, None)
        try:
            deadline = calendar.add(start, calendar.day)
        except BeyondHorizon:
            pytest.fail(f"{calendar.name} does not open")
        assert start < deadline < start + 21 * 24 * HOUR, calendar.name
