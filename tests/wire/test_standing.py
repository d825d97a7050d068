"""How open cases stand is counted from their rows, through every change, and after a restart as before it."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import replace
from typing import Any, Final

import pytest

from sla_monitor.config.packs import load_packs
from sla_monitor.core.facts import HOUR
from sla_monitor.core.policy import Packs
from sla_monitor.engine.partition import Rules
from sla_monitor.engine.shard import LIVE, Shard
from sla_monitor.observe.metrics import EFFORT_LEVELS, STANDINGS
from sla_monitor.observe.recorder import Labels, ShardCollector
from sla_monitor.wire import rows, standing
from sla_monitor.wire.standing import EFFORTS, NOT_SAID, STATES, UNKNOWN, Standing, read
from tests.engine.feeding import A_CASE, NINE, RULES, Fed, clock

QUEUES: Final = Packs(versions=(replace(load_packs().versions[0], queues=("billing", "finance")),))
WITH_QUEUES: Final = replace(RULES, packs=QUEUES)
A_HOUR: Final = Standing("A", "unified", None, "running", promised=True, waits=False, effort="within")


def counted(fed: Fed, packs: Packs = QUEUES) -> dict[Standing, int]:
    """As the partition has counted, which is as its rows say, and as it counts once it has restarted."""
    found = dict(fed.partition.standings)
    said = [rows.standing(value) for key, value in fed.state.items() if key != rows.PARTITION_KEY]
    assert found == Counter(each for each in said if each is not None)
    assert found == fed.restarted().partition.standings
    return {read(each, packs): count for each, count in found.items()}


def opened(given: Rules = WITH_QUEUES, **data: Any) -> Fed:
    fed = Fed(given)
    fed.open("case", NINE, "o", **{**A_CASE, **data})
    return fed


def test_a_case_goes_through_the_states_of_its_clock() -> None:
    """Running, at risk from the first warning, overdue from the deadline, idle once it is answered, gone at its end."""
    fed = opened()
    assert counted(fed) == {A_HOUR: 1}
    fed.wait(clock(0, 45))
    assert counted(fed) == {A_HOUR._replace(state="at_risk"): 1}
    fed.wait(clock(1))
    assert counted(fed) == {A_HOUR._replace(state="overdue"): 1}
    fed.tell("case", "case.responded", clock(1, 5))
    assert counted(fed) == {A_HOUR._replace(state="idle", promised=False): 1}
    fed.tell("case", "case.closed", clock(1, 10))
    assert counted(fed) == {}


def test_a_case_is_counted_by_its_terms_of_today() -> None:
    """A change of severity, plan or queue moves it; a queue that the pack does not list is none."""
    fed = opened(queue="finance")
    assert counted(fed) == {A_HOUR._replace(queue="finance"): 1}
    fed.tell("case", "case.severity_changed", clock(0, 1), severity="B")
    fed.tell("case", "case.plan_changed", clock(0, 2), plan="standard")
    fed.tell("case", "case.labels_changed", clock(0, 3), queue="legal")
    assert counted(fed) == {A_HOUR._replace(severity="B", plan="standard"): 1}


def test_what_is_not_promised_says_so() -> None:
    """A preview's clock runs outside any promise."""
    assert counted(opened(release="private_preview")) == {A_HOUR._replace(promised=False): 1}


def test_a_paused_clock_is_told_from_one_that_runs() -> None:
    """Where a pack's clock waits while the customer is asked."""
    [version] = QUEUES.versions
    asked, answered = frozenset({"case.waiting_on_customer"}), frozenset({"case.customer_responded"})
    clocks = tuple(replace(each, pauses=asked, resumes=answered) for each in version.clocks)
    packs = Packs(versions=(replace(version, clocks=clocks),))
    fed = opened(replace(RULES, packs=packs))
    fed.tell("case", "case.waiting_on_customer", clock(0, 2))
    assert counted(fed, packs) == {A_HOUR._replace(state="paused"): 1}
    fed.tell("case", "case.customer_responded", clock(0, 3))
    assert counted(fed, packs) == {A_HOUR: 1}


