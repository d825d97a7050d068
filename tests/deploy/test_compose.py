"""`docker-compose.yml` without a Docker engine: it is a Compose file, and fits the code it starts."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from sla_monitor.engine.app import CLOSING_SECONDS_MAX
from tests.deploy.compose_rules import against_the_schema, problems
from tests.deploy.composed import read_yaml, seconds

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "docker-compose.yml"
MEMORY = {"128m": "128 MiB", "256m": "256 MiB", "512m": "512 MiB", "1g": "1 GiB", "1536m": "1.5 GiB"}


SERVICES = sorted(read_yaml(FILE)["services"])


@pytest.fixture(scope="module")
def file() -> Any:
    return read_yaml(FILE)


@pytest.fixture(scope="module")
def found(file: Any) -> list[str]:
    return problems(file, ROOT)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_right(found: list[str], name: str) -> None:
    """Nothing to find, by the code."""
    assert [problem for problem in found if problem.startswith(f"{name}:")] == []


def test_the_file_is_right(found: list[str]) -> None:
    """Nothing to find, by the specification or in what services have in common."""
    assert [problem for problem in found if problem.partition(":")[0] not in SERVICES] == []


def test_what_the_deployment_is(file: Any) -> None:
    """Kafka, its topics, two workers and what watches them; traffic only when asked for."""
    asked_for = {name for name, service in file["services"].items() if service.get("profiles") == ["traffic"]}
    watching = {"prometheus", "alertmanager", "grafana"}
    assert file["services"].keys() - asked_for == {"kafka", "topics", "worker-1", "worker-2"} | watching
    assert asked_for == {"traffic"}


def test_the_page_says_what_comes_up_where(file: Any) -> None:
    """Each service of the file has its row, with the ports that are published and the memory it may have."""
    page = (ROOT / "docs/deployment.md").read_text("utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \|.*\| ([\d, ]*)\| ([\d.]+ [GM]iB) \|$", page, re.MULTILINE)
    shown = {name: (ports.strip(), memory) for name, ports, memory in rows}
    assert shown == {
        name: (", ".join(port.split(":")[1] for port in it.get("ports", [])), MEMORY[it["mem_limit"]])
        for name, it in file["services"].items()
    }
    readme = (ROOT / "README.md").read_text("utf-8")
    assert all(port.split(":")[1] in readme for it in file["services"].values() for port in it.get("ports", []))


def test_the_page_says_how_workers_end(file: Any) -> None:
    """With the numbers of the code and of the file."""
    page = (ROOT / "docs/deployment.md").read_text("utf-8")
    for name in ("worker-1", "worker-2"):
        it = file["services"][name]
        assert f"within {CLOSING_SECONDS_MAX:.0f} seconds" in page
        assert f"kills after {seconds(it['stop_grace_period']):.0f} seconds" in page
        assert f"{it['restart'].removeprefix('on-failure:')} for the life of a container" in page


def test_the_page_s_own_file_can_be_put_on_top(file: Any) -> None:
    """The override it shows is a Compose file, and with it the workers' settings are valid and alike."""
    page = (ROOT / "docs/deployment.md").read_text("utf-8")
    [shown] = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    override = YAML(typ="safe").load(shown)
    assert list(against_the_schema(override)) == []
    merged = copy.deepcopy(file)
    for name, changes in override["services"].items():
        service(name, environment=changes["environment"])(merged)
    assert [problem for problem in problems(merged, ROOT) if not problem.startswith("traffic:")] == []


def worker(**changes: Any) -> Callable[[Any], None]:
    return service("worker-1", **changes)


def service(name: str, **changes: Any) -> Callable[[Any], None]:
    """A change of one service: `None` removes a key, a mapping changes a mapping, else the value is set."""

    def change(file: Any) -> None:
        it = file["services"][name]
        for key, value in changes.items():
            if value is None:
                del it[key]
            elif isinstance(value, dict):
                it[key] = {k: v for k, v in {**it.get(key, {}), **value}.items() if v is not None}
            else:
                it[key] = value

    return change


def without_volume(name: str) -> Callable[[Any], None]:
    return lambda file: file["volumes"].pop(name)


