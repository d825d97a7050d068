"""A file of arrivals on a clock of its own: when what is read, when what fires, and what is said then."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sla_monitor.core.facts import DAY, MINUTE
from sla_monitor.core.times import iso
from sla_monitor.engine import simulation
from sla_monitor.engine.records import DeadLetter, Outgoing
from sla_monitor.engine.simulation import Arrival, Simulation, arrival_of, arrivals
from tests.engine.feeding import A_CASE, NINE, PACKS, clock, event


def line(case_id: str, kind: str, at: int, identity: str, arrived: int | None = None, /, **data: Any) -> bytes:
    """One line of the file."""
    value = event(case_id, kind, at, identity, **data)
    if arrived is not None:
        value = json.dumps(json.loads(value) | {"arrivedat": iso(arrived)}).encode()
    return value + b"\n"


def opened(case_id: str = "case-1", at: int = NINE, arrived: int | None = None) -> bytes:
    return line(case_id, "case.opened", at, f"{case_id}-o", arrived, **A_CASE)


def responded(at: int, arrived: int | None = None, case_id: str = "case-1") -> bytes:
    return line(case_id, "case.responded", at, f"{case_id}-r", arrived)


class Told:
    """What a simulation said and buried."""

    def __init__(self, lines: Iterable[bytes], until: int | None = None, *, for_good: bool = False) -> None:
        said: list[Outgoing] = []
        self.dead: list[DeadLetter] = []
        told = Simulation(PACKS, said.append, self.dead.append)
        if for_good:
            for record, now in arrivals(lines, until):
                told.hear(record, now)
            told.end_for_good(until)
        else:
            told.run(lines, until)
        self.said = [notice.value for notice in said]
        self.notices: list[dict[str, Any]] = [json.loads(each) for each in self.said]

    @property
    def kinds(self) -> list[str]:
        return [notice["type"].removeprefix("sla.") for notice in self.notices]

    @property
    def emitted(self) -> list[tuple[str, str]]:
        return [(kind, notice["emittedat"][11:-1]) for kind, notice in zip(self.kinds, self.notices, strict=True)]

    @property
    def places(self) -> list[tuple[str, int]]:
        """(reason, line) of each dead letter."""
        return [(each.reason, each.offset + 1) for each in self.dead]


# --- the clock of a file ----------------------------------------------------------------------------------------------


def test_timers_up_to_an_arrival_fire_before_its_line() -> None:
    """Inclusive: a deadline at the very arrival comes first. What is said carries the simulated now."""
    told = Told([opened(), line("case-1", "case.customer_responded", clock(0, 45), "c")])
    assert told.emitted == [("clock.started", "09:00:00"), ("warning", "09:45:00")]
    told = Told([opened(), responded(clock(1))])
    assert told.emitted == [
        ("clock.started", "09:00:00"),
        ("warning", "10:00:00"),
        ("warning", "10:00:00"),
        ("breached", "10:00:00"),
        ("clock.stopped", "10:00:00"),
        ("met", "10:00:00"),
    ]
    assert [notice["time"][11:-1] for notice in told.notices[1:4]] == ["09:45:00", "09:54:00", "10:00:00"]


def test_a_line_arrives_at_its_arrivedat() -> None:
    """An answer in time that was told late: what had been said before is taken back."""
    told = Told([opened(), responded(clock(0, 30), clock(1, 10))])
    assert told.kinds[:4] == ["clock.started", "warning", "warning", "breached"]
    assert told.kinds[4:] == ["retracted"] * 3 + ["clock.stopped", "met"]
    assert {notice["emittedat"] for notice in told.notices[1:]} == {"2026-01-05T10:10:00Z"}
    assert [notice["detected"] for notice in told.notices[3:]] == ["live"] + ["correction"] * 5


def test_time_never_falls() -> None:
    """A line out of order arrives when it is its turn: later than the line before, never before it."""
    told = Told([opened("case-1", clock(2)), opened("case-2", NINE, clock(1))])
    assert told.emitted == [("clock.started", "11:00:00"), ("clock.started", "11:00:00")] + [
        (kind, "11:00:00") for kind in ("warning", "warning", "breached", "overdue", "overdue")
    ]


def test_without_an_end_time_stands_still_after_the_last_arrival() -> None:
    """Nothing is known of what came later."""
    assert Told([opened()]).kinds == ["clock.started"]
    assert Told([]).kinds == []


def test_the_end_is_inclusive_for_timers() -> None:
    """One microsecond before, the breach is not said."""
    assert Told([opened()], clock(1)).kinds[-1] == "breached"
    assert Told([opened()], clock(1) - 1).kinds[-1] == "warning"
    assert {notice["emittedat"] for notice in Told([opened()], clock(1)).notices[1:]} == {"2026-01-05T10:00:00Z"}


def test_the_end_is_inclusive_for_events() -> None:
    """An event at the end is read, one after it is not."""
    lines = [opened(), responded(clock(0, 30))]
    assert Told(lines, clock(0, 30)).kinds[-1] == "met"
    assert Told(lines, clock(0, 30) - 1).kinds == ["clock.started"]


def test_a_line_beyond_the_end_is_as_if_it_were_not_there() -> None:
    """It moves no clock and is not judged; what stands behind it and arrived in time is read."""
    bad = line("case-1", "case.plan_changed", clock(3), "p", plan="gold")
    told = Told([opened("late", clock(3)), bad, opened(), b"garbage\n"], clock(0, 45))
    assert told.emitted == [("clock.started", "09:00:00"), ("warning", "09:45:00")]
    assert told.places == [("not_json", 4)]


def test_an_end_before_the_first_arrival_says_nothing() -> None:
    """There is no state before it."""
    assert Told([opened()], NINE - DAY).said == []


def test_no_event_is_in_the_future() -> None:
    """A file knows no wall clock; an event ahead of its arrival is read as it is."""
    told = Told([opened("case-1", clock(100), NINE)])
    assert (told.kinds, told.dead) == (["clock.started"], [])


def test_an_orphan_expires_after_a_simulated_day() -> None:
    """And is named by its own line."""
    told = Told([b"\n", responded(NINE), opened("case-2", NINE + DAY)])
    assert told.places == [("orphan_expired", 2)]


def test_timers_across_cases_fire_in_the_order_of_instant_case_and_clock() -> None:
    """Whatever the order of the lines."""
    told = Told([opened("b"), opened("a"), opened("c", clock(-1), NINE)], clock(0, 45))
    fired = [(notice["time"], notice["subject"]) for notice in told.notices[-2:]]
    assert fired == [("2026-01-05T09:45:00Z", "a"), ("2026-01-05T09:45:00Z", "b")]


def test_many_timers_of_one_instant_are_all_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than go into one batch."""
    monkeypatch.setattr(simulation, "STEPS_AT_ONCE", 2)
    told = Told([opened(f"case-{number}") for number in range(5)], clock(0, 45))
    assert told.kinds == ["clock.started"] * 5 + ["warning"] * 5


