"""One partition between records and batches: what each record becomes, what time brings, what survives a restart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sla_monitor.core import decide
from sla_monitor.core.decide import Bounds, Case, Decision
from sla_monitor.core.facts import DAY, HOUR, MINUTE, SECOND
from sla_monitor.core.notices import HISTORY_FOLDED
from sla_monitor.core.policy import Packs
from sla_monitor.engine import dead as letters
from sla_monitor.engine import partition as engine
from sla_monitor.engine.partition import Partition, Rules
from sla_monitor.engine.records import DeadLetter, Headers, Record
from sla_monitor.errors import UnsafeState
from sla_monitor.wire import rows
from sla_monitor.wire.inbound import REASONS
from sla_monitor.wire.rows import ENDED, OPEN, ORPHANED, PARTITION_KEY, QUARANTINED, PartitionRow
from sla_monitor.wire.upgrades import VERSION
from tests.engine.feeding import A_CASE, NINE, PACKS, RULES, SOURCE, STRUCTURED, Fed, clock, event, rules

DUE = ["sla.warning", "sla.warning", "sla.breached", "sla.overdue", "sla.overdue"]  # one case that nobody answers
ANSWERED = ["sla.clock.stopped", "sla.met"]


def told(letter: DeadLetter) -> dict[str, str]:
    """The headers of a dead letter as text."""
    return {name: text.decode(errors="replace") for name, text in letter.headers}


# --- what a record becomes ------------------------------------------------------------------------------------------


def test_a_record_below_the_next_offset_is_skipped() -> None:
    """A record that the state has already is not folded, not counted and not dead-lettered, whatever it holds."""
    fed = Fed()
    fed.open("case-1")
    fed.offset = 0
    fed.fold(b"case-1", b"garbage")
    batch = fed.partition.take()
    assert batch.is_empty
    assert fed.partition.next_offset == 1


def test_a_batch_says_where_the_input_goes_on() -> None:
    """The offset to commit is that behind the last record, also across a gap and also when the last was useless."""
    fed = Fed()
    fed.offset = 41
    fed.fold(b"case-1", b"garbage")
    fed.take()
    assert fed.batches[-1].next_offset == 42
    assert fed.partition.next_offset == 42


def test_the_row_of_the_partition_names_the_last_record() -> None:
    """Its offset, its timestamp and a checksum of key and value: enough to see that the log was replaced."""
    fed = Fed()
    fed.fold(b"case-1", b"garbage")
    fed.take()
    kept = rows.decode_partition(fed.state[PARTITION_KEY])
    assert (kept.applied, kept.applied_timestamp) == (0, NINE // 1_000)
    assert kept.applied_checksum == Record(0, 0, b"case-1", b"garbage").checksum
    assert kept.applied_checksum != Record(0, 0, b"case-1", b"other").checksum


def test_nothing_read_and_nothing_due_writes_nothing() -> None:
    """An idle partition costs no transactions."""
    fed = Fed()
    fed.open("case-1")
    assert fed.partition.take().is_empty
    fed.partition.advance(clock(0, 10))
    assert not fed.partition.fire(fed.wall, 10)
    assert fed.partition.take().is_empty


def test_an_event_from_the_future_is_a_dead_letter() -> None:
    """Five minutes ahead of the wall clock are allowed, inclusive; one microsecond more is not."""
    fed = Fed()
    fed.fold(b"ok", event("ok", "case.opened", NINE + 5 * MINUTE, "1", **A_CASE))
    fed.fold(b"no", event("no", "case.opened", NINE + 5 * MINUTE + 1, "1", **A_CASE))
    fed.take()
    assert fed.reasons() == ["future"]
    assert fed.statuses() == {b"ok": OPEN}


def test_the_future_begins_at_the_watermark_of_a_worker_whose_clock_is_slow() -> None:
    """What the partition is known to be complete up to is not the future, whatever this worker's clock says."""
    fed = Fed()
    fed.partition.advance(clock(2))
    fed.fold(b"case-1", event("case-1", "case.opened", clock(2, 5), "1", **A_CASE))
    fed.take()
    assert fed.reasons() == []


def test_a_second_event_with_the_same_identity_is_a_duplicate_or_a_conflict() -> None:
    """Same source and id: with the same content it is counted and dropped, with another it is a dead letter."""
    fed = Fed()
    fed.open("case-1", NINE, "o")
    fed.tell("case-1", "case.responded", clock(0, 10), "r", by="eve")
    assert fed.tell("case-1", "case.responded", clock(0, 10), "r", by="eve") == []
    assert fed.counted["duplicate"] == 1
    assert fed.tell("case-1", "case.responded", clock(0, 11), "r", by="eve") == []
    assert fed.tell("case-1", "case.opened", clock(0, 12), "o2", **A_CASE) == []
    assert fed.reasons() == ["conflict", "conflict"]


def test_a_duplicate_writes_no_row() -> None:
    """Only the partition's own row: the offset must move on."""
    fed = Fed()
    fed.open("case-1", NINE, "o")
    fed.open("case-1", NINE, "o")
    assert [key for key, _ in fed.batches[-1].rows] == [PARTITION_KEY]


def test_records_of_others_are_skipped_and_counted() -> None:
    """Other types than `case.*` are no dead letters."""
    fed = Fed()
    fed.fold(b"case-1", event("case-1", "billing.paid", NINE, "1"))
    fed.take()
    assert fed.reasons() == []
    assert fed.counted["other_type"] == 1
    assert fed.partition.next_offset == 1


# --- dead letters ---------------------------------------------------------------------------------------------------


