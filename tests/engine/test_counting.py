"""What a committed batch is counted as: each event, dead letter and verdict once, lateness from due + settle."""

from __future__ import annotations

import pytest

from sla_monitor.core import notices as n
from sla_monitor.core.facts import SECOND
from sla_monitor.engine.counting import count
from sla_monitor.engine.records import Batch
from sla_monitor.observe import metrics
from sla_monitor.observe.metrics import Registry
from sla_monitor.observe.recorder import Labels, Recorder
from sla_monitor.wire.inbound import REASONS
from tests.engine.feeding import NINE, SOURCE, Fed, clock

LABELS = Labels(
    notices=n.KINDS,
    dead_reasons=tuple(REASONS),
    clocks=("initial_response",),
    severities=("A", "B", "C"),
    plans=("unified",),
)
SETTLE = 2 * SECOND


@pytest.fixture
def registry() -> Registry:
    return metrics.registry()


@pytest.fixture
def recorder(registry: Registry) -> Recorder:
    return Recorder(registry, LABELS)


def counted(registry: Registry, name: str) -> dict[tuple[str, ...], float]:
    """The series of a metric that are not zero, by the values of their labels in the order of their names."""
    samples = (sample for family in registry.collect() for sample in family.samples if sample.name == name)
    return {tuple(value for _, value in sorted(each.labels.items())): each.value for each in samples if each.value}


def count_all(fed: Fed, recorder: Recorder, committed_at: int) -> None:
    for batch in fed.batches:
        count(batch, recorder, committed_at / SECOND, SETTLE)


def test_events_dead_letters_and_notices_are_counted_once(registry: Registry, recorder: Recorder) -> None:
    """By type, by reason, by type and how they were detected; what had no effect is an event all the same."""
    fed = Fed()
    fed.open("case-1", NINE, "o")
    fed.open("case-1", NINE, "o")
    fed.tell("case-1", "case.customer_responded", NINE + 1)
    fed.tell("case-1", "case.plan_changed", NINE + 2, plan="gold")
    fed.fold(b"case-1", b"garbage")
    fed.fold(b"case-1", b"garbage")
    fed.take()
    count_all(fed, recorder, fed.wall)
    assert counted(registry, "sla_events_total") == {("case.opened",): 2, ("case.customer_responded",): 1}
    assert counted(registry, "sla_events_without_effect_total") == {("duplicate",): 1, ("no_effect",): 1}
    assert counted(registry, "sla_dead_letters_total") == {("not_json",): 2, ("invalid",): 1}
    assert counted(registry, "sla_notices_total") == {("live", "sla.clock.started"): 1}


def test_an_empty_batch_counts_nothing(registry: Registry, recorder: Recorder) -> None:
    """Not even a zero where there was none."""
    before = counted(registry, "sla_notices_total")
    count(Batch(), recorder, 0.0, SETTLE)
    assert counted(registry, "sla_notices_total") == before == {}


def test_mismatches_and_early_folds_are_counted(registry: Registry, recorder: Recorder) -> None:
    """By how many."""
    count(Batch(mismatches=3, folded_early=250), recorder, 0.0, SETTLE)
    assert counted(registry, "sla_partition_mismatches_total") == {(): 3}
    assert counted(registry, "sla_facts_folded_early_total") == {(): 250}


def test_the_lateness_of_a_timer_is_from_due_and_settle_to_the_commit(registry: Registry, recorder: Recorder) -> None:
    """Only what time decided has a lateness; a commit before due + settle has none."""
    fed = Fed()
    fed.open("case-1")
    fed.wait(clock(0, 45))
    count_all(fed, recorder, clock(0, 45) + SETTLE + 250_000)
    assert counted(registry, "sla_timer_lateness_seconds_count") == {(): 1}
    assert counted(registry, "sla_timer_lateness_seconds_sum") == {(): 0.25}
    fed.batches.clear()
    fed.wait(clock(0, 54))
    count_all(fed, recorder, clock(0, 54))
    assert counted(registry, "sla_timer_lateness_seconds_count") == {(): 2}
    assert counted(registry, "sla_timer_lateness_seconds_sum") == {(): 0.25}


def verdicts(registry: Registry, name: str = "sla_targets_total") -> dict[tuple[str, ...], float]:
    """(clock, outcome, plan, promised, severity) of each."""
    return counted(registry, name)


def about(outcome: str) -> tuple[str, ...]:
    return ("initial_response", outcome, "unified", "true", "A")


def test_each_case_is_one_verdict_and_a_late_answer_one_more_word(registry: Registry, recorder: Recorder) -> None:
    """Met, cancelled, breached; `met_late` says that the answer came at all, beside the breach it cannot undo."""
    fed = Fed()
    for case_id in ("met", "late", "cancelled"):
        fed.open(case_id)
    fed.tell("met", "case.responded", clock(0, 1))
    fed.tell("cancelled", "case.cancelled", clock(0, 1))
    fed.wait(clock(1))
    fed.tell("late", "case.responded", clock(1, 1))
    count_all(fed, recorder, fed.wall)
    assert verdicts(registry) == {about(each): 1 for each in ("met", "cancelled", "breached", "met_late")}


def test_a_verdict_withdrawn_is_counted_with_the_words_of_that_verdict(registry: Registry, recorder: Recorder) -> None:
    """Counted minus retracted is what stands: here one answer in time, after a breach that was said too early."""
    fed = Fed()
    fed.open("case-1")
    fed.wait(clock(2))
    fed.tell("case-1", "case.responded", clock(0, 30))
    count_all(fed, recorder, fed.wall)
    assert verdicts(registry) == {about("breached"): 1, about("met"): 1}
    assert verdicts(registry, "sla_targets_retracted_total") == {about("breached"): 1}
    retractions = counted(registry, "sla_retractions_total")
    assert retractions == {("sla.breached",): 1, ("sla.warning",): 2, ("sla.overdue",): 2}
    fed.batches.clear()
    fed.tell("case-1", "case.fact_withdrawn", clock(2, 1), source=SOURCE, id="e1")
    count_all(fed, recorder, fed.wall)
    assert verdicts(registry, "sla_targets_retracted_total") == {about("breached"): 1, about("met"): 1}
    assert verdicts(registry) == {about("breached"): 2, about("met"): 1}


def test_corrections_are_not_late(registry: Registry, recorder: Recorder) -> None:
    """A breach said again after a correction was decided by a fact, however long ago its deadline is."""
    fed = Fed()
    fed.open("case-1")
    fed.tell("case-1", "case.responded", clock(0, 30))
    fed.wait(clock(9))
    fed.tell("case-1", "case.fact_withdrawn", clock(9), source=SOURCE, id="e1")
    assert fed.said("sla.breached")
    count_all(fed, recorder, fed.wall)
    assert counted(registry, "sla_timer_lateness_seconds_count") == {}
