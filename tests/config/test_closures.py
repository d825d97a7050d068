"""Closures from iCalendar files: what a calendar program writes is what is closed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sla_monitor.config.closures import BadClosures, Closures, Year, read_closures
from sla_monitor.config.zones import zone_named
from tests.core.test_calendar import at

STAMP = "DTSTAMP:20260101T000000Z"


def ics(*events: str) -> str:
    """A file of events; each is its lines after UID and DTSTAMP."""
    body = [line for n, event in enumerate(events) for line in ("BEGIN:VEVENT", f"UID:{n}", STAMP, event, "END:VEVENT")]
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN", *body, "END:VCALENDAR", ""])


def closures(tmp_path: Path, *events: str) -> Closures:
    file = tmp_path / "closed.ics"
    file.write_text(ics(*(event.replace("\n", "\r\n") for event in events)), newline="")
    return read_closures(file, file.name)


def test_an_event_of_whole_days_closes_them(tmp_path: Path) -> None:
    """The end is the first day that is open again; without one it is a single day. A year holds its own days."""
    found = closures(
        tmp_path,
        "DTSTART;VALUE=DATE:20261230\nDTEND;VALUE=DATE:20270103",
        "DTSTART;VALUE=DATE:20260605",
    )
    assert found.year(2026).dates == {date(2026, 6, 5), date(2026, 12, 30), date(2026, 12, 31)}
    assert found.year(2027).dates == {date(2027, 1, 1), date(2027, 1, 2)}
    assert found.year(2028) == Year()


def test_events_recur_with_exceptions(tmp_path: Path) -> None:
    """The first Friday of each month is for stocktaking, but not in May; and once more on 10 November."""
    found = closures(
        tmp_path,
        "DTSTART;VALUE=DATE:20260102\nRRULE:FREQ=MONTHLY;BYDAY=1FR;UNTIL=20261231\n"
        "EXDATE;VALUE=DATE:20260501\nRDATE;VALUE=DATE:20261110",
    )
    days = [(1, 2), (2, 6), (3, 6), (4, 3), (6, 5), (7, 3), (8, 7), (9, 4), (10, 2), (11, 6), (11, 10), (12, 4)]
    assert found.year(2026).dates == {date(2026, month, day) for month, day in days}
    assert found.year(2027).dates == frozenset()


def test_one_occurrence_may_be_moved(tmp_path: Path) -> None:
    """RECURRENCE-ID replaces one of the series."""
    file = tmp_path / "moved.ics"
    file.write_text(
        ics("DTSTART;VALUE=DATE:20260105\r\nRRULE:FREQ=YEARLY;COUNT=3").replace(
            "END:VCALENDAR",
            f"BEGIN:VEVENT\r\nUID:0\r\n{STAMP}\r\nRECURRENCE-ID;VALUE=DATE:20270105\r\n"
            "DTSTART;VALUE=DATE:20270107\r\nEND:VEVENT\r\nEND:VCALENDAR",
        ),
        newline="",
    )
    found = read_closures(file, file.name)
    assert [sorted(found.year(year).dates) for year in (2026, 2027, 2028, 2029)] == [
        [date(2026, 1, 5)],
        [date(2027, 1, 7)],
        [date(2028, 1, 5)],
        [],
    ]


def test_times_are_instants_for_everybody(tmp_path: Path) -> None:
    """In UTC or in a zone by its name, across a change of clocks: 10:00 in Berlin stays 10:00 in Berlin."""
    found = closures(
        tmp_path,
        "DTSTART;TZID=Europe/Berlin:20260328T100000\nDTEND;TZID=Europe/Berlin:20260328T120000\nRRULE:FREQ=DAILY;COUNT=2",
        "DTSTART:20260601T120000Z\nDURATION:PT30M",
    )
    for zone in ("UTC", "Asia/Tokyo"):
        assert found.year(2026).outages(zone_named(zone)) == [
            (at("2026-03-28T10:00+01:00"), at("2026-03-28T12:00+01:00")),
            (at("2026-03-29T10:00+02:00"), at("2026-03-29T12:00+02:00")),
            (at("2026-06-01T12:00Z"), at("2026-06-01T12:30Z")),
        ]


def test_times_without_a_zone_are_those_of_each_calendar(tmp_path: Path) -> None:
    """A lunch at noon is at noon everywhere."""
    found = closures(tmp_path, "DTSTART:20260601T120000\nDTEND:20260601T130000")
    for zone, offset in (("UTC", "+00:00"), ("Asia/Tokyo", "+09:00")):
        assert found.year(2026).outages(zone_named(zone)) == [
            (at(f"2026-06-01T12:00{offset}"), at(f"2026-06-01T13:00{offset}"))
        ]


def test_closures_are_called_by_the_titles_of_their_events(tmp_path: Path) -> None:
    """Those of a date, and of each stretch of time as it lies in a zone; what has no title is called by its id."""
    found = closures(
        tmp_path,
        "SUMMARY:Works holidays\nDTSTART;VALUE=DATE:20261230\nDTEND;VALUE=DATE:20270103",
        "SUMMARY:Stocktaking\nDTSTART;VALUE=DATE:20261231",
        "SUMMARY:Lunch\nDTSTART:20260601T120000\nDTEND:20260601T130000\nRRULE:FREQ=DAILY;COUNT=2",
        "DTSTART:20260601T100000Z\nDTEND:20260601T110000Z",
        "SUMMARY:Party\nDTSTART;VALUE=DATE:20260605\nSTATUS:CANCELLED",
    )
    days = [date(2026, 12, 30), date(2026, 12, 31), date(2027, 1, 1), date(2026, 6, 5)]
    assert [found.title_of_date(day) for day in days] == [
        "Works holidays",
        "Works holidays; Stocktaking",
        "Works holidays",
        "",
    ]
    assert found.titles_of_outages(2026, zone_named("Europe/Berlin")) == {
        (at("2026-06-01T12:00+02:00"), at("2026-06-01T13:00+02:00")): "Lunch; 3",
        (at("2026-06-02T12:00+02:00"), at("2026-06-02T13:00+02:00")): "Lunch",
    }


def test_a_zone_that_the_file_brings_along_is_used(tmp_path: Path) -> None:
    """Under a name of its own, with rules of its own."""
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:Headquarters\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
        "TZOFFSETFROM:+0330\r\nTZOFFSETTO:+0330\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT"
    )
    file = tmp_path / "own.ics"
    text = ics("DTSTART;TZID=Headquarters:20260601T120000\r\nDTEND;TZID=Headquarters:20260601T130000")
    file.write_text(text.replace("BEGIN:VEVENT", zone, 1), newline="")
    outages = read_closures(file, file.name).year(2026).outages(zone_named("UTC"))
    assert outages == [(at("2026-06-01T12:00+03:30"), at("2026-06-01T13:00+03:30"))]


def test_what_is_cancelled_or_marked_as_free_closes_nothing(tmp_path: Path) -> None:
    """STATUS:CANCELLED, TRANSP:TRANSPARENT."""
    found = closures(
        tmp_path,
        "DTSTART;VALUE=DATE:20260605\nSTATUS:CANCELLED",
        "DTSTART;VALUE=DATE:20260606\nTRANSP:TRANSPARENT",
        "DTSTART;VALUE=DATE:20260607\nSTATUS:CONFIRMED\nTRANSP:OPAQUE",
    )
    assert found.year(2026).dates == {date(2026, 6, 7)}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "not iCalendar"),
        (b"nonsense", "not iCalendar"),
        (b"\xff\xfe", "not UTF-8"),
        (ics().encode(), "no event in it"),
        (ics("SUMMARY:Party").encode(), "Party: "),
        (ics("DTSTART;VALUE=DATE:20260605\r\nRRULE:FREQ=MINUTELY").encode(), "recurs more often than daily"),
        (ics("DTSTART;VALUE=DATE:20260605\r\nRRULE:FREQ=DAILY;BYHOUR=1,2").encode(), "recurs more often than daily"),
        (ics("DTSTART:20260605T100000Z\r\nDTEND:20260605T100000Z").encode(), "ends when it begins"),
        (ics("DTSTART:20260605T100000Z\r\nDTEND:20260605T110000").encode(), "no zone"),
        (ics(*["DTSTART;VALUE=DATE:20260605\r\nRRULE:FREQ=DAILY"] * 101).encode(), "100 that recur"),
        (b" " * 1_100_000, "larger than 1 MiB"),
    ],
)
def test_a_file_that_says_no_closures_is_refused(tmp_path: Path, text: bytes, problem: str) -> None:
    """When the pack is loaded, in words, and before it can cost much."""
    file = tmp_path / "wrong.ics"
    file.write_bytes(text)
    with pytest.raises(BadClosures, match=problem):
        read_closures(file, file.name)
