"""`deploy/Dockerfile` without a Docker engine: a linter reads it, and it fits the project it installs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.dockerfile_rules import Dockerfile, problems

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "deploy/Dockerfile"
TEXT = FILE.read_text("utf-8")
BASE = "python:3.11.15-slim-trixie"


def test_the_file_is_right() -> None:
    """Nothing to find, by the project's own rules."""
    assert problems(Dockerfile.parse(TEXT, ROOT)) == []


MISTAKES = {
    "a base that moves": (BASE, "python:3.11-slim", "is not pinned"),
    "another base": (BASE, "debian:13.1-slim", "is not pinned"),
    "a Python too old": (BASE, "python:3.10.19-slim-trixie", "Python 3.10.19 is not >=3.11"),
    "two Pythons": (f"{BASE} AS", "python:3.12.12-slim-trixie AS", "stages have different Pythons"),
    "one stage": (f"FROM {BASE}\nLABEL", "LABEL", "has one stage"),
    "tools in the image": ("RUN groupadd", "RUN apt-get install gcc && groupadd", "apt-get runs in the last stage"),
    "nothing installed": ("--no-deps .\n", "--no-deps faust\n", "does not install the project"),
    "what must be compiled": (" --only-binary :all:", "", "may compile a dependency"),
    "an extra that is none": ("--no-deps .\n", "--no-deps .[nothing]\n", "extra nothing is none of the project's"),
    "what is not locked": (" --no-deps", "", "installs dependencies that are not locked"),
    "what is locked without hashes": ("--require-hashes ", "", "other dependencies than those of"),
    "no lock": ("--requirement requirements.lock", "--requirement other", "other dependencies than those of"),
    "a lock that is not copied": ("COPY deploy/requirements.lock ./\n", "", "builds without deploy/requirements.lock"),
    "a file that is not there": ("COPY src", "COPY sources", "copies sources, which is not in the repository"),
    "a file that is kept out": ("COPY src", "COPY docs", "copies docs, which .dockerignore keeps out"),
    "a file too few": ("pyproject.toml README.md", "pyproject.toml", "builds without README.md"),
    "a stage that is none": ("--from=build", "--from=builder", "copies from builder, which is no stage"),
    "what is fetched": ("COPY src", "ADD src", "ADD also fetches"),
    "root": ("USER 10001:10001", "USER root", "user root is not a number above 0"),
    "root by number": ("USER 10001:10001", "USER 0", "user 0 is not a number above 0"),
    "a user by name": ("USER 10001:10001", "USER sla-monitor", "is not a number above 0"),
    "no user": ("USER 10001:10001\n", "", "user root is not a number above 0"),
    "a shell before the program": ('ENTRYPOINT ["sla-monitor"]', "ENTRYPOINT sla-monitor", "ENTRYPOINT is not a list"),
    "a shell before the command": ('CMD ["run"]', "CMD run", "CMD is not a list"),
    "a program that is none": ('["sla-monitor"]', '["sla-monitord"]', "runs sla-monitord, which"),
    "a command that is none": ('CMD ["run"]', 'CMD ["start"]', "No such command 'start'"),
    "not checked": ("HEALTHCHECK", "STOPSIGNAL SIGTERM\n#", "HEALTHCHECK is not a list"),
    "checked by a page it has not": ("/healthz", "/health", "asks for /health, which is none of"),
    "checked by what it has not": ('"python", "-m", "sla_monitor.observe.probe"', '"curl"', "health check curl"),
    "another port": ("EXPOSE 6066", "EXPOSE 8080", "does not expose 6066"),
    "last words lost": ("PYTHONUNBUFFERED=1", "PYTHONHASHSEED=1", "PYTHONUNBUFFERED is not set"),
    "another version": ('version="0.1.0"', 'version="0.2.0"', "label version is not the project's version"),
    "another licence": ('licenses="Apache-2.0"', 'licenses="MIT"', "label licenses is not the project's license"),
}


@pytest.mark.parametrize(("right", "wrong", "found"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_found(right: str, wrong: str, found: str) -> None:
    """One change of the right file, and what is said about it."""
    spoiled = TEXT.replace(right, wrong)
    assert spoiled != TEXT
    said = problems(Dockerfile.parse(spoiled, ROOT))
    assert any(found in problem for problem in said), said


@pytest.mark.skipif(sys.platform == "win32", reason="hadolint is no wheel there")
@pytest.mark.parametrize(
    ("spoil", "rules"),
    [
        pytest.param(("", ""), set(), id="as it is"),
        pytest.param((BASE, "python"), {"DL3006"}, id="no tag"),
        pytest.param(("USER 10001:10001", "USER 0"), {"DL3002"}, id="root"),
        pytest.param(('ENTRYPOINT ["sla-monitor"]', "ENTRYPOINT sla-monitor"), {"DL3025"}, id="a shell"),
        pytest.param((" --no-cache-dir", ""), {"DL3042"}, id="a cache in the image"),
    ],
)
def test_the_linter_has_nothing_to_say(spoil: tuple[str, str], rules: set[str]) -> None:
    """hadolint, with all of its rules; and it does speak when there is something."""
    hadolint = Path(sys.executable).with_name("hadolint")
    said = subprocess.run(
        [hadolint, "--no-color", "-"], input=TEXT.replace(*spoil), capture_output=True, text=True, check=False
    )
    assert {word for word in said.stdout.split() if word.startswith(("DL", "SC"))} == rules, said.stdout + said.stderr
    assert said.returncode == (1 if rules else 0)
