"""State rows: what is read without decoding, what an older version wrote, and how many bytes an event costs."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sla_monitor.core import facts as f
from sla_monitor.core import notices as n
from sla_monitor.core.decide import kept, load
from sla_monitor.core.facts import DAY
from sla_monitor.core.policy import Packs
from sla_monitor.core.profile import Profile
from sla_monitor.errors import UnsafeState
from sla_monitor.wire import rows
from sla_monitor.wire.rows import (
    ENDED,
    NEVER,
    OPEN,
    ORPHANED,
    PARTITION_KEY,
    QUARANTINED,
    PartitionRow,
    decode_partition,
    decode_row,
    encode_partition,
    encode_row,
    header,
    status_of,
)
from sla_monitor.wire.upgrades import VERSION
from tests.engine.feeding import NINE, PACKS, Fed, clock, rules
from tests.wire.rows import corpus

HEADER = 17  # bytes, of an open case
STORED = [path for folder in corpus.FOLDERS for path in sorted(folder.glob("*.bin"))]
OLDER = [path for path in STORED if path.parent != corpus.FOLDERS[-1]]


def number(path: Path) -> int:
    """The version that a stored row was written by."""
    return int(path.parent.name.removeprefix("v"))


def named(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


# --- the header -------------------------------------------------------------------------------------------------------


def test_status_and_next_wake_up_are_read_without_decoding_the_row() -> None:
    """What follows may be anything. So a million timers are restored without decoding a case."""
    fed = Fed()
    fed.open("case")
    fed.tell("closed", "case.closed", clock(0, 1))
    value = fed.state[b"case"]
    assert header(value) == (OPEN, clock(0, 45))
    assert header(value[:HEADER] + b"\xc1 nothing that could be decoded") == (OPEN, clock(0, 45))
    assert header(fed.state[b"closed"])[0] == ORPHANED


def test_the_header_is_the_layout_that_is_documented() -> None:
    """version (1), status (1), next wake-up (8, signed, big-endian), standing (7), body: other programs may read it."""
    fed = Fed()
    fed.open("case")
    value = fed.state[b"case"]
    assert (value[0], value[1]) == (VERSION, OPEN) == (5, 0)
    assert int.from_bytes(value[2:10], "big", signed=True) == clock(0, 45)
    assert isinstance(msgspec.msgpack.decode(value[HEADER:]), list)


def test_no_wake_up_is_the_largest_integer() -> None:
    """It sorts behind every instant."""
    fed = Fed()
    fed.open("case")
    row = decode_row("case", fed.state[b"case"], PACKS)
    assert header(encode_row(row, None))[1] == NEVER == 2**63 - 1


def test_the_numbers_of_the_statuses_stay() -> None:
    """They are on disk."""
    assert (OPEN, ENDED, ORPHANED, QUARANTINED) == (0, 1, 2, 3)
    for folder in corpus.FOLDERS:
        found = {path.stem: header(path.read_bytes())[0] for path in folder.glob("*.bin") if path.stem != "partition"}
        assert (found["typical"], found["base_running"]) == (ENDED, OPEN)
        assert (found["orphans"], found["quarantined"]) == (ORPHANED, QUARANTINED)


# --- versions ---------------------------------------------------------------------------------------------------------


def test_a_row_of_a_newer_version_is_refused() -> None:
    """The message says what to do; neither its header nor its body is guessed at."""
    fed = Fed()
    fed.open("case")
    newer = bytes([VERSION + 1]) + fed.state[b"case"][1:]
    with pytest.raises(UnsafeState, match=f"version {VERSION + 1}.*upgrade"):
        header(newer)
    with pytest.raises(UnsafeState, match="upgrade"):
        decode_row("case", newer, PACKS)


@pytest.mark.parametrize("more", [[], ["text", None, {"of": "another shape"}]])
def test_a_partition_row_of_a_newer_version_is_refused(more: list[object]) -> None:
    """Also if what follows the version is of a shape that this worker does not know."""
    with pytest.raises(UnsafeState, match=f"version {VERSION + 1}.*upgrade"):
        decode_partition(msgspec.msgpack.encode([VERSION + 1, *more]))


def test_a_row_that_names_an_absent_pack_is_refused() -> None:
    """Deciding it by another would change verdicts."""
    fed = Fed()
    fed.open("case")
    with pytest.raises(UnsafeState, match="vendor-support/2026-01"):
        decode_row("case", fed.state[b"case"], Packs(versions=()))


def test_a_partition_row_is_read_as_it_was_written() -> None:
    """Every field; one that an older worker did not write has its default."""
    row = PartitionRow(
        applied=2**40,
        applied_timestamp=NINE // 1_000,
        applied_checksum=2**32 - 1,
        watermark=NINE,
        packs={"vendor-support/2026-01": "digest"},
        outcomes=bytes(range(125)),
        outcomes_seen=999,
        tripped=True,
        empty_until=2**40 + 2,
    )
    assert decode_partition(encode_partition(row)) == row
    assert decode_partition(encode_partition(PartitionRow())) == PartitionRow()
    assert decode_partition(msgspec.msgpack.encode([1, 7])) == PartitionRow(applied=7)


def test_more_fields_than_this_version_has_are_refused() -> None:
    """They would be dropped with the next writing, and nobody would know what they said."""
    fed = Fed()
    fed.open("case")
    value = fed.state[b"case"]
    body = msgspec.msgpack.decode(value[HEADER:])
    with pytest.raises(UnsafeState, match="13 fields"):
        decode_row("case", value[:HEADER] + msgspec.msgpack.encode([*body, "more"]), PACKS)
    with pytest.raises(UnsafeState, match="11 fields"):
        decode_row("case", bytes([1]) + value[1:10] + msgspec.msgpack.encode(body[:-2]), PACKS)
    row = msgspec.msgpack.decode(encode_partition(PartitionRow(empty_until=1)))
    with pytest.raises(UnsafeState, match="partition"):
        decode_partition(msgspec.msgpack.encode([*row, "more"]))


def test_a_version_that_never_was_is_refused() -> None:
    """Such as that of a topic that holds something else."""
    fed = Fed()
    fed.open("case")
    with pytest.raises(UnsafeState, match="version 0"):
        decode_row("case", bytes(1) + fed.state[b"case"][1:], PACKS)
    with pytest.raises(UnsafeState, match="version 0"):
        decode_partition(msgspec.msgpack.encode([0]))


def test_a_part_of_a_base_that_is_not_known_is_refused() -> None:
    """Such as what a version in between kept of a case: dropped, it would be lost with the next writing."""
    value = (corpus.FOLDERS[-1] / "base_running.bin").read_bytes()
    body = msgspec.msgpack.decode(value[HEADER:])
    body[8][1][-1]["mood"] = "bad"
    with pytest.raises(UnsafeState, match="mood"):
        decode_row("case", value[:HEADER] + msgspec.msgpack.encode(body), corpus.CORPUS)


# --- what is stored ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", STORED, ids=named)
def test_a_row_that_any_version_wrote_still_says_the_same(path: Path) -> None:
    """These bytes are never written again. If this fails, workers would misread the state of every deployment."""
    expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
    assert corpus.differences(expected, corpus.meaning_of(path.stem, path.read_bytes())) == []


@pytest.mark.parametrize("path", [path for path in STORED if path not in OLDER], ids=named)
def test_a_row_of_this_version_is_written_as_it_was_read(path: Path) -> None:
    """Byte for byte: a change of the format without a new version shows here."""
    value = path.read_bytes()
    if path.stem == "partition":
        assert encode_partition(decode_partition(value)) == value
        return
    assert value[0] == VERSION
    assert written_anew(value) == value


def written_anew(value: bytes) -> bytes:
    """Read, folded and written, with nothing new in between."""
    row = decode_row("case", value, corpus.CORPUS)
    if not row.quarantined and header(value)[0] != ORPHANED:
        load(row.case, corpus.CORPUS)
    return encode_row(row, header(value)[1])


def test_the_rows_of_the_corpus_are_made_the_same_each_time() -> None:
    """Nothing in a row depends on chance, on a clock on the wall or on the order of a set."""
    assert list(corpus.rows_now()) == list(corpus.rows_now())


@pytest.mark.parametrize("path", OLDER, ids=named)
def test_an_older_row_says_the_same_once_it_is_written_anew(path: Path) -> None:
    """The upgrade is on reading; what is written is of the version of today and has lost nothing."""
    value = path.read_bytes()
    expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
    if path.stem == "partition":
        anew = encode_partition(decode_partition(value))
        assert (msgspec.msgpack.decode(value)[0], msgspec.msgpack.decode(anew)[0]) == (number(path), VERSION)
        expected["version"] = VERSION
    else:
        anew = written_anew(value)
        assert (value[0], anew[0]) == (number(path), VERSION)
    assert corpus.differences(expected, corpus.meaning_of(path.stem, anew)) == []


@pytest.mark.parametrize("folder", corpus.FOLDERS, ids=lambda folder: folder.name)
def test_the_stored_rows_have_everything_a_row_can_hold(folder: Path) -> None:
    """A corpus that lacks a kind of clock or a type of event would not notice that it changed."""
    stored = {path.stem: json.loads(path.with_suffix(".json").read_text("utf-8")) for path in folder.glob("*.bin")}
    since = {name: corpus.SINCE.get(name, 1) for name, _ in corpus.rows_now()}
    assert set(stored) == {name for name, version in since.items() if version <= int(folder.name.removeprefix("v"))}
    bases = [row["base"] for row in stored.values() if row.get("base")]
    assert {clock["is"] for base in bases for clock in base["clocks"].values()} >= {*("running", "breached", "stopped")}
    running = stored["base_running"]["base"]
    assert [step["how"] for step in running["clocks"]["initial_response"]["steps"]] == ["from_start", "from_change"]
    assert running["held"]
    assert running["limited"]
    assert folder.name in {"v1", "v2"} or running["limits"] == ["SP-LANG-TR"]
    assert len(running["silence"]["attempts"]) == 3
    assert running["silence"]["waiting"]
    assert running["silence"]["recommended"]
    if "base_grounds" in stored:
        grounds = stored["base_grounds"]["base"]
        assert [each["rule"] for each in grounds["silence"]["open"]] == ["SP-DOWN-RCA", "SP-DOWN-PROPOSED"]
        assert grounds["awaits_proposal"]
    if "base_paused" in stored:
        paused = stored["base_paused"]["base"]
        kinds = {name: each["is"] for name, each in paused["clocks"].items()}
        assert kinds["resolution"] == "paused"
        assert paused["clocks"]["resolution"]["pauses"]
        assert paused["restarted"]
    if "base_moved" in stored:
        moved, stands = stored["base_moved"]["base"], stored["base_breached_and_moved"]["base"]
        both = ["moved/1", "moved/2"]
        assert [step["policy"] for step in moved["clocks"]["initial_response"]["steps"]] == both
        assert [step["policy"] for step in moved["held"]["A"]["initial_response"]] == both
        assert stands["clocks"]["initial_response"]["policy"] == "moved/1"
        assert stored["base_breached_and_moved"]["policy"] == "moved/2"
    if "base_reopened" in stored:
        reopened = stored["base_reopened"]["base"]
        assert (reopened["generation"], reopened["was_proposed"]) == (2, True)
        assert reopened["closed_at"] > reopened["ended_at"]
    if "base_effort" in stored:
        effort = stored["base_effort"]["base"]["effort"]
        assert effort["worked"]
        assert effort["engineers"] == ["eve", "joe"]
        assert effort["said"]
    assert stored["base_breached"]["base"]["clocks"]["initial_response"]["overdue"]
    assert stored["revisions"]["last_revisions"]
    assert max(sent[5] for sent in stored["revisions"]["standing"]) == 1
    assert [orphan["value"] is None for orphan in stored["orphans"]["orphans"]] == [False, True]
    assert stored["folded_early"]["folded_early"]
    assert stored["quarantined"]["quarantined"]
    assert folder.name == "v1" or stored["quarantined"]["failure"]
    assert folder.name == "v1" or stored["partition"]["empty_until"]
    assert {fact["type"] for fact in stored["every_body"]["facts"]} >= set(f.TYPES)


def test_a_difference_is_seen_and_a_new_field_is_none() -> None:
    """What compares the stored rows, on rows that are wrong."""
    assert corpus.differences({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2, "new": 3}], "new": 4}) == []
    assert corpus.differences({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}) == [".a[1].b: 2 has become 3"]
    assert corpus.differences({"a": 1}, {}) == [".a: gone"]
    assert corpus.differences({"a": [1]}, {"a": [1, 2]}) == [".a: [1] has become [1, 2]"]


LIVES = [path for path in STORED if path.stem not in {"partition", "every_body"}]  # cases that a worker has written


@pytest.mark.parametrize("path", LIVES, ids=named)
def test_a_stored_row_goes_on_in_a_partition(path: Path) -> None:
    """Read from the topic, woken, told one more event, written and read again: an upgrade in small."""
    fed = Fed(rules(packs=corpus.CORPUS), {b"case": path.read_bytes()})
    fed.wait(NINE + 10 * DAY)
    fed.tell("case", "case.labels_changed", NINE + 10 * DAY, "new", customer="Contoso")
    fed.restarted().wait(NINE + 20 * DAY)
    assert fed.reasons() == {"quarantined": ["quarantined"], "orphans": ["orphan_expired"] * 2}.get(path.stem, [])
    if path.stem not in {"quarantined", "orphans"}:  # the first is not written, the second is gone
        assert fed.state[b"case"][0] == VERSION


@pytest.mark.parametrize("name", sorted({path.stem for path in LIVES if path.parent == corpus.FOLDERS[0]}))
def test_a_case_goes_on_from_an_older_row_as_from_one_of_today(name: str) -> None:
    """The same later events and the same passing of time: the same notices, and in the end the same row."""
    lives = []
    for folder in corpus.FOLDERS:
        fed = Fed(rules(packs=corpus.CORPUS), {b"case": (folder / f"{name}.bin").read_bytes()})
        fed.wait(clock(7))
        fed.tell("case", "case.severity_changed", clock(7), "later", severity="C")
        fed.tell("case", "case.responded", clock(7, 30), "answer")
        fed.wait(clock(8))
        if name != "ended":  # which was closed: older rows do not say so, and would take this for the first time
            fed.tell("case", "case.closed", clock(8), "end")
        fed.wait(NINE + 20 * DAY)
        left = fed.state.get(b"case")
        said = left and without(corpus.meaning("case", left), *NOT_KEPT, *DECIDED_OTHERWISE)
        lives.append((fed.notices, fed.dead, fed.counted, said))
    *older, today = lives
    assert older == [today] * len(older)


NOT_KEPT = (
    "failure",
    "rules_version",
    "submitted_by",
    "closed_at",
    "counted_at",
)  # by an older version, or not by that of today
DECIDED_OTHERWISE = ("held", "base_order")  # by the code that wrote the first two; they are read as they are


def without(value: Any, *names: str) -> Any:
    if isinstance(value, dict):
        return {name: without(each, *names) for name, each in value.items() if name not in names}
    return [without(each, *names) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", LIVES, ids=named)
def test_what_is_kept_of_a_case_is_what_a_row_holds(path: Path) -> None:
    """The copy that a defect is undone with lacks no field, and shares nothing that a decision changes."""
    case = decode_row("case", path.read_bytes(), corpus.CORPUS).case
    copy = kept(case)
    assert copy == case
    assert copy.facts is not case.facts
    assert copy.ledger.standing is not case.ledger.standing
    assert copy.ledger.last_revisions is not case.ledger.last_revisions


# --- numbers on disk --------------------------------------------------------------------------------------------------


def test_the_types_of_events_keep_their_numbers() -> None:
    """A fact is stored under its place in this list: append, never insert, remove or sort."""
    assert list(f.TYPES)[:27] == [
        "case.opened",
        "case.responded",
        "case.severity_changed",
        "case.plan_changed",
        "case.access_changed",
        "case.language_changed",
        "case.location_changed",
        "case.traits_changed",
        "case.contact_attempted",
        "case.contact_updated",
        "case.waiting_on_customer",
        "case.customer_responded",
        "case.resolution_proposed",
        "case.resolution_rejected",
        "case.work_started",
        "case.work_stopped",
        "case.effort_logged",
        "case.cause_found",
        "case.script_submitted",
        "case.downgrade_confirmed",
        "case.downgrade_declined",
        "case.resolved",
        "case.closed",
        "case.cancelled",
        "case.reopen_requested",
        "case.labels_changed",
        "case.fact_withdrawn",
    ]


def test_the_types_of_notices_keep_their_numbers() -> None:
    """The ledger stores them by their place in this list: append, never insert, remove or sort."""
    assert n.KINDS[:28] == (
        "sla.clock.started",
        "sla.clock.stopped",
        "sla.deadline.moved",
        "sla.warning",
        "sla.breached",
        "sla.overdue",
        "sla.met",
        "sla.cancelled",
        "sla.retracted",
        "severity.downgrade_recommended",
        "severity.downgraded",
        "severity.restored",
        "coverage.limited",
        "case.forgotten",
        "case.quarantined",
        "case.history_folded",
        "coverage.declined",
        "eligibility.declined",
        "contact.outside_hours",
        "contact.unverified",
        "effort.warning",
        "effort.exhausted",
        "script.accepted",
        "script.declined",
        "reopen.accepted",
        "reopen.declined",
        "sla.clock.paused",
        "sla.clock.resumed",
    )


def test_the_fields_of_a_profile_keep_their_places() -> None:
    """Stored by position: append, with a default."""
    assert [each.name for each in fields(Profile)][:23] == [
        "severity",
        "plan",
        "country",
        "language",
        "access",
        "subdivision",
        "timezone",
        "accepts_english",
        "accepts_translation",
        "request",
        "release",
        "channel",
        "targets",
        "submitted_by",
        "has_subscription",
        "published_incident",
        "contact_verified",
        "traits",
        "traits_removed",
        "cause",
        "customer",
        "product",
        "queue",
    ]


def test_the_fields_of_a_partition_row_keep_their_places() -> None:
    """Stored by position: append, with a default."""
    assert PartitionRow.__struct_fields__[:9] == (
        "version",
        "applied",
        "applied_timestamp",
        "applied_checksum",
        "watermark",
        "packs",
        "outcomes",
        "outcomes_seen",
        "tripped",
    )


BODIES = {  # the fields of each body by position
    f.Opened: (
        "severity plan country language submitted_by access subdivision timezone accepts_english accepts_translation "
        "request release channel has_subscription published_incident contact_verified traits fingerprint targets "
        "customer product queue"
    ),
    f.Responded: "by",
    f.SeverityChanged: "severity by reason",
    f.PlanChanged: "plan",
    f.AccessChanged: "access",
    f.LanguageChanged: "language accepts_english accepts_translation",
    f.LocationChanged: "country subdivision timezone",
    f.TraitsChanged: "add remove",
    f.ContactAttempted: "reached channel",
    f.ContactUpdated: "verified",
    f.WaitingOnCustomer: "reason",
    f.WorkStarted: "engineer",
    f.WorkStopped: "engineer",
    f.EffortLogged: "effort engineer",
    f.CauseFound: "cause",
    f.ScriptSubmitted: "uat_tested",
    f.DowngradeConfirmed: "recommendation",
    f.DowngradeDeclined: "recommendation",
    f.ReopenRequested: "fingerprint new_update_installed",
    f.LabelsChanged: "customer product queue",
    f.FactWithdrawn: "source id",
}


@pytest.mark.parametrize("body", f.TYPES.values(), ids=lambda body: f.NAMES[body])
def test_the_fields_of_a_body_keep_their_places(body: type[f.Body]) -> None:
    """Stored by position, those with their default at the end left out: append, with a default that never changes."""
    places = BODIES.get(body, "").split()
    assert [each.name for each in fields(body)][: len(places)] == places


# --- bytes ------------------------------------------------------------------------------------------------------------


def test_an_event_costs_few_bytes() -> None:
    """A typical case: opened, answered, waited, told, resolved; ids are UUIDs. Its last row holds all five facts and
    the five notices that stand: under 500 bytes, 100 an event. Rows are written whole: where each event is a
    transaction of its own, the five writings are under 1,900 bytes, 380 an event; compaction keeps the last.
    """
    fed = corpus._typical()
    written = [len(value or b"") for batch in fed.batches for key, value in batch.rows if key != PARTITION_KEY]
    assert len(written) == 5
    assert written[-1] == len(fed.state[b"case"])
    assert len(decode_row("case", fed.state[b"case"], corpus.CORPUS).case.facts) == 5
    assert len(decode_row("case", fed.state[b"case"], corpus.CORPUS).case.ledger.standing) == 5
    assert written[-1] < 500
    assert sum(written) < 1_900


def test_the_row_of_a_partition_is_small() -> None:
    """Every transaction writes it: under 300 bytes, whatever the number of cases."""
    fed = Fed()
    for number in range(50):
        fed.open(f"case-{number}")
    assert len(fed.state[PARTITION_KEY]) < 300


def test_a_uuid_takes_sixteen_bytes_and_comes_back_as_it_was_written() -> None:
    """Upper case, braces or another length are not the canonical form and stay text."""
    canonical = corpus.UUIDS[0]
    assert rows._id(canonical) == bytes.fromhex(canonical.replace("-", ""))
    for odd in (canonical.upper(), canonical[:-1], f"{{{canonical}}}", canonical.replace("-", "_"), "evt-1", "x" * 36):
        assert rows._id(odd) == odd
    for each in (canonical, canonical.upper(), "evt-1"):
        assert rows._to_id(rows._id(each)) == each


def test_the_status_of_a_row_is_that_of_its_header() -> None:
    """Counting from headers and counting cases is the same."""
    for path in LIVES:
        value = path.read_bytes()
        row = Fed(rules(packs=corpus.CORPUS), {b"case": value}).partition._row(b"case", 0)
        assert row is not None
        assert status_of(row) == header(value)[0]
