"""One idea: which dates and stretches of time are closed, by holidays and closures (`docs/calendars.md`).

Where a `calendars.lock` lies beside the pack, its lines count; other years are asked of the packages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import holidays
import icalendar
import recurring_ical_events

Stretch = tuple[datetime, datetime]  # without zones: of the calendar's own clock
Closed = tuple[frozenset[date], tuple[Stretch, ...]]
NOTHING: Closed = (frozenset(), ())


@cache
def subdivisions(country: str) -> frozenset[str]:
    return frozenset(holidays.list_supported_countries().get(country, ()))


@cache
def from_the_package(
    country: str, subdivision: str | None, categories: frozenset[str], year: int, *, observed: bool
) -> frozenset[date]:
    if country not in holidays.list_supported_countries():
        return frozenset()
    known = categories.intersection(holidays.country_holidays(country).supported_categories)
    if not known:
        return frozenset()
    found = holidays.country_holidays(
        country, subdiv=subdivision, years=year, observed=observed, categories=tuple(sorted(known))
    )
    return frozenset(day for day in found if day.year == year)


@dataclass
class DaysOff:
    """What is closed under the packs of one folder."""

    folder: Path
    locked: dict[tuple[str, str], list[str]] = field(default_factory=dict)  # (section, first words) -> the rest
    sections: set[str] = field(default_factory=set)
    years: range = range(0)
    _files: dict[str, Any] = field(default_factory=dict, compare=False)
    _holidays: dict[tuple[object, ...], frozenset[date]] = field(default_factory=dict, compare=False)
    _closed: dict[tuple[str, int], Closed] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, folder: Path) -> DaysOff:
        lock = folder / "calendars.lock"
        if not lock.exists():
            return cls(folder)
        lines = lock.read_text(encoding="utf-8").splitlines()
        first, last = lines[1].split()[-1].split("-")
        found, section = cls(folder, years=range(int(first), int(last) + 1)), ""
        for line in lines[2:]:
            if line.startswith("["):
                section = line[1:-1]
                found.sections.add(section)
            elif section.startswith("closures"):
                year, what, rest = line.split(" ", 2)
                found.locked[section, f"{year} {what}"] = rest.split()
            else:
                words = line.split()
                year_at = next(n for n, word in enumerate(words) if len(word) == 4 and word.isdigit())  # noqa: PLR2004
                found.locked[section, " ".join(words[: year_at + 1])] = words[year_at + 1 :]
        return found

    def holidays(
        self, country: str, subdivision: str | None, categories: Sequence[str], year: int, *, observed: bool
    ) -> frozenset[date]:
        asked = (country, subdivision, tuple(categories), year, observed)
        if asked not in self._holidays:
            self._holidays[asked] = self._found(country, subdivision, categories, year, observed=observed)
        return self._holidays[asked]

    def _found(
        self, country: str, subdivision: str | None, categories: Sequence[str], year: int, *, observed: bool
    ) -> frozenset[date]:
        if not categories:
            return frozenset()
        section = f"holidays {','.join(sorted(set(categories)))}{' observed' if observed else ''}"
        days = self.locked.get((section, f"{country} {year}"))
        if days is None:
            return from_the_package(country, subdivision, frozenset(categories), year, observed=observed)
        changes = self.locked.get((section, f"{country}-{subdivision} {year}"), []) if subdivision else []
        added = {change[1:] for change in changes if change[0] == "+"}
        left_out = {change[1:] for change in changes if change[0] == "-"}
        return frozenset(on(year, day) for day in {*days, *added} - left_out)

    def closures(self, name: str, year: int) -> Closed:
        if (name, year) not in self._closed:
            pinned = f"closures {name}" in self.sections and year in self.years
            self._closed[name, year] = self._pinned(name, year) if pinned else self._read(name, year)
        return self._closed[name, year]

    def _pinned(self, name: str, year: int) -> Closed:
        section = f"closures {name}"
        days = frozenset(on(year, day) for day in self.locked.get((section, f"{year} dates"), []))
        stretches = [
            stretch for what in ("instants", "floating") for stretch in self.locked.get((section, f"{year} {what}"), [])
        ]
        ends = [stretch.split("/") for stretch in stretches]
        return days, tuple((datetime.fromisoformat(begins), datetime.fromisoformat(end)) for begins, end in ends)

    def _read(self, name: str, year: int) -> Closed:
        if not 1900 <= year <= 2105:  # noqa: PLR2004 # the years of calendars
            return NOTHING
        if name not in self._files:
            text = (self.folder / name).read_text(encoding="utf-8-sig")
            self._files[name] = recurring_ical_events.of(icalendar.Calendar.from_ical(text))
        near = timedelta(days=2)
        between = (datetime(year, 1, 1, tzinfo=UTC) - near, datetime(year + 1, 1, 1, tzinfo=UTC) + near)
        events = [event for event in self._files[name].between(*between) if is_closure(event)]
        days: set[date] = set()
        stretches = []
        for event in events:
            if isinstance(event.start, datetime):
                stretches.append((event.start, event.end))
            else:
                days |= {event.start + timedelta(days=n) for n in range((event.end - event.start).days)}
        return frozenset(day for day in days if day.year == year), tuple(stretches)


def is_closure(event: Mapping[str, Any]) -> bool:
    return event.get("STATUS") != "CANCELLED" and event.get("TRANSP") != "TRANSPARENT"


def on(year: int, month_and_day: str) -> date:
    return date(year, int(month_and_day[:2]), int(month_and_day[2:]))
