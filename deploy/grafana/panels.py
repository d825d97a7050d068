"""The three dashboards, panel by panel. `make.py` makes Grafana's files of them.

Longer than most modules because it is a list.
"""

from __future__ import annotations

from typing import Any, Final

from deploy.grafana.model import Dashboard, Panel, Query, Row

# name -> (what its values are, whether several may be chosen)
VARIABLES: Final = {
    "job": ("label_values(sla_build_info, job)", False),
    "instance": ('label_values(sla_build_info{job="$job"}, instance)', True),
    "severity": ('label_values(sla_open_cases{job="$job"}, severity)', True),
    "plan": ('label_values(sla_open_cases{job="$job"}, plan)', True),
    "queue": ('label_values(sla_queue_cases{job="$job"}, queue)', True),
}

# What explains a step in a graph: (name, colour, where it happened, text). Looked at every minute, over a scrape or two
# more than that: what happens between the last scrape of one look and the first of the next would be seen by neither.
ANNOTATIONS: Final = (
    (
        "Packs reloaded",
        "blue",
        'sum by (instance, outcome) (changes(sla_config_reloads_total{job="$job"}[90s])) > 0',
        "{{instance}}: {{outcome}}",
    ),
    (
        "Partitions assigned",
        "purple",
        'sum by (instance) (changes(sla_rebalances_total{job="$job"}[90s])) > 0',
        "{{instance}}",
    ),
)

RED: Final = ((None, "green"), (1, "red"))
ORANGE: Final = ((None, "green"), (1, "orange"))
OF: Final = 'job="$job", severity=~"$severity", plan=~"$plan"'
PRESSING: Final = 'state=~"overdue|at_risk", promised="true"'
AT: Final = 'job="$job", instance=~"$instance"'
TARGETS: Final = 'max by (job, clock, severity, plan) (sla_attainment_target_ratio{job="$job"})'


def stat(title: str, description: str, expression: str, unit: str = "short", legend: str = "", **more: Any) -> Panel:
    """One number with its last hours behind it."""
    kept: dict[str, Any] = {"kind": "stat", "width": 4, "height": 5, **more}
    return Panel(title=title, description=description, unit=unit, queries=(Query(expression, legend),), **kept)


def graph(title: str, description: str, unit: str, *queries: tuple[str, str], **more: Any) -> Panel:
    return Panel(
        title=title, description=description, unit=unit, queries=tuple(Query(*each) for each in queries), **more
    )


