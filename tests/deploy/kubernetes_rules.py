"""What `deploy/kubernetes` must hold to, as one list of problems: the schemas of Kubernetes, and the code.

`problems(files, root, folder)` takes the parsed files, so that tests can spoil copies of them and see each mistake
found; `folder` is for what secrets hold.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from sla_monitor.config.settings import PREFIX, Settings
from sla_monitor.engine.app import CLOSING_SECONDS_MAX
from sla_monitor.errors import BadConfiguration
from tests.deploy.compose_rules import LOOPBACK, PINNED, STOP_MARGIN_SECONDS
from tests.deploy.dockerfile_rules import Dockerfile
from tests.deploy.manifests import FIELDS, KUSTOMIZATION, Cluster, Manifest, Pod, selects
from tests.deploy.program import command_problems, pages, project

VERSIONS = ("1.32", "1.37")  # of Kubernetes: the oldest that we speak to and the newest of the schemas
BY_HAND = {"secrets.example.yaml", "topics.yaml"}  # applied before the rest, or never
SCALERS = {"HorizontalPodAutoscaler", "VerticalPodAutoscaler", "ScaledObject"}
JOB = "sla-monitor"  # as the rules of Prometheus expect it
DNS = {("UDP", 53), ("TCP", 53)}
STARTING_SECONDS_MIN = 60
OTHERS = 0o007

Files = Mapping[str, list[Manifest]]


def _closed(required: str, **properties: Any) -> dict[str, Any]:
    """An object of these fields and no others."""
    return {
        "type": "object",
        "required": required.split(),
        "properties": properties,
        "additionalProperties": False,
    }


TEXT = {"type": "string", "minLength": 1}
LABELS = {"type": "object", "additionalProperties": TEXT}
DURATION = {"type": "string", "pattern": r"^[1-9]\d*(ms|s|m|h)$"}
POD_MONITOR = _closed(
    "apiVersion kind metadata spec",
    apiVersion={"const": "monitoring.coreos.com/v1"},
    kind={"const": "PodMonitor"},
    metadata=_closed("name", name=TEXT, namespace=TEXT, labels=LABELS),
    spec=_closed(
        "selector podMetricsEndpoints",
        jobLabel=TEXT,
        selector=_closed("matchLabels", matchLabels=LABELS),
        podMetricsEndpoints={
            "type": "array",
            "minItems": 1,
            "items": _closed(
                "port",
                port=TEXT,
                path=TEXT,
                interval=DURATION,
                scrapeTimeout=DURATION,
                relabelings={
                    "type": "array",
                    "items": _closed("", sourceLabels={"type": "array", "items": TEXT}, targetLabel=TEXT),
                },
            ),
        },
    ),
)


def problems(files: Files, root: Path, folder: Path) -> list[str]:
    """Every one, each with the name of its object. What a schema refuses is told alone: the rest reads shapes."""
    return list(against_the_schemas(files)) or [*_kustomization(files), *_objects(files, root, folder)]


# --- schemas ------------------------------------------------------------------------------------------------------


def against_the_schemas(files: Files) -> Iterator[str]:
    for each in Cluster.of(files).objects:
        name = f"{each.get('kind')} {each.get('metadata', {}).get('name')}"
        if each.get("apiVersion", "").startswith("monitoring.coreos.com/"):
            yield from (f"{name}: {problem}" for problem in _of_the_operator(each))
        else:
            yield from (f"{name}: {problem}" for problem in _of_kubernetes(json.dumps(each)))


@cache
def _of_kubernetes(manifest: str) -> tuple[str, ...]:
    """As text, so that what a test did not spoil is read against the large schemas once."""
    found = json.loads(manifest)
    refused = []
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(found, version, strict=True)
        except kubernetes_validate.ValidationError as wrong:
            refused.append(f"{'.'.join(map(str, wrong.path))}: {wrong.message} ({version})")
        except kubernetes_validate.SchemaNotFoundError:
            refused.append(f"Kubernetes {version} has no {found.get('apiVersion')} {found.get('kind')}")
    return tuple(refused)


def _of_the_operator(manifest: Manifest) -> Iterator[str]:
    """Of its fields those that are used here, so that a misspelt one is found without the operator's own definition."""
    for error in Draft202012Validator(POD_MONITOR).iter_errors(manifest):
        yield f"{'.'.join(map(str, error.absolute_path))}: {error.message}"


# --- all of them together -----------------------------------------------------------------------------------------


