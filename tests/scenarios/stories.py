"""Stories as YAML, and three who tell what stands at their end: the pure core, `simulate` and the oracle.

A file is a list of stories:

    - story: An end user is turned away        # a sentence, its own in all files
      shows: [SP-ELIG-USER]                    # rules it is an example of
      outcome: broken                          # of these rules: kept or broken
      pack: {coverage: [{…}]}                  # before the entries of the built-in pack's lists; other values replace
      pack_file: docs/examples/hosting.yaml    # instead of the built-in one
      zone: Europe/Berlin                      # of all times written here without an offset
      events: [[2026-01-05 09:00, opened, {submitted_by: end_user}]]
      until: 2026-01-20 00:00
      clocks: []                               # started in the end, in the order of time
      stands: [[2026-01-05 09:00, eligibility.declined, {rule: SP-ELIG-USER}]]

An opening says severity B, Standard, Germany, English, by an administrator, unless the story says otherwise. `stands`
is everything that stands but the life of clocks and their levels (`sla.clock.*`, `sla.deadline.moved`, `sla.warning`,
`sla.overdue`), unless the story asks for them by `also: [sla.overdue]`; data is compared as far as it is written.
The recommendation `first` or `last` of an answer is the id of the first or last one that was sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from ruamel.yaml import YAML

from sla_monitor.config.packs import BUILT_IN, load_packs
from sla_monitor.core import notices as n
from sla_monitor.core.decide import Bounds, Case, fold, next_wake, wake
from sla_monitor.core.notices import Notice
from sla_monitor.core.policy import Packs
from sla_monitor.engine.records import Outgoing
from sla_monitor.engine.simulation import Simulation
from sla_monitor.oracle import LogRecord, Plans, Standing, judge, standing_of_notice
from sla_monitor.oracle.events import instant
from sla_monitor.wire.inbound import CaseEvent, decode
from sla_monitor.wire.notice_schema import notice_schema
from sla_monitor.wire.outbound import encode

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
CASE: Final = "CASE-1"
USUAL: Final = {"severity": "B", "plan": "standard", "country": "DE", "language": "en", "submitted_by": "admin"}
LIFE: Final = {
    *("sla.clock.started", "sla.clock.stopped", "sla.clock.paused", "sla.clock.resumed"),
    *("sla.deadline.moved", "sla.warning", "sla.overdue"),
}
VALID: Final = Draft202012Validator(notice_schema())
NEVER_STANDS: Final = {"sla.retracted", "case.history_folded"}
BUILT_IN_PACKS: Final = load_packs(), Plans.load()
_yaml = YAML(typ="safe", pure=True)

WHICH: Final = {"first": 0, "last": -1}

Row = tuple[str, str, Mapping[str, Any]]  # local time, type, data


@dataclass(frozen=True)
class Story:
    story: str
    shows: Sequence[str]
    outcome: str
    events: Sequence[Sequence[Any]]
    until: str
    stands: Sequence[Sequence[Any]]
    clocks: Sequence[str] = ("initial_response",)
    also: Sequence[str] = ()
    zone: str = "Europe/Berlin"
    pack: Mapping[str, Any] = field(default_factory=dict)
    pack_file: str = ""

    def at(self, written: object) -> str:
        """RFC 3339 of a time as the story writes it: with an offset, or on the wall of its zone."""
        moment = datetime.fromisoformat(str(written))
        zone = ZoneInfo(self.zone)
        return (moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)).isoformat()

    @property
    def end(self) -> int:
        return instant(self.at(self.until))


def stories() -> Iterator[Story]:
    for file in sorted(HERE.glob("*.yaml")):
        for told in _yaml.load(file.read_text("utf-8")):
            yield Story(**told)


# --- the pack ---------------------------------------------------------------------------------------------------------


def changed_pack(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The built-in pack with these values put in; entries of lists go before those that are there."""
    pack: dict[str, Any] = _yaml.load((BUILT_IN / "default.yaml").read_text("utf-8"))
    pack["effective_from"] = "2000-01-01T00:00:00Z"
    merged: dict[str, Any] = _merged(pack, changes)
    return merged


def _merged(old: Any, new: Any) -> Any:
    if isinstance(old, dict) and isinstance(new, Mapping):
        return old | {name: _merged(old.get(name), value) for name, value in new.items()}
    if isinstance(old, list) and isinstance(new, list):
        return [*new, *old]
    return new


def packs_of(story: Story, folder: Path) -> tuple[Packs, Plans]:
    if story.pack_file:
        return load_packs(ROOT / story.pack_file), Plans.load([ROOT / story.pack_file])
    if not story.pack:
        return BUILT_IN_PACKS
    file = folder / "pack.yaml"
    file.write_text(json.dumps(changed_pack(story.pack)), "utf-8")  # JSON is YAML too
    return load_packs(file), Plans.load([file])


# --- three who tell ---------------------------------------------------------------------------------------------------


def event(story: Story, number: int, told: Sequence[Any], case_id: str = CASE) -> dict[str, Any]:
    at, kind, *more = told
    data = dict(more[0]) if more else {}
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "/crm",
        "type": f"case.{kind}",
        "subject": case_id,
        "time": story.at(at),
        "data": USUAL | data if kind == "opened" else data,
    }


