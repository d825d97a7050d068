"""Another policy at run time: taken as a whole, or nothing changes and it is said why."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from sla_monitor.config.packs import load_packs
from sla_monitor.core.facts import MINUTE, SECOND
from sla_monitor.core.policy import Packs
from sla_monitor.engine import reload
from sla_monitor.engine.partition import Partition
from sla_monitor.engine.reload import Reloading, conflicts
from sla_monitor.errors import BadConfiguration
from tests.engine.feeding import A_CASE, NINE, Fed, clock, event, rules

OLD = load_packs()
FIRST = OLD.versions[0]
LATER = replace(FIRST, version="2026-02", digest="another", effective_from=clock(1))


def packs(*versions: object) -> Packs:
    return Packs(versions=versions)  # type: ignore[arg-type]  # policies


def reloading(load: object, taken: list[Packs], told: list[list[str]]) -> Reloading:
    return Reloading(
        OLD,
        load=load,  # type: ignore[arg-type]  # a function
        take=taken.append,
        told=told.append,
        wall=lambda: NINE / SECOND,
        ahead=5 * MINUTE,
    )


async def test_a_version_for_the_future_is_taken() -> None:
    """It stands beside the old one."""
    taken: list[Packs] = []
    told: list[list[str]] = []
    assert await reloading(lambda: packs(FIRST, LATER), taken, told).reload() == []
    assert taken == [packs(FIRST, LATER)]
    assert told == [[]]


async def test_a_bad_file_changes_nothing(tmp_path: Path) -> None:
    """And all of its problems come back."""
    (tmp_path / "bad.yaml").write_text("name: x\nversion: 1\nunknown: field\n")

    def load() -> Packs:
        return load_packs(tmp_path)

    with pytest.raises(BadConfiguration) as refused:
        load()
    taken: list[Packs] = []
    told: list[list[str]] = []
    assert await reloading(load, taken, told).reload() == refused.value.problems
    assert (taken, told) == ([], [refused.value.problems])


async def test_a_disk_that_does_not_answer_is_told_and_the_next_try_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever hangs there hangs alone."""
    monkeypatch.setattr(reload, "READ_SECONDS_MAX", 0.01)
    answers = threading.Event()

    def load() -> Packs:
        answers.wait()
        return packs(FIRST, LATER)

    taken: list[Packs] = []
    told: list[list[str]] = []
    trying = reloading(load, taken, told)
    try:
        assert await trying.reload() == ["SLA_POLICY: could not be read within 0.01 s"]
        assert await trying.reload() == ["SLA_POLICY: could not be read within 0.01 s"]
    finally:
        answers.set()
    monkeypatch.undo()
    assert await trying.reload() == []
    assert taken == [packs(FIRST, LATER)]


@pytest.mark.parametrize(
    ("after", "says"),
    [
        (packs(LATER), "vendor-support/2026-01: is not there any more"),
        (packs(replace(FIRST, digest="changed"), LATER), "vendor-support/2026-01: has changed"),
        (packs(FIRST, replace(LATER, effective_from=clock(0, 5))), "choose an instant after 2026-01-05T09:05:00Z"),
    ],
    ids=["gone", "changed", "of the past"],
)
def test_what_would_leave_decisions_unexplained_is_refused(after: Packs, says: str) -> None:
    """A case must always find the version it was decided by, and only that."""
    [problem] = conflicts(OLD, after, clock(0, 5))
    assert says in problem


def test_the_first_instant_that_no_event_can_have_reached_is_in_time() -> None:
    """One more than how far an event may be ahead."""
    assert conflicts(OLD, packs(FIRST, replace(LATER, effective_from=clock(0, 5) + 1)), clock(0, 5)) == []


async def test_what_was_loaded_stands_even_if_nothing_is_new() -> None:
    """Asking twice is no mistake."""
    taken: list[Packs] = []
    again = reloading(lambda: packs(FIRST, LATER), taken, [])
    assert [await again.reload(), await again.reload()] == [[], []]


def test_cases_keep_the_version_of_their_opening() -> None:
    """One opened before has the old targets for good; one opened at the instant or later has the new ones."""
    stricter = replace(LATER, clocks=tuple(replace(each, warnings=(50,)) for each in FIRST.clocks))
    fed = Fed(rules(packs=OLD))
    fed.open("before", NINE, **A_CASE)
    fed.partition.use(rules(packs=packs(FIRST, stricter)))
    fed.open("after", clock(1), **A_CASE)
    fed.wait(clock(3))
    levels = [(notice["subject"], notice["data"]["level"]) for notice in fed.notices if notice["type"] == "sla.warning"]
    assert levels == [("before", 75), ("before", 90), ("after", 50)]
    versions = {notice["subject"]: notice["data"]["policy"]["version"] for notice in fed.notices}
    assert versions == {"before": "2026-01", "after": "2026-02"}


# --- open cases that are taken over ---------------------------------------------------------------------------------

MOVING = replace(
    LATER,
    open_cases="from_start",
    clocks=tuple(
        replace(clock, targets=tuple(replace(each, target=2 * each.target) for each in clock.targets))
        for clock in FIRST.clocks
    ),
)  # in force at ten, where what was opened at nine is due by the first version; now it is due at eleven
MOVED = "sla.deadline.moved"


def deadlines(fed: Fed) -> dict[str, str]:
    """What was said last about each case's deadline."""
    return {notice["subject"]: notice["data"]["deadline"] for notice in fed.notices if "deadline" in notice["data"]}