def _kustomization(files: Files) -> Iterator[str]:
    """Every file is applied, but those that are applied by hand."""
    [kustomization] = files[KUSTOMIZATION]
    listed = set(kustomization["resources"])
    there = files.keys() - {KUSTOMIZATION} - BY_HAND
    yield from (f"{name} is not in {KUSTOMIZATION}" for name in sorted(there - listed))
    yield from (f"{name} is in {KUSTOMIZATION} and not to be applied with the rest" for name in sorted(listed - there))


def _objects(files: Files, root: Path, folder: Path) -> Iterator[str]:
    cluster = Cluster.of(files)
    yield from _namespaces(cluster)
    image = Dockerfile.parse((root / "deploy/Dockerfile").read_text("utf-8"), root)
    checks: tuple[Callable[[Pod], Iterator[str]], ...] = (
        lambda it: _image(it, root, image),
        _confined,
        _volumes,
        lambda it: _settings(it, folder),
        lambda it: command_problems([*image.entrypoint[1:], *it.container.get("args", [])]),
        _references,
        _worker,
        _topics,
    )
    for it in cluster.pods():
        for check in checks:
            yield from (f"{it.name}: {problem}" for problem in check(it))
    yield from (
        f"{each['kind']}: might leave no worker, and deadlines pass without traffic"
        for each in cluster.objects
        if each["kind"] in SCALERS
    )


def _namespaces(cluster: Cluster) -> Iterator[str]:
    """All in one, which refuses pods that ask for too much."""
    [namespace] = cluster.kind("Namespace")
    if namespace["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce") != "restricted":
        yield "the namespace takes pods that may do more than they need"
    for each in cluster.objects:
        if each is not namespace and each["metadata"].get("namespace") != namespace["metadata"]["name"]:
            yield f"{each['kind']} {each['metadata']['name']} is in another namespace"


# --- any pod ------------------------------------------------------------------------------------------------------


def _image(it: Pod, root: Path, image: Dockerfile) -> Iterator[str]:
    """Ours, of the project's version; the user that the image has."""
    pinned = PINNED.fullmatch(it.container["image"])
    if pinned is None or pinned["version"] != project(root)["version"]:
        yield f"image {it.container['image']} is not of version {project(root)['version']}"
    context = it.spec.get("securityContext", {})
    if f"{context.get('runAsUser')}:{context.get('runAsGroup')}" != image.user:
        yield f"runs as another user than the image's, {image.user}"


def _confined(it: Pod) -> Iterator[str]:
    """What a container that breaks, or is broken into, can do."""
    pod, own = it.spec.get("securityContext", {}), it.container.get("securityContext", {})
    allowed = {
        "may run as root": pod.get("runAsNonRoot") is not True,
        "may call all of the kernel": pod.get("seccompProfile") != {"type": "RuntimeDefault"},
        "may write into its image": own.get("readOnlyRootFilesystem") is not True,
        "may gain privileges": own.get("allowPrivilegeEscalation") is not False,
        "has capabilities": own.get("capabilities") != {"drop": ["ALL"]},
        "has a token of Kubernetes": it.spec.get("automountServiceAccountToken") is not False,
        "has settings that Kubernetes makes of services": it.spec.get("enableServiceLinks") is not False,
    }
    yield from (what for what, may in allowed.items() if may)
    yield from (f"shares {name} with the node" for name in ("hostNetwork", "hostPID", "hostIPC") if it.spec.get(name))
    yield from _resources(**it.container.get("resources", {}))


def _resources(requests: Manifest, limits: Manifest) -> Iterator[str]:
    for name in ("memory", "ephemeral-storage"):
        if not requests.get(name) or requests.get(name) != limits.get(name):
            yield f"{name} is not requested as it is limited"
    if "cpu" not in requests or "cpu" in limits:
        yield "processors are to be requested and not limited: whoever is throttled is late"


def _volumes(it: Pod) -> Iterator[str]:
    """Each is mounted, read-only unless it is for what is temporary, and has a size; secrets are not for others."""
    mounted = {each["name"]: each for each in it.mounts}
    yield from (f"volume {name} is not mounted" for name in it.volumes.keys() - mounted.keys())
    for name, mount in mounted.items():
        volume = it.volumes.get(name)
        if volume is None:
            yield f"volume {name} is not declared"
        elif "emptyDir" in volume:
            if "sizeLimit" not in volume["emptyDir"]:
                yield f"volume {name} has no size"
        elif not mount.get("readOnly"):
            yield f"may write to {mount['mountPath']}"
        elif not volume.keys() & {"secret", "configMap"}:
            yield f"volume {name} keeps something: workers keep nothing"
        if "subPath" in mount:
            yield f"{mount['mountPath']} would never change in a running pod"
        if volume and volume.get("secret", {}).get("defaultMode", 0o644) & OTHERS and "secret" in volume:
            yield f"every user may read {mount['mountPath']}"


