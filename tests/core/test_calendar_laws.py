"""Business time by law: what holds for every calendar and budget, and a walk through the minutes as witness."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sla_monitor.core.calendar import CompiledCalendar, Room
from sla_monitor.core.facts import DAY, HOUR, MINUTE
from sla_monitor.core.hours import Hours, WeeklyHours

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Zones, and the days on which their clocks do something.
TRANSITIONS = {
    "Africa/Cairo": ["2026-04-24", "2026-10-30"],
    "Africa/Casablanca": ["2026-02-15", "2026-03-22"],
    "America/Caracas": ["2007-12-09", "2016-05-01"],
    "America/Havana": ["2026-03-08", "2026-11-01"],
    "America/New_York": ["2026-03-08", "2026-11-01"],
    "America/Sao_Paulo": ["2018-02-18", "2018-11-04"],
    "America/St_Johns": ["2011-03-13", "2010-11-07"],
    "Antarctica/Troll": ["2026-03-29", "2026-10-25"],
    "Asia/Beirut": ["2026-03-29", "2026-10-25"],
    "Asia/Gaza": ["2026-03-28", "2026-10-31"],
    "Asia/Kathmandu": ["2026-01-01"],
    "Asia/Pyongyang": ["2015-08-15", "2018-05-05"],
    "Asia/Tehran": ["2022-03-22", "2022-09-22"],
    "Atlantic/Azores": ["2026-03-29", "2026-10-25"],
    "Australia/Lord_Howe": ["2026-04-05", "2026-10-04"],
    "Europe/Berlin": ["2026-03-29", "2026-10-25"],
    "Europe/Dublin": ["2026-03-29", "2026-10-25"],
    "Pacific/Apia": ["2011-12-30", "2020-04-05"],
    "Pacific/Chatham": ["2026-04-05", "2026-09-27"],
    "Pacific/Kiritimati": ["1994-12-31", "2026-01-01"],
    "Pacific/Kwajalein": ["1993-08-21"],
    "UTC": ["2026-01-01"],
}
MOMENTS = [(zone, date.fromisoformat(day)) for zone, days in TRANSITIONS.items() for day in days]


@st.composite
def hours_of_a_day(draw: st.DrawFn) -> Hours:
    """None to three intervals, many of them around midnight and 02:00, where clocks change."""
    minute = st.one_of(st.sampled_from([0, 30, 60, 90, 120, 135, 150, 180, 1380, 1410, 1440]), st.integers(0, 1440))
    edges = sorted(draw(st.lists(minute, max_size=6, unique=True)))
    return tuple(zip(edges[::2], edges[1::2], strict=False))


@st.composite
def weekly_hours(draw: st.DrawFn, around: date) -> WeeklyHours:
    """Hours with exceptions near a date; one weekday at least is open long enough to fill budgets."""
    near = st.integers(-4, 4).map(lambda days: around + timedelta(days=days))
    closed = draw(st.frozensets(near, max_size=2))
    office: Hours = ((9 * 60, 17 * 60),)
    return WeeklyHours(
        weekly={weekday: draw(hours_of_a_day()) for weekday in range(6)} | {draw(st.integers(0, 6)): office},
        date_hours=draw(st.dictionaries(near, hours_of_a_day(), max_size=2)),
        breaks=draw(st.dictionaries(near, hours_of_a_day(), max_size=2)),
        closed=lambda year: frozenset(day for day in closed if day.year == year),
    )


@st.composite
def questions(draw: st.DrawFn) -> tuple[CompiledCalendar, list[int], list[int]]:
    """A calendar, four instants near a change of its clocks in ascending order, and two budgets."""
    zone, around = draw(st.sampled_from(MOMENTS))
    calendar = CompiledCalendar("law", draw(weekly_hours(around)), ZoneInfo(zone))
    midnight = (around.toordinal() - EPOCH.toordinal()) * DAY
    offset = st.one_of(
        st.integers(-5 * 24 * 60, 5 * 24 * 60).map(lambda minutes: minutes * MINUTE),
        st.integers(-5 * DAY, 5 * DAY),
        st.integers(-400 * DAY, 400 * DAY),
    )
    instants = sorted(midnight + draw(offset) for _ in range(4))
    budget = st.one_of(st.sampled_from([0, 1, HOUR, 4 * HOUR, 8 * HOUR, 40 * HOUR]), st.integers(0, 60 * HOUR))
    return calendar, instants, [draw(budget), draw(budget)]


modest = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@modest
@given(questions())
def test_what_is_added_can_be_measured(asked: tuple[CompiledCalendar, list[int], list[int]]) -> None:
    """between(s, add(s, b)) == b, no earlier instant will do, and a deadline never lies before its start."""
    calendar, (start, *_), (budget, _) = asked
    end = calendar.add(start, budget)
    assert end >= start
    assert calendar.between(start, end) == budget
    if budget:
        assert calendar.between(start, end - 1) == budget - 1


@modest
@given(questions())
def test_adding_twice_is_adding_the_sum(asked: tuple[CompiledCalendar, list[int], list[int]]) -> None:
    """add(s, a + b) == add(add(s, a), b)."""
    calendar, (start, *_), (one, two) = asked
    assert calendar.add(start, one + two) == calendar.add(calendar.add(start, one), two)


@modest
@given(questions())
def test_subtracting_is_measured_alike(asked: tuple[CompiledCalendar, list[int], list[int]]) -> None:
    """between(subtract(e, b), e) == b, no later instant will do, and the way back ends no later than it began."""
    calendar, (end, *_), (budget, _) = asked
    start = calendar.subtract(end, budget)
    assert calendar.between(start, end) == budget
    assert calendar.add(start, budget) <= end
    if budget:
        assert calendar.between(start + 1, end) == budget - 1


@modest
@given(questions())
def test_time_split_in_two_is_the_same_time(asked: tuple[CompiledCalendar, list[int], list[int]]) -> None:
    """between(a, c) == between(a, b) + between(b, c), never more than has elapsed, and the sum of the periods."""
    calendar, (first, second, third, last), _ = asked
    whole = calendar.between(first, last)
    assert whole == calendar.between(first, second) + calendar.between(second, third) + calendar.between(third, last)
    assert 0 <= whole <= last - first
    periods = list(calendar.periods(first, last))
    assert whole == sum(closes - opens for opens, closes in periods)
    edges = [first - 1, *(edge for period in periods for edge in period), last + 1]
    assert edges == sorted(set(edges)), "ascending, clipped, never empty, never touching"


@modest
@given(questions())
def test_more_never_ends_earlier(asked: tuple[CompiledCalendar, list[int], list[int]]) -> None:
    """A later start or a larger budget gives the same deadline or a later one; more time holds as much or more."""
    calendar, (first, second, third, _), budgets = asked
    less, more = sorted(budgets)
    assert calendar.add(first, less) <= calendar.add(first, more)
    assert calendar.add(first, less) <= calendar.add(second, less)
    assert calendar.between(first, second) <= calendar.between(first, third)


@settings(modest, max_examples=25)
@given(questions(), st.randoms(use_true_random=False))
def test_what_was_asked_before_changes_no_answer(
    asked: tuple[CompiledCalendar, list[int], list[int]], chance: random.Random
) -> None:
    """A calendar used in any order, forward and backward in time, or made to forget, answers like a fresh one."""
    used, instants, budgets = asked
    order = list(zip(instants, budgets * 2, strict=True))
    chance.shuffle(order)
    for instant, budget in order:
        fresh = CompiledCalendar("law", used._hours, used._zone, Room())
        assert used.add(instant, budget) == fresh.add(instant, budget)
        assert used.between(instants[0], instant) == fresh.between(instants[0], instant)
        assert used.subtract(instant, budget) == fresh.subtract(instant, budget)
        if chance.random() < 0.2:
            used.forget()


# The witness


def minutes_walked(zone: ZoneInfo, first: int, last: int) -> dict[int, int]:
    """Minute of the wall clock -> minute of UTC at its first pass, as a walker with a watch sees them."""
    seen: dict[int, int] = {}
    for minute in range(first, last):
        wall = datetime.fromtimestamp(minute * 60, zone)
        seen.setdefault(((wall.toordinal() - EPOCH.toordinal()) * 24 + wall.hour) * 60 + wall.minute, minute)
    return seen


def edge_walked(seen: dict[int, int], wall: int) -> int:
    """An edge that the clock never shows: as long after the last minute it did show as if it had gone on."""
    shown = wall
    while shown not in seen:
        shown -= 1
    return seen[shown] + wall - shown


def open_minutes(hours: WeeklyHours, zone: ZoneInfo, days: Sequence[date]) -> set[int]:
    """The open minutes of some local dates, counted one by one."""
    start = (days[0].toordinal() - EPOCH.toordinal()) * 1440
    seen = minutes_walked(zone, start - 2 * 1440, start + (len(days) + 2) * 1440)
    found: set[int] = set()
    cut: set[int] = set()
    for day in days:
        midnight = (day.toordinal() - EPOCH.toordinal()) * 1440
        closed = day in hours.closed(day.year)
        opened = () if closed else hours.date_hours.get(day, hours.weekly.get(day.weekday(), ()))
        for minutes, spans in ((found, opened), (cut, ((0, 1440),) if closed else hours.breaks.get(day, ()))):
            for opens, closes in spans:
                minutes |= set(range(edge_walked(seen, midnight + opens), edge_walked(seen, midnight + closes)))
    return found - cut


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_walk_through_the_minutes_finds_the_same_open_time(data: st.DataObject) -> None:
    """The compiled calendar is open in exactly those minutes in which someone at the door with a watch sees it open."""
    name, around = data.draw(st.sampled_from(MOMENTS))
    zone = ZoneInfo(name)
    hours = data.draw(weekly_hours(around))
    days = [around + timedelta(days=n) for n in range(-4, 5)]
    walked = open_minutes(hours, zone, days)
    noon = ((around.toordinal() - EPOCH.toordinal()) * 24 + 12) * 60
    first, last = noon - 2 * 1440, noon + 2 * 1440
    calendar = CompiledCalendar("law", hours, zone)
    periods = calendar.periods(first * MINUTE, last * MINUTE)
    compiled = {m for opens, closes in periods for m in range(opens // MINUTE, closes // MINUTE)}
    assert compiled == {minute for minute in walked if first <= minute < last}
