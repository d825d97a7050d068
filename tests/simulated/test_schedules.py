"""Ten thousand small histories of the real worker parts, each with its own crashes, pauses, rebalances and clocks.

One that fails names the command that replays it.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator

import pytest

from sla_monitor.engine import crash
from tests.simulated import sabotage
from tests.simulated.judge import differs_from_oracle
from tests.simulated.sabotage import Sabotage
from tests.simulated.schedule import run

SCHEDULES, CHUNKS = 10_000, 10
EACH = SCHEDULES // CHUNKS

pytestmark = pytest.mark.timeout(900)  # a thousand schedules at a time, also on a busy machine


@pytest.fixture
def few_collections() -> Iterator[None]:
    """What a schedule leaves is thousands of small cycles: collected now and then, not all the time."""
    gc.collect()
    gc.freeze()
    usual = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    yield
    gc.set_threshold(*usual)
    gc.unfreeze()


@pytest.mark.parametrize("first", range(0, SCHEDULES, EACH))
@pytest.mark.usefixtures("few_collections")
def test_whatever_happens_the_promises_are_kept(first: int) -> None:
    """Said once, nothing false, nothing lost: the same as one uninterrupted run."""
    for seed in range(first, first + EACH):
        outcome = run(seed)
        assert not outcome.problems, f"python -m tests.simulated --seed {seed} --trace: {outcome.problems}"


@pytest.mark.usefixtures("few_collections")
def test_workers_die_at_every_named_point() -> None:
    """The list of crash points and what runs here know the same names."""
    reached: Counter[str] = Counter()
    died: Counter[str] = Counter()
    for seed in range(600):
        outcome = run(seed)
        reached += outcome.reached
        died.update(outcome.died_at)
    assert set(reached) == set(crash.POINTS)
    assert set(died) == set(crash.POINTS)


@pytest.mark.usefixtures("few_collections")
def test_what_stands_is_what_the_oracle_says() -> None:
    """After crashes and all: another implementation of the rules, over the log as it was written."""
    for seed in range(300):
        problems = differs_from_oracle(run(seed).world)
        assert not problems, f"seed {seed}: {problems}"


# How many schedules it takes at most until each is noticed (seeds from 0 on).
NOTICED_WITHIN: dict[Sabotage, int] = {
    sabotage.without_fencing: 100,
    sabotage.deaf_to_refusals: 20,
    sabotage.by_the_wall: 20,
    sabotage.forgetting_its_position: 10,
    sabotage.forgetting_its_watermark: 10,
    sabotage.offsets_apart: 10,
    sabotage.trusting_its_memory: 100,
}


@pytest.mark.parametrize("broken", NOTICED_WITHIN, ids=lambda broken: broken.__name__)
def test_a_worker_without_this_rule_is_noticed(broken: Sabotage) -> None:
    """The judge can tell: the same schedules fail once a rule is taken away."""
    assert any(run(seed, broken).problems for seed in range(NOTICED_WITHIN[broken]))


@pytest.mark.parametrize("seed", range(20))
def test_a_schedule_is_the_same_each_time(seed: int) -> None:
    """A seed that failed fails again."""
    assert run(seed).digest == run(seed).digest