def test_a_dead_letter_is_the_record_as_it_came_and_why() -> None:
    """Key, value and headers are the same bytes; what is added says why and whence."""
    fed = Fed(replace(RULES, topic="acme.case-events"), number=3)
    fed.offset = 17
    headers = (*STRUCTURED, ("trace", b"\xff\x00"), ("trace", b"again"))
    fed.fold(b"\xffkey", b'{"not json', headers)
    fed.take()
    (letter,) = fed.dead
    assert (letter.reason, letter.key, letter.value) == ("not_json", b"\xffkey", b'{"not json')
    assert letter.headers[: len(headers)] == headers
    assert dict(letter.headers[len(headers) :]) == {
        "dead-reason": b"not_json",
        "dead-detail": b"line 1 column 10",
        "dead-topic": b"acme.case-events",
        "dead-partition": b"3",
        "dead-offset": b"17",
    }


def test_a_dead_letter_too_large_for_its_topic_is_replaced_by_size_and_hash() -> None:
    """Its key stays where it fits; one byte less and the whole record goes through."""
    value, headers = b"x" * 900, (("name", b"y" * 91),)
    fed = Fed(replace(RULES, dead_bytes_max=1_010))
    fed.fold(b"key-1", value, headers)  # 5 + 900 + 4 + 91, and 10 to frame the header: just fits
    fed.fold(b"key-12", value, headers)
    fed.fold(b"k" * 600, value, ())
    fed.take()
    whole, replaced, keyless = fed.dead
    assert whole.value == value
    assert (replaced.key, replaced.value) == (b"key-12", None)
    assert told(replaced)["dead-original-size"] == "1001"
    assert told(replaced)["dead-original-sha256"] == hashlib.sha256(value).hexdigest()
    assert told(replaced)["dead-reason"] == "not_json"
    assert "name" not in told(replaced)
    assert keyless.key is None


def test_a_name_that_is_not_utf8_is_spelt_out() -> None:
    """The client could not write it; other names and all values stay as they came."""
    fed = Fed()
    fed.fold(b"case-1", b"garbage", (("x-\udcffü", b"\xff"), ("größe", b"1")))
    fed.take()
    assert list(fed.dead[0].headers[:2]) == [("x-\\xffü", b"\xff"), ("größe", b"1")]
    assert fed.dead[0].reason == "invalid"


def test_a_header_without_a_value_is_no_obstacle() -> None:
    """Kafka allows it: the dead letter has it too."""
    empty: Any = ("empty", None)
    absent: Any = (empty,)
    fed = Fed()
    fed.fold(b"case-1", b"garbage", absent)
    fed.tell("case-2", "case.responded", NINE)
    fed.fold(b"case-2", event("case-2", "case.responded", NINE, "2"), absent)
    fed.take()
    assert fed.dead[0].headers[0] == empty
    fed = fed.restarted()
    fed.wait(NINE + DAY)
    assert fed.dead[1].headers[0] == empty


SECRET = "hunter2-4111111111111111"  # what a payload may hold


@pytest.mark.parametrize(
    "value",
    [
        SECRET.encode(),
        b'{"type": "case.' + SECRET.encode() + b'"}',
        event("c", "case.opened", NINE, "1", **(A_CASE | {"severity": SECRET})),
        event("c", "case.opened", NINE, "1", **(A_CASE | {"country": SECRET})),
        event("c", "case.opened", NINE, "1", **(A_CASE | {"targets": {SECRET: 1}})),
        event("c", "case.opened", NINE, "1", **(A_CASE | {"fingerprint": {SECRET: SECRET}, "plan": 1})),
        event(SECRET, "case.responded", NINE, "1"),
        event("c", "case.responded", NINE, "1").replace(b"2026-01-05T", SECRET.encode()),
        event("c", "case.plan_changed", NINE, "1", plan="gold-" + SECRET[:20]),
    ],
)
def test_no_text_of_a_payload_is_in_what_is_said_about_it(value: bytes) -> None:
    """Contract, bad input: `dead-detail` may go to logs and tickets; reasons are a known set of words."""
    fed = Fed()
    fed.open("c", NINE, "o")
    fed.fold(b"c", value)
    fed.take()
    (letter,) = fed.dead
    assert letter.reason in REASONS
    detail = told(letter)["dead-detail"]
    assert "hunter2" not in detail
    assert len(detail) < 1_024


def test_the_breaker_sees_every_record_and_its_window_is_in_the_row() -> None:
    """A restart does not reset it; letting go begins an empty window."""
    fed = Fed(rules(breaker_ratio=0.002))
    fed.fold(b"c", b"garbage")
    fed.fold(b"c", b"garbage")
    fed.take()
    assert not fed.partition.breaker.tripped
    fed = fed.restarted()
    fed.fold(b"c", b"garbage")
    assert fed.partition.breaker.tripped
    fed.take()
    fed = fed.restarted()
    assert fed.partition.row.tripped
    assert fed.partition.breaker.tripped
    released = fed.partition.release()
    assert [key for key, _ in released.rows] == [PARTITION_KEY]
    assert released.next_offset is None
    fed.state.update((key, value or b"") for key, value in released.rows)
    fed = fed.restarted()
    assert not fed.partition.row.tripped
    assert not fed.partition.breaker.tripped
    assert fed.partition.next_offset == 3


# --- orphans --------------------------------------------------------------------------------------------------------


def test_an_event_before_its_opening_waits_and_is_applied_then() -> None:
    """Contract: it is neither lost nor dead-lettered; what it means is said once the case is there."""
    fed = Fed()
    assert fed.tell("case-1", "case.responded", clock(0, 10)) == []
    assert fed.statuses() == {b"case-1": ORPHANED}
    fed = fed.restarted()
    assert fed.open("case-1") == ["sla.clock.started", *ANSWERED]
    assert fed.statuses() == {b"case-1": OPEN}
    assert fed.wait(NINE + 2 * DAY) == []
    assert fed.reasons() == []


