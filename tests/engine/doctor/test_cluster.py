"""Brokers, their limits and their clock, judged by examples."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from sla_monitor.config.settings import Settings
from sla_monitor.engine.abilities import Transactions
from sla_monitor.engine.doctor.clock import Difference, judge_clock
from sla_monitor.engine.doctor.cluster import Node, judge_broker, judge_journal, judge_limits
from sla_monitor.engine.doctor.group import Position, judge_members, judge_positions
from sla_monitor.engine.doctor.permissions import OPERATIONS, Permitted, judge_permissions, needed

SETTINGS = Settings()
TOPICS = SETTINGS.topics
ALL = sum(1 << bit for bit in OPERATIONS.values())
NOW = 1_800_000_000.0


def test_a_broker_that_does_not_answer_at_its_own_address() -> None:
    """Clients go where brokers say they are, not where the first answer came from."""
    nodes = [Node(number=1, address="a:9092", answers=True), Node(number=2, address="localhost:9092", answers=False)]
    good, bad = judge_broker("a:9092", nodes, 0.001)
    assert (good.level, "1.0 ms; 2 brokers" in good.says) == ("ok", True)
    assert (bad.level, "localhost:9092" in bad.says, "advertised.listeners" in bad.what_to_do) == (
        "problem",
        True,
        True,
    )


def test_a_slow_broker_is_a_warning() -> None:
    """A commit takes several such answers."""
    [finding] = judge_broker("a:9092", [Node(number=1, address="a:9092", answers=True)], 0.3)
    assert (finding.level, "300.0 ms; 1 broker" in finding.says) == ("warning", True)


@pytest.mark.parametrize(
    ("journal", "answer", "level"),
    [
        ("transactional", "yes", "ok"),
        ("transactional", "no", "problem"),
        ("transactional", "denied", "problem"),
        ("at_least_once", "no", "ok"),
        ("at_least_once", "yes", "warning"),
        ("at_least_once", "denied", "warning"),
    ],
)
def test_the_journal_fits_the_broker(journal: str, answer: Transactions, level: str) -> None:
    """Exactly once is not given away where it can be had."""
    assert judge_journal(journal, answer, "sla-state-probe").level == level


def test_a_denied_transaction_names_the_ids_to_permit() -> None:
    """Those of the partitions begin alike."""
    assert "begin with sla-state-" in judge_journal("transactional", "denied", "sla-state-probe").what_to_do


LIMITS = {
    "group.min.session.timeout.ms": "6000",
    "group.max.session.timeout.ms": "60000",
    "transaction.max.timeout.ms": "900000",
}


@pytest.mark.parametrize(("seconds", "level"), [(5, "problem"), (6, "ok"), (60, "ok"), (61, "problem")])
def test_a_session_must_be_as_long_as_the_broker_takes(seconds: float, level: str) -> None:
    """Else it lets nobody join."""
    [finding] = judge_limits(Settings(session_timeout_seconds=seconds), LIMITS)
    assert finding.level == level


def test_transactions_must_be_allowed_their_time() -> None:
    """Where they are used."""
    short = LIMITS | {"transaction.max.timeout.ms": "30000"}
    assert [finding.level for finding in judge_limits(SETTINGS, short)] == ["ok", "problem"]
    assert [finding.level for finding in judge_limits(Settings(journal="at_least_once"), short)] == ["ok"]


def test_limits_that_are_not_told_cannot_be_checked() -> None:
    """They are not taken for good."""
    [finding] = judge_limits(SETTINGS, {})
    assert finding.level == "cannot be checked"


@pytest.mark.parametrize(
    ("low", "high", "level", "words"),
    [
        (-0.002, 0.001, "ok", "less than 0.002 s"),
        (0.5, 0.6, "ok", "0.500 s ahead of"),
        (-3.1, -3.0, "warning", "3.000 s behind"),
        (3.0, 3.1, "warning", "3.000 s ahead of"),
        (59.9, 61.0, "warning", "59.900 s ahead of"),
        (-70.0, -61.0, "problem", "no deadline fires"),
        (61.0, 62.0, "problem", "no deadline fires"),
        (-70.0, 80.0, "ok", "less than 80.000 s"),
    ],
)
def test_what_is_certain_of_the_clock_decides(low: float, high: float, level: str, words: str) -> None:
    """The answer took its time; only what lies outside of it is a difference."""
    [finding] = judge_clock(Difference(low=low, high=high), {}, NOW)
    assert (finding.level, words in finding.says) == (level, True)


def stamps(seconds: float, kind: int = 1) -> dict[TopicPartition, list[Any]]:
    return {TopicPartition("sla-notices", 3): [SimpleNamespace(timestamp=int(seconds * 1_000), timestamp_type=kind)]}


@pytest.mark.parametrize(("ahead", "levels"), [(-5.0, ["ok"]), (2.0, ["ok", "warning"]), (61.0, ["ok", "problem"])])
def test_a_stamp_from_the_future_proves_that_we_are_behind(ahead: float, levels: list[str]) -> None:
    """One from the past proves nothing: nobody knows when it was written by our clock."""
    findings = list(judge_clock(Difference(low=-0.001, high=0.001), stamps(NOW + ahead), NOW))
    assert [finding.level for finding in findings] == levels


def test_a_producers_stamp_is_not_the_brokers() -> None:
    """CreateTime is somebody else's clock."""
    assert len(list(judge_clock(Difference(low=0, high=0), stamps(NOW + 100, kind=0), NOW))) == 1


