"""Every fenced block of every page is run, checked, or has a reason here why not. A new block in a new place fails.

Blocks of `console` are run by tests/test_docs.py, all of `json` are validated there; commands of `sh` are typed by
tests/kafka/test_pages.py. This module holds that nothing is left out, and looks at the rest: Python is run; YAML and
JSON lines are compared with what they are from, by the tests named below.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from typing import Any

import pytest
from ruamel.yaml import YAML

from sla_monitor.engine.embedded import embedded_broker
from tests.kafka.helpers import create_topics, read_all
from tests.kafka.test_pages import TYPED
from tests.pages import ROOT, blocks, commands_of

# Commands that no test types, by how they begin, and why not.
NOT_TYPED = {
    "docker": "there is no Docker where the tests run; tests/deploy/test_compose.py holds the files to the code",
    "kubectl": "there is no Kubernetes where the tests run; tests/deploy/test_kubernetes.py holds the files to it",
    "python3 -m venv": "makes an environment, as scripts/test does each time",
    "python -m tests.business_time": "five minutes; tests/business_time/test_walk.py asks fewer questions",
    "scripts/test": "is what runs this",
    "scripts/demo": "until Ctrl-C; tests/demo/test_demo.py ends it",
    "sla-monitor demo": "until Ctrl-C; tests/demo/test_demo.py ends it",
    "scripts/soak": "five minutes; tests/chaos/test_trouble.py has a small one",
    "scripts/bench": "an hour; tests/benchmarks/test_report.py has what it writes",
}
# What says which options they take.
HELP = {
    "python -m tests.business_time": "tests.business_time",
    "scripts/bench": "benchmarks",
    "scripts/soak": "tests.chaos.soak",
}
# Who checks blocks that are no shell.
CHECKED = {
    ("docs/calendars.md", "yaml"): "tests/config/test_pack_calendars.py",
    ("docs/calendars.md", "jsonl"): "tests/cli/test_calendar.py",
    ("docs/deployment.md", "yaml"): "the test of overrides below",
    ("docs/monitoring.md", "yaml"): "the test of receivers below",
    ("docs/policy-packs.md", "yaml"): "tests/test_docs.py",
    ("docs/producers.md", "python"): "tests/test_events.py",
    ("docs/first-steps.md", "python"): "the test with the embedded broker below",
    ("docs/tutorial.md", "yaml"): "the test of the tutorial below",
}
SHOWN = {"console", "json"}  # by tests/test_docs.py, on every page
TEXT = {"text", ""}  # for people: nothing that anybody could run or load


def load(text: str) -> Any:
    return YAML(typ="safe").load(text)


def body_of(page: str, language: str) -> str:
    [body] = [body for name, found, body in blocks() if (name, found) == (page, language)]
    return body


SHELL = [(page, body) for page, language, body in blocks() if language == "sh"]
LINES = [(page, line) for page, body in SHELL for line in commands_of(body)]


def test_every_block_is_looked_at_by_somebody() -> None:
    """Whoever writes one of another language, or in another place, says here who checks it."""
    found = {(page, language) for page, language, _ in blocks() if language not in {*SHOWN, *TEXT, "sh"}}
    assert found == set(CHECKED)
    for checked in CHECKED.values():
        assert checked.startswith("the test") or (ROOT / checked).exists()


@pytest.mark.parametrize(("page", "body"), SHELL)
def test_bash_parses_it(page: str, body: str) -> None:
    """Without running it."""
    assert subprocess.run(["bash", "-n", "-c", body], capture_output=True, check=False).returncode == 0, page


def test_every_command_is_typed_or_has_a_reason() -> None:
    """Of its own, by how it begins; those that are typed are typed as a block."""
    for page, body in SHELL:
        if not any(name == page and body.startswith(begins) for name, begins in TYPED):
            assert [line for line in commands_of(body) if not line.startswith(tuple(NOT_TYPED))] == [], page


def test_no_reason_is_left_over() -> None:
    """Each is that of a command of some page, and the test that it speaks of is there."""
    assert [begins for begins in NOT_TYPED if not any(line.startswith(begins) for _, line in LINES)] == []
    for spoken_of in re.findall(r"tests/[\w/]+\.py", " ".join(NOT_TYPED.values())):
        assert (ROOT / spoken_of).exists()


@pytest.mark.parametrize(("page", "line"), [each for each in LINES if each[1].startswith(("scripts/", "examples/"))])
def test_a_script_is_there(page: str, line: str) -> None:
    """And may be run."""
    assert os.access(ROOT / line.split(maxsplit=1)[0], os.X_OK), page


@pytest.mark.parametrize("begins", HELP)
def test_what_is_not_typed_takes_its_options(begins: str) -> None:
    """Its help names each that a page has."""
    command = [sys.executable, "-m", HELP[begins], "--help"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    used = {word for _, line in LINES if line.startswith(begins) for word in line.split() if word.startswith("--")}
    assert used, "else it needs no line in HELP"
    assert [option for option in used if option not in told] == []


@pytest.mark.parametrize("line", [line for _, line in LINES if "deploy/" in line])
def test_files_of_the_deployment_are_there(line: str) -> None:
    """Those that a page hands to a program."""
    named = [word for word in line.split() if word.startswith("deploy/")]
    assert [word for word in named if not any(ROOT.glob(word))] == []


async def test_the_producer_of_the_first_steps_sends_the_example() -> None:
    """As it stands on the page, but for the port: six events, which the topic then has."""
    program = body_of("docs/first-steps.md", "python")
    with embedded_broker() as bootstrap:
        await create_topics(bootstrap, "case-events", partitions=3)
        here = program.replace("127.0.0.1:9092", bootstrap)
        assert here != program
        command = [sys.executable, "-c", here]
        done = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found = {record.value for record in await read_all(bootstrap, "case-events")}
    assert found == set((ROOT / "docs/examples/first-case.jsonl").read_bytes().splitlines(keepends=True))


def test_the_pack_of_the_tutorial_is_the_file() -> None:
    """To the byte: it is checked and used by the commands around it."""
    assert body_of("docs/tutorial.md", "yaml") == (ROOT / "docs/examples/my-pack/2026-01.yaml").read_text("utf-8")


def test_overrides_are_of_services_that_exist() -> None:
    """What the page on deployment adds to docker-compose.yml is about services and settings that are there."""
    override = load(body_of("docs/deployment.md", "yaml"))
    compose = load((ROOT / "docker-compose.yml").read_text("utf-8"))
    assert set(override["services"]) <= set(compose["services"])
    for service in override["services"].values():
        assert list(service["environment"]) == ["SLA_POLICY"]


def test_receivers_are_those_of_the_alertmanager() -> None:
    """Their names are those that the routes lead to."""
    named = {each["name"] for each in load(body_of("docs/monitoring.md", "yaml"))["receivers"]}
    ours = load((ROOT / "deploy/alertmanager/alertmanager.yml").read_text("utf-8"))
    assert named <= {each["name"] for each in ours["receivers"]}