def test_an_orphan_expires_into_the_dead_letters_as_it_came() -> None:
    """After a day: original key, bytes, headers and offset, also when it was kept by another process."""
    fed = Fed()
    fed.offset = 5
    value = event("case-1", "case.responded", NINE, "1", by="eve")
    headers = (*STRUCTURED, ("trace", b"\xff"))
    fed.fold(b"case-1", value, headers)
    fed.take()
    fed = fed.restarted()
    assert fed.partition.next_due == NINE + DAY
    fed.wait(NINE + DAY - 1)
    assert fed.reasons() == []
    fed.wait(NINE + DAY)
    (letter,) = fed.dead
    assert (letter.reason, letter.key, letter.value) == ("orphan_expired", b"case-1", value)
    assert letter.headers[: len(headers)] == headers
    assert told(letter)["dead-offset"] == "5"
    assert set(fed.state) == {PARTITION_KEY}
    assert sum(fed.partition.counts) == 0


def test_orphans_of_one_case_expire_each_in_its_time() -> None:
    """The younger goes on waiting, and its opening finds it alone."""
    fed = Fed()
    fed.tell("case-1", "case.responded", NINE, "old")
    fed.tell("case-1", "case.waiting_on_customer", clock(1), "young")
    fed.wait(NINE + DAY)
    assert [json.loads(letter.value or b"")["id"] for letter in fed.dead] == ["old"]
    assert fed.statuses() == {b"case-1": ORPHANED}
    fed = fed.restarted()
    fed.open("case-1")
    started = [notice["data"]["clock"] for notice in fed.notices if notice["type"] == "sla.clock.started"]
    assert started == ["initial_response", "commitment"]
    assert not fed.said("sla.met")


def test_too_many_orphans_are_dead_letters() -> None:
    """The 51st of a case, and what would make the case's row too large; the opening itself never is one of them."""
    fed = Fed()
    for number in range(engine.ORPHANS_MAX + 1):
        fed.tell("many", "case.contact_attempted", NINE, f"{number}", reached=True)
    assert fed.reasons() == ["orphan_overflow"]
    fed = Fed()
    while not fed.dead:
        fed.tell("large", "case.responded", NINE, "", by="x" * 190, filler="y" * 20_000)
    assert fed.reasons() == ["orphan_overflow"]
    assert len(fed.state[b"large"]) < engine.ROW_BYTES_MAX
    assert "sla.clock.started" in fed.open("large")
    assert fed.statuses() == {b"large": OPEN}


def test_the_headers_of_an_orphan_count_as_its_size() -> None:
    """They are kept in the row: megabytes of them would be a row that Kafka refuses."""
    fed = Fed()
    fed.fold(b"case-1", event("case-1", "case.responded", NINE, "1"), (("big", b"x" * 900_000),))
    fed.take()
    assert fed.reasons() == ["orphan_overflow"]


def test_an_opening_that_was_wrong_leaves_no_orphan() -> None:
    """A withdrawn opening is remembered, so that its duplicate does not bring the case back; the withdrawal has had
    its effect and is no dead letter, in either order of arrival, before and after a restart."""
    for order in (("o", "w"), ("w", "o")):
        fed = Fed()
        for each in order:
            if each == "o":
                fed.open("case-1", NINE, "o")
            else:
                fed.tell("case-1", "case.fact_withdrawn", clock(0, 5), "w", source=SOURCE, id="o")
        for again in (fed, fed.restarted()):
            again.wait(NINE + 2 * DAY)
            assert again.reasons() == []
            assert again.open("case-1", NINE, "o") == []
            assert again.counted["duplicate"] == 1
            again.tell("case-1", "case.responded", NINE, "r")  # waits for another opening
            assert again.open("case-1", clock(50), "o2") == ["sla.clock.started", *ANSWERED]


def test_a_case_that_was_never_opened_after_all_is_forgotten_in_time() -> None:
    """Its opening withdrawn, it stays as long as a closed case would; then its row is a tombstone."""
    fed = Fed(rules(retention=10 * DAY))
    fed.open("case-1", NINE, "o")
    fed.tell("case-1", "case.fact_withdrawn", clock(0, 5), "w", source=SOURCE, id="o")
    fed = fed.restarted()
    fed.wait(clock(0, 5) + 10 * DAY - 1)
    assert fed.statuses() == {b"case-1": ORPHANED}
    fed.wait(clock(0, 5) + 10 * DAY)
    assert fed.statuses() == {}
    assert fed.reasons() == []


# --- erasure --------------------------------------------------------------------------------------------------------


def test_an_erased_case_is_a_tombstone_and_one_notice() -> None:
    """A null value: the row goes, its timers are silent, `case.forgotten` says only whose it was."""
    fed = Fed()
    fed.open("case-1")
    fed.wall = clock(0, 1)
    assert fed.erase("case-1") == ["case.forgotten"]
    assert (b"case-1", None) in fed.batches[-1].rows
    assert fed.notices[-1]["data"] == {"case_id": "case-1"}
    assert fed.notices[-1]["time"] == fed.notices[-1]["emittedat"] == "2026-01-05T09:01:00Z"
    assert fed.wait(clock(3)) == []
    assert fed.restarted().wait(clock(3)) == []
    assert sum(fed.partition.counts) == 0


def test_erasing_an_unknown_case_is_counted() -> None:
    """Also the second time, and also within one batch: nothing is said, nothing is written for it."""
    fed = Fed()
    assert fed.erase("case-1") == []
    fed.open("case-1")
    fed.fold(b"case-1", None, ())
    fed.fold(b"case-1", None, ())
    assert fed.take() == ["case.forgotten"]
    assert fed.counted["unknown_case"] == 2
    assert fed.reasons() == []


