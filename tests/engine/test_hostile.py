"""What somebody who may write to the input cannot do: make memory or state grow without a bound.

The bounds themselves are constants beside what they bound. Where a test needs a flood, it lowers them; one test runs
the real ones in a process with little memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from sla_monitor.core import decide
from sla_monitor.core.facts import DAY
from sla_monitor.engine import partition as engine
from sla_monitor.engine.records import Record
from sla_monitor.engine.shard import TRANSACTION_BYTES_MAX
from sla_monitor.wire.rows import ORPHANED, PARTITION_KEY, decode_row
from tests.engine.feeding import A_CASE, NINE, PACKS, SOURCE, Fed, clock, event, rules

MIB = 1 << 20


def orphan(fed: Fed, case_id: str, identity: str = "e", **data: Any) -> None:
    fed.fold(case_id.encode(), event(case_id, "case.labels_changed", NINE, identity, **data))


# --- cases that nobody opens ------------------------------------------------------------------------------------------


def test_made_up_cases_take_no_more_than_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is a row for a day: beyond so many in a partition their events are dead letters; those that wait go on
    waiting, and the opening of one makes room for another."""
    monkeypatch.setattr(engine, "WAITING_CASES_MAX", 3)
    fed = Fed()
    for number in range(5):
        orphan(fed, f"case-{number}")
    fed.take()
    assert fed.reasons() == ["orphan_overflow"] * 2
    assert fed.statuses() == {f"case-{number}".encode(): ORPHANED for number in range(3)}
    orphan(fed, "case-0", "another")
    fed.open("case-1")
    orphan(fed, "case-5")
    orphan(fed, "case-6")
    fed.take()
    assert fed.reasons() == ["orphan_overflow"] * 3
    assert fed.open("case-7") == ["sla.clock.started"], "a case that is opened waits for nothing"


@pytest.mark.parametrize("restarted", [False, True])
def test_the_bytes_of_what_waits_are_bounded(monkeypatch: pytest.MonkeyPatch, restarted: bool) -> None:  # noqa: FBT001
    """Together, whatever the number of cases; a restart counts the same, and what expires or is erased makes room."""
    monkeypatch.setattr(engine, "WAITING_BYTES_MAX", 10_000)
    fed = Fed()
    for number in range(40):
        orphan(fed, f"case-{number}", customer="x" * 200)
        if number % 3 == 0:
            fed.take()
            if restarted:
                again = fed.restarted()
                again.dead = fed.dead
                fed = again
    fed.take()
    assert fed.reasons() == ["orphan_overflow"] * 25
    assert sum(len(value) for key, value in fed.state.items() if key != PARTITION_KEY) < 10_000 + 1_000
    fed.erase("case-0")
    orphan(fed, "case-50")
    orphan(fed, "case-51", customer="x" * 200, product="y" * 200)
    fed.take()
    assert fed.reasons() == ["orphan_overflow"] * 26
    fed.wait(NINE + DAY)
    assert fed.statuses() == {}
    assert fed.partition._waiting_bytes == 0
    orphan(fed, "case-52", customer="x" * 200)
    fed.take()
    assert fed.statuses() == {b"case-52": ORPHANED}


def test_openings_that_were_withdrawn_before_they_came_are_bounded() -> None:
    """A withdrawal, then its opening, again and again: neither waits, both are kept as facts. A true opening is taken
    all the same."""
    fed = Fed()
    for number in range(95):
        fed.fold(b"c", event("c", "case.fact_withdrawn", NINE, f"w{number}", source=SOURCE, id=f"o{number}"))
        fed.fold(b"c", event("c", "case.opened", NINE, f"o{number}", **A_CASE, customer="x" * 200))
    fed.take()
    assert set(fed.reasons()) == {"orphan_overflow"}
    assert len(fed.state[b"c"]) < 2 * engine.ROW_BYTES_MAX
    assert fed.open("c", NINE, "true") == ["sla.clock.started"]


def test_a_flood_of_made_up_cases_ends_within_its_memory() -> None:
    """400 MB of events of cases that nobody opens, in a process that may take 200 MiB; without the bound it dies."""
    assert flooded(waiting_mebibytes_max=64)["dead"] > 5_000
    with pytest.raises(subprocess.CalledProcessError) as ended:
        flooded(waiting_mebibytes_max=100_000)
    assert ended.value.returncode == 9


def flooded(*, waiting_mebibytes_max: int) -> dict[str, int]:
    command = [sys.executable, "-m", "tests.engine.hostile", "200", "10000", str(waiting_mebibytes_max)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, int] = json.loads(done.stdout)
    return found


# --- one case, one record ---------------------------------------------------------------------------------------------


def test_a_case_that_is_told_for_ever_keeps_its_size() -> None:
    """Withdrawals of what never was are facts like any other: 500 of them, then the older half is folded."""
    fed = Fed()
    fed.open("c")
    for number in range(3 * decide.FACTS_MAX):
        value = event("c", "case.fact_withdrawn", clock(0, 1) + number, f"w{number}", source=SOURCE, id=f"n{number}")
        fed.wall = clock(1)
        fed.fold(b"c", value)
    fed.take()
    assert len(fed.state[b"c"]) <= engine.ROW_BYTES_MAX + engine.MEASURED_EVERY_FACTS * 3_000
    row = decode_row("c", fed.state[b"c"], PACKS)
    assert len(row.case.facts) <= decide.FACTS_MAX
    assert set(fed.reasons()) <= {"too_late"}


