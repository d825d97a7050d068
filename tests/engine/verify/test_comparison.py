"""Each kind of finding from made-up sets: where nothing is wrong none, where one thing is wrong one."""

from __future__ import annotations

from typing import Any

import pytest

from sla_monitor.core.times import iso
from sla_monitor.engine.verify.case import dead_letters
from sla_monitor.engine.verify.digest import Digest, canonical
from sla_monitor.engine.verify.findings import Finding, compare
from sla_monitor.engine.verify.lateness import Lateness
from sla_monitor.engine.verify.transcript import Transcript
from sla_monitor.oracle import Standing
from tests.engine.feeding import NINE, clock


def breach(case_id: str = "case-1", at: int = NINE, **data: Any) -> Standing:
    return Standing(case_id, 1, "initial_response", "sla.breached", 0, at, {"case_id": case_id, **data})


def warning(level: int) -> Standing:
    return Standing("case-1", 1, "initial_response", "sla.warning", level, NINE, {"case_id": "case-1", "level": level})


def kinds(findings: list[Finding]) -> list[str]:
    return sorted(finding.kind for finding in findings)


# --- what stands ------------------------------------------------------------------------------------------------------


def test_equal_sets_have_no_difference_in_any_order() -> None:
    """Nor has nothing compared with nothing; the order of fields in data does not matter either."""
    assert compare([], []) == []
    assert compare([breach(), warning(75), warning(90)], [warning(90), breach(), warning(75)]) == []
    assert compare([breach(a=1, b=2)], [breach(b=2, a=1)]) == []


def test_what_is_not_there_is_missing() -> None:
    [finding] = compare([breach(), warning(75)], [breach()], partition=3)
    assert (finding.kind, finding.case_id, finding.partition) == ("missing", "case-1", 3)
    assert finding.subject == "sla.warning initial_response 75 (generation 1)"
    assert (finding.expected["time"], finding.found) == ("2026-01-05T09:00:00Z", None)


def test_what_should_not_be_there_is_extra() -> None:
    """Also a second one just like the first, once for each that is too many."""
    [finding] = compare([breach()], [breach(), warning(75)])
    assert (finding.kind, finding.expected, finding.found["data"]["level"]) == ("extra", None, 75)
    assert kinds(compare([breach()], [breach()] * 3)) == ["extra", "extra"]
    assert kinds(compare([breach("case-1")], [breach("case-1"), breach("case-2")])) == ["extra"]


@pytest.mark.parametrize("other", [breach(at=NINE + 1), breach(severity="B")])
def test_the_same_notice_with_another_time_or_other_data_is_in_conflict(other: Standing) -> None:
    """One finding with both sides, not a missing and an extra one."""
    [finding] = compare([breach()], [other])
    assert finding.kind == "conflicting"
    assert finding.expected != finding.found


@pytest.mark.parametrize("field", ["case_id", "generation", "subject", "kind", "level"])
def test_a_notice_about_something_else_is_none_of_the_same(field: str) -> None:
    changed: dict[str, Any] = {field: 7 if field in {"generation", "level"} else "other"}
    other = breach()._replace(**changed)
    assert kinds(compare([breach()], [other])) == ["extra", "missing"]


def test_a_conflict_takes_one_and_leaves_the_rest() -> None:
    """One is expected; one in conflict and one too many are found."""
    assert kinds(compare([breach()], [breach(at=NINE + 1), breach(at=NINE + 2)])) == ["conflicting", "extra"]


# --- the transcript ---------------------------------------------------------------------------------------------------


def notice(identity: str, kind: str = "sla.breached", **data: Any) -> dict[str, Any]:
    return {
        "id": identity,
        "type": kind,
        "subject": "case-1",
        "time": iso(NINE),
        "detected": "live",
        "data": {"case_id": "case-1", "generation": 1, "clock": "initial_response", **data},
    }


def retraction(of: str, identity: str = "r", because: str = "e") -> dict[str, Any]:
    return notice(identity, "sla.retracted", retracts=of, because=because, because_source="crm")


def told(*notices: dict[str, Any]) -> Transcript:
    transcript = Transcript("case-1")
    for each in notices:
        transcript.say(each)
    return transcript


def test_what_is_withdrawn_does_not_stand() -> None:
    """It may be said again under another id."""
    transcript = told(notice("a"), notice("b", "sla.met"), retraction("a"))
    assert (list(transcript.standing), transcript.problems) == (["b"], [])
    transcript.say(notice("a2"))
    assert (list(transcript.standing), transcript.problems) == (["b", "a2"], [])


