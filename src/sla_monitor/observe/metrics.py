"""The catalogue: every metric of the worker, once. Rules, dashboards and docs/metrics.md are tested against it.

Base units only. Labels are bounded by the packs and the code: whatever else turns up is counted as `other`, and no
label ever names a case, a customer or a person. `python -m sla_monitor.observe.metrics` prints docs/metrics.md.

Longer than most modules because it is a list.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector
from prometheus_client import Metric as Family
from prometheus_client.core import GaugeMetricFamily

OTHER = "other"

# Values of the labels that the code, not a pack, defines.
WITHOUT_EFFECT = ("duplicate", "other_type", "unknown_case", "no_effect")
OUTCOMES = ("met", "met_late", "breached", "cancelled")
PROMISED = ("true", "false")
PARTITION_STATES = ("opening", "live", "catching_up", "suspended", "tripped", "closed")
CASE_STATES = ("open", "ended", "orphaned")
STANDINGS = ("idle", "paused", "running", "at_risk", "overdue", "unknown")  # of open cases, by their worst clock
EFFORT_LEVELS = ("warned", "exhausted")
RELOADS = ("accepted", "refused")

# 0.25 s is the promised p99 and therefore an edge.
LATENESS_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
TRANSACTION_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
RESTORE_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)

UNITS = ("seconds", "records", "ratio")

Kind = Literal["counter", "gauge", "histogram", "info"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One entry of the catalogue. `at_scrape`: computed from the shards when somebody asks, not kept."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    at_scrape: bool = False

    @property
    def unit(self) -> str:
        """As OpenMetrics has it: the end of the name; what only counts has none."""
        return next((unit for unit in UNITS if self.name.endswith(f"_{unit}")), "")

    def counter(self, registry: CollectorRegistry) -> Counter:
        return Counter(self.name, self.help, self.labels, registry=registry)

    def gauge(self, registry: CollectorRegistry) -> Gauge:
        return Gauge(self.name, self.help, self.labels, unit=self.unit, registry=registry)

    def histogram(self, registry: CollectorRegistry) -> Histogram:
        return Histogram(self.name, self.help, self.labels, unit=self.unit, registry=registry, buckets=self.buckets)

    def info(self, registry: CollectorRegistry) -> Info:
        """Its labels are given with its value, not declared: prometheus_client keeps one set and replaces it whole."""
        return Info(self.name.removesuffix("_info"), self.help, registry=registry)

    def family(self) -> GaugeMetricFamily:
        """An empty gauge, to be filled at scrape."""
        return GaugeMetricFamily(self.name, self.help, labels=self.labels, unit=self.unit)


def _counter(name: str, text: str, *labels: str) -> Metric:
    return Metric(name=name, kind="counter", help=text, labels=labels)


def _gauge(name: str, text: str, *labels: str) -> Metric:
    return Metric(name=name, kind="gauge", help=text, labels=labels)


def _at_scrape(name: str, text: str, *labels: str) -> Metric:
    return Metric(name=name, kind="gauge", help=text, labels=labels, at_scrape=True)


def _histogram(name: str, text: str, buckets: tuple[float, ...]) -> Metric:
    return Metric(name=name, kind="histogram", help=text, buckets=buckets)


def _info(name: str, text: str, *labels: str) -> Metric:
    return Metric(name=name, kind="info", help=text, labels=labels)


# Promises to customers.
TARGETS = _counter(
    "sla_targets_total",
    "Verdicts on targets: met, met_late (after a breach), breached, cancelled. "
    "Subtract sla_targets_retracted_total for those that still stand.",
    "clock", "severity", "plan", "outcome", "promised",
)  # fmt: skip
TARGETS_RETRACTED = _counter(
    "sla_targets_retracted_total",
    "Verdicts withdrawn by a late or corrected fact; labelled as the verdict was.",
    "clock", "severity", "plan", "outcome", "promised",
)  # fmt: skip
ATTAINMENT_TARGET = _gauge(
    "sla_attainment_target_ratio",
    "The share of promises that is to be kept, as the pack says; absent where it says nothing.",
    "clock", "severity", "plan",
)  # fmt: skip
NOTICES = _counter(
    "sla_notices_total", "Notices committed to Kafka, by type and how they were detected.", "type", "detected"
)
RETRACTIONS = _counter("sla_retractions_total", "Notices withdrawn, by the type of the notice withdrawn.", "type")
TIMER_LATENESS = _histogram(
    "sla_timer_lateness_seconds",
    "From the instant a deadline is due plus the settle time until its notice is committed. The engine's own promise.",
    LATENESS_SECONDS,
)
CASES = _at_scrape(
    "sla_cases", "Cases held by this worker: open, ended, orphaned (waiting for their opening).", "state"
)
OPEN_CASES = _at_scrape(
    "sla_open_cases",
    "Open cases by what the worst of their clocks is at: overdue (breached and not stopped), at_risk (a warning level "
    "is behind it), running, paused, idle (none runs), unknown (kept by an older version and not changed since). "
    "promised: of that clock; false for idle and unknown.",
    "severity", "plan", "state", "promised",
)  # fmt: skip
QUEUE_CASES = _at_scrape(
    "sla_queue_cases",
    "The same cases by the queue they are in: one of the pack's list, else other.",
    "queue", "severity", "state",
)  # fmt: skip
DOWNGRADE_WAITING_CASES = _at_scrape(
    "sla_downgrade_waiting_cases",
    "Open cases with a recommended downgrade that nobody has confirmed or declined.",
    "severity", "plan",
)  # fmt: skip
EFFORT_CASES = _at_scrape(
    "sla_effort_cases",
    "Open cases by how far their limit of engineer time is used up: warned, exhausted.",
    "plan", "level",
)  # fmt: skip
QUARANTINED_CASES = _at_scrape(
    "sla_quarantined_cases", "Cases set aside after an error of the rules; their timers stand still."
)
TIMERS_PENDING = _at_scrape("sla_timers_pending", "Timers waiting in this worker.")
NEXT_DUE = _at_scrape("sla_next_due_timestamp_seconds", "The earliest deadline waiting; absent while none waits.")
OLDEST_OVERDUE_TIMER = _at_scrape(
    "sla_oldest_overdue_timer_seconds",
    "How long the earliest deadline has been due, the settle time deducted; 0 while none is.",
)

# What came in.
EVENTS = _counter("sla_events_total", "Events read from the input, by type.", "type")
EVENTS_WITHOUT_EFFECT = _counter("sla_events_without_effect_total", "Events that changed nothing, by reason.", "reason")
DEAD_LETTERS = _counter("sla_dead_letters_total", "Records sent to the dead-letter topic, by reason.", "reason")
PARTITION_MISMATCHES = _counter(
    "sla_partition_mismatches_total", "Records of unknown cases on another partition than murmur2 of the key gives."
)
FACTS_FOLDED_EARLY = _counter(
    "sla_facts_folded_early_total", "Facts folded before the correction horizon: the case has too many."
)

# The worker itself.
INPUT_PARTITIONS = _gauge("sla_input_partitions", "Partitions of the input: those of all workers together.")
REBALANCES = _counter("sla_rebalances_total", "Assignments of partitions that this worker was given.")
PARTITION_STATE = _at_scrape(
    "sla_partition_state", "1 for the state a partition of this worker is in, else 0.", "partition", "state"
)
PARTITION_LAG = _at_scrape(
    "sla_partition_lag_records",
    "Records of the input not yet folded; absent while a partition is opening or tripped, for then it does not look.",
    "partition",
)
WATERMARK_AGE = _at_scrape(
    "sla_watermark_age_seconds",
    "Wall clock minus the instant up to which the input is known to be complete; it also grows while nothing is due. "
    "Absent while there is no watermark.",
    "partition",
)
TRANSACTION_DURATION = _histogram(
    "sla_transaction_duration_seconds", "From beginning to commit of a transaction.", TRANSACTION_SECONDS
)
RESTORE_DURATION = _histogram(
    "sla_restore_duration_seconds", "Reading the state of one partition after an assignment.", RESTORE_SECONDS
)
RESTORED_ROWS = _counter("sla_restored_rows_total", "Rows of state read after assignments.")
SHARDS_FENCED = _counter("sla_shards_fenced_total", "Partitions lost to another worker in the middle of a transaction.")
CLOCK_SKEW = _gauge(
    "sla_clock_skew_seconds", "This worker's clock minus the broker's, at the last commit; positive: ours is ahead."
)
EVENT_LOOP_STALL = _gauge(
    "sla_event_loop_stall_seconds", "The longest time the event loop did not turn, of the last one to two minutes."
)
BUILD_INFO = _info("sla_build_info", "The version that runs.", "version", "python")
CONFIG_INFO = _info(
    "sla_config_info", "The hash of packs and calendars in use; unequal hashes among workers are a fault.", "hash"
)
CONFIG_LAST_RELOAD_SUCCESSFUL = _gauge(
    "sla_config_last_reload_successful", "1 if the last load of packs and calendars was accepted, else 0."
)
CONFIG_LAST_RELOAD_SUCCESS = _gauge(
    "sla_config_last_reload_success_timestamp_seconds", "When packs and calendars were last accepted."
)
CONFIG_RELOADS = _counter(
    "sla_config_reloads_total", "Loads of packs and calendars, by what became of them.", "outcome"
)
CALENDAR_HORIZON = _gauge(
    "sla_calendar_horizon_timestamp_seconds",
    "Up to when the days off of a calendar are pinned, or without a lock known. Named by its rule.",
    "calendar",
)

CATALOGUE: tuple[Metric, ...] = tuple(entry for entry in list(globals().values()) if isinstance(entry, Metric))


class Registry(CollectorRegistry):
    """A registry of our own: nothing is global, and no `_created` series doubles the count of series."""

    def collect(self) -> Iterable[Family]:
        for family in super().collect():
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            yield family


def registry() -> Registry:
    """An empty registry but for `process_*`: memory, CPU, open files, start time."""
    made = Registry()
    ProcessCollector(registry=made)
    return made


def _words(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


HEAD = """\
# Metrics

