"""Time zones from the `tzdata` package, never from the machine, so that every worker has the same."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from zoneinfo import ZoneInfo

ZONES_KEPT_MAX = 1_024  # there are 600; x ~3 KB = 3 MB


class UnknownPlace(ValueError):
    """A country that the table does not have, or a time zone that tzdata does not have."""


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """Every IANA name that the tzdata package has, old ones too."""
    return frozenset(resources.files("tzdata").joinpath("zones").read_text("utf-8").split())


@lru_cache(maxsize=ZONES_KEPT_MAX)
def zone_named(name: str) -> ZoneInfo:
    """Return the zone of tzdata with this name; UnknownPlace if there is none (the text may be hostile)."""
    if name not in zone_names():
        raise UnknownPlace("the time zone is not in tzdata")
    with resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)
