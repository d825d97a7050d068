"""`calendars.lock`: the holidays and closures of a pack as dates, so that no release of a package moves one unseen.

Written by `sla-monitor calendar lock`, read when the pack is loaded.

It is text to read and to compare: the days of a kind by country and year, those of a subdivision as what they add (+)
and leave out (-), and what each iCalendar file closes. Years that it does not have are resolved anew.

    sla-monitor calendars.lock 1
    holidays 0.109 years 2026-2036
    [holidays public observed]
    DE 2026 0101 0403 0406 0501 0514 0525 1003 1225 1226
    DE-BY 2026 +0106 +0604 +1101
    [closures plant.ics]
    2026 dates 1228 1229 1230 1231
    2026 instants 2026-06-01T08:00:00+00:00/2026-06-01T10:00:00+00:00
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from sla_monitor.config.closures import Closures, Year
from sla_monitor.config.holiday_dates import HOLIDAY_YEARS_KEPT_MAX, Kind, holiday_dates, subdivisions
from sla_monitor.core.hours import FIRST_YEAR, LAST_YEAR
from sla_monitor.errors import BadConfiguration

LOCK_NAME: Final = "calendars.lock"
BYTES_MAX: Final = 16_777_216  # 16 MiB; ten years of one kind of holidays in all countries are 0.5 MB

_TITLE = "sla-monitor calendars.lock 1"
_MADE = re.compile(r"holidays ([\w.+-]+) years (\d{4})-(\d{4})", re.ASCII)
_KIND = re.compile(r"\[holidays ([a-z_,]+)( observed)?\]")
_CLOSURES = re.compile(r"\[closures (.+)\]")
_DAYS = re.compile(r"([A-Z]{2})(?:-(.+?))? (\d{4})((?: [+-]?(?:0[1-9]|1[0-2])[0-3]\d)*)", re.ASCII)
_CLOSED = re.compile(r"(\d{4}) (dates|instants|floating) (.+)", re.ASCII)

Place = tuple[str, str | None, int]  # country, subdivision, year


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """What a lock file says. `days`: months and days as text, for subdivisions what differs from the country's."""

    made_with: str  # release of the holidays package
    first_year: int
    last_year: int
    days: Mapping[Kind, Mapping[Place, str]] = field(default_factory=dict)
    closures: Mapping[str, Mapping[int, Year]] = field(default_factory=dict)
    digest: str = field(default="", compare=False)  # SHA-256 of its text

    def dates(self, country: str, part: str | None, kind: Kind, year: int) -> frozenset[date] | None:
        """The days of a place in a year; None if the lock does not have it."""
        of_kind = self.days.get(kind, {})
        national = of_kind.get((country, None, year))
        if national is None:
            return None
        found = {*national.split()}
        for change in of_kind.get((country, part, year), "").split() if part else ():
            (found.add if change[0] == "+" else found.discard)(change[1:])
        return frozenset(date(year, int(day[:2]), int(day[2:])) for day in found)


class Locked:
    """Holidays as the lock has them, else as the package has them."""

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self.dates = lru_cache(maxsize=HOLIDAY_YEARS_KEPT_MAX)(self._dates)

    def _dates(self, country: str, part: str | None, kind: Kind, year: int) -> frozenset[date]:
        pinned = self._lock.dates(country, part, kind, year)
        return holiday_dates(country, part, kind, year) if pinned is None else pinned


def lock_beside(pack: Path) -> Path:
    """Where the lock of a pack lies: in its folder."""
    return (pack if pack.is_dir() else pack.parent) / LOCK_NAME


def resolved(
    kinds: Iterable[Kind], closures: Iterable[Closures], countries: Iterable[str], first_year: int, last_year: int
) -> Lock:
    """All that the packages and files say of these years now."""
    years = range(first_year, last_year + 1)
    places = [(country, part) for country in countries for part in (None, *sorted(subdivisions(country)))]
    return Lock(
        made_with=version("holidays"),
        first_year=first_year,
        last_year=last_year,
        days={kind: dict(_days_of(kind, places, years)) for kind in kinds},
        closures={each.name: {year: each.resolved(year) for year in years} for each in closures},
    )


