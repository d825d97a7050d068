"""docs/cli.md is the command line as it is."""

from __future__ import annotations

from pathlib import Path

from tests.cli.page import page

ROOT = Path(__file__).parents[2]


def test_the_page_is_made_from_the_commands() -> None:
    """`python -m tests.cli.page > docs/cli.md` makes it anew."""
    assert (ROOT / "docs/cli.md").read_text("utf-8") == page()
