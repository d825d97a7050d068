"""The published shape of a case event: its envelope, and the data of each type.

Each model lists the fields a producer may write; `core/facts.py` owns the names of the types and the defaults.
Unknown fields are ignored, null is not a value, and nothing is converted: "yes" is no boolean and "1" no number.
Longer than a hundred lines because a catalogue reads best in one piece.
"""

# No `from __future__ import annotations`: a TypedDict must see `Required` itself, not its text.

import re
from collections.abc import Mapping
from importlib import resources
from typing import Annotated, Any, Final, Literal, Required

from pydantic import AfterValidator, BeforeValidator, FailFast, Field, GetPydanticSchema, Strict, WithJsonSchema
from pydantic_core import PydanticCustomError, core_schema
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from sla_monitor.core import facts
from sla_monitor.wire import rfc3339

CASE_ID_BYTES_MAX = 200  # UTF-8
IDENTITY_CHARS_MAX = 256  # id and source, each
LABEL_CHARS_MAX = 200
TRAITS_MAX = 20
TARGETS_MAX = 8
TARGET_SECONDS_MAX = 366 * 86_400  # of open time: several years of a calendar, compiled when it is first asked
EFFORT_MINUTES_MAX = 100_000
INT64_MAX = 2**63 - 1

_TZDATA = resources.files("tzdata")
TIMEZONES: Final = frozenset((_TZDATA / "zones").read_text("utf-8").split())
COUNTRIES: Final = frozenset(
    line[:2] for line in (_TZDATA / "zoneinfo" / "iso3166.tab").read_text("utf-8").splitlines() if line[:1] != "#"
)
_INTEGER = re.compile(r"-?[0-9]{1,19}")
# W3C Trace Context: version ff is forbidden, an id of zeros is none.
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def _one_of(known: frozenset[str]) -> GetPydanticSchema:
    """A lookup inside pydantic: half the time of calling back."""
    return GetPydanticSchema(lambda _source, _handler: core_schema.literal_schema(sorted(known)))


def _primary_subtag(tag: str) -> str:
    """`zh-Hant` → `zh`: customers and calendars speak of languages, not of scripts or regions."""
    return tag.partition("-")[0].lower()


def _microseconds(number: float, unit: int) -> int:
    duration = round(number * unit)
    if duration <= 0:
        raise PydanticCustomError("duration_not_positive", "less than a microsecond")
    return duration


def _seconds(number: float) -> int:
    return _microseconds(number, facts.SECOND)


def _minutes(number: float) -> int:
    return _microseconds(number, facts.MINUTE)


def _few(targets: object) -> object:
    """Counted before each is checked: thousands of problems would cost 0.1 s to list."""
    if isinstance(targets, dict) and len(targets) > TARGETS_MAX:
        raise PydanticCustomError("too_long", "too many targets")
    return targets