def _days_of(kind: Kind, places: Iterable[tuple[str, str | None]], years: Iterable[int]) -> Iterator[tuple[Place, str]]:
    years = list(years)
    for country, part in places:
        for year in years:
            national = {day.strftime("%m%d") for day in holiday_dates(country, None, kind, year)}
            if part is None:
                yield (country, None, year), " ".join(sorted(national))
                continue
            own = {day.strftime("%m%d") for day in holiday_dates.__wrapped__(country, part, kind, year)}
            changes = [f"+{day}" for day in own - national] + [f"-{day}" for day in national - own]
            if changes:
                yield (country, part, year), " ".join(sorted(changes, key=lambda change: change[1:]))


def written(lock: Lock) -> str:
    """The text of a lock file; the same lock gives the same text."""
    lines = [_TITLE, f"holidays {lock.made_with} years {lock.first_year}-{lock.last_year}"]
    for kind, days in sorted(lock.days.items(), key=lambda item: _title(item[0])):
        lines.append(_title(kind))
        for (country, part, year), said in sorted(days.items(), key=lambda item: (item[0][0], item[0][1] or "", item)):
            lines.append(f"{country}{f'-{part}' if part else ''} {year} {said}".rstrip())
    for name, years in sorted(lock.closures.items()):
        lines.append(f"[closures {name}]")
        for year, closed in sorted(years.items()):
            stretches = {
                "dates": [day.strftime("%m%d") for day in sorted(closed.dates)],
                "instants": [
                    f"{a.astimezone(UTC).isoformat()}/{b.astimezone(UTC).isoformat()}" for a, b in closed.instants
                ],
                "floating": [f"{a.isoformat()}/{b.isoformat()}" for a, b in closed.floating],
            }
            lines += [f"{year} {what} {' '.join(each)}" for what, each in stretches.items() if each]
    return "\n".join(lines) + "\n"


def _title(kind: Kind) -> str:
    return f"[holidays {','.join(kind.categories)}{' observed' if kind.observed else ''}]"