# --- lines ------------------------------------------------------------------------------------------------------------


def test_empty_lines_are_skipped_and_still_counted() -> None:
    """So that the number of a line is the one an editor shows."""
    told = Told([b"\n", b"  \t\r\n", opened(), b"\r\n", b"{}\n"])
    assert told.kinds == ["clock.started"]
    assert told.places == [("invalid", 5)]


def test_lines_may_end_as_they_do_elsewhere() -> None:
    """CRLF, and no newline at the end of the file."""
    told = Told([opened().replace(b"\n", b"\r\n"), responded(clock(0, 1)).rstrip()])
    assert told.kinds == ["clock.started", "clock.stopped", "met"]


NO_JSON = [b"garbage", b"\xff\xfe", b'{"time": ', b"[" * 5_000, b'{"subject": "\\ud800"}', b"\x00", b"NaN"]


@pytest.mark.parametrize("garbage", NO_JSON)
def test_garbage_is_a_dead_letter_and_the_rest_goes_on(garbage: bytes) -> None:
    """Whatever it is; time stands still for it."""
    told = Told([opened(), garbage + b"\n", responded(clock(0, 1))])
    assert told.places == [("not_json", 2)]
    assert told.kinds == ["clock.started", "clock.stopped", "met"]


@pytest.mark.parametrize("odd", [b"1", b"[]", b"null", b'"text"', b"{}", b'{"subject": 1, "time": 5, "arrivedat": []}'])
def test_json_that_is_no_event_is_a_dead_letter(odd: bytes) -> None:
    """It has neither a case nor a time."""
    assert arrival_of(odd) == Arrival(key=None, at=None)
    assert Told([odd]).places == [("invalid", 1)]


def test_a_byte_order_mark_is_not_json() -> None:
    """RFC 8259 forbids it in a text that is sent: the line is named instead of guessed at."""
    told = Told([b"\xef\xbb\xbf" + opened("case-2"), opened()])
    assert told.places == [("not_json", 1)]
    assert told.kinds == ["clock.started"]


