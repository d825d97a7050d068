"""Policy packs from files: reads every version of a pack, reports all that is wrong at once, compiles what is right.

The format is in `config/pack_model.py`, the compiled form in `core/policy.py`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache, partial
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sla_monitor.config.calendars import Country, CountryCalendars
from sla_monitor.config.holiday_dates import holiday_dates
from sla_monitor.config.horizon import horizons
from sla_monitor.config.lock import Lock, Locked, lock_beside, read_lock
from sla_monitor.config.pack_calendars import calendars_of, closures_of, pinned, too_short
from sla_monitor.config.pack_model import (
    Attainment,
    BestEffort,
    Change,
    Clock,
    Commitment,
    Contact,
    CountryTable,
    CoverageOf,
    Eligibility,
    Ground,
    Known,
    Matched,
    OpenHours,
    Pack,
    Reopening,
    did_you_mean,
    pack_schema,
    shown,
)
from sla_monitor.config.pack_moves import complain_of_moves
from sla_monitor.config.yaml_lines import Document, Value, Where, read_yaml
from sla_monitor.config.zones import zone_named
from sla_monitor.core import policy
from sla_monitor.core.policy import Packs, Policy
from sla_monitor.core.profile import When
from sla_monitor.core.reopening import ReopenRule
from sla_monitor.errors import BadConfiguration

__all__ = ["country_table", "load_packs", "pack_schema"]

BUILT_IN = Path(str(resources.files("sla_monitor.policies")))
FILES_MAX = 200  # versions of one pack; 200 x 1 MiB is read one after the other
SUFFIXES = (".yaml", ".yml")
ONLY_COUNT = {"queues", "attainment"}  # sections that no deadline or notice depends on


def load_packs(path: Path | None = None) -> Packs:
    """All versions of a pack: a file, a folder of files, or None for the built-in pack.

    Holidays and closures are those of the `calendars.lock` beside it, if there is one. BadConfiguration lists every
    problem of every file, each as `file:line: problem`.
    """
    documents = [read_yaml(file) for file in pack_files(path)]
    packs = [validated(document) for document in documents]
    compare(documents, packs)
    found = [(document, pack) for document, pack in zip(documents, packs, strict=True) if pack]
    lock = read_lock(lock_beside(path or BUILT_IN))
    open_hours = [calendars_in(document, pack, lock) for document, pack in found]
    refuse_if_wrong(documents)
    versions = sorted(
        (
            (
                document,
                replace(
                    compiled(pack, digest(document.content), found_by),
                    horizons=cache(partial(horizons, pack, country_table(), lock)),
                ),
            )
            for (document, pack), found_by in zip(found, open_hours, strict=True)
            if found_by
        ),
        key=lambda each: each[1].effective_from,
    )
    complain_of_moves(versions)
    refuse_if_wrong(documents)
    calendars = [f"lock {lock.digest}" if lock else f"holidays {version('holidays')}", *closure_digests(found)]
    return Packs(versions=tuple(policy for _, policy in versions), calendars="\n".join(calendars))


def pack_files(path: Path | None) -> list[Path]:
    """The files of a pack, by name. Hidden ones are not part of it."""
    if path is None:
        return [BUILT_IN / "default.yaml"]
    try:
        if not path.is_dir():  # raises where the folder around it may not be entered
            return [path]
        files = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and not file.name.startswith("."))
    except OSError as error:
        raise BadConfiguration(f"{path}: cannot be read: {error.strerror}") from error
    if not files:
        raise BadConfiguration(f"{path}: no policy pack in this folder ({', '.join(SUFFIXES)})")
    if len(files) > FILES_MAX:
        raise BadConfiguration(f"{path}: more than {FILES_MAX} files")
    return files


def refuse_if_wrong(documents: Iterable[Document]) -> None:
    problems = sorted(problem for document in documents for problem in document.problems)
    if problems:
        raise BadConfiguration([str(problem) for problem in problems])


def compare(documents: list[Document], packs: list[Pack | None]) -> None:
    """All files of a folder are one pack: one name, and each version and each beginning once."""
    owners: dict[tuple[str, Value], Document] = {}
    names: list[tuple[str, Document]] = []
    for document, pack in zip(documents, packs, strict=True):
        said = document.content if isinstance(document.content, dict) else {}
        name, version = said.get("name"), said.get("version")
        if isinstance(name, str):
            names.append((name, document))
            if name != names[0][0]:
                document.complain(("name",), f"another pack, {name!r}, than {names[0][0]!r} of {names[0][1].name}")
        once: dict[str, Value] = {
            "version": version if isinstance(version, str) else None,
            "effective_from": pack.effective_from if pack else None,
        }
        for key, value in once.items():
            owner = owners.setdefault((key, value), document)
            if value is not None and owner is not document:
                document.complain((key,), f"the same {key} {said[key]!r} as {owner.name}")


def validated(document: Document) -> Pack | None:
    """The pack a file says, or None; every problem of the format is added to the document."""
    if not document.readable:
        return None
    said = document.content if isinstance(document.content, dict) else {}
    rules = said.get("rules")
    known = Known(
        severities=labels(said.get("severities")),
        plans=labels(said.get("plans")),
        rules=rules.keys() if isinstance(rules, dict) else None,
        countries=country_table().keys(),
    )
    return checked(document, Pack, known)


def labels(value: Value) -> list[str] | None:
    """The names of a list, or None if it is not one of names only."""
    names = [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
    return names if value and names == value else None


def closure_digests(found: Iterable[tuple[Document, Pack]]) -> list[str]:
    """Each file of closures with the SHA-256 of its content. Also beside a lock: it gives the years beyond it."""
    names = {
        (name, Path(document.name).parent / name)
        for document, pack in found
        for entry in pack.calendars
        for name in entry.closures
    }
    return [f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for name, path in sorted(names)]


def digest(content: Value) -> str:
    """SHA-256 of what a file says, whatever its comments, layout and order of keys. What only counts may change."""
    decides = (
        {key: value for key, value in content.items() if key not in ONLY_COUNT}
        if isinstance(content, dict)
        else content
    )
    canonical = json.dumps(decides, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


M = TypeVar("M", bound=BaseModel)


def checked(document: Document, model: type[M], known: Known) -> M | None:
    """The content as a model, or None; every problem is added to the document."""
    try:
        return model.model_validate(document.content, context=known)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            where = (*(step for step in detail["loc"] if step != "[key]"), *detail.get("ctx", {}).get("at", ()))
            said = where[:-1] if detail["type"] in {"missing", "extra_forbidden"} else document.nearest(where)
            path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in said).removeprefix(".")
            document.complain(where, f"{path}: {reason(model, detail)}" if path else reason(model, detail))
    return None


def reason(model: type[BaseModel], detail: ErrorDetails) -> str:
    """What is wrong, in words for the author of a file."""
    value, context = shown(detail["input"]), detail.get("ctx", {})
    name = str(detail["loc"][-1]) if detail["loc"] else ""
    match detail["type"]:
        case "pack":
            text = detail["msg"]
        case "missing":
            text = f"{name!r} is missing"
        case "extra_forbidden":
            text = f"unknown field {shown(name)}{did_you_mean(name, fields_at(model, detail['loc'][:-1]))}"
        case "literal_error":
            expected = str(context["expected"])
            hint = did_you_mean(str(detail["input"]), re.findall(r"'([^']*)'", expected))
            text = f"unknown value {value}{hint or f'; it must be {expected}'}"
        case "string_type" if isinstance(detail["input"], int):
            text = f"{value} must be text; put it in quotes"
        case "string_pattern_mismatch":
            text = f"{value} must look like {context['pattern']}"
        case "too_short":
            text = f"{value} must not be empty"
        case kind if kind in KINDS:
            text = f"{value} must be {KINDS[kind]}"
        case _:
            text = f"{value}: {detail['msg'][:1].lower()}{detail['msg'][1:]}"
    return text


KINDS = {
    "string_type": "text",
    "list_type": "a list",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "dict_type": "a mapping of names",
    "model_type": "a mapping of fields",
}


def fields_at(model: type[BaseModel], where: Where) -> list[str]:
    """The fields that may stand at a place, by the published schema."""
    schema = json_schema(model)
    node = schema
    for step in where:
        if isinstance(step, int):
            node = node.get("items", {})
        else:
            named = node.get("properties", {}).get(step)
            anything = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
            node = named or next((each for each in anything if isinstance(each, dict)), {})
        node = schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
    return list(node.get("properties", {}))


@cache
def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


@cache
def country_table() -> dict[str, Country]:
    """The countries that cases may name, with their zones and weekends; part of the product, not of a pack."""
    document = read_yaml(BUILT_IN / "countries.yaml")
    known = Known(severities=None, plans=None, rules=None, countries=())
    table = checked(document, CountryTable, known)
    refuse_if_wrong([document])
    lines = table.root if table else {}
    return {code: Country(zone=line.zone, weekend=line.weekdays) for code, line in lines.items()}


def calendars_in(document: Document, pack: Pack, lock: Lock | None) -> CountryCalendars | None:
    """The calendars of a pack, or None; what is wrong with the files it names is added to the document."""
    closures = closures_of(document, pack)
    if lock is not None:
        closures = pinned(document, pack, closures, lock)
    if document.problems:
        return None
    calendars = calendars_of(pack, country_table(), closures, Locked(lock).dates if lock else holiday_dates)
    too_short(document, pack, calendars, country_table())
    return calendars


def compiled(pack: Pack, digest_of_file: str, calendars: CountryCalendars) -> Policy:
    """The form that the pure core matches on. Clocks are in the order of their names, whatever the file's."""
    countries = country_table()
    return Policy(
        name=pack.name,
        version=pack.version,
        effective_from=pack.effective_from,
        digest=digest_of_file,
        severities=tuple(pack.severities),
        plans=tuple(pack.plans),
        countries=frozenset(countries),
        clauses={rule: text.clause for rule, text in pack.rules.items()},
        languages=policy.Languages(
            english=frozenset(pack.languages.english),
            local=frozenset(pack.languages.local),
            limited_rule=pack.languages.limited_rule,
            limited_advice=pack.languages.limited_advice,
        ),
        hours=tuple(
            policy.HoursRule(rule=each.rule, when=when(each), round_the_clock=each.serve == "round_the_clock")
            for each in pack.hours
        ),
        clocks=tuple(clock_policy(name, clock) for name, clock in sorted(pack.clocks.items()) if clock.enabled),
        commitment=commitment(pack.commitment),
        calendar_for=calendars.calendar_for,
        zone_for=partial(zone_for, {code: entry for entry in pack.calendars for code in entry.countries or ("",)}),
        eligibility=tuple(coverage(each) for each in pack.eligibility),
        coverage=tuple(coverage(each) for each in pack.coverage),
        contact=contact(pack.contact),
        effort=effort(pack.effort),
        scripts=policy.Scripts(rule=pack.scripts.rule, advice=pack.scripts.advice)
        if pack.scripts
        else policy.Scripts(),
        reopening=tuple(reopening(each) for each in pack.reopening),
        switched_off=frozenset(pack.switched_off),
        open_cases=pack.open_cases,
        origins={rule: text.origin for rule, text in pack.rules.items()},
        queues=tuple(pack.queues),
        calendars=tuple(dict.fromkeys(entry.rule for entry in pack.calendars)),
        attainment=tuple(attainment(each, pack) for each in pack.attainment),
    )


