"""What decides a deadline beside the events: policy packs, holidays and time zones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib import metadata
from pathlib import Path
from zoneinfo import TZPATH

import tzdata  # type: ignore[import-untyped]

from sla_monitor.config.horizon import last_year_known
from sla_monitor.config.lock import Drift
from sla_monitor.config.pack_lock import drift
from sla_monitor.config.packs import country_table, load_packs
from sla_monitor.config.settings import Settings
from sla_monitor.core.facts import SECOND
from sla_monitor.core.policy import Packs
from sla_monitor.engine.doctor.findings import Finding, ok, problem, warning
from sla_monitor.errors import BadConfiguration

DIGEST_SHOWN = 12  # characters, as the metric shows it
HORIZON_DAYS_WARNED = 366
TZDATA_YEARS_OLD = 1  # several releases come each year
COUNTRIES_NAMED_MAX = 8

PIP = "`pip install --upgrade"


async def policy(settings: Settings) -> list[Finding]:
    """Every problem of every pack, or what each version is."""
    try:
        packs = load_packs(settings.policy)
    except BadConfiguration as wrong:
        todo = "mend the file (docs/policy-packs.md), or set SLA_POLICY to another one"
        return [problem("policy", says, todo) for says in wrong.problems]
    return list(judge_packs(packs, datetime.now(UTC)))


def judge_packs(packs: Packs, now: datetime) -> Iterator[Finding]:
    """Each version with where it begins. A case from before the first one gets that first one."""
    at = int(now.timestamp()) * SECOND
    current = packs.at(at)
    for version in packs.versions:
        begins = datetime.fromtimestamp(version.effective_from // SECOND, UTC)
        says = f"{version.name} {version.version}, digest {version.digest[:DIGEST_SHOWN]}, from {begins:%Y-%m-%d}"
        if version is not current:
            yield ok("policy", says)
        elif version.effective_from > at:
            todo = "nothing, if cases of today are to be judged by it all the same; else add the version in force now"
            yield warning("policy", f"{says}: no version is in force yet, so this one is used", todo)
        else:
            yield ok("policy", f"{says}, in force now")


async def calendars(settings: Settings) -> list[Finding]:
    """Until when holidays are known, and whether the dates that decide are still those of today's packages."""
    version = metadata.version("holidays")
    horizon = list(judge_horizon(version, known_until(), datetime.now(UTC)))
    try:
        return [*horizon, judge_lock(drift(settings.policy))]
    except BadConfiguration:  # told by `policy`
        return horizon


def judge_lock(differences: Sequence[Drift]) -> Finding:
    """Whether `calendars.lock` says what the packages and closures would give today."""
    if not differences:
        return ok("calendars", "calendars.lock: its dates are those that would be resolved today")
    says = f"calendars.lock: {differences[0]}"
    if len(differences) > 1:
        says += f", and {len(differences) - 1} more"
    todo = "`sla-monitor calendar lock --check` lists all of it, `sla-monitor calendar lock` pins the dates of today"
    return warning("calendars", says, todo)


def known_until() -> dict[str, int | None]:
    """The last year whose holidays the package knows, by country; None: it has none of that country."""
    return {country: last_year_known(country) for country in country_table()}


def judge_horizon(version: str, last_years: Mapping[str, int | None], now: datetime) -> Iterator[Finding]:
    """Behind the last known year every day of the week is a working day."""
    known = {country: year for country, year in last_years.items() if year is not None}
    without = sorted(last_years.keys() - known.keys())
    soon = sorted(
        country
        for country, year in known.items()
        if datetime(year + 1, 1, 1, tzinfo=UTC) - now < timedelta(days=HORIZON_DAYS_WARNED)
    )
    first = min((year for country, year in known.items() if country not in soon), default=now.year)
    if soon:
        ends = ", ".join(f"{country} {known[country]}" for country in soon)
        says = f"holidays {version}: known no longer than to the end of: {ends}; later ones count as working days"
        yield warning("calendars", says, f"{PIP} holidays` on every worker, if a newer one knows more")
    if len(soon) < len(known):
        yield ok("calendars", f"holidays {version}: {len(known) - len(soon)} countries, known to the end of {first}")
    if without:
        shown = ", ".join(without[:COUNTRIES_NAMED_MAX]) + (", …" if len(without) > COUNTRIES_NAMED_MAX else "")
        yield ok("calendars", f"no holidays at all for {len(without)} countries that the package lacks: {shown}")


async def zones(_settings: Settings) -> list[Finding]:
    """Which time zones decide."""
    return [judge_zones(tzdata.IANA_VERSION, system_zones(TZPATH), datetime.now(UTC))]


def system_zones(folders: tuple[str, ...]) -> str | None:
    """The version of the machine's own time zones; None: it has none, or does not say."""
    for folder in folders:
        try:
            with Path(folder, "tzdata.zi").open(encoding="ascii") as file:
                return file.readline().removeprefix("# version ").strip()
        except (OSError, UnicodeDecodeError):
            continue
    return None


def judge_zones(package: str, system: str | None, now: datetime) -> Finding:
    """`package`: as IANA names releases, 2026b. The machine's own are never used."""
    machine = {None: "the machine's own are unknown", package: "the machine's own are the same"}.get(
        system, f"the machine's own are {system}"
    )
    says = f"time zones {package} of the package tzdata; {machine} and not used"
    if int(package[:4]) < now.year - TZDATA_YEARS_OLD:
        return warning("tzdata", f"{says}; several releases a year change rules", f"{PIP} tzdata` on every worker")
    return ok("tzdata", says)
