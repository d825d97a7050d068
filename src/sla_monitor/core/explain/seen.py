"""What an explanation has seen of a case: runs of clocks, silences, and changes with what each did to them."""

from __future__ import annotations

from dataclasses import dataclass, field

from sla_monitor.core import facts as f
from sla_monitor.core.case import CaseState
from sla_monitor.core.clock import ClockState, Measure, Pauses, Step
from sla_monitor.core.notices import Intent
from sla_monitor.core.policy import Policy, SilenceTerms
from sla_monitor.core.profile import Profile

RESTORED = "restored"
STARTED, ENDED, STANDS = "started", "ended", "stands"


@dataclass(slots=True, kw_only=True)
class Stretch:
    """A pause of a clock and the events that it lasted between; one may be over in the instant in which it began."""

    begins: int
    begun_by: f.Fact | None = None
    ends: int | None = None
    ended_by: f.Fact | None = None


@dataclass(slots=True, kw_only=True)
class Life:
    """One run of a clock; `run` is its number among those of the clock. `said`: what was said of it, in order. Of a
    pause that goes on, `pauses` and `measure` are as if it ended now; `stretches` are all pauses, with their events.
    """

    clock: str
    run: int
    generation: int
    started_at: int
    steps: tuple[Step, ...]
    measure: Measure
    state: ClockState
    pauses: Pauses = ()
    stretches: list[Stretch] = field(default_factory=list)
    said: list[Intent] = field(default_factory=list)
    started_by: f.Fact | None = None
    ended_by: f.Fact | None = None
    ended_at: int | None = None


@dataclass(slots=True, kw_only=True)
class Wait:
    """One time that support waited on the customer; `run` is its number. `due_at`: while something could follow.
    `not_before`: when its terms last changed; it cannot have been broken before.
    """

    run: int
    since: int
    event: f.Fact | None
    policy: Policy
    profile: Profile
    terms: SilenceTerms
    due_at: int | None
    not_before: int
    is_used: bool = False
    broken_at: int | None = None
    ended_by: f.Fact | None = None
    ended_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The case as it was when something happened to it."""

    policy: Policy
    profile: Profile
    clocks: dict[str, ClockState]
    held: dict[str, dict[str, tuple[Step, ...]]]

    @staticmethod
    def of(state: CaseState) -> Before:
        return Before(policy=state.policy, profile=state.profile, clocks=dict(state.clocks), held=state.held)

    def is_other(self, state: CaseState) -> bool:
        """Whether the case, or the version it is one of, has become another one."""
        return self.profile != state.profile or self.policy is not state.policy

    def clocks_of(self, policy: Policy) -> list[str]:
        """Names of the clocks that may have run, in order: those of this version, then those that another one adds."""
        return list(dict.fromkeys(clock.name for each in (self.policy, policy) for clock in each.clocks))


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a change did to one run of a clock: a mode of the pack, `restored`, `started`, `ended`, or `stands` (its
    verdict). The run is named because its time does not tell it: a clock may be changed, stopped and started again
    within one instant.
    """

    clock: str
    run: int
    how: str
    rule: str
    old_deadline: str | None
    new_deadline: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The case became another one, or one of another version of the pack. Without a fact time has done it."""

    at: int
    fact: f.Fact | None
    old: Before
    new: Profile
    policy: Policy
    effects: tuple[Effect, ...]


@dataclass(slots=True, kw_only=True)
class Watched:
    """All that was seen. `folded_before`: what lies before is known by its result only."""

    state: CaseState
    now: int
    lives: list[Life] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    said: list[tuple[Intent, f.Fact | None]] = field(default_factory=list)
    folded_before: int | None = None
    policies: list[Policy] = field(default_factory=list)  # versions that the case was one of, in order

    @property
    def policy(self) -> Policy:
        return self.state.policy

    def life(self, clock: str) -> Life | None:
        """The latest run."""
        return next((life for life in reversed(self.lives) if life.clock == clock), None)

    def next_run(self, clock: str) -> int:
        life = self.life(clock)
        return life.run + 1 if life else 1

    @property
    def wait(self) -> Wait | None:
        """The one that is not over."""
        return self.waits[-1] if self.waits and self.waits[-1].ended_at is None else None
