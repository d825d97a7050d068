"""Instants as text keep their microsecond, or are refused."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_monitor.core.times import iso
from sla_monitor.wire import rfc3339

NINE_O_CLOCK = 1_767_603_600_000_000  # 2026-01-05T09:00:00Z


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-05T09:00:00Z",
        "2026-01-05t09:00:00z",
        "2026-01-05T01:00:00-08:00",
        "2026-01-05T14:45:00+05:45",
        "2026-01-05T09:00:00.000Z",
        "2026-01-05T09:00:00-00:00",
        "2026-01-05T09:00:00.0000009Z",
    ],
)
def test_one_instant_has_many_spellings(text: str) -> None:
    """Offsets, fractions and letter case change the text, not the instant; finer than a microsecond is cut off."""
    assert rfc3339.parse(text) == NINE_O_CLOCK


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-05",
        "2026-01-05T09:00:00",
        "2026-01-05 09:00:00Z",
        "2026-01-05T09:00Z",
        "20260105T090000Z",
        "2026-W02-1T09:00:00Z",
        "2026-01-05T09:00:00,5Z",
        "2026-01-05T09:00:00.Z",
        "2026-01-05T09:00:00+01",
        "2026-01-05T09:00:00+0100",
        "2026-01-05T09:00:00+01:75",
        "2026-01-05T09:00:00+24:00",
        "2026-01-05T09:00:00+01:00:30",
        "2026-02-30T09:00:00Z",
        "2026-01-05T24:00:00Z",
        "2026-12-31T23:59:60Z",
        "2026-01-05T09:00:00Z\n",
        " 2026-01-05T09:00:00Z",
        "\u0662026-01-05T09:00:00Z",
    ],
)
def test_what_is_not_rfc_3339_with_an_offset_is_refused(text: str) -> None:
    """A time that leaves its instant open is never guessed."""
    with pytest.raises(ValueError, match=r".+"):
        rfc3339.parse(text)


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        ("2000-01-01T00:00:00Z", "1999-12-31T23:59:59.999999Z"),
        ("1999-12-31T20:00:00-05:00", "2000-01-01T00:00:00+05:00"),
        ("2099-12-31T23:59:59.999999Z", "2100-01-01T00:00:00Z"),
        ("2100-01-01T04:00:00+05:00", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_the_range_is_one_of_instants_not_of_digits(inside: str, outside: str) -> None:
    """2000 to 2099 is meant in UTC, so that every accepted time can be written back."""
    assert rfc3339.EARLIEST <= rfc3339.parse(inside) <= rfc3339.LATEST
    with pytest.raises(ValueError, match="2000 to 2099"):
        rfc3339.parse(outside)


@given(at=st.integers(rfc3339.EARLIEST, rfc3339.LATEST))
def test_what_is_written_is_read_back(at: int) -> None:
    """parse(format(at)) == at, to the microsecond."""
    text = iso(at)
    assert rfc3339.parse(text) == at
    assert text.endswith("Z")


@given(at=st.integers(rfc3339.EARLIEST, rfc3339.LATEST), minutes=st.integers(-23 * 60, 23 * 60))
def test_an_offset_does_not_move_an_instant(at: int, minutes: int) -> None:
    """The standard library's own spelling in any offset is the same instant."""
    zone = timezone(timedelta(minutes=minutes))
    text = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)).astimezone(zone).isoformat()
    assert rfc3339.parse(text) == at


def test_an_instant_is_written_in_one_way() -> None:
    """No fraction on a whole second, six digits otherwise."""
    assert iso(NINE_O_CLOCK) == "2026-01-05T09:00:00Z"
    assert iso(NINE_O_CLOCK + 120_000) == "2026-01-05T09:00:00.120000Z"


@given(text=st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but ValueError comes out."""
    try:
        rfc3339.parse(text)
    except ValueError:
        return
