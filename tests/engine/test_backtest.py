"""Two packs over recorded events: the same flips as when all is decided at once, and each where it belongs."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from sla_monitor.config.packs import BUILT_IN, load_packs
from sla_monitor.engine import backtest as backtesting
from sla_monitor.engine.backtest import Example, Place, Question, Tally, Turn, backtest_file, week_of
from sla_monitor.engine.difference import Difference, compare
from sla_monitor.engine.outcome import outcome_under
from sla_monitor.wire import rfc3339
from tests.engine.feeding import A_CASE, NINE, clock, event
from tests.oracle.lives import story

DEFAULT = BUILT_IN / "default.yaml"
NIGHT = Path(__file__).parents[1] / "oracle" / "night.yaml"
SEEDS = 8


def silent(_what: str, _done: int, _total: int | None) -> None:
    """Nobody watches."""


def backtested(tmp_path: Path, *lines: bytes, old: Path = DEFAULT, new: Path = NIGHT, **asked: int) -> Tally:
    events = tmp_path / "events.jsonl"
    events.write_bytes(b"".join(line + b"\n" for line in lines))
    return backtest_file(Question(old=old, new=new, **asked), events, silent)


def lives() -> list[bytes]:
    """Of several cases, one after the other in the file: each late for the clock of those before it."""
    told = [line | {"subject": f"CASE-{seed}"} for seed in range(SEEDS) for line in story(seed)]
    return [json.dumps(line).encode() for line in told]


def at_once(lines: list[bytes]) -> Difference:
    old, new = (outcome_under(load_packs(path), lines, None) for path in (DEFAULT, NIGHT))
    return compare(old, new)


def test_bucket_by_bucket_is_as_all_at_once(tmp_path: Path) -> None:
    """The flips that `policy diff` finds, of the same cases, and as many events that cannot be used."""
    lines = [*lives(), b"garbage"]
    difference, tally = at_once(lines), backtested(tmp_path, *lines, examples_max=10_000)
    assert len(difference.flips) > SEEDS
    flips = Counter((each.about, each.old, each.new, each.plan, each.severity) for each in difference.flips)
    assert flips == sum_of(tally)
    told = {(each.case_id, each.generation, each.about) for each in difference.flips}
    assert told == {(each.case_id, each.generation, each.turn.about) for each in tally.examples}
    assert tally.dead_letters == difference.dead_letters
    assert tally.records == len(lines)


def sum_of(tally: Tally) -> Counter[tuple[str, ...]]:
    counts: Counter[tuple[str, ...]] = Counter()
    for (turn, place), count in tally.flips.items():
        counts[(*turn, place.plan, place.severity)] += count
    return counts


def test_several_processes_find_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums and examples, whatever was ready first."""
    lines = lives()[:60]
    alone = backtested(tmp_path, *lines)
    monkeypatch.setattr(backtesting, "ALONE_RECORDS_MAX", 0)
    assert backtested(tmp_path, *lines, jobs=2) == alone
    assert alone.flips


def test_a_pack_against_itself_flips_nothing(tmp_path: Path) -> None:
    """And every case is counted."""
    tally = backtested(tmp_path, *lives(), new=DEFAULT)
    assert (tally.flips.total(), tally.changed.total(), tally.examples) == (0, 0, [])
    assert tally.cases.total() >= SEEDS - 1


def test_region_and_week_are_those_of_the_opening_that_counts(tmp_path: Path) -> None:
    """The first was withdrawn; another case was contradicted, and that is a dead letter."""
    pack = tmp_path / "slow.yaml"
    pack.write_text(DEFAULT.read_text("utf-8").replace("{severity: A}, target: 1h}", "{severity: A}, target: 2h}"))
    tally = backtested(
        tmp_path,
        event("case-1", "case.opened", NINE, "o1", **A_CASE),
        event("case-1", "case.fact_withdrawn", clock(0, 1), "w", source="crm", id="o1"),
        event("case-1", "case.opened", clock(24 * 7), "o2", **A_CASE | {"country": "JP"}),
        event("case-2", "case.opened", NINE, "o3", **A_CASE),
        event("case-2", "case.opened", NINE, "o4", **A_CASE | {"country": "FR"}),
        event("case-1", "case.responded", clock(24 * 7 + 1, 30), "r"),
        event("case-2", "case.responded", clock(0, 10), "r"),
        new=pack,
    )
    turn = Turn("initial_response", "met late", "met")
    assert tally.examples == [Example("case-1", 1, turn, Place("unified", "A", "JP", "2026-W03"))]
    assert tally.by("region") == {"JP": (1, 1), "US": (1, 0)}
    assert tally.by("week") == {"2026-W02": (1, 0), "2026-W03": (1, 1)}
    assert tally.dead_letters == (1, 1)


def test_time_goes_on_as_far_as_is_asked(tmp_path: Path) -> None:
    """`until`: an answer that never came is a breach then, and what arrives later is not read."""
    lines = [
        event("case-1", "case.opened", NINE, "o", **A_CASE),
        event("case-2", "case.opened", clock(9), "p", **A_CASE),
    ]
    pack = tmp_path / "slow.yaml"
    pack.write_text(DEFAULT.read_text("utf-8").replace("{severity: A}, target: 1h}", "{severity: A}, target: 2h}"))
    assert backtested(tmp_path, *lines[:1], new=pack).turns() == {}
    tally = backtested(tmp_path, *lines, new=pack, until=clock(1, 30))
    assert (tally.records, tally.turns()) == (1, {Turn("initial_response", "breached", "open"): 1})


def test_a_week_is_that_of_iso_8601() -> None:
    """The first days of January may be of the last year."""
    weeks = {"2026-01-01T00:00:00Z": "2026-W01", "2027-01-01T00:00:00Z": "2026-W53", "2025-12-29T00:00:00Z": "2026-W01"}
    assert {text: week_of(rfc3339.parse(text)) for text in weeks} == weeks