<!-- Generated by `python -m sla_monitor.observe.metrics > docs/metrics.md`; a test holds it equal. -->

Served at `/metrics`, as OpenMetrics when asked. Labels are bounded by the policy packs; other values are counted as
`other`. No label names a case, a customer or a person; an exemplar may name a case. *At scrape*: computed from the
partitions this worker owns at that moment, so that it cannot drift, and from counts that they keep, so that a million
cases cost a scrape no more than ten. `process_*` (memory, CPU, open files) are those of prometheus_client.

| name | kind | unit | labels | what |
|---|---|---|---|---|
"""

TAIL = f"""
## Labels

| label | values |
|---|---|
| `clock` `severity` `plan` | of the newest pack version at the start of the worker |
| `queue` | the pack's list `queues` |
| `calendar` | the rule of one of the pack's calendars, such as SP-HRS-1 |
| `promised` | {_words(PROMISED)}: whether the pack promises it |
| `type` | of an event or of a notice |
| `detected` | as in notices |
| `reason` | why an event had no effect, or went to the dead letters |
| `partition` | of the input |
| `outcome` | {_words(OUTCOMES)}; of a reload {_words(RELOADS)} |
| `state` of `sla_cases` | {_words(CASE_STATES)} |
| `state` of open cases | {_words(STANDINGS)} |
| `state` of a partition | {_words(PARTITION_STATES)} |
| `level` | {_words(EFFORT_LEVELS)} |
| `hash` `version` `python` | one at a time |

Each combination of the values that a worker knows stands at zero from its start. What is met beside them is `other`.

## Exemplars

Where Prometheus keeps exemplars (`--enable-feature=exemplar-storage`), the buckets of `sla_timer_lateness_seconds` and
the breaches among `sla_targets_total` name the last case they counted (`case_id`) and, where an event decided and not
time, the trace of that event (`trace_id`), as far as they fit into the 128 characters of the format. A graph leads to a
case that way, while no label does. Rules and alerts over these metrics: [monitoring](monitoring.md).
"""


def markdown() -> str:
    """docs/metrics.md."""
    return HEAD + "".join(_row(entry) for entry in CATALOGUE) + TAIL


def _row(entry: Metric) -> str:
    labels = " ".join(f"`{label}`" for label in entry.labels)
    kind = f"{entry.kind}, at scrape" if entry.at_scrape else entry.kind
    buckets = f" Buckets: {', '.join(f'{edge:g}' for edge in entry.buckets)}." if entry.buckets else ""
    return f"| `{entry.name}` | {kind} | {entry.unit} | {labels} | {entry.help}{buckets} |\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
