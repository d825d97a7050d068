"""`sla-monitor traffic`: simulated customers for a deployment that is there."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from itertools import islice

from sla_monitor.config.settings import Settings
from sla_monitor.demo.stories import stories, tellings
from sla_monitor.engine.topics import create_topics
from sla_monitor.errors import EXIT_USAGE
from tests.demo.told import a_run
from tests.kafka.broker import Broker
from tests.kafka.helpers import fresh_prefix, read_all


def started(settings: Settings, *arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLA_")}
    environment |= {"SLA_BROKER": settings.broker, "SLA_TOPIC_PREFIX": settings.topic_prefix}
    command = [sys.executable, "-m", "sla_monitor", "traffic", *arguments]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def test_it_tells_the_stories_of_its_seed_until_its_time_is_over(broker: Broker) -> None:
    """The same keys in the same order; each record goes to the partition of its key, the ids are those of the demo."""
    settings = Settings(broker=broker.bootstrap, topic_prefix=fresh_prefix())
    asyncio.run(create_topics(settings, 1))
    with started(settings, "--seed", "5", "--rate", "600", "--speed", "3600", "--duration", "2") as traffic:
        _, said = traffic.communicate()
    assert traffic.returncode == 0, said
    assert "seed 5, 600 cases a minute" in said
    found = asyncio.run(read_all(broker.bootstrap, settings.topics.events))
    assert len(found) > 20
    told = islice(tellings(stories(a_run(5, speed=3_600.0, cases_a_minute=600.0, own_targets=True))), len(found))
    assert [record.key for record in found] == [each.key for each in told]
    assert any(b'"targets":{"initial_response":1.0}' in (record.value or b"") for record in found)


def test_it_goes_on_until_it_is_ended(broker: Broker) -> None:
    """SIGTERM is how an orchestrator ends it: exit 0. Without the topic it refuses to start, and says what makes it."""
    settings = Settings(broker=broker.bootstrap, topic_prefix=fresh_prefix())
    with started(settings) as refused:
        _, said = refused.communicate()
    assert refused.returncode == EXIT_USAGE
    assert "topics create" in said
    asyncio.run(create_topics(settings, 1))
    with started(settings) as traffic:
        assert traffic.stderr
        assert "cases a minute" in traffic.stderr.readline()
        while not asyncio.run(read_all(broker.bootstrap, settings.topics.events)):
            assert traffic.poll() is None
        traffic.send_signal(signal.SIGTERM)
        assert traffic.wait() == 0