def test_open_cases_move_at_the_instant_and_not_before() -> None:
    """Those in memory and those that are only bytes; an ended one stays."""
    fed = Fed(rules(packs=OLD))
    for name in ("one", "two", "ended"):
        fed.open(name, clock(0, 10))
    fed.tell("ended", "case.resolved", clock(0, 20))
    again = fed.restarted()
    for each in (fed, again):
        each.partition.use(rules(packs=packs(FIRST, MOVING)))
        assert each.wait(clock(1) - 1) == ["sla.warning"] * 2  # 75 percent of an hour, twice
        each.wait(clock(1))
        at = "2026-01-05T10:00:00Z"
        assert sorted(each.said(MOVED)) == [("one", MOVED, at), ("two", MOVED, at)]
        assert {deadlines(each)[name] for name in ("one", "two")} == {"2026-01-05T11:10:00Z"}


def test_a_reload_leaves_one_timer_to_a_case() -> None:
    """However many versions come one after the other, each to move the cases earlier than the one before."""
    fed = Fed(rules(packs=OLD))
    for name in ("one", "two", "three", "ended"):
        fed.open(name, clock(0, 30))
    fed.tell("ended", "case.resolved", clock(0, 31))
    fed.fold(b"new", event("new", "case.opened", clock(0, 32), "o", **A_CASE))  # not written yet
    known = [FIRST]
    for minute in (59, 55, 50, 45):
        known.insert(1, replace(MOVING, version=f"at {minute}", effective_from=clock(0, minute)))
        fed.partition.use(rules(packs=packs(*known)))
        assert fed.partition.next_due == clock(0, minute)
        assert fed.partition.timers == 5
    fed.take()
    fed.wait(clock(0, 45))
    assert len(fed.said(MOVED)) == 4


def test_a_reload_while_rows_are_read_leaves_one_timer_to_a_case() -> None:
    fed = Fed(rules(packs=OLD))
    fed.open("one", clock(0, 30))
    fed.open("two", clock(0, 30))
    again = Partition(0, rules(packs=OLD))
    for key, value in fed.state.items():
        again.restore(key, value)
    again.use(rules(packs=packs(FIRST, MOVING)))
    again.restored()
    assert (again.timers, again.next_due) == (2, clock(1))


def test_what_was_known_in_time_moves_after_a_restart_behind_that_instant() -> None:
    """Each case is a transaction of its own here; after the first the process dies."""
    fed = Fed(rules(packs=OLD))
    for name in ("one", "two", "three"):
        fed.open(name, clock(0, 30))
    fed.rules = rules(packs=packs(FIRST, MOVING))
    fed.partition.use(fed.rules)
    fed.partition.advance(clock(1))
    assert fed.partition.fire(clock(1), 1)
    assert fed.take() == [MOVED]
    again = fed.restarted()
    assert again.partition.missed == frozenset()
    assert again.wait(clock(1, 1)) == [MOVED, MOVED]


def test_a_version_that_comes_too_late_for_a_partition_moves_nothing_there() -> None:
    """What it would have to be decided anew was decided; it is said by name, and still so after a restart and after
    cases were opened under it."""
    fed = Fed(rules(packs=OLD))
    fed.open("one", clock(0, 30))
    fed.wait(clock(1, 5))
    fed.rules = rules(packs=packs(FIRST, MOVING))
    fed.partition.use(fed.rules)
    fed.open("new", clock(1, 6))
    for each in (fed, fed.restarted()):
        assert each.partition.missed == {MOVING.key}
        each.wait(clock(4))
        assert each.said(MOVED) == []
    assert deadlines(fed) == {"one": "2026-01-05T10:30:00Z", "new": "2026-01-05T12:06:00Z"}


def test_a_version_that_facts_are_ahead_of_is_too_late_as_well() -> None:
    """The watermark stands at nine while a backlog is read: a case of half past ten was opened by the first version."""
    fed = Fed(rules(packs=OLD))
    fed.open("one", clock(0, 30))
    fed.open("ahead", clock(1, 30))
    fed.rules = rules(packs=packs(FIRST, MOVING))
    again = fed.restarted()
    assert again.partition.missed == {MOVING.key}
    again.wait(clock(4))
    assert deadlines(again) == {"one": "2026-01-05T10:30:00Z", "ahead": "2026-01-05T11:30:00Z"}


def test_a_kill_among_many_deadlines_changes_nothing_for_late_facts() -> None:
    """What was said at that instant stands, also for the next owner, who fires the rest of it."""
    fed = Fed(rules(packs=OLD))
    for name in ("one", "two", "three"):
        fed.open(name)
    fed.wait(clock(1) - 1)
    fed.partition.advance(clock(1))
    assert fed.partition.fire(clock(1), 1)
    assert fed.take() == ["sla.breached"]
    again = fed.restarted()
    [said] = fed.said("sla.breached")
    assert again.tell(said[0], "case.waiting_on_customer", clock(0, 30)) == ["sla.clock.started"]
    assert again.wait(clock(1)) == ["sla.breached", "sla.breached"]


def test_a_fact_at_the_very_instant_of_a_move_hides_nothing_that_time_says() -> None:
    """Both move the deadline then; the worker ends before the watermark is there."""
    fed = Fed(rules(packs=packs(FIRST, MOVING)))
    fed.open("one", clock(0, 30))
    assert fed.tell("one", "case.severity_changed", clock(1), severity="B") == [MOVED]
    assert fed.restarted().wait(clock(1)) == [MOVED]
