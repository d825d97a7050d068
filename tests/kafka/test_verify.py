"""`verify` on a real deployment: it finds nothing where nothing is wrong, and what somebody has put there."""

from __future__ import annotations

import asyncio
import json
import subprocess
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from tests.kafka.broker import Broker
from tests.kafka.helpers import Record, admin_of, read_all
from tests.kafka.load import planned, play
from tests.kafka.world import A_CASE, CONSOLE, SECOND, Event, World, a_world, event, eventually, now, rfc3339

PARTITIONS = 2
SEED = 20_260_601


@dataclass(frozen=True, slots=True)
class Verified:
    """What the command said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        return dict(json.loads(self.out))

    @property
    def findings(self) -> dict[str, int]:
        return dict(self.document["findings"])


async def verify(world: World, *arguments: str) -> Verified:
    """As an operator calls it."""
    command = [*CONSOLE[:-1], "verify", "--json", *arguments]
    done = await asyncio.to_thread(
        subprocess.run, command, env=world.environment, capture_output=True, text=True, check=False
    )
    return Verified(done.returncode, done.stdout, done.stderr)


def assert_clean(found: Verified) -> None:
    assert found.code == 0, found.out + found.err
    document = found.document
    assert (document["clean"], document["findings"], document["unverifiable"]) == (True, {}, {})
    assert document["digest"]["expected"] == document["digest"]["found"]


async def a_varied_load(world: World) -> None:
    """Cases answered in time, late and never; garbage, erasures, late facts, orphans, what is not for us."""
    start = now() + SECOND // 5
    plan = planned(SEED, 60, start, 4)
    began = now() - 60 * SECOND
    strange = [
        Event(key=b"garbage", value=b"no JSON"),
        Event(key=None, value=b"{}", partition=0),
        event("early", "case.responded", began + SECOND),
        event("late", "case.opened", began, **A_CASE, targets={"initial_response": 10}),
        event("erased", "case.opened", began, event_id="once", **A_CASE),
        event("future", "case.opened", now() + 3600 * SECOND, **A_CASE),
        event("strange", "com.example.ping", began),
    ]
    await asyncio.gather(play(world, plan, SEED), world.send(*strange))
    await world.caught_up()
    await world.send(
        event("early", "case.opened", began, **A_CASE),
        event("late", "case.responded", began + 5 * SECOND),
        Event(key=b"erased", value=None),
        event("erased", "case.opened", began, event_id="once", **A_CASE),
        event("erased", "case.opened", began, event_id="once", **{**A_CASE, "severity": "B"}),
        Event(key=b"unheard-of", value=None),
    )
    await world.caught_up()


@pytest.mark.timeout(240)
async def test_it_is_clean_after_two_workers_and_says_how_late_they_were(broker: Broker) -> None:
    """Also while events flow, also up to an instant, also in as many processes as one likes."""
    async with a_world(broker.bootstrap, partitions=PARTITIONS) as world:
        for _ in range(2):
            world.start()
        for worker in world.workers:
            await worker.ready()
        flowing = asyncio.create_task(a_varied_load(world))
        while not flowing.done():
            assert_clean(await verify(world))
        await flowing
        found = await verify(world, "--until", rfc3339(now()))
        assert_clean(found)
        document = found.document
        assert document["cases"] >= 60 + 7
        assert document["dead_letters"] == 4
        assert all(each["reached"] for each in document["partitions"].values())
        assert document["lateness_seconds"]["live"]["sla.breached"]["p99"] < 5
        one = await verify(world, "--jobs", "1", "--until", rfc3339(now()))
        assert_clean(one)


async def a_finished_run(world: World) -> None:
    """Six cases, each answered after its breach was said, and a bad record; then nobody works any more."""
    worker = world.start()
    await worker.ready()
    began = now() - 5 * SECOND
    names = [f"case-{number}" for number in range(6)]
    await world.send(*[event(name, "case.opened", began, **A_CASE, targets={"initial_response": 2}) for name in names])
    await world.send(Event(key=b"bad", value=b"no JSON", partition=0))
    await world.send(*[event(name, "case.responded", began + 4 * SECOND, event_id=f"{name}-r") for name in names])
    await world.caught_up()
    await eventually(lambda: _met(world, len(names)), world.ends_of_logs)
    worker.terminate()
    assert await worker.ended() == 0


async def _met(world: World, count: int) -> bool:
    return [notice.type for notice in await world.notices()].count("sla.met") == count


@dataclass(slots=True)
class Forger:
    """Appends records to the product's own topics, as nobody should."""

    world: World

    async def notice(self, case_id: str, kind: str, change: Callable[[dict[str, Any]], None]) -> None:
        """A copy of the notice of this type, changed."""
        found = await self._of(self.world.settings.topics.notices)
        original = next(
            record
            for record in found
            if record.key == case_id.encode() and json.loads(record.value or b"")["type"] == kind
        )
        value = json.loads(original.value or b"")
        change(value)
        await self._append(original, json.dumps(value).encode())

    async def withdrawal(self, case_id: str, kind: str, *, because: str) -> None:
        """A retraction of the notice of this type, for no reason."""

        def change(value: dict[str, Any]) -> None:
            data = {**value["data"], "retracts": value["id"], "retracted_type": value["type"]}
            value["data"] = {**data, "because": because, "because_source": "/tests"}
            value.update(id=str(uuid.uuid4()), type="sla.retracted", detected="correction")

        await self.notice(case_id, kind, change)

    async def dead_letter(self, **headers: bytes) -> None:
        """The first one once more, with these headers."""
        original, *_ = await self._of(self.world.settings.topics.dead)
        changed = {name.replace("_", "-"): text for name, text in headers.items()}
        new = [(name, changed.get(name, text)) for name, text in original.headers]
        await self._append(original, original.value, new)

    async def no_row(self, case_id: str) -> None:
        """The state row of a case is gone."""
        records = await self._of(self.world.settings.topics.state)
        await self._append(next(record for record in records if record.key == case_id.encode()), None)

    async def _of(self, topic: str) -> list[Record]:
        return await read_all(self.world.settings.broker, topic)

    async def _append(self, like: Record, value: bytes | None, headers: list[tuple[str, bytes]] | None = None) -> None:
        await self.world.producer.send_and_wait(
            like.topic,
            value,
            key=like.key,
            partition=like.partition,
            headers=list(like.headers) if headers is None else headers,
        )


