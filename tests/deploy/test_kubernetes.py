"""`deploy/kubernetes` without a cluster: the manifests are what Kubernetes takes, and fit the code they start."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sla_monitor.engine.app import CLOSING_SECONDS_MAX
from tests.deploy.composed import read_yaml
from tests.deploy.kubernetes_rules import BY_HAND, problems
from tests.deploy.manifests import KUSTOMIZATION, Manifest, read_all

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "deploy/kubernetes"
PAGE = ROOT / "docs/kubernetes.md"
YES, NO = True, False
MEBIBYTES = {"Mi": 1, "m": 1, "Gi": 1024, "g": 1024}

Files = dict[str, list[Manifest]]
Change = Callable[[Files], object]


@pytest.fixture(scope="module")
def files() -> Files:
    return read_all(FOLDER)


def test_the_files_are_right(files: Files, tmp_path: Path) -> None:
    """Nothing to find, by the schemas or by the code."""
    assert problems(files, ROOT, tmp_path) == []


def test_a_worker_gets_the_memory_that_it_gets_in_compose(files: Files) -> None:
    """For a million open cases, in both."""
    [worker] = files["worker.yaml"]
    here = worker["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"]
    there = read_yaml(ROOT / "docker-compose.yml")["services"]["worker-1"]["mem_limit"]
    assert mebibytes(here) == mebibytes(there)


def mebibytes(text: str) -> int:
    found = re.fullmatch(r"(\d+)(\w+)", text)
    assert found
    return int(found[1]) * MEBIBYTES[found[2]]


def test_the_page_speaks_of_every_file_and_of_their_numbers(files: Files) -> None:
    """Each file has its row; deadlines are those of the files and of the code."""
    page = PAGE.read_text("utf-8")
    rows = re.findall(r"^\| `([\w.-]+\.yaml)` \|", page, re.MULTILINE)
    assert sorted(rows) == sorted(files.keys() - {KUSTOMIZATION})
    [worker] = files["worker.yaml"]
    pod = worker["spec"]["template"]["spec"]
    assert f"closes within {CLOSING_SECONDS_MAX:.0f} seconds" in page
    assert f"killed after {pod['terminationGracePeriodSeconds']}" in page
    assert f"ready for {worker['spec']['minReadySeconds']} seconds" in page
    assert all(f"`{name}`" in page for name in BY_HAND)


def changed(name: str, path: str, value: Any, *, number: int = 0) -> Change:
    """Sets what is at this path (numbers count in lists); None removes it."""

    def change(files: Files) -> None:
        *way, last = [int(step) if step.isdigit() else step for step in path.split("/")]
        at: Any = files[name][number]
        for step in way:
            at = at[step] if isinstance(step, int) or step in at else at.setdefault(step, {})
        if value is None:
            del at[last]
        else:
            at[last] = value

    return change


def worker(path: str, value: Any) -> Change:
    return changed("worker.yaml", path, value)


def pod(path: str, value: Any) -> Change:
    return changed("worker.yaml", f"spec/template/spec/{path}", value)


def container(path: str, value: Any) -> Change:
    return pod(f"containers/0/{path}", value)


def topics(path: str, value: Any) -> Change:
    return changed("topics.yaml", f"spec/template/spec/{path}", value)


def setting(name: str, value: str | None) -> Change:
    return changed("settings.yaml", f"data/{name}", value)


def another(manifest: Manifest) -> Change:
    return lambda files: files["worker.yaml"].append(manifest)


SCALER = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "sla-monitor", "namespace": "sla-monitor"},
    "spec": {
        "maxReplicas": 3,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "sla-monitor"},
    },
}
MONITOR, POLICY, BUDGET = "pod-monitor.yaml", "network-policy.yaml", "disruption-budget.yaml"
MISTAKES: dict[str, tuple[Change, str]] = {
    # against the schemas
    "a field that is none": (worker("spec/replica", 2), "'replica' was unexpected"),
    "a wrong type": (container("readinessProbe/periodSeconds", "5s"), "readinessProbe"),
    "a kind that is gone": (worker("apiVersion", "apps/v1beta1"), "has no apps/v1beta1 Deployment"),
    "a field that the operator does not know": (changed(MONITOR, "spec/joblabel", "x"), "'joblabel' was unexpected"),
    "a monitor of nothing": (changed(MONITOR, "spec/selector", None), "'selector' is a required property"),
    # together
    "a file that is not applied": (
        changed(KUSTOMIZATION, "resources", ["namespace.yaml"]),
        f"worker.yaml is not in {KUSTOMIZATION}",
    ),
    "the example of secrets is applied": (
        lambda files: files[KUSTOMIZATION][0]["resources"].append("secrets.example.yaml"),
        "secrets.example.yaml is in",
    ),
    "another namespace": (changed(POLICY, "metadata/namespace", "default"), "is in another namespace"),
    "a namespace that takes anything": (
        changed("namespace.yaml", "metadata/labels", {}),
        "may do more than they need",
    ),
    # against the settings
    "a setting that is none": (setting("SLA_BROKERS", "kafka:9093"), "did you mean SLA_BROKER?"),
    "a value that is none": (setting("SLA_LOG_FORMAT", "xml"), "SLA_LOG_FORMAT"),
    "a file of no secret": (setting("SLA_SSL_CAFILE", "/secrets/tls.crt"), "SLA_SSL_CAFILE: there is no such file"),
    "a folder of no volume": (setting("SLA_POLICY", "/policies"), "SLA_POLICY /policies is in no volume"),
    "nobody is asked who it is": (
        lambda files: (
            [
                setting(name, None)(files)
                for name in ("SLA_SASL_MECHANISM", "SLA_SASL_USERNAME", "SLA_SASL_PASSWORD_FILE", "SLA_SSL_CAFILE")
            ]
            + [setting("SLA_SECURITY_PROTOCOL", "PLAINTEXT")(files)]
        ),
        "nobody asks who it is",
    ),
    "pages nobody can see": (setting("SLA_WEB_HOST", "127.0.0.1"), "is the pod's loopback"),
    # against the ports and pages
    "another port in the settings": (setting("SLA_WEB_PORT", "6060"), "does not declare its port 6060"),
    "another port in the pod": (container("ports/0/containerPort", 8080), "does not declare its port 6066"),
    "a port that is not let through": (
        changed(POLICY, "spec/ingress/0/ports/0/port", 8080),
        "is reached at [('TCP', 6066), ('TCP', 8080)] and listens at 6066",
    ),
    "reached by everybody": (changed(POLICY, "spec/ingress/0/from", None), "is reached by everybody"),
    "no token": (setting("SLA_WEB_TOKEN_FILE", None), "its board shows nothing"),
    "no address": (container("env", []), "others do not reach it at None"),
    "another port in its address": (
        container("env/1/value", "http://$(POD_IP):6060"),
        "others do not reach it at http://10.0.0.7:6060",
    ),
    "an address of nobody": (container("env/0/name", "IP"), "others do not reach it at http://$(POD_IP):6066"),
    "workers that do not answer each other": (
        lambda files: files[POLICY][1]["spec"]["ingress"].pop(),
        "the policy for ingress keeps workers apart",
    ),
    "workers that ask nobody": (
        lambda files: files[POLICY][1]["spec"]["egress"].pop(),
        "the policy for egress keeps workers apart",
    ),
    "a broker that is not let through": (changed(POLICY, "spec/egress/0/ports/0/port", 9092), "and needs"),
    "no names": (
        lambda files: files[POLICY][0]["spec"]["egress"].pop(),
        "and needs [('TCP', 53), ('TCP', 9093), ('UDP', 53)]",
    ),
    "may reach everybody": (changed(POLICY, "spec/egress/0/to", None), "may reach everybody"),
    "not held by the policy": (
        changed(POLICY, "spec/podSelector/matchLabels", {"app": "worker"}),
        "may reach ports []",
    ),
    "scraped where nothing is": (changed(MONITOR, "spec/podMetricsEndpoints/0/path", "/metric"), "where nothing is"),
    "scraped at no port": (changed(MONITOR, "spec/podMetricsEndpoints/0/port", "http"), "where nothing is"),
    "scraped by nobody": (
        changed(MONITOR, "spec/selector/matchLabels", {"app.kubernetes.io/name": "sla"}),
        "is scraped by nobody",
    ),
    "another job than the rules'": (changed(MONITOR, "spec/jobLabel", None), "its job is not called sla-monitor"),
    # against the commands
    "a command that is none": (topics("containers/0/args", ["topic", "create"]), "No such command 'topic'"),
    "an option that is none": (container("args", ["run", "--fast"]), "No such option"),
    "fewer partitions than workers": (
        topics("containers/0/args", ["topics", "create", "--partitions", "2"]),
        "fewer than 3 partitions",
    ),
    "one replica": (
        topics("containers/0/args", ["topics", "create", "--partitions", "12", "--replication-factor", "1"]),
        "fewer than three replicas",
    ),
    "topics of another deployment": (
        topics("containers/0/env", [{"name": "SLA_TOPIC_PREFIX", "value": "other."}]),
        "other settings than the workers",
    ),
    # against the image
    "an image of another version": (container("image", "sla-monitor:0.0.9"), "is not of version 0.1.0"),
    "an image without a version": (container("image", "sla-monitor"), "is not of version 0.1.0"),
    "another user": (pod("securityContext/runAsUser", 1000), "another user than the image's"),
    # what a container may do
    "root": (pod("securityContext/runAsNonRoot", NO), "may run as root"),
    "all of the kernel": (pod("securityContext/seccompProfile", None), "may call all of the kernel"),
    "an image it may write to": (
        container("securityContext/readOnlyRootFilesystem", NO),
        "may write into its image",
    ),
    "privileges": (container("securityContext/allowPrivilegeEscalation", None), "may gain privileges"),
    "a capability": (container("securityContext/capabilities/add", ["NET_ADMIN"]), "has capabilities"),
    "a token": (pod("automountServiceAccountToken", None), "has a token"),
    "variables of services": (pod("enableServiceLinks", None), "settings that Kubernetes makes"),
    "the node's network": (pod("hostNetwork", YES), "shares hostNetwork"),
    "memory without end": (container("resources/limits/memory", None), "memory is not requested as it is limited"),
    "memory that is not there": (container("resources/requests/memory", "64Mi"), "memory is not requested as it"),
    "throttled": (container("resources/limits/cpu", "1"), "whoever is throttled is late"),
    # volumes
    "secrets for everybody": (pod("volumes/0/secret/defaultMode", 0o444), "every user may read /secrets"),
    "secrets that it may write to": (container("volumeMounts/0/readOnly", None), "may write to /secrets"),
    "secrets nobody makes": (pod("volumes/0/secret/secretName", "other"), "there is no Secret other"),
    "packs that never change": (container("volumeMounts/1/subPath", "pack.yaml"), "would never change"),
    "a volume nobody declares": (container("volumeMounts/2/name", "temp"), "volume temp is not declared"),
    "a volume nobody mounts": (container("volumeMounts/2", None), "volume tmp is not mounted"),
    "a tmp without end": (pod("volumes/2/emptyDir", {}), "volume tmp has no size"),
    "a disk": (
        lambda files: (pod("volumes/1", {"name": "packs", "persistentVolumeClaim": {"claimName": "x"}})(files),),
        "workers keep nothing",
    ),
    "settings nobody makes": (container("envFrom/0/configMapRef/name", "other"), "there is no ConfigMap other"),
    "an account nobody makes": (pod("serviceAccountName", "other"), "there is no ServiceAccount other"),
    # life and death
    "a scaler": (another(SCALER), "might leave no worker"),
    "none": (worker("spec/replicas", 0), "nobody is left"),
    "one": (worker("spec/replicas", None), "nobody is left"),
    "all at once": (worker("spec/strategy", {"type": "Recreate"}), "is not replaced one at a time"),
    "an old one ends first": (worker("spec/strategy/rollingUpdate/maxUnavailable", 1), "is not replaced one at a time"),
    "in haste": (worker("spec/minReadySeconds", None), "within the session time-out"),
    "killed while it closes": (pod("terminationGracePeriodSeconds", 8), "is killed before it may have closed"),
    "pods that it does not know": (
        worker("spec/selector/matchLabels", {"app.kubernetes.io/name": "other"}),
        "does not know its own pods",
    ),
    "killed while it restores": (container("livenessProbe/httpGet/path", "/readyz"), "livenessProbe asks for /readyz"),
    "ready before it is": (container("readinessProbe/httpGet/path", "/healthz"), "readinessProbe asks for /healthz"),
    "a page it has not": (container("startupProbe/httpGet/path", "/health"), "startupProbe asks for /health "),
    "a port it has not": (container("startupProbe/httpGet/port", "http"), "startupProbe asks for /healthz at http"),
    "asked again before the answer": (container("livenessProbe/timeoutSeconds", 30), "asks again before the answer"),
    "killed while it starts": (container("startupProbe/failureThreshold", 3), "is killed while it starts"),
    "killed before its watchdog": (container("livenessProbe/failureThreshold", 1), "before its watchdog says why"),
    "nodes that cannot be drained": (changed(BUDGET, "spec/maxUnavailable", 0), "not drained of one worker at a time"),
    "a budget of nobody": (changed(BUDGET, "spec/selector/matchLabels", {"app": "x"}), "not drained of one worker"),
    "all evicted at once": (
        changed(BUDGET, "spec/unhealthyPodEvictionPolicy", "AlwaysAllow"),
        "may be evicted during a rebalance",
    ),
}


@pytest.mark.parametrize(("change", "found"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_found(files: Files, tmp_path: Path, change: Change, found: str) -> None:
    """One change of the right files, and what is said about it."""
    spoiled = copy.deepcopy(files)
    change(spoiled)
    assert any(found in problem for problem in problems(spoiled, ROOT, tmp_path)), problems(spoiled, ROOT, tmp_path)
