"""What the engine says while it works (`Recorder`), and what is asked of its shards at scrape (`ShardCollector`).

The verbs stand on the path of every event: each is one look-up of a ready-made series and one addition. Call them once
a batch with a count where a count is known.
"""

from __future__ import annotations

import itertools
import platform
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client import Metric as Family
from prometheus_client.core import GaugeMetricFamily

from sla_monitor import __version__
from sla_monitor.core import facts
from sla_monitor.core.notices import DETECTED
from sla_monitor.observe import metrics
from sla_monitor.observe.metrics import OTHER

STALL_WINDOW_SECONDS = 60.0
MICROSECONDS = 1_000_000
EXEMPLAR_CHARACTERS_MAX = 128  # OpenMetrics: of all names and values together

Exemplar = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The values that labels may have, from the packs and the code. Anything else is counted as `other`."""

    notices: Collection[str]
    dead_reasons: Collection[str]
    clocks: Collection[str]
    severities: Collection[str]
    plans: Collection[str]
    calendars: Collection[str] = ()
    queues: Collection[str] = ()
    events: Collection[str] = tuple(facts.TYPES)


class _Series(dict[tuple[str, ...], Callable[..., None]]):
    """The `inc` of each combination of label values, all of them made at once, so that each starts at zero.

    A value outside the configured set becomes `other` and is not remembered: strangers cannot make this grow.
    """

    def __init__(self, metric: metrics.Metric, registry: CollectorRegistry, *values: Collection[str]) -> None:
        self._allowed = [frozenset(each) for each in values]
        self._counter = metric.counter(registry)
        self._labels = self._counter.labels
        super().__init__((key, self._labels(*key).inc) for key in itertools.product(*map(dict.fromkeys, values)))

    def __missing__(self, key: tuple[str, ...]) -> Callable[..., None]:
        bounded = (value if value in allowed else OTHER for value, allowed in zip(key, self._allowed, strict=True))
        return self._labels(*bounded).inc

    def counted(self) -> Iterator[tuple[dict[str, str], int]]:
        """The labels of each series, and how often it was counted."""
        for family in self._counter.collect():
            yield from ((each.labels, int(each.value)) for each in family.samples if each.name.endswith("_total"))


class _RecentMax:
    """The largest of the last one to two windows: two numbers instead of a list. Any thread may speak."""

    def __init__(self, window_seconds: float, monotonic: Callable[[], float]) -> None:
        self._window, self._monotonic, self._lock = window_seconds, monotonic, threading.Lock()
        self._since, self._before, self._now = monotonic(), 0.0, 0.0

    def say(self, value: float) -> None:
        with self._lock:
            self._turn()
            self._now = max(self._now, value)

    def value(self) -> float:
        with self._lock:
            self._turn()
            return max(self._before, self._now)

    def _turn(self) -> None:
        windows = int((self._monotonic() - self._since) // self._window)
        if windows:
            self._before, self._now = (self._now if windows == 1 else 0.0), 0.0
            self._since += windows * self._window


class Recorder:
    """The verbs of the engine. Made once for a registry."""

    def __init__(
        self, registry: CollectorRegistry, labels: Labels, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        targets = (labels.clocks, labels.severities, labels.plans, metrics.OUTCOMES, metrics.PROMISED)
        self._events = _Series(metrics.EVENTS, registry, (*labels.events, OTHER))
        self._without_effect = _Series(metrics.EVENTS_WITHOUT_EFFECT, registry, (*metrics.WITHOUT_EFFECT, OTHER))
        self._dead = _Series(metrics.DEAD_LETTERS, registry, (*labels.dead_reasons, OTHER))
        self._notices = _Series(metrics.NOTICES, registry, labels.notices, DETECTED)
        self._retractions = _Series(metrics.RETRACTIONS, registry, (*labels.notices, OTHER))
        self._targets = _Series(metrics.TARGETS, registry, *targets)
        self._targets_retracted = _Series(metrics.TARGETS_RETRACTED, registry, *targets)
        self._lateness = metrics.TIMER_LATENESS.histogram(registry)
        self._transaction = metrics.TRANSACTION_DURATION.histogram(registry)
        self._restore = metrics.RESTORE_DURATION.histogram(registry)
        self._restored_rows = metrics.RESTORED_ROWS.counter(registry)
        self._fenced = metrics.SHARDS_FENCED.counter(registry)
        self._rebalances = metrics.REBALANCES.counter(registry)
        self._partitions = metrics.INPUT_PARTITIONS.gauge(registry)
        self._mismatches = metrics.PARTITION_MISMATCHES.counter(registry)
        self._folded_early = metrics.FACTS_FOLDED_EARLY.counter(registry)
        self._skew = metrics.CLOCK_SKEW.gauge(registry)
        self._stall = _RecentMax(STALL_WINDOW_SECONDS, monotonic)
        metrics.EVENT_LOOP_STALL.gauge(registry).set_function(self._stall.value)
        metrics.BUILD_INFO.info(registry).info({"version": __version__, "python": platform.python_version()})
        self._config = metrics.CONFIG_INFO.info(registry)
        self._config.info({"hash": ""})
        self._reload_successful = metrics.CONFIG_LAST_RELOAD_SUCCESSFUL.gauge(registry)
        self._reload_successful.set(1)  # nothing was refused: a worker whose first packs are wrong does not start
        self._reload_success_at = metrics.CONFIG_LAST_RELOAD_SUCCESS.gauge(registry)
        self._reloads = _Series(metrics.CONFIG_RELOADS, registry, metrics.RELOADS)
        self._horizon = metrics.CALENDAR_HORIZON.gauge(registry)
        self._attainment = metrics.ATTAINMENT_TARGET.gauge(registry)
        self._calendars = frozenset(labels.calendars)

    def event(self, kind: str, count: int = 1) -> None:
        self._events[(kind,)](count)

    def without_effect(self, reason: str, count: int = 1) -> None:
        self._without_effect[(reason,)](count)

    def dead(self, reason: str, count: int = 1) -> None:
        self._dead[(reason,)](count)

    def notice(self, kind: str, detected: str, count: int = 1) -> None:
        self._notices[(kind, detected)](count)

    def retracted(self, kind: str, count: int = 1) -> None:
        """`kind` is that of the notice withdrawn. A verdict withdrawn is told to `verdict_retracted` too."""
        self._retractions[(kind,)](count)

    def verdict(
        self,
        clock: str,
        severity: str,
        plan: str,
        outcome: str,
        promised: bool,  # noqa: FBT001
        exemplar: Exemplar | None = None,
    ) -> None:
        self._targets[(clock, severity, plan, outcome, "true" if promised else "false")](1, exemplar)

    def verdict_retracted(self, clock: str, severity: str, plan: str, outcome: str, promised: bool) -> None:  # noqa: FBT001
        """With the words of the verdict it withdraws, so that the difference is what stands."""
        self._targets_retracted[(clock, severity, plan, outcome, "true" if promised else "false")](1)

    def verdicts(self) -> dict[tuple[str, str, str], dict[str, int]]:
        """Of promises, those that were not taken back: by (clock, severity, plan), how often each outcome."""
        found: dict[tuple[str, str, str], dict[str, int]] = {}
        for series, sign in ((self._targets, 1), (self._targets_retracted, -1)):
            for labels, count in series.counted():
                if labels["promised"] == "true" and labels["outcome"] in ("met", "met_late", "breached"):
                    key = (labels["clock"], labels["severity"], labels["plan"])
                    outcomes = found.setdefault(key, {})
                    outcomes[labels["outcome"]] = outcomes.get(labels["outcome"], 0) + sign * count
        return found

    def timer_late(self, seconds: float, exemplar: Exemplar | None = None) -> None:
        """From due + settle to committed; a commit before that (a fact decided at once) counts as 0."""
        self._lateness.observe(max(0.0, seconds), exemplar)

    def committed(self, seconds: float) -> None:
        self._transaction.observe(seconds)

    def restored(self, seconds: float, rows: int) -> None:
        self._restore.observe(seconds)
        self._restored_rows.inc(rows)

    def fenced(self) -> None:
        self._fenced.inc()

    def rebalanced(self) -> None:
        """Partitions were assigned to this worker, or none."""
        self._rebalances.inc()

    def partitions(self, count: int) -> None:
        """Of the input."""
        self._partitions.set(count)

    def mismatch(self, count: int = 1) -> None:
        self._mismatches.inc(count)

    def folded_early(self, count: int) -> None:
        self._folded_early.inc(count)

    def skew(self, seconds: float) -> None:
        """Our clock minus the broker's."""
        self._skew.set(seconds)

    def stall(self, seconds: float) -> None:
        """One stall of the event loop; may be called from the watchdog's thread."""
        self._stall.say(seconds)

    def configured(self, config_hash: str, at: float) -> None:
        """Packs and calendars were accepted at wall time `at`, seconds: at the start and at each reload."""
        self._config.info({"hash": config_hash})
        self._reload_successful.set(1)
        self._reload_success_at.set(at)
        self._reloads[(metrics.RELOADS[0],)](1)

    def reload_refused(self) -> None:
        """The old configuration goes on."""
        self._reload_successful.set(0)
        self._reloads[(metrics.RELOADS[1],)](1)

    def horizon(self, calendar: str, at: float) -> None:
        """`at`: wall seconds. Of several calendars outside the configured set the last one told is shown."""
        self._horizon.labels(calendar if calendar in self._calendars else OTHER).set(at)

    def attainment(self, clock: str, severity: str, plan: str, ratio: float | None) -> None:
        """The share of these promises that is to be kept; None: the pack does not say, or no more."""
        if ratio is not None:
            self._attainment.labels(clock, severity, plan).set(ratio)
        else:
            with suppress(KeyError):
                self._attainment.remove(clock, severity, plan)


