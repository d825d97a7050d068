"""Who is served, and what for, when facts come late: what a case should have been told all along."""

from __future__ import annotations

from sla_monitor.core import facts as f
from sla_monitor.core import notices as n
from tests.core.stories import MONDAY, Story

NOON = f"{MONDAY} 12:00"


def test_a_plan_that_was_bought_and_told_late_has_had_its_clock_from_then() -> None:
    """Corrections: that it was declined before stands; what was due since is said."""
    story = Story(f"{MONDAY} 09:00", request="advisory", plan="standard", severity="B")
    story.tell(f"{MONDAY} 09:30", f.PlanChanged(plan="professional_direct"), now=f"{MONDAY} 14:00")
    assert story.when(n.COVERAGE_DECLINED) == f"{MONDAY} 09:00"
    assert story.when(n.CLOCK_STARTED) == f"{MONDAY} 09:30"
    assert story.when(n.BREACHED) == f"{MONDAY} 11:30"


def test_a_fact_that_declined_and_was_wrong_leaves_no_trace() -> None:
    """Corrections: with the fact its decline goes, and the clock it ended runs on."""
    story = Story(f"{MONDAY} 09:00", severity="B", plan="standard")
    story.tell(f"{MONDAY} 10:00", f.TraitsChanged(add=("performance_broad",)), identity="wrong")
    assert story.verdicts() == [(n.COVERAGE_DECLINED, f"{MONDAY} 10:00"), (n.CANCELLED, f"{MONDAY} 10:00")]
    story.tell(f"{MONDAY} 11:00", f.FactWithdrawn(source="crm", id="wrong"))
    story.wake(f"{MONDAY} 13:00")
    assert (n.BREACHED, f"{MONDAY} 13:00") in story.verdicts()
    assert sorted(story.retracted()) == [n.COVERAGE_DECLINED, n.CANCELLED, n.CLOCK_STOPPED]


def test_a_label_that_no_rule_asks_for_changes_nothing() -> None:
    """A case is matched once, not once for each label its product ever had."""
    story = Story(f"{MONDAY} 09:00", product="finance")
    profile = story.case.state and story.case.state.profile
    story.tell(NOON, f.LabelsChanged(product="sales"))
    assert story.effect == "no_effect"
    assert story.case.state
    assert story.case.state.profile is profile
    assert story.case.state.profile.product == ""
