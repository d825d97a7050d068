"""Targets against calendars: what cannot be met, what takes very long, and who is served when nobody may call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from sla_monitor.config.check.cases import Box, Condition, TooMany, condition, words
from sla_monitor.config.check.findings import (
    BEYOND_HORIZON,
    HORIZON_TOO_SHORT,
    NOT_CONTACTED,
    SLOW_TARGET,
    UNDECIDED,
    Finding,
)
from sla_monitor.config.check.lists import THE_PROMISED, THE_SERVED, Service
from sla_monitor.config.check.sources import Source
from sla_monitor.config.pack_model import Matched
from sla_monitor.config.yaml_lines import Where
from sla_monitor.core.calendar import HORIZON_END, HORIZON_START, Calendar
from sla_monitor.core.facts import DAY, HOUR, MINUTE

SLOW: Final = 90 * DAY
NEVER: Final = 5 * 366 * DAY  # a promise for later than that is none


def check_times(source: Source, service: Service) -> Iterator[Finding]:
    """Each duration of open time that a rule sets, in the hours of each country entry that the rule can meet."""
    pack = source.pack
    longest = max(target.target for clock in pack.clocks.values() for target in clock.targets)
    if pack.effective_from + longest > HORIZON_END:
        text = f"calendars end before the longest target, {spelt(longest)}, of a case opened then is reached"
        yield source.finding(HORIZON_TOO_SHORT, ("effective_from",), text)
        return
    for name, clock in pack.clocks.items():
        lengths = [target.target for target in clock.targets]
        yield from _durations(source, service, ("clocks", name, "targets"), clock.targets, lengths, THE_PROMISED)
    silences = pack.commitment.silences
    limits = [each.limit or 0 for each in silences]  # one day's open time is always reached
    yield from _durations(source, service, ("commitment", "silences"), silences, limits, THE_SERVED)
    yield from _not_contacted(source, service)


def _durations(
    source: Source,
    service: Service,
    where: Where,
    rules: Sequence[Matched],
    lengths: Sequence[int],
    asked_about: str,
) -> Iterator[Finding]:
    conditions = [condition(rule) for rule in rules]
    for position, length in enumerate(lengths):
        service.cases.steps = 0
        try:
            for country in _countries(source, service, conditions, position, asked_about):
                yield from _duration(source, (*where, position), length, country)
        except TooMany:
            text = "too many combinations to decide in which hours it counts"
            yield source.finding(UNDECIDED, (*where, position), text)


def _countries(
    source: Source, service: Service, conditions: Sequence[Condition], position: int, asked_about: str
) -> Iterator[str]:
    """One country for each entry of calendars that some case of a rule counts in."""
    cases = service.cases
    hours = [condition(rule) for rule in source.pack.hours]
    named = {country for entry in source.pack.calendars for country in entry.countries}
    others = sorted(source.policy.countries - named)
    for entry in source.pack.calendars:
        within: Box = {"country": tuple(entry.countries or others)}
        if not within["country"]:
            continue
        boxes = service.of(cases.left(conditions[position], conditions[:position], within), asked_about)
        served = (
            part
            for box in boxes
            for index, part in cases.decided(box, hours)
            if index is not None and source.pack.hours[index].serve == "calendar"
        )
        found = next(served, None)
        if found is not None:
            yield str(found["country"][0])


def _duration(source: Source, where: Where, length: int, country: str) -> Iterator[Finding]:
    calendar = source.policy.calendar_for(country, None, None)
    taken = elapsed(calendar, max(source.pack.effective_from, HORIZON_START), length)
    if taken is None:
        text = f"{spelt(length)} of open time do not come together within five years in the hours of {country}"
        yield source.finding(BEYOND_HORIZON, where, text)
    elif taken > SLOW:
        text = f"{spelt(length)} of open time take {taken // DAY} days in the hours of {country}"
        yield source.finding(SLOW_TARGET, where, text)


def elapsed(calendar: Calendar, start: int, length: int) -> int | None:
    """How long so much open time takes from an instant; None if NEVER."""
    comes_together = calendar.between(start, min(start + NEVER, HORIZON_END)) >= length
    return calendar.add(start, length) - start if comes_together else None


def spelt(length: int) -> str:
    """As a pack writes it."""
    return f"{length // HOUR}h" if length % HOUR == 0 else f"{length // MINUTE}m"


def _not_contacted(source: Source, service: Service) -> Iterator[Finding]:
    """The first case served round the clock that a window in business hours is for."""
    cases, pack = service.cases, source.pack
    hours, windows = ([condition(rule) for rule in rules] for rules in (pack.hours, pack.contact.windows))
    for position, window in enumerate(pack.contact.windows):
        if window.open == "always":
            continue
        cases.steps = 0
        try:
            found = _served_round_the_clock(source, service, hours, cases.left(windows[position], windows[:position]))
        except TooMany:
            continue
        if found is not None:
            text = f"served round the clock, contacted in business hours only: {words(found)}"
            yield source.finding(NOT_CONTACTED, ("contact", "windows", position), text)


def _served_round_the_clock(
    source: Source, service: Service, hours: Sequence[Condition], boxes: Iterator[Box]
) -> Box | None:
    for box in boxes:
        for index, part in service.cases.decided(box, hours):
            if index is not None and source.pack.hours[index].serve == "round_the_clock":
                for served in service.of(iter([part]), THE_SERVED):
                    return served
    return None
