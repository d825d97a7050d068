"""What the board is given of the worker: a look, and one way to say something."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.errors import KafkaConnectionError

from sla_monitor.config.settings import Settings
from sla_monitor.engine import case_events_out, holdings
from sla_monitor.engine.case_events_out import CaseEventsOut
from sla_monitor.engine.holdings import Deployment, Holding, Retractions
from tests.engine.feeding import PACKS, Fed, clock


def a_holding(fed: Fed) -> Holding:
    return Holding(cast(Any, SimpleNamespace(partition=0, content=fed.partition)))


def a_deployment(shards: list[Any], web_host: str = "127.0.0.1") -> Deployment:
    return Deployment(
        name="sla-monitor",
        partitions=4,
        token=None,
        web_host=web_host,
        is_shadow=False,
        ask_packs=lambda: PACKS,
        ask_shards=lambda: shards,
        ask_owners=dict,
        ask_url=lambda: "http://127.0.0.1:6066",
        ask_verdicts=lambda: {("initial_response", "A", "unified"): {"met": 3, "breached": 2}},
        wall=lambda: 1.5,
        out=CaseEventsOut(Settings()),
        retractions=Retractions(),
    )


def test_changes_are_the_cases_that_were_written_since_the_last_look() -> None:
    """Erased ones too, the partition's own row not. The first look says that everything has to be looked at."""
    fed = Fed()
    fed.open("case-1")
    held = a_holding(fed)
    seen = [held.changes()]
    fed.open("case-2")
    fed.tell("case-1", "case.responded", clock(0, 1))
    seen.append(held.changes())
    fed.erase("case-2")
    seen += [held.changes(), held.changes()]
    assert seen == [None, {b"case-1", b"case-2"}, {b"case-2"}, set()]


def test_nothing_is_kept_where_nobody_looks() -> None:
    """Before the first look, and after the last."""
    fed = Fed()
    held = a_holding(fed)
    fed.open("case-1")
    kept = [fed.partition.touched]
    held.changes()
    held.forget()
    fed.open("case-2")
    kept.append(fed.partition.touched)
    assert kept == [None, None]


def test_a_partition_is_told_by_the_same_object_while_it_is_ours() -> None:
    """And by another one when it comes back as another shard."""
    shards: list[Any] = [_Shard(0), _Shard(1)]
    deployment = a_deployment(shards)
    first = list(deployment.holdings())
    assert list(deployment.holdings()) == first
    shards[1] = _Shard(1)
    again = list(deployment.holdings())
    assert (again[0] is first[0], again[1] is first[1]) == (True, False)


class _Shard:
    def __init__(self, partition: int) -> None:
        self.partition = partition


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False), ("worker-1", False)],  # noqa: S104
)
def test_which_addresses_only_this_machine_reaches(host: str, *, is_loopback: bool) -> None:
    """A name may lead anywhere, so it counts as reached by others."""
    assert a_deployment([], host).is_on_loopback is is_loopback


def test_verdicts_are_those_that_were_counted() -> None:
    """Of names that the packs do not have, some outcomes were never counted."""
    [verdicts] = a_deployment([]).verdicts()
    assert (verdicts.clock, verdicts.met, verdicts.met_late, verdicts.breached) == ("initial_response", 3, 0, 2)


def test_only_the_latest_retractions_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are the last 2,000 of a worker, whatever happens."""
    monkeypatch.setattr(holdings, "RETRACTIONS_MAX", 1)
    fed, remembered = Fed(), Retractions()
    for case in ("case-1", "case-2"):
        fed.open(case)
        fed.wait(clock(2))
        fed.tell(case, "case.responded", clock(0, 58))
    for batch in fed.batches:
        remembered.take(batch)
    ids = [each["id"] for each in fed.notices if each["type"] == "sla.retracted"]
    assert [remembered.of(each) is not None for each in ids] == [False] * (len(ids) - 1) + [True]


async def test_a_broker_that_cannot_be_reached_is_an_os_error_and_the_next_try_begins_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing of Kafka's errors reaches who asked, and no half-started producer is kept."""
    tried: list[str] = []

    class Producer:
        def __init__(self, **options: Any) -> None:
            assert (options["acks"], options["enable_idempotence"]) == ("all", True)

        async def start(self) -> None:
            tried.append("start")
            raise KafkaConnectionError

        async def stop(self) -> None:
            tried.append("stop")

    monkeypatch.setattr(case_events_out, "AIOKafkaProducer", Producer)
    out = CaseEventsOut(Settings())
    for _ in range(2):
        with pytest.raises(OSError, match="did not take the event"):
            await out.produce(0, b"case-1", b"{}", [])
    await asyncio.wait_for(out.close(), 1)
    assert tried == ["start", "stop", "start", "stop"]
