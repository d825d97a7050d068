"""A broker that asks who comes, over TLS: every command works against it, and a mistake is one clear line.

The worker's user may do what docs/doctor.md says it needs, and nothing else; topics and `verify` are the operator's.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import io
import json
import os
import sys
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from unittest.mock import patch

import pytest
import trustme

from sla_monitor.cli.main import main
from sla_monitor.config.settings import Settings
from sla_monitor.engine.topics import create_topics
from tests.kafka.helpers import fresh_prefix
from tests.kafka.secured import (
    ALTER_CONFIGS,
    CLUSTER,
    CREATE,
    DESCRIBE,
    DESCRIBE_CONFIGS,
    GROUP,
    MECHANISMS,
    READ,
    THE_CLUSTER,
    TOPIC,
    TRANSACTIONAL_ID,
    WRITE,
    Grant,
    SecuredBroker,
)
from tests.kafka.world import A_CASE, World, a_world, event, now

pytestmark = pytest.mark.kafka

WORKER, OPERATOR = "worker", "operator"
EXIT_FINDINGS, EXIT_USAGE = 1, 2


@pytest.fixture(scope="module")
def secured() -> Iterator[SecuredBroker]:
    with tempfile.TemporaryDirectory(prefix="sla-monitor-kafka-") as data:
        running = SecuredBroker(Path(data), (WORKER, OPERATOR))
        try:
            running.start()
            yield running
        finally:
            running.kill()


def as_user(broker: SecuredBroker, folder: Path, user: str, mechanism: str = "SCRAM-SHA-512") -> dict[str, str]:
    """The settings of a command that comes as this user."""
    password = folder / f"password-of-{user}"
    password.write_text(broker.users[user] + "\n")
    password.chmod(0o600)
    return {
        "SLA_BROKER": broker.secured,
        "SLA_SECURITY_PROTOCOL": "SASL_SSL",
        "SLA_SASL_MECHANISM": mechanism,
        "SLA_SASL_USERNAME": user,
        "SLA_SASL_PASSWORD_FILE": str(password),
        "SLA_SSL_CAFILE": str(broker.authority),
    }


def another_password(environment: Mapping[str, str]) -> str:
    """Not the user's, and what stands in the file from now on."""
    wrong = base64.b64encode(os.urandom(12)).decode()
    Path(environment["SLA_SASL_PASSWORD_FILE"]).write_text(wrong)
    return wrong


def needed_by_a_worker(settings: Settings) -> list[Grant]:
    """As the table in docs/doctor.md has it."""
    topics = settings.topics
    return [
        Grant(resource=TOPIC, name=topics.events, operations=(DESCRIBE, READ)),
        Grant(resource=TOPIC, name=topics.notices, operations=(DESCRIBE, WRITE)),
        Grant(resource=TOPIC, name=topics.state, operations=(DESCRIBE, DESCRIBE_CONFIGS, READ, WRITE)),
        Grant(resource=TOPIC, name=topics.dead, operations=(DESCRIBE, DESCRIBE_CONFIGS, WRITE)),
        Grant(resource=GROUP, name=settings.group, operations=(READ,)),
        Grant(resource=TRANSACTIONAL_ID, name=f"{topics.state}-", operations=(WRITE,), begins=True),
    ]


def needed_by_an_operator(prefix: str) -> list[Grant]:
    """To make topics and to read all of them."""
    every = (CREATE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS, READ)
    return [
        Grant(resource=TOPIC, name=prefix, operations=every, begins=True),
        Grant(resource=CLUSTER, name=THE_CLUSTER, operations=(DESCRIBE,)),
    ]


def without_secrets(broker: SecuredBroker, text: str) -> str:
    """What was said, once it is known to have no password in it, plain or as it travels."""
    for user, password in broker.users.items():
        for form in (
            password,
            *(base64.b64encode(each.encode()).decode() for each in (password, f"\0{user}\0{password}")),
        ):
            assert form not in text, f"the password of {user} is told"
    return text


async def command(broker: SecuredBroker, environment: Mapping[str, str], *arguments: str) -> tuple[int, str, list[str]]:
    """Exit code, output and lines of errors of one `sla-monitor`, without a process of its own."""
    return await asyncio.to_thread(_command, broker, environment, arguments)


