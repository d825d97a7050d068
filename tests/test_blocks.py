"""Every fenced block of every page is run, checked, or has a reason here why not. A new block in a new place fails.

Blocks of `console` are run by tests/test_docs.py, all of `json` are validated there. This module looks at the others:
shell lines must parse, down to the options of our own commands; Python is run; YAML and JSON lines are compared with
what they are from, by the tests named below.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest
from ruamel.yaml import YAML

from sla_monitor.engine.embedded import embedded_broker
from tests.deploy.program import command_problems
from tests.kafka.helpers import create_topics, read_all
from tests.test_docs import PAGES, ROOT

# Programs that pages call and tests do not run, and why not.
NOT_OURS = {
    "docker": "there is no Docker where the tests run; tests/deploy holds the files to the code",
    "python3": "makes an environment, as scripts/test does each time",
    "pip": "installs, as scripts/test does each time",
    ".": "of an environment",
    "kill": "of a process that the reader has; tests/kafka/test_reload.py sends the signal",
    "curl": "of a worker that the reader has; tests/observe/test_control.py asks it",
    "promtool": "tests/deploy/test_rules.py runs it",
    "export": "sets a variable",
    "kubectl": "there is no Kubernetes where the tests run; tests/deploy holds the files to the code",
    "xargs": "hands what kubectl lists to kubectl",
    "jq": "of logs that the reader has",
}
# What readers have, and what has its place in a test.
STANDS_FOR = {
    "FILE": "docs/examples/easter.jsonl",
    "PACK": "docs/examples/hosting.yaml",
    "packs/": "docs/examples/my-pack",
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


def blocks() -> Iterator[tuple[str, str, str]]:
    """(page, language, body) of all of them."""
    for page in PAGES:
        found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        yield from ((str(page.relative_to(ROOT)), language, body) for language, body in found)


def load(text: str) -> Any:
    return YAML(typ="safe").load(text)


def body_of(page: str, language: str) -> str:
    [body] = [body for name, found, body in blocks() if (name, found) == (page, language)]
    return body


def shell_lines() -> list[tuple[str, tuple[str, ...]]]:
    """(page, words) of every command of the shell blocks, each part of a list or pipe for itself."""
    return [
        (page, words)
        for page, language, body in blocks()
        if language == "sh"
        for line in body.replace("\\\n", " ").splitlines()
        for words in commands_of(line)
    ]


def commands_of(line: str) -> Iterator[tuple[str, ...]]:
    """Without variables before and comments behind."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    for is_separator, words in groupby(lexer, lambda word: set(word) <= set(";&|")):
        found = [word for word in words if not re.match(r"[A-Z_]+=", word)]
        if not is_separator and found:
            yield tuple(found)


def test_every_block_is_looked_at_by_somebody() -> None:
    """Whoever writes one of another language, or in another place, says here who checks it."""
    found = {(page, language) for page, language, _ in blocks() if language not in {*SHOWN, *TEXT, "sh"}}
    assert found == set(CHECKED)
    for checked in CHECKED.values():
        assert checked.startswith("the test") or (ROOT / checked).exists()


@pytest.mark.parametrize(("page", "body"), [(page, body) for page, language, body in blocks() if language == "sh"])
def test_bash_parses_it(page: str, body: str) -> None:
    """Without running it."""
    assert subprocess.run(["bash", "-n", "-c", body], capture_output=True, check=False).returncode == 0, page


@pytest.mark.parametrize(("page", "words"), [pytest.param(*each, id=" ".join(each[1])) for each in shell_lines()])
def test_a_command_can_be_typed(page: str, words: tuple[str, ...]) -> None:
    """Our own commands take these options, our own scripts, programs and modules are there; others have a reason."""
    program, *arguments = words
    if program == "sla-monitor":
        assert list(command_problems([STANDS_FOR.get(each, each) for each in arguments])) == []
    elif program in {"python", "python3"} and arguments[:1] == ["-m"] and arguments[1] != "venv":
        path = ROOT / arguments[1].replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), page
    elif "/" in program and (ROOT / program).exists():
        assert os.access(ROOT / program, os.X_OK), page
    else:
        assert all(any(ROOT.glob(word)) for word in arguments if word.startswith("deploy/")), page
        assert program in NOT_OURS, f"{page}: {words}: no reason in NOT_OURS"


def test_no_reason_is_left_over() -> None:
    """A program that no page calls any more needs none."""
    assert set(NOT_OURS) - {words[0] for _, words in shell_lines()} == set()


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