def test_orphans_of_an_erased_case_are_forgotten_too() -> None:
    """They are that case's data: not even a dead letter may keep them."""
    fed = Fed()
    fed.tell("case-1", "case.responded", NINE)
    assert fed.erase("case-1") == ["case.forgotten"]
    fed.wait(NINE + 2 * DAY)
    assert fed.dead == []


@pytest.mark.parametrize("looked_at", [False, True])
def test_a_case_opened_again_after_its_erasure_has_its_timers(looked_at: bool) -> None:  # noqa: FBT001
    """In one batch, with the very same deadline, and whether or not somebody asked for the next deadline between."""
    fed = Fed()
    fed.open("case-1", NINE, "first")
    fed.fold(b"case-1", None, ())
    if looked_at:
        assert fed.partition.next_due is None
    assert fed.open("case-1", NINE, "second") == ["case.forgotten", "sla.clock.started"]
    assert fed.wait(clock(3)) == DUE


def test_a_case_created_and_erased_in_one_batch_leaves_no_row() -> None:
    """Not even a tombstone: there is nothing in the topic to remove."""
    fed = Fed()
    fed.fold(b"case-1", event("case-1", "case.opened", NINE, "o", **A_CASE))
    fed.fold(b"case-1", None, ())
    assert fed.take() == ["sla.clock.started", "case.forgotten"]
    assert [key for key, _ in fed.batches[-1].rows] == [PARTITION_KEY]


# --- a defect belongs to its case -----------------------------------------------------------------------------------


