"""What happened to a case: one frozen value for each type of case event.

A fact is an event after the wire has checked its shape. Times are integers, microseconds since the Unix epoch (UTC);
durations are integers, microseconds. Labels that a policy pack defines (severity, plan) are plain strings here; the
pack says which exist.
"""

from __future__ import annotations

from dataclasses import dataclass

SECOND = 1_000_000  # microseconds
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """`case.opened`. `access` is None when the request did not choose it: a default is not a choice (SP-B)."""

    severity: str
    plan: str
    country: str
    language: str
    submitted_by: str
    access: str | None = None
    subdivision: str | None = None
    timezone: str | None = None
    accepts_english: bool = False
    accepts_translation: bool = False
    request: str = "break_fix"
    release: str = "general_availability"
    channel: str = "direct"
    has_subscription: bool = True
    published_incident: bool = False
    contact_verified: bool = True
    traits: tuple[str, ...] = ()
    fingerprint: tuple[tuple[str, str], ...] = ()
    targets: tuple[tuple[str, int], ...] = ()
    customer: str = ""
    product: str = ""
    queue: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Responded:
    """`case.responded`: a support engineer contacted the customer and started work."""

    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeverityChanged:
    severity: str
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChanged:
    plan: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessChanged:
    access: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageChanged:
    """`case.language_changed`; None leaves what the customer accepts as it was."""

    language: str
    accepts_english: bool | None = None
    accepts_translation: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationChanged:
    country: str
    subdivision: str | None = None
    timezone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitsChanged:
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactAttempted:
    reached: bool
    channel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactUpdated:
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingOnCustomer:
    reason: str = "information"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerResponded:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionProposed:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionRejected:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkStarted:
    engineer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkStopped:
    engineer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EffortLogged:
    """`case.effort_logged`: engineer time, in microseconds (the event says minutes)."""

    effort: int
    engineer: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseFound:
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptSubmitted:
    uat_tested: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DowngradeConfirmed:
    """`case.downgrade_confirmed`; `recommendation` is the id of the notice that recommended it."""

    recommendation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DowngradeDeclined:
    recommendation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenRequested:
    fingerprint: tuple[tuple[str, str], ...]
    new_update_installed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsChanged:
    """`case.labels_changed`; None leaves a label as it was."""

    customer: str | None = None
    product: str | None = None
    queue: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FactWithdrawn:
    """`case.fact_withdrawn`: the event (source, id) of this case was wrong. A withdrawal itself cannot be withdrawn."""

    source: str
    id: str


Body = (
    Opened
    | Responded
    | SeverityChanged
    | PlanChanged
    | AccessChanged
    | LanguageChanged
    | LocationChanged
    | TraitsChanged
    | ContactAttempted
    | ContactUpdated
    | WaitingOnCustomer
    | CustomerResponded
    | ResolutionProposed
    | ResolutionRejected
    | WorkStarted
    | WorkStopped
    | EffortLogged
    | CauseFound
    | ScriptSubmitted
    | DowngradeConfirmed
    | DowngradeDeclined
    | Resolved
    | Closed
    | Cancelled
    | ReopenRequested
    | LabelsChanged
    | FactWithdrawn
)

# The public name of each type of case event; one home for both directions.
TYPES: dict[str, type[Body]] = {
    "case.opened": Opened,
    "case.responded": Responded,
    "case.severity_changed": SeverityChanged,
    "case.plan_changed": PlanChanged,
    "case.access_changed": AccessChanged,
    "case.language_changed": LanguageChanged,
    "case.location_changed": LocationChanged,
    "case.traits_changed": TraitsChanged,
    "case.contact_attempted": ContactAttempted,
    "case.contact_updated": ContactUpdated,
    "case.waiting_on_customer": WaitingOnCustomer,
    "case.customer_responded": CustomerResponded,
    "case.resolution_proposed": ResolutionProposed,
    "case.resolution_rejected": ResolutionRejected,
    "case.work_started": WorkStarted,
    "case.work_stopped": WorkStopped,
    "case.effort_logged": EffortLogged,
    "case.cause_found": CauseFound,
    "case.script_submitted": ScriptSubmitted,
    "case.downgrade_confirmed": DowngradeConfirmed,
    "case.downgrade_declined": DowngradeDeclined,
    "case.resolved": Resolved,
    "case.closed": Closed,
    "case.cancelled": Cancelled,
    "case.reopen_requested": ReopenRequested,
    "case.labels_changed": LabelsChanged,
    "case.fact_withdrawn": FactWithdrawn,
}
NAMES: dict[type[Body], str] = {body: name for name, body in TYPES.items()}

Order = tuple[int, int, str, str]

NO_SEQUENCE = -(1 << 63)  # before every number


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One event of one case. (source, id) identifies it: a second one with the same content is a duplicate."""

    at: int
    source: str
    id: str
    body: Body
    sequence: int | None = None
    traceparent: str | None = None

    @property
    def order(self) -> Order:
        """Facts are ordered by time, then sequence (those without one first), then source and id, never by arrival."""
        return (self.at, NO_SEQUENCE if self.sequence is None else self.sequence, self.source, self.id)

    @property
    def identity(self) -> tuple[str, str]:
        return (self.source, self.id)

    def same_content(self, other: Fact) -> bool:
        """Whether a second event says the same; the trace of its delivery does not count, nor the sequence of an
        opening: nothing of a case comes before it.
        """
        in_sequence = isinstance(self.body, Opened) or self.sequence == other.sequence
        return self.at == other.at and in_sequence and self.body == other.body
