"""Business time by example. Every instant is written as people read it; the days in question are named in the tests."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sla_monitor.core.calendar import (
    ALWAYS_OPEN,
    HORIZON_END,
    HORIZON_START,
    BeyondHorizon,
    Calendar,
    CompiledCalendar,
    Room,
)
from sla_monitor.core.facts import HOUR, MINUTE
from sla_monitor.core.hours import Hours, WeeklyHours, never_closed
from sla_monitor.errors import BadConfiguration

OFFICE: Hours = ((9 * 60, 17 * 60),)
WEEKDAYS = dict.fromkeys(range(5), OFFICE)
ALL_DAY: Hours = ((0, 1440),)
EVERY_DAY = dict.fromkeys(range(7), ALL_DAY)


def at(text: str) -> int:
    return (datetime.fromisoformat(text) - datetime.fromisoformat("1970-01-01T00:00Z")) // timedelta(microseconds=1)


def hours_of(text: str) -> Hours:
    """`09:00-12:00 13:00-24:00` as intervals."""

    def minute(clock: str) -> int:
        return int(clock[:2]) * 60 + int(clock[3:])

    return tuple((minute(part[:5]), minute(part[6:])) for part in text.split())


def compiled(hours: WeeklyHours, zone: str = "Europe/Berlin", room: Room | None = None) -> CompiledCalendar:
    return CompiledCalendar("test", hours, ZoneInfo(zone), room)


def on_one_day(day: str, hours: str, zone: str) -> CompiledCalendar:
    return compiled(WeeklyHours(weekly={}, date_hours={date.fromisoformat(day): hours_of(hours)}), zone)


@pytest.fixture
def berlin() -> CompiledCalendar:
    return compiled(WeeklyHours(weekly=WEEKDAYS))


# Adding and measuring


def test_a_budget_goes_on_after_the_weekend(berlin: CompiledCalendar) -> None:
    """Four hours from Friday 16:00 end on Monday at 12:00: one on Friday, three on Monday."""
    assert berlin.add(at("2026-01-09T16:00+01:00"), 4 * HOUR) == at("2026-01-12T12:00+01:00")


def test_a_budget_of_a_week_ends_a_week_later(berlin: CompiledCalendar) -> None:
    """Forty hours are five working days."""
    assert berlin.add(at("2026-01-07T10:30+01:00"), 40 * HOUR) == at("2026-01-14T10:30+01:00")


def test_a_budget_used_up_at_closing_ends_at_closing(berlin: CompiledCalendar) -> None:
    """The deadline is the closing time of that day, not the next opening."""
    assert berlin.add(at("2026-01-09T13:00+01:00"), 4 * HOUR) == at("2026-01-09T17:00+01:00")
    assert berlin.add(at("2026-01-09T17:00+01:00"), 8 * HOUR) == at("2026-01-12T17:00+01:00")


def test_a_case_opened_while_closed_starts_at_the_next_opening(berlin: CompiledCalendar) -> None:
    """One hour from Sunday noon ends on Monday at 10:00."""
    assert berlin.add(at("2026-01-11T12:00+01:00"), HOUR) == at("2026-01-12T10:00+01:00")


@pytest.mark.parametrize("start", ["2026-01-09T16:00+01:00", "2026-01-10T03:00+01:00", "2026-01-09T17:00+01:00"])
def test_nothing_added_changes_nothing(berlin: CompiledCalendar, start: str) -> None:
    """add(s, 0) is s, open or closed."""
    assert berlin.add(at(start), 0) == at(start)
    assert berlin.subtract(at(start), 0) == at(start)


def test_a_single_microsecond_counts(berlin: CompiledCalendar) -> None:
    """Nothing is rounded: the first microsecond after a night is the first of the day."""
    assert berlin.add(at("2026-01-12T08:00+01:00"), 1) == at("2026-01-12T09:00:00.000001+01:00")


def test_a_negative_budget_is_refused(berlin: CompiledCalendar) -> None:
    """Going back is `subtract`; a negative budget is a mistake."""
    for calendar in (berlin, ALWAYS_OPEN):
        with pytest.raises(ValueError, match="negative"):
            calendar.add(0, -1)
        with pytest.raises(ValueError, match="negative"):
            calendar.subtract(0, -1)


def test_a_night_counts_for_nothing(berlin: CompiledCalendar) -> None:
    """From Friday 16:00 to Monday 10:00 two hours are open; backwards, or within the night, none."""
    friday, monday = at("2026-01-09T16:00+01:00"), at("2026-01-12T10:00+01:00")
    assert berlin.between(friday, monday) == 2 * HOUR
    assert berlin.between(monday, friday) == 0
    assert berlin.between(monday, monday) == 0
    assert berlin.between(at("2026-01-09T17:00+01:00"), at("2026-01-12T09:00+01:00")) == 0
    assert berlin.between(at("2026-01-09T10:00+01:00"), at("2026-01-09T10:00:01+01:00")) == 1_000_000


def test_a_calendar_that_has_closed_for_good_measures_what_was_open() -> None:
    """After its last opening nothing more is counted, on whichever side of it the question starts."""
    calendar = on_one_day("2026-06-01", "09:00-17:00", "UTC")
    assert calendar.between(at("2026-06-01T16:00Z"), at("2026-07-01T00:00Z")) == HOUR
    assert calendar.between(at("2026-06-02T00:00Z"), at("2026-07-01T00:00Z")) == 0


def test_subtracting_lands_on_opening(berlin: CompiledCalendar) -> None:
    """Backwards, a budget used up exactly at opening ends at opening; otherwise it goes on in the day before."""
    noon = at("2026-01-12T12:00+01:00")
    assert berlin.subtract(noon, 3 * HOUR) == at("2026-01-12T09:00+01:00")
    assert berlin.subtract(noon, 4 * HOUR) == at("2026-01-09T16:00+01:00")
    assert berlin.subtract(at("2026-01-11T12:00+01:00"), HOUR) == at("2026-01-09T16:00+01:00")
    assert berlin.subtract(noon, 80 * HOUR) == at("2025-12-29T12:00+01:00")


def test_closing_time_is_closed(berlin: CompiledCalendar) -> None:
    """At closing the next opening is the next day's; while open it is now."""
    assert berlin.opens_at(at("2026-01-08T17:00+01:00")) == at("2026-01-09T09:00+01:00")
    assert berlin.opens_at(at("2026-01-08T09:00+01:00")) == at("2026-01-08T09:00+01:00")
    assert berlin.opens_at(at("2026-01-08T16:59+01:00")) == at("2026-01-08T16:59+01:00")