PROMISES: Final = Dashboard(
    uid="sla-promises",
    title="SLA monitor: promises",
    description="How many promises are kept, how much may still go wrong this month, and which are broken now.",
    since="now-7d",
    variables={"job": "Deployment", "severity": "Severity", "plan": "Plan"},
    rows=(
        Row(
            title="Thirty days",
            panels=(
                Panel(
                    title="Kept, asked for, and left",
                    description="Of the promises decided in thirty days: the share that was kept, the share that the "
                    "pack asks "
                    "for, and how much of what may go wrong is left (below zero: more went wrong than may).",
                    unit="percentunit",
                    kind="table",
                    width=24,
                    height=9,
                    queries=(
                        Query(f"sum by (clock, severity, plan) (sla:promises_kept:ratio_rate30d{{{OF}}})", "kept"),
                        Query(f"max by (clock, severity, plan) (sla_attainment_target_ratio{{{OF}}})", "asked for"),
                        Query(
                            f"sum by (clock, severity, plan) (sla:error_budget_left:ratio30d{{{OF}}})", "budget left"
                        ),
                    ),
                ),
                graph(
                    "Budget left",
                    "How much of what may go wrong in thirty days is left. Steady is fine, a slope that reaches zero "
                    "before the "
                    "month ends is not.",
                    "percentunit",
                    (f"sla:error_budget_left:ratio30d{{{OF}}}", "{{severity}} {{plan}} {{clock}}"),
                    width=12,
                    least=None,
                    thresholds=((None, "red"), (0, "orange"), (0.25, "green")),
                ),
                graph(
                    "Burn rate",
                    "How many times faster than evenly over thirty days the budget was used in the last hour, and in "
                    "the last day. "
                    "1 lasts just a month; at 14.4 somebody is woken.",
                    "short",
                    (
                        f"sla:promises_broken:ratio_rate1h{{{OF}}} / on (job, clock, severity, plan) (1 - {TARGETS})",
                        "1 h: {{severity}} {{plan}}",
                    ),
                    (
                        f"sla:promises_broken:ratio_rate1d{{{OF}}} / on (job, clock, severity, plan) (1 - {TARGETS})",
                        "1 d: {{severity}} {{plan}}",
                    ),
                    width=12,
                ),
            ),
        ),
        Row(
            title="Now",
            panels=(
                stat(
                    "Past their deadline",
                    "Open cases whose promise is broken and whose clock still runs: each waits for an answer.",
                    f'sum(sla:open_cases:sum{{{OF}, state="overdue", promised="true"}})',
                    thresholds=RED,
                ),
                stat(
                    "At risk",
                    "Open cases that have passed a warning level and are not answered yet.",
                    f'sum(sla:open_cases:sum{{{OF}, state="at_risk", promised="true"}})',
                    thresholds=ORANGE,
                ),
                stat(
                    "Broken in the last day",
                    "Promises on which a breach was said in the last 24 hours, those taken back deducted.",
                    f"sum(sla:promises_broken:rate1d{{{OF}}}) * 86400",
                ),
                stat(
                    "Decided in the last day",
                    "Promises that came to a verdict in the last 24 hours: kept or broken.",
                    f"sum(sla:promises_decided:rate1d{{{OF}}}) * 86400",
                ),
                graph(
                    "Cases past their deadline or near it",
                    "Open cases whose promise is broken (overdue) or near its deadline (at risk), by severity.",
                    "short",
                    (
                        f"sum by (severity, state) (sla:open_cases:sum{{{OF}, {PRESSING}}})",
                        "{{severity}} {{state}}",
                    ),
                ),
            ),
        ),
        Row(
            title="Over time",
            panels=(
                graph(
                    "Share of broken promises",
                    "Of the promises decided within six hours, and within a day, the share that was broken.",
                    "percentunit",
                    (f"sla:promises_broken:ratio_rate6h{{{OF}}}", "6 h: {{severity}} {{plan}}"),
                    (f"sla:promises_broken:ratio_rate1d{{{OF}}}", "1 d: {{severity}} {{plan}}"),
                    width=12,
                ),
                graph(
                    "Verdicts",
                    "Verdicts on promises as they are said. met_late is an answer after a breach, cancelled ends "
                    "without a verdict.",
                    "short",
                    (
                        f'sum by (outcome) (increase(sla_targets_total{{{OF}, promised="true"}}[$__rate_interval]))',
                        "{{outcome}}",
                    ),
                    width=12,
                    stacked=True,
                    bars=True,
                ),
                graph(
                    "Taken back",
                    "Verdicts withdrawn because a fact came late or was corrected. Many of them: people were told of "
                    "breaches that "
                    "were none.",
                    "short",
                    (
                        f"sum by (outcome) (increase(sla_targets_retracted_total{{{OF}}}[$__rate_interval]))",
                        "{{outcome}}",
                    ),
                    width=12,
                    stacked=True,
                    bars=True,
                ),
                graph(
                    "Not promised",
                    "Verdicts on clocks that run and are reported without a promise, such as those of private "
                    "previews.",
                    "short",
                    (
                        f'sum by (outcome) (increase(sla_targets_total{{{OF}, promised="false"}}[$__rate_interval]))',
                        "{{outcome}}",
                    ),
                    width=12,
                    stacked=True,
                    bars=True,
                ),
            ),
        ),
    ),
)

REFUSALS: Final = 'job="$job", type=~"coverage.*|eligibility.*|contact.*|reopen.declined"'
QUEUES: Final = 'job="$job", severity=~"$severity", queue=~"$queue"'