def read_lock(path: Path) -> Lock | None:
    """The lock at a path; None if there is none. BadConfiguration names the first line that is not of a lock."""
    try:
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadConfiguration(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > BYTES_MAX:
        raise BadConfiguration(f"{path}: larger than 16 MiB")
    return parsed(str(path), content.decode("utf-8", "replace"))


@lru_cache(maxsize=2)  # one is 2 MB in memory; packs are read anew again and again, their lock seldom changes
def parsed(name: str, text: str) -> Lock:
    """A lock from its text; `name` is how problems call the file."""
    lines = text.splitlines()
    made = _MADE.fullmatch(lines[1]) if len(lines) > 1 and lines[0] == _TITLE else None
    if made is None:
        raise BadConfiguration(f"{name}:1: not a lock of calendars; `sla-monitor calendar lock` writes one")
    days: dict[Kind, dict[Place, str]] = {}
    closures: dict[str, dict[int, Year]] = {}
    section: Kind | str | None = None
    for number, line in enumerate(lines[2:], start=3):
        try:
            if (title := _KIND.fullmatch(line)) is not None:
                section = Kind(categories=tuple(title[1].split(",")), observed=bool(title[2]))
                days[section] = {}
            elif (title := _CLOSURES.fullmatch(line)) is not None:
                section = title[1]
                closures[section] = {year: Year() for year in range(int(made[2]), int(made[3]) + 1)}
            elif isinstance(section, Kind):
                place, said = _place(line)
                days[section][place] = said
            elif isinstance(section, str):
                _add(closures[section], line)
            else:
                raise ValueError  # noqa: TRY301 # told like any other
        except (ValueError, KeyError) as error:
            raise BadConfiguration(f"{name}:{number}: not a line of a lock: {line[:80]!r}") from error
    first, last = int(made[2]), int(made[3])
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Lock(made_with=made[1], first_year=first, last_year=last, days=days, closures=closures, digest=digest)


def _place(line: str) -> tuple[Place, str]:
    match = _DAYS.fullmatch(line)
    if match is None or not FIRST_YEAR <= int(match[3]) <= LAST_YEAR:
        raise ValueError(line)
    days = match[4].split()
    if any((day[0] in "+-") != bool(match[2]) for day in days):
        raise ValueError(line)
    for day in days:
        if not "01" <= day[-2:] <= "28":  # those exist in every month; there are 70,000 to read
            date(int(match[3]), int(day[-4:-2]), int(day[-2:]))
    return (match[1], match[2], int(match[3])), match[4].strip()


def _add(years: dict[int, Year], line: str) -> None:
    match = _CLOSED.fullmatch(line)
    if match is None:
        raise ValueError(line)
    year, before = int(match[1]), years[int(match[1])]
    if match[2] == "dates":
        dates = frozenset(date(year, int(day[:2]), int(day[2:])) for day in match[3].split())
        years[year] = Year(dates=dates, instants=before.instants, floating=before.floating)
        return
    halves = [stretch.split("/") for stretch in match[3].split()]
    stretches = tuple((datetime.fromisoformat(begins), datetime.fromisoformat(ends)) for begins, ends in halves)
    if any((edge.tzinfo is None) != (match[2] == "floating") for stretch in stretches for edge in stretch):
        raise ValueError(line)
    if match[2] == "instants":
        years[year] = Year(dates=before.dates, instants=stretches, floating=before.floating)
    else:
        years[year] = Year(dates=before.dates, instants=before.instants, floating=stretches)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """Where the lock and what the packages and files say today differ. `come`, `gone`: closed today, or in the lock."""

    where: str
    come: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    def __str__(self) -> str:
        changes = [f"+{each}" for each in self.come] + [f"-{each}" for each in self.gone]
        return f"{self.where}: {' '.join(changes)}" if changes else self.where


def differences(lock: Lock, today: Lock) -> list[Drift]:
    """Day by day, and stretch by stretch, in the order of the file."""
    found = [Drift(where=f"{_title(kind)[1:-1]} is not in the lock") for kind in today.days if kind not in lock.days]
    found += [
        Drift(where=f"closures {name} is not in the lock") for name in today.closures if name not in lock.closures
    ]
    for kind, days in today.days.items():
        if kind in lock.days:
            found += _moved(kind, lock, today, days.keys() | lock.days[kind].keys())
    for name, years in today.closures.items():
        for year, closed in years.items():
            then = lock.closures.get(name, {}).get(year)
            if then is not None and _stretches(then) != _stretches(closed):
                come, gone = _stretches(closed) - _stretches(then), _stretches(then) - _stretches(closed)
                found.append(Drift(where=f"closures {name} {year}", come=tuple(sorted(come)), gone=tuple(sorted(gone))))
    return found


def _moved(kind: Kind, lock: Lock, today: Lock, places: Iterable[Place]) -> Iterator[Drift]:
    """A subdivision is named only where its own days differ otherwise than those of its country."""
    of_country: dict[tuple[str, int], tuple[frozenset[date], frozenset[date]]] = {}
    for country, part, year in sorted(places, key=lambda place: (place[0], place[1] or "", place[2])):
        then, now = (each.dates(country, part, kind, year) for each in (lock, today))
        if then is None or now is None:
            where = f"holidays {country} {year}: only {'today' if then is None else 'in the lock'}"
            if part is None:
                yield Drift(where=where)
            continue
        moved = now - then, then - now
        if part is None:
            of_country[country, year] = moved
        if (moved[0] or moved[1]) and (part is None or moved != of_country.get((country, year))):
            come, gone = (tuple(sorted(map(str, each))) for each in moved)
            yield Drift(where=f"holidays {country}{f'-{part}' if part else ''} {year}", come=come, gone=gone)


def _stretches(year: Year) -> set[str]:
    whole = {str(day) for day in year.dates}
    instants = {f"{a.astimezone(UTC).isoformat()}/{b.astimezone(UTC).isoformat()}" for a, b in year.instants}
    return whole | instants | {f"{a.isoformat()}/{b.isoformat()}" for a, b in year.floating}
