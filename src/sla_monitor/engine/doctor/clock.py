"""The clock of this machine against Kafka's, measured without writing anything.

A worker learns the difference from its commits: records in topics with LogAppendTime are answered with the broker's
time. The doctor must not write there. It asks for the state of the controllers' quorum instead, which only reads: the
active controller answers with its own wall clock at that moment (KIP-836), so that the difference is known up to the
time the answer took. That is one machine of the cluster. Whether the brokers agree with it shows in the newest stamps
of our topics: a stamp that is ahead of our clock proves that we are behind that broker, by at least as much; one in the
past proves nothing. Brokers that have no such quorum, or do not let this user ask, leave only that half.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from aiokafka import TopicPartition
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError, for_code

from sla_monitor.engine.doctor.cluster import Connected
from sla_monitor.engine.doctor.findings import Finding, ok, problem, unknown, warning
from sla_monitor.engine.doctor.newest import LOG_APPEND_TIME, Found, newest
from sla_monitor.engine.doctor.requests import DescribeQuorum
from sla_monitor.engine.topics import topic_partitions
from sla_monitor.engine.watermark import SKEW_MAX_SECONDS

LOOKS = 3
WARNED_SECONDS = 1.0  # a deadline is judged by this clock; SLA_SETTLE_SECONDS is 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Our clock minus Kafka's, in seconds: somewhere from `low` to `high`."""

    low: float
    high: float

    @property
    def least(self) -> float:
        """What is certain: 0 if it may be none at all."""
        return max(self.low, 0.0) + min(self.high, 0.0)


async def clock(connected: Connected) -> list[Finding]:
    """Both halves; the second one needs no more than to read."""
    difference = await controllers(connected)
    topics = connected.settings.topics
    stamps: Found = {}
    with suppress(KafkaError):  # said by other checks
        counts = await topic_partitions(connected.admin)
        wanted = {topic: counts[topic] for topic in (topics.notices, topics.state) if topic in counts}
        stamps = await newest(connected.settings, wanted, 1)
    return list(judge_clock(difference, stamps, time.time()))


async def controllers(connected: Connected, wall: Callable[[], float] = time.time) -> Difference | str:
    """As the quickest of some answers shows; or why it cannot be told."""
    client = connected.client
    best: Difference | None = None
    for _ in range(LOOKS):
        asked_at = wall()
        try:
            answer = await client.send(client.get_random_node(), DescribeQuorum())
        except (IncompatibleBrokerVersion, NotImplementedError):  # no such request, or none of this version
            return "the broker has no quorum of controllers to ask"
        answered_at = wall()
        if answer.error_code:
            return f"the quorum of the controllers says {for_code(answer.error_code).__name__}"
        stamp = _leaders_clock(answer.to_object())
        if stamp is None:
            return "the active controller does not tell its time"
        found = Difference(low=asked_at - stamp - 0.001, high=answered_at - stamp)  # it tells whole milliseconds
        if best is None or found.high - found.low < best.high - best.low:
            best = found
    return best or "nobody was asked"


def _leaders_clock(answer: dict[str, object]) -> float | None:
    """The active controller's own last time is its present one."""
    for topic in answer["topics"]:  # type: ignore[attr-defined]  # as the schema says
        for partition in topic["partitions"]:
            for voter in partition["voters"]:
                if voter["replica_id"] == partition["leader_id"] and voter["last_caught_up_timestamp"] > 0:
                    return float(voter["last_caught_up_timestamp"]) / 1_000
    return None


def judge_clock(difference: Difference | str, stamps: Found, now: float) -> Iterator[Finding]:
    """`stamps`: of the topics whose stamps are the broker's. `now`: of our clock, after they were read."""
    todo = "let a time service (chrony, ntpd) set the clocks of this machine and of all brokers"
    if isinstance(difference, str):
        measured = "a running worker measures it where topics have LogAppendTime (sla_clock_skew_seconds)"
        says = f"against the controller's: {difference}; {measured}"
        todo_here = "permit Describe on the cluster" if "Authorization" in difference else ""
        yield unknown("clock", says, todo_here)
    else:
        yield judge_difference(difference, todo)
    ahead = {partition: stamp - now for partition, stamp in _stamps(stamps) if stamp > now}
    if ahead:
        partition = max(ahead, key=lambda each: ahead[each])
        name = f"{partition.topic}/{partition.partition}"
        says = f"this machine is at least {ahead[partition]:.1f} s behind the broker that has {name}"
        level = problem if ahead[partition] > SKEW_MAX_SECONDS else warning
        yield level("clock", says, todo)


def judge_difference(difference: Difference, todo: str) -> Finding:
    """Above a minute the worker fires nothing at all."""
    least = difference.least
    if least == 0:
        farthest = max(abs(difference.low), abs(difference.high))
        return ok("clock", f"this machine and the controller differ by less than {farthest:.3f} s")
    direction = "ahead of" if least > 0 else "behind"
    says = f"this machine is at least {abs(least):.3f} s {direction} the controller"
    if abs(least) > SKEW_MAX_SECONDS:
        return problem("clock", f"{says}; above {SKEW_MAX_SECONDS:g} s no deadline fires", todo)
    if abs(least) > WARNED_SECONDS:
        return warning("clock", f"{says}; deadlines are judged that much early or late", todo)
    return ok("clock", says)


def _stamps(found: Found) -> Iterator[tuple[TopicPartition, float]]:
    for partition, records in found.items():
        for record in records:
            if record.timestamp_type == LOG_APPEND_TIME:
                yield partition, record.timestamp / 1_000
