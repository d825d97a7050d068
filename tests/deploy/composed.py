"""A Compose file as the checks see it: each service with its settings, its command and its image's recipe."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from ruamel.yaml import YAML

from sla_monitor.config.settings import Settings, load
from tests.deploy.dockerfile_rules import Dockerfile

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def read_yaml(path: Path) -> Any:
    """A YAML file as plain values, merge keys resolved."""
    return YAML(typ="safe").load(path.read_text("utf-8"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A service with its name, the whole file, and the folder of the repository."""

    name: str
    service: Mapping[str, Any]
    file: Mapping[str, Any]
    root: Path

    @property
    def dockerfile(self) -> Dockerfile | None:
        """Of a service that is built here."""
        build = self.service.get("build")
        if build is None:
            return None
        context = self.root / build["context"]
        return Dockerfile.parse((context / build["dockerfile"]).read_text("utf-8"), context)

    @property
    def environment(self) -> dict[str, str]:
        return {name: str(value) for name, value in self.service.get("environment", {}).items()}

    @property
    def command(self) -> list[str]:
        return list(self.service.get("command", []))

    @property
    def is_worker(self) -> bool:
        return self.dockerfile is not None and self.command[:1] == ["run"]

    def settings(self) -> Settings:
        """As a process with this environment reads them. BadConfiguration lists what is wrong."""
        with mock.patch.dict(os.environ, self.environment, clear=True):
            return load()


def composed(file: Mapping[str, Any], root: Path) -> list[Composed]:
    return [Composed(name=name, service=it, file=file, root=root) for name, it in file["services"].items()]


def listeners(text: str) -> list[tuple[str, str, int]]:
    """(name, host, port) of each listener as Kafka writes them."""
    found = [re.fullmatch(r"(\w+)://([^:/]*):(\d+)", each) for each in text.split(",") if each]
    return [(match[1], match[2], int(match[3])) for match in found if match]


def seconds(duration: str) -> float:
    """A duration as the Compose Specification writes it: 15s, 1m30s."""
    parts = re.findall(r"(\d+)(ms|s|m|h)", duration)
    assert "".join(map("".join, parts)) == duration, duration
    return sum(int(count) * UNITS[unit] for count, unit in parts)
