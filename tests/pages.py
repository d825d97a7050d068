"""The pages of the documentation and their fenced blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
PAGES: Final = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def fences(page: Path, *languages: str) -> Iterator[str]:
    """The bodies of the blocks of these languages."""
    yield from (body for language, body in _FENCE.findall(page.read_text("utf-8")) if language in languages)


def blocks() -> Iterator[tuple[str, str, str]]:
    """(page, language, body) of all of them."""
    for page in PAGES:
        for language, body in _FENCE.findall(page.read_text("utf-8")):
            yield str(page.relative_to(ROOT)), language, body


def commands_of(block: str) -> list[str]:
    """The lines of a shell block as they are typed, without the comments behind them."""
    lines = (re.split(r"\s+#\s", line)[0].strip() for line in block.replace("\\\n", " ").splitlines())
    return [line for line in lines if line]
