"""What `deploy/Dockerfile` must hold to, as one list of problems: the project's own files, and what an image may do.

Style and known traps of the language are hadolint's; here is what only this project can know.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from dockerfile_parse import DockerfileParser  # type: ignore[import-untyped]
from packaging.specifiers import SpecifierSet

from sla_monitor.config.settings import Settings
from tests.deploy.program import command_problems, probe_problems, project

BASE = re.compile(r"python:(?P<python>\d+\.\d+\.\d+)-slim-[a-z]+(@sha256:[0-9a-f]{64})?( AS (?P<name>\w+))?")
LOCK = "deploy/requirements.lock"
BUILDS = re.compile(r"\b(pip|apt-get|apt|apk|gcc|make|curl|wget|uv|hatch)\b")
INSTALLS = re.compile(r"pip\b.* install (?P<options>.*)\.(\[(?P<extras>[\w, -]+)\])?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    name: str
    value: str

    @property
    def exec_form(self) -> list[str] | None:
        """The list behind the last CMD; None if it is a line for a shell, which would keep signals to itself."""
        text = self.value.rpartition("CMD ")[2] if self.name == "HEALTHCHECK" else self.value
        try:
            return [str(word) for word in json.loads(text)]
        except ValueError:
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerfile:
    """Its stages, each beginning with its FROM, and the folder that it copies from."""

    context: Path
    stages: tuple[tuple[Instruction, ...], ...]

    @classmethod
    def parse(cls, text: str, context: Path) -> Dockerfile:
        stages: list[list[Instruction]] = []
        for each in DockerfileParser(fileobj=BytesIO(text.encode()), env_replace=False).structure:
            if each["instruction"] == "FROM":
                stages.append([])
            if each["instruction"] != "COMMENT":
                stages[-1].append(Instruction(name=each["instruction"], value=each["value"]))
        return cls(context=context, stages=tuple(map(tuple, stages)))

    def all(self, name: str) -> list[Instruction]:
        return [each for stage in self.stages for each in stage if each.name == name]

    def last(self, name: str) -> Instruction | None:
        """Of the last stage, which is the image."""
        return next((each for each in reversed(self.stages[-1]) if each.name == name), None)

    @property
    def user(self) -> str:
        return user.value if (user := self.last("USER")) else "root"

    @property
    def entrypoint(self) -> list[str]:
        entrypoint = self.last("ENTRYPOINT")
        return (entrypoint and entrypoint.exec_form) or []


def problems(dockerfile: Dockerfile) -> list[str]:
    """Every one."""
    checks = (_base, _last_stage, _installed, _copied, _user, _processes, _page, _labels)
    return [problem for check in checks for problem in check(dockerfile)]


def _base(dockerfile: Dockerfile) -> Iterator[str]:
    """One Python for all stages, pinned to the patch, that the project runs on."""
    found = set()
    for stage in dockerfile.all("FROM"):
        base = BASE.fullmatch(stage.value)
        if base is None:
            yield f"base {stage.value} is not pinned to a version of python:…-slim"
        else:
            found.add(base["python"])
    if len(found) > 1:
        yield f"stages have different Pythons: {', '.join(sorted(found))}"
    wanted = project(dockerfile.context)["requires-python"]
    yield from (f"Python {python} is not {wanted}" for python in found if python not in SpecifierSet(wanted))


def _last_stage(dockerfile: Dockerfile) -> Iterator[str]:
    """Takes what another stage has built."""
    if len(dockerfile.stages) == 1:
        yield "has one stage: what builds is in the image"
    for run in dockerfile.stages[-1]:
        if run.name == "RUN" and (tool := BUILDS.search(run.value)):
            yield f"{tool[0]} runs in the last stage"


def _installed(dockerfile: Dockerfile) -> Iterator[str]:
    """The project itself, from wheels, with extras that it has."""
    installs = [match for run in dockerfile.all("RUN") if (match := INSTALLS.search(run.value))]
    if not installs:
        yield "does not install the project"
    locked = [run for run in dockerfile.all("RUN") if f"--requirement {Path(LOCK).name}" in run.value]
    if not locked or any("--require-hashes" not in run.value for run in locked):
        yield f"installs other dependencies than those of {LOCK}"
    for install in installs:
        if "--no-deps" not in install["options"]:
            yield "installs dependencies that are not locked"
        if "--only-binary :all:" not in install["options"]:
            yield "may compile a dependency"
        asked = {extra.strip() for extra in (install["extras"] or "").split(",")} - {""}
        unknown = asked - project(dockerfile.context)["optional-dependencies"].keys()
        yield from (f"extra {extra} is none of the project's" for extra in sorted(unknown))


def _copied(dockerfile: Dockerfile) -> Iterator[str]:
    """Each source is in the repository and let in by .dockerignore, and all that the build needs is among them."""
    if dockerfile.all("ADD"):
        yield "ADD also fetches and unpacks: COPY says what it does"
    ignore = (dockerfile.context / ".dockerignore").read_text("utf-8").split()
    names = {base["name"] for stage in dockerfile.all("FROM") if (base := BASE.fullmatch(stage.value))}
    sources = set()
    for copy in dockerfile.all("COPY"):
        *words, _ = shlex.split(copy.value)
        options = [word for word in words if word.startswith("--")]
        if stages := [option.removeprefix("--from=") for option in options if option.startswith("--from=")]:
            yield from (f"copies from {stage}, which is no stage" for stage in stages if stage not in names)
            continue
        sources |= {word for word in words if word not in options}
    for source in sorted(sources):
        if not (dockerfile.context / source).exists():
            yield f"copies {source}, which is not in the repository"
        elif "*" in ignore and f"!{source}" not in ignore:
            yield f"copies {source}, which .dockerignore keeps out"
    needed = {LOCK, "pyproject.toml", project(dockerfile.context)["readme"], "src"}
    yield from (f"builds without {each}" for each in sorted(needed - sources))


def _user(dockerfile: Dockerfile) -> Iterator[str]:
    """By number: an orchestrator that forbids root cannot look up a name."""
    user, _, _ = dockerfile.user.partition(":")
    if not user.isdecimal() or int(user) == 0:
        yield f"user {dockerfile.user} is not a number above 0"


def _processes(dockerfile: Dockerfile) -> Iterator[str]:
    """In the exec form, and the program knows them."""
    for name in ("ENTRYPOINT", "CMD", "HEALTHCHECK"):
        instruction = dockerfile.last(name)
        if instruction is None or instruction.exec_form is None:
            yield f"{name} is not a list of words: a shell would stand before the program"
            return
    program, *arguments = dockerfile.entrypoint
    if program not in project(dockerfile.context)["scripts"]:
        yield f"runs {program}, which the project does not install"
    if (command := dockerfile.last("CMD")) and command.exec_form:
        yield from command_problems([*arguments, *command.exec_form])
    if (check := dockerfile.last("HEALTHCHECK")) and check.exec_form:
        yield from probe_problems(check.exec_form)
    if not any("PYTHONUNBUFFERED=1" in each.value for each in dockerfile.stages[-1] if each.name == "ENV"):
        yield "the last lines of a process that is killed are lost: PYTHONUNBUFFERED is not set"


def _page(dockerfile: Dockerfile) -> Iterator[str]:
    port = str(Settings.model_fields["web_port"].default)
    if (exposed := dockerfile.last("EXPOSE")) is None or exposed.value != port:
        yield f"does not expose {port}, where the worker's pages are"


def _labels(dockerfile: Dockerfile) -> Iterator[str]:
    """What the image says of itself is what the project says."""
    text = " ".join(each.value for each in dockerfile.stages[-1] if each.name == "LABEL")
    labels = dict(word.split("=", 1) for word in shlex.split(text))
    said = project(dockerfile.context)
    wanted = {"title": "name", "description": "description", "version": "version", "licenses": "license"}
    for label, field in wanted.items():
        if labels.get(f"org.opencontainers.image.{label}") != said[field]:
            yield f"label {label} is not the project's {field}"