def test_periods_are_clipped_to_the_question(berlin: CompiledCalendar) -> None:
    """Open intervals of a weekend, from Friday noon to Monday 10:00."""
    found = list(berlin.periods(at("2026-01-09T12:00+01:00"), at("2026-01-12T10:00+01:00")))
    assert found == [
        (at("2026-01-09T12:00+01:00"), at("2026-01-09T17:00+01:00")),
        (at("2026-01-12T09:00+01:00"), at("2026-01-12T10:00+01:00")),
    ]
    assert list(berlin.periods(at("2026-01-12T10:00+01:00"), at("2026-01-09T12:00+01:00"))) == []
    assert list(berlin.periods(at("2026-01-10T00:00+01:00"), at("2026-01-11T00:00+01:00"))) == []


def test_periods_are_found_one_at_a_time(berlin: CompiledCalendar) -> None:
    """The next opening is found without looking at the rest of the century."""
    opens, closes = next(berlin.periods(at("2026-01-10T00:00+01:00"), HORIZON_END))
    assert (opens, closes) == (at("2026-01-12T09:00+01:00"), at("2026-01-12T17:00+01:00"))


def test_new_year_does_not_cut_a_period() -> None:
    """A calendar open through New Year's Eve has one period there, in any zone."""
    for zone in ("UTC", "Pacific/Kiritimati", "America/Los_Angeles"):
        start, end = at("2025-12-30T00:00Z"), at("2027-01-02T00:00Z")
        assert list(compiled(WeeklyHours(weekly=EVERY_DAY), zone).periods(start, end)) == [(start, end)]


# Days that are not like the others


def test_a_night_shift_is_two_intervals_and_one_period() -> None:
    """22:00 to 24:00 and 00:00 to 06:00 touch at midnight; the shift is eight hours long."""
    calendar = compiled(WeeklyHours(weekly=dict.fromkeys(range(7), hours_of("00:00-06:00 22:00-24:00"))))
    night = (at("2026-01-12T22:00+01:00"), at("2026-01-13T06:00+01:00"))
    assert list(calendar.periods(at("2026-01-12T12:00+01:00"), at("2026-01-13T12:00+01:00"))) == [night]
    assert calendar.add(night[0] - HOUR, 8 * HOUR) == night[1]


