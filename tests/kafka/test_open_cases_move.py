"""A reload with ten thousand open cases: exactly those move that must, no verdict changes, nothing is said twice."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from sla_monitor.config.packs import BUILT_IN, load_packs
from sla_monitor.core.facts import MINUTE
from sla_monitor.core.policy import Policy
from sla_monitor.core.profile import Profile
from tests.kafka.broker import Broker
from tests.kafka.test_reload import post
from tests.kafka.test_verify import assert_clean, verify
from tests.kafka.world import A_CASE, SECOND, Event, a_world, event, eventually, instant, now, rfc3339

CASES: Final = 10_000
PARTITIONS: Final = 4
CLOCK: Final = "initial_response"
AHEAD: Final = 8 * SECOND  # until the second version is in force: longer than two workers take to reload
TOLERANCE: Final = SECOND // 10
MOVES: Final = 'sla_notices_total{detected="live",type="sla.deadline.moved"}'
NEW_TARGETS: Final = {
    'version: "2026-01"': 'version: "2026-02"\nopen_cases: from_start',
    "when: {severity: A}, target: 1h": "when: {severity: A}, target: 45m",
    "when: {severity: B, plan: [professional_direct, unified]}, target: 2h": (
        "when: {severity: B, plan: [professional_direct, unified]}, target: 3h"
    ),
    "when: {severity: C, plan: standard}, target: 8h": "when: {severity: C, plan: standard}, target: 6h",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    case_id: str
    at: int
    data: dict[str, Any]
    answered_at: int | None

    @property
    def profile(self) -> Profile:
        return Profile(**{name: self.data[name] for name in ("severity", "plan", "country", "language")}, **OTHERS)

    def events(self) -> Iterator[Event]:
        yield event(self.case_id, "case.opened", self.at, **self.data)
        if self.answered_at is not None:
            yield event(self.case_id, "case.responded", self.answered_at)


OTHERS: Final[dict[str, Any]] = {"submitted_by": "admin"}


def opened(count: int, until: int) -> Iterator[Opened]:
    """Of the last hours, in all severities and some countries; every fifth is answered."""
    chance = random.Random(10_000)
    for number in range(count):
        data = A_CASE | {
            "severity": chance.choice("AABC"),
            "plan": chance.choice(("standard", "unified")),
            "country": chance.choice(("US", "DE", "JP", "IN")),
        }
        minutes = chance.randrange(1, 100 if data["severity"] == "A" else 400)
        at = until - minutes * MINUTE - chance.randrange(MINUTE)
        answered_at = min(until, at + chance.randrange(3 * 3600) * SECOND) if chance.random() < 0.2 else None
        yield Opened(case_id=f"case-{number}", at=at, data=data, answered_at=answered_at)


def second(effective_from: int) -> str:
    text = (BUILT_IN / "default.yaml").read_text()
    news = NEW_TARGETS | {"effective_from: 2000-01-01T00:00:00Z": f"effective_from: {rfc3339(effective_from)}"}
    for before, after in news.items():
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text


def moved(case: Opened, before: Policy, after: Policy, at: int) -> tuple[int, int] | None:
    """The old and the new deadline of a case that must move at `at`, worked out from its opening alone."""
    profile = case.profile
    old, new = (policy.terms(policy.clock(CLOCK), profile) for policy in (before, after))
    old_due, new_due = old.calendar.add(case.at, old.target), new.calendar.add(case.at, new.target)
    is_running = case.answered_at is None and old_due > at
    new_due = max(new_due, at)  # no promise is broken before it was made
    return (old_due, new_due) if is_running and new_due != old_due else None


@pytest.mark.timeout(300)
async def test_those_that_must_move_do_and_nothing_else_changes(broker: Broker, tmp_path: Path) -> None:
    """Two workers take the new version; one is killed while it moves the cases, and the other goes on."""
    folder, token = tmp_path / "packs", tmp_path / "token"
    folder.mkdir()
    token.write_text("s3cret\n")
    (folder / "first.yaml").write_text((BUILT_IN / "default.yaml").read_text())
    settings = {
        "SLA_POLICY": str(folder),
        "SLA_WEB_TOKEN_FILE": str(token),
        "SLA_FUTURE_TOLERANCE_SECONDS": str(TOLERANCE / SECOND),
        "SLA_SESSION_TIMEOUT_SECONDS": "6",
    }
    async with a_world(broker.bootstrap, partitions=PARTITIONS, **settings) as world:
        workers = [world.start(), world.start()]
        for worker in workers:
            await worker.ready()
        cases = list(opened(CASES, now()))
        await world.send(*[each for case in cases for each in case.events()])
        await world.caught_up()

        effective_from = now() + AHEAD
        (folder / "second.yaml").write_text(second(effective_from))
        assert [await post(worker) for worker in workers] == [(200, [])] * 2
        before = await world.notices()
        assert now() < effective_from, "reloaded too late to see anything move"

        async def has_begun() -> bool:
            return await workers[0].metric(MOVES) > 0

        await eventually(has_begun, world.ends_of_logs, 60)
        workers[0].kill()
        found = await verify(world, "--until", rfc3339(effective_from), "--wait", "60")
        assert_clean(found)

        versions = load_packs(folder).versions
        expected = {
            case.case_id: both for case in cases if (both := moved(case, versions[0], versions[1], effective_from))
        }
        said = await world.notices()
        moves = [notice for notice in said if notice.type == "sla.deadline.moved"]
        assert {
            each.case_id: (instant(each.data["old_deadline"]), instant(each.data["new_deadline"])) for each in moves
        } == expected
        assert len(expected) > CASES // 10
        assert {(each.at, each.data["cause"], each.data["policy"]["version"]) for each in moves} == {
            (effective_from, "policy", "2026-02")
        }
        assert max(Counter(notice.id for notice in said).values()) == 1
        known = {notice.id for notice in before}
        assert known <= {notice.id for notice in said}
        assert [notice for notice in said if notice.type == "sla.retracted" and notice.id not in known] == []