def by_the_core(story: Story, packs: Packs, case_id: str = CASE) -> tuple[list[Standing], list[dict[str, Any]]]:
    """Folded one by one, and woken whenever time decides something; and the events with their answers filled in."""
    case, bounds = Case(case_id=case_id), Bounds()
    sent: list[Notice] = []
    events = []
    now = 0

    def pass_time(until: int) -> None:
        while (due := next_wake(case, bounds)) is not None and due <= until:
            sent.extend(wake(case, due, packs, bounds).notices)
        sent.extend(wake(case, until, packs, bounds).notices)

    for number, told in enumerate(story.events):
        found = event(story, number, told, case_id)
        now = max(now, instant(found["time"]))
        pass_time(now)
        if "recommendation" in found["data"]:
            asked = [notice for notice in sent if notice.kind == n.DOWNGRADE_RECOMMENDED]
            found["data"] = {"recommendation": asked[WHICH[found["data"]["recommendation"]]].id}
        events.append(found)
        received = decode(case_id.encode(), json.dumps(found).encode(), ())
        assert isinstance(received, CaseEvent), received
        sent.extend(fold(case, received.fact, now, packs, bounds).notices)
    pass_time(story.end)
    for notice in sent:
        VALID.validate(json.loads(encode(notice, 0, "live")))
    return standing([json.loads(encode(notice, 0, "live")) for notice in sent]), events


def by_simulate(story: Story, packs: Packs, events: Sequence[Mapping[str, Any]]) -> list[Standing]:
    said: list[dict[str, Any]] = []
    dead: list[object] = []
    lines = [json.dumps(each).encode() for each in events]
    Simulation(packs, lambda notice: said.append(json.loads(notice.value)), dead.append).run(lines, story.end)
    assert not dead
    return standing(said)


def by_the_oracle(story: Story, plans: Plans, events: Sequence[Mapping[str, Any]], published: Any) -> list[Standing]:
    records = [LogRecord(offset, 0, CASE.encode(), json.dumps(each).encode()) for offset, each in enumerate(events)]
    return judge(CASE, records, plans=plans, now=story.end, published=published).standing


def standing(notices: Sequence[Mapping[str, Any]]) -> list[Standing]:
    gone = {notice["data"]["retracts"] for notice in notices if notice["type"] == "sla.retracted"}
    return [standing_of_notice(each) for each in notices if each["id"] not in gone and each["type"] not in NEVER_STANDS]


def published(story: Story, packs: Packs, events: Sequence[Mapping[str, Any]]) -> dict[str, Standing]:
    """Every notice that was ever said, by its id."""
    found: dict[str, Standing] = {}

    def note(out: Outgoing) -> None:
        notice = json.loads(out.value)
        if notice["type"] not in NEVER_STANDS:
            found[notice["id"]] = standing_of_notice(notice)

    Simulation(packs, note, lambda _: None).run([json.dumps(each).encode() for each in events], story.end)
    return found


# --- what is compared -------------------------------------------------------------------------------------------------


def expected(story: Story) -> list[Row]:
    return [
        (story.at(at), kind if "." in kind else f"sla.{kind}", data[0] if data else {})
        for at, kind, *data in story.stands
    ]


def told(story: Story, notices: Sequence[Standing]) -> list[Row]:
    """By time; what a story does not ask for is left out."""
    rows = [
        (_local(story, found.at), found.kind, found.data)
        for found in notices
        if found.kind not in LIFE or found.kind in story.also
    ]
    return sorted(rows, key=lambda row: datetime.fromisoformat(row[0]))


def started(notices: Sequence[Standing]) -> list[str]:
    """Clocks in the order in which they started; the commitment's comes and goes with each silence."""
    found = sorted((each for each in notices if each.kind == n.CLOCK_STARTED), key=lambda each: each.at)
    return [each.subject for each in found if each.subject not in {"commitment", "customer"}]


def _local(story: Story, at: int) -> str:
    moment = datetime.fromisoformat("1970-01-01T00:00:00+00:00") + timedelta(microseconds=at)
    return moment.astimezone(ZoneInfo(story.zone)).isoformat()


def differs(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Data as far as it is written; of mappings inside it as well."""
    wrong = []
    for name, value in wanted.items():
        other = found.get(name)
        if isinstance(value, Mapping) and isinstance(other, Mapping):
            wrong += [f"{name}.{each}" for each in differs(value, other)]
        elif value != other:
            wrong.append(f"{name}: {other!r} is not {value!r}")
    return wrong


def problems(story: Story, notices: Sequence[Standing]) -> list[str]:
    """In what a story ends otherwise than it says; what stands, where that is something else."""
    wanted, found = expected(story), told(story, notices)
    if [row[:2] for row in wanted] != [row[:2] for row in found]:
        return [f"{at} {kind} {json.dumps(data)}" for at, kind, data in found] or ["nothing stands"]
    wrong = [f"{at} {kind}: {each}" for (at, kind, data), row in zip(wanted, found, strict=True)
             for each in differs(data, row[2])]  # fmt: skip
    if started(notices) != list(story.clocks):
        wrong.append(f"started: {started(notices)}")
    return wrong
