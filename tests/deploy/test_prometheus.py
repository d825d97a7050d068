"""`deploy/prometheus/prometheus.yml` scrapes the workers that `docker-compose.yml` starts, where they answer."""

from __future__ import annotations

import copy
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.composed import composed, read_yaml, seconds
from tests.deploy.fixtures import Monitoring
from tests.deploy.program import pages

ROOT = Path(__file__).parent.parent.parent
COMPOSE = read_yaml(ROOT / "docker-compose.yml")
SERVICES = composed(COMPOSE, ROOT)
FOLDER = ROOT / "deploy/prometheus"
FILE = read_yaml(FOLDER / "prometheus.yml")

GLOBAL = {"scrape_interval", "scrape_timeout", "evaluation_interval"}
JOB = {"job_name", "metrics_path", "static_configs", "relabel_configs"}
RELABEL = {"source_labels", "regex", "target_label", "replacement"}


def problems(file: Mapping[str, Any]) -> Iterator[str]:
    """Keys that Prometheus would refuse, among those used here, and targets that are not the workers."""
    known = {"global", "rule_files", "alerting", "scrape_configs"}
    yield from (f"{key} is no key" for key in sorted(file.keys() - known))
    yield from (f"{key} is no global key" for key in sorted(file["global"].keys() - GLOBAL))
    if seconds(file["global"]["scrape_timeout"]) > seconds(file["global"]["scrape_interval"]):
        yield "a scrape may last longer than its interval"
    jobs = {job["job_name"]: job for job in file["scrape_configs"]}
    for name, job in jobs.items():
        yield from (f"{name}: {key} is no key of a job" for key in sorted(job.keys() - JOB))
        for rule in job.get("relabel_configs", []):
            yield from (f"{name}: {key} is no key of a relabelling" for key in sorted(rule.keys() - RELABEL))
    if not all(list(FOLDER.glob(pattern)) for pattern in file.get("rule_files", [""])):
        yield "there are no rules of that name"
    told = {
        target
        for each in file["alerting"]["alertmanagers"]
        for it in each["static_configs"]
        for target in it["targets"]
    }
    services = {f"{it.name}:{str(port).rpartition(':')[2]}" for it in SERVICES for port in it.service.get("ports", [])}
    yield from (f"tells {target}, which is no service" for target in sorted(told - services))
    job = jobs.get("sla-monitor", {})
    if job.get("metrics_path", "/metrics") not in pages():
        yield f"{job['metrics_path']} is no page of a worker"
    scraped = sorted(target for each in job.get("static_configs", []) for target in each["targets"])
    workers = sorted(f"{it.name}:{it.settings().web_port}" for it in composed(COMPOSE, ROOT) if it.is_worker)
    if scraped != workers:
        yield f"scrapes {scraped}, the workers are {workers}"


def test_the_file_is_right() -> None:
    """Both workers, nothing else under their name."""
    assert list(problems(FILE)) == []


def test_prometheus_reads_this_file() -> None:
    """Its folder is mounted where the command line says that the file is."""
    [service] = [it.service for it in composed(COMPOSE, ROOT) if it.name == "prometheus"]
    [config] = [option.partition("=")[2] for option in service["command"] if option.startswith("--config.file=")]
    mounts = dict(mount.split(":")[:2][::-1] for mount in service["volumes"])
    inside = Path(config)
    assert (ROOT / mounts[str(inside.parent)] / inside.name).resolve() == ROOT / "deploy/prometheus/prometheus.yml"
    [data] = [option.partition("=")[2] for option in service["command"] if option.startswith("--storage.tsdb.path=")]
    assert not mounts[data].startswith(".")


def target(address: str) -> Callable[[Any], None]:
    return lambda file: file["scrape_configs"][0]["static_configs"][0].update(targets=["worker-1:6066", address])


MISTAKES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "another port": (target("worker-2:8080"), "the workers are"),
    "the port of the machine": (target("worker-2:6067"), "the workers are"),
    "another name": (target("worker2:6066"), "the workers are"),
    "no job": (lambda file: file["scrape_configs"].pop(0), "scrapes []"),
    "a page that is none": (lambda file: file["scrape_configs"][0].update(metrics_path="/metric"), "is no page"),
    "rules that are not there": (lambda file: file.update(rule_files=["rule/*.yaml"]), "no rules of that name"),
    "nobody to tell": (
        lambda file: file["alerting"]["alertmanagers"][0]["static_configs"][0].update(targets=["alertmanager:9090"]),
        "tells alertmanager:9090",
    ),
    "a key that is none": (lambda file: file["scrape_configs"][0].update(static_config=[]), "static_config is no key"),
    "a section that is none": (lambda file: file.update(scrape_config=[]), "scrape_config is no key"),
    "a scrape too long": (lambda file: file["global"].update(scrape_timeout="1m"), "longer than its interval"),
}


@pytest.mark.parametrize(("change", "found"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_found(change: Callable[[Any], Any], found: str) -> None:
    """One change of the right file, and what is said about it."""
    spoiled = copy.deepcopy(FILE)
    change(spoiled)
    said = list(problems(spoiled))
    assert any(found in problem for problem in said), said


def test_prometheus_takes_the_file(monitoring: Monitoring) -> None:
    """`promtool check config`, with the rules that it names."""
    command = [monitoring.promtool, "check", "config", str(FOLDER / "prometheus.yml")]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "4 rule files found" in checked.stdout