def attainment(said: Attainment, pack: Pack) -> policy.Attainment:
    """What is not named is every one of its kind."""
    return policy.Attainment(
        clocks=frozenset(said.clock or pack.clocks),
        severities=frozenset(said.severity or pack.severities),
        plans=frozenset(said.plan or pack.plans),
        ratio=said.percent,
    )


def when(rule: Matched) -> When:
    return tuple((name, frozenset(values)) for name, values in rule.when if values)


def coverage(said: Eligibility | CoverageOf) -> policy.CoverageRule:
    return policy.CoverageRule(
        rule=said.rule,
        when=when(said),
        outcome=said.outcome,
        promised=said.promised if isinstance(said, CoverageOf) else True,
        advice=said.advice,
    )


def clock_policy(name: str, clock: Clock) -> policy.ClockPolicy:
    return policy.ClockPolicy(
        name=name,
        starts=frozenset(clock.starts),
        stops=frozenset(clock.stops),
        pauses=frozenset(clock.pauses),
        resumes=frozenset(clock.resumes),
        targets=tuple(
            policy.TargetRule(rule=each.rule, when=when(each), target=each.target, promised=each.promised)
            for each in clock.targets
        ),
        warnings=tuple(clock.warnings),
        overdue=tuple(clock.overdue),
        changes=policy.Changes(
            raised=direction(clock.changes.raised),
            lowered=direction(clock.changes.lowered),
            sideways=direction(clock.changes.sideways),
        ),
        own_target_rule=clock.own_target_rule,
    )


