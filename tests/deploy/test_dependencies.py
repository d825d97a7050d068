"""What the product is made of: locked with hashes, under licences that ask for nothing; what an audit says of it."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.deploy.program import project

ROOT = Path(__file__).parent.parent.parent
LOCK = (ROOT / "deploy/requirements.lock").read_text("utf-8")
LOCKED: dict[str, tuple[str, int]] = {
    canonicalize_name(name): (version, hashes.count("--hash=sha256:"))
    for name, version, hashes in re.findall(r"^([\w.-]+)==([\w.]+)((?:.*\\\n)+.*)$", LOCK, re.MULTILINE)
}
ASKED = [Requirement(each) for each in project(ROOT)["dependencies"]]
# Permissive, or weak copyleft that holds for the package's own files alone.
LICENCES = re.compile(
    r"Apache|MIT|BSD|ISC|PSF|Python Software Foundation|CC0|Zlib|MPL-2\.0|Mozilla Public License 2\.0|Unlicense|0BSD|"
    r"LGPL-3\.0|Lesser General Public License v3"
)
VERDICT = runpy.run_path(str(ROOT / "scripts/audit_verdict.py"))["verdict"]


def needed(requirements: list[Requirement], known: set[str]) -> Iterator[str]:
    """Names of all packages that these lead to on this machine."""
    for each in requirements:
        name = canonicalize_name(each.name)
        if name in known or (each.marker and not any(each.marker.evaluate({"extra": e}) for e in (*each.extras, ""))):
            continue
        known.add(name)
        yield name
        yield from needed([Requirement(text) for text in distribution(name).requires or ()], known)


NEEDED = sorted(needed(ASKED, set()))


def test_what_is_asked_for_is_locked_in_a_version_that_fits() -> None:
    """The lock is not older than a change of pyproject.toml."""
    for each in ASKED:
        version, _ = LOCKED[canonicalize_name(each.name)]
        assert each.specifier.contains(version), each


@pytest.mark.parametrize("name", NEEDED)
def test_a_package_is_locked_and_its_licence_asks_for_nothing(name: str) -> None:
    """Each one that is imported here, with a hash for each of its files."""
    _, hashes = LOCKED[name]
    assert hashes > 0
    about = distribution(name).metadata
    licences = [text for field in ("License-Expression", "License") for text in about.get_all(field, [])]
    licences += [text for text in about.get_all("Classifier", []) if text.startswith("License")]
    assert any(LICENCES.search(text) for text in licences), licences


def test_nothing_is_locked_that_is_not_needed() -> None:
    """Or only elsewhere: what this machine does not need has a marker, or is not installed here."""
    extra = LOCKED.keys() - set(NEEDED)
    assert [name for name in sorted(extra) if not elsewhere(name)] == []


def elsewhere(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return True
    return bool(re.search(rf"^{re.escape(name)}==[\w.]+ ;", LOCK, re.MULTILINE | re.IGNORECASE))


def package(name: str, *known: str, **fields: Any) -> dict[str, Any]:
    vulnerabilities = [{"id": each, "aliases": ["CVE-1"], "fix_versions": ["2.0"]} for each in known]
    return {"name": name, "version": "1.0", "vulns": vulnerabilities} | fields


UNASKED = {"name": "b", "skip_reason": "not found on PyPI"}


@pytest.mark.parametrize(
    ("packages", "code", "line"),
    [
        ([package("a")], 0, "nothing is known of 1 packages"),
        ([package("a"), package("b", "PYSEC-1")], 1, "b 1.0: PYSEC-1, CVE-1; mended in 2.0"),
        ([package("a", "PYSEC-1"), UNASKED], 1, "b: not found on PyPI"),
        ([package("a"), UNASKED], 2, "1 of 2 packages were asked about"),
        ([], 2, "0 of 0 packages were asked about"),
    ],
    ids=["clean", "vulnerable", "both", "unasked", "empty"],
)
def test_an_audit_is_clean_only_if_everything_was_asked(packages: list[Any], code: int, line: str) -> None:
    """pip-audit itself ends with 0 when it could ask about nothing."""
    ended, lines = VERDICT(json.dumps({"dependencies": packages}))
    assert ended == code
    assert line in lines


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "<html>"])
def test_no_answer_is_not_a_clean_one(text: str) -> None:
    """No network, or a proxy that answers itself."""
    assert VERDICT(text)[0] == 2
