"""What a scrape costs follows from the ways in which cases may stand, not from their number."""

from __future__ import annotations

from aiokafka import TopicPartition
from prometheus_client import generate_latest

from sla_monitor.core.facts import SECOND
from sla_monitor.engine.app import _labels
from sla_monitor.engine.shard import LIVE, Shard
from sla_monitor.observe.metrics import Registry
from sla_monitor.observe.recorder import ShardCollector
from tests.calls import calls_during
from tests.engine.fakes import Around
from tests.engine.feeding import NINE, PACKS, Fed, clock

NOW = clock(1, 30)


def a_worker_with(cases: int) -> Registry:
    """One partition of so many open cases: a third breached, a third answered, a third with time left."""
    fed = Fed()
    for number in range(cases):
        fed.open(f"case-{number}", clock(1) if number % 3 == 2 else NINE)
        if number % 3 == 1:
            fed.tell(f"case-{number}", "case.responded", fed.wall)
    fed.wait(NOW)
    shard = Shard(TopicPartition("case-events", 0), Around().surroundings)
    shard.content = fed.partition
    shard.set_state(LIVE)
    registry = Registry()
    registry.register(ShardCollector(lambda: [shard], lambda: NOW / SECOND, 2.0, _labels(PACKS)))
    return registry


def test_a_thousand_cases_cost_a_scrape_no_more_than_ten() -> None:
    """Nor does a million: counts are kept as rows are written, and added up by how cases stand."""
    few, many = a_worker_with(9), a_worker_with(999)
    assert few.get_sample_value("sla_cases", {"state": "open"}) == 9
    assert many.get_sample_value("sla_cases", {"state": "open"}) == 999
    for registry in (few, many):
        generate_latest(registry)  # what is worked out once is worked out
    assert calls_during(lambda: generate_latest(many)) == calls_during(lambda: generate_latest(few))
