"""What the product is for: the right verdict about every case, said once, in time."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import pytest

from tests.kafka.broker import Broker
from tests.kafka.load import assert_said_once_and_for_good, notices_of, percentile_99, planned, play
from tests.kafka.world import SECOND, a_world, now

SEED = 20_260_101
CASES = 400
OPENED_OVER_SECONDS = 8
LATENESS_P99_SECONDS_MAX = 0.5  # from a deadline to the broker's time of its breach, settle time 0 …
ACK_P99_SECONDS = 0.05  # … on a machine where one record of the test's own is acknowledged within this; else
ROUND_TRIPS = 5  # as many of these longer: the end of the log, partitions, records, offsets, commit


@pytest.mark.alone
async def test_every_case_is_judged_rightly_once_and_in_time(
    broker: Broker, record_property: Callable[[str, object], None]
) -> None:
    """400 cases in 8 seconds, duplicates among them: each notice that the plan calls for, no other, none withdrawn,
    none twice; a breach is about its deadline and is in the log within half a second of it."""
    async with a_world(broker.bootstrap, partitions=4) as world:
        worker = world.start()
        await worker.ready(partitions=4)
        plan = planned(SEED, CASES, now() + SECOND // 5, OPENED_OVER_SECONDS)
        played = await play(world, plan, SEED)
        last = max(case.deadline for case in plan)
        notices = await notices_of(world, plan, last)
        assert_said_once_and_for_good(notices)
        assert await world.dead() == []
        lateness = [(each.appended_at - each.at) / SECOND for each in notices if each.type == "sla.breached"]
        p99 = percentile_99(lateness)
        allowed = LATENESS_P99_SECONDS_MAX + ROUND_TRIPS * max(0.0, played.ack_p99 - ACK_P99_SECONDS)
        figures = (
            f"{len(lateness)} breaches: half within {median(lateness):.3f} s, p99 {p99:.3f} s of {allowed:.3f} s, "
        )
        figures += f"slowest {max(lateness):.3f} s; acknowledgements p99 {played.ack_p99:.3f} s"
        record_property("lateness", figures)
        print(figures)
        assert p99 <= allowed, figures
        duplicates = await worker.metric('sla_events_without_effect_total{reason="duplicate"}')
        assert duplicates > 0
        assert worker.exit_code is None
