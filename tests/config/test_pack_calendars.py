"""What a pack may say of its calendars, from the file to the deadline."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from sla_monitor.config.packs import country_table, load_packs
from sla_monitor.config.zones import zone_named
from sla_monitor.core.calendar import Calendar, CompiledCalendar
from sla_monitor.core.facts import HOUR
from tests.config.test_calendars import rows_of_tzdata
from tests.config.test_closures import ics
from tests.core.test_calendar import at

ROOT = Path(__file__).parents[2]
OTHER_PLAN = Path(__file__).parent / "four_severities.yaml"
Made = Callable[..., Calendar]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """The calendar of a place under a pack with these calendars and, if given, this section of holidays."""

    def make(calendars: str, country: str = "DE", part: str | None = None, holidays: str = "") -> Calendar:
        text = re.sub(r"(?ms)^calendars:.*?(?=^\w)", "", OTHER_PLAN.read_text("utf-8"))
        text = re.sub(r"(?ms)^holidays:.*?(?=^\w)", "", text)
        rule = re.search(r"(?m)^  ([A-Z][\w-]*): *\{?clause|^  ([A-Z][\w-]*):$", text)
        assert rule
        said = calendars.replace("R-1", rule[1] or rule[2])
        (tmp_path / "pack.yaml").write_text(f"{text}\ncalendars:\n{said}\n{holidays and 'holidays: '}{holidays}\n")
        return load_packs(tmp_path / "pack.yaml").versions[0].calendar_for(country, part, None)

    return make


def hours_on(calendar: Calendar, day: str, offset: str = "+01:00") -> float:
    start = at(f"{day}T00:00{offset}")
    return calendar.between(start, start + 24 * HOUR) / HOUR


def test_a_day_may_have_several_periods_and_a_night(made: Made) -> None:
    """Friday's night goes on until Saturday 06:00, though Saturday is the weekend."""
    calendar = made("  - {rule: R-1, hours: [09:00-12:00, 13:00-17:00, 22:00-06:00]}")
    friday = at("2026-01-09T00:00+01:00")
    assert list(calendar.periods(friday, friday + 40 * HOUR)) == [
        (friday, friday + 6 * HOUR),
        (friday + 9 * HOUR, friday + 12 * HOUR),
        (friday + 13 * HOUR, friday + 17 * HOUR),
        (friday + 22 * HOUR, friday + 30 * HOUR),
    ]


def test_weekdays_may_have_hours_of_their_own(made: Made) -> None:
    """`week` says all of it: the country's weekend no longer matters. Sunday 22:00 is before Monday."""
    calendar = made("  - {rule: R-1, week: {mon: 09:00-17:00, sat: [10:00-12:00], sun: 22:00-02:00}}", "EG")
    days = [hours_on(calendar, f"2026-01-{day:02}", "+02:00") for day in range(5, 12)]
    assert days == [8 + 2, 0, 0, 0, 0, 2, 2]


def test_single_dates_may_have_other_hours_and_breaks(made: Made) -> None:
    """A short Christmas Eve, a holiday that is worked, a Monday that is not, a works meeting."""
    calendar = made(
        "  - rule: R-1\n    hours: 09:00-17:00\n"
        "    dates: {2026-12-24: 09:00-12:00, 2026-12-25: 10:00-11:00, 2026-12-28: []}\n"
        "    breaks: {2026-12-29: [10:00-10:30, 16:00-20:00]}"
    )
    days = [hours_on(calendar, f"2026-12-{day}") for day in (24, 25, 26, 28, 29, 30)]
    assert days == [3, 1, 0, 0, 6.5, 8]


def test_hours_may_change_for_good(made: Made) -> None:
    """On 1 July 2026 the old hours end, and with them what they say of holidays."""
    calendar = made(
        "  - {rule: R-1, hours: 09:00-17:00, holidays: {categories: []}}\n"
        "  - {rule: R-1, since: 2026-07-01, hours: 08:00-20:00}"
    )
    assert [hours_on(calendar, day) for day in ("2026-01-01", "2026-04-06")] == [8, 8]
    summer = [hours_on(calendar, day, "+02:00") for day in ("2026-06-30", "2026-07-01", "2026-10-03")]
    assert summer == [8, 12, 0]
    assert [hours_on(calendar, day) for day in ("2026-12-25", "2026-12-28")] == [0, 12]
    assert calendar.day == 12 * HOUR
    assert calendar.add(at("2026-06-30T16:00+02:00"), 4 * HOUR) == at("2026-07-01T11:00+02:00")