CASES: Final = Dashboard(
    uid="sla-cases",
    title="SLA monitor: cases and queues",
    description="What is open, what is near its deadline or past it, in which queue, and what waits for a person.",
    since="now-6h",
    variables={"job": "Deployment", "severity": "Severity", "plan": "Plan", "queue": "Queue"},
    rows=(
        Row(
            title="Now",
            panels=(
                stat("Open", "Cases that are open, whatever they wait for.", f"sum(sla:open_cases:sum{{{OF}}})"),
                stat(
                    "Past a deadline",
                    "Open cases with a clock past its deadline, promised or not.",
                    f'sum(sla:open_cases:sum{{{OF}, state="overdue"}})',
                    thresholds=RED,
                ),
                stat(
                    "At risk",
                    "Open cases with a clock that has passed a warning level.",
                    f'sum(sla:open_cases:sum{{{OF}, state="at_risk"}})',
                    thresholds=ORANGE,
                ),
                stat(
                    "Nearest deadline",
                    "Time to the next instant at which something is due: a warning, a deadline, an overdue level, a "
                    "silence.",
                    'min(sla_next_due_timestamp_seconds{job="$job"}) - time()',
                    "s",
                    none="none",
                ),
                stat(
                    "Downgrades that wait",
                    "Cases with a recommended downgrade that nobody has confirmed or declined.",
                    f"sum(sla_downgrade_waiting_cases{{{OF}}})",
                    thresholds=ORANGE,
                ),
                stat(
                    "Engineer time used up",
                    "Open cases whose limit of engineer time is used up.",
                    'sum(sla_effort_cases{job="$job", plan=~"$plan", level="exhausted"})',
                    thresholds=ORANGE,
                ),
            ),
        ),
        Row(
            title="Queues",
            panels=(
                Panel(
                    title="Late and near it, by queue",
                    description="Open cases past a deadline or at risk, by queue. Queues are those that the pack "
                    "lists; the rest is "
                    "other.",
                    unit="short",
                    kind="bargauge",
                    width=12,
                    height=9,
                    queries=(
                        Query(
                            f'sum by (queue, state) (sla_queue_cases{{{QUEUES}, state=~"overdue|at_risk"}})',
                            "{{queue}}: {{state}}",
                        ),
                    ),
                    thresholds=((None, "green"), (1, "orange"), (10, "red")),
                ),
                graph(
                    "Open cases by queue",
                    "How full each queue is.",
                    "short",
                    (f"sum by (queue) (sla_queue_cases{{{QUEUES}}})", "{{queue}}"),
                    width=12,
                    height=9,
                    stacked=True,
                ),
            ),
        ),
        Row(
            title="Cases",
            panels=(
                graph(
                    "Open cases by state",
                    "By what the worst of a case's clocks is at. idle: no clock runs, the case is answered. unknown: "
                    "not changed "
                    "since an upgrade.",
                    "short",
                    (f"sum by (state) (sla:open_cases:sum{{{OF}}})", "{{state}}"),
                    stacked=True,
                ),
                graph(
                    "Open cases by severity",
                    "As they are now, after raises and downgrades.",
                    "short",
                    (f"sum by (severity) (sla:open_cases:sum{{{OF}}})", "{{severity}}"),
                    stacked=True,
                ),
                graph(
                    "Open cases by plan",
                    "The customer's plan as it is now.",
                    "short",
                    (f"sum by (plan) (sla:open_cases:sum{{{OF}}})", "{{plan}}"),
                    stacked=True,
                ),
                graph(
                    "Downgrades that wait, by severity",
                    "Recommended and neither confirmed nor declined.",
                    "short",
                    (f"sum by (severity) (sla_downgrade_waiting_cases{{{OF}}})", "{{severity}}"),
                ),
                graph(
                    "Engineer time",
                    "Open cases that have passed a warning level of their engineer time, or used it up.",
                    "short",
                    ('sum by (level) (sla_effort_cases{job="$job", plan=~"$plan"})', "{{level}}"),
                ),
                graph(
                    "Not watched",
                    "Cases set aside after a defect (quarantined), and cases of which only later events have come "
                    "(orphaned). "
                    "Neither has a clock that runs.",
                    "short",
                    ('sum(sla_quarantined_cases{job="$job"})', "quarantined"),
                    ('sum(sla_cases{job="$job", state="orphaned"})', "orphaned"),
                ),
            ),
        ),
        Row(
            title="What is said, and what happened",
            panels=(
                graph(
                    "Notices",
                    "Notices sent in the interval, by their type.",
                    "short",
                    ('sum by (type) (increase(sla_notices_total{job="$job"}[$__rate_interval])) > 0', "{{type}}"),
                    width=12,
                    stacked=True,
                    bars=True,
                ),
                graph(
                    "Declined, limited, against the rules",
                    "Requests that are not served or served with less, and attempts to reach a customer outside the "
                    "hours for it.",
                    "short",
                    (
                        f"sum by (type) (increase(sla_notices_total{{{REFUSALS}}}[$__rate_interval]))",
                        "{{type}}",
                    ),
                    width=12,
                    stacked=True,
                    bars=True,
                ),
                graph(
                    "Case events",
                    "What producers told, by type.",
                    "short",
                    ('sum by (type) (increase(sla_events_total{job="$job"}[$__rate_interval])) > 0', "{{type}}"),
                    width=12,
                    stacked=True,
                    bars=True,
                ),
                graph(
                    "Taken back",
                    "Notices withdrawn, by the type of what was withdrawn.",
                    "short",
                    ('sum by (type) (increase(sla_retractions_total{job="$job"}[$__rate_interval]))', "{{type}}"),
                    width=12,
                    stacked=True,
                    bars=True,
                ),
            ),
        ),
    ),
)

