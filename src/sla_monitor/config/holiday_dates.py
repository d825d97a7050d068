"""Holidays from the `holidays` package, by country, subdivision and category."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from holidays import constants
from holidays.constants import PUBLIC
from holidays.utils import country_holidays

from sla_monitor.core.hours import MINUTES_A_DAY

COUNTRIES_KEPT_MAX = 512  # there are 250 with 651 subdivisions; together < 1 MB
HOLIDAY_YEARS_KEPT_MAX = 4_096  # country or subdivision, kind, and year; x ~15 dates, ~2 KB = 8 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Which days of the package are meant: of these categories, with the days on which they are observed or not."""

    categories: tuple[str, ...] = (PUBLIC,)
    observed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Holidays:
    """Days that close a calendar, and days on which it closes early; `None`: there are none of these."""

    closed: Kind | None = Kind()
    early: Kind | None = None
    early_minute: int = MINUTES_A_DAY


PUBLIC_HOLIDAYS = Holidays()
CATEGORIES = tuple(  # that may close a calendar; its `workday` names days that are worked
    sorted(
        value
        for name, value in vars(constants).items()
        if name.isupper() and isinstance(value, str) and value.isidentifier() and value != constants.WORKDAY
    )
)


def known_subdivision(country: str, subdivision: str | None) -> str | None:
    """`BY` for `BY` and `DE-BY`; None for one whose holidays nobody knows."""
    code = (subdivision or "").removeprefix(f"{country}-")
    return code if code in subdivisions(country) else None


@lru_cache(maxsize=COUNTRIES_KEPT_MAX)
def subdivisions(country: str) -> frozenset[str]:
    """ISO 3166-2 codes, without the country, that have holidays of their own."""
    try:
        return frozenset(country_holidays(country).subdivisions)
    except NotImplementedError:
        return frozenset()


@lru_cache(maxsize=COUNTRIES_KEPT_MAX)
def categories_of(country: str) -> frozenset[str]:
    """What the package tells apart in this country."""
    try:
        return frozenset(country_holidays(country).supported_categories)
    except NotImplementedError:
        return frozenset()


@lru_cache(maxsize=HOLIDAY_YEARS_KEPT_MAX)
def holiday_dates(country: str, subdivision: str | None, kind: Kind, year: int) -> frozenset[date]:
    """Days of a year, national ones and those of a known subdivision, of those categories that the country has.

    None at all for a country that the `holidays` package does not have, nor for years it does not know. Working days
    that make up for a holiday (a Saturday in China) stay closed. Days that follow the moon are estimates for years not
    yet announced.
    """
    known = sorted(categories_of(country) & set(kind.categories))
    if not known:
        return frozenset()
    with warnings.catch_warnings():  # "only available from 2001 to 2035": the docstring says what that means
        warnings.simplefilter("ignore", UserWarning)
        found = country_holidays(
            country, subdiv=subdivision, years=year, expand=False, observed=kind.observed, categories=known
        )
    return frozenset(found)