async def test_what_somebody_forges_is_named(broker: Broker) -> None:
    """A notice twice, one too many, another in its place, withdrawn ones, dead letters of nothing, a row deleted: each
    is one finding under its case's name, and the cases nobody touched have none."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        await a_finished_run(world)
        assert_clean(await verify(world))
        forger = Forger(world)
        await forger.notice("case-0", "sla.breached", lambda _value: None)
        await forger.notice("case-1", "sla.breached", lambda value: value.update(id=str(uuid.uuid4())))
        await forger.withdrawal("case-2", "sla.met", because="case-2-r")
        await forger.notice(
            "case-2", "sla.met", lambda value: value.update(id=str(uuid.uuid4()), time="2026-01-01T00:00:00Z")
        )
        await forger.withdrawal("case-3", "sla.warning", because="case-3-r")
        await forger.withdrawal("case-4", "sla.met", because="nobody")
        await forger.dead_letter()
        await forger.dead_letter(dead_offset=b"0")
        await forger.dead_letter(dead_offset=b"4711")
        await forger.no_row("case-5")
        found = await verify(world)
        assert found.code == 1, found.err
        assert found.document["unverifiable"] == {}
        assert {(each["kind"], each["case_id"], each["subject"]) for each in found.document["examples"]} == {
            ("repeated", "case-0", next(_subjects(found, "case-0"))),
            ("extra", "case-1", "sla.breached initial_response (generation 1)"),
            ("conflicting", "case-2", "sla.met initial_response (generation 1)"),
            ("missing", "case-3", "sla.warning initial_response 75 (generation 1)"),
            ("missing", "case-4", "sla.met initial_response (generation 1)"),
            ("retraction", "case-4", "because of /tests nobody, which is not in the log"),
            ("repeated", "", "dead letter of offset 6"),
            ("extra", "case-0", "dead letter of offset 0"),
            ("extra", "", "dead letter of offset 4711, where no record is"),
            ("state", "case-5", "state row of an opened case"),
        }
        assert sum(found.findings.values()) == 10
        assert found.document["digest"]["expected"] != found.document["digest"]["found"]
        shown = await verify(world, "--examples", "0")
        assert (shown.code, shown.document["examples"]) == (1, [])
        assert shown.findings == found.findings


def _subjects(found: Verified, case_id: str) -> Any:
    return (
        each["subject"]
        for each in found.document["examples"]
        if (each["case_id"], each["kind"]) == (case_id, "repeated")
    )


async def test_what_retention_removed_is_counted_and_no_finding(broker: Broker) -> None:
    """Of each topic; a partition that nobody works on has not reached an instant that comes."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        await a_finished_run(world)
        behind = await verify(world, "--until", rfc3339(now() + 3600 * SECOND), "--wait", "0")
        assert (behind.code, behind.findings) == (1, {"behind": 1})
        assert_clean(await verify(world, "--until", rfc3339(now()), "--wait", "0"))
        topics = world.settings.topics
        for topic, before, why in (
            (topics.notices, 8, "notices_gone"),
            (topics.dead, 1, "dead_letters_gone"),
            (topics.events, 1, "events_gone"),
        ):
            await delete_before(world, topic, before)
            found = await verify(world)
            assert (found.code, found.findings) == (0, {}), found.out
            assert why in found.document["unverifiable"], found.out


async def delete_before(world: World, topic: str, offset: int) -> None:
    """As retention does it."""
    async with admin_of(world.settings.broker) as admin:
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=offset)})


async def test_it_refuses_what_it_cannot_read(broker: Broker) -> None:
    """Exit code 2, one line: no such topics, or a time that is none."""
    async with a_world(broker.bootstrap, partitions=1) as world:
        world.environment["SLA_TOPIC_PREFIX"] = "nobody-has-this."
        nothing = await verify(world)
        assert (nothing.code, nothing.out) == (2, "")
        assert "nobody-has-this.case-events: is missing" in nothing.err
        assert (await verify(world, "--until", "tomorrow")).code == 2