def _pairs(entries: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Sorted, for the order of a JSON object says nothing: two spellings of one event must be the same fact."""
    return tuple(sorted(entries.items()))


def _integer(written: object) -> object:
    """CloudEvents writes an integer attribute as a number or as its digits."""
    return int(written) if isinstance(written, str) and _INTEGER.fullmatch(written) else written


def _trace(written: object) -> str | None:
    """A trace helps to follow an event; a bad one is no reason to lose what happened."""
    return written if isinstance(written, str) and _TRACEPARENT.fullmatch(written) else None


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$", description="a name the policy pack defines")]
Label = Annotated[str, Field(max_length=LABEL_CHARS_MAX)]
Value = Annotated[str, Field(min_length=1, max_length=LABEL_CHARS_MAX)]
Identity = Annotated[str, Field(min_length=1, max_length=IDENTITY_CHARS_MAX)]
Country = Annotated[
    str,
    _one_of(COUNTRIES),
    WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$", "description": "ISO 3166-1 alpha-2, upper case"}),
]
Subdivision = Annotated[str, Field(pattern="^[A-Z0-9-]{1,10}$", description="of the country, as holidays differ")]
Timezone = Annotated[
    str, _one_of(TIMEZONES), WithJsonSchema({"type": "string", "description": "name in the IANA time zone database"})
]
Language = Annotated[
    str,
    Field(
        max_length=35, pattern="^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$", description="BCP 47; the primary subtag counts"
    ),
    AfterValidator(_primary_subtag),
]
Access = Literal["24x7", "business_hours"]
Trait = Literal[
    "performance_isolated",
    "performance_broad",
    "not_reproducible",
    "customised_database",
    "custom_code",
    "third_party",
    "data_corruption",
    "rca_requested",
]
# Not strict, for JSON has lists and no tuples. The first problem ends the check: thousands would cost 0.1 s to list.
Traits = Annotated[tuple[Trait, ...], Strict(strict=False), FailFast(), Field(max_length=TRAITS_MAX)]
ClockName = Annotated[str, Field(pattern="^[a-z_]{1,40}$")]
Seconds = Annotated[float, Field(gt=0, le=TARGET_SECONDS_MAX, allow_inf_nan=False), AfterValidator(_seconds)]
Targets = Annotated[
    dict[ClockName, Seconds],
    BeforeValidator(_few),
    Field(max_length=TARGETS_MAX, description="seconds promised to this case alone, by clock"),
    AfterValidator(_pairs),
]
Minutes = Annotated[
    float, Field(alias="minutes", gt=0, le=EFFORT_MINUTES_MAX, allow_inf_nan=False), AfterValidator(_minutes)
]
Sequence = Annotated[
    Annotated[int, Field(ge=-INT64_MAX - 1, le=INT64_MAX)] | None,
    BeforeValidator(_integer),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": -INT64_MAX - 1, "maximum": INT64_MAX},
                {"type": "string", "pattern": f"^{_INTEGER.pattern}$"},
                {"type": "null"},
            ],
            "description": "orders the events of a case that have the same time",
        }
    ),
]


class FingerprintParts(TypedDict, total=False):
    """What identifies a problem: a case is the same problem again when these are the same."""

    build: Value
    environment: Value
    machine: Value
    document: Value
    user: Value
    error: Value


Fingerprint = Annotated[FingerprintParts, AfterValidator(_pairs)]


class Envelope(TypedDict, total=False):
    """The CloudEvents 1.0 attributes this product reads; null means absent, as CloudEvents has it."""

    specversion: Required[Literal["1.0"]]
    type: Required[str]
    id: Required[Annotated[Identity, Field(description="with `source`, identifies the event: a second is a duplicate")]]
    source: Required[Identity]
    subject: Required[
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=CASE_ID_BYTES_MAX,
                description=f"the case id, equal to the record's key: at most {CASE_ID_BYTES_MAX} bytes of UTF-8",
            ),
        ]
    ]
    time: Required[
        Annotated[
            str,
            Field(
                json_schema_extra={"format": "date-time"},
                description="when it happened: RFC 3339 with an offset, years 2000 to 2099",
            ),
            AfterValidator(rfc3339.parse),
        ]
    ]
    sequence: Sequence
    traceparent: Annotated[
        str | None,
        BeforeValidator(_trace),
        WithJsonSchema({"description": "W3C Trace Context; ignored in another shape"}),
    ]
    data_base64: Annotated[None, Field(description="not supported: the data of a case event is JSON")]


class OpenedData(TypedDict, total=False):
    """A case was opened, by whom, where, and under which terms."""

    severity: Required[Name]
    plan: Required[Name]
    country: Required[Country]
    language: Required[Language]
    submitted_by: Required[Literal["admin", "service_admin", "owner", "delegated_admin", "end_user"]]
    access: Annotated[Access, Field(description="when absent, severity A has 24x7 and the others business_hours")]
    subdivision: Subdivision
    timezone: Timezone
    accepts_english: bool
    accepts_translation: bool
    request: Literal[
        "break_fix",
        "billing",
        "subscription_management",
        "advisory",
        "how_to",
        "escalation_management",
        "account_management",
        "rca",
    ]
    release: Literal["general_availability", "public_preview", "limited_preview", "private_preview"]
    channel: Literal["direct", "other_agreement"]
    has_subscription: bool
    published_incident: bool
    contact_verified: bool
    traits: Traits
    fingerprint: Fingerprint
    targets: Targets
    customer: Label
    product: Label
    queue: Label


class RespondedData(TypedDict, total=False):
    """A support engineer contacted the customer and started work."""

    by: Label


class SeverityChangedData(TypedDict, total=False):
    """The severity is another from now on."""

    severity: Required[Name]
    by: Literal["customer", "support"]
    reason: Label


class PlanChangedData(TypedDict, total=False):
    """The customer's support plan is another from now on."""

    plan: Required[Name]


class AccessChangedData(TypedDict, total=False):
    """The customer asked for other hours of service."""

    access: Required[Access]


class LanguageChangedData(TypedDict, total=False):
    """The case goes on in another language; what is absent stays as it was."""

    language: Required[Language]
    accepts_english: bool
    accepts_translation: bool


class LocationChangedData(TypedDict, total=False):
    """The case belongs to another place; subdivision and time zone are those of the new place or unknown."""

    country: Required[Country]
    subdivision: Subdivision
    timezone: Timezone


class TraitsChangedData(TypedDict, total=False):
    """What is known about the nature of the problem changed."""

    add: Traits
    remove: Traits


class ContactAttemptedData(TypedDict, total=False):
    """Support tried to reach the customer's contact."""

    reached: Required[bool]
    channel: Label


class ContactUpdatedData(TypedDict, total=False):
    """The customer's contact details were checked or replaced."""

    verified: Required[bool]


class WaitingOnCustomerData(TypedDict, total=False):
    """Support cannot go on without the customer."""

    reason: Literal["information", "resources", "proposed_resolution"]


class CustomerRespondedData(TypedDict):
    """The customer gave what support waited for."""


class ResolutionProposedData(TypedDict):
    """Support proposed a resolution."""


class ResolutionRejectedData(TypedDict):
    """The customer rejected the proposed resolution."""


class WorkStartedData(TypedDict, total=False):
    """An engineer began to work on the case."""

    engineer: Required[Value]


class WorkStoppedData(TypedDict, total=False):
    """An engineer stopped working on the case."""

    engineer: Required[Value]


class EffortLoggedData(TypedDict, total=False):
    """An engineer booked time on the case."""

    effort: Required[Minutes]
    engineer: Label


class CauseFoundData(TypedDict, total=False):
    """The cause of the problem is known."""

    cause: Required[Literal["service", "custom_code", "partner", "third_party", "environment", "other"]]


class ScriptSubmittedData(TypedDict, total=False):
    """The customer handed in a script to be run on their data."""

    uat_tested: Required[bool]


class DowngradeConfirmedData(TypedDict, total=False):
    """Somebody followed a recommended downgrade."""

    recommendation: Required[Annotated[Identity, Field(description="the id of the notice that recommended it")]]


class DowngradeDeclinedData(TypedDict, total=False):
    """Somebody decided against a recommended downgrade."""

    recommendation: Required[Annotated[Identity, Field(description="the id of the notice that recommended it")]]


class ResolvedData(TypedDict):
    """The case was resolved."""


class ClosedData(TypedDict):
    """The case was closed."""


class CancelledData(TypedDict):
    """The case was cancelled: its clocks end without a verdict."""


class ReopenRequestedData(TypedDict, total=False):
    """The customer asks to take up the case again."""

    fingerprint: Required[Fingerprint]
    new_update_installed: bool


class LabelsChangedData(TypedDict, total=False):
    """The case's labels changed; what is absent stays as it was, an empty label takes it away."""

    customer: Label
    product: Label
    queue: Label


class FactWithdrawnData(TypedDict, total=False):
    """An earlier event of this case was wrong and counts no more."""

    source: Required[Identity]
    id: Required[Identity]


DATA: Final[Mapping[type[facts.Body], Any]] = {
    facts.Opened: OpenedData,
    facts.Responded: RespondedData,
    facts.SeverityChanged: SeverityChangedData,
    facts.PlanChanged: PlanChangedData,
    facts.AccessChanged: AccessChangedData,
    facts.LanguageChanged: LanguageChangedData,
    facts.LocationChanged: LocationChangedData,
    facts.TraitsChanged: TraitsChangedData,
    facts.ContactAttempted: ContactAttemptedData,
    facts.ContactUpdated: ContactUpdatedData,
    facts.WaitingOnCustomer: WaitingOnCustomerData,
    facts.CustomerResponded: CustomerRespondedData,
    facts.ResolutionProposed: ResolutionProposedData,
    facts.ResolutionRejected: ResolutionRejectedData,
    facts.WorkStarted: WorkStartedData,
    facts.WorkStopped: WorkStoppedData,
    facts.EffortLogged: EffortLoggedData,
    facts.CauseFound: CauseFoundData,
    facts.ScriptSubmitted: ScriptSubmittedData,
    facts.DowngradeConfirmed: DowngradeConfirmedData,
    facts.DowngradeDeclined: DowngradeDeclinedData,
    facts.Resolved: ResolvedData,
    facts.Closed: ClosedData,
    facts.Cancelled: CancelledData,
    facts.ReopenRequested: ReopenRequestedData,
    facts.LabelsChanged: LabelsChangedData,
    facts.FactWithdrawn: FactWithdrawnData,
}
