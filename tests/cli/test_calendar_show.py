"""`sla-monitor calendar show`: what is drawn, printed and exported is what the calendar is."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import icalendar
import pytest

from sla_monitor.cli import calendar_view as view
from sla_monitor.config.packs import load_packs
from sla_monitor.core.calendar import CompiledCalendar
from sla_monitor.core.hours import Hours, WeeklyHours
from sla_monitor.errors import EXIT_USAGE
from tests.cli.packs import hosting
from tests.cli.test_calendar import run
from tests.core.test_calendar import at

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE: Hours = ((540, 1020),)


def drawn(hours: Hours, day: date) -> str:
    return view.bar(CompiledCalendar("test", WeeklyHours(weekly=dict.fromkeys(range(7), hours)), BERLIN), BERLIN, day)


@pytest.mark.parametrize(
    ("hours", "day", "marks"),
    [
        (OFFICE, date(2026, 1, 5), "·········████████·······"),
        (((570, 750), (780, 1050)), date(2026, 1, 5), "·········▌██▌████▌······"),
        (((0, 1440),), date(2026, 3, 29), "██ █████████████████████"),  # 02:00 to 03:00 does not come
        (((0, 360), (1320, 1440)), date(2026, 10, 25), "██████················██"),  # and in autumn it comes twice
    ],
)
def test_a_day_is_drawn_hour_by_hour(hours: Hours, day: date, marks: str) -> None:
    """Full, in part, closed; a blank where the clocks skip an hour."""
    assert drawn(hours, day) == marks


def test_days_are_held_against_what_is_usual_on_their_weekday() -> None:
    """A holiday, a short day, a Saturday that is worked; other Saturdays are closed as usual."""
    calendar = CompiledCalendar(
        "test",
        WeeklyHours(
            weekly=dict.fromkeys(range(5), OFFICE),
            date_hours={date(2026, 12, 24): ((540, 720),), date(2026, 12, 19): OFFICE},
            closed=lambda year: frozenset({date(year, 12, 25)}),
        ),
        BERLIN,
    )
    year = view.year_of(calendar, BERLIN, 2026)
    assert len(year) == 365
    kinds = {day.day.day: day.kind for day in year if day.day.month == 12}
    assert [kinds[day] for day in (18, 19, 24, 25, 26)] == [view.USUAL, view.OTHER, view.OTHER, view.CLOSED, view.REST]
    december = list(view.year_lines(year))[12]
    assert december == "Dec ████··█████··█████▒·███▒x··████"
    names = {date(2026, 12, 25): "Christmas"}
    assert [(day.day.day, name) for day, name in view.exceptions(year, names)] == [
        (19, ""),
        (24, ""),
        (25, "Christmas"),
    ]


def test_midnight_ends_a_day() -> None:
    """As the end of a period it is 24:00, as a beginning 00:00."""
    midnight = at("2026-01-06T00:00+01:00")
    assert (view.clock(midnight, BERLIN), view.clock(midnight, BERLIN, end=True)) == ("00:00", "24:00")


def test_the_export_is_read_as_the_same_periods(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Every open period of the year, in order, each with an id of its own; the same bytes each time."""
    calendar = load_packs().versions[0].calendar_for("DE", "BY", None)
    text = view.ics(calendar, BERLIN, 2026)
    events = [each for each in icalendar.Calendar.from_ical(text.decode()).walk() if isinstance(each, icalendar.Event)]
    found = [(at(event.start.isoformat()), at(event.end.isoformat())) for event in events]
    assert found == list(calendar.periods(at("2026-01-01T00:00+01:00"), at("2027-01-01T00:00+01:00")))
    assert len({str(event["UID"]) for event in events}) == len(found) > 240
    assert run(monkeypatch, "show", "DE-BY", "--date", "2026-06-01", "--ics") == 0
    assert capfdbinary.readouterr().out == text


def test_the_same_is_there_as_data(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The week with its periods in the calendar's zone, and every day that is not as usual, by its name."""
    assert run(monkeypatch, "show", "JP", "--date", "2026-01-13", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["calendar"], found["timezone"]) == ("SP-HRS-JP:JP:Asia/Tokyo", "Asia/Tokyo")
    assert found["ordinary_day_seconds"] == 8.5 * 3600
    assert [day["open_seconds"] / 3600 for day in found["week"]] == [0, 8.5, 8.5, 8.5, 8.5, 0, 0]
    assert found["week"][1]["periods"] == [["2026-01-13T09:00:00+09:00", "2026-01-13T17:30:00+09:00"]]
    closed = {each["date"]: each["name"] for each in found["exceptions"]}
    assert closed["2026-01-12"] == "Coming of Age Day"
    days = (date(2026, 1, 1).toordinal() + n for n in range(365))
    weekdays = sum(date.fromordinal(day).weekday() < 5 for day in days)
    assert found["open_seconds_of_the_year"] == (weekdays - len(closed)) * 8.5 * 3600


def test_days_that_are_not_as_usual_say_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Holidays, events of files, breaks and dates of the pack, each by its name."""
    pack = hosting(
        tmp_path,
        "  - rule: H-OFFICE\n    hours: 09:00-17:00\n    dates: {2026-12-24: 09:00-12:00}\n"
        "    breaks: {2026-12-22: 15:00-16:00}\n    closures: closures.ics\n",
    )
    assert run(monkeypatch, "show", "DE", "--date", "2026-12-01", "--policy", str(pack)) == 0
    lines = capsys.readouterr().out.splitlines()
    for line in (
        "Wed 2026-12-02  7 h     All hands (closures.ics)",
        "Tue 2026-12-22  7 h     a break of this date in the pack",
        "Thu 2026-12-24  3 h     hours of this date in the pack",
        "Fri 2026-12-25  closed  Christmas Day",
        "Mon 2026-12-28  closed  Works holidays (closures.ics)",
    ):
        assert line in lines


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["XX"], "countries table"),
        (["DE", "--timezone", "Mars/Phobos"], "not in tzdata"),
        (["DE", "--date", "2026-02-30"], "2026-01-31"),
        (["DE", "--date", "1900-01-01"], "between the years"),
    ],
)
def test_a_place_or_date_that_does_not_exist_is_wrong_usage(
    arguments: list[str], words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "show", *arguments) == EXIT_USAGE
    assert words in capsys.readouterr().err