def test_a_controller_that_cannot_be_asked_leaves_the_other_half() -> None:
    """It is said what is missing, and the stamps still count."""
    first, second = judge_clock("nobody is there", stamps(NOW + 5), NOW)
    assert (first.level, "nobody is there" in first.says) == ("cannot be checked", True)
    assert (second.level, "at least 5.0 s behind" in second.says) == ("warning", True)


# --- permissions --------------------------------------------------------------------------------------------------


def permitted(**others: int) -> dict[str, Permitted]:
    """Everything, but for `events=…`, and so on."""
    named = dict(zip(("events", "notices", "state", "dead"), TOPICS, strict=True))
    return {topic: Permitted(error=0, operations=others.get(name, ALL)) for name, topic in named.items()}


def test_all_is_permitted() -> None:
    """One line, without a list."""
    [finding] = judge_permissions(SETTINGS, permitted())
    assert (finding.level, finding.says) == ("ok", "all that `run` needs of 4 topics")


def test_each_operation_that_run_needs_is_missed() -> None:
    """One by one."""
    names = dict(zip(TOPICS, ("events", "notices", "state", "dead"), strict=True))
    for topic, operations in needed(TOPICS).items():
        for operation in operations:
            found = permitted(**{names[topic]: ALL & ~(1 << OPERATIONS[operation])})
            [finding] = judge_permissions(SETTINGS, found)
            assert (finding.level, finding.what_to_do) == ("problem", f"permit {operation} on {topic}")


def test_what_only_other_commands_need_is_said_and_no_finding() -> None:
    """A worker's user need not be allowed to replay dead letters."""
    [finding] = judge_permissions(SETTINGS, permitted(events=ALL & ~(1 << OPERATIONS["Write"])))
    assert finding.level == "ok"
    assert "Write on case-events (dead replay)" in finding.says


def test_a_hidden_topic_and_a_missing_one() -> None:
    """The first is forbidden; the second is for another check to say."""
    found = permitted() | {
        TOPICS.events: Permitted(error=29, operations=0),
        TOPICS.dead: Permitted(error=3, operations=0),
    }
    findings = list(judge_permissions(SETTINGS, found))
    assert [finding.level for finding in findings] == ["problem", "ok"]
    assert "case-events: hidden" in findings[0].says


def test_a_broker_that_tells_nothing() -> None:
    """Some answer with a number that means just that."""
    found = {topic: Permitted(error=0, operations=-(2**31)) for topic in TOPICS}
    [finding] = judge_permissions(SETTINGS, found)
    assert finding.level == "cannot be checked"


# --- the group ----------------------------------------------------------------------------------------------------


def test_one_worker_where_there_may_be_only_one() -> None:
    """Without transactions nobody would fence the second."""
    alone = Settings(journal="at_least_once")
    assert [finding.level for finding in judge_members(alone, "Stable", ["a", "b"])] == ["problem"]
    assert [finding.level for finding in judge_members(alone, "Stable", ["a"])] == ["ok"]
    assert [finding.level for finding in judge_members(SETTINGS, "Stable", ["a", "b"])] == ["ok"]
    assert [finding.level for finding in judge_members(SETTINGS, "Empty", [])] == ["ok"]


def test_offsets_that_do_not_fit_the_input() -> None:
    """Beyond its end, and before its beginning; the others are a lag."""
    positions = {
        0: Position(begin=0, end=10, committed=7),
        1: Position(begin=0, end=5, committed=6),
        2: Position(begin=4, end=9, committed=2),
        3: Position(begin=0, end=9, committed=None),
    }
    findings = list(judge_positions(SETTINGS, positions))
    assert [finding.level for finding in findings] == ["problem", "warning", "ok"]
    assert "case-events/1" in findings[0].says
    assert "offsets 2 to 3" in findings[1].says
    assert "8 records behind in 3 partitions" in findings[2].says


def test_a_group_without_offsets_says_nothing_of_them() -> None:
    """Nobody has read yet."""
    assert list(judge_positions(SETTINGS, {0: Position(begin=0, end=9, committed=None)})) == []
