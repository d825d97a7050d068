"""What rules may ask of a case, as it is at one instant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Final

from sla_monitor.core import facts as f

# A field of the profile and the values it may have; all of them must match. Of a list (`traits`) one entry is enough.
When = tuple[tuple[str, frozenset[str | bool]], ...]

LABELS: Final = frozenset({"customer", "product", "queue"})
LISTS: Final = frozenset({"traits", "traits_removed"})
MATCHABLE: Final = LABELS.union(
    LISTS,
    {"severity", "plan", "access", "country", "language", "english", "request", "release", "channel"},
    {"submitted_by", "has_subscription", "published_incident", "contact_verified", "cause"},
)


class _Remembers:
    """Room for a hash beside the fields."""

    __slots__ = ("_hash",)
    _hash: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile(_Remembers):
    """The fields of a case that rules may match. Labels are empty where the pack has no rule that asks for them, so
    that their many values do not make many profiles.
    """

    severity: str
    plan: str
    country: str
    language: str  # the primary subtag of its BCP 47 tag, lower case
    access: str | None = None  # None: not chosen
    subdivision: str | None = None
    timezone: str | None = None
    accepts_english: bool = False
    accepts_translation: bool = False
    request: str = "break_fix"
    release: str = "general_availability"
    channel: str = "direct"
    targets: tuple[tuple[str, int], ...] = ()
    submitted_by: str = ""  # "": opened before this was kept
    has_subscription: bool = True
    published_incident: bool = False
    contact_verified: bool = True
    traits: tuple[str, ...] = ()  # sorted
    traits_removed: tuple[str, ...] = ()  # that the case once had, sorted
    cause: str | None = None  # None: not found yet
    customer: str = ""
    product: str = ""
    queue: str = ""

    def __hash__(self) -> int:
        """Of every field, or one that a producer varies would make every look-up a search; worked out once."""
        try:
            return self._hash
        except AttributeError:
            object.__setattr__(self, "_hash", hash(_every_field(self)))
            return self._hash


_every_field = attrgetter(*Profile.__slots__)

# What `profile_of` reads of a request, beside its labels.
READ: Final = (
    *("severity", "plan", "country", "language", "access", "subdivision", "timezone", "accepts_english"),
    *("accepts_translation", "request", "release", "channel", "targets", "submitted_by", "has_subscription"),
    *("published_incident", "contact_verified", "traits"),
)


def profile_of(body: f.Opened, labels: frozenset[str]) -> Profile:
    """The profile of a request; of its labels those that rules ask for."""
    return Profile(
        severity=body.severity,
        plan=body.plan,
        country=body.country,
        language=body.language,
        access=body.access,
        subdivision=body.subdivision,
        timezone=body.timezone,
        accepts_english=body.accepts_english,
        accepts_translation=body.accepts_translation,
        request=body.request,
        release=body.release,
        channel=body.channel,
        targets=body.targets,
        submitted_by=body.submitted_by,
        has_subscription=body.has_subscription,
        published_incident=body.published_incident,
        contact_verified=body.contact_verified,
        traits=tuple(sorted(set(body.traits))),
        customer=body.customer if "customer" in labels else "",
        product=body.product if "product" in labels else "",
        queue=body.queue if "queue" in labels else "",
    )


def with_language(profile: Profile, body: f.LanguageChanged) -> Profile:
    """What the event does not say of what the customer accepts stays as it was."""
    english, translation = body.accepts_english, body.accepts_translation
    return replace(
        profile,
        language=body.language,
        accepts_english=profile.accepts_english if english is None else english,
        accepts_translation=profile.accepts_translation if translation is None else translation,
    )


def with_traits(profile: Profile, body: f.TraitsChanged) -> Profile:
    """What is added and removed at once is removed."""
    before = set(profile.traits)
    after = (before | set(body.add)) - set(body.remove)
    removed = (set(profile.traits_removed) | ((before | set(body.add)) - after)) - after
    return replace(profile, traits=tuple(sorted(after)), traits_removed=tuple(sorted(removed)))


def with_labels(profile: Profile, body: f.LabelsChanged, labels: frozenset[str]) -> Profile:
    """Labels that no rule asks for change nothing."""
    said: Mapping[str, str | None] = {"customer": body.customer, "product": body.product, "queue": body.queue}
    news: dict[str, Any] = {name: text for name, text in said.items() if name in labels and text is not None}
    return replace(profile, **news) if news else profile
