"""Terms that change while a clock is paused, where they leave nothing of its target or less."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sla_monitor.core import facts as f
from sla_monitor.core import notices as n
from sla_monitor.core.clock import FROM_START, KEEP_ELAPSED
from sla_monitor.core.policy import Direction, Packs
from tests.core.stories import MONDAY, PACKS, Said, Story

WAITS, ANSWERED = frozenset({"case.waiting_on_customer"}), frozenset({"case.customer_responded"})


def paused(how: str, since: str) -> Story:
    """The built-in pack, but that waiting on the customer pauses the response clock, and that a raise counts so. Opened
    at nine, B is due after four hours; A after one.
    """
    old = PACKS.versions[0]
    changes = replace(old.clocks[0].changes, raised=Direction(how=how, rule="SP-UP-CLOCK"))
    clock = replace(old.clocks[0], changes=changes, pauses=WAITS, resumes=ANSWERED)
    business_hours = tuple(each for each in old.hours if not each.round_the_clock)
    story = Story(
        f"{MONDAY} 09:00", packs=Packs(versions=(replace(old, clocks=(clock, *old.clocks[1:]), hours=business_hours),))
    )
    story.tell(f"{MONDAY} {since}", f.WaitingOnCustomer())
    return story


def deadlines_moved(story: Story) -> list[Said]:
    return [said for said in story.standing(n.DEADLINE_MOVED) if said["clock"] == "initial_response"]


def test_a_change_in_a_pause_that_leaves_nothing_breaks_the_promise_at_once() -> None:
    """Two hours were used, one is promised: no waiting undoes that, and nobody waits for the customer to hear of it."""
    story = paused(KEEP_ELAPSED, "11:00")
    story.tell(f"{MONDAY} 12:00", f.SeverityChanged(severity="A"))
    story.wake(f"{MONDAY} 12:00")
    [moved] = deadlines_moved(story)
    assert (moved["old_deadline"], story.utc(moved["new_deadline"])) == (None, f"{MONDAY} 12:00")
    assert story.when(n.BREACHED) == f"{MONDAY} 12:00"
    assert story.one(n.BREACHED)["elapsed_seconds"] == 3_600


@pytest.mark.parametrize("before", [[], ["13:00"]], ids=["in the pause", "after it"])
def test_who_answers_then_is_late_from_the_change_on(before: list[str]) -> None:
    """Also in what was the pause: a clock that broke its promise does not pause, its later levels come too."""
    story = paused(KEEP_ELAPSED, "11:00")
    story.tell(f"{MONDAY} 12:00", f.SeverityChanged(severity="A"))
    for when in before:
        story.tell(f"{MONDAY} {when}", f.CustomerResponded())
    story.tell(f"{MONDAY} 14:00", f.Responded())
    assert story.when(n.BREACHED) == f"{MONDAY} 12:00"
    assert [said.when for said in story.standing(n.OVERDUE)] == [f"{MONDAY} 12:30", f"{MONDAY} 13:00"]
    assert (story.one(n.MET)["late"], story.one(n.MET)["late_by"]) == (True, 7_200)


def test_a_promise_broken_before_the_pause_was_never_paused() -> None:
    """Counted from the start it was due at ten. So its later levels are where they are without the pause."""
    story = paused(FROM_START, "11:00")
    story.tell(f"{MONDAY} 12:00", f.SeverityChanged(severity="A"))
    story.wake(f"{MONDAY} 12:00")
    assert story.when(n.BREACHED) == f"{MONDAY} 10:00"
    assert [said.when for said in story.standing(n.OVERDUE)] == [f"{MONDAY} 10:30", f"{MONDAY} 11:00"]
    story.tell(f"{MONDAY} 14:00", f.Responded())
    assert story.one(n.MET)["late_by"] == 4 * 3_600


def test_a_change_in_a_pause_that_leaves_something_shows_when_it_is_over() -> None:
    """Half an hour was used of one: half an hour is left."""
    story = paused(KEEP_ELAPSED, "09:30")
    story.tell(f"{MONDAY} 12:00", f.SeverityChanged(severity="A"))
    assert deadlines_moved(story) == []
    story.tell(f"{MONDAY} 13:00", f.CustomerResponded())
    assert story.utc(story.one(n.CLOCK_RESUMED)["deadline"]) == f"{MONDAY} 13:30"
