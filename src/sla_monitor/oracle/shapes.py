"""One idea: which fields the data of each type of event has (`sla-monitor schema event`, copied out by hand)."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import NamedTuple

from ruamel.yaml import YAML

TRAITS = (
    *("performance_isolated", "performance_broad", "not_reproducible", "customised_database"),
    *("custom_code", "third_party", "data_corruption", "rca_requested"),
)
REQUESTS = (
    *("break_fix", "billing", "subscription_management", "advisory"),
    *("how_to", "escalation_management", "account_management", "rca"),
)
RELEASES = ("general_availability", "public_preview", "limited_preview", "private_preview")
FINGERPRINT = ("build", "environment", "machine", "document", "user", "error")
LABEL_CHARACTERS_MAX = 200
TRAITS_MAX = 20
SECOND = 1_000_000
TARGETS_MAX = 8
TARGET_SECONDS_MAX = 366 * 86_400
MINUTES_MAX = 100_000


class Field(NamedTuple):
    fits: Callable[[object], bool]
    required: bool = False
    default: object = None
    clean: Callable[[object], object] | None = None  # drops what is unknown inside


@cache
def countries() -> dict[str, dict[str, object]]:
    text = resources.files("sla_monitor").joinpath("policies", "countries.yaml").read_text(encoding="utf-8")
    found: dict[str, dict[str, object]] = YAML(typ="safe", pure=True).load(text)
    return found


@cache
def zone_names() -> frozenset[str]:
    return frozenset(resources.files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


def one_of(*values: str) -> Callable[[object], bool]:
    return lambda found: isinstance(found, str) and found in values


def many_of(*values: str) -> Callable[[object], bool]:
    return lambda found: isinstance(found, list) and len(found) <= TRAITS_MAX and all(item in values for item in found)


def text(least: int = 0, most: int = LABEL_CHARACTERS_MAX) -> Callable[[object], bool]:
    return lambda found: isinstance(found, str) and least <= len(found) <= most


def like(pattern: str) -> Callable[[object], bool]:
    return lambda found: isinstance(found, str) and re.fullmatch(pattern, found) is not None


def flag(found: object) -> bool:
    return isinstance(found, bool)


def number(found: object, most: float, unit: int) -> bool:
    """Of a duration; what is no microsecond, rounded, is none."""
    is_number = isinstance(found, int | float) and not isinstance(found, bool) and 0 < found <= most
    return is_number and round(found * unit) > 0  # type: ignore[operator]


def country(found: object) -> bool:
    return isinstance(found, str) and found in countries()


def zone(found: object) -> bool:
    return isinstance(found, str) and found in zone_names()


def fingerprint(found: object) -> bool:
    return isinstance(found, dict) and all(text(1)(found[part]) for part in FINGERPRINT if part in found)


def targets(found: object) -> bool:
    return (
        isinstance(found, dict)
        and len(found) <= TARGETS_MAX
        and all(
            re.fullmatch(r"[a-z_]{1,40}", name) and number(most, TARGET_SECONDS_MAX, SECOND)
            for name, most in found.items()
        )
    )


def known_parts(found: object) -> object:
    return {part: found[part] for part in FINGERPRINT if part in found} if isinstance(found, dict) else found


NAME = like(r"[A-Za-z0-9_.-]{1,40}")
LANGUAGE = like(r"(?=.{2,35}$)[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
SUBDIVISION = like(r"[A-Z0-9-]{1,10}")
ACCESS = one_of("24x7", "business_hours")
LABELS = {"customer": Field(text()), "product": Field(text()), "queue": Field(text())}
PLACE = {"country": Field(country, required=True), "subdivision": Field(SUBDIVISION), "timezone": Field(zone)}

SHAPES: dict[str, dict[str, Field]] = {
    "case.opened": {
        "severity": Field(NAME, required=True),
        "plan": Field(NAME, required=True),
        **PLACE,
        "language": Field(LANGUAGE, required=True),
        "submitted_by": Field(one_of("admin", "service_admin", "owner", "delegated_admin", "end_user"), required=True),
        "access": Field(ACCESS),
        "accepts_english": Field(flag, default=False),
        "accepts_translation": Field(flag, default=False),
        "request": Field(one_of(*REQUESTS), default="break_fix"),
        "release": Field(one_of(*RELEASES), default="general_availability"),
        "channel": Field(one_of("direct", "other_agreement"), default="direct"),
        "has_subscription": Field(flag, default=True),
        "published_incident": Field(flag, default=False),
        "contact_verified": Field(flag, default=True),
        "traits": Field(many_of(*TRAITS)),
        "fingerprint": Field(fingerprint, clean=known_parts),
        "targets": Field(targets),
        **LABELS,
    },
    "case.responded": {"by": Field(text())},
    "case.severity_changed": {
        "severity": Field(NAME, required=True),
        "by": Field(one_of("customer", "support")),
        "reason": Field(text()),
    },
    "case.plan_changed": {"plan": Field(NAME, required=True)},
    "case.access_changed": {"access": Field(ACCESS, required=True)},
    "case.language_changed": {
        "language": Field(LANGUAGE, required=True),
        "accepts_english": Field(flag),
        "accepts_translation": Field(flag),
    },
    "case.location_changed": PLACE,
    "case.traits_changed": {"add": Field(many_of(*TRAITS)), "remove": Field(many_of(*TRAITS))},
    "case.contact_attempted": {"reached": Field(flag, required=True), "channel": Field(text())},
    "case.contact_updated": {"verified": Field(flag, required=True)},
    "case.waiting_on_customer": {
        "reason": Field(one_of("information", "resources", "proposed_resolution"), default="information")
    },
    "case.customer_responded": {},
    "case.resolution_proposed": {},
    "case.resolution_rejected": {},
    "case.work_started": {"engineer": Field(text(1), required=True)},
    "case.work_stopped": {"engineer": Field(text(1), required=True)},
    "case.effort_logged": {
        "minutes": Field(lambda found: number(found, MINUTES_MAX, 60 * SECOND), required=True),
        "engineer": Field(text()),
    },
    "case.cause_found": {
        "cause": Field(
            one_of("service", "custom_code", "partner", "third_party", "environment", "other"), required=True
        )
    },
    "case.script_submitted": {"uat_tested": Field(flag, required=True)},
    "case.downgrade_confirmed": {"recommendation": Field(text(1, 256), required=True)},
    "case.downgrade_declined": {"recommendation": Field(text(1, 256), required=True)},
    "case.resolved": {},
    "case.closed": {},
    "case.cancelled": {},
    "case.reopen_requested": {
        "fingerprint": Field(fingerprint, required=True, clean=known_parts),
        "new_update_installed": Field(flag, default=False),
    },
    "case.labels_changed": LABELS,
    "case.fact_withdrawn": {"source": Field(text(1, 256), required=True), "id": Field(text(1, 256), required=True)},
}
DATA_OPTIONAL = frozenset(
    kind for kind, fields in SHAPES.items() if not any(field.required for field in fields.values())
)