def _references(it: Pod) -> Iterator[str]:
    """What it names is there."""
    named = [("ServiceAccount", it.spec.get("serviceAccountName", "default"))]
    named += [("ConfigMap", each["configMapRef"]["name"]) for each in it.container.get("envFrom", [])]
    named += [("Secret", each["secret"]["secretName"]) for each in it.volumes.values() if "secret" in each]
    yield from (f"there is no {kind} {name}" for kind, name in named if it.cluster.one(kind, name) is None)


def _settings(it: Pod, folder: Path) -> Iterator[str]:
    """Valid, with the files that secrets give; no value is a secret itself."""
    try:
        settings = it.settings(folder)
    except BadConfiguration as bad:
        yield from bad.problems
        return
    paths = {mount["mountPath"] for mount in it.mounts}
    if settings.policy is not None and not any(str(settings.policy).startswith(path) for path in paths):
        yield f"{PREFIX}POLICY {settings.policy} is in no volume"
    if not settings.security_protocol.startswith("SASL_"):
        yield f"{PREFIX}SECURITY_PROTOCOL {settings.security_protocol}: nobody asks who it is"
    yield from _reaches_kafka(it, settings)
    if it.is_worker:
        yield from _is_seen(it, settings)


def _policies(it: Pod, direction: str) -> list[Manifest]:
    """The rules of the policies that hold for this pod."""
    found = [each for each in it.cluster.kind("NetworkPolicy") if selects(each["spec"]["podSelector"], it.labels)]
    return [
        rule
        for each in found
        if direction.capitalize() in each["spec"]["policyTypes"]
        for rule in each["spec"].get(direction, [])
    ]


def _ports(rules: list[Manifest]) -> set[tuple[str, int]]:
    return {(each.get("protocol", "TCP"), each["port"]) for rule in rules for each in rule.get("ports", [])}


def _reaches_kafka(it: Pod, settings: Settings) -> Iterator[str]:
    """The ports of the brokers, of names and for workers of each other, and no others; to somebody in particular."""
    rules = _policies(it, "egress")
    needed = DNS | {("TCP", int(server.rpartition(":")[2])) for server in settings.bootstrap_servers}
    if it.is_worker:
        needed |= {("TCP", settings.web_port)}
    if _ports(rules) != needed:
        yield f"may reach ports {sorted(_ports(rules))} and needs {sorted(needed)}"
    if any(not rule.get("to") or not rule.get("ports") for rule in rules):
        yield "may reach everybody"


def _is_seen(it: Pod, settings: Settings) -> Iterator[str]:
    """Its pages: listened to, declared, let through and scraped."""
    ports = {each["name"]: each["containerPort"] for each in it.container.get("ports", [])}
    if settings.web_host == LOOPBACK:
        yield f"{PREFIX}WEB_HOST is the pod's loopback: nobody sees its pages"
    if settings.web_port not in ports.values():
        yield f"does not declare its port {settings.web_port}"
    rules = _policies(it, "ingress")
    if _ports(rules) != {("TCP", settings.web_port)}:
        yield f"is reached at {sorted(_ports(rules))} and listens at {settings.web_port}"
    if any(not rule.get("from") for rule in rules):
        yield "is reached by everybody"
    yield from _answers_for_others(it, settings)
    monitors = [each["spec"] for each in it.cluster.kind("PodMonitor") if selects(each["spec"]["selector"], it.labels)]
    if not monitors:
        yield "is scraped by nobody"
    for monitor in monitors:
        if it.labels.get(monitor.get("jobLabel", "")) != JOB:
            yield f"its job is not called {JOB}, as the rules expect"
        for endpoint in monitor["podMetricsEndpoints"]:
            if endpoint.get("port") not in ports or endpoint.get("path") not in pages():
                yield f"is scraped at {endpoint.get('port')} {endpoint.get('path')}, where nothing is"


