"""The customer's side: since when support waits, how often nobody was reached, and when that breaks the commitment.

SP-DOWN-SILENCE: silence counts from when support began to wait to the customer's next sign; broken means elapsed >=
limit. Three attempts in a row that reach nobody break it at once. One silence or run of attempts is used once.
"""

from __future__ import annotations

from dataclasses import replace

from sla_monitor.core.notices import Identity
from sla_monitor.core.policy import SilenceTerms
from sla_monitor.core.values import value

ATTEMPTS_KEPT_MAX = 16  # the evidence of one run; more attempts add nothing to it


@value(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Support has waited on the customer since `since`. `due_at` is None while nothing can follow: at a severity
    that nothing is below, or once this silence has been `used`.
    """

    since: int
    event: Identity
    terms: SilenceTerms
    due_at: int | None
    used: bool = False

    def elapsed(self, now: int) -> int:
        return self.terms.calendar.between(self.since, now)


@value(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """A downgrade recommended and not yet answered. `occasion`: when the silence or run of attempts began."""

    rule: str
    severity: str
    to: str
    occasion: int


@value(frozen=True, slots=True, kw_only=True)
class Silence:
    """Everything the commitment remembers of one case."""

    waiting: Waiting | None = None
    attempts: tuple[tuple[int, Identity], ...] = ()  # since the last sign of life, nobody reached
    attempts_used: bool = False
    open: tuple[Recommendation, ...] = ()  # at most one for each rule

    @property
    def next_at(self) -> int | None:
        return self.waiting.due_at if self.waiting else None


def begin(silence: Silence, at: int, event: Identity, terms: SilenceTerms) -> Silence:
    """Support begins to wait; while it waits already, nothing changes."""
    if silence.waiting is not None:
        return silence
    return replace(silence, waiting=_measured(at, event, terms, at))


def _measured(since: int, event: Identity, terms: SilenceTerms, now: int, *, used: bool = False) -> Waiting:
    """It cannot have been broken before these terms held, so the instant is never earlier than `now`."""
    due_at = None
    if not used and terms.downgrade is not None:
        due_at = max(now, terms.calendar.add(since, terms.limit))
    return Waiting(since=since, event=event, terms=terms, due_at=due_at, used=used)


def sign_of_life(silence: Silence) -> Silence:
    """The customer is there: silence and attempts count anew. What was recommended stays open."""
    return Silence(open=silence.open)


def attempt(silence: Silence, at: int, event: Identity) -> Silence:
    """An attempt that reached nobody."""
    return replace(silence, attempts=(*silence.attempts, (at, event))[:ATTEMPTS_KEPT_MAX])


def under(silence: Silence, terms: SilenceTerms, now: int) -> Silence:
    """The case changed: a silence not yet used has the new limit, counted from when it began."""
    waiting = silence.waiting
    if waiting is None:
        return silence
    return replace(silence, waiting=_measured(waiting.since, waiting.event, terms, now, used=waiting.used))


def recommended(silence: Silence, recommendation: Recommendation) -> Silence:
    """One more downgrade waits for an answer; of one rule only the latest does."""
    others = tuple(each for each in silence.open if each.rule != recommendation.rule)
    return replace(silence, open=(*others, recommendation))


def answered(silence: Silence, recommendation: Recommendation) -> Silence:
    return replace(silence, open=tuple(each for each in silence.open if each is not recommendation))


def run_is_complete(silence: Silence, unreached_attempts: int) -> bool:
    """Whether the attempts break the commitment now: enough of them, and this absence not yet used."""
    used = silence.attempts_used or (silence.waiting is not None and silence.waiting.used)
    return len(silence.attempts) >= unreached_attempts and not used


def used_by_attempts(silence: Silence) -> Silence:
    """The run broke the commitment, and with it the silence it happened in."""
    waiting = replace(silence.waiting, due_at=None, used=True) if silence.waiting else None
    return replace(silence, waiting=waiting, attempts_used=True)


def used_by_silence(silence: Silence) -> Silence:
    """The silence reached its limit."""
    waiting = replace(silence.waiting, due_at=None, used=True) if silence.waiting else None
    return replace(silence, waiting=waiting)