def peak_of(action: Callable[[], object]) -> int:
    """The most memory it took at once, in bytes."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def spoilt(**attributes: Any) -> bytes:
    return json.dumps(json.loads(event("c", "case.opened", NINE, "o", **A_CASE)) | attributes).encode()


def opened_with(**data: Any) -> bytes:
    return event("c", "case.opened", NINE, "o", **A_CASE, **data)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(b"[" * 200_000, "not_json", id="deep"),
        pytest.param(b'{"type":' * 25_000, "not_json", id="deep objects"),
        pytest.param(spoilt().replace(b'"1.0"', b"1" + b"0" * 4_000), "invalid", id="large integer"),
        pytest.param(spoilt(sequence="9" * 4_000), "invalid", id="large sequence in digits"),
        pytest.param(
            spoilt(sequence=1).replace(b'"sequence": 1', b'"sequence": 1' + b"0" * 4_000), "invalid", id="sequence"
        ),
        pytest.param(
            opened_with(targets={"initial_response": 1}).replace(b'response": 1', b'response": 1' + b"0" * 4_000),
            "invalid",
            id="large target",
        ),
        pytest.param(opened_with(targets={f"t{number}": 1 for number in range(20_000)}), "invalid", id="targets"),
        pytest.param(opened_with(traits=["custom_code"] * 15_000), "invalid", id="long list"),
        pytest.param(opened_with(customer="x" * 200_000), "invalid", id="long label"),
        pytest.param(b"{" + b",".join(b'"k%d":0' % n for n in range(20_000)) + b"}", "invalid", id="keys"),
        pytest.param(b" " * (1 << 20), "too_large", id="large"),
    ],
)
def test_one_record_takes_little_whatever_it_holds(value: bytes, reason: str) -> None:
    """A dead letter like any other; the next record is folded. Its reading takes a few times its size in memory."""
    fed = Fed()
    peak = peak_of(lambda: fed.fold(b"c", value))
    fed.take()
    assert fed.reasons() == [reason]
    assert len(fed.dead[0].headers[2][1]) < 200
    assert peak < 8 * MIB
    assert fed.open("c") == ["sla.clock.started"]


def test_headers_count_where_records_wait() -> None:
    """A megabyte of headers of a few bytes each: as a queue and a transaction count it, it is tens of megabytes."""
    made_up = [(f"h{number}", b"x") for number in range(100_000)]
    assert Record(0, 0, b"c", b"{}", made_up).size > 15 * MIB > TRANSACTION_BYTES_MAX
    assert Record(0, 0, b"c", b"{}").size == 3


def test_thousands_of_headers_are_one_dead_letter() -> None:
    """Too large to wait for an opening, and too large to be kept whole: size and hash."""
    fed = Fed()
    headers = [(f"h{number}", b"x" * 100) for number in range(10_000)]
    fed.fold(b"c", event("c", "case.labels_changed", NINE, "e", queue="x"), headers)
    fed.take()
    assert fed.reasons() == ["orphan_overflow"]
    assert fed.statuses() == {}


# --- floods -----------------------------------------------------------------------------------------------------------


def test_erasures_of_what_nobody_knows_leave_nothing() -> None:
    """Neither rows nor notices nor tombstones: one count each."""
    fed = Fed()
    for number in range(5_000):
        fed.fold(b"made-up-%d" % number, None, ())
    fed.take()
    assert set(fed.state) == {PARTITION_KEY}
    assert fed.batches[-1].rows[:-1] == []
    assert fed.counted["unknown_case"] == 5_000
    assert not fed.partition._gone
    assert not fed.partition._working


def test_a_flood_of_unknown_types_stops_the_partition() -> None:
    """The breaker, not the dead-letter topic, is where it ends."""
    fed = Fed()
    for number in range(600):
        fed.fold(b"c", event("c", "case.made_up", NINE, f"e{number}"))
        if fed.partition.breaker.tripped:
            break
    assert number == 500


def test_types_of_others_and_unknown_fields_are_not_remembered() -> None:
    """What is counted by its name is of a known set."""
    fed = Fed()
    for number in range(1_000):
        fed.fold(b"c", event("c", f"other.made_up_{number}", NINE, f"e{number}"))
    fed.take()
    assert dict(fed.counted) == {"other_type": 1_000}
    assert len(fed.state[PARTITION_KEY]) < 300


def test_decoded_cases_are_bounded_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two thousand cases of the largest size would be hundreds of megabytes."""
    monkeypatch.setattr(engine, "WORKING_BYTES_MAX", 20_000)
    fed = Fed(rules())
    for number in range(60):
        fed.open(f"case-{number}")
        for each in range(5):
            fed.tell(f"case-{number}", "case.labels_changed", clock(0, 1) + each, customer="x" * 200)
        decoded = sum(len(fed.partition.rows[key]) for key in fed.partition._working)
        assert decoded <= 20_000
    assert fed.tell("case-0", "case.responded", clock(0, 2)) == ["sla.clock.stopped", "sla.met"]