DEPLOYMENT: Final = 'job="$job"'
AT_WORK: Final = 'job="$job", state=~"live|catching_up"'
RESTORING: Final = f"sum(rate(sla_restore_duration_seconds_sum{{{AT}}}[$__rate_interval]))"
LATENESS: Final = f"sum by (le) (rate(sla_timer_lateness_seconds_bucket{{{AT}}}[$__rate_interval]))"
TRANSACTIONS: Final = f"sum by (le) (rate(sla_transaction_duration_seconds_bucket{{{AT}}}[$__rate_interval]))"

WORKER: Final = Dashboard(
    uid="sla-worker",
    title="SLA monitor: worker",
    description="Whether deadlines are told in time, partitions are served, and the machines are well.",
    since="now-1h",
    variables={"job": "Deployment", "instance": "Worker"},
    rows=(
        Row(
            title="Promise of the engine",
            panels=(
                stat(
                    "On time",
                    "Of the notices that time decides, the share committed within a quarter of a second after the "
                    "deadline and the "
                    "settle time, over five minutes.",
                    'sla:timers_on_time:ratio_rate5m{job="$job"}',
                    "percentunit",
                    thresholds=((None, "red"), (0.95, "orange"), (0.99, "green")),
                    none="nothing due",
                ),
                stat(
                    "Oldest unsaid deadline",
                    "How long the oldest deadline that has passed waits for its notice, the settle time deducted.",
                    f"max(sla_oldest_overdue_timer_seconds{{{AT}}})",
                    "s",
                    thresholds=((None, "green"), (1, "orange"), (60, "red")),
                ),
                stat(
                    "Partitions without a worker",
                    "Partitions of the input that no worker serves that Prometheus reaches.",
                    f"max(sla_input_partitions{{{DEPLOYMENT}}})"
                    f" - sum(max by (partition) (sla_partition_state{{{AT_WORK}}}))",
                    thresholds=RED,
                ),
                stat(
                    "Records behind",
                    "Records of the input that are known and not folded yet.",
                    'sla:partition_lag_records:sum{job="$job"}',
                ),
                stat("Workers", "How many workers Prometheus reaches.", 'count(sla_build_info{job="$job"})'),
                stat(
                    "Days of holidays known",
                    "Days until the first calendar knows no more holidays and closures.",
                    '(min(sla_calendar_horizon_timestamp_seconds{job="$job"}) - time()) / 86400',
                    "d",
                    thresholds=((None, "red"), (60, "orange"), (366, "green")),
                ),
                graph(
                    "Lateness of timers",
                    "From deadline and settle time to the commit of the notice. A quarter of a second is promised "
                    "for 99 in 100. "
                    "Points are single cases.",
                    "s",
                    (f"histogram_quantile(0.99, {LATENESS})", "99 %"),
                    (f"histogram_quantile(0.5, {LATENESS})", "half"),
                    width=12,
                    exemplars=True,
                    thresholds=((None, "transparent"), (0.25, "red")),
                ),
                graph(
                    "Timers",
                    "Timers that wait, by worker.",
                    "short",
                    (f"sum by (instance) (sla_timers_pending{{{AT}}})", "{{instance}}"),
                    width=12,
                ),
            ),
        ),
        Row(
            title="Partitions",
            panels=(
                graph(
                    "State of partitions",
                    "How many partitions are in which state. All live is as it should be; tripped ones were stopped "
                    "by a flood of "
                    "bad records.",
                    "short",
                    (f"sum by (state) (sla_partition_state{{{AT}}})", "{{state}}"),
                    stacked=True,
                ),
                graph(
                    "Lag",
                    "Records known and not folded yet, by partition.",
                    "short",
                    (f"sum by (partition) (sla_partition_lag_records{{{AT}}})", "{{partition}}"),
                ),
                graph(
                    "Age of the watermark",
                    "Up to when the input is known to be complete, as an age. It also grows while nothing is due.",
                    "s",
                    (f"max by (partition) (sla_watermark_age_seconds{{{AT}}})", "{{partition}}"),
                ),
                graph(
                    "Assignments and losses",
                    "Assignments of partitions, and partitions taken over by another producer in the middle of a "
                    "transaction.",
                    "short",
                    (
                        f"sum by (instance) (increase(sla_rebalances_total{{{AT}}}[$__rate_interval]))",
                        "{{instance}} assigned",
                    ),
                    (
                        f"sum by (instance) (increase(sla_shards_fenced_total{{{AT}}}[$__rate_interval]))",
                        "{{instance}} fenced",
                    ),
                ),
                graph(
                    "Restores",
                    "Time to read the state of a partition after an assignment, mean of those in the interval.",
                    "s",
                    (
                        f"{RESTORING} / sum(rate(sla_restore_duration_seconds_count{{{AT}}}[$__rate_interval]))",
                        "mean",
                    ),
                    none="no restore",
                ),
                graph(
                    "Rows restored",
                    "Rows of state read after assignments.",
                    "rowsps",
                    (f"sum by (instance) (rate(sla_restored_rows_total{{{AT}}}[$__rate_interval]))", "{{instance}}"),
                ),
            ),
        ),
        Row(
            title="Flow",
            panels=(
                graph(
                    "Events and notices",
                    "Events read and notices committed.",
                    "ops",
                    (f"sum(rate(sla_events_total{{{AT}}}[$__rate_interval]))", "events"),
                    (f"sum(rate(sla_notices_total{{{AT}}}[$__rate_interval]))", "notices"),
                ),
                graph(
                    "Notices by how they were detected",
                    "live as it should be; catch_up after a time behind; correction after a late fact.",
                    "ops",
                    (f"sum by (detected) (rate(sla_notices_total{{{AT}}}[$__rate_interval]))", "{{detected}}"),
                    stacked=True,
                ),
                graph(
                    "Transactions",
                    "Transactions committed, by worker, each second.",
                    "ops",
                    (
                        f"sum by (instance) (rate(sla_transaction_duration_seconds_count{{{AT}}}[$__rate_interval]))",
                        "{{instance}}",
                    ),
                ),
                graph(
                    "Duration of transactions",
                    "From beginning to commit, as seen by the worker.",
                    "s",
                    (f"histogram_quantile(0.99, {TRANSACTIONS})", "99 %"),
                    (f"histogram_quantile(0.5, {TRANSACTIONS})", "half"),
                ),
                graph(
                    "Dead letters",
                    "Records that could not be used, by reason.",
                    "short",
                    (
                        f"sum by (reason) (increase(sla_dead_letters_total{{{AT}}}[$__rate_interval]))",
                        "{{reason}}",
                    ),
                    stacked=True,
                    bars=True,
                ),
                graph(
                    "Without effect",
                    "Events that changed nothing, by reason; records in another partition than their key's; facts "
                    "folded early.",
                    "short",
                    (
                        f"sum by (reason) (increase(sla_events_without_effect_total{{{AT}}}[$__rate_interval]))",
                        "{{reason}}",
                    ),
                    (f"sum(increase(sla_partition_mismatches_total{{{AT}}}[$__rate_interval]))", "other partition"),
                    (f"sum(increase(sla_facts_folded_early_total{{{AT}}}[$__rate_interval]))", "folded early"),
                    bars=True,
                ),
            ),
        ),
        Row(
            title="Process",
            panels=(
                graph(
                    "Processor",
                    "Share of one processor. A worker has one event loop: near 1 it is full.",
                    "percentunit",
                    (f"sum by (instance) (rate(process_cpu_seconds_total{{{AT}}}[$__rate_interval]))", "{{instance}}"),
                ),
                graph(
                    "Memory",
                    "Resident memory. A million open cases take about a gibibyte.",
                    "bytes",
                    (f"max by (instance) (process_resident_memory_bytes{{{AT}}})", "{{instance}}"),
                ),
                graph(
                    "Open files",
                    "Files and connections that the process has open.",
                    "short",
                    (f"max by (instance) (process_open_fds{{{AT}}})", "{{instance}}"),
                ),
                graph(
                    "Stalls of the event loop",
                    "The longest time the event loop did not turn, of the last one to two minutes.",
                    "s",
                    (f"max by (instance) (sla_event_loop_stall_seconds{{{AT}}})", "{{instance}}"),
                ),
                graph(
                    "Clock",
                    "This worker's clock minus the broker's, at the last commit. Beyond a minute no deadline is "
                    "judged.",
                    "s",
                    (f"max by (instance) (sla_clock_skew_seconds{{{AT}}})", "{{instance}}"),
                    least=None,
                ),
                graph(
                    "Held",
                    "Cases in memory by what they are: open, ended and kept, waiting for their opening.",
                    "short",
                    (f"sum by (state) (sla_cases{{{AT}}})", "{{state}}"),
                    stacked=True,
                ),
                Panel(
                    title="Versions and packs",
                    description="Version of the program and of Python, and the hash of the newest policy pack: the "
                    "same everywhere.",
                    unit="short",
                    kind="table",
                    width=12,
                    height=7,
                    queries=(
                        Query(f"max by (instance, version, python) (sla_build_info{{{AT}}})", "runs"),
                        Query(f"max by (instance, hash) (sla_config_info{{{AT}}})", "has pack"),
                    ),
                ),
                Panel(
                    title="Packs loaded",
                    description="Whether the last load of packs and calendars was accepted (1), and how often loads "
                    "were accepted or "
                    "refused since the start.",
                    unit="short",
                    kind="table",
                    width=12,
                    height=7,
                    queries=(
                        Query(f"max by (instance) (sla_config_last_reload_successful{{{AT}}})", "last accepted"),
                        Query(f"sum by (instance, outcome) (sla_config_reloads_total{{{AT}}})", "loads"),
                        Query(
                            f"time() - max by (instance) (sla_config_last_reload_success_timestamp_seconds{{{AT}}})",
                            "seconds ago",
                        ),
                    ),
                ),
            ),
        ),
    ),
)

DASHBOARDS: Final = (PROMISES, CASES, WORKER)
