"""Questions about business time, and all that can be wrong with one."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from sla_monitor.core.facts import SECOND
from sla_monitor.wire.queries import Moved, Periods, Query, read_query

HOURS = {"mon": [["09:00", "17:00"]]}
ASKED = {"id": "q", "op": "add", "tz": "UTC", "hours": HOURS, "start": "2026-01-05T09:00:00Z", "seconds": 60}


def read(**changes: Any) -> Query | ValueError:
    return read_query(json.dumps(ASKED | changes).encode())[1]


def question(**changes: Any) -> Query:
    found = read(**changes)
    assert isinstance(found, Query), found
    return found


def test_a_question_states_its_calendar_in_full() -> None:
    """Weekdays, dates and breaks in minutes; what is not said is not there; unknown names and nulls say nothing."""
    found = question(holidays=["2026-01-01"], breaks={"2026-01-05": [["10:00", "10:30"]]}, end=None, note="why")
    assert found.zone == "UTC"
    assert found.hours.weekly == {0: ((540, 1020),)}
    assert found.hours.breaks == {date(2026, 1, 5): ((600, 630),)}
    assert found.hours.closed(2026) == {date(2026, 1, 1)}
    assert found.question == Moved(start=1_767_603_600 * SECOND, budget=60 * SECOND, back=False, opening=False)


def test_what_ends_before_it_begins_goes_on_the_next_day() -> None:
    """22:00 to 06:00 is 22:00 to 24:00 and, the day after, 00:00 to 06:00; to 00:00 is to midnight."""
    night = [["22:00", "06:00"]]
    assert question(hours={"sun": night, "mon": [["09:00", "00:00"]]}).hours.weekly == {
        6: ((1320, 1440),),
        0: ((0, 360), (540, 1440)),
    }
    dated = question(date_hours={"2026-01-04": night}, breaks={"2026-01-31": night}).hours
    assert dated.date_hours == {date(2026, 1, 4): ((1320, 1440),), date(2026, 1, 5): ((540, 1020), (0, 360))}
    assert dated.breaks == {date(2026, 1, 31): ((1320, 1440),), date(2026, 2, 1): ((0, 360),)}


@pytest.mark.parametrize(("seconds", "budget"), [(0, 0), (1.5, 1_500_000), (0.000001, 1), (1e3, 1_000_000_000)])
def test_seconds_may_have_a_fraction(seconds: float, budget: int) -> None:
    """Down to a microsecond, exactly: decimal fractions are not made binary ones on the way."""
    found = question(seconds=seconds).question
    assert isinstance(found, Moved)
    assert found.budget == budget


def test_the_same_calendar_is_recognised() -> None:
    """So that it is compiled once, whatever is asked of it."""
    assert question().calendar == question(seconds=1, start="2026-01-06T09:00:00+01:00", id=2).calendar
    assert len({question().calendar, question(tz="GMT").calendar, question(holidays=["2026-01-01"]).calendar}) == 3


def test_hours_of_single_dates_are_enough() -> None:
    """A calendar may have no weekday at all."""
    found = question(hours=None, date_hours={"2026-01-05": [["09:00", "17:00"]]}).hours
    assert (found.weekly, found.date_hours) == ({}, {date(2026, 1, 5): ((540, 1020),)})


def test_periods_are_asked_by_number_or_up_to_an_end() -> None:
    found = question(op="periods", count=0)
    assert found.question == Periods(start=1_767_603_600 * SECOND, count=0, end=None)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"op": "multiply"}, "Invalid enum value 'multiply'"),
        ({"op": None}, "missing required field `op`"),
        ({"seconds": None}, "need `seconds`"),
        ({"seconds": -1}, "seconds is negative"),
        ({"seconds": -0.5}, "seconds is negative"),
        ({"seconds": "1 h"}, "`$.seconds`"),
        ({"seconds": True}, "`$.seconds`"),
        ({"seconds": 0.0000001}, "finer than a microsecond"),
        ({"seconds": 10**30}, "more than any calendar has"),
        ({"seconds": 1e300}, "more than any calendar has"),
        ({"start": "2026-01-05T09:00:00"}, "start: not RFC 3339 with an offset"),
        ({"start": "2026-02-30T09:00:00Z"}, "start: "),
        ({"start": 5}, "Expected `str`"),
        ({"op": "between"}, "`between` needs `end`"),
        ({"op": "between", "end": "2026-01-05T08:59:59Z"}, "end is before start"),
        ({"op": "periods", "end": "2026-01-05T08:59:59Z"}, "end is before start"),
        ({"op": "periods"}, "either `count` or `end`"),
        ({"op": "periods", "count": 1, "end": "2026-01-06T00:00:00Z"}, "either `count` or `end`"),
        ({"op": "periods", "count": -1}, "count is negative"),
        ({"boundary": "middle"}, "Invalid enum value 'middle'"),
        ({"hours": {"Monday": []}}, "Invalid enum value 'Monday'"),
        ({"hours": {"mon": [["09:00"]]}}, "Expected `array` of length 2"),
        ({"hours": {"mon": [["9:00", "17:00"]]}}, "'9:00' is not a time of day"),
        ({"hours": {"mon": [["09:00", "24:01"]]}}, "'24:01' is not a time of day"),
        ({"hours": {"mon": [["09:00", "09:00"]]}}, "mon: 09:00 to 09:00 is no interval"),
        ({"hours": {"mon": [["24:00", "06:00"]]}}, "mon: 24:00 to 06:00 is no interval"),
        ({"hours": {"mon": [["09:00", "09:01"]] * 49}}, "mon: more than 48 intervals"),
        ({"holidays": ["2026-1-1"]}, "'2026-1-1' is not a date"),
        ({"holidays": ["20260101"]}, "'20260101' is not a date"),
        ({"date_hours": {"9999-12-31": []}}, "'9999-12-31' is not a date"),
        ({"breaks": {"2026-02-30": []}}, "'2026-02-30' is not a date"),
        ({"holidays": ["2026-01-01"] * 10_001}, "holidays: more than 10000 dates"),
        ({"id": [1]}, "id is neither text nor a whole number"),
    ],
)
def test_a_bad_question_is_told_what_is_wrong_with_it(changes: dict[str, Any], problem: str) -> None:
    """Each problem in words, never a traceback."""
    found = read(**changes)
    assert isinstance(found, ValueError)
    assert problem in str(found)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{", "not JSON"),
        (b"[1]", "a question is a JSON object"),
        (b"\xff", "not UTF-8"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"id": 1, "seconds": NaN}', "NaN is not a number"),
        (b'{"id": 1, "hours": {"mon": [], "mon": []}}', "'mon' twice"),
        (b'{"id": 1' + b"0" * 5_000 + b"}", "not JSON"),
    ],
)
def test_a_line_that_is_no_question_has_no_id(line: bytes, problem: str) -> None:
    """There is nothing in it to be trusted."""
    asked, found = read_query(line)
    assert asked is None
    assert isinstance(found, ValueError)
    assert problem in str(found)
