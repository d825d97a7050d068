import re
import runpy
from pathlib import Path

import pytest
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as parse_text

from sla_monitor.observe import metrics
from sla_monitor.observe.metrics import CATALOGUE, Registry
from sla_monitor.observe.recorder import Labels, Recorder, ShardCollector

DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"
LABELS = Labels(
    notices=("sla.met", "sla.breached"),
    dead_reasons=("conflict",),
    clocks=("initial_response",),
    severities=("A", "B"),
    plans=("unified",),
    calendars=("de",),
)


def full_registry() -> Registry:
    registry = metrics.registry()
    Recorder(registry, LABELS)
    registry.register(ShardCollector(lambda: (), lambda: 0.0, 2, LABELS))
    return registry


def exposed() -> dict[str, str]:
    """Name and kind of each family of ours that a worker shows."""
    suffix = {"counter": "_total", "info": "_info"}
    families = [family for family in full_registry().collect() if not family.name.startswith("process_")]
    return {family.name + suffix.get(family.type, ""): family.type for family in families}


def test_the_catalogue_is_what_a_worker_shows() -> None:
    """Every catalogued metric is served, nothing else is, and its kind is the one written down."""
    assert exposed() == {entry.name: entry.kind for entry in CATALOGUE}
    assert len({entry.name for entry in CATALOGUE}) == len(CATALOGUE)


def test_the_documentation_is_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    """docs/metrics.md is what `python -m sla_monitor.observe.metrics` prints."""
    runpy.run_path(metrics.__file__, run_name="__main__")
    printed = capsys.readouterr().out
    assert printed == DOCS.read_text(encoding="utf-8") == metrics.markdown()


def test_names_say_prefix_kind_and_unit() -> None:
    """sla_ first; counters end in _total, and only they; what is measured in time is in seconds, and says so."""
    for entry in CATALOGUE:
        assert re.fullmatch(r"sla(_[a-z]+)+", entry.name), entry.name
        assert entry.name.endswith("_total") == (entry.kind == "counter"), entry.name
        assert entry.name.endswith("_info") == (entry.kind == "info"), entry.name
        assert entry.kind != "histogram" or entry.name.endswith("_seconds"), entry.name
        assert not re.search(r"_(ms|millis|milliseconds|micros|minutes|hours|kb|mb)(_|$)", entry.name), entry.name
        assert "timestamp" not in entry.name or entry.name.endswith("_timestamp_seconds"), entry.name
        assert entry.help.endswith("."), entry.name


def test_no_label_can_name_a_case_or_a_person() -> None:
    """Only these labels exist, and each is bounded by the packs, the code or the number of partitions."""
    bounded = {"type", "detected", "reason", "clock", "severity", "plan", "outcome", "promised", "partition", "state"}
    bounded |= {"queue", "level"}
    once = {"version", "python", "hash", "calendar"}
    assert {label for entry in CATALOGUE for label in entry.labels} == bounded | once
    assert all(f"`{label}`" in metrics.TAIL for label in bounded | once)


def test_lateness_is_seen_from_ten_milliseconds_to_an_hour() -> None:
    """The buckets rise from 10 ms to 1 h, and the promised p99 of 250 ms is an edge: the promise is one division."""
    edges = metrics.TIMER_LATENESS.buckets
    assert (edges[0], edges[-1]) == (0.01, 3600)
    assert 0.25 in edges
    for entry in CATALOGUE:
        assert list(entry.buckets) == sorted(set(entry.buckets)), entry.name
        assert bool(entry.buckets) == (entry.kind == "histogram"), entry.name


def test_openmetrics_is_what_its_parser_accepts() -> None:
    """prometheus_client's strict OpenMetrics parser reads the page whole, units and all."""
    encode, content_type = choose_encoder("application/openmetrics-text; version=1.0.0")
    families = {family.name: family for family in text_string_to_metric_families(encode(full_registry()).decode())}
    assert content_type.startswith("application/openmetrics-text")
    assert families["sla_timer_lateness_seconds"].unit == "seconds"
    assert families["sla_partition_lag_records"].unit == "records"
    assert families["sla_events"].type == "counter"


def test_the_text_format_has_no_series_about_series() -> None:
    """No `_created` twin for every counter: it would double what Prometheus stores."""
    encode, _ = choose_encoder("text/plain")
    names = {family.name for family in parse_text(encode(full_registry()).decode())}
    assert "sla_cases" in names
    assert not [name for name in names if name.endswith("_created")]


def test_two_workers_in_one_process_do_not_meet() -> None:
    """Nothing is global: a second registry takes the same names."""
    assert full_registry() is not full_registry()