def _command(
    broker: SecuredBroker, environment: Mapping[str, str], arguments: Sequence[str]
) -> tuple[int, str, list[str]]:
    with nothing_said_of_links_that_end_with_the_process():
        code, said, wrong = _spoken(environment, arguments)
    without_secrets(broker, wrong)
    return code, without_secrets(broker, said), wrong.splitlines()


@contextlib.contextmanager
def nothing_said_of_links_that_end_with_the_process() -> Iterator[None]:
    """A client that is refused does not wait until the broker has closed the TLS link as well.

    With a process of its own the link ends there; here it is collected, and asyncio warns of it.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "unclosed ", ResourceWarning)
        yield
        gc.collect()


def _spoken(environment: Mapping[str, str], arguments: Sequence[str]) -> tuple[int, str, str]:
    said, wrong = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, environment, clear=True),
        patch.object(sys, "argv", ["sla-monitor", *arguments]),
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(wrong),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    return int(ended.value.code or 0), said.getvalue(), wrong.getvalue()


@contextlib.asynccontextmanager
async def a_secured_world(broker: SecuredBroker, folder: Path, mechanism: str) -> AsyncIterator[World]:
    """A deployment whose worker comes as the worker's user, may do what it needs and says all that it can say."""
    environment = {**as_user(broker, folder, WORKER, mechanism), "SLA_LOG_LEVEL": "debug"}
    async with a_world(broker.bootstrap, partitions=1, **environment) as world:
        await broker.grant(WORKER, needed_by_a_worker(world.settings))
        yield world


async def work(broker: SecuredBroker, world: World) -> None:
    """A worker comes, does its work and ends in order, and tells what it has decided and no secret."""
    worker = world.start()
    await worker.ready()
    await world.send(event("case-1", "case.opened", now(), **A_CASE))
    await world.caught_up()
    assert [notice.type for notice in await world.notices()] == ["sla.clock.started"]
    without_secrets(broker, await worker.text_of("/metrics") or "")
    worker.terminate()
    assert await worker.ended() == 0, worker.text
    without_secrets(broker, worker.text)
    decisions = [(line["case_id"], line["type"]) for line in worker.lines if line["event"] == "decision"]
    assert decisions == [("case-1", "sla.clock.started")]


async def test_a_worker_works_with_a_plain_password(secured: SecuredBroker, tmp_path: Path) -> None:
    """Its user may do no more than it needs."""
    async with a_secured_world(secured, tmp_path, "PLAIN") as world:
        await work(secured, world)


async def test_every_command_works_over_tls_as_a_user(secured: SecuredBroker, tmp_path: Path) -> None:
    """The worker may do no more than it needs, and its doctor finds nothing; nor do the operator's commands."""
    async with a_secured_world(secured, tmp_path, "SCRAM-SHA-512") as world:
        await work(secured, world)
        await secured.grant(OPERATOR, needed_by_an_operator(world.settings.topic_prefix))
        operator = {**world.environment, **as_user(secured, tmp_path, OPERATOR, "PLAIN")}
        code, said, _ = await command(secured, operator, "topics", "create", "--json")
        assert (code, [each["outcome"] for each in json.loads(said)]) == (0, ["right"] * 4)
        code, said, wrong = await command(secured, operator, "verify", "--json", "--jobs", "1")
        assert code == 0, (said, wrong)
        code, said, _ = await command(secured, world.environment, "doctor", "--json")
        findings = json.loads(said)["findings"]
        assert ([each for each in findings if each["level"] == "problem"], code) == ([], 0)
        fine = {each["check"] for each in findings if each["level"] == "ok"}
        assert {"broker", "transactions", "permissions", "topics", "group", "secrets"} <= fine


