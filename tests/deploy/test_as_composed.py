"""What can be run of `docker-compose.yml` without Docker is run: its commands, checks and settings on a real broker."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.composed import Composed, composed, read_yaml
from tests.deploy.dockerfile_rules import Dockerfile
from tests.kafka.broker import Broker
from tests.kafka.jars import find_java, resolve_jars
from tests.kafka.world import WorkerProcess, World, a_world, eventually

ROOT = Path(__file__).parent.parent.parent
SERVICES = {it.name: it for it in composed(read_yaml(ROOT / "docker-compose.yml"), ROOT)}
PROGRAM = (sys.executable, "-m", "sla_monitor")
HEALTHY_SECONDS_MAX = 40.0


def environment(it: Composed, world: World) -> dict[str, str]:
    """Of the service, but for this broker, topics nobody else has, and a free port of the loopback."""
    ours = {name: world.environment[name] for name in ("SLA_BROKER", "SLA_TOPIC_PREFIX", "SLA_GROUP", "SLA_WEB_PORT")}
    return {**it.environment, **ours, "SLA_WEB_HOST": "127.0.0.1"}


async def check(test: list[str], worker: WorkerProcess) -> int:
    """The exit code of a health check in the worker's container."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *test[1:],
        env={**os.environ, "SLA_WEB_PORT": str(worker.web_port)},
        stdout=subprocess.DEVNULL,
    )
    return await process.wait()


async def becomes_healthy(test: list[str], worker: WorkerProcess) -> None:
    async def is_healthy() -> bool:
        return bool(worker.web_port) and await check(test, worker) == 0

    await eventually(is_healthy, worker.end_of_log, HEALTHY_SECONDS_MAX)


async def test_the_deployment_works(broker: Broker) -> None:
    """The topics' command is safe to repeat; two workers get healthy by both checks, theirs and the image's, share the
    partitions, end with 0 when they are stopped, and are unhealthy then."""
    topics, names = SERVICES["topics"], ("worker-1", "worker-2")
    partitions = int(topics.command[topics.command.index("--partitions") + 1])
    async with a_world(broker.bootstrap, partitions=partitions) as world:
        made = await asyncio.create_subprocess_exec(
            *PROGRAM, *topics.command, env={**os.environ, **environment(topics, world)}, stdout=subprocess.PIPE
        )
        said, _ = await made.communicate()
        assert (made.returncode, said.count(b"right    ")) == (0, 4), said

        workers = {
            name: world.start((*PROGRAM, *SERVICES[name].command), **environment(SERVICES[name], world))
            for name in names
        }
        for name, worker in workers.items():
            await becomes_healthy(SERVICES[name].service["healthcheck"]["test"][1:], worker)
            assert await check(image_check(SERVICES[name]), worker) == 0

        async def all_shared() -> bool:
            states = [await worker.states() for worker in workers.values()]
            return all(states) and sorted(p for each in states for p in each) == list(range(partitions))

        await eventually(all_shared, lambda: "not shared", HEALTHY_SECONDS_MAX)
        for name, worker in workers.items():
            worker.terminate()
            assert await worker.ended() == 0
            assert await check(image_check(SERVICES[name]), worker) == 1


def image_check(it: Composed) -> list[str]:
    dockerfile = it.dockerfile
    assert isinstance(dockerfile, Dockerfile)
    instruction = dockerfile.last("HEALTHCHECK")
    assert instruction is not None
    assert instruction.exec_form is not None
    return instruction.exec_form


def set_up(scratch: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What the image does before it starts the broker, by the same class of the same version: properties from the
    environment, and the folder of its data formatted with them."""
    defaults, final = scratch / "defaults", scratch / "config"
    for folder in (defaults, final):
        folder.mkdir()
    mounted = next(mount.split(":")[0] for mount in SERVICES["kafka"].service["volumes"] if mount.startswith("."))
    folders = {"default": defaults, "mounted": ROOT / mounted, "final": final}
    options = [f"--{name}-configs-dir={folder}" for name, folder in folders.items()]
    return subprocess.run(
        [find_java(), "-cp", f"{resolve_jars()}/*", "-Xmx128m", "kafka.docker.KafkaDockerWrapper", "setup", *options],
        env={"PATH": os.environ["PATH"], **environment, "KAFKA_LOG_DIRS": str(scratch / "data")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.kafka
def test_kafka_takes_its_environment(tmp_path: Path) -> None:
    """It formats its data with the properties it reads there, and takes the mounted log settings."""
    done = set_up(tmp_path, SERVICES["kafka"].environment)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "data/meta.properties").exists()
    assert read_yaml(tmp_path / "config/log4j2.yaml") == read_yaml(ROOT / "deploy/kafka/log4j2.yaml")
    properties = dict(
        line.split("=", 1) for line in (tmp_path / "config/server.properties").read_text().split() if line
    )
    factors = {name: value for name, value in properties.items() if name.endswith((".factor", ".isr"))}
    assert set(factors.values()) == {"1"}
    assert len(factors) == 5


@pytest.mark.kafka
def test_kafka_refuses_another_environment(tmp_path: Path) -> None:
    """What makes no broker is seen by the same look: a quorum of somebody else."""
    done = set_up(tmp_path, {**SERVICES["kafka"].environment, "KAFKA_CONTROLLER_QUORUM_VOTERS": "2@127.0.0.1:9093"})
    assert done.returncode != 0
    assert "controller.quorum.voters" in done.stdout + done.stderr
