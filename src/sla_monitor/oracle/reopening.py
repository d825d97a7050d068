"""One idea: whether a closed case may be reopened. A part of the fingerprint that one side lacks counts as equal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sla_monitor.oracle.hours import EPOCH, MICROSECOND, micros
from sla_monitor.oracle.plan import Rule, many


def checked(
    rules: list[Rule],
    *,
    old: Mapping[str, str],
    new: Mapping[str, str],
    updated: bool,
    proposed: bool,
    closed_at: int,
    at: int,
    zone: ZoneInfo,
) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for rule in rules:
        parts = many(rule.get("same") or [])
        other = [part for part in parts if part in old and part in new and old[part] != new[part]]
        if rule.get("after_fix") and not (updated or proposed):
            other = []
        too_late = bool(rule.get("within_months")) and at >= months_later(closed_at, rule["within_months"], zone)
        forbidden = bool(rule.get("no_update")) and updated
        found.append({"rule": rule["rule"], "ok": not (other or too_late or forbidden)})
    return found


def months_later(at: int, months: int, zone: ZoneInfo) -> int:
    """Month by month on the wall; of a month that is too short its last day."""
    wall = (EPOCH + at * MICROSECOND).astimezone(zone).replace(tzinfo=None, fold=0)
    year, month = wall.year, wall.month
    for _ in range(months):
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)  # noqa: PLR2004
    day = wall.day
    while True:
        try:
            later = datetime(year, month, day, wall.hour, wall.minute, wall.second, wall.microsecond, tzinfo=zone)
        except ValueError:
            day -= 1
            continue
        return micros(later.astimezone(UTC) + timedelta())
