"""Another version of the pack takes the open cases over, at its `effective_from`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sla_monitor.core import facts as f
from sla_monitor.core import notices as n
from sla_monitor.core.facts import HOUR, MINUTE
from sla_monitor.core.policy import CoverageRule, Packs, Policy
from tests.core.stories import MONDAY, PACKS, Story, at

OLD = PACKS.versions[0]
NOON = f"{MONDAY} 12:00"  # the new version is in force from here on; opened at nine, B is due at 13:00


def new(how: str, target: int) -> Policy:
    """From noon on every case has this target."""
    clocks = tuple(
        replace(clock, targets=tuple(replace(each, target=target) for each in clock.targets)) for clock in OLD.clocks
    )
    return replace(OLD, version="new", effective_from=at(NOON, "Europe/Berlin"), open_cases=how, clocks=clocks)


def opened(how: str, target: int, when: str = f"{MONDAY} 09:00") -> Story:
    return Story(when, packs=Packs(versions=(OLD, new(how, target))))


@pytest.mark.parametrize(
    ("how", "target", "due"),
    [
        ("stay", 6 * HOUR, "13:00"),
        ("from_start", 6 * HOUR, "15:00"),
        ("from_start", 210 * MINUTE, "12:30"),
        ("keep_elapsed", 6 * HOUR, "15:00"),
        ("from_change", 30 * MINUTE, "12:30"),
        ("from_change", 6 * HOUR, "13:00"),  # never later
    ],
)
def test_the_deadline_is_where_the_new_version_puts_it(how: str, target: int, due: str) -> None:
    """And it is said at noon, by no event, if it moves."""
    story = opened(how, target)
    story.wake(f"{MONDAY} 12:10")
    assert story.deadline() == f"{MONDAY} {due}"
    moves = story.standing(n.DEADLINE_MOVED)
    assert [(each.when, each["cause"], each["policy"]["version"]) for each in moves] == (
        [] if due == "13:00" else [(NOON, "policy", "new")]
    )
    story.wake(f"{MONDAY} 17:00")
    assert story.when(n.BREACHED) == f"{MONDAY} {due}"


def test_no_promise_is_broken_before_it_was_made() -> None:
    """Three hours are used up. With a target of two the case is late from the moment of the move on, not from 11:00."""
    story = opened("from_start", 2 * HOUR)
    story.wake(f"{MONDAY} 12:10")
    assert story.when(n.BREACHED) == NOON


@pytest.mark.parametrize("how", ["from_start", "from_change", "keep_elapsed"])
def test_verdicts_stand(how: str) -> None:
    """Late is late: also its later levels are those of the version that it was promised by."""
    story = opened(how, 10 * HOUR, when="2026-01-02 15:00")
    story.wake(f"{MONDAY} 11:59")
    before = story.standing()
    assert story.when(n.BREACHED) == f"{MONDAY} 11:00"
    story.wake(f"{MONDAY} 18:00")
    assert story.standing()[: len(before)] == before
    assert {each["policy"]["version"] for each in story.standing()} == {OLD.version}
    assert story.standing(n.DEADLINE_MOVED) == []


def test_what_is_due_at_that_very_instant_is_decided_first() -> None:
    story = opened("from_start", 10 * HOUR, when="2026-01-02 16:00")
    story.wake(NOON)
    assert (story.when(n.BREACHED), story.standing(n.DEADLINE_MOVED)) == (NOON, [])


def test_a_closed_case_is_taken_over_when_it_is_reopened() -> None:
    """Its first life stays as it was."""
    story = opened("from_start", HOUR)
    story.tell(f"{MONDAY} 10:00", f.Resolved())
    story.wake(f"{MONDAY} 14:00")
    told = len(story.standing())
    story.tell(f"{MONDAY} 14:00", f.ReopenRequested(fingerprint=()))
    assert story.deadline() == f"{MONDAY} 15:00"
    assert {each["policy"]["version"] for each in story.standing()[:told]} == {OLD.version}


def test_a_late_fact_from_before_the_move_moves_both_deadlines() -> None:
    """Raised at ten, known at one: due at eleven by the old version, which the new one has nothing to say about."""
    story = opened("from_start", 6 * HOUR)
    story.wake(f"{MONDAY} 12:30")
    assert story.deadline() == f"{MONDAY} 15:00"
    story.tell(f"{MONDAY} 10:00", f.SeverityChanged(severity="A"), now=f"{MONDAY} 13:00")
    assert story.when(n.BREACHED) == f"{MONDAY} 11:00"
    assert n.DEADLINE_MOVED in story.retracted()
    assert [each["cause"] for each in story.standing(n.DEADLINE_MOVED)] == ["event"]


def test_versions_that_let_cases_stay_are_passed_over() -> None:
    """Only those that say so take over, and each of them does."""
    morning, evening = (
        replace(new(how, target), version=version, effective_from=at(f"{MONDAY} {when}", "Europe/Berlin"))
        for how, target, version, when in (("stay", HOUR, "2", "10:00"), ("keep_elapsed", 7 * HOUR, "4", "12:30"))
    )
    story = Story(f"{MONDAY} 09:00", packs=Packs(versions=(OLD, morning, new("from_start", 5 * HOUR), evening)))
    story.wake(f"{MONDAY} 13:00")
    told = [(each["policy"]["version"], story.utc(each["new_deadline"])) for each in story.standing(n.DEADLINE_MOVED)]
    assert told == [("new", f"{MONDAY} 14:00"), ("4", f"{MONDAY} 16:00")]


def dropped() -> Story:
    """Opened on Friday, due at 11:30; from noon on a version serves nobody. At 8:30 something of the afternoon is
    known, which leads past both.
    """
    nobody = CoverageRule(rule="SP-SCOPE", when=(), outcome="declined", advice="Ask elsewhere.")
    packs = Packs(versions=(OLD, replace(new("from_start", HOUR), coverage=(nobody,))))
    story = Story("2026-01-02 15:30", packs=packs)
    story.tell(f"{MONDAY} 16:00", f.LabelsChanged(queue="north"), now=f"{MONDAY} 08:30")
    return story


def test_a_breach_before_a_version_drops_the_clock_waits_for_the_watermark() -> None:
    """A version is no fact about the clock: whether somebody answered in time is open until the watermark is there."""
    story = dropped()
    assert story.standing(n.BREACHED, n.CLOCK_STOPPED) == []
    story.tell(f"{MONDAY} 11:00", f.Responded(), now=f"{MONDAY} 11:05")
    assert (story.when(n.MET), story.retracted()) == (f"{MONDAY} 11:00", [])


def test_a_breach_before_a_version_drops_the_clock_is_said_in_its_time() -> None:
    """And stands; then the clock ends, and the case is told that it is not served."""
    story = dropped()
    story.wake(f"{MONDAY} 11:30")
    assert story.when(n.BREACHED) == f"{MONDAY} 11:30"
    assert story.standing(n.CLOCK_STOPPED) == []
    story.wake(NOON)
    assert [said.when for said in story.standing(n.CLOCK_STOPPED, n.COVERAGE_DECLINED)] == [NOON, NOON]


def test_a_case_that_ends_decides_what_a_version_had_dropped() -> None:
    """That is a fact again: nothing before it is open any more."""
    story = dropped()
    story.tell(f"{MONDAY} 17:00", f.Closed(), now=f"{MONDAY} 08:40")
    assert story.when(n.BREACHED) == f"{MONDAY} 11:30"
