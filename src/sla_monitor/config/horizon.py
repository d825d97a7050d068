"""Up to when each calendar of a pack knows its days off: behind that, every day of the week counts as a working day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from statistics import median_low

from holidays.utils import country_holidays

from sla_monitor.config.lock import Lock
from sla_monitor.config.pack_model import Pack
from sla_monitor.core.facts import SECOND
from sla_monitor.core.hours import LAST_YEAR


def horizons(pack: Pack, countries: Iterable[str], lock: Lock | None) -> Mapping[str, int]:
    """The rule of each calendar, and the first instant (UTC, microseconds) that it knows nothing about.

    With a lock its last year counts, for what lies behind may be another with each release of a package; else what
    the package knows of most countries of the calendar (`sla-monitor doctor` names those that it knows less of).
    """
    named = {country for entry in pack.calendars for country in entry.countries}
    found: dict[str, int] = {}
    for entry in pack.calendars:
        served = entry.countries or [country for country in countries if country not in named]
        year = lock.last_year if lock else median_low(last_year_known(each) or LAST_YEAR for each in served)
        ends = int(datetime(min(year, LAST_YEAR) + 1, 1, 1, tzinfo=UTC).timestamp()) * SECOND
        found[entry.rule] = min(ends, found.get(entry.rule, ends))
    return found


def last_year_known(country: str) -> int | None:
    """The last year whose holidays the package knows; None: it lacks that country, so nothing of it could end."""
    try:
        return min(int(country_holidays(country).end_year), LAST_YEAR)
    except NotImplementedError:
        return None
