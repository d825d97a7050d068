"""What `docker-compose.yml` must hold to, as one list of problems: the Compose Specification, and the code.

`problems(file, root)` takes the parsed file, so that tests can spoil copies of it and see each mistake found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from jsonschema.validators import validator_for  # type: ignore[import-untyped]

from sla_monitor.config.settings import PREFIX, Settings
from sla_monitor.engine.app import CLOSING_SECONDS_MAX
from sla_monitor.errors import BadConfiguration
from tests.deploy.composed import Composed, composed, listeners, seconds
from tests.deploy.program import command_problems, probe_problems, project

SCHEMA = "check_jsonschema/builtin_schemas/vendor/compose-spec.json"  # of the package check-jsonschema; Apache-2.0
LOOPBACK = "127.0.0.1"
STOP_MARGIN_SECONDS = 2.0  # from the last deadline of the worker to the engine's SIGKILL
PORTS = {"prom/prometheus": 9090, "prom/alertmanager": 9093, "grafana/grafana": 3000}  # at which others listen
PINNED = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9./_-]*):v?(?P<version>\d+\.\d+\.\d+)([.-][\w.-]+)?(@sha256:[0-9a-f]{64})?"
)
MOUNT = re.compile(r"(?P<source>[^:]+):(?P<target>/[^:]+)(:(?P<mode>ro|rw))?")
PORT = re.compile(rf"{re.escape(LOOPBACK)}:(?P<host>\d+):(?P<container>\d+)")


def problems(file: Mapping[str, Any], root: Path) -> list[str]:
    """Every one, each with the name of its service. What the schema refuses is told alone: the rest reads shapes."""
    return list(against_the_schema(file)) or [*_project(file), *_services(file, root)]


# --- the whole file -----------------------------------------------------------------------------------------------


@cache
def compose_schema() -> Any:
    """The Compose Specification's own schema. Read as a file of its package, which need not be importable for that."""
    return json.loads(Path(str(distribution("check-jsonschema").locate_file(SCHEMA))).read_text("utf-8"))


def against_the_schema(file: Mapping[str, Any]) -> Iterator[str]:
    schema = compose_schema()
    for error in validator_for(schema)(schema).iter_errors(file):
        yield f"{'.'.join(map(str, error.absolute_path))}: {error.message}"


def _project(file: Mapping[str, Any]) -> Iterator[str]:
    """What shows only when services are seen together."""
    published = [port for it in file["services"].values() for port in it.get("ports", [])]
    hosts = [port.rpartition(":")[0] for port in published]
    yield from (f"port {host} is published twice" for host in {host for host in hosts if hosts.count(host) > 1})
    used = {mount.partition(":")[0] for it in file["services"].values() for mount in it.get("volumes", [])}
    yield from (f"volume {name} is not used" for name in file.get("volumes", {}) if name not in used)
    workers = [it for it in composed(file, Path()) if it.service.get("command") == ["run"]]
    if len({json.dumps(it.environment, sort_keys=True) for it in workers}) > 1:
        yield "the workers have different settings"


def _services(file: Mapping[str, Any], root: Path) -> Iterator[str]:
    checks = (_image, _confined, _ports, _volumes, _dependencies, _health, _ours, _worker, _topics, _kafka)
    for it in composed(file, root):
        for check in checks:
            for problem in check(it):
                yield f"{it.name}: {problem}"


# --- any service --------------------------------------------------------------------------------------------------


def _image(it: Composed) -> Iterator[str]:
    """Pinned to a version; our own to that of the project."""
    image = str(it.service.get("image", ""))
    pinned = PINNED.fullmatch(image)
    if pinned is None:
        yield f"image {image!r} is not pinned to a version"
    elif it.dockerfile is not None and pinned["version"] != (version := project(it.root)["version"]):
        yield f"image {image} is not of version {version}"


def _confined(it: Composed) -> Iterator[str]:
    """What a container that breaks, or is broken into, can do to the machine."""
    service = it.service
    user = str(service.get("user", "")) or (it.dockerfile.user if it.dockerfile else "")
    if user.partition(":")[0] in {"", "root", "0"}:
        yield "runs as root"
    if not service.get("read_only"):
        yield "may write into its image"
    if service.get("cap_drop") != ["ALL"] or service.get("cap_add"):
        yield "has capabilities"
    if "no-new-privileges:true" not in service.get("security_opt", []) or service.get("privileged"):
        yield "may gain privileges"
    yield from (f"shares {each} with the machine" for each in ("network_mode", "pid", "ipc") if each in service)
    yield from (f"has no {each}" for each in ("mem_limit", "pids_limit") if each not in service)
    if not {"max-size", "max-file"} <= service.get("logging", {}).get("options", {}).keys():
        yield "its log grows without end"
    yield from (f"tmpfs {each} has no size" for each in service.get("tmpfs", []) if "size=" not in each)


def _ports(it: Composed) -> Iterator[str]:
    """Published on the loopback alone, and somebody listens there."""
    for port in it.service.get("ports", []):
        match = PORT.fullmatch(str(port))
        if match is None:
            yield f"port {port} is not published on {LOOPBACK} alone"
        elif int(match["container"]) not in (listening := _listening(it)):
            yield f"port {port} leads to none of {sorted(listening)}"


def _listening(it: Composed) -> set[int]:
    if it.dockerfile is not None:
        port = it.environment.get(f"{PREFIX}WEB_PORT")
        return {int(port) if port else Settings.model_fields["web_port"].default} if it.is_worker else set()
    if "KAFKA_LISTENERS" in it.environment:
        return {port for _, _, port in listeners(it.environment["KAFKA_LISTENERS"])}
    return {port for image, port in PORTS.items() if str(it.service.get("image", "")).startswith(f"{image}:")}