def exemplar_of(case_id: str, traceparent: str | None) -> Exemplar | None:
    """What an exemplar says of a case; None if its id leaves no room. A part of an id would be that of another case."""
    room = EXEMPLAR_CHARACTERS_MAX - len("case_id") - len(case_id)
    if room < 0:
        return None
    _, _, rest = (traceparent or "").partition("-")
    trace_id = rest.partition("-")[0]
    if trace_id and room >= len("trace_id") + len(trace_id):
        return {"case_id": case_id, "trace_id": trace_id}
    return {"case_id": case_id}


class Stands(Protocol):
    """How some open cases stand; None: not a name of the packs."""

    @property
    def severity(self) -> str | None: ...
    @property
    def plan(self) -> str | None: ...
    @property
    def queue(self) -> str | None: ...
    @property
    def state(self) -> str: ...
    @property
    def promised(self) -> bool: ...
    @property
    def waits(self) -> bool: ...
    @property
    def effort(self) -> str: ...


class ShardView(Protocol):
    """What a shard shows of itself. `state_since` is wall seconds; `watermark` and `next_due` are microseconds."""

    @property
    def partition(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def state_since(self) -> float: ...
    @property
    def lag_records(self) -> int: ...
    @property
    def watermark(self) -> int | None: ...
    @property
    def cases_open(self) -> int: ...
    @property
    def cases_ended(self) -> int: ...
    @property
    def cases_orphaned(self) -> int: ...
    @property
    def quarantined(self) -> int: ...
    @property
    def open_cases(self) -> Iterable[tuple[Stands, int]]: ...
    @property
    def timers(self) -> int: ...
    @property
    def next_due(self) -> int | None: ...


class ShardCollector:
    """Reads the shards when somebody scrapes; nothing is kept, so nothing can drift. Register it once.

    A suspended or closed shard shows only its state: another worker may hold its partition, and a sum over workers
    must not count a case twice. Two shards of one partition (one closing): the one that changed last is shown.
    """

    def __init__(
        self,
        shards: Callable[[], Iterable[ShardView]],
        wall: Callable[[], float],
        settle_seconds: float,
        labels: Labels,
    ) -> None:
        self._shards, self._wall, self._settle_seconds, self._labels = shards, wall, settle_seconds, labels

    def describe(self) -> Iterable[Family]:
        """The names alone: registering must not ask the shards."""
        return [entry.family() for entry in metrics.CATALOGUE if entry.at_scrape]

    def collect(self) -> Iterator[Family]:
        latest = {shard.partition: shard for shard in sorted(self._shards(), key=lambda shard: shard.state_since)}
        owned = [shard for shard in latest.values() if shard.state not in {"suspended", "closed"}]
        now = self._wall()
        yield _states(latest.values())
        reading = [shard for shard in owned if shard.state in {"live", "catching_up"}]
        yield _by_partition(metrics.PARTITION_LAG, ((shard, shard.lag_records) for shard in reading))
        yield _by_partition(
            metrics.WATERMARK_AGE,
            ((shard, now - shard.watermark / MICROSECONDS) for shard in owned if shard.watermark is not None),
        )
        yield _cases(owned)
        yield from _open_cases([each for shard in owned for each in shard.open_cases], self._labels)
        yield _one(metrics.QUARANTINED_CASES, sum(shard.quarantined for shard in owned))
        yield _one(metrics.TIMERS_PENDING, sum(shard.timers for shard in owned))
        dues = [shard.next_due / MICROSECONDS for shard in owned if shard.next_due is not None]
        yield _one(metrics.NEXT_DUE, min(dues, default=None))
        yield _one(metrics.OLDEST_OVERDUE_TIMER, max(0.0, now - self._settle_seconds - min(dues, default=now)))


def _states(shards: Iterable[ShardView]) -> GaugeMetricFamily:
    family = metrics.PARTITION_STATE.family()
    for shard, state in itertools.product(shards, metrics.PARTITION_STATES):
        family.add_metric((str(shard.partition), state), float(shard.state == state))
    return family


def _cases(shards: list[ShardView]) -> GaugeMetricFamily:
    family = metrics.CASES.family()
    for state in metrics.CASE_STATES:
        family.add_metric((state,), sum(getattr(shard, f"cases_{state}") for shard in shards))
    return family


def _open_cases(standings: list[tuple[Stands, int]], labels: Labels) -> Iterator[GaugeMetricFamily]:
    """Sums of what the shards have counted: the cost is that of the ways to stand, a few dozen, not of the cases."""
    severities, plans, queues = labels.severities, labels.plans, (*labels.queues, OTHER)
    by_terms = _Sums(metrics.OPEN_CASES, severities, plans, metrics.STANDINGS, metrics.PROMISED)
    by_queue = _Sums(metrics.QUEUE_CASES, queues, severities, metrics.STANDINGS)
    waiting = _Sums(metrics.DOWNGRADE_WAITING_CASES, severities, plans)
    effort = _Sums(metrics.EFFORT_CASES, plans, metrics.EFFORT_LEVELS)
    for each, count in standings:
        by_terms.add(count, each.severity, each.plan, each.state, "true" if each.promised else "false")
        by_queue.add(count, each.queue, each.severity, each.state)
        if each.waits:
            waiting.add(count, each.severity, each.plan)
        if each.effort in metrics.EFFORT_LEVELS:
            effort.add(count, each.plan, each.effort)
    yield from (sums.family() for sums in (by_terms, by_queue, waiting, effort))


class _Sums:
    """A gauge that is added up at scrape: each known combination from zero, what is not known as `other`."""

    def __init__(self, metric: metrics.Metric, *values: Collection[str]) -> None:
        self._metric = metric
        self._allowed = [frozenset(each) for each in values]
        self._counts: dict[tuple[str, ...], int] = dict.fromkeys(itertools.product(*map(dict.fromkeys, values)), 0)

    def add(self, count: int, *labels: str | None) -> None:
        key = tuple(label if label in allowed else OTHER for label, allowed in zip(labels, self._allowed, strict=True))
        self._counts[key] = self._counts.get(key, 0) + count

    def family(self) -> GaugeMetricFamily:
        family = self._metric.family()
        for key, count in self._counts.items():
            family.add_metric(key, count)
        return family


def _by_partition(metric: metrics.Metric, values: Iterable[tuple[ShardView, float]]) -> GaugeMetricFamily:
    family = metric.family()
    for shard, value in values:
        family.add_metric((str(shard.partition),), value)
    return family


def _one(metric: metrics.Metric, value: float | None) -> GaugeMetricFamily:
    family = metric.family()
    if value is not None:
        family.add_metric((), value)
    return family
