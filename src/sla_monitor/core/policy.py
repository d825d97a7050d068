"""A policy pack, compiled: which target, hours and limits a case has, and the rule each one rests on.

Packs are data (`config/packs.py` reads them); this module only matches. Rules are tried in order, the first match
wins. Matching is remembered for each distinct profile, so that a case does not walk the pack again.

Over 300 lines: the kinds of rules and the one place that matches them are read together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import cached_property
from operator import attrgetter
from typing import TypeVar

from sla_monitor.core.calendar import ALWAYS_OPEN, Calendar
from sla_monitor.core.facts import Opened
from sla_monitor.core.notices import COVERAGE_DECLINED, ELIGIBILITY_DECLINED
from sla_monitor.core.profile import LABELS, LISTS, READ, Profile, When, profile_of
from sla_monitor.core.reopening import ReopenRule

OPENING = "case.opened"
STAY = "stay"
PROFILES_REMEMBERED_MAX = 20_000  # 20,000 x ~1 KB = 20 MB a pack; then the memory starts afresh


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRule:
    """`target`: open time from start to deadline, microseconds."""

    rule: str
    when: When
    target: int
    promised: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HoursRule:
    """When a case is served: round the clock, or in the open hours of its country."""

    rule: str
    when: When
    round_the_clock: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """What a change does to a running deadline, `from_start`, `from_change` or `keep_elapsed`, and the rule for it;
    without one the rule of the target is cited.
    """

    how: str
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """By the direction of the change."""

    raised: Direction = Direction(how="from_change")
    lowered: Direction = Direction(how="from_start")
    sideways: Direction = Direction(how="from_start")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockPolicy:
    """A clock, and the types of case events that drive it. Levels are percent of the target, ascending. One that starts
    with something else than the opening may run many times.
    """

    name: str
    stops: frozenset[str]  # with a verdict
    starts: frozenset[str] = frozenset({OPENING})
    pauses: frozenset[str] = frozenset()
    resumes: frozenset[str] = frozenset()
    targets: tuple[TargetRule, ...] = ()
    warnings: tuple[int, ...] = ()
    overdue: tuple[int, ...] = ()
    changes: Changes = field(default_factory=Changes)
    own_target_rule: str = ""  # cited when the case carries its own target (SP-UNI)


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceRule:
    """How long a customer may be silent, microseconds; None: one ordinary day's open time of the case's calendar."""

    rule: str
    when: When
    limit: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DowngradeRule:
    """One step down that a broken commitment allows. `automatic`: done at once instead of recommended."""

    rule: str
    when: When
    to: str
    automatic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A fact that allows one step down as soon as it is known: the profile comes to match `on`, or (`proposed`) the
    customer's answer to a resolution is awaited. `steps`: from which severity to which; from others there is none.
    """

    rule: str
    on: When
    steps: Mapping[str, str]
    proposed: bool = False
    automatic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """The customer's side: how silence or unreached attempts break it (SP-DOWN-SILENCE)."""

    name: str
    unreached_attempts: int
    silences: tuple[SilenceRule, ...]
    downgrades: tuple[DowngradeRule, ...]
    restored_rule: str = ""  # cited when a severity held before a downgrade returns (SP-DOWN-BACK)
    grounds: tuple[Ground, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRule:
    """When some customers may be contacted: in the open hours of their country, or (`always`) at any time."""

    rule: str
    when: When
    always: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A contact window of a case."""

    rule: str
    calendar: Calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How customers are contacted. Without a matching window: at any time. `unverified_rule`: cited where contact
    details are not known to be right; "" says nothing.
    """

    windows: tuple[WindowRule, ...] = ()
    unverified_rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRule:
    """Whether some cases are served, and as what: `covered`, `limited`, `own_targets` (only clocks for which the case
    carries a target of its own) or `declined`. `advice`: what to do instead, or to get more.
    """

    rule: str
    when: When
    outcome: str
    promised: bool = True
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What a case is served as: the rule, the clocks that run, and whether what they say is promised. `declined_by`:
    the type of notice that says it is not served at all.
    """

    rule: str
    clocks: tuple[ClockPolicy, ...]
    promised: bool = True
    limited: bool = False
    declined_by: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffortRule:
    """Engineer time that some cases get, microseconds; 0: no limit. `warnings`: percent of it, ascending. `advice`:
    what follows when it is used up.
    """

    rule: str
    when: When
    limit: int
    warnings: tuple[int, ...] = ()
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffortPolicy:
    """Best effort: the clock's name, and the limits. Without a match there is none."""

    name: str = "best_effort"
    limits: tuple[EffortRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripts:
    """Whether a script that was handed in may be run; without a rule nothing is said. `advice`: if it may not."""

    rule: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Languages:
    """Primary subtags of the languages that count as English, and of those with local-language support."""

    english: frozenset[str]
    local: frozenset[str]
    limited_rule: str  # cited by coverage.limited for a language that is neither served nor translated
    limited_advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one clock of one case is measured by at an instant."""

    rule: str
    target: int
    calendar: Calendar
    hours_rule: str
    round_the_clock: bool
    promised: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceTerms:
    """How long this case's customer may be silent, on which calendar, and what may follow (None: nothing)."""

    rule: str
    limit: int
    calendar: Calendar
    downgrade: DowngradeRule | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attainment:
    """The share of promises that is to be kept, of the cases with one of these names; `ratio` is between 0 and 1."""

    clocks: frozenset[str]
    severities: frozenset[str]
    plans: frozenset[str]
    ratio: float


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One version of one pack. Times are microseconds since the epoch, `digest` is the SHA-256 of what it says."""

    name: str
    version: str
    effective_from: int
    digest: str
    severities: tuple[str, ...]  # the most severe first
    plans: tuple[str, ...]  # the lowest first
    countries: frozenset[str]
    clauses: Mapping[str, str]  # rule id -> its sentence
    languages: Languages
    hours: tuple[HoursRule, ...]
    clocks: tuple[ClockPolicy, ...]
    commitment: Commitment
    calendar_for: Callable[[str, str | None, str | None], Calendar]  # country, subdivision, timezone
    zone_for: Callable[[str, str | None], tzinfo]  # of that calendar; country, timezone
    eligibility: tuple[CoverageRule, ...] = ()  # who may ask; without a match: everybody
    coverage: tuple[CoverageRule, ...] = ()  # what is served; without a match: everything
    contact: Contact = field(default_factory=Contact)
    effort: EffortPolicy = field(default_factory=EffortPolicy)
    scripts: Scripts = field(default_factory=Scripts)
    reopening: tuple[ReopenRule, ...] = ()  # all must hold; none: closed is closed
    switched_off: frozenset[str] = frozenset()  # types of notices that are not sent
    open_cases: str = STAY  # what becomes of those of earlier versions: they stay, or how their deadlines move
    origins: Mapping[str, str] = field(default_factory=dict)  # rule id -> `stated` or `ours`
    queues: tuple[str, ...] = ()  # that cases are counted by; they decide nothing
    calendars: tuple[str, ...] = ()  # by their rules
    horizons: Callable[[], Mapping[str, int]] = dict  # rule of a calendar -> up to when its days off are known; slow
    attainment: tuple[Attainment, ...] = ()  # the share of promises that is to be kept; it decides nothing

    @cached_property
    def key(self) -> str:
        """`name/version`: what a state row and a notice call this pack."""
        return f"{self.name}/{self.version}"

    @cached_property
    def _by_name(self) -> dict[str, ClockPolicy]:
        return {clock.name: clock for clock in self.clocks}

    def clock(self, name: str) -> ClockPolicy:
        """KeyError if this version has no such clock."""
        return self._by_name[name]

    @cached_property
    def driving(self) -> frozenset[str]:
        """Types of case events that drive some clock."""
        return frozenset().union(*(each.starts | each.stops | each.pauses | each.resumes for each in self.clocks))

    @cached_property
    def labels(self) -> frozenset[str]:
        """Labels of a case that some rule asks for, or that it is counted by."""
        whens = [rule.when for clock in self.clocks for rule in clock.targets]
        whens += [rule.when for rule in self.hours]
        whens += [rule.when for rule in (*self.eligibility, *self.coverage)]
        whens += [rule.when for rule in self.commitment.silences]
        whens += [rule.when for rule in self.commitment.downgrades]
        whens += [rule.when for rule in self.contact.windows]
        whens += [rule.when for rule in self.effort.limits]
        counted_by = {"queue"} if self.queues else set()
        return LABELS & ({name for when in whens for name, _ in when} | counted_by)

    def attainment_of(self, clock: str, severity: str, plan: str) -> float | None:
        """The share of promises that is to be kept; None: nobody has said."""
        wanted = (
            each.ratio
            for each in self.attainment
            if clock in each.clocks and severity in each.severities and plan in each.plans
        )
        return next(wanted, None)

    @cached_property
    def _read(self) -> Callable[[Opened], tuple[object, ...]]:
        return attrgetter(*READ, *sorted(self.labels))

    @cached_property
    def _openings(self) -> dict[tuple[object, ...], Profile]:
        return {}

    @cached_property
    def _profiles(self) -> dict[Profile, Profile]:
        return {}

    @cached_property
    def _coverages(self) -> dict[Profile, Coverage]:
        return {}

    @cached_property
    def _terms(self) -> dict[tuple[str, Profile], Terms]:
        return {}

    @cached_property
    def _grounds(self) -> dict[Profile, tuple[Ground, ...]]:
        return {}

    @cached_property
    def _limits(self) -> dict[Profile, EffortRule | None]:
        return {}

    @cached_property
    def _windows(self) -> dict[Profile, Window | None]:
        return {}

    @cached_property
    def _silences(self) -> dict[Profile, SilenceTerms]:
        return {}

    def shared(self, profile: Profile) -> Profile:
        """The same profile as one object for all cases that have it, so that what is remembered of it is found
        without comparing fields.
        """
        return self._profiles.get(profile) or remember(self._profiles, profile, profile)

    def profile_of(self, body: Opened) -> Profile:
        """The profile of a request, made once for all requests that say the same: each fold of a case asks for it."""
        said = self._read(body)
        return self._openings.get(said) or remember(self._openings, said, self.shared(profile_of(body, self.labels)))

    def counts_as_english(self, profile: Profile) -> bool:
        """SP-LANG-TR: a case that accepts English or translation counts as English."""
        return profile.accepts_english or profile.accepts_translation or profile.language in self.languages.english

    def language_is_limited(self, profile: Profile) -> bool:
        """SP-LANG-TR: neither served in its language nor willing to be served in English."""
        return not self.counts_as_english(profile) and profile.language not in self.languages.local

    def terms(self, clock: ClockPolicy, profile: Profile) -> Terms:
        """The terms of one clock. KeyError if the pack has no target for this profile (the loader rejects that)."""
        key = (clock.name, profile)
        found = self._terms.get(key)
        if found is None:
            found = remember(self._terms, key, self._match_terms(clock, profile))
        return found

    def silence(self, profile: Profile) -> SilenceTerms:
        """How long a silence breaks the commitment, and the downgrade it allows (SP-DOWN-SILENCE)."""
        found = self._silences.get(profile)
        if found is None:
            found = remember(self._silences, profile, self._match_silence(profile))
        return found

    def coverage_of(self, profile: Profile) -> Coverage:
        """What a case is served as: first who may ask, then what for."""
        found = self._coverages.get(profile)
        if found is None:
            found = remember(self._coverages, profile, self._match_coverage(profile))
        return found

    def grounds(self, profile: Profile) -> tuple[Ground, ...]:
        """Facts about the case that allow a step down."""
        found = self._grounds.get(profile)
        if found is None:
            grounds = (each for each in self.commitment.grounds if each.on and self._matches(each.on, profile))
            found = remember(self._grounds, profile, tuple(grounds))
        return found

    def window(self, profile: Profile) -> Window | None:
        """When this customer may be contacted; None: at any time."""
        if profile not in self._windows:
            rule = next((rule for rule in self.contact.windows if self._matches(rule.when, profile)), None)
            anytime = rule is None or rule.always
            window = None if anytime or rule is None else Window(rule=rule.rule, calendar=self._open_hours(profile))
            remember(self._windows, profile, window)
        return self._windows[profile]

    def effort_limit(self, profile: Profile) -> EffortRule | None:
        """How much engineer time this case gets; None: as much as it takes. A declined case gets none to count."""
        if profile not in self._limits:
            rule = next((rule for rule in self.effort.limits if self._matches(rule.when, profile)), None)
            counts = rule is not None and rule.limit and not self.coverage_of(profile).declined_by
            remember(self._limits, profile, rule if counts else None)
        return self._limits[profile]

    def matches(self, when: When, profile: Profile) -> bool:
        """Whether a rule that asks for this is one for the case. For explanations."""
        return self._matches(when, profile)

    def rank(self, severity: str) -> int:
        """0 for the most severe. ValueError for a severity the pack does not have."""
        return self.severities.index(severity)

    def _match_terms(self, clock: ClockPolicy, profile: Profile) -> Terms:
        hours_rule, round_the_clock, calendar = self._match_hours(profile)
        rule, target, promised = self._match_target(clock, profile)
        return Terms(
            rule=rule,
            target=target,
            calendar=calendar,
            hours_rule=hours_rule,
            round_the_clock=round_the_clock,
            promised=promised and self.coverage_of(profile).promised,
        )

    def _match_coverage(self, profile: Profile) -> Coverage:
        for kind, rules in ((ELIGIBILITY_DECLINED, self.eligibility), (COVERAGE_DECLINED, self.coverage)):
            rule = next((rule for rule in rules if self._matches(rule.when, profile)), None)
            if rule is None:
                continue
            clocks = self.clocks
            if rule.outcome == "own_targets":
                own = {name for name, _ in profile.targets}
                clocks = tuple(clock for clock in self.clocks if clock.name in own)
            if rule.outcome == "declined" or not clocks:
                return Coverage(rule=rule.rule, clocks=(), declined_by=kind, advice=rule.advice)
            if kind == COVERAGE_DECLINED:
                limited = rule.outcome == "limited"
                return Coverage(
                    rule=rule.rule, clocks=clocks, promised=rule.promised, limited=limited, advice=rule.advice
                )
        return Coverage(rule="", clocks=self.clocks)

    def _match_target(self, clock: ClockPolicy, profile: Profile) -> tuple[str, int, bool]:
        for name, own in profile.targets:
            if name == clock.name:
                return clock.own_target_rule, own, True
        for rule in clock.targets:
            if self._matches(rule.when, profile):
                return rule.rule, rule.target, rule.promised
        raise KeyError(f"{self.key}: clock {clock.name} has no target for {profile}")

    def _match_hours(self, profile: Profile) -> tuple[str, bool, Calendar]:
        for rule in self.hours:
            if self._matches(rule.when, profile):
                if rule.round_the_clock:
                    return rule.rule, True, ALWAYS_OPEN
                return rule.rule, False, self._open_hours(profile)
        raise KeyError(f"{self.key}: no hours for {profile}")

    def _open_hours(self, profile: Profile) -> Calendar:
        return self.calendar_for(profile.country, profile.subdivision, profile.timezone)

    def _match_silence(self, profile: Profile) -> SilenceTerms:
        _, _, calendar = self._match_hours(profile)
        downgrade = next((d for d in self.commitment.downgrades if self._matches(d.when, profile)), None)
        for rule in self.commitment.silences:
            if self._matches(rule.when, profile):
                limit = self._open_hours(profile).day if rule.limit is None else rule.limit
                return SilenceTerms(rule=rule.rule, limit=limit, calendar=calendar, downgrade=downgrade)
        raise KeyError(f"{self.key}: no limit of silence for {profile}")

    def _matches(self, when: When, profile: Profile) -> bool:
        for name, allowed in when:
            if name in LISTS:
                if allowed.isdisjoint(getattr(profile, name)):
                    return False
            elif (self.counts_as_english(profile) if name == "english" else getattr(profile, name)) not in allowed:
                return False
        return True


K = TypeVar("K")
V = TypeVar("V")


def remember(memory: dict[K, V], key: K, value: V) -> V:
    """Keep a match; a memory that hostile profiles have filled starts afresh."""
    if len(memory) >= PROFILES_REMEMBERED_MAX:
        memory.clear()
    memory[key] = value
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Packs:
    """All versions of one pack, by `effective_from` ascending. A case keeps the version of its opening."""

    versions: tuple[Policy, ...]
    calendars: str = ""  # what holidays and closures are from: a digest of the dates pinned beside them, or a release
    missed: frozenset[str] = frozenset()  # versions that were not there when they should have taken open cases over

    def at(self, opened_at: int) -> Policy:
        """The version in force at an opening; before the first one, the first."""
        chosen = self.versions[0]
        for policy in self.versions:
            if policy.effective_from <= opened_at:
                chosen = policy
        return chosen

    def named(self, key: str) -> Policy | None:
        """The version a state row names, or None: then the worker must refuse to start."""
        return next((policy for policy in self.versions if policy.key == key), None)

    @property
    def digest(self) -> str:
        """SHA-256 of all that decides: whoever has another one may decide otherwise."""
        parts = [self.calendars, *(f"{each.key} {each.digest}" for each in self.versions)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    @property
    def moving(self) -> tuple[Policy, ...]:
        """Versions that take over the open cases of those before them."""
        return tuple(each for each in self.versions if each.open_cases != STAY and each.key not in self.missed)

    def moves_after(self, policy: Policy) -> tuple[Policy, ...]:
        """Versions that will take over a case of this one, in order."""
        return tuple(each for each in self.moving if each.effective_from > policy.effective_from)