def direction(change: Change) -> policy.Direction:
    return policy.Direction(how=change.mode, rule=change.rule)


def commitment(said: Commitment) -> policy.Commitment:
    return policy.Commitment(
        name=said.name,
        unreached_attempts=said.unreached_attempts,
        silences=tuple(policy.SilenceRule(rule=each.rule, when=when(each), limit=each.limit) for each in said.silences),
        downgrades=tuple(
            policy.DowngradeRule(rule=each.rule, when=when(each), to=each.to, automatic=each.mode == "automatic")
            for each in said.downgrades
        ),
        restored_rule=said.restored_rule,
        grounds=tuple(ground(each) for each in said.grounds),
    )


def ground(said: Ground) -> policy.Ground:
    fields = (("traits", said.on.traits), ("cause", said.on.cause), ("contact_verified", said.on.contact_verified))
    return policy.Ground(
        rule=said.rule,
        on=tuple((name, frozenset[str | bool](values)) for name, values in fields if values),
        steps=said.steps,
        proposed=said.on.resolution_proposed,
        automatic=said.mode == "automatic",
    )


def zone_for(entries: Mapping[str, OpenHours], country: str, timezone: str | None) -> ZoneInfo:
    """The zone of a place's calendar."""
    entry = entries.get(country) or entries[""]  # that for all others
    return zone_named(entry.timezone or timezone or country_table()[country].zone)


def reopening(said: Reopening) -> ReopenRule:
    return ReopenRule(
        rule=said.rule,
        same=frozenset(said.same),
        after_fix=said.after_fix,
        no_update=said.no_update,
        months=said.within_months,
    )


def effort(said: BestEffort) -> policy.EffortPolicy:
    limits = (
        policy.EffortRule(
            rule=each.rule, when=when(each), limit=each.limit, warnings=tuple(each.warnings), advice=each.advice
        )
        for each in said.limits
    )
    return policy.EffortPolicy(name=said.name, limits=tuple(limits))


def contact(said: Contact) -> policy.Contact:
    windows = (
        policy.WindowRule(rule=each.rule, when=when(each), always=each.open == "always") for each in said.windows
    )
    return policy.Contact(windows=tuple(windows), unverified_rule=said.unverified_rule)
