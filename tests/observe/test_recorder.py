import threading
from collections.abc import Callable

import pytest
from prometheus_client.exposition import choose_encoder

from sla_monitor.core import facts
from sla_monitor.observe import metrics
from sla_monitor.observe.metrics import CASE_STATES, OUTCOMES, PARTITION_STATES, STANDINGS, WITHOUT_EFFECT, Registry
from sla_monitor.observe.recorder import Labels, Recorder, ShardCollector, ShardView, exemplar_of
from tests.observe.shards import Shard, Standing

LABELS = Labels(
    notices=("sla.met", "sla.breached"),
    dead_reasons=("conflict", "too_late"),
    clocks=("initial_response", "resolution"),
    severities=("A", "B"),
    plans=("standard", "unified"),
    calendars=("de",),
    queues=("finance",),
)


class Watch:
    """A monotonic clock that the test turns."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def registry() -> Registry:
    return metrics.registry()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def recorder(registry: Registry, watch: Watch) -> Recorder:
    return Recorder(registry, LABELS, watch)


def value(registry: Registry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


def series(registry: Registry, name: str) -> dict[tuple[str, ...], float]:
    samples = [sample for family in registry.collect() for sample in family.samples if sample.name == name]
    return {tuple(sample.labels.values()): sample.value for sample in samples}


@pytest.mark.usefixtures("recorder")
def test_every_combination_is_there_before_anything_happened(registry: Registry) -> None:
    """rate() and absent() work from the first scrape: each known combination starts at zero."""
    targets = series(registry, "sla_targets_total")
    assert len(targets) == 2 * 2 * 2 * len(OUTCOMES) * 2
    assert set(targets.values()) == {0.0}
    assert series(registry, "sla_targets_retracted_total") == targets
    assert {key for (key,) in series(registry, "sla_events_total")} == {*facts.TYPES, "other"}
    assert {key for (key,) in series(registry, "sla_dead_letters_total")} == {*LABELS.dead_reasons, "other"}
    assert {key for (key,) in series(registry, "sla_events_without_effect_total")} == {*WITHOUT_EFFECT, "other"}
    assert len(series(registry, "sla_notices_total")) == 2 * 4
    assert len(series(registry, "sla_retractions_total")) == 3


def test_each_verb_moves_its_own_metric(registry: Registry, recorder: Recorder) -> None:
    """What the engine says is what is shown, with the counts it gave."""
    recorder.event("case.opened", 500)
    recorder.without_effect("duplicate")
    recorder.dead("conflict")
    recorder.notice("sla.met", "catch_up", 2)
    recorder.retracted("sla.breached")
    recorder.verdict("resolution", "B", "unified", "met_late", promised=False)
    recorder.verdict_retracted("resolution", "A", "unified", "met", promised=True)
    recorder.fenced()
    recorder.mismatch()
    recorder.folded_early(3)
    recorder.skew(-1.5)
    recorder.rebalanced()
    recorder.partitions(12)
    recorder.attainment("resolution", "A", "unified", 0.99)
    assert value(registry, "sla_events_total", type="case.opened") == 500
    assert value(registry, "sla_events_without_effect_total", reason="duplicate") == 1
    assert value(registry, "sla_dead_letters_total", reason="conflict") == 1
    assert value(registry, "sla_notices_total", type="sla.met", detected="catch_up") == 2
    assert value(registry, "sla_retractions_total", type="sla.breached") == 1
    assert series(registry, "sla_targets_total")["resolution", "B", "unified", "met_late", "false"] == 1
    assert series(registry, "sla_targets_retracted_total")["resolution", "A", "unified", "met", "true"] == 1
    assert value(registry, "sla_shards_fenced_total") == 1
    assert value(registry, "sla_partition_mismatches_total") == 1
    assert value(registry, "sla_facts_folded_early_total") == 3
    assert value(registry, "sla_clock_skew_seconds") == -1.5
    assert value(registry, "sla_rebalances_total") == 1
    assert value(registry, "sla_input_partitions") == 12
    assert series(registry, "sla_attainment_target_ratio") == {("resolution", "A", "unified"): 0.99}


def test_durations_are_observed_in_seconds(registry: Registry, recorder: Recorder) -> None:
    """A notice committed 200 ms late is in the bucket of 250 ms, not of 100 ms."""
    recorder.timer_late(0.2)
    recorder.committed(0.02)
    recorder.restored(4.0, 1_000)
    assert value(registry, "sla_timer_lateness_seconds_bucket", le="0.1") == 0
    assert value(registry, "sla_timer_lateness_seconds_bucket", le="0.25") == 1
    assert value(registry, "sla_transaction_duration_seconds_sum") == 0.02
    assert value(registry, "sla_restore_duration_seconds_count") == 1
    assert value(registry, "sla_restored_rows_total") == 1_000


def test_a_verdict_reached_before_its_deadline_is_not_negative_lateness(registry: Registry, recorder: Recorder) -> None:
    """A fact that decides at once, inside the settle time, counts as on time."""
    recorder.timer_late(-1.0)
    assert value(registry, "sla_timer_lateness_seconds_sum") == 0


def test_strangers_are_other_and_do_not_add_up(registry: Registry, recorder: Recorder) -> None:
    """A thousand unheard-of types are one series; the known parts of a verdict keep their names."""
    before = len(series(registry, "sla_events_total"))
    for number in range(1_000):
        recorder.event(f"case.made_up_{number}")
    recorder.verdict("initial_response", "Z", "unified", "met", promised=True)
    recorder.horizon("made_up", 5.0)
    assert value(registry, "sla_events_total", type="other") == 1_000
    assert len(series(registry, "sla_events_total")) == before
    assert series(registry, "sla_targets_total")["initial_response", "other", "unified", "met", "true"] == 1
    assert series(registry, "sla_calendar_horizon_timestamp_seconds") == {("other",): 5.0}


def test_the_worst_stall_is_remembered_for_a_while(registry: Registry, recorder: Recorder, watch: Watch) -> None:
    """A scrape every minute sees each stall, whoever else scrapes; two minutes later it is history."""
    recorder.stall(0.4)
    recorder.stall(0.1)
    watch.now = 61
    assert value(registry, "sla_event_loop_stall_seconds") == 0.4
    recorder.stall(0.2)
    watch.now = 121
    assert value(registry, "sla_event_loop_stall_seconds") == 0.2
    recorder.stall(0.9)
    watch.now = 100_000
    assert value(registry, "sla_event_loop_stall_seconds") == 0


def test_a_stall_may_be_told_from_another_thread(registry: Registry, recorder: Recorder) -> None:
    """The watchdog is a thread of its own: that is how it sees a loop that stands still."""
    thread = threading.Thread(target=recorder.stall, args=(3.0,))
    thread.start()
    thread.join()
    assert value(registry, "sla_event_loop_stall_seconds") == 3


def test_a_reload_replaces_the_hash_and_a_refused_one_keeps_it(registry: Registry, recorder: Recorder) -> None:
    """There is always one configuration in use; a refused one is visible, not active."""
    recorder.configured("old", 10.0)
    recorder.configured("new", 20.0)
    recorder.reload_refused()
    assert series(registry, "sla_config_info") == {("new",): 1.0}
    assert value(registry, "sla_config_last_reload_successful") == 0
    assert value(registry, "sla_config_last_reload_success_timestamp_seconds") == 20
    assert series(registry, "sla_config_reloads_total") == {("accepted",): 2, ("refused",): 1}


@pytest.mark.usefixtures("recorder")
def test_before_anything_was_refused_nothing_is_said_to_be(registry: Registry) -> None:
    """An alert asks for 0 here: a worker that just starts must not set it off."""
    assert value(registry, "sla_config_last_reload_successful") == 1


@pytest.mark.parametrize("state", ["opening", "tripped"])
def test_a_partition_that_does_not_look_has_no_lag(state: str) -> None:
    """None would be a lie: its records wait unseen."""
    registry = scraped(Shard(state=state), Shard(partition=1, lag_records=3))
    assert series(registry, "sla_partition_lag_records") == {("1",): 3}


def test_a_target_that_the_pack_takes_back_is_gone(registry: Registry, recorder: Recorder) -> None:
    """A reload may leave one out; asking for one that never was does nothing."""
    recorder.attainment("resolution", "A", "unified", 0.99)
    recorder.attainment("resolution", "A", "unified", None)
    recorder.attainment("resolution", "B", "unified", None)
    assert series(registry, "sla_attainment_target_ratio") == {}


def test_verdicts_that_stand_are_those_not_taken_back(recorder: Recorder) -> None:
    """Of promises alone, by clock, severity and plan; names of no pack together."""
    for outcome in ("met", "met", "met_late", "breached", "cancelled"):
        recorder.verdict("resolution", "A", "unified", outcome, promised=True)
    recorder.verdict("resolution", "A", "unified", "met", promised=False)
    recorder.verdict_retracted("resolution", "A", "unified", "met", promised=True)
    recorder.verdict("stranger", "Z", "none", "breached", promised=True)
    found = recorder.verdicts()
    assert found["resolution", "A", "unified"] == {"met": 1, "met_late": 1, "breached": 1}
    assert found["initial_response", "B", "standard"] == {"met": 0, "met_late": 0, "breached": 0}
    assert found["other", "other", "other"]["breached"] == 1


def exemplars(registry: Registry, name: str) -> list[dict[str, str]]:
    samples = [sample for family in registry.collect() for sample in family.samples if sample.name == name]
    return [dict(sample.exemplar.labels) for sample in samples if sample.exemplar]


def test_an_exemplar_names_the_case_and_its_trace(registry: Registry, recorder: Recorder) -> None:
    """A late timer and a breach lead to a case, no label does; the page stays what OpenMetrics allows."""
    trace = "0af7651916cd43dd8448eb211c80319c"
    about = exemplar_of("CASE-1", f"00-{trace}-b7ad6b7169203331-01")
    recorder.timer_late(0.2, about)
    recorder.verdict("resolution", "A", "unified", "breached", True, about)  # noqa: FBT003
    wanted = {"case_id": "CASE-1", "trace_id": trace}
    assert exemplars(registry, "sla_timer_lateness_seconds_bucket") == [wanted]
    assert exemplars(registry, "sla_targets_total") == [wanted]
    encode, _ = choose_encoder("application/openmetrics-text; version=1.0.0")
    assert f'# {{case_id="CASE-1",trace_id="{trace}"}} 0.2 ' in encode(registry).decode()


@pytest.mark.parametrize(
    ("length", "named"), [(81, {"case_id", "trace_id"}), (82, {"case_id"}), (121, {"case_id"}), (122, set())]
)
def test_an_exemplar_fits_into_the_format(registry: Registry, recorder: Recorder, length: int, named: set[str]) -> None:
    """128 characters of names and values: the trace goes first, then the id, which is never cut to that of another."""
    about = exemplar_of("x" * length, f"00-{'a' * 32}-{'b' * 16}-01")
    recorder.timer_late(0.2, about)
    assert set(about or {}) == named
    assert [set(each) for each in exemplars(registry, "sla_timer_lateness_seconds_bucket")] == (
        [named] if named else []
    )


def test_an_event_without_a_trace_has_no_exemplar_of_one() -> None:
    """What is no traceparent is none."""
    assert exemplar_of("CASE-1", None) == exemplar_of("CASE-1", "x") == {"case_id": "CASE-1"}


def scraped(*shards: ShardView, wall: float = 1_000.0) -> Registry:
    registry = Registry()
    registry.register(ShardCollector(lambda: shards, lambda: wall, 2.0, LABELS))
    return registry


def test_a_scrape_shows_the_shards_as_they_are_now() -> None:
    """Sums over partitions for cases and timers, one series a partition for lag and watermark."""
    first = Shard(lag_records=7, watermark=997_500_000, cases_open=3, cases_ended=1, quarantined=1, timers=4)
    second = Shard(partition=5, state="catching_up", cases_open=2, cases_orphaned=6, timers=1, next_due=2_000_500_000)
    registry = scraped(first, second)
    assert series(registry, "sla_partition_lag_records") == {("0",): 7, ("5",): 0}
    assert series(registry, "sla_watermark_age_seconds") == {("0",): 2.5}
    assert series(registry, "sla_cases") == {("open",): 5, ("ended",): 1, ("orphaned",): 6}
    assert value(registry, "sla_quarantined_cases") == 1
    assert value(registry, "sla_timers_pending") == 5
    assert value(registry, "sla_next_due_timestamp_seconds") == 2_000.5
    assert value(registry, "sla_oldest_overdue_timer_seconds") == 0
    first.cases_open = 10
    assert value(registry, "sla_cases", state="open") == 12


def test_open_cases_are_counted_by_how_they_stand() -> None:
    """Summed over partitions, each known combination from zero; names that no pack has are `other`."""
    late = Standing(state="overdue", plan="unified", queue="finance", waits=True, effort="exhausted")
    unknown = Standing(severity=None, plan=None, state="unknown", promised=False)
    first = Shard(open_cases=[(late, 2), (Standing(plan="unified"), 5)])
    second = Shard(partition=1, open_cases=[(late, 1), (unknown, 4)])
    registry = scraped(first, second)
    cases = series(registry, "sla_open_cases")
    assert len(cases) == 2 * 2 * len(STANDINGS) * 2 + 1
    assert {key: count for key, count in cases.items() if count} == {
        ("A", "unified", "overdue", "true"): 3,
        ("A", "unified", "running", "true"): 5,
        ("other", "other", "unknown", "false"): 4,
    }
    queues = series(registry, "sla_queue_cases")
    assert (queues["finance", "A", "overdue"], queues["other", "A", "running"]) == (3, 5)
    assert series(registry, "sla_downgrade_waiting_cases") == {
        (severity, plan): 3 * ((severity, plan) == ("A", "unified"))
        for severity in LABELS.severities
        for plan in LABELS.plans
    }
    assert series(registry, "sla_effort_cases")["unified", "exhausted"] == 3


@pytest.mark.parametrize("state", PARTITION_STATES)
def test_a_partition_is_in_one_state(state: str) -> None:
    """All six states are series; exactly the current one is 1."""
    states = series(scraped(Shard(state=state)), "sla_partition_state")
    assert states == {("0", each): float(each == state) for each in PARTITION_STATES}


def test_an_overdue_timer_waits_from_due_plus_settle() -> None:
    """Due at 990 s, settle 2 s, now 1000 s: it has waited 8 s. The earliest of all partitions counts."""
    registry = scraped(Shard(next_due=990_000_000), Shard(partition=1, next_due=995_000_000))
    assert value(registry, "sla_oldest_overdue_timer_seconds") == 8


def test_no_deadline_is_no_number() -> None:
    """Without a timer the next deadline is absent, not 1970; nothing is overdue and the cases are zero."""
    registry = scraped()
    assert value(registry, "sla_next_due_timestamp_seconds") is None
    assert value(registry, "sla_oldest_overdue_timer_seconds") == 0
    assert series(registry, "sla_cases") == {(state,): 0 for state in CASE_STATES}


@pytest.mark.parametrize("state", ["suspended", "closed"])
def test_what_another_worker_may_hold_is_not_counted_here(state: str) -> None:
    """During a hand-over a case is counted by one worker, not by two."""
    registry = scraped(Shard(state=state, cases_open=9, timers=9, quarantined=9, next_due=1, watermark=1))
    assert value(registry, "sla_cases", state="open") == 0
    assert value(registry, "sla_timers_pending") == 0
    assert value(registry, "sla_quarantined_cases") == 0
    assert value(registry, "sla_oldest_overdue_timer_seconds") == 0
    assert series(registry, "sla_watermark_age_seconds") == {}


def test_a_partition_opened_again_while_the_old_shard_closes_is_shown_once() -> None:
    """Two series of one name would make Prometheus refuse the whole page."""
    registry = scraped(Shard(state="opening", state_since=20.0), Shard(state="closed", state_since=10.0))
    assert value(registry, "sla_partition_state", partition="0", state="opening") == 1
    assert value(registry, "sla_partition_state", partition="0", state="closed") == 0


def test_registering_does_not_ask_the_shards() -> None:
    """The collector is registered before the first assignment; only a scrape looks."""

    def asked() -> tuple[ShardView, ...]:
        raise AssertionError("asked")

    shards: Callable[[], tuple[ShardView, ...]] = asked
    Registry().register(ShardCollector(shards, lambda: 0.0, 2.0, LABELS))