def broken_for(case_id: str, whole: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the core with a defect in one case."""

    def broken(case: Case, *rest: Any) -> Any:
        if case.case_id == case_id:
            raise ZeroDivisionError(f"a defect that quotes {case_id}")
        return whole(case, *rest)

    return broken


def test_a_defect_quarantines_its_case_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event is dead-lettered, one notice says so, its timers stop, its later events are refused; other cases of
    the same batch go on. A restart changes nothing of it."""
    fed = Fed()
    fed.open("bad")
    fed.open("good")
    fed.wall = clock(0, 2)
    with monkeypatch.context() as patched:
        patched.setattr(decide, "fold", broken_for("bad", decide.fold))
        fed.fold(b"bad", event("bad", "case.responded", clock(0, 1), "r"))
        fed.fold(b"good", event("good", "case.responded", clock(0, 1), "r"))
        assert fed.take() == ["case.quarantined", *ANSWERED]
    assert fed.reasons() == ["internal_error"]
    assert told(fed.dead[0])["dead-detail"] == "ZeroDivisionError"
    assert fed.partition.counts[QUARANTINED] == 1
    about = next(notice for notice in fed.notices if notice["type"] == "case.quarantined")
    assert about["data"] == {"case_id": "bad", "error": "ZeroDivisionError"}
    assert (about["time"], about["emittedat"]) == ("2026-01-05T09:01:00Z", "2026-01-05T09:02:00Z")
    for again in (fed.restarted(), fed):
        dead = len(again.dead)
        assert again.partition.counts[QUARANTINED] == 1
        assert again.wait(clock(3)) == []
        assert again.tell("bad", "case.resolved", clock(3)) == []
        assert again.reasons()[dead:] == ["quarantined"]
        assert again.tell("good", "case.resolved", clock(3)) == []
        assert again.erase("bad") == ["case.forgotten"]


def test_a_defect_at_the_first_event_of_a_case_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a row to tell the next worker, although there is nothing in it."""
    fed = Fed()
    with monkeypatch.context() as patched:
        patched.setattr(decide, "fold", broken_for("bad", decide.fold))
        assert fed.open("bad") == ["case.quarantined"]
    fed = fed.restarted()
    assert fed.open("bad") == []
    assert fed.reasons() == ["quarantined"]


def test_a_defect_when_time_passes_stops_the_timers_of_its_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is dead-lettered, for no record is at fault; the other case of the same instant fires."""
    fed = Fed()
    fed.open("bad")
    fed.open("good")
    with monkeypatch.context() as patched:
        patched.setattr(decide, "wake", broken_for("bad", decide.wake))
        assert fed.wait(clock(0, 45)) == ["case.quarantined", "sla.warning"]
    assert fed.dead == []
    assert [case for case, _, _ in fed.restarted().said()] == []
    assert fed.wait(clock(3)) == DUE[1:]
    assert {case for case, kind, _ in fed.said("sla.breached")} == {"good"}


def test_a_defect_leaves_the_case_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was half decided has not been said: neither facts nor ledger nor base may know of it."""
    fed = Fed(rules(correction_horizon=2 * HOUR))
    fed.open("bad")
    fed.tell("bad", "case.waiting_on_customer", clock(0, 5), "w")
    before = rows.decode_row("bad", fed.state[b"bad"], PACKS)
    with monkeypatch.context() as patched:
        patched.setattr(decide, "fold_early", failing)
        patched.setattr(decide, "FACTS_MAX", 0)  # so it fails last of all, with everything else decided
        fed.wall = clock(3)
        fed.partition.advance(clock(3))  # beyond the horizon of the first facts, which nobody woke for
        fed.fold(b"bad", event("bad", "case.labels_changed", clock(3), "l", queue="x"))
    after = rows.decode_row("bad", (fed.take(), fed.state[b"bad"])[1], PACKS)
    assert after.quarantined
    assert after.failure == ("RuntimeError", clock(3))
    assert after.case == before.case


def test_a_case_that_new_code_cannot_read_is_set_aside_and_the_process_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a restart: else each worker that gets the partition would die of one case."""
    before = Fed()
    before.open("bad")
    before.open("good")
    fed = before.restarted()
    with monkeypatch.context() as patched:
        patched.setattr(decide, "load", broken_for("bad", decide.load))
        assert fed.wait(clock(0, 45)) == ["case.quarantined", "sla.warning"]
        assert fed.tell("bad", "case.responded", clock(0, 46), "r") == []
    assert fed.reasons() == ["quarantined"]
    assert fed.statuses()[b"bad"] == QUARANTINED
    assert len(rows.decode_row("bad", fed.state[b"bad"], PACKS).case.facts) == 1


def test_a_defect_in_making_a_case_small_is_of_that_case(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its event has been taken and what it brings is said; then the case is set aside."""
    fed = Fed()
    fed.open("bad")
    with monkeypatch.context() as patched:
        patched.setattr(decide, "fold_early", failing)
        patched.setattr(engine, "ROW_BYTES_MAX", 100)
        patched.setattr(engine, "MEASURED_EVERY_FACTS", 1)
        assert fed.tell("bad", "case.responded", clock(0, 1), "r") == [*ANSWERED, "case.quarantined"]
    assert fed.reasons() == []
    assert len(rows.decode_row("bad", fed.state[b"bad"], PACKS).case.facts) == 2


def failing(*_: object) -> None:
    raise RuntimeError("made up")


def test_a_case_taken_up_says_what_was_due_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decided anew by a code without the defect: what time has brought meanwhile is said once, later events count."""
    fed, steady = Fed(), Fed()
    for each in (fed, steady):
        each.open("case-1")
    with monkeypatch.context() as patched:
        patched.setattr(decide, "wake", failing)
        fed.wait(clock(0, 50))
    assert fed.statuses() == {b"case-1": QUARANTINED}
    assert fed.partition.quarantined() == [("case-1", ("RuntimeError", clock(0, 45)))]
    fed = again_with(fed)
    fed.wait(clock(1, 10))
    fed.tell("case-1", "case.responded", clock(1, 5), "answer")
    assert fed.reasons() == ["quarantined"]
    assert fed.partition.take_up("case-1", fed.wall) == ""
    assert fed.take() == ["sla.warning", "sla.warning", "sla.breached"]
    assert fed.partition.quarantined() == []
    assert fed.statuses() == {b"case-1": OPEN}
    again = again_with(fed)
    again.fold(fed.dead[0].key, fed.dead[0].value, fed.dead[0].headers[: -len(letters.ABOUT)])
    steady.wait(clock(1, 10))
    steady.tell("case-1", "case.responded", clock(1, 5), "answer")
    again.take()
    standing = [each for each in again.notices if each["type"] != "case.quarantined"]
    assert {each["id"] for each in standing} == {each["id"] for each in steady.notices}


def again_with(fed: Fed) -> Fed:
    again = fed.restarted()
    again.notices, again.dead = fed.notices, fed.dead
    return again


def test_a_case_that_fails_again_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is said of it, and it can be taken up by the next version of the code."""
    fed = Fed()
    fed.open("case-1")
    with monkeypatch.context() as patched:
        patched.setattr(decide, "wake", failing)
        fed.wait(clock(0, 50))
        assert fed.partition.take_up("case-1", fed.wall) == "RuntimeError"
        assert fed.take() == []
        assert fed.statuses() == {b"case-1": QUARANTINED}
    assert fed.partition.take_up("case-1", fed.wall) == ""
    assert fed.take() == ["sla.warning"]


def test_only_a_case_in_quarantine_is_taken_up() -> None:
    """Neither one that is well nor one that nobody knows."""
    fed = Fed()
    fed.open("well")
    for case_id in ("well", "unknown"):
        with pytest.raises(UnsafeState, match="in quarantine"):
            fed.partition.take_up(case_id, fed.wall)


def test_an_event_that_met_a_defect_is_folded_when_it_is_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its identity was not kept: sent again it is no duplicate."""
    fed = Fed()
    fed.open("case-1")
    with monkeypatch.context() as patched:
        patched.setattr(decide, "fold", failing)
        fed.tell("case-1", "case.responded", clock(0, 5), "answer")
    assert fed.reasons() == ["internal_error"]
    assert fed.partition.take_up("case-1", fed.wall) == ""
    fed.take()
    assert fed.tell("case-1", "case.responded", clock(0, 5), "answer") == ["sla.clock.stopped", "sla.met"]
    assert fed.reasons() == ["internal_error"]


def test_an_erasure_ends_a_quarantine() -> None:
    """The right to be forgotten waits for no defect: one notice, the row is gone, and its name may be used anew."""
    fed = Fed()
    fed.open("case-1")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(decide, "wake", failing)
        fed.wait(clock(0, 50))
    assert fed.erase("case-1") == ["case.forgotten"]
    assert fed.statuses() == {}
    assert fed.partition.counts == [0, 0, 0, 0]
    assert fed.open("case-1", clock(0, 55)) == ["sla.clock.started"]


def test_orphans_of_a_case_in_quarantine_wait_and_begin_their_wait_anew() -> None:
    """They do not expire while nobody could open their case; taken up, the opening has a day to be replayed."""
    fed = Fed()
    fed.tell("case-1", "case.responded", clock(0, 5), "answer")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(decide, "fold", failing)
        fed.open("case-1", NINE, "opening")
    assert fed.reasons() == ["internal_error"]
    fed.wait(NINE + 3 * DAY)
    fed = again_with(fed)
    assert fed.reasons() == ["internal_error"]
    assert fed.partition.take_up("case-1", fed.wall) == ""
    fed.take()
    fed.wait(NINE + 4 * DAY - 1)
    assert fed.open("case-1", NINE, "opening")[-1] == "sla.met"
    assert fed.reasons() == ["internal_error"]


def test_a_case_that_is_woken_for_nothing_is_quarantined(monkeypatch: pytest.MonkeyPatch) -> None:
    """A timer that never moves on would be an endless loop of transactions."""

    def sleepy(_case: Case, _now: int, _packs: Packs, _bounds: Bounds) -> Decision:
        return Decision(notices=[])

    fed = Fed()
    fed.open("case-1")
    monkeypatch.setattr(decide, "wake", sleepy)
    assert fed.wait(clock(3)) == ["case.quarantined"]
    assert fed.notices[-1]["data"]["error"] == "AssertionError"


# --- bounds ---------------------------------------------------------------------------------------------------------


def stuffed(fed: Fed, count: int, *, apart: int = SECOND) -> None:
    """A case with so many large events that its row does not fit."""
    fed.wall = clock(5)
    fed.fold(b"case-1", event("case-1", "case.opened", NINE, "o", **A_CASE))
    for number in range(count):
        value = event("case-1", "case.labels_changed", clock(2) + number * apart, f"{number}", customer="x" * 190)
        fed.fold(b"case-1", value)


def test_a_row_above_64_kib_folds_its_oldest_facts_early() -> None:
    """Said once, counted, and the row is small again."""
    fed = Fed()
    stuffed(fed, 499)
    said = fed.take()
    assert said.count(HISTORY_FOLDED) == 1
    assert fed.batches[-1].folded_early > 0
    assert len(fed.state[b"case-1"]) <= engine.ROW_BYTES_MAX
    assert fed.tell("case-1", "case.responded", clock(2), "late") == []
    assert fed.reasons() == ["too_late"]


def test_an_early_fold_does_not_depend_on_where_batches_end() -> None:
    """The promise (a): the same events, the same notices, bytes and rows, one by one or all at once."""

    class OneByOne(Fed):
        def fold(self, key: bytes | None, value: bytes | None, headers: Headers = STRUCTURED) -> None:
            super().fold(key, value, headers)
            self.take()

    one_by_one, at_once = OneByOne(), Fed()
    stuffed(at_once, 450)
    at_once.take()
    stuffed(one_by_one, 450)
    assert one_by_one.notices == at_once.notices
    assert one_by_one.state == at_once.state


def test_the_timer_of_a_case_folded_early_is_kept() -> None:
    """All its facts in the base, an ended case waits to be forgotten instead of to shrink: it must be woken then."""
    fed = Fed()
    stuffed(fed, 391, apart=0)
    fed.fold(b"case-1", event("case-1", "case.resolved", clock(2), "z"))
    fed.take()
    assert fed.partition.next_due is not None
    assert fed.partition.next_due == fed.restarted().partition.next_due == rows.header(fed.state[b"case-1"])[1]


def test_decoded_cases_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least recently used are only bytes again, and answer all the same."""
    monkeypatch.setattr(engine, "WORKING_SET_MAX", 5)
    fed = Fed()
    for number in range(12):
        fed.open(f"case-{number}")
    fed.tell("case-7", "case.responded", NINE + 1)
    assert list(fed.partition._working) == [b"case-8", b"case-9", b"case-10", b"case-11", b"case-7"]
    assert fed.tell("case-0", "case.responded", NINE + 1) == ANSWERED
    assert len(fed.partition._working) == 5


def test_partitions_of_a_worker_share_its_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one partition may keep decoded, four may together, from the moment they are there."""
    monkeypatch.setattr(engine, "WORKING_SET_MAX", 8)
    partitions = 1
    fed = Fed(replace(RULES, partitions=lambda: partitions))
    for number in range(12):
        fed.open(f"case-{number}")
    assert len(fed.partition._working) == 8
    partitions = 4
    fed.open("case-12")
    assert list(fed.partition._working) == [b"case-11", b"case-12"]


def test_a_batch_larger_than_the_working_set_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is changed stays decoded until it is written."""
    monkeypatch.setattr(engine, "WORKING_SET_MAX", 5)
    fed = Fed()
    for number in range(12):
        fed.fold(b"case-%d" % number, event(f"case-{number}", "case.opened", NINE, "o", **A_CASE))
    fed.take()
    assert len(fed.state) == 13
    assert len(fed.partition._working) == 5


def test_stale_timers_are_swept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadline that moves a thousand times is one timer, not a thousand; none that counts is lost."""
    monkeypatch.setattr(engine, "WORKING_SET_MAX", 10)
    fed = Fed()
    fed.open("case-1")
    for minute in range(1, 40):
        severity = "AB"[minute % 2]
        fed.tell("case-1", "case.severity_changed", clock(0, minute), severity=severity)
        assert fed.partition.timers <= 2 * 1 + 10
    again = fed.restarted()
    assert fed.partition.next_due == again.partition.next_due
    assert fed.wait(NINE + 2 * DAY) == again.wait(NINE + 2 * DAY) != []


def test_a_closed_case_shrinks_after_the_horizon_and_is_forgotten_after_its_retention() -> None:
    """First to its base, then to a tombstone; nothing is said of either."""
    fed = Fed(rules(correction_horizon=DAY, retention=10 * DAY))
    fed.open("case-1")
    for minute in range(10):
        fed.tell("case-1", "case.labels_changed", clock(0, minute), customer="Contoso")
    fed.tell("case-1", "case.closed", clock(1))
    large = len(fed.state[b"case-1"])
    assert fed.wait(clock(1) + DAY + 1) == []
    assert len(fed.state[b"case-1"]) < large
    assert rows.decode_row("case-1", fed.state[b"case-1"], PACKS).case.facts == []
    assert fed.statuses() == {b"case-1": ENDED}
    fed = fed.restarted()
    assert fed.partition.next_due == clock(1) + 10 * DAY
    assert fed.wait(clock(1) + 10 * DAY - 1) == []
    assert fed.statuses() == {b"case-1": ENDED}
    assert fed.wait(clock(1) + 10 * DAY) == []
    assert fed.statuses() == {}
    assert fed.partition.counts == [0, 0, 0, 0]


# --- the key's own partition ----------------------------------------------------------------------------------------


def elsewhere(key: bytes, _partition: int) -> bool:
    return key == b"stray"


def test_a_misplaced_case_is_counted_and_served() -> None:
    """The first of its records here shows it; its notices are right, only its neighbours may be surprised."""
    fed = Fed(replace(RULES, is_misplaced=elsewhere))
    assert fed.open("stray") == ["sla.clock.started"]
    fed.open("home")
    assert [batch.mismatches for batch in fed.batches] == [1, 0]
    assert fed.reasons() == []


def test_a_misplaced_case_is_dead_lettered_where_that_is_asked_for() -> None:
    """SLA_PARTITION_CHECK=strict: two partitions must not each have half of a case."""
    fed = Fed(replace(RULES, is_misplaced=elsewhere, misplaced_is_dead=True))
    assert fed.open("stray") == []
    assert fed.reasons() == ["partition_mismatch"]
    assert fed.statuses() == {}
    assert fed.batches[-1].mismatches == 1


# --- time -----------------------------------------------------------------------------------------------------------


def test_timers_fire_in_the_order_of_instant_case_and_clock() -> None:
    """Across cases, whatever order they were opened in; inclusive of the watermark."""
    fed = Fed()
    for case_id in ("z", "a", "m"):
        fed.open(case_id)
    fed.open("early", clock(-1))
    fed.tell("m", "case.waiting_on_customer", clock(-1, 30))  # two silent hours from nine: at eleven, as 200 percent
    fed.notices.clear()
    fed.wait(clock(2))
    instants = [(notice["time"], notice["subject"]) for notice in fed.notices]
    later = instants[instants.index(("2026-01-05T09:45:00Z", "a")) :]
    assert later == sorted(later)
    at_eleven = [(n["subject"], n["type"]) for n in fed.notices if n["time"] == "2026-01-05T11:00:00Z"]
    assert at_eleven == [
        ("a", "sla.overdue"),
        ("m", "severity.downgrade_recommended"),
        ("m", "sla.overdue"),
        ("z", "sla.overdue"),
    ]


def test_firing_stops_at_its_maximum_and_says_that_there_is_more() -> None:
    """A thousand deadlines of one instant are several transactions; the last one says that nothing is left."""
    fed = Fed()
    for number in range(5):
        fed.open(f"case-{number}")
    fed.partition.advance(clock(0, 45))
    assert fed.partition.fire(clock(0, 45), 2)
    assert fed.partition.fire(clock(0, 45), 2)
    assert not fed.partition.fire(clock(0, 45), 2)
    assert fed.take() == ["sla.warning"] * 5


def test_a_deadline_ahead_of_the_watermark_waits() -> None:
    """The wall clock decides nothing."""
    fed = Fed()
    fed.open("case-1")
    fed.partition.advance(clock(0, 45) - 1)
    assert not fed.partition.fire(clock(9), 10)
    assert fed.take() == []
    assert fed.partition.next_due == clock(0, 45)


def test_the_watermark_never_goes_back() -> None:
    """Not by a slower clock, not by a restart: the row of the partition has it."""
    fed = Fed()
    fed.open("case-1")
    fed.wait(clock(1))
    fed.partition.advance(clock(0, 30))
    assert fed.partition.row.watermark == clock(1)
    fed = fed.restarted()
    assert fed.partition.row.watermark == clock(1)
    fed.partition.advance(0)
    assert fed.partition.row.watermark == clock(1)


# --- restoring ------------------------------------------------------------------------------------------------------


def test_a_restored_partition_counts_its_cases_and_knows_its_timers() -> None:
    """From the headers of its rows, without decoding one."""
    fed = Fed()
    fed.open("open")
    fed.open("closed")
    fed.tell("closed", "case.closed", clock(0, 1))
    fed.tell("orphan", "case.responded", clock(0, 1))
    again = fed.restarted()
    assert again.partition.counts == fed.partition.counts == [1, 1, 1, 0]
    assert again.partition.timers == 3
    assert again.partition.next_due == fed.partition.next_due == clock(0, 45)
    assert again.partition._working == {}
    assert again.partition.next_offset == 4


def test_rows_are_restored_in_the_order_of_the_topic() -> None:
    """The last one counts; a tombstone removes, also one of the partition's own row and one of an unknown key."""
    fed = Fed()
    fed.open("case-1")
    first = dict(fed.state)
    fed.tell("case-1", "case.closed", clock(0, 1))
    partition = Partition(0, RULES)
    partition.restore(b"unknown", None)
    for state in (first, fed.state):
        for key, value in state.items():
            partition.restore(key, value)
    partition.restored()
    assert partition.rows[b"case-1"] == fed.state[b"case-1"]
    assert partition.next_offset == 2
    partition = Partition(0, RULES)
    for key, value in first.items():
        partition.restore(key, value)
    partition.restore(b"case-1", None)
    partition.restore(PARTITION_KEY, None)
    partition.restored()
    assert (partition.rows, partition.row) == ({}, PartitionRow())


def packs(**changed: Any) -> Packs:
    """The built-in pack, changed."""
    return Packs(versions=tuple(replace(policy, **changed) for policy in PACKS.versions))


def test_a_pack_that_changed_under_its_version_is_refused() -> None:
    """Unless it has a new version, old verdicts would be judged by new rules."""
    fed = Fed()
    fed.open("case-1")
    with pytest.raises(UnsafeState, match=r"vendor-support/2026-01 .*new version"):
        Fed(replace(RULES, packs=packs(digest="another")), fed.state)


def test_a_pack_that_is_gone_is_refused() -> None:
    """Also when the state holds nothing but the name: no case may find out later."""
    fed = Fed()
    fed.open("case-1")
    with pytest.raises(UnsafeState, match="vendor-support"):
        Fed(replace(RULES, packs=packs(version="2027-01")), fed.state)


def test_a_row_of_a_newer_version_is_refused() -> None:
    """A rollback after an upgrade must not read what it does not understand."""
    fed = Fed()
    fed.open("case-1")
    newer = bytes([VERSION + 1]) + fed.state[b"case-1"][1:]
    with pytest.raises(UnsafeState, match="upgrade"):
        Fed(RULES, fed.state | {b"case-1": newer})


# --- laws: batch cuts and restarts ----------------------------------------------------------------------------------

# Bounds so short that a life of a few hours meets all of them.
SHORT = rules(correction_horizon=4 * HOUR, retention=8 * HOUR, orphan_window=3 * HOUR)
CASES = ("a", "b", "c")


def _told(kind: str, **data: Any) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    return st.just((kind, data))


TELLINGS = st.one_of(
    _told("case.opened", **A_CASE),
    _told("case.opened", **A_CASE),
    _told("case.opened", **(A_CASE | {"severity": "B", "country": "DE"})),
    _told("case.responded"),
    _told("case.waiting_on_customer"),
    _told("case.customer_responded"),
    _told("case.severity_changed", severity="B"),
    _told("case.severity_changed", severity="A"),
    _told("case.contact_attempted", reached=False),
    _told("case.labels_changed", customer="x"),
    _told("case.closed"),
    _told("case.severity_changed", severity="Z"),
    st.sampled_from(["e0", "e1", "e2", "e3"]).map(lambda each: ("case.fact_withdrawn", {"source": SOURCE, "id": each})),
)


@st.composite
def records(draw: st.DrawFn) -> tuple[bytes | None, bytes | None, Headers]:
    """An event of one of three cases around that Monday, seldom useless, seldom an erasure."""
    case_id = draw(st.sampled_from(CASES))
    luck = draw(st.integers(0, 19))
    if luck == 0:
        return case_id.encode(), b"garbage", STRUCTURED
    if luck == 1:
        return case_id.encode(), None, ()
    kind, data = draw(TELLINGS)
    at = clock(0, 15 * draw(st.integers(0, 40)))
    return case_id.encode(), event(case_id, kind, at, draw(st.sampled_from(["e0", "e1", "e2", "e3", "e4"])), **data), ()


Step = tuple[tuple[bytes | None, bytes | None, Headers] | None, int]  # a record (None: time passes) and the wall then


@st.composite
def days(draw: st.DrawFn) -> list[Step]:
    """What arrives, and when."""
    wall, steps = NINE, list[Step]()
    for _ in range(draw(st.integers(1, 20))):
        wall += draw(st.sampled_from([0, MINUTE, 30 * MINUTE, 2 * HOUR]))
        steps.append((draw(st.one_of(st.none(), records(), records(), records())), wall))
    return [*steps, (None, wall + 5 * HOUR), (None, wall + 30 * HOUR)]


law = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def live(steps: list[Step], given: Rules, after: Callable[[Fed], Fed]) -> Fed:
    """Feed it, `after` each step do something to it; what all of them said is kept in the last."""
    fed = Fed(given)
    for record, wall in steps:
        fed.wall = wall
        if record is not None:
            fed.fold(*record)
        else:
            fed.partition.advance(wall)
            while fed.partition.fire(wall, 2):
                pass
        fed = after(fed)
    fed.take()
    return fed


def taken(fed: Fed) -> Fed:
    fed.take()
    return fed


def without_packs(row: PartitionRow) -> PartitionRow:
    """A case that came and went within one batch has never named its pack in a row."""
    return msgspec.structs.replace(row, packs={})


@law
@given(days(), st.data())
def test_where_batches_end_changes_nothing(steps: list[Step], data: st.DataObject) -> None:
    """The promise (b): the concatenated notices and dead letters are the same bytes, and so is the state."""

    def sometimes(fed: Fed) -> Fed:
        return taken(fed) if data.draw(st.booleans()) else fed

    given = replace(SHORT, future_tolerance=None)
    one_by_one, cut = live(steps, given, taken), live(steps, given, sometimes)
    assert cut.notices == one_by_one.notices
    assert cut.dead == one_by_one.dead
    assert cut.counted == one_by_one.counted
    assert cut.partition.rows == one_by_one.partition.rows
    assert without_packs(cut.partition.row) == without_packs(one_by_one.partition.row)
    assert cut.partition.counts == one_by_one.partition.counts


@law
@given(days())
def test_a_restored_partition_decides_as_the_one_that_never_stopped(steps: list[Step]) -> None:
    """Restarted after every record: the same notices, dead letters, next deadline and state."""
    deadlines: dict[bool, list[int | None]] = {True: [], False: []}

    def restarted(fed: Fed) -> Fed:
        fed.take()
        again = fed.restarted()
        again.notices, again.dead = fed.notices, fed.dead
        again.partition.advance(fed.partition.row.watermark)  # an advance that decided nothing is not written
        deadlines[True].append(again.partition.next_due)
        return again

    def kept(fed: Fed) -> Fed:
        fed.take()
        deadlines[False].append(fed.partition.next_due)
        return fed

    stopped, never = live(steps, SHORT, restarted), live(steps, SHORT, kept)
    assert deadlines[True] == deadlines[False]
    assert stopped.notices == never.notices
    assert stopped.dead == never.dead
    assert stopped.state == never.state
    assert stopped.partition.counts == never.partition.counts