def test_the_lunch_hour_is_not_counted() -> None:
    """09:00-12:00 and 13:00-17:00: four hours from 10:00 end at 15:00."""
    calendar = compiled(WeeklyHours(weekly=dict.fromkeys(range(5), hours_of("09:00-12:00 13:00-17:00"))))
    assert calendar.add(at("2026-01-12T10:00+01:00"), 4 * HOUR) == at("2026-01-12T15:00+01:00")
    assert calendar.day == 7 * HOUR


def test_a_break_is_cut_out() -> None:
    """A break of 90 minutes within the day, one over its start and one that covers the whole day."""
    breaks = {
        date(2026, 1, 5): hours_of("10:00-11:30"),
        date(2026, 1, 6): hours_of("08:00-10:00"),
        date(2026, 1, 7): hours_of("00:00-12:00 11:00-24:00"),
        date(2026, 1, 8): hours_of("18:00-19:00"),
    }
    calendar = compiled(WeeklyHours(weekly=WEEKDAYS, breaks=breaks))
    open_hours = [
        calendar.between(at(f"2026-01-{day:02}T00:00+01:00"), at(f"2026-01-{day + 1:02}T00:00+01:00")) / HOUR
        for day in range(5, 9)
    ]
    assert open_hours == [6.5, 7, 0, 8]
    assert calendar.add(at("2026-01-05T09:30+01:00"), HOUR) == at("2026-01-05T12:00+01:00")


def test_hours_of_a_date_replace_those_of_its_weekday() -> None:
    """A short Christmas Eve, a Saturday that is worked, and a Monday that is not."""
    date_hours: dict[date, Hours] = {
        date(2026, 12, 24): hours_of("09:00-12:00"),
        date(2026, 12, 26): hours_of("10:00-11:00"),
        date(2026, 12, 28): (),
    }
    calendar = compiled(WeeklyHours(weekly=WEEKDAYS, date_hours=date_hours))
    assert calendar.between(at("2026-12-24T00:00+01:00"), at("2026-12-25T00:00+01:00")) == 3 * HOUR
    assert calendar.add(at("2026-12-25T16:30+01:00"), 2 * HOUR) == at("2026-12-29T09:30+01:00")


def test_a_closed_day_is_closed_whatever_its_hours() -> None:
    """A holiday has no open time, even on a date with hours of its own."""
    hours = WeeklyHours(
        weekly=WEEKDAYS,
        date_hours={date(2026, 1, 1): OFFICE},
        closed=lambda year: frozenset({date(year, 1, 1), date(year, 1, 2)}),
    )
    assert compiled(hours).add(at("2025-12-31T16:00+01:00"), 2 * HOUR) == at("2026-01-05T10:00+01:00")


def test_an_ordinary_day_is_the_longest_weekday() -> None:
    """Silence limits of "one day" use it; overlapping hours count once, dates only where no weekday is open."""
    assert compiled(WeeklyHours(weekly={0: OFFICE, 4: hours_of("09:00-13:00")})).day == 8 * HOUR
    assert compiled(WeeklyHours(weekly={0: hours_of("09:00-13:00 12:00-14:00")})).day == 5 * HOUR
    assert on_one_day("2026-01-05", "09:00-09:30", "UTC").day == 30 * MINUTE


# When the clocks change


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
        ("America/New_York", "2026-03-08", 23),
        ("America/New_York", "2026-11-01", 25),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("America/Sao_Paulo", "2018-11-04", 23),  # 00:00 does not exist
        ("America/Sao_Paulo", "2018-11-03", 24),
        ("America/Sao_Paulo", "2018-02-17", 25),  # 23:00 comes twice
        ("America/Sao_Paulo", "2018-02-18", 24),
        ("Asia/Beirut", "2026-03-29", 23),
        ("Asia/Beirut", "2026-10-24", 25),
        ("Africa/Cairo", "2026-04-24", 23),
        ("Africa/Cairo", "2026-10-29", 25),
        ("America/Havana", "2026-03-08", 23),
        ("America/Havana", "2026-11-01", 25),  # 00:00 comes twice
        ("Antarctica/Troll", "2026-03-29", 22),
        ("Asia/Tokyo", "2026-03-29", 24),
    ],
)
def test_a_day_is_as_long_as_it_really_is(zone: str, day: str, hours: float) -> None:
    """Open from 00:00 to 24:00 on one date: 23 or 25 hours when the clocks change, also where they do at midnight."""
    calendar = on_one_day(day, "00:00-24:00", zone)
    assert calendar.between(at("2018-01-01T00:00Z"), at("2027-01-01T00:00Z")) == hours * HOUR


