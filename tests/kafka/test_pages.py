"""What the pages tell a reader to type is typed, on a real broker, in the order of the page.

tests/test_blocks.py holds that every command of every page is in TYPED or has a reason not to be.
"""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.deploy.fixtures import Monitoring
from tests.kafka.broker import Broker
from tests.kafka.helpers import delete_topic
from tests.kafka.reader import a_reader
from tests.kafka.world import A_CASE, envelope, eventually, now
from tests.pages import blocks, commands_of

EXIT_FINDINGS = 1
CASE = "docs/examples/easter.jsonl"  # of CASE-1000200, which the page on explaining is about

# (page, how its block begins) of what is typed below.
TYPED = {
    ("README.md", "sla-monitor topics create"),
    ("docs/board.md", "curl"),
    ("docs/board.md", "sla-monitor demo"),
    ("docs/calendars.md", "sla-monitor calendar lock"),
    ("docs/explain.md", "sla-monitor explain"),
    ("docs/handbook.md", "python3 -m venv"),
    ("docs/handbook.md", "export SLA_POLICY"),
    ("docs/handbook.md", "sla-monitor state backup"),
    ("docs/handbook.md", "SLA_TOPIC_PREFIX=v2."),
    ("docs/monitoring.md", "promtool"),
    ("docs/monitoring.md", "sla-monitor rules generate"),
    ("docs/policy-packs.md", "kill -HUP"),
    ("docs/tutorial.md", "export SLA_POLICY"),
    ("docs/tutorial.md", "examples/producer.sh"),
    ("docs/verify.md", "sla-monitor verify"),
}


def lines(page: str, begins: str, instead: Mapping[str, str] | None = None) -> list[str]:
    """The commands of one block, with what the reader has in the place of what the page says for it."""
    assert (page, begins) in TYPED
    [body] = [body for name, kind, body in blocks() if (name, kind) == (page, "sh") and body.startswith(begins)]
    for word, put in (instead or {}).items():
        assert word in body, f"{page}: {word}"
        body = body.replace(word, put)
    return commands_of(body)


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl")
async def test_the_first_day(broker: Broker, tmp_path: Path) -> None:
    """From the quick start to why a deadline is where it is, the board on a terminal, a reload, a backup put back."""
    async with a_reader(broker.bootstrap, tmp_path) as reader:
        token = tmp_path / "token"
        token.write_text("of-this-test")
        reader.environment["SLA_WEB_TOKEN_FILE"] = str(token)
        create, run = lines("README.md", "sla-monitor topics create")
        await reader.types(create)
        worker = reader.starts(run)
        await worker.ready(partitions=6)
        await reader.produces(CASE)

        by_file, by_kafka, as_data = lines("docs/explain.md", "sla-monitor explain", {"FILE": CASE})
        assert "CASE-1000200: opened" in await reader.types(by_file)
        assert "CASE-1000200: opened" in await reader.types(by_kafka)
        assert json.loads(await reader.types(as_data))["case_id"] == "CASE-1000200"

        so_far, until, for_programs = lines("docs/verify.md", "sla-monitor verify")
        await reader.types(so_far)
        await reader.types(until)
        assert json.loads((await reader.types(for_programs)).splitlines()[-1])["clean"] is True

        _, watch = lines("docs/board.md", "sla-monitor demo")
        watching = reader.starts(f"SLA_WEB_PORT={worker.web_port} {watch}")
        await eventually(lambda: "CASE-1000200" in watching.text, lambda: watching.text)
        await reader.ends(watching, signal.SIGINT)
        here = {"6066": str(worker.web_port)}
        [ask] = lines("docs/board.md", "curl", here)
        assert json.loads(await reader.types(ask))["items"] == []

        told = here | {"PID": str(worker.pid), "TOKEN_FILE": "token"}
        hang_up, post = lines("docs/policy-packs.md", "kill -HUP", told)
        await reader.types(hang_up)
        assert '"reloaded": true' in await reader.types(post)
        await reader.ends(worker)

        back_up, restore = lines("docs/handbook.md", "sla-monitor state backup")
        await reader.types(back_up)
        await delete_topic(broker.bootstrap, reader.settings.topics.state)
        await reader.types("sla-monitor topics create")
        await reader.types(restore)


async def test_a_shadow_and_a_move(broker: Broker, tmp_path: Path) -> None:
    """By the handbook: an installation, another pack beside the live one, and twice as many partitions."""
    async with a_reader(broker.bootstrap, tmp_path) as reader:
        live = "export SLA_POLICY=docs/examples/hosting.yaml"
        reader.exports(live)
        _, doctor, create, check, run = lines("docs/handbook.md", "python3 -m venv")
        assert "topics create" in await reader.types(doctor, code=EXIT_FINDINGS)  # the next line of the page
        await reader.types(create)
        assert await reader.types(check) == "clean\n"
        worker = reader.starts(run)
        await worker.ready(partitions=12)
        opening = A_CASE | {"severity": "urgent", "plan": "managed"}
        await reader.sends(envelope("CASE-1", "case.opened", now(), **opening))

        other, make, shadow, compare = lines("docs/handbook.md", "export SLA_POLICY")
        reader.exports(other)
        await reader.types(make)
        beside = reader.starts(shadow)
        await beside.ready(partitions=12)
        reader.exports(live)
        await reader.types(compare)
        await reader.ends(beside)

        topics, behind, back_up, restore, run_there = lines("docs/handbook.md", "SLA_TOPIC_PREFIX=v2.")
        await reader.types(topics)
        await reader.types(behind)
        await reader.ends(worker)
        await reader.types(back_up)
        await reader.types(restore)
        moved = reader.starts(run_there)
        await moved.ready(partitions=24)
        await reader.ends(moved)


async def test_a_pack_of_ones_own(broker: Broker, tools: Path, tmp_path: Path) -> None:
    """The end of the tutorial: the worker runs by it, a producer sends, the doctor looks."""
    async with a_reader(broker.bootstrap, tmp_path, tools) as reader:
        choose, create, run = lines("docs/tutorial.md", "export SLA_POLICY")
        reader.exports(choose)
        await reader.types(create)
        worker = reader.starts(run)
        await worker.ready(partitions=3)
        produce, doctor = lines("docs/tutorial.md", "examples/producer.sh")
        await reader.types(produce)
        await reader.types(doctor)
        await reader.ends(worker)


async def test_calendars_and_rules(broker: Broker, monitoring: Monitoring, tmp_path: Path) -> None:
    """A pack's dates are locked and found locked; rules are checked as they are and made for another pack."""
    async with a_reader(broker.bootstrap, tmp_path, Path(monitoring.promtool).parent) as reader:
        lock, same = lines("docs/calendars.md", "sla-monitor calendar lock", {"packs/": "docs/examples/my-pack/"})
        await reader.types(lock)
        await reader.types(same)
        for line in lines("docs/monitoring.md", "promtool"):
            assert "SUCCESS" in await reader.types(line)
        own = {"PACK": "docs/examples/hosting.yaml", "URL": "https://runbooks.example/"}
        [generate] = lines("docs/monitoring.md", "sla-monitor rules generate", own)
        await reader.types(generate)
        assert "urgent" in (tmp_path / "deploy/prometheus/rules/promises.yaml").read_text("utf-8")
