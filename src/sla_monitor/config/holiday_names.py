"""What holidays are called, for explanations. Which days are closed is said by the calendars, not here."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from types import MappingProxyType

from holidays.utils import country_holidays

from sla_monitor.config.holiday_dates import Kind, categories_of

YEARS_KEPT_MAX = 512  # x ~15 names, ~3 KB = 1.5 MB
ENGLISH = "en_US"  # where the package has it; elsewhere names are in the country's own language


@lru_cache(maxsize=YEARS_KEPT_MAX)
def holiday_names(country: str, part: str | None, kind: Kind, year: int) -> Mapping[date, str]:
    """Names of the days that `holiday_dates` has; `part` is a subdivision that the package knows."""
    known = sorted(categories_of(country) & set(kind.categories))
    if not known:
        return MappingProxyType({})
    with warnings.catch_warnings():  # about years that are not covered: then there are none
        warnings.simplefilter("ignore", UserWarning)
        found = country_holidays(
            country,
            subdiv=part,
            years=year,
            expand=False,
            observed=kind.observed,
            categories=known,
            language=ENGLISH,
        )
    return MappingProxyType(dict(found))
