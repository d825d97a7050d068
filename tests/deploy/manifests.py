"""Kubernetes manifests as the checks see them: objects by kind, and pods with their settings, commands and mounts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from ruamel.yaml import YAML

from sla_monitor.config.settings import Settings, load

Manifest = dict[str, Any]
KUSTOMIZATION = "kustomization.yaml"
FIELDS = {"status.podIP": "10.0.0.7"}  # what Kubernetes fills in for a pod, by an example


def read_all(folder: Path) -> dict[str, list[Manifest]]:
    """The documents of each file, by its name."""
    yaml = YAML(typ="safe")
    return {path.name: list(yaml.load_all(path.read_text("utf-8"))) for path in sorted(folder.glob("*.yaml"))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """All objects of a folder."""

    objects: Sequence[Manifest]

    @classmethod
    def of(cls, files: Mapping[str, list[Manifest]]) -> Cluster:
        return cls(objects=[each for name, documents in files.items() if name != KUSTOMIZATION for each in documents])

    def kind(self, kind: str) -> list[Manifest]:
        return [each for each in self.objects if each["kind"] == kind]

    def one(self, kind: str, name: str) -> Manifest | None:
        return next((each for each in self.kind(kind) if each["metadata"]["name"] == name), None)

    def pods(self) -> Iterator[Pod]:
        for each in (*self.kind("Deployment"), *self.kind("StatefulSet"), *self.kind("Job")):
            yield Pod(owner=each, cluster=self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """What a Deployment or a Job makes pods from. Each has one container."""

    owner: Manifest
    cluster: Cluster

    @property
    def name(self) -> str:
        return str(self.owner["metadata"]["name"])

    @property
    def labels(self) -> Mapping[str, str]:
        return dict(self.owner["spec"]["template"]["metadata"]["labels"])

    @property
    def spec(self) -> Manifest:
        return dict(self.owner["spec"]["template"]["spec"])

    @property
    def container(self) -> Manifest:
        [container] = self.spec["containers"]
        return dict(container)

    @property
    def is_worker(self) -> bool:
        return list(self.container.get("args", []))[:1] == ["run"]

    @property
    def environment(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for each in self.container.get("envFrom", []):
            settings = self.cluster.one("ConfigMap", each["configMapRef"]["name"])
            found |= settings["data"] if settings else {}
        for each in self.container.get("env", []):
            value = each["value"] if "value" in each else FIELDS[each["valueFrom"]["fieldRef"]["fieldPath"]]
            found[each["name"]] = re.sub(r"\$\((\w+)\)", lambda named: found.get(named[1], named[0]), value)
        return found

    @property
    def volumes(self) -> dict[str, Manifest]:
        return {each["name"]: each for each in self.spec.get("volumes", [])}

    @property
    def mounts(self) -> list[Manifest]:
        return list(self.container.get("volumeMounts", []))

    def files(self) -> dict[str, str]:
        """Path and content of each file that a secret puts into the container."""
        found: dict[str, str] = {}
        for mount in self.mounts:
            name = self.volumes.get(mount["name"], {}).get("secret", {}).get("secretName", "")
            secret = self.cluster.one("Secret", name) or {}
            found |= {f"{mount['mountPath']}/{key}": text for key, text in secret.get("stringData", {}).items()}
        return found

    def settings(self, folder: Path) -> Settings:
        """As the process reads them; its files are put into this folder. BadConfiguration lists what is wrong."""
        environment = self.environment
        for path, text in self.files().items():
            there = folder / path.lstrip("/")
            there.parent.mkdir(parents=True, exist_ok=True)
            there.write_text(text, "utf-8")
            environment = {name: str(there) if value == path else value for name, value in environment.items()}
        with mock.patch.dict(os.environ, environment, clear=True):
            return load()


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a selector of labels takes these."""
    return set(selector.get("matchLabels", {}).items()) <= set(labels.items())
