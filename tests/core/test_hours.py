"""Opening hours before they become instants: shifts past midnight, what is taken away, versions."""

from __future__ import annotations

from datetime import date

import pytest

from sla_monitor.core.facts import HOUR
from sla_monitor.core.hours import (
    ALL_DAY,
    DatedHours,
    Hours,
    WeeklyHours,
    dated_shifts,
    open_on,
    past_midnight,
    weekly_shifts,
    without,
)

OFFICE: Hours = ((540, 1020),)
MONDAY = date(2026, 1, 5)


@pytest.mark.parametrize(
    ("cuts", "left"),
    [
        ([], [(0, 10), (20, 30)]),
        ([(10, 20)], [(0, 10), (20, 30)]),
        ([(0, 10)], [(20, 30)]),
        ([(5, 25)], [(0, 5), (25, 30)]),
        ([(1, 2), (3, 4), (22, 23)], [(0, 1), (2, 3), (4, 10), (20, 22), (23, 30)]),
        ([(0, 30)], []),
        ([(-5, 1), (9, 21), (29, 99)], [(1, 9), (21, 29)]),
    ],
)
def test_what_is_cut_out_is_gone_and_nothing_else(cuts: list[tuple[int, int]], left: list[tuple[int, int]]) -> None:
    """Within an interval, over its edges, over several, beside all."""
    assert without([(0, 10), (20, 30)], cuts) == left


def test_a_shift_past_midnight_is_split_there() -> None:
    """To midnight, and from midnight; one that ends at 00:00 has no second part."""
    assert past_midnight([(540, 1020), (1320, 360)]) == (((540, 1020), (1320, 1440)), ((0, 360),))
    assert past_midnight([(1320, 0)]) == (((1320, 1440),), ())


def test_the_second_part_of_sunday_is_monday_s() -> None:
    assert weekly_shifts({6: [(1320, 360)], 0: OFFICE}) == {6: ((1320, 1440),), 0: ((0, 360), (540, 1020))}


def test_the_day_after_a_dated_shift_keeps_its_hours() -> None:
    """Those of its own date if it has some, else what is usual."""
    tuesday, wednesday = date(2026, 1, 6), date(2026, 1, 7)
    found = dated_shifts({MONDAY: [(1320, 360)], tuesday: [(1320, 60)]}, lambda _: OFFICE)
    assert found == {MONDAY: ((1320, 1440),), tuesday: ((1320, 1440), (0, 360)), wednesday: (*OFFICE, (0, 60))}


def test_a_date_opens_and_closes() -> None:
    """Breaks close; a half day closes early; a date may have hours of its own; a closed day is closed all day."""
    hours = WeeklyHours(
        weekly={0: OFFICE, 1: OFFICE, 2: OFFICE},
        date_hours={date(2026, 1, 6): ((600, 1200),)},
        breaks={MONDAY: ((550, 560),)},
        closed=lambda _: frozenset({date(2026, 1, 7)}),
        early=lambda _: frozenset({MONDAY}),
        early_minute=720,
    )
    assert hours.on(MONDAY) == (OFFICE, ((550, 560), (720, 1440)))
    assert open_on(hours, MONDAY) == ((540, 550), (560, 720))
    assert open_on(hours, date(2026, 1, 6)) == ((600, 1200),)
    assert hours.on(date(2026, 1, 7)) == ((), ALL_DAY)


def test_a_version_holds_from_its_date_to_the_next() -> None:
    """The first before its date too; an interruption is one in whichever version it is written."""
    old = WeeklyHours(weekly={0: OFFICE}, outages=lambda year: ((year, year + 1),))
    new = WeeklyHours(weekly={0: ((0, 720),)}, outages=lambda year: ((year + 5, year + 6),))
    hours = DatedHours(((date(2020, 1, 1), old), (MONDAY, new)))
    assert [open_on(hours, date(year, month, day)) for year, month, day in ((1999, 1, 4), (2025, 12, 29))] == [
        OFFICE,
        OFFICE,
    ]
    assert open_on(hours, MONDAY) == ((0, 720),)
    assert hours.outages(2026) == [(2026, 2027), (2031, 2032)]
    assert hours.ever_opens()
    assert hours.longest_day() == 12 * HOUR
