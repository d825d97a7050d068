"""The lock of a pack's calendars: what it pins stays, what differs today is told, what it cannot say is refused."""

from __future__ import annotations

import re
from datetime import date
from importlib.metadata import version
from pathlib import Path

import pytest

from sla_monitor.config.closures import Year, read_closures
from sla_monitor.config.holiday_dates import PUBLIC_HOLIDAYS, Kind, holiday_dates, subdivisions
from sla_monitor.config.lock import Locked, differences, lock_beside, parsed, read_lock, resolved, written
from sla_monitor.config.pack_lock import drift, lock_of, needed_by
from sla_monitor.config.packs import BUILT_IN, country_table, load_packs
from sla_monitor.core.facts import HOUR
from sla_monitor.errors import BadConfiguration
from tests.config.test_closures import ics
from tests.core.test_calendar import at

PUBLIC = Kind()
TINY = Path(__file__).parent / "faulty/closed_for_good.yaml"
LOCKED: list[str] = []
PLACES = ("AU", "CN", "DE", "US", "AQ")


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A small pack with a file of closures, and a lock of 2026 and 2027 beside it."""
    text = TINY.read_text("utf-8").replace("always.ics", "plant.ics")
    file = tmp_path / "pack.yaml"
    file.write_text(re.sub(r" # wrong.*", "", text))
    (tmp_path / "plant.ics").write_text(
        ics("DTSTART;VALUE=DATE:20260601\r\nRRULE:FREQ=YEARLY", "DTSTART:20260602T080000Z\r\nDURATION:PT2H"), newline=""
    )
    if not LOCKED:  # the same for every test, and half a second of work
        LOCKED.append(written(needed_by(file).resolved(2026, 2027)))
    lock_beside(file).write_text(LOCKED[0])
    return file


def tampered(pack: Path, *changes: tuple[str, str]) -> None:
    lock = lock_beside(pack)
    text = lock.read_text()
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    lock.write_text(text)


def open_hours(pack: Path, day: str, country: str = "FR", part: str | None = None) -> float:
    calendar = load_packs(pack).versions[0].calendar_for(country, part, "UTC")
    return calendar.between(at(f"{day}T00:00Z"), at(f"{day}T00:00Z") + 24 * HOUR) / HOUR


def test_a_lock_says_what_the_package_says() -> None:
    """Every day of every place, subdivisions included; and its text gives the same lock again."""
    lock = resolved([PUBLIC], [], PLACES, 2025, 2027)
    for country in PLACES:
        for part in (None, *subdivisions(country), "unheard-of"):
            for year in (2025, 2026, 2027):
                known = part if part in subdivisions(country) else None
                assert lock.dates(country, part, PUBLIC, year) == holiday_dates(country, known, PUBLIC, year)
    assert parsed("lock", written(lock)) == lock
    assert written(parsed("lock", written(lock))) == written(lock)


def test_closures_are_in_the_lock_as_they_are_resolved(pack: Path) -> None:
    """Whole days and stretches of time, of every year of the lock, none included."""
    lock = read_lock(lock_beside(pack))
    assert lock is not None
    fresh = read_closures(pack.parent / "plant.ics", "plant.ics")
    assert lock.closures == {"plant.ics": {2026: fresh.year(2026), 2027: fresh.year(2027)}}
    assert lock.closures["plant.ics"][2027] == Year(dates=frozenset({date(2027, 6, 1)}))


def test_stretches_without_a_zone_come_back_as_they_were(tmp_path: Path) -> None:
    file = tmp_path / "noon.ics"
    file.write_text(ics("DTSTART:20260602T120000\r\nDTEND:20260602T130000"), newline="")
    closures = read_closures(file, file.name)
    lock = resolved([], [closures], [], 2026, 2026)
    assert parsed("lock", written(lock)).closures == {"noon.ics": {2026: closures.year(2026)}}


def test_what_is_locked_counts(pack: Path) -> None:
    """A holiday that the package knows and the lock does not is worked, and the other way; likewise closures."""
    assert [open_hours(pack, f"2026-{day}") for day in ("07-14", "07-15", "06-01", "06-03")] == [0, 8, 0, 8]
    tampered(pack, ("\nFR 2026 0101 ", "\nFR 2026 0102 "), ("2026 dates 0601", "2026 dates 0603"))
    assert [open_hours(pack, f"2026-{day}") for day in ("01-01", "01-02", "06-01", "06-03")] == [8, 0, 8, 0]


def test_other_years_are_resolved_anew(pack: Path) -> None:
    """The lock has 2026 and 2027; Bastille Day and 1 June 2028 are closed all the same."""
    assert [open_hours(pack, day) for day in ("2028-07-14", "2028-06-01", "2028-07-13")] == [0, 0, 8]


def test_a_subdivision_is_locked_with_its_country(pack: Path) -> None:
    """Corpus Christi in Bavaria, and not in Berlin."""
    assert [open_hours(pack, "2026-06-04", "DE", part) for part in ("BY", "BE", None)] == [0, 8, 8]
    tampered(pack, ("DE-BY 2026 +0106 +0604 ", "DE-BY 2026 +0106 -0501 "))
    assert [open_hours(pack, "2026-06-04", "DE", part) for part in ("BY", "BE", None)] == [8, 8, 8]
    assert [open_hours(pack, "2026-05-01", "DE", part) for part in ("BY", "BE")] == [8, 0]


def test_nothing_differs_from_a_lock_that_was_just_made(pack: Path) -> None:
    assert drift(pack) == []
    assert drift(pack.parent) == []


def test_every_difference_is_told(pack: Path) -> None:
    """By place and year; that of a subdivision only where it is not that of its country."""
    tampered(
        pack,
        ("DE 2026 0101 0403 0406", "DE 2026 0101 0403 0407"),
        ("DE-BY 2026 +0106 +0604 ", "DE-BY 2026 +0106 "),
        ("2026 dates 0601", "2026 dates 0602"),
        ("2026-06-02T10:00:00+00:00", "2026-06-02T11:00:00+00:00"),
        ("\nFR 2027 ", "\nFR 2029 "),
    )
    began = "2026-06-02T08:00:00+00:00/2026-06-02T"
    assert list(map(str, drift(pack))) == [
        "holidays DE 2026: +2026-04-06 -2026-04-07",
        "holidays DE-BY 2026: +2026-04-06 +2026-06-04 -2026-04-07",
        "holidays FR 2027: only today",
        "holidays FR 2029: only in the lock",
        f"closures plant.ics 2026: +2026-06-01 +{began}10:00:00+00:00 -2026-06-02 -{began}11:00:00+00:00",
    ]


def test_a_pack_without_a_lock_is_one_difference(pack: Path) -> None:
    """And loads with what the package says."""
    lock_beside(pack).unlink()
    (missing,) = drift(pack)
    assert "calendars.lock is missing" in str(missing)
    assert open_hours(pack, "2026-07-14") == 0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[holidays public observed]", "[holidays bank observed]", "made for other holidays"),
        ("[closures plant.ics]", "[closures other.ics]", "made without plant.ics"),
    ],
)
def test_a_lock_for_other_calendars_is_refused(pack: Path, old: str, new: str, words: str) -> None:
    """Half a lock would be none: the pack is refused until it is made anew; the comparison tells the same."""
    tampered(pack, (old, new))
    with pytest.raises(BadConfiguration, match=words):
        load_packs(pack)
    assert any("is not in the lock" in str(change) for change in drift(pack))


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("calendars.lock 1", "calendars.lock 2", 1),
        ("[holidays public observed]\n", "", 3),
        ("DE 2026 0101", "DE 2026 0230", None),
        ("DE 2026 0101", "DE 2026 +0101", None),
        ("DE-BY 2026 +0106", "DE-BY 2026 0106", None),
        ("DE 2026 0101", "Germany 2026 0101", None),
        ("2026 dates 0601", "2026 dates soon", None),
        ("2026 dates 0601", "2030 dates 0601", None),
        ("2026 instants 2026-06-02T08:00:00+00:00", "2026 instants 2026-06-02T08:00:00", None),
    ],
)
def test_a_damaged_lock_is_refused_with_its_line(pack: Path, old: str, new: str, line: int | None) -> None:
    """Whatever was done to it by hand."""
    tampered(pack, (old, new))
    if line is None:
        line = next(n for n, text in enumerate(lock_beside(pack).read_text().splitlines(), 1) if text.startswith(new))
    with pytest.raises(BadConfiguration, match=rf"{re.escape(str(lock_beside(pack)))}:{line}: "):
        load_packs(pack)


def test_a_lock_that_is_too_large_or_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "calendars.lock").mkdir()
    with pytest.raises(BadConfiguration, match="cannot be read"):
        read_lock(tmp_path / "calendars.lock")


def test_the_built_in_pack_is_locked() -> None:
    """For every country, for its kind of holidays, for ten years."""
    lock = read_lock(lock_of(None))
    assert lock is not None
    assert lock_of(None) == BUILT_IN / "calendars.lock"
    assert (lock.first_year, lock.last_year) == (2025, 2035)
    assert PUBLIC_HOLIDAYS.closed is not None
    assert all(
        lock.dates(country, None, PUBLIC_HOLIDAYS.closed, year) is not None
        for country in country_table()
        for year in range(2025, 2036)
    )


def test_the_built_in_lock_is_what_its_release_of_the_package_says() -> None:
    """Some countries in full; with another release installed it may differ, and that is what it is for."""
    lock = read_lock(lock_of(None))
    assert lock is not None
    if lock.made_with != version("holidays"):
        pytest.skip(f"made with holidays {lock.made_with}")
    today = resolved([PUBLIC], [], PLACES, 2026, 2027)
    assert [change for change in differences(lock, today) if "only in the lock" not in str(change)] == []


def test_what_is_locked_is_remembered() -> None:
    """Calendars ask for a year's holidays at each of its days."""
    locked = Locked(resolved([PUBLIC], [], ["DE"], 2026, 2026))
    assert locked.dates("DE", "BY", PUBLIC, 2026) is locked.dates("DE", "BY", PUBLIC, 2026)
    assert locked.dates("FR", None, PUBLIC, 2026) == holiday_dates("FR", None, PUBLIC, 2026)