def _answers_for_others(it: Pod, settings: Settings) -> Iterator[str]:
    """The board of one shows the cases of all: it asks the others, by the pod's address and with their token."""
    if settings.web_token_file is None:
        yield "its board shows nothing without a token"
    if settings.web_advertised_url != f"http://{FIELDS['status.podIP']}:{settings.web_port}":
        yield f"others do not reach it at {settings.web_advertised_url}"
    for direction, who in (("ingress", "from"), ("egress", "to")):
        others = [
            each.get("podSelector", {}).get("matchLabels")
            for rule in _policies(it, direction)
            if ("TCP", settings.web_port) in _ports([rule])
            for each in rule.get(who, [])
            if "namespaceSelector" not in each
        ]
        if not any(labels and selects({"matchLabels": labels}, it.labels) for labels in others):
            yield f"the policy for {direction} keeps workers apart"


# --- the worker ---------------------------------------------------------------------------------------------------


def _worker(it: Pod) -> Iterator[str]:
    if it.is_worker:
        yield from (*_stays(it), *_probes(it), *_budget(it))


def _stays(it: Pod) -> Iterator[str]:
    """Never none, one at a time, with time to close."""
    spec = it.owner["spec"]
    if it.owner["kind"] != "Deployment":
        yield f"is a {it.owner['kind']}, though it keeps nothing and has no name"
        return
    if spec.get("replicas", 1) < 2:
        yield "nobody is left when one ends"
    rolling = spec.get("strategy", {}).get("rollingUpdate", {})
    if rolling.get("maxUnavailable") != 0 or rolling.get("maxSurge") != 1:
        yield "is not replaced one at a time, the new one first"
    session_timeout = Settings.model_fields["session_timeout_seconds"].default
    if spec.get("minReadySeconds", 0) <= session_timeout:
        yield f"the next one is replaced within the session time-out of {session_timeout} s"
    if it.spec.get("terminationGracePeriodSeconds", 30) < CLOSING_SECONDS_MAX + STOP_MARGIN_SECONDS:
        yield f"is killed before it may have closed: that takes up to {CLOSING_SECONDS_MAX} s"
    if not selects(spec["selector"], it.labels):
        yield "does not know its own pods"


def _probes(it: Pod) -> Iterator[str]:
    """Alive is not ready; and the worker's own watchdog is to be the first who ends it, with a reason."""
    ports = {each["name"] for each in it.container.get("ports", [])}
    wanted = {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    for name, page in wanted.items():
        probe = it.container.get(name, {})
        asked = probe.get("httpGet", {})
        if asked.get("path") != page or page not in pages() or asked.get("port") not in ports:
            yield f"{name} asks for {asked.get('path')} at {asked.get('port')}, not for {page}"
        elif probe.get("timeoutSeconds", 1) > probe.get("periodSeconds", 10):
            yield f"{name} asks again before the answer"
    patience = {name: _patience(it.container.get(name, {})) for name in wanted}
    if patience["startupProbe"] < STARTING_SECONDS_MIN:
        yield f"is killed while it starts, after {patience['startupProbe']} s"
    if patience["livenessProbe"] <= Settings.model_fields["session_timeout_seconds"].default:
        yield "is killed before its watchdog says why"


def _patience(probe: Manifest) -> float:
    return float(probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3))


def _budget(it: Pod) -> Iterator[str]:
    found = [
        each["spec"] for each in it.cluster.kind("PodDisruptionBudget") if selects(each["spec"]["selector"], it.labels)
    ]
    if [each.get("maxUnavailable") for each in found] != [1]:
        yield "nodes are not drained of one worker at a time"
    if any(each.get("unhealthyPodEvictionPolicy") == "AlwaysAllow" for each in found):
        yield "all of them may be evicted during a rebalance"


def _topics(it: Pod) -> Iterator[str]:
    """The workers' settings, a partition for each worker and the one that joins before another leaves."""
    arguments = it.container.get("args", [])
    if arguments[:2] != ["topics", "create"]:
        return
    workers = [each for each in it.cluster.pods() if each.is_worker]
    numbers = {name: int(value) for name, value in pairwise(arguments) if value.isdecimal()}
    needed = sum(each.owner["spec"].get("replicas", 1) for each in workers) + 1
    if numbers.get("--partitions", 0) < needed:
        yield f"has fewer than {needed} partitions"
    if numbers.get("--replication-factor", 3) < 3:
        yield "has fewer than three replicas"
    if any({**each.environment, **it.environment} != each.environment for each in workers):
        yield "has other settings than the workers"