def _volumes(it: Composed) -> Iterator[str]:
    """A path of the repository is there and read-only; a named volume is declared."""
    for mount in it.service.get("volumes", []):
        match = MOUNT.fullmatch(str(mount))
        if match is None:
            yield f"volume {mount} is not SOURCE:/TARGET"
        elif not match["source"].startswith("."):
            if match["source"] not in it.file.get("volumes", {}):
                yield f"volume {match['source']} is not declared"
        elif not (path := (it.root / match["source"]).resolve()).exists() or not path.is_relative_to(it.root):
            yield f"{match['source']} is not in the repository"
        elif match["mode"] != "ro":
            yield f"may write to {match['source']}"


def _dependencies(it: Composed) -> Iterator[str]:
    """Each can be met: what must be healthy is checked, what must complete is not restarted, and it is started."""
    for name, each in it.service.get("depends_on", {}).items():
        other = it.file["services"].get(name)
        if other is None:
            yield f"depends on {name}, which is no service"
            continue
        if each["condition"] == "service_healthy" and "test" not in other.get("healthcheck", {}):
            yield f"waits for the health of {name}, which has no check"
        if each["condition"] == "service_completed_successfully" and other.get("restart") != "no":
            yield f"waits for the end of {name}, which is started again"
        if not set(other.get("profiles", [])) <= set(it.service.get("profiles", [])):
            yield f"depends on {name}, which is not always started"


def _health(it: Composed) -> Iterator[str]:
    """Whoever stays up is checked, by a page that it has; what comes to an end is not."""
    check = it.service.get("healthcheck", {})
    if it.service.get("restart") == "no":
        if it.dockerfile is not None and not check.get("disable"):
            yield "is asked for a page, by the check of its image, and has none"
        return
    if "test" not in check:
        yield "has no health check"
        return
    if missing := {"interval", "timeout", "retries", "start_period"} - check.keys():
        yield f"health check without {', '.join(sorted(missing))}"
    elif seconds(check["timeout"]) > seconds(check["interval"]):
        yield "health checks overlap"
    if it.dockerfile is not None:
        yield from probe_problems(check["test"][1:])


# --- commands of ours ---------------------------------------------------------------------------------------------


def _ours(it: Composed) -> Iterator[str]:
    """Commands and settings that the program takes."""
    if it.dockerfile is None:
        return
    yield from command_problems([*it.dockerfile.entrypoint[1:], *it.command])
    try:
        settings = it.settings()
    except BadConfiguration as bad:
        yield from bad.problems
        return
    yield from _known_brokers(it, settings)
    if it.is_worker and settings.web_host == LOOPBACK:
        yield f"{PREFIX}WEB_HOST is the container's loopback: nobody else sees its pages"


def _known_brokers(it: Composed, settings: Settings) -> Iterator[str]:
    advertised = {
        f"{host}:{port}"
        for other in composed(it.file, it.root)
        for _, host, port in listeners(other.environment.get("KAFKA_ADVERTISED_LISTENERS", ""))
        if host == other.name
    }
    for server in settings.bootstrap_servers:
        if server not in advertised:
            yield f"{PREFIX}BROKER {server} is advertised by no service"


def _worker(it: Composed) -> Iterator[str]:
    """Time to close, and restarts that end."""
    if not it.is_worker:
        return
    if seconds(it.service.get("stop_grace_period", "10s")) < CLOSING_SECONDS_MAX + STOP_MARGIN_SECONDS:
        yield f"is killed before it may have closed: that takes up to {CLOSING_SECONDS_MAX} s"
    if not re.fullmatch(r"on-failure:[1-9]\d*", it.service.get("restart", "")):
        yield "restarts for ever, or never"
    if not it.service.get("init"):
        yield "is process 1, which hears no signal before its handlers stand"


def _topics(it: Composed) -> Iterator[str]:
    """A partition for each worker at least, no more replicas than brokers."""
    if it.command[:2] != ["topics", "create"]:
        return
    services = composed(it.file, it.root)
    workers = sum(other.is_worker for other in services)
    brokers = sum("KAFKA_NODE_ID" in other.environment for other in services)
    numbers = {name: int(value) for name, value in zip(it.command, it.command[1:], strict=False) if value.isdecimal()}
    if numbers.get("--partitions", 0) < workers:
        yield f"has fewer than {workers} partitions"
    if numbers.get("--replication-factor", 0) > brokers:
        yield f"has more replicas than {brokers} brokers"


# --- Kafka --------------------------------------------------------------------------------------------------------


def _kafka(it: Composed) -> Iterator[str]:
    """The version that the tests run on, its data in a volume, a published port that it tells to clients."""
    if "KAFKA_NODE_ID" not in it.environment:
        return
    tested = re.search(r"<artifactId>kafka_2\.13</artifactId>\s*<version>([\d.]+)<", _pom(it.root))
    if tested is None or not str(it.service["image"]).endswith(f":{tested[1]}"):
        yield f"is not the version that the tests run on, {tested and tested[1]}"
    targets = {mount.split(":")[1] for mount in it.service.get("volumes", [])}
    if it.environment.get("KAFKA_LOG_DIRS") not in targets:
        yield "keeps its data in no volume"
    told = {f"{host}:{port}" for _, host, port in listeners(it.environment["KAFKA_ADVERTISED_LISTENERS"])}
    for port in it.service.get("ports", []):
        if port.rpartition(":")[0] not in told:
            yield f"does not tell clients of {port.rpartition(':')[0]}"


def _pom(root: Path) -> str:
    return (root / "tests/kafka/broker/pom.xml").read_text("utf-8")
