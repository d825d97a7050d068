"""The operator's handbook says what the code does: every setting with what it takes, every command with its options.

`python -m tests.test_handbook` prints the table of settings for the page.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from sla_monitor.config.settings import NAMES, Settings, describe
from tests.deploy.program import command_problems
from tests.pages import ROOT, fences

HANDBOOK = ROOT / "docs/handbook.md"
WORDS = {"number": "a number", "integer": "a whole number", "string": "text"}
FORMS = {"file-path": "a file", "path": "a file or folder", "date-time": "an instant"}


def settings_table() -> Iterator[str]:
    """What each takes, as its schema says, in the order of the code."""
    properties = Settings.model_json_schema()["properties"]
    yield "| setting | takes | default | what it does |"
    yield "|---|---|---|---|"
    for name, default, meaning in describe():
        shown = f"`{default}`" if default else "none"
        yield f"| `{name}` | {takes(properties[NAMES[name]])} | {shown} | {meaning} |"


def takes(schema: dict[str, Any]) -> str:
    """In words, with the bounds that a value must keep."""
    [schema] = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    words = FORMS.get(schema.get("format", ""), WORDS[schema["type"]])
    bounds = [
        f"{said} {schema[name]:,.10g}"
        for name, said in (
            ("minimum", "from"),
            ("exclusiveMinimum", "above"),
            ("maximum", "to"),
            ("exclusiveMaximum", "below"),
        )
        if name in schema
    ]
    return " ".join([words, *bounds])


def commands() -> list[str]:
    """Every `sla-monitor …` of the shell blocks, without variables before and comments behind."""
    lines = [line for body in fences(HANDBOOK, "sh") for line in body.splitlines()]
    found = [re.search(r"(?<![\w/-])sla-monitor [^#|&;]*", line) for line in lines]
    return [each.group().strip() for each in found if each]


def test_every_setting_is_in_the_handbook_with_what_it_takes() -> None:
    """The table is the one that the code gives."""
    assert "\n".join(settings_table()) in HANDBOOK.read_text("utf-8")


@pytest.mark.parametrize("command", sorted(set(commands())))
def test_a_command_of_the_handbook_is_one(command: str) -> None:
    """It parses, options included."""
    assert list(command_problems(shlex.split(command)[1:])) == []


def test_the_handbook_has_what_an_operator_looks_for() -> None:
    """One heading for each of these tasks."""
    headings = re.findall(r"^## (.*)$", HANDBOOK.read_text("utf-8"), re.MULTILINE)
    for task in (
        "Install",
        "Size",
        "Upgrade",
        "Back up and restore",
        "Change the number of partitions",
        "Rotate secrets",
        "Audit the dependencies",
        "Settings",
    ):
        assert task in headings


if __name__ == "__main__":
    print("\n".join(settings_table()))
