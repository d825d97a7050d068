"""What `policy check` may say of a pack: each kind, whether it is a finding or a note, and what it means."""

from __future__ import annotations

from typing import Final, NamedTuple

FINDING, NOTE = "finding", "note"

REFUSED = "refused"
UNREACHABLE = "unreachable"
IMPOSSIBLE = "impossible"
DECLINED_BEFORE = "declined_before"
NEVER_SERVED = "never_served"
BEYOND_HORIZON = "beyond_horizon"
HORIZON_TOO_SHORT = "horizon_too_short"
TWO_STEPS = "two_steps"
MODES_CONFLICT = "modes_conflict"
UNCITED = "uncited"
SWITCHED_OFF = "switched_off"
STOPS_NOTHING = "stops_nothing"
PAUSE = "pause"
SAME_VERSION = "same_version"
UNREACHABLE_VALUE = "unreachable_value"
REDUNDANT = "redundant"
SLOW_TARGET = "slow_target"
NOT_CONTACTED = "not_contacted"
MIXED_MODES = "mixed_modes"
ORDER_OF_VERSIONS = "order_of_versions"
NEVER_TOLD = "never_told"
UNDECIDED = "undecided"

# What is wrong or can never happen is a finding; what may be meant so is a note and leaves the pack clean.
KINDS: Final = {
    REFUSED: (FINDING, "A worker would not start with it."),
    UNREACHABLE: (FINDING, "Earlier rules of the list match every case that this one matches."),
    IMPOSSIBLE: (FINDING, "No case can match, whatever the other rules are."),
    DECLINED_BEFORE: (FINDING, "Eligibility or coverage turns away every case for which this rule would decide."),
    NEVER_SERVED: (FINDING, "No case of this severity or plan is served."),
    BEYOND_HORIZON: (FINDING, "So much open time does not come together within five years."),
    HORIZON_TOO_SHORT: (FINDING, "Calendars end before the longest target of the pack's first case is reached."),
    TWO_STEPS: (FINDING, "One fact allows a second step down from the same severity."),
    MODES_CONFLICT: (FINDING, "One fact lowers a severity at once and also recommends to lower it."),
    UNCITED: (FINDING, "No notice can cite the rule, and no cited rule names it in `see`."),
    SWITCHED_OFF: (FINDING, "Levels are set and their notices are switched off."),
    STOPS_NOTHING: (FINDING, "An event that can never stop, pause or resume a clock."),
    PAUSE: (FINDING, "A clock that pauses for good, or that resumes without ever having paused."),
    SAME_VERSION: (FINDING, "Two files given one by one are the same version, or begin at the same time."),
    UNREACHABLE_VALUE: (NOTE, "A value that the rule names is matched by earlier rules in every case."),
    REDUNDANT: (NOTE, "Without the rule, later ones would decide the same."),
    SLOW_TARGET: (NOTE, "A target takes more than ninety days of the calendar."),
    NOT_CONTACTED: (NOTE, "Cases served round the clock may be contacted in business hours only."),
    MIXED_MODES: (NOTE, "One rule lowers at once in one place and recommends in another."),
    ORDER_OF_VERSIONS: (NOTE, "A version that reads as later comes into force earlier."),
    NEVER_TOLD: (NOTE, "So many promises may be broken that the quickest alerts about it can never fire."),
    UNDECIDED: (NOTE, "Too many combinations to decide whether the rule can be reached."),
}


class Finding(NamedTuple):
    """Findings sort by file and line. Line 0: the file as a whole. `rule` is "" where none is concerned."""

    file: str
    line: int
    kind: str
    text: str
    rule: str = ""

    @property
    def level(self) -> str:
        return KINDS[self.kind][0]

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        about = f"{self.rule}: " if self.rule else ""
        return f"{where}: {self.level}, {self.kind}: {about}{self.text}"
