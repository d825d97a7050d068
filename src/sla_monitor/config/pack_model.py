"""The published format of a policy pack: what each field means and what is wrong with a value.

A model reads one file. What only the whole file can tell (which severities, plans and rules it has) comes in as
`Known`, so that one pass finds every problem and each one keeps its place. Matching itself is in `core/policy.py`.

Longer than a usual module: it is one list of fields, read from top to bottom like the file it describes.
"""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import islice, pairwise
from typing import Annotated, Any, Final, Literal, Self, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    RootModel,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from sla_monitor.config.holiday_dates import CATEGORIES
from sla_monitor.config.zones import zone_names
from sla_monitor.core import facts, notices

Access = Literal["24x7", "business_hours"]
Request = Literal[
    "break_fix",
    "billing",
    "subscription_management",
    "advisory",
    "how_to",
    "escalation_management",
    "account_management",
    "rca",
]
Release = Literal["general_availability", "public_preview", "limited_preview", "private_preview"]
Channel = Literal["direct", "other_agreement"]
Submitter = Literal["admin", "service_admin", "owner", "delegated_admin", "end_user"]
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
Cause = Literal["service", "custom_code", "partner", "third_party", "environment", "other"]
FingerprintPart = Literal["build", "environment", "machine", "document", "user", "error"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

ONE_DAY: Final = "one_day"
NO_LIMIT: Final = "none"
DURATION = re.compile(r"([0-9]{1,6})([smh])")
UNITS = {"s": facts.SECOND, "m": facts.MINUTE, "h": facts.HOUR}
DURATION_MAX = 1_000 * facts.HOUR  # open time: half a year of weekdays of 8 hours, inside every calendar's horizon
HOURS = re.compile(r"([0-9]{2}):([0-5][0-9])-([0-9]{2}):([0-5][0-9])")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIME = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
PERCENT = re.compile(r"[0-9]{2}(\.[0-9]{1,3})?", re.ASCII)
PERCENT_MIN = 50
MINUTES_OF_A_DAY = 24 * 60
DATES_MAX = 2_000
CLOSURES_MAX = 20
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$"  # as narrow as the names that events may carry
RULES_MAX = 200
LEVELS_MAX = 20
SEVERITIES_MAX = 16
PLANS_MAX = 64
QUEUES_MAX = 100
SHOWN_MAX = 3  # examples in one problem
FOR_ALL_OTHERS = "all other countries"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Names a pack may use. None: the file has no usable list, which is a problem of its own, said once."""

    severities: Sequence[str] | None
    plans: Sequence[str] | None
    rules: Collection[str] | None
    countries: Collection[str]


def known_in(info: ValidationInfo) -> Known:
    """The names that validation was started with."""
    if not isinstance(info.context, Known):
        raise TypeError("a pack is validated with context=Known(...)")
    return info.context


def wrong(text: str, *at: str | int) -> PydanticCustomError:
    """A problem in our own words; `at` leads from the value that is checked to the one that is wrong."""
    return PydanticCustomError("pack", "{text}", {"text": text, "at": at})


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A hint for a misspelt name: the nearest one, else all of a short list, else nothing."""
    names = sorted(names)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known: {', '.join(names)}" if 0 < len(names) <= 12 else ""  # noqa: PLR2004 - what a line can hold


def shown(value: object) -> str:
    """A value as it is quoted in a problem, shortened."""
    if value is None or isinstance(value, bool):
        return "no value" if value is None else str(value).lower()
    return reprlib.repr(value)


def member(kind: str, names: Callable[[Known], Collection[str] | None]) -> Callable[[str, ValidationInfo], str]:
    """A check that a value is one of the names known of its kind."""

    def check(value: str, info: ValidationInfo) -> str:
        known = names(known_in(info))
        if known is not None and value not in known:
            raise wrong(f"unknown {kind} {value!r}{did_you_mean(value, known)}")
        return value

    return check


def duration(value: object) -> int:
    """`90s`, `30m`, `4h` as microseconds. Days are not offered: it would be unclear whether open or calendar ones."""
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise wrong(f"{shown(value)} is not a duration; write seconds, minutes or hours, such as 90s, 30m or 4h")
    length = int(match[1]) * UNITS[match[2]]
    if not 0 < length <= DURATION_MAX:
        raise wrong(f"{value!r} must be more than nothing and at most {DURATION_MAX // facts.HOUR}h")
    return length


def duration_or_day(value: object) -> int | None:
    """A duration, or `one_day` (None): one ordinary day's open time of the case's calendar."""
    return None if value == ONE_DAY else duration(value)


def duration_or_none(value: object) -> int:
    """A duration, or `none` (0): no limit."""
    return 0 if value == NO_LIMIT else duration(value)


def instant(value: object) -> int:
    """RFC 3339 with an offset, as microseconds since the epoch."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise wrong(f"{shown(value)} is not a time with an offset, such as 2026-01-01T00:00:00Z")
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def percent(value: object) -> float:
    """`99.5`, as a share of one. At 100 nothing may ever go wrong, and no alert tells when too much does."""
    match = PERCENT.fullmatch(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else None
    if match is None or not PERCENT_MIN <= float(value) < 100:  # type: ignore[arg-type]  # noqa: PLR2004
        raise wrong(f"{shown(value)} is not a percentage from {PERCENT_MIN} to below 100, such as 99.5")
    return float(Fraction(str(value)) / 100)


def opening_hours(value: object) -> tuple[int, int]:
    """`09:00-17:00` as minutes after midnight, local wall time; `24:00` ends a day, `22:00-06:00` ends on the next."""
    match = HOURS.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise wrong(f"{shown(value)} is not opening hours; write them as 09:00-17:00")
    opens, closes = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    if max(opens, closes) > MINUTES_OF_A_DAY:
        raise wrong(f"{value!r} ends after 24:00")
    if opens in {closes, MINUTES_OF_A_DAY}:
        raise wrong(f"{value!r} never opens; round the clock is 00:00-24:00")
    return opens, closes


def listed(value: object) -> object:
    """One value where a list may stand is a list of one."""
    return value if isinstance(value, list) else [value]


def ascending(levels: list[int]) -> list[int]:
    for position, (earlier, later) in enumerate(pairwise(levels), start=1):
        if later <= earlier:
            raise wrong(f"{later} after {earlier}: levels must be ascending, each once", position)
    return levels


def distinct(names: list[str]) -> list[str]:
    for position, name in enumerate(names):
        if name in names[:position]:
            raise wrong(f"{name!r} is named a second time", position)
    return names


def apart(periods: list[tuple[int, int]]) -> list[tuple[int, int]]:
    for position, (earlier, later) in enumerate(pairwise(periods), start=1):
        if later[0] < earlier[1] or earlier[1] < earlier[0]:
            raise wrong("the periods of a day must be in order and not overlap", position)
    return periods


def day_of(value: object) -> date:
    """`2026-12-24`, a local date."""
    try:
        if isinstance(value, str) and DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise wrong(f"{shown(value)} is not a date, such as 2026-12-24")


def minute_of(value: object) -> int:
    """`12:30` as minutes after midnight."""
    match = TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise wrong(f"{shown(value)} is not a time of day, such as 12:30")
    return int(match[1]) * 60 + int(match[2])


class OneAllowed:
    """Says in the published schema what `listed` accepts."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        many = handler(schema)
        return {"anyOf": [many["items"], many]}


T = TypeVar("T")
OneOrMore = Annotated[list[T], BeforeValidator(listed), Field(min_length=1, max_length=300), OneAllowed()]

SeverityName = Annotated[str, AfterValidator(member("severity", lambda known: known.severities))]
PlanName = Annotated[str, AfterValidator(member("plan", lambda known: known.plans))]
RuleId = Annotated[str, AfterValidator(member("rule", lambda known: known.rules))]
CountryCode = Annotated[
    str,
    AfterValidator(member("country", lambda known: known.countries)),
    Field(json_schema_extra={"pattern": "^[A-Z]{2}$"}),
]
Timezone = Annotated[str, AfterValidator(member("timezone", lambda _: zone_names()))]
EventType = Annotated[
    str, AfterValidator(member("event type", lambda _: facts.TYPES)), Field(json_schema_extra={"enum": [*facts.TYPES]})
]
NoticeType = Annotated[
    str,
    AfterValidator(member("notice type", lambda _: notices.KINDS)),
    Field(json_schema_extra={"enum": [*notices.KINDS]}),
]
Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
Name = Annotated[str, Field(pattern=NAME)]
Label = Annotated[str, Field(min_length=1, max_length=200)]
Sentence = Annotated[str, Field(min_length=1, max_length=1_000)]

DURATION_SCHEMA = {"type": "string", "pattern": f"^{DURATION.pattern}$", "examples": ["30m", "4h"]}
Duration = Annotated[int, BeforeValidator(duration), WithJsonSchema(DURATION_SCHEMA)]
DurationOrDay = Annotated[
    int | None,
    BeforeValidator(duration_or_day),
    WithJsonSchema({"anyOf": [DURATION_SCHEMA, {"const": ONE_DAY}]}),
]
DurationOrNone = Annotated[
    int,
    BeforeValidator(duration_or_none),
    WithJsonSchema({"anyOf": [DURATION_SCHEMA, {"const": NO_LIMIT}]}),
]
PERCENT_SCHEMA = {"type": "number", "minimum": PERCENT_MIN, "exclusiveMaximum": 100, "examples": [99, 99.5]}
Percent = Annotated[float, BeforeValidator(percent), WithJsonSchema(PERCENT_SCHEMA)]
Instant = Annotated[int, BeforeValidator(instant), WithJsonSchema({"type": "string", "format": "date-time"})]
OpeningHours = Annotated[
    tuple[int, int],
    BeforeValidator(opening_hours),
    WithJsonSchema({"type": "string", "pattern": f"^{HOURS.pattern}$", "examples": ["09:00-17:00"]}),
]


Periods = Annotated[
    list[OpeningHours], BeforeValidator(listed), Field(max_length=48), OneAllowed(), AfterValidator(apart)
]
Day = Annotated[date, BeforeValidator(day_of), WithJsonSchema({"type": "string", "format": "date"})]
TimeOfDay = Annotated[
    int, BeforeValidator(minute_of), WithJsonSchema({"type": "string", "pattern": f"^{TIME.pattern}$"})
]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class Rule(Section):
    """What a rule id stands for."""

    clause: Sentence
    """One sentence that a customer can be shown."""
    origin: Literal["stated", "ours"]
    """`stated`: the support plan says it. `ours`: the plan leaves it open and this deployment decided."""
    see: list[RuleId] = []
    """Rules that this one rests on: whoever is shown this rule may ask for those."""


class When(Section):
    """The cases a rule is for. Every field given must match, one of its values each; none given: every case."""

    severity: OneOrMore[SeverityName] = Field(default_factory=list)
    """Of `severities`, as it is at the time."""
    plan: OneOrMore[PlanName] = Field(default_factory=list)
    """Of `plans`, as it is at the time."""
    access: OneOrMore[Access] = Field(default_factory=list)
    """As chosen for the case; a case without a choice matches neither value."""
    country: OneOrMore[CountryCode] = Field(default_factory=list)
    """ISO 3166-1, two capital letters."""
    language: OneOrMore[Language] = Field(default_factory=list)
    """Primary subtag of the case's BCP 47 tag, lower case."""
    english: OneOrMore[bool] = Field(default_factory=list)
    """Whether the case counts as English: by its language, or because it accepts English or translation."""
    request: OneOrMore[Request] = Field(default_factory=list)
    """What is asked for."""
    release: OneOrMore[Release] = Field(default_factory=list)
    """How far the product in question is released."""
    channel: OneOrMore[Channel] = Field(default_factory=list)
    """How the product was bought."""
    submitted_by: OneOrMore[Submitter] = Field(default_factory=list)
    """The role of whoever asked."""
    has_subscription: OneOrMore[bool] = Field(default_factory=list)
    """Whether there is a subscription."""
    published_incident: OneOrMore[bool] = Field(default_factory=list)
    """Whether it is about an incident that was published."""
    contact_verified: OneOrMore[bool] = Field(default_factory=list)
    """Whether the contact details are known to be right, as it is at the time."""
    traits: OneOrMore[Trait] = Field(default_factory=list)
    """What the problem is like, as it is at the time: one of these is enough."""
    traits_removed: OneOrMore[Trait] = Field(default_factory=list)
    """Traits that the case had before and has no more: one of these is enough."""
    cause: OneOrMore[Cause] = Field(default_factory=list)
    """The cause that was found; before that a case matches none."""
    customer: OneOrMore[Label] = Field(default_factory=list)
    """The case's label of this name, letter by letter."""
    product: OneOrMore[Label] = Field(default_factory=list)
    """The case's label of this name, letter by letter."""
    queue: OneOrMore[Label] = Field(default_factory=list)
    """The case's label of this name, letter by letter."""


class Matched(Section):
    """A rule with the cases it is for. Rules are tried in order, the first match wins."""

    rule: RuleId
    """Id of the rule this rests on, one of `rules`."""
    when: When = Field(default_factory=When)
    """Without it the rule is for every case."""


class Target(Matched):
    """How soon a clock must be stopped. The first match wins."""

    target: Duration
    """Open time from the start of the clock to its deadline: s, m or h. At the very instant it is late."""
    promised: bool = True
    """False: the clock runs and is reported, but nothing is promised."""


class Hours(Matched):
    """When some cases are served. The first match wins."""

    serve: Literal["round_the_clock", "calendar"]
    """Round the clock, or in the open hours of the case's country."""


class Advised(Matched):
    """A rule that may turn somebody away, or serve them with less."""

    advice: Sentence = ""
    """What to tell that customer: what to do instead, or how to get more. Only where nothing is said may it be left
    out.
    """

    @model_validator(mode="after")
    def _says_what_to_do(self) -> Self:
        if not self.advice and getattr(self, "outcome", "") in {"declined", "limited", "own_targets"}:
            raise wrong("'advice' is missing")
        return self


class Eligibility(Advised):
    """Who may ask for support. The first match wins; without one, anybody may."""

    outcome: Literal["eligible", "declined"]
    """`declined`: no clock starts, and a notice says so."""


class CoverageOf(Advised):
    """What is supported, and how far. The first match wins; without one, everything is."""

    outcome: Literal["covered", "limited", "own_targets", "declined"]
    """`limited`: served with less, which is said once. `own_targets`: only clocks for which the case carries a target
    of its own run; where it has none it is declined. `declined`: no clock starts, and a notice says so.
    """
    promised: bool = True
    """False: clocks run and are reported, but nothing is promised."""


class SilenceLimit(Matched):
    """How long some customers may be silent. The first match wins."""

    limit: DurationOrDay
    """How long the customer may be silent: a duration, or `one_day` (the open time of one ordinary day)."""


class Downgrade(Matched):
    """One step down that a broken commitment allows."""

    to: SeverityName
    """A severity lower than every one that `when` matches."""
    mode: Literal["recommend", "automatic"] = "recommend"
    """`recommend`: a notice that a person confirms or declines. `automatic`: done at once."""

    @field_validator("to")
    @classmethod
    def _is_lower(cls, to: str, info: ValidationInfo) -> str:
        ranks = known_in(info).severities
        if ranks is not None and to in ranks and "when" in info.data:
            matched = info.data["when"].severity or ranks
            stuck = [name for name in ranks if name in matched and ranks.index(name) >= ranks.index(to)]
            if stuck:
                raise wrong(f"{to!r} is not lower than {', '.join(stuck)}, which this rule matches")
        return to


M = TypeVar("M", bound=Matched)


def gaps(whens: list[dict[str, list[Any]]], domains: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Cases that none of the conditions matches, named by the fields that decide it.

    Country, language, traits and labels have no domain: a rule that asks for them leaves all other cases over.
    """
    if not all(whens):
        return
    field = next((name for name in domains if any(name in when for when in whens)), None)
    if field is None:
        yield {}
        return
    for value in domains[field]:
        left = [when for when in whens if value in when.get(field, (value,))]
        rest = [{name: values for name, values in when.items() if name != field} for when in left]
        for gap in gaps(rest, domains):
            yield {field: value, **gap}


ABSENT = {"cause": "not found"}


def named(gap: Mapping[str, Any]) -> str:
    words = (f"{field} {ABSENT.get(field, 'not chosen') if value is None else value}" for field, value in gap.items())
    return (
        ", ".join(words).replace("True", "true").replace("False", "false")
        or "cases of other countries, languages, traits or labels"
    )


def complete(rules: list[M], info: ValidationInfo) -> list[M]:
    """Every case must find a rule, whatever its severity, plan, access and language; the worker never guesses."""
    known = known_in(info)
    if known.severities is None or known.plans is None:
        return rules
    domains: dict[str, Sequence[Any]] = {
        "severity": known.severities,
        "plan": known.plans,
        "access": (None, *get_args(Access)),
        "english": (True, False),
        "request": get_args(Request),
        "release": get_args(Release),
        "channel": get_args(Channel),
        "submitted_by": get_args(Submitter),
        "has_subscription": (True, False),
        "published_incident": (True, False),
        "contact_verified": (True, False),
        "cause": (None, *get_args(Cause)),
    }
    whens = [{name: values for name, values in rule.when if values} for rule in rules]
    found = list(islice(gaps(whens, domains), SHOWN_MAX + 1))
    if found:
        more = "; and more" if len(found) > SHOWN_MAX else ""
        raise wrong(f"no rule matches: {'; '.join(map(named, found[:SHOWN_MAX]))}{more}")
    return rules


Complete = Annotated[list[M], Field(min_length=1, max_length=RULES_MAX), AfterValidator(complete)]


class Change(Section):
    """What a change of terms does to a running deadline.

    `from_start`: as if the case had been so from its start. `from_change`: the new target counts from the change, the
    deadline never becomes later. `keep_elapsed`: open time used stays used, the rest runs on the new hours.
    """

    mode: Literal["from_start", "from_change", "keep_elapsed"]
    """As described above."""
    rule: RuleId = ""
    """The rule this rests on, if it has one."""


class Changes(Section):
    """By the direction of the change."""

    raised: Change = Change(mode="from_change")
    """To a more severe severity, a higher plan, or round-the-clock hours, in this order."""
    lowered: Change = Change(mode="from_start")
    """The other way: severity decides first, then the plan, then the hours."""
    sideways: Change = Change(mode="from_start")
    """Neither: other open hours, after a change of language or location."""


class Clock(Section):
    """A clock. Of one case event it first stops or pauses, then starts."""

    enabled: bool = True
    """`false`: it is checked like any other and runs in no case."""
    starts: Annotated[list[EventType], Field(min_length=1, max_length=len(facts.TYPES)), AfterValidator(distinct)] = [
        "case.opened"
    ]
    """Case events that start it, where it does not run; other than the opening, also when it was stopped before."""
    pauses: Annotated[list[EventType], Field(max_length=len(facts.TYPES)), AfterValidator(distinct)] = []
    """Case events from which on nothing counts, until one of `resumes`."""
    resumes: Annotated[list[EventType], Field(max_length=len(facts.TYPES)), AfterValidator(distinct)] = []
    """Case events that end a pause."""
    stops: Annotated[list[EventType], Field(min_length=1, max_length=len(facts.TYPES)), AfterValidator(distinct)]
    """Case events that stop it with a verdict."""
    targets: Complete[Target]
    """Together they must match every case."""
    warnings: Annotated[
        list[Annotated[int, Field(ge=1, le=99)]], Field(max_length=LEVELS_MAX), AfterValidator(ascending)
    ] = []
    """Percent of the target, ascending: a notice before the deadline at each."""
    overdue: Annotated[
        list[Annotated[int, Field(ge=101, le=10_000)]], Field(max_length=LEVELS_MAX), AfterValidator(ascending)
    ] = []
    """Percent of the target, ascending: a notice after the deadline at each."""
    changes: Changes = Changes()
    own_target_rule: RuleId
    """Rule cited when a case carries its own target, which then wins."""


class Occasion(Section):
    """A fact: exactly one of these."""

    traits: OneOrMore[Trait] = Field(default_factory=list)
    """The case comes to have one of these traits."""
    cause: OneOrMore[Cause] = Field(default_factory=list)
    """One of these causes is found."""
    contact_verified: OneOrMore[Literal[False]] = Field(default_factory=list)
    """The contact details are not, or no more, known to be right."""
    resolution_proposed: bool = False
    """A resolution was proposed and the customer's answer is awaited."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(bool(value) for _, value in self) != 1:
            raise wrong("a ground is exactly one fact")
        return self


class Ground(Section):
    """A fact that allows one step down at once, not after a silence."""

    rule: RuleId
    """Id of the rule this rests on, one of `rules`."""
    on: Occasion
    steps: Annotated[dict[SeverityName, SeverityName], Field(min_length=1, max_length=SEVERITIES_MAX)]
    """From each severity to a lower one; from those left out there is no step."""
    mode: Literal["recommend", "automatic"] = "recommend"
    """As of downgrades."""

    @field_validator("steps")
    @classmethod
    def _go_down(cls, steps: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        ranks = known_in(info).severities
        for name, to in steps.items():
            if ranks is not None and {name, to} <= set(ranks) and ranks.index(name) >= ranks.index(to):
                raise wrong(f"{to!r} is not lower than {name}", name)
        return steps


class Commitment(Section):
    """The customer's side: how it is broken, and which downgrade that allows."""

    name: Name
    unreached_attempts: Annotated[int, Field(ge=1, le=16)]
    """So many attempts in a row that reach nobody break it at once."""
    silences: Complete[SilenceLimit]
    """Together they must match every case."""
    downgrades: Annotated[list[Downgrade], Field(max_length=RULES_MAX)] = []
    """Where none matches, a broken commitment has no consequence."""
    restored_rule: RuleId
    """Rule cited when a severity held before a downgrade returns."""
    grounds: Annotated[list[Ground], Field(max_length=RULES_MAX)] = []
    """Facts that allow a step down at once, each with its own evidence."""


class Window(Matched):
    """When some customers may be contacted. The first match wins; without one, at any time."""

    open: Literal["always", "calendar"]
    """`calendar`: in the open hours of the case's country; an attempt outside them gets a notice."""


class Contact(Section):
    """How customers are contacted."""

    windows: Annotated[list[Window], Field(max_length=RULES_MAX)] = []
    """When."""
    unverified_rule: RuleId = ""
    """Rule cited for contact details that are not verified; without it, nothing is said."""


class EffortLimit(Matched):
    """How much engineer time some cases get. The first match wins; without one, as much as it takes."""

    limit: DurationOrNone
    """Of all engineers together: a duration, or `none`."""
    warnings: Annotated[
        list[Annotated[int, Field(ge=1, le=99)]], Field(max_length=LEVELS_MAX), AfterValidator(ascending)
    ] = []
    """Percent of the limit, ascending: a notice when it is worked."""
    advice: Sentence = ""
    """What follows when the limit is reached."""

    @model_validator(mode="after")
    def _says_what_follows(self) -> Self:
        if self.limit and not self.advice:
            raise wrong("'advice' is missing")
        return self


class BestEffort(Section):
    """Engineer time, counted between the start and the stop of work, and as logged."""

    name: Name = "best_effort"
    """What notices call this clock."""
    limits: Annotated[list[EffortLimit], Field(max_length=RULES_MAX)] = []


class Scripts(Section):
    """Scripts that customers hand in to be run on their data: answered in every open case."""

    rule: RuleId
    """Cited by the answer."""
    advice: Sentence
    """What to do with a script that was not tested."""


class Attainment(Section):
    """The share of some promises that is to be kept. The first match wins; without one, nobody has said."""

    clock: OneOrMore[Name] = Field(default_factory=list)
    """Of `clocks`; without it, all of them."""
    severity: OneOrMore[SeverityName] = Field(default_factory=list)
    """Of `severities`; without it, all of them."""
    plan: OneOrMore[PlanName] = Field(default_factory=list)
    """Of `plans`; without it, all of them."""
    percent: Percent
    """Of the promises that come to a verdict in thirty days."""


class Reopening(Section):
    """One thing that must hold for a closed case to be taken up again. All of them are asked."""

    rule: RuleId
    """Id of the rule this rests on, one of `rules`."""
    same: OneOrMore[FingerprintPart] = Field(default_factory=list)
    """Parts of the fingerprint that must not differ; one that is missing on either side does not."""
    after_fix: bool = False
    """Compare them only once an update was installed or a resolution had been proposed."""
    no_update: bool = False
    """No new update may have been installed."""
    within_months: Annotated[int, Field(ge=0, le=12)] = 0
    """Fewer calendar months than this may have passed since the case was closed, in its time zone; 0: any."""

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not (self.same or self.no_update or self.within_months):
            raise wrong("it asks for nothing")
        return self


class Languages(Section):
    """In which languages customers are served."""

    english: OneOrMore[Language]
    """Languages that count as English."""
    local: OneOrMore[Language]
    """Languages with local-language support."""
    limited_rule: RuleId
    """Rule cited for a case in any other language that accepts neither English nor translation."""
    limited_advice: Sentence
    """What to tell that customer."""


Category = Annotated[
    str, AfterValidator(member("category", lambda _: CATEGORIES)), Field(json_schema_extra={"enum": [*CATEGORIES]})
]


class HalfDays(Section):
    """Days on which calendars close early."""

    categories: OneOrMore[Category] = ["half_day"]
    """Of the `holidays` package; a country that does not tell them apart has none."""
    close: TimeOfDay
    """Local wall time from which these days are closed, unless the date has hours of its own."""


class Holidays(Section):
    """Which days of a country, and of its subdivision, close a calendar."""

    categories: Annotated[list[Category], BeforeValidator(listed), Field(max_length=40), OneAllowed()] = ["public"]
    """Of the `holidays` package; `[]` for none. A country that does not tell one of them apart has none of it."""
    observed: bool = True
    """Also the working day on which a holiday that falls on a weekend is observed."""
    half_days: HalfDays | None = None
    """Without it no day closes early."""


class OpenHours(Section):
    """Opening hours of some countries."""

    rule: RuleId
    countries: OneOrMore[CountryCode] = Field(default_factory=list)
    """ISO 3166-1 codes; without it, all countries that no other entry names."""
    since: Day | None = None
    """Local date from which they hold, in place of the entry for the same countries before it."""
    hours: Periods = []
    """Of each day that is not the country's weekend, such as 09:00-17:00, or a list of such periods."""
    week: Annotated[dict[Weekday, Periods], Field(validate_default=True)] = {}
    """Instead of `hours`: by weekday, whatever the country's weekend is. Days that are not named are closed."""
    timezone: Timezone = ""
    """IANA zone that holds whatever the case says; without it, the case's own zone, else its country's."""
    dates: Annotated[dict[Day, Periods], Field(max_length=DATES_MAX)] = {}
    """Hours of single dates instead of their weekday's, holidays or not; `[]` closes one."""
    breaks: Annotated[dict[Day, Periods], Field(max_length=DATES_MAX)] = {}
    """Periods of single dates that are closed."""
    holidays: Holidays | None = None
    """Instead of the pack's `holidays`."""
    closures: Annotated[list[Sentence], BeforeValidator(listed), Field(max_length=CLOSURES_MAX), OneAllowed()] = []
    """iCalendar files whose events are closed, named from the folder of the pack."""

    @field_validator("week")
    @classmethod
    def _one_of_both(cls, week: dict[Weekday, Any], info: ValidationInfo) -> dict[Weekday, Any]:
        if "hours" in info.data and bool(week) == bool(info.data["hours"]):
            raise wrong("either `hours` or `week`, not both" if week else "it never opens: it has no `hours`")
        if week and not any(week.values()):
            raise wrong("it never opens")
        return week


def once_each(calendars: list[OpenHours], info: ValidationInfo) -> list[OpenHours]:
    """Every country of the table must have hours, and at a time only one entry may give them."""
    served: dict[str, dict[date | None, int]] = {}
    for position, entry in enumerate(calendars):
        for name in sorted(entry.countries) or [FOR_ALL_OTHERS]:
            versions = served.setdefault(name, {})
            if entry.since in versions:
                since = f" since {entry.since}" if entry.since else ""
                raise wrong(f"a second entry for {name}{since}", position)
            versions[entry.since] = position
    for name, versions in served.items():
        first = calendars[next(iter(versions.values()))]
        for begins, position in versions.items():
            if None not in versions:
                raise wrong(f"no hours for {name} before {min(filter(None, versions))}", position)
            if (calendars[position].rule, calendars[position].timezone) != (first.rule, first.timezone):
                raise wrong(f"hours for {name} since {begins} have another rule or timezone than before", position)
    missing = sorted(set(known_in(info).countries) - served.keys())
    if missing and FOR_ALL_OTHERS not in served:
        more = ", …" if len(missing) > SHOWN_MAX else ""
        raise wrong(
            f"no hours for {', '.join(missing[:SHOWN_MAX])}{more}; an entry without countries is for all others"
        )
    return calendars


class CountryLine(Section):
    """One line of the table of countries."""

    zone: Timezone
    weekend: Annotated[list[Weekday], Field(min_length=1, max_length=6), AfterValidator(distinct)] = ["sat", "sun"]

    @property
    def weekdays(self) -> frozenset[int]:
        """The weekend as numbers, 0 = Monday."""
        return frozenset(get_args(Weekday).index(day) for day in self.weekend)


class CountryTable(RootModel[dict[Annotated[str, Field(pattern="^[A-Z]{2}$")], CountryLine]]):
    """The countries of ISO 3166-1 by code."""

    model_config = ConfigDict(frozen=True, strict=True)


N = TypeVar("N", Commitment, BestEffort)


class Pack(Section):
    """A policy pack: a support plan as data. One file is one version; a folder holds all versions of one pack."""

    name: Name
    """The same in all versions."""
    version: Name
    """Different in each; in quotes if it looks like a number. State rows and notices name it."""
    effective_from: Instant
    """Cases opened from this instant on follow this version."""
    open_cases: Literal["stay", "from_start", "from_change", "keep_elapsed"] = "stay"
    """What becomes of cases that are open at that instant: they `stay` with the version they have, or this one takes
    them over. Running deadlines are then counted as if it had held from their start (`from_start`; where that would be
    in the past, the time that is used up counts), or from the instant on and never later (`from_change`), or keep the
    time that is used up (`keep_elapsed`). Verdicts stand.
    """
    severities: Annotated[list[Name], Field(min_length=1, max_length=SEVERITIES_MAX), AfterValidator(distinct)]
    """The most severe first."""
    plans: Annotated[list[Name], Field(min_length=1, max_length=PLANS_MAX), AfterValidator(distinct)]
    """The lowest first."""
    clocks: Annotated[dict[Name, Clock], Field(min_length=1, max_length=16)]
    """By the name that notices give them."""
    hours: Complete[Hours]
    """When a case is served."""
    languages: Languages
    eligibility: Annotated[list[Eligibility], Field(max_length=RULES_MAX)] = []
    """Who may ask."""
    coverage: Annotated[list[CoverageOf], Field(max_length=RULES_MAX)] = []
    """What for. Asked only of those who may."""
    calendars: Annotated[list[OpenHours], Field(min_length=1, max_length=RULES_MAX), AfterValidator(once_each)]
    """Opening hours by country."""
    holidays: Holidays = Holidays()
    commitment: Commitment
    contact: Contact = Contact()
    effort: BestEffort = BestEffort()
    scripts: Scripts | None = None
    """Scripts that customers hand in; without it nothing is said of them."""
    reopening: Annotated[list[Reopening], Field(max_length=RULES_MAX)] = []
    """Without any, closed is closed: a request to reopen has no effect."""
    queues: Annotated[list[Label], Field(max_length=QUEUES_MAX), AfterValidator(distinct)] = []
    """Values of the label `queue` that metrics count open cases by; any other is counted as `other`."""
    attainment: Annotated[list[Attainment], Field(max_length=RULES_MAX)] = []
    """The share of promises that is to be kept: what `sla-monitor rules generate` makes alerts of."""
    switched_off: Annotated[list[NoticeType], AfterValidator(distinct)] = []
    """Types of notices that are not sent."""
    rules: Annotated[dict[Name, Rule], Field(min_length=1, max_length=RULES_MAX)]
    """Every rule this pack cites, by its id."""

    @field_validator("clocks")
    @classmethod
    def _some_run(cls, clocks: dict[str, Clock]) -> dict[str, Clock]:
        if not any(clock.enabled for clock in clocks.values()):
            raise wrong("no clock is enabled")
        return clocks

    @field_validator("attainment")
    @classmethod
    def _is_of_clocks(cls, attainment: list[Attainment], info: ValidationInfo) -> list[Attainment]:
        for position, each in enumerate(attainment):
            for name in each.clock:
                if "clocks" in info.data and name not in info.data["clocks"]:
                    raise wrong(f"unknown clock {name!r}{did_you_mean(name, info.data['clocks'])}", position, "clock")
        return attainment

    @field_validator("commitment", "effort")
    @classmethod
    def _has_a_name_of_its_own(cls, named: N, info: ValidationInfo) -> N:
        taken: list[str] = list(info.data.get("clocks", ()))
        if "commitment" in info.data:
            taken.append(info.data["commitment"].name)
        if named.name in taken:
            raise wrong(f"{named.name!r} is the name of a clock already")
        return named


def pack_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a pack, for editors. Loading also checks what a schema cannot say."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Pack.model_json_schema()}