@pytest.mark.parametrize(
    ("hours", "opens", "closes"),
    [
        ("02:30-06:00", "03:30", "06:00"),  # an edge in the gap moves forward by the hour that is missing
        ("01:00-02:30", "01:00", "03:30"),
        ("02:15-02:45", "03:15", "03:45"),
        ("01:00-02:30 03:00-04:00", "01:00", "04:00"),  # moved onto the next interval: one, counted once
        ("02:30-03:00 05:00-06:00", "05:00", "06:00"),  # opens at 03:30, closes at 03:00: vanishes
    ],
)
def test_an_edge_in_the_gap_moves_forward(hours: str, opens: str, closes: str) -> None:
    """Berlin, 29 March 2026: after 01:59 comes 03:00."""
    calendar = on_one_day("2026-03-29", hours, "Europe/Berlin")
    start = at(f"2026-03-29T{opens}+0{1 if opens < '02' else 2}:00")
    found = list(calendar.periods(at("2026-03-28T00:00Z"), at("2026-03-31T00:00Z")))
    assert found == [(start, at(f"2026-03-29T{closes}+02:00"))]


@pytest.mark.parametrize(
    ("hours", "opens", "closes"),
    [
        ("02:30-06:00", "02:30+02:00", "06:00+01:00"),
        ("00:00-02:30", "00:00+02:00", "02:30+02:00"),
        ("02:15-02:45", "02:15+02:00", "02:45+02:00"),
        ("00:00-03:00", "00:00+02:00", "03:00+01:00"),
    ],
)
def test_an_edge_in_the_overlap_is_its_first_pass(hours: str, opens: str, closes: str) -> None:
    """Berlin, 25 October 2026: the hour from 02:00 to 03:00 comes twice."""
    calendar = on_one_day("2026-10-25", hours, "Europe/Berlin")
    found = list(calendar.periods(at("2026-10-24T00:00Z"), at("2026-10-27T00:00Z")))
    assert found == [(at(f"2026-10-25T{opens}"), at(f"2026-10-25T{closes}"))]


def test_a_deadline_keeps_its_wall_time_over_a_change_of_clocks(berlin: CompiledCalendar) -> None:
    """Office hours are not touched by a change on a Sunday: Friday 16:00 and four hours is Monday 12:00 again."""
    assert berlin.add(at("2026-03-27T16:00+01:00"), 4 * HOUR) == at("2026-03-30T12:00+02:00")
    assert berlin.add(at("2026-10-23T16:00+02:00"), 4 * HOUR) == at("2026-10-26T12:00+01:00")


def test_a_date_that_a_country_skipped_moves_by_a_day() -> None:
    """Samoa had no 30 December 2011, a gap of 24 hours: that day's hours fall on the 31st, and count there once."""
    calendar = compiled(WeeklyHours(weekly=dict.fromkeys(range(7), OFFICE)), "Pacific/Apia")
    found = list(calendar.periods(at("2011-12-29T00:00-10:00"), at("2012-01-01T00:00+14:00")))
    assert found == [
        (at("2011-12-29T09:00-10:00"), at("2011-12-29T17:00-10:00")),
        (at("2011-12-31T09:00+14:00"), at("2011-12-31T17:00+14:00")),
    ]


# Edges of what a calendar can be


def test_always_open_is_elapsed_time() -> None:
    """24x7 never asks for a zone."""
    calendar: Calendar = ALWAYS_OPEN
    assert (calendar.name, calendar.day) == ("24x7", 24 * HOUR)
    assert calendar.add(5, HOUR) == 5 + HOUR
    assert ALWAYS_OPEN.subtract(5 + HOUR, HOUR) == ALWAYS_OPEN.opens_at(5) == 5
    assert (calendar.between(5, 9), calendar.between(9, 5)) == (4, 0)
    assert list(calendar.periods(5, 9)) == [(5, 9)]
    assert list(calendar.periods(9, 5)) == []


@pytest.mark.parametrize(
    "hours",
    [
        WeeklyHours(weekly={}),
        WeeklyHours(weekly={0: ()}),
        WeeklyHours(weekly={}, date_hours={date(2026, 1, 5): OFFICE}, breaks={date(2026, 1, 5): ALL_DAY}),
        WeeklyHours(
            weekly={}, date_hours={date(2026, 1, 5): OFFICE}, closed=lambda year: frozenset({date(year, 1, 5)})
        ),
        WeeklyHours(weekly={}, date_hours={date(1870, 1, 5): OFFICE}),
    ],
)
def test_a_calendar_that_never_opens_is_refused(hours: WeeklyHours) -> None:
    """No deadline could ever be found in it."""
    with pytest.raises(BadConfiguration, match="calendar test: it never opens"):
        compiled(hours)