MISTAKES = {
    # against the specification
    "a key that is none": (worker(restarts="no"), "'restarts' was unexpected"),
    "a wrong type": (worker(read_only=["yes"]), "services.worker-1.read_only"),
    "a condition that is none": (worker(depends_on={"kafka": {"condition": "ready"}}), "services.worker-1.depends_on"),
    # against the settings
    "a setting that is none": (worker(environment={"SLA_BROKERS": "kafka:19092"}), "did you mean SLA_BROKER?"),
    "a value that is none": (worker(environment={"SLA_LOG_FORMAT": "xml"}), "worker-1: SLA_LOG_FORMAT"),
    "a broker nobody has": (worker(environment={"SLA_BROKER": "kafka:29092"}), "advertised by no service"),
    "the broker of the machine": (worker(environment={"SLA_BROKER": "127.0.0.1:9092"}), "advertised by no service"),
    "pages nobody can see": (worker(environment={"SLA_WEB_HOST": "127.0.0.1"}), "container's loopback"),
    "workers that differ": (worker(environment={"SLA_SETTLE_SECONDS": "5"}), "the workers have different settings"),
    # against the ports
    "a port where nobody listens": (worker(ports=["127.0.0.1:6066:8080"]), "leads to none of [6066]"),
    "another port in the settings": (worker(environment={"SLA_WEB_PORT": "6060"}), "leads to none of [6060]"),
    "a port for everybody": (worker(ports=["6066:6066"]), "is not published on 127.0.0.1 alone"),
    "a port twice": (worker(ports=["127.0.0.1:9090:6066"]), "127.0.0.1:9090 is published twice"),
    "a port that Kafka does not tell": (service("kafka", ports=["127.0.0.1:9094:9092"]), "does not tell clients of"),
    "a port where Prometheus is not": (service("prometheus", ports=["127.0.0.1:9090:9091"]), "none of [9090]"),
    # against the commands
    "a command that is none": (service("topics", command=["topic", "create"]), "No such command 'topic'"),
    "an option that is none": (worker(command=["run", "--fast"]), "No such option"),
    "a value of a wrong type": (
        service("topics", command=["topics", "create", "--partitions", "six"]),
        "Invalid value for '--partitions'",
    ),
    "a word too many": (worker(command=["run", "now"]), "unexpected extra argument"),
    "fewer partitions than workers": (
        service("topics", command=["topics", "create", "--partitions", "1"]),
        "fewer than 2 partitions",
    ),
    "more replicas than brokers": (
        service("topics", command=["topics", "create", "--partitions", "6", "--replication-factor", "3"]),
        "more replicas than 1 brokers",
    ),
    # against the repository
    "a file that is not there": (
        service("prometheus", volumes=["./deploy/prom:/etc/prometheus:ro", "prometheus-data:/prometheus"]),
        "./deploy/prom is not in the repository",
    ),
    "a folder of the machine": (
        service("prometheus", volumes=["./../..:/etc/prometheus:ro", "prometheus-data:/prometheus"]),
        "is not in the repository",
    ),
    "a file it may write to": (
        service("prometheus", volumes=["./deploy/prometheus:/etc/prometheus", "prometheus-data:/prometheus"]),
        "may write to ./deploy/prometheus",
    ),
    "a volume nobody declares": (without_volume("kafka-data"), "volume kafka-data is not declared"),
    "a volume nobody uses": (service("prometheus", volumes=None), "volume prometheus-data is not used"),
    # versions
    "no tag": (service("kafka", image="apache/kafka"), "is not pinned"),
    "the latest": (service("prometheus", image="prom/prometheus:latest"), "is not pinned"),
    "a tag that moves": (service("prometheus", image="prom/prometheus:v3"), "is not pinned"),
    "another Kafka than the tests'": (service("kafka", image="apache/kafka:4.2.0"), "the tests run on, 4.3.1"),
    "an image of another version": (worker(image="sla-monitor:0.0.9"), "is not of version 0.1.0"),
    # what a container may do
    "privileged": (worker(privileged=True), "may gain privileges"),
    "without the bar to privileges": (worker(security_opt=None), "may gain privileges"),
    "a capability": (worker(cap_add=["NET_ADMIN"]), "has capabilities"),
    "all capabilities": (service("kafka", cap_drop=None), "has capabilities"),
    "root": (service("kafka", user="0:0"), "runs as root"),
    "the user of an image we do not know": (service("prometheus", user=None), "runs as root"),
    "an image it may write to": (worker(read_only=False), "may write into its image"),
    "the machine's network": (worker(network_mode="host"), "shares network_mode"),
    "memory without end": (worker(mem_limit=None), "has no mem_limit"),
    "a log without end": (worker(logging=None), "its log grows without end"),
    "a tmpfs without end": (worker(tmpfs=["/tmp"]), "has no size"),  # noqa: S108 - of the container
    # life and death
    "killed while it closes": (worker(stop_grace_period="8s"), "is killed before it may have closed"),
    "killed after the engine's own ten seconds": (worker(stop_grace_period=None, init=None), "is process 1"),
    "restarts for ever": (worker(restart="always"), "restarts for ever, or never"),
    "restarts on failure for ever": (worker(restart="on-failure"), "restarts for ever, or never"),
    "never restarted": (worker(restart="no"), "restarts for ever, or never"),
    "not checked": (worker(healthcheck=None), "has no health check"),
    "checked by a program it has not": (
        worker(healthcheck={"test": ["CMD", "curl", "http://127.0.0.1:6066/readyz"]}),
        "is not that of sla_monitor.observe.probe",
    ),
    "checked by a page it has not": (
        worker(healthcheck={"test": ["CMD", "python", "-m", "sla_monitor.observe.probe", "/ready"]}),
        "asks for /ready, which is none of",
    ),
    "checked again before the answer": (worker(healthcheck={"timeout": "1m"}), "health checks overlap"),
    "checked without patience": (worker(healthcheck={"start_period": None}), "health check without start_period"),
    "a command that is asked for a page": (service("topics", healthcheck=None), "and has none"),
    "waits for nobody": (worker(depends_on={"redis": {"condition": "service_started"}}), "which is no service"),
    "waits for what is not checked": (service("kafka", healthcheck=None), "which has no check"),
    "waits for the end of what does not end": (service("topics", restart="always"), "which is started again"),
    "waits for what is not started": (
        worker(depends_on={"traffic": {"condition": "service_started"}}),
        "which is not always started",
    ),
    "data that a container takes along": (
        service("kafka", environment={"KAFKA_LOG_DIRS": "/tmp/data"}),  # noqa: S108 - of the container
        "keeps its data in no volume",
    ),
}


@pytest.mark.parametrize(("change", "found"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_found(file: Any, change: Callable[[Any], Any], found: str) -> None:
    """One change of the right file, and what is said about it."""
    spoiled = copy.deepcopy(file)
    change(spoiled)
    assert any(found in problem for problem in problems(spoiled, ROOT)), problems(spoiled, ROOT)


def test_durations_are_read_as_compose_writes_them() -> None:
    """And nothing else is taken for one."""
    assert [seconds(text) for text in ("15s", "1m30s", "2h", "500ms")] == [15, 90, 7200, 0.5]
    with pytest.raises(AssertionError):
        seconds("15")
