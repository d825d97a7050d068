"""What a partition did against the oracle, without a broker: clean as it was, and each doubt where it applies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sla_monitor.core import decide
from sla_monitor.core.facts import DAY, MINUTE
from sla_monitor.engine.records import Headers, Record
from sla_monitor.engine.verify.case import Court, Tally
from sla_monitor.engine.verify.cut import Cut
from sla_monitor.engine.verify.deployment import of_the_partition
from sla_monitor.engine.verify.evidence import CaseEvidence, Evidence
from sla_monitor.oracle import Plans
from sla_monitor.wire import rows
from sla_monitor.wire.rows import PARTITION_KEY
from tests.engine.feeding import NINE, PACKS, RULES, STRUCTURED, Fed, clock

PLANS = Plans.load()


class Watched(Fed):
    """Keeps what went in, as the topics would."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.records: list[Record] = []

    def fold(self, key: bytes | None, value: bytes | None, headers: Headers = STRUCTURED) -> None:
        self.records.append(Record(self.offset, self.wall // 1_000, key, value, headers))
        super().fold(key, value, headers)

    @property
    def cut(self) -> Cut:
        """Of everything, nothing gone."""
        row = self.partition.row
        return Cut(
            applied=row.applied,
            watermark=row.watermark,
            judged_at=row.watermark,
            reached=True,
            events_gone_to=-1,
            notices_gone_to=-1,
            dead_gone_to=-1,
        )

    def evidence(self) -> Evidence:
        found = Evidence()
        found.add_events(
            (each.key, each.offset, each.timestamp, each.value, list(each.headers)) for each in self.records
        )
        said = [(batch.applied, notice) for batch in self.batches for notice in batch.notices]
        found.add_notices(
            (notice.key, place, self.wall // 1_000, applied, notice.value)
            for place, (applied, notice) in enumerate(said)
        )
        found.add_dead((letter.offset, letter.reason) for letter in self.dead)
        found.add_rows((key, *rows.header(value)) for key, value in self.state.items() if key != PARTITION_KEY)
        found.index()
        return found

    def tried(self, cut: Cut | None = None, spoil: Callable[[CaseEvidence], None] | None = None, **court: Any) -> Tally:
        """Judged, each case after `spoil` had it."""
        tally = Tally()
        judge = Court(plans=PLANS, packs=PACKS, cut=cut or self.cut, partition=0, **court)
        with self.evidence() as evidence:
            for case in evidence.cases():
                if spoil:
                    spoil(case)
                judge.hear(case, tally)
            tally.note(of_the_partition(evidence, evidence.repeated_dead(), judge.cut, 0, None))
        return tally


@pytest.fixture
def busy() -> Watched:
    """A breach taken back, an erasure and another life, an orphan, garbage with a key and without, a duplicate."""
    fed = Watched()
    fed.open("case-1")
    fed.open("case-2", NINE, "again")
    fed.tell("case-3", "case.responded", NINE, "early")
    fed.wait(clock(1, 10))
    fed.tell("case-1", "case.responded", clock(0, 30))
    fed.erase("case-2")
    fed.open("case-2", NINE, "again")
    fed.open("case-2", NINE, "again")
    fed.open("case-3", NINE)
    fed.fold(b"case-4", b"no JSON")
    fed.fold(None, b"{}")
    fed.take()
    fed.wait(clock(2))
    return fed


def spoilt(case_id: str, change: Callable[[CaseEvidence], None]) -> Callable[[CaseEvidence], None]:
    def spoil(case: CaseEvidence) -> None:
        if case.key == case_id.encode():
            change(case)

    return spoil


def without_last_notice(case: CaseEvidence) -> None:
    case.notices = case.notices[:-1]


def test_what_the_worker_did_is_clean(busy: Watched) -> None:
    """Every case once, nothing unverifiable, one digest."""
    tally = busy.tried()
    assert (tally.counts, tally.unverifiable) == ({}, {})
    assert tally.expected.hexdigest() == tally.found.hexdigest()
    assert (tally.cases, tally.records, tally.dead) == (5, len(busy.records), 2)
    assert tally.notices == len(busy.notices) > 10


def test_what_is_sent_again_alike_is_a_finding_unless_the_journal_may(busy: Watched) -> None:
    """Exactly once means once; at least once means the same to the byte."""

    def said_again(case: CaseEvidence) -> None:
        case.notices = [*case.notices, case.notices[-1]]

    assert busy.tried(spoil=spoilt("case-1", said_again)).counts == {"repeated": 1}
    tally = busy.tried(spoil=spoilt("case-1", said_again), may_repeat=True)
    assert (tally.counts, tally.repeats) == ({}, 1)

    def otherwise(case: CaseEvidence) -> None:
        again = case.notices[-1]
        case.notices = [*case.notices, replace(again, value=(again.value or b"").replace(b"Z", b"+00:00"))]

    assert busy.tried(spoil=spoilt("case-1", otherwise), may_repeat=True).counts["repeated"] == 1


def test_a_notice_that_is_not_there_is_missing(busy: Watched) -> None:
    tally = busy.tried(spoil=spoilt("case-1", without_last_notice))
    assert (tally.counts, tally.unverifiable) == ({"missing": 1}, {})
    assert tally.expected.hexdigest() != tally.found.hexdigest()


def test_up_to_an_instant_what_is_about_later_ones_does_not_count(busy: Watched) -> None:
    """On neither side."""
    last = spoilt("case-2", without_last_notice)
    assert busy.tried(spoil=last).counts.total() == 1
    assert busy.tried(spoil=last, until=NINE + MINUTE).counts.total() == 0
    assert busy.tried(until=NINE).found.hexdigest() != busy.tried(until=clock(1)).found.hexdigest()


def test_a_state_row_that_is_not_there_is_a_finding(busy: Watched) -> None:
    def no_row(case: CaseEvidence) -> None:
        case.status = None

    def a_row(case: CaseEvidence) -> None:
        case.status = rows.OPEN

    assert busy.tried(spoil=spoilt("case-1", no_row)).counts == {"state": 1}
    assert busy.tried(spoil=spoilt("case-4", a_row)).counts == {"state": 1}


def test_what_is_no_notice_is_extra(busy: Watched) -> None:
    def garbage(case: CaseEvidence) -> None:
        case.notices.append(replace(case.notices[0], value=b"no JSON"))

    assert busy.tried(spoil=spoilt("case-1", garbage)).counts == {"extra": 1}


@pytest.mark.parametrize(
    ("case_id", "change", "cut", "why"),
    [
        ("case-1", without_last_notice, {"notices_gone_to": 0}, "notices_gone"),
        ("case-1", without_last_notice, {"dead_gone_to": 0}, "dead_letters_gone"),
        ("case-1", lambda case: case.records.pop(0), {"events_gone_to": 0}, "events_gone"),
        ("case-1", without_last_notice, {"events_gone_to": 0}, "events_gone"),
    ],
)
def test_what_retention_took_cannot_be_told(
    busy: Watched, case_id: str, change: Callable[[CaseEvidence], Any], cut: dict[str, Any], why: str
) -> None:
    """Of a case that may have lost something. Of one that began later it can, and where nothing differs it is told."""
    gone = replace(busy.cut, **cut)
    tally = busy.tried(gone, spoil=spoilt(case_id, change))
    assert (tally.counts, tally.unverifiable) == ({}, {why: 1})
    assert busy.tried(gone).unverifiable == {}
    assert busy.tried(gone, spoil=spoilt("case-3", without_last_notice)).counts == {"missing": 1}


def test_a_pack_that_is_not_loaded_cannot_be_told(busy: Watched) -> None:
    def other_pack(case: CaseEvidence) -> None:
        case.notices = [
            replace(said, value=(said.value or b"").replace(b'"version":"', b'"version":"un')) for said in case.notices
        ]

    assert busy.tried(spoil=spoilt("case-1", other_pack)).unverifiable == {"no_pack": 1}


def test_what_is_just_firing_cannot_be_told(busy: Watched) -> None:
    """Its row says that something is due: the next transaction says it."""

    def due(case: CaseEvidence) -> None:
        case.wake_at = busy.cut.watermark
        without_last_notice(case)

    assert busy.tried(spoil=spoilt("case-1", due)).unverifiable == {"firing": 1}


def test_an_ended_case_heard_of_again_after_its_retention_cannot_be_told() -> None:
    """It is gone from the state, and an event about it waits for an opening. Before that it is as any other."""
    fed = Watched(replace(RULES, bounds=decide.Bounds(correction_horizon=DAY, retention=3 * DAY)))
    fed.open("case-1")
    fed.tell("case-1", "case.closed", clock(0, 30))
    assert fed.tried(retention=3 * DAY).counts == {}
    fed.wait(NINE + 10 * DAY)
    assert fed.statuses() == {}
    assert fed.tried(retention=3 * DAY).unverifiable == {"retention": 1}
    assert fed.tried(retention=30 * DAY).counts == {"state": 1}


def test_a_quarantined_case_cannot_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it is taken up again, or erased and told anew."""
    fed = Watched()
    fed.open("case-1", NINE, "o")
    with monkeypatch.context() as broken:
        broken.setattr(decide, "fold", lambda *_arguments: 1 / 0)
        fed.tell("case-1", "case.responded", clock(0, 30))
    assert fed.reasons() == ["internal_error"]
    assert (fed.tried().counts, fed.tried().unverifiable) == ({}, {"quarantined": 1})
    fed.wait(clock(2))
    assert fed.partition.take_up("case-1", fed.wall) == ""
    fed.take()
    assert (fed.tried().counts, fed.tried().unverifiable) == ({}, {})
    fed.tell("case-1", "case.responded", clock(0, 30))
    assert (fed.tried().counts, fed.tried().unverifiable) == ({}, {})
    fed.erase("case-1")
    fed.open("case-1", NINE, "o")
    fed.wait(clock(3))
    assert (fed.tried().counts, fed.tried().unverifiable) == ({}, {})


def test_examples_are_few_and_counts_are_all(busy: Watched) -> None:
    tally = busy.tried(spoil=lambda case: case.notices.clear())
    assert tally.counts["missing"] == len(tally.examples) > 10
    tally.examples_max = 3
    tally.keep_examples()
    assert len(tally.examples) == 3