async def test_topics_are_made_by_those_who_may(secured: SecuredBroker, tmp_path: Path) -> None:
    """Who may not is told of the topic that would be first, and nothing is made."""
    prefix = fresh_prefix()
    world = {"SLA_TOPIC_PREFIX": prefix}
    denied = {**world, **as_user(secured, tmp_path, WORKER)}
    code, said, _ = await command(secured, denied, "topics", "create", "--partitions", "1")
    assert (code, said.count("TopicAuthorizationFailed")) == (EXIT_FINDINGS, 1), said
    await secured.grant(OPERATOR, needed_by_an_operator(prefix))
    allowed = {**world, **as_user(secured, tmp_path, OPERATOR, "SCRAM-SHA-256")}
    code, said, _ = await command(secured, allowed, "topics", "create", "--partitions", "1", "--json")
    assert (code, [each["outcome"] for each in json.loads(said)]) == (0, ["created"] * 4)


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_a_wrong_password_is_one_line(secured: SecuredBroker, tmp_path: Path, mechanism: str) -> None:
    """With what to look at, and without the password, right or wrong."""
    environment = as_user(secured, tmp_path, WORKER, mechanism)
    wrong = another_password(environment)
    for arguments in (["run"], ["verify"], ["topics", "create"]):
        code, said, [line] = await command(secured, environment, *arguments)
        assert (code, said) == (EXIT_USAGE, ""), arguments
        assert "AuthenticationFailed" in line
        assert "check SLA_SASL_USERNAME, SLA_SASL_MECHANISM and the file of SLA_SASL_PASSWORD_FILE" in line
        assert wrong not in line


async def test_the_doctor_tells_of_a_wrong_password(secured: SecuredBroker, tmp_path: Path) -> None:
    """As a finding with what to do, without the password."""
    environment = as_user(secured, tmp_path, WORKER)
    wrong = another_password(environment)
    code, said, _ = await command(secured, environment, "doctor", "--json")
    assert (code, wrong in said) == (EXIT_FINDINGS, False)
    [finding] = [each for each in json.loads(said)["findings"] if each["check"] == "broker"]
    assert "SLA_SASL_PASSWORD_FILE" in finding["what_to_do"]


async def test_an_authority_that_is_not_known_is_one_line(secured: SecuredBroker, tmp_path: Path) -> None:
    """Before anybody says who they are: the password is not sent to who cannot prove to be the broker."""
    environment = as_user(secured, tmp_path, WORKER)
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    for arguments in (["run"], ["verify"], ["topics", "create"]):
        code, said, [line] = await command(secured, environment | {"SLA_SSL_CAFILE": str(other)}, *arguments)
        assert (code, said) == (EXIT_USAGE, ""), arguments
        assert "CERTIFICATE_VERIFY_FAILED" in line
        assert "check SLA_SSL_CAFILE" in line


@pytest.mark.parametrize(
    ("resource", "ending", "line"),
    [
        (TOPIC, "case-events", "case-events: hidden from this user: permit Describe, Read"),
        (TOPIC, "sla-notices", "sla-notices: hidden from this user: permit Describe, Write"),
        (TOPIC, "sla-state", "sla-state: hidden from this user: permit Describe, DescribeConfigs, Read, Write"),
        (TOPIC, "case-events.dead", "case-events.dead: hidden from this user: permit Describe, DescribeConfigs, Write"),
        (GROUP, "group", "group: this user may not use the group: permit Read on the group "),
        (TRANSACTIONAL_ID, "sla-state-", "not for this user (asked for "),
    ],
)
async def test_a_permission_that_is_missing_is_one_line(
    secured: SecuredBroker, tmp_path: Path, resource: int, ending: str, line: str
) -> None:
    """Before the group is joined, with what to permit."""
    prefix = fresh_prefix()
    settings = Settings(broker=secured.bootstrap, topic_prefix=prefix, group=f"{prefix}group")
    await create_topics(settings, 1, 1)
    needed = needed_by_a_worker(settings)
    granted = [each for each in needed if (each.resource, each.name) != (resource, prefix + ending)]
    assert len(granted) == len(needed) - 1
    await secured.grant(WORKER, granted)
    ours = {"SLA_TOPIC_PREFIX": prefix, "SLA_GROUP": settings.group, "SLA_WEB_PORT": "0"}
    code, _, [told] = await command(secured, ours | as_user(secured, tmp_path, WORKER), "run")
    assert (code, line in told) == (EXIT_USAGE, True), told