def test_holidays_are_chosen_by_category(made: Made) -> None:
    """Corpus Christi 2026 in Saxony is one only for Catholics; bank holidays close calendars that want them."""
    plain = "  - {rule: R-1, hours: 09:00-17:00}"
    public = made(plain, "DE", "SN")
    catholic = made(plain, "DE", "SN", "{categories: [public, catholic]}")
    assert [hours_on(each, "2026-06-04", "+02:00") for each in (public, catholic)] == [8, 0]
    assert hours_on(made(plain, "DE", None, "{categories: []}"), "2026-12-25") == 8
    unsupported = made(plain, "DE", None, "{categories: [public, half_day]}")
    assert hours_on(unsupported, "2026-12-25") == 0


def test_observed_days_may_be_left_out(made: Made) -> None:
    """4 July 2026 is a Saturday: the Friday before is off only where observed days count."""
    plain = "  - {rule: R-1, hours: 09:00-17:00, timezone: America/New_York}"
    friday = "2026-07-03"
    assert hours_on(made(plain, "US"), friday, "-04:00") == 0
    assert hours_on(made(plain, "US", None, "{observed: false}"), friday, "-04:00") == 8


def test_half_days_close_early(made: Made) -> None:
    """Christmas Eve in South Australia is one; a date with hours of its own keeps them; other days are whole."""
    half = "{categories: public, half_days: {close: 12:00}}"
    plain = "  - {rule: R-1, hours: 09:00-17:00, timezone: Australia/Adelaide"
    calendar = made(plain + "}", "AU", "SA", half)
    assert [hours_on(calendar, f"2026-12-{day}", "+10:30") for day in (23, 24, 31)] == [8, 3, 3]
    own = made(plain + ", dates: {2026-12-24: 09:00-15:00}}", "AU", "SA", half)
    assert hours_on(own, "2026-12-24", "+10:30") == 6


def test_closures_come_from_files(made: Made, tmp_path: Path) -> None:
    """Whole days close whatever the dates say; a stretch of time is cut out in every zone."""
    (tmp_path / "plant.ics").write_text(
        ics("DTSTART;VALUE=DATE:20260601\r\nDTEND;VALUE=DATE:20260603", "DTSTART:20260604T080000Z\r\nDURATION:PT2H"),
        newline="",
    )
    calendar = made(
        "  - {rule: R-1, hours: 09:00-17:00, dates: {2026-06-02: 10:00-12:00}, closures: plant.ics,"
        " holidays: {categories: []}}"
    )
    assert [hours_on(calendar, f"2026-06-0{day}", "+02:00") for day in range(1, 6)] == [0, 0, 8, 6, 8]
    start = at("2026-06-04T09:30+02:00")
    assert calendar.add(start, HOUR) == at("2026-06-04T12:30+02:00")
    assert isinstance(calendar, CompiledCalendar)
    assert [calendar.stated_on(date(2026, 6, day)).open for day in (2, 3, 4)] == [(), ((540, 1020),), ((540, 1020),)]
    [(stretch, reason)] = calendar.interruptions(start, start + 2 * HOUR)
    assert stretch == (at("2026-06-04T08:00Z"), at("2026-06-04T10:00Z"))
    assert (reason.kind, reason.name, reason.file) == ("closure", "1", "plant.ics"), "the id of what has no title"


def test_the_example_of_the_documentation_is_a_pack(made: Made, tmp_path: Path) -> None:
    """Its calendars and holidays load as they stand there, with the file that they name."""
    page = (ROOT / "docs/calendars.md").read_text("utf-8")
    (example,) = re.findall(r"^```yaml\ncalendars:\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    shutil.copy(ROOT / "docs/examples/closures.ics", tmp_path)
    calendar = made(example.replace("SP-HRS-1", "R-1"))
    assert hours_on(calendar, "2026-12-24") == 3
    assert hours_on(calendar, "2026-12-28") == 0


def test_the_page_names_the_zone_of_each_country_with_several() -> None:
    """Those whose clocks differ in 2026, with the zone that holds where neither rule nor case names one."""
    clocks: dict[str, set[tuple[object, ...]]] = {}
    for code, _, zone, *_ in rows_of_tzdata("zone.tab"):
        moments = (datetime(2026, month, 15, tzinfo=UTC) for month in range(1, 13))
        shown = tuple(moment.astimezone(zone_named(zone)).utcoffset() for moment in moments)
        clocks.setdefault(code, set()).add(shown)
    several = {code: country_table()[code].zone for code, different in clocks.items() if len(different) > 1}
    page = (ROOT / "docs/calendars.md").read_text("utf-8")
    assert dict(re.findall(r"([A-Z]{2}) `([A-Z]\w+/[\w/]+)`", page)) == several