@pytest.mark.parametrize("how", ["from_start", "from_change", "keep_elapsed"])
@pytest.mark.parametrize(
    ("levels", "states"),
    [
        ((75, 90), ["running", "running", "at_risk", "at_risk"]),
        ((95,), ["running", "running", "running", "at_risk"]),
        ((10, 20, 30, 95), ["running", "at_risk", "at_risk", "at_risk"]),
        ((), ["running", "running", "running", "running"]),
    ],
)
def test_who_is_at_risk_once_another_version_has_taken_it_over(
    how: str, levels: tuple[int, ...], states: list[str]
) -> None:
    """Also where its deadline stays and only the warnings are others: it is counted by those of the new version. After
    20, 30, 50 and 58 minutes of the hour; the version begins after 25.
    """
    [version] = QUEUES.versions
    others = tuple(replace(each, warnings=levels) for each in version.clocks)
    new = replace(version, version="new", effective_from=clock(0, 25), open_cases=how, clocks=others)
    packs = Packs(versions=(version, new))
    fed = opened(replace(RULES, packs=packs))
    told = []
    for minute in (20, 30, 50, 58):
        fed.wait(clock(0, minute))
        [stands] = counted(fed, packs)
        told.append(stands.state)
    assert told == states
    ahead = [level for level in levels if level > 50]
    assert [each["data"]["level"] for each in fed.notices if each["type"] == "sla.warning"] == ahead


def test_a_recommendation_that_waits_is_seen_until_it_is_answered() -> None:
    """The customer was silent for two hours: a person is asked."""
    fed = opened()
    fed.tell("case", "case.responded", clock(0, 5))
    fed.tell("case", "case.waiting_on_customer", clock(0, 10))
    fed.wait(clock(2, 10))
    [stands] = counted(fed)
    assert stands.waits
    [notice] = [each for each in fed.notices if each["type"] == "severity.downgrade_recommended"]
    fed.tell("case", "case.downgrade_declined", clock(2, 20), recommendation=notice["id"])
    [stands] = counted(fed)
    assert not stands.waits


def test_engineer_time_is_seen_as_it_is_used_up() -> None:
    """Four hours for a performance problem: told at three, and at four."""
    fed = opened(traits=["performance_isolated"])
    for minutes, effort in ((60, "within"), (120, "warned"), (60, "exhausted")):
        fed.tell("case", "case.effort_logged", fed.wall, minutes=minutes)
        assert [each.effort for each in counted(fed)] == [effort]


def test_an_older_row_is_unknown_until_it_is_written_anew() -> None:
    """It is counted all the same: one case, of which nothing is known. Version 4 had the same body."""
    value = opened().state[b"case"]
    header = bytes([4]) + value[1 : rows._HEADER.size]
    older = Fed(WITH_QUEUES, {b"case": header + value[rows._HEADER.size + standing.BYTES :]})
    assert counted(older) == {NOT_SAID: 1}
    older.tell("case", "case.customer_responded", NINE + HOUR // 2)
    assert counted(older) == {A_HOUR: 1}


class NotLookedInto(dict[bytes, bytes]):
    """Rows that nobody may walk through. The one of the nearest deadline may be looked up."""

    def refused(self, *_: object) -> Any:
        raise AssertionError("a scrape walks through cases")

    __iter__ = keys = values = items = refused


def test_a_scrape_does_not_walk_through_the_cases() -> None:
    """What it costs does not depend on how many there are: it sums what is counted already."""
    fed = opened()
    fed.partition.rows = NotLookedInto(fed.partition.rows)
    shard = Shard.__new__(Shard)
    shard.content, shard.state, shard.state_since, shard.partition = fed.partition, LIVE, 0.0, 0
    shard._head, shard._queue, shard._empty_until = None, deque(), 0
    labels = Labels(notices=(), dead_reasons=(), clocks=(), severities=("A",), plans=("unified",))
    found = {family.name: family for family in ShardCollector(lambda: [shard], lambda: 0.0, 2.0, labels).collect()}
    assert [sample.labels["state"] for sample in found["sla_open_cases"].samples if sample.value] == ["running"]


def test_a_case_of_a_pack_that_is_gone_has_no_names() -> None:
    """Its state is told, its severity and plan are not guessed."""
    [(said, _)] = opened().partition.standings.items()
    assert read(said, Packs(versions=())) == A_HOUR._replace(severity=None, plan=None)


def test_the_numbers_of_states_stay() -> None:
    """They are on disk; the metrics have a series for each."""
    assert STATES == ("idle", "paused", "running", "at_risk", "overdue")
    assert EFFORTS == ("within", "warned", "exhausted")
    assert set(STANDINGS) == {*STATES, UNKNOWN}
    assert set(EFFORT_LEVELS) == set(EFFORTS[1:])