def test_an_event_that_is_refused_moves_time_all_the_same() -> None:
    """Its arrival is a fact, whatever is wrong with what it says."""
    told = Told([opened(), line("case-1", "case.plan_changed", clock(1), "p", plan="gold")])
    assert told.places == [("invalid", 2)]
    assert told.kinds[-1] == "breached"


def test_an_arrivedat_of_null_is_none() -> None:
    """Null means absent, as in every attribute of a CloudEvent: the event's own time counts."""
    late = json.dumps(json.loads(responded(clock(1))) | {"arrivedat": None}).encode()
    assert arrival_of(late) == Arrival(key=b"case-1", at=clock(1))
    assert Told([opened(), late]).kinds[3] == "breached"


@pytest.mark.parametrize("time", ["yesterday", "2026-01-05T09:00:00", "1999-01-05T09:00:00Z", 5])
def test_a_time_that_cannot_be_read_leaves_the_clock_where_it_is(time: object) -> None:
    """The line is refused, or read at the arrival before it."""
    broken = json.dumps(json.loads(responded(clock(1))) | {"time": time}).encode()
    assert arrival_of(broken).at is None
    told = Told([opened(), broken])
    assert told.kinds == ["clock.started"]
    assert [reason for reason, _ in told.places] in (["bad_time"], ["invalid"])


# --- the same for everybody -------------------------------------------------------------------------------------------


@st.composite
def files(draw: st.DrawFn) -> list[bytes]:
    """Two cases, told late, early, twice or wrongly."""
    lines = [opened(), opened("case-2", draw(st.sampled_from([NINE, clock(0, 45)])))]
    for number in range(draw(st.integers(0, 8))):
        case_id = draw(st.sampled_from(["case-1", "case-2", "case-3"]))
        kind, data = draw(
            st.sampled_from(
                [
                    ("case.responded", {}),
                    ("case.severity_changed", {"severity": "B"}),
                    ("case.severity_changed", {"severity": "A"}),
                    ("case.waiting_on_customer", {}),
                    ("case.closed", {}),
                    ("case.plan_changed", {"plan": "gold"}),
                    ("case.fact_withdrawn", {"source": "crm", "id": f"e{number - 1}"}),
                ]
            )
        )
        at = clock(0, 15 * draw(st.integers(0, 16)))
        arrived = draw(st.sampled_from([None, at + 20 * MINUTE, at - MINUTE]))
        lines.append(line(case_id, kind, at, f"e{draw(st.sampled_from([number, 0]))}", arrived, **data))
    return draw(st.permutations(lines))


modest = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@modest
@given(files())
def test_the_same_lines_give_the_same_bytes(lines: list[bytes]) -> None:
    """Contract: no clock, no chance, no memory of the run before."""
    one, other = Told(lines, clock(9)), Told(lines, clock(9))
    assert (one.said, one.dead) == (other.said, other.dead)


@modest
@given(files(), st.integers(1, 5))
def test_where_batches_end_changes_no_byte(lines: list[bytes], steps: int) -> None:
    """Rows are encoded once for several steps: neither notices nor dead letters show after how many."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(simulation, "STEPS_AT_ONCE", steps)
        one = Told(lines, clock(24 * 500))
    other = Told(lines, clock(24 * 500))
    assert (one.said, one.dead) == (other.said, other.dead)


@modest
@given(files(), st.integers(1, 500))
def test_an_end_for_good_says_the_same(lines: list[bytes], days: int) -> None:
    """Closing history after the last record says nothing, neither does its row."""
    one, other = (Told(lines, clock(24 * days), for_good=for_good) for for_good in (False, True))
    assert (one.said, one.dead) == (other.said, other.dead)


@modest
@given(files(), st.integers(-1, 20))
def test_an_earlier_end_is_the_beginning_of_a_later_one(lines: list[bytes], quarters: int) -> None:
    """What is said up to an instant does not depend on what arrives after it, but for when it is said."""
    until = clock(0, 15 * quarters)
    lines = sorted(lines, key=lambda each: arrival_of(each).at or 0)
    short, full = Told(lines, until), Told(lines, clock(9))
    for told in (short, full):
        for notice in told.notices:
            del notice["emittedat"]
    assert short.notices == full.notices[: len(short.notices)]
    assert short.dead == full.dead[: len(short.dead)]