def test_every_bad_interval_is_named() -> None:
    """One reading shows all that is wrong with the hours."""
    with pytest.raises(BadConfiguration) as refused:
        WeeklyHours(
            weekly={0: ((60, 60),), 7: OFFICE},
            date_hours={date(2026, 1, 1): ((-1, 60),)},
            breaks={date(2026, 1, 2): ((60, 1441), (120, 60))},
        )
    assert len(refused.value.problems) == 5
    assert "break on 2026-01-02: 120 to 60" in refused.value.problems[-1]


def test_beyond_the_horizon_is_an_error_not_a_loop(berlin: CompiledCalendar) -> None:
    """Calendars cover 1900 to 2105; a question outside is refused at once, naming the calendar."""
    questions = [
        lambda: berlin.add(HORIZON_END - HOUR, 400 * HOUR),
        lambda: berlin.add(at("2026-01-01T00:00Z"), 10**18),
        lambda: berlin.add(HORIZON_START - 1, HOUR),
        lambda: berlin.subtract(HORIZON_START + HOUR, 400 * HOUR),
        lambda: berlin.subtract(HORIZON_END + 1, HOUR),
        lambda: berlin.between(HORIZON_START - 1, HORIZON_START + 1),
        lambda: berlin.between(HORIZON_END - 1, HORIZON_END + 1),
        lambda: next(berlin.periods(HORIZON_START - 1, HORIZON_END)),
    ]
    for question in questions:
        with pytest.raises(BeyondHorizon, match="test: "):
            question()
    assert issubclass(BeyondHorizon, ValueError)


def test_the_last_days_before_the_horizon_are_served() -> None:
    """The whole of the first and the last year counts, to its last instant."""
    calendar = compiled(WeeklyHours(weekly=EVERY_DAY), "UTC")
    assert calendar.add(HORIZON_END - HOUR, HOUR) == HORIZON_END
    assert calendar.subtract(HORIZON_END, HOUR) == HORIZON_END - HOUR
    assert calendar.between(HORIZON_END - HOUR, HORIZON_END) == HOUR
    early = compiled(WeeklyHours(weekly=EVERY_DAY), "UTC")
    assert early.subtract(HORIZON_START + HOUR, HOUR) == HORIZON_START


def test_a_budget_that_no_opening_can_fill_ends_at_the_horizon() -> None:
    """Hours on one date only: what is left over after it is never found, and the search stops."""
    calendar = on_one_day("2026-06-01", "09:00-17:00", "UTC")
    assert calendar.add(at("2026-01-01T00:00Z"), 8 * HOUR) == at("2026-06-01T17:00Z")
    with pytest.raises(BeyondHorizon):
        calendar.add(at("2026-01-01T00:00Z"), 8 * HOUR + 1)
    with pytest.raises(BeyondHorizon):
        calendar.subtract(at("2027-01-01T00:00Z"), 8 * HOUR + 1)


# Memory


def test_calendars_that_share_a_room_stay_within_it() -> None:
    """Compiling one makes the one that grew longest ago forget, and that one still gives the same answers."""
    room = Room(intervals_max=600)  # two years of weekdays
    calendars = [compiled(WeeklyHours(weekly=WEEKDAYS), zone, room) for zone in ("UTC", "Asia/Tokyo", "Europe/Rome")]
    start = at("2026-05-05T00:00Z")
    first = [calendar.add(start, 40 * HOUR) for calendar in calendars]
    assert 0 < room.intervals <= 600
    assert [calendar.add(start, 40 * HOUR) for calendar in calendars] == first
    assert room.intervals <= 600


def test_a_calendar_larger_than_its_room_still_works() -> None:
    """The calendar that is asked is never the one forgotten."""
    calendar = compiled(WeeklyHours(weekly=WEEKDAYS), room=Room(intervals_max=1))
    assert calendar.between(at("2020-01-01T00:00Z"), at("2027-01-01T00:00Z")) > 14_000 * HOUR


def test_a_calendar_says_its_name() -> None:
    """A failing test or a log shows which calendar it was."""
    assert repr(compiled(WeeklyHours(weekly=WEEKDAYS))) == "CompiledCalendar('test')"
    assert never_closed(2026) == frozenset()
