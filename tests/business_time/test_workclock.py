"""`calendar compute` and the `workclock` package: the same answers wherever both define one.

`docs/pitfalls/other-libraries.md` explains each difference; here each is shown.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from importlib import resources
from typing import Any

import pytest
import workclock

from sla_monitor.cli.business_time import Computer
from tests.business_time.questions import Moment, odd_moments, questions, spans
from tests.business_time.walker import A_DAY, WEEKDAYS

AROUND = 4 * A_DAY
WEEKS = 40  # days before and after a moment for which weekly breaks are written out; answers beyond are not compared
CALENDARS = 2 * len(odd_moments())
SKIPPED = {  # dates that never were
    ("Pacific/Apia", "2011-12-30"),
    ("Pacific/Enderbury", "1994-12-31"),
    ("Pacific/Kwajalein", "1993-08-21"),
}
MONDAY = "2026-01-05T00:00:00Z"
COMPUTER = Computer()
Written = list[list[str]]


@pytest.fixture(autouse=True)
def zones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both read the same release of tzdata: ours."""
    monkeypatch.setenv("TZDIR", str(resources.files("tzdata").joinpath("zoneinfo")))


def clock(text: str) -> time:
    return time(0) if text == "24:00" else time.fromisoformat(text)


def schedule(calendar: Mapping[str, Any], weekly_breaks: Mapping[str, Written]) -> workclock.Schedule:
    rules: list[workclock.WorkDay | workclock.Break | workclock.Holidays] = [
        kind(clock(opens), clock(closes), days=[WEEKDAYS.index(day)])
        for kind, written in ((workclock.WorkDay, calendar["hours"]), (workclock.Break, weekly_breaks))
        for day, each in written.items()
        for opens, closes in each
    ]
    closed = workclock.Holidays([date.fromisoformat(day) for day in calendar["holidays"]])
    return workclock.Schedule([*rules, closed], time_zone=calendar["tz"])


def theirs(found: workclock.Schedule, question: Mapping[str, Any]) -> object:
    """Their answer in our form, with times in UTC."""
    start = utc(question["start"])
    budget = timedelta(seconds=question.get("seconds", 0))
    match question["op"]:
        case "add":
            return found.add(start, budget)
        case "subtract":
            return found.sub(start, budget)
        case "between":
            return found.between(start, utc(question["end"])).total_seconds()
        case _:
            return list(found.next_period(start))


def ours(question: Mapping[str, Any]) -> Any:
    answer = COMPUTER.answer(json.dumps(question).encode())
    found = answer.get("result", answer)
    match question["op"]:
        case "add" | "subtract" if isinstance(found, str):
            return utc(found)
        case "periods" if isinstance(found, list):
            return [utc(edge) for edge in found[0]]
        case _:
            return found


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def shared_questions(chance: random.Random, moment: Moment) -> Iterator[tuple[workclock.Schedule, dict[str, Any]]]:
    """Questions that both can be asked: breaks by weekday, no hours of single dates, one period."""
    weekly = {day: kept(spans(chance), moment) for day in WEEKDAYS if chance.random() < 0.3}
    near = [moment[1] + timedelta(days=n) for n in range(-WEEKS, WEEKS + 1)]
    breaks = {str(day): weekly[name] for day in near if (name := WEEKDAYS[day.weekday()]) in weekly}
    for question in questions(chance, moment, AROUND, 5):
        closed = [day for day in question["holidays"] if (moment[0], day) not in SKIPPED]
        hours = {day: kept(each, moment) for day, each in question["hours"].items()}
        question |= {"hours": hours, "breaks": breaks, "holidays": closed, "date_hours": {}, "boundary": "closing"}
        if question["op"] == "periods":
            question["count"] = 1
            question.pop("end", None)
        try:
            yield schedule(question, weekly), question
        except workclock.NoWorkingTimeError:  # breaks leave nothing, any week
            return


def test_both_answer_alike() -> None:
    """Shifts past midnight, overlapping ones, breaks, holidays, and clocks that are turned."""
    chance, compared = random.Random(8), 0
    moments = odd_moments()
    for n in range(CALENDARS):
        zone, day = moments[n % len(moments)]
        for found, question in shared_questions(chance, (zone, day)):
            expected, answer = theirs(found, question), ours(question)
            last = answer[-1] if isinstance(answer, list) else answer
            if isinstance(last, datetime) and abs(last.date() - day) > timedelta(days=WEEKS - 5):
                continue
            compared += 1
            assert answer == expected, question
    assert compared > 4 * CALENDARS


def kept(written: Written, moment: Moment) -> Written:
    """Without what passes midnight, where a date never was."""
    skipped = (moment[0], str(moment[1])) in SKIPPED
    return [[opens, closes] for opens, closes in written if opens < closes or not skipped]


def asked(op: str, hours: dict[str, Written], **said: Any) -> dict[str, Any]:
    return {"op": op, "tz": "UTC", "hours": hours, "holidays": [], "start": MONDAY} | said


def test_an_end_before_the_start_is_negative_there_and_an_error_here() -> None:
    question = asked("between", {"mon": [["09:00", "17:00"]]}, start="2026-01-06T00:00:00Z", end=MONDAY)
    assert theirs(schedule(question, {}), question) == -8 * 3600
    assert ours(question)["error"] == "end is before start"


def test_a_negative_budget_goes_back_there_and_is_an_error_here() -> None:
    question = asked("add", {"mon": [["09:00", "17:00"]]}, start="2026-01-06T00:00:00Z", seconds=-3600)
    assert theirs(schedule(question, {}), question) == utc("2026-01-05T16:00:00Z")
    assert ours(question)["error"] == "seconds is negative"


def test_equal_edges_are_a_whole_day_there_and_an_error_here() -> None:
    question = asked("between", {"mon": [["09:00", "09:00"]]}, end="2026-01-07T00:00:00Z")
    assert theirs(schedule(question, {}), question) == 24 * 3600
    assert "no interval" in ours(question)["error"]


def test_a_holiday_on_a_date_that_never_was_closes_nothing_there_and_its_own_hours_here() -> None:
    """Samoa had no 30 December 2011. The hours of that Friday fall on the 31st, unless they are those of a holiday."""
    said = {"tz": "Pacific/Apia", "holidays": ["2011-12-30"], "start": "2011-12-29T00:00:00Z"}
    question = asked("between", {"fri": [["09:00", "17:00"]]}, end="2012-01-02T00:00:00Z", **said)
    assert theirs(schedule(question, {}), question) == 8 * 3600
    assert ours(question) == 0


def test_a_shift_from_a_date_that_never_was_is_gone_there_and_in_two_parts_here() -> None:
    """22:00 to 06:00 of that Friday: the evening would end before it begins, the morning is the 31st's own."""
    said = {"tz": "Pacific/Apia", "start": "2011-12-29T00:00:00Z", "end": "2012-01-02T00:00:00Z"}
    question = asked("between", {"fri": [["22:00", "06:00"]]}, **said)
    assert theirs(schedule(question, {}), question) == 0
    assert ours(question) == 6 * 3600


def test_a_period_that_never_ends_is_cut_off_there_and_an_error_here() -> None:
    """Their searches go 366 days far, and seven more for each holiday."""
    always = {day: [["00:00", "24:00"]] for day in WEEKDAYS}
    question = asked("periods", always, count=1)
    assert theirs(schedule(question, {}), question) == [utc(MONDAY), utc("2027-01-06T00:00:00Z")]
    assert "not as many periods begin and end" in ours(question)["error"]