def test_an_id_twice_is_repeated() -> None:
    assert kinds(told(notice("a"), notice("b")).problems) == []
    assert kinds(told(notice("a"), notice("a")).problems) == ["repeated"]
    assert kinds(told(notice("a"), retraction("a"), retraction("a")).problems) == ["repeated"]


def test_a_retraction_withdraws_what_stands() -> None:
    """Not what was never said, nor what is withdrawn already, nor a retraction."""
    assert told(notice("a"), retraction("a")).problems == []
    assert kinds(told(notice("a"), retraction("b")).problems) == ["retraction"]
    assert kinds(told(notice("a"), retraction("a"), retraction("a", "r2")).problems) == ["retraction"]
    assert kinds(told(notice("a"), retraction("a"), retraction("r", "r2")).problems) == ["retraction"]


def test_a_retraction_names_an_event_of_the_log() -> None:
    transcript = told(notice("a"), retraction("a", because="e"))
    transcript.rests_on({("crm", "e")})
    assert transcript.problems == []
    transcript.rests_on({("crm", "other"), ("other", "e")})
    assert kinds(transcript.problems) == ["retraction"]


def test_an_erasure_ends_what_was_said() -> None:
    """The same events sent once more are said under the same ids; before an erasure that is repeated."""
    transcript = told(notice("a"), notice("f", "case.forgotten"), notice("a"))
    assert (list(transcript.standing), transcript.problems) == (["a"], [])
    assert kinds(told(notice("a"), notice("b"), notice("a")).problems) == ["repeated"]


def test_what_is_about_the_worker_does_not_stand() -> None:
    """It follows from no fact."""
    transcript = told(notice("a"), notice("q", "case.quarantined"), notice("h", "case.history_folded"))
    assert (list(transcript.standing), transcript.problems) == (["a"], [])


# --- dead letters -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "expected", "kind"),
    [
        ({}, {}, []),
        ({4: "invalid"}, {4: "invalid"}, []),
        ({4: "future", 5: "quarantined"}, {}, []),  # when it came is taken as given
        ({}, {4: "invalid"}, ["missing"]),
        ({4: "invalid"}, {}, ["extra"]),
        ({4: "invalid"}, {5: "invalid"}, ["extra", "missing"]),
        ({4: "not_json"}, {4: "invalid"}, ["conflicting"]),
    ],
)
def test_dead_letters_are_those_of_the_oracle(found: dict[int, str], expected: dict[int, str], kind: list[str]) -> None:
    assert kinds(dead_letters(found, expected, 0, "case-1")) == kind


# --- sums -------------------------------------------------------------------------------------------------------------


def of(*cases: list[Standing]) -> str:
    digest = Digest()
    for case in cases:
        digest.add(map(canonical, case))
    return digest.hexdigest()


def test_equal_sets_have_one_digest_in_any_order_and_other_sets_have_others() -> None:
    """In one partition or several; a case about which nothing stands is as no case."""
    first, second = [breach(), warning(75)], [breach("case-2")]
    assert of(first, second) == of(second, [], first[::-1])
    one, other = Digest(), Digest()
    one.add(map(canonical, first))
    other.add(map(canonical, second))
    one.join(other)
    assert one.hexdigest() == of(first, second)
    digests = [of(), of(first), of(second), of(first, second), of([breach(), warning(90)]), of([breach(at=NINE + 1)])]
    assert len(set(digests)) == len(digests)


def test_lateness_is_from_the_instant_or_from_when_the_case_was_heard_of() -> None:
    """By type and by how it was detected; nothing but deadlines is late."""
    lateness = Lateness()
    for milliseconds in range(1, 101):
        lateness.note(notice("a"), NINE // 1_000 + milliseconds)
    lateness.note(notice("a") | {"detected": "catch_up"}, clock(1) // 1_000)
    lateness.note(notice("a", "sla.warning"), clock(1) // 1_000, heard_ms=clock(1) // 1_000 - 5)
    lateness.note(notice("a") | {"detected": "correction"}, clock(1) // 1_000)
    lateness.note(notice("a", "sla.met"), clock(1) // 1_000)
    table = lateness.table()
    assert table["live"]["sla.breached"] == {"count": 100, "p50": 0.05, "p90": 0.09, "p99": 0.099, "max": 0.1}
    assert table["live"]["sla.warning"]["max"] == 0.005
    assert table["catch_up"] == {"sla.breached": {"count": 1, "p50": 3600, "p90": 3600, "p99": 3600, "max": 3600}}
    assert set(table) == {"live", "catch_up"}
