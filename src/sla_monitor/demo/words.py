"""Notices and durations as a person says them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sla_monitor.core import notices as n
from sla_monitor.core.facts import DAY, HOUR, MINUTE, SECOND

SHORT: Final = 10 * SECOND  # below this a tenth of a second matters

RETRACTED: Final = {
    n.BREACHED: "the breach",
    n.WARNING: "a warning",
    n.OVERDUE: "an overdue level",
    n.MET: "the answer",
    n.DOWNGRADE_RECOMMENDED: "the recommended downgrade",
    n.DOWNGRADED: "the downgrade",
    n.DEADLINE_MOVED: "a moved deadline",
    n.CLOCK_STARTED: "the start of a clock",
    n.CLOCK_STOPPED: "the end of a clock",
    n.CANCELLED: "the end without a verdict",
    n.COVERAGE_LIMITED: "the limits",
    n.CONTACT_OUTSIDE_HOURS: "the call outside the hours for it",
    n.EFFORT_WARNING: "a warning about engineer time",
    n.EFFORT_EXHAUSTED: "the end of engineer time",
}


def spoken(duration: float) -> str:
    """Microseconds as the two largest units: `4.2 s`, `12 min 5 s`, `3 h 20 min`, `2 d 4 h`."""
    if duration < SHORT:
        return f"{duration / SECOND:.1f} s"
    whole = int(duration)
    if whole < MINUTE:
        return f"{whole // SECOND} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE // SECOND} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def seconds(number: float) -> str:
    """The same, of seconds as notices have them."""
    return spoken(number * SECOND)


def in_words(notice: Mapping[str, Any]) -> str:  # noqa: C901, PLR0911, PLR0912 (one arm for each kind)
    """One notice in a few words, without its case."""
    said = notice["data"]
    match notice["type"]:
        case n.CLOCK_STARTED if said["clock"] == "commitment":
            return f"support waits on the customer, {seconds(said['target_seconds'])} at most"
        case n.CLOCK_STARTED:
            return f"{said['severity']}: an answer is promised in less than {seconds(said['target_seconds'])}"
        case n.CLOCK_STOPPED:
            return f"the clock {said['clock']} has stopped"
        case n.CLOCK_PAUSED:
            return f"the clock {said['clock']} pauses"
        case n.CLOCK_RESUMED:
            return f"the clock {said['clock']} goes on"
        case n.DEADLINE_MOVED:
            old, new = _clock(said["old_deadline"], notice), _clock(said["new_deadline"], notice)
            return f"the deadline moved from {old} to {new}"
        case n.WARNING:
            return f"{said['level']} % of the time is gone, {seconds(said['remaining'])} left"
        case n.BREACHED:
            return f"BREACHED: no answer within {seconds(said['target_seconds'])}"
        case n.OVERDUE:
            return f"overdue at {said['level']} % of the target"
        case n.MET if said.get("late"):
            return f"answered, {seconds(said['late_by'])} too late"
        case n.MET:
            return f"met: answered with {seconds(said['remaining'])} left"
        case n.CANCELLED:
            return "cancelled before an answer was due"
        case n.RETRACTED:
            kind = said["retracted_type"]
            return f"TAKEN BACK: {RETRACTED.get(kind, kind)}, because of an event that came later"
        case n.DOWNGRADE_RECOMMENDED:
            return f"downgrade {said['from']} → {said['to']} recommended: {_evidence(said)}"
        case n.DOWNGRADED:
            return f"lowered from {said['from']} to {said['to']}"
        case n.RESTORED:
            return f"back from {said['from']} to {said['to']}, with the old deadlines"
        case n.COVERAGE_LIMITED:
            return f"served with limits ({said['rule']})"
        case n.COVERAGE_DECLINED | n.ELIGIBILITY_DECLINED:
            return f"not served ({said['rule']}): {said['advice']}"
        case n.CONTACT_UNVERIFIED:
            return "nobody knows whether the contact details are right"
        case n.EFFORT_WARNING:
            return f"{said['level']} % of the engineer time is worked"
        case n.EFFORT_EXHAUSTED:
            return f"{seconds(said['limit_seconds'])} of engineer time are worked: {said['advice']}"
        case n.REOPEN_ACCEPTED:
            return "taken up again, with new clocks"
        case n.REOPEN_DECLINED:
            return f"not taken up again: {', '.join(said['failed'])}"
        case n.SCRIPT_ACCEPTED:
            return "the script may be run"
        case n.SCRIPT_DECLINED:
            return f"the script may not be run: {said['advice']}"
        case n.CONTACT_OUTSIDE_HOURS:
            return f"called outside the hours for it ({said['rule']})"
        case n.FORGOTTEN:
            return "forgotten, as the customer asked"
        case kind:
            return str(kind)


def _evidence(said: Mapping[str, Any]) -> str:
    evidence = said["evidence"]
    if evidence["broken_by"] == "fact":
        return f"a fact that allows it ({said['rule']})"
    if evidence["broken_by"] == "attempts":
        return f"{evidence['attempts']} attempts reached nobody"
    return f"no sign of the customer for {seconds(evidence['silence_seconds'])}"


def _clock(instant: str | None, notice: Mapping[str, Any]) -> str:
    """A time as notices have it, UTC: of the same day without its date."""
    if instant is None:
        return "never"
    date, time = instant[:10], instant[11:19]
    return time if notice["time"].startswith(date) else f"{date} {time}"
