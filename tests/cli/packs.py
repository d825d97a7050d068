"""The example of a hosting provider on calendars of a test's own, with the closures that the documentation shows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "docs/examples"


def hosting(folder: Path, calendars: str) -> Path:
    """Where the pack is; `calendars`: the entries of its section."""
    text = (EXAMPLES / "hosting.yaml").read_text("utf-8")
    made, found = re.subn(r"(?ms)^calendars:.*?(?=^\w)", lambda _: f"calendars:\n{calendars}\n", text)
    assert found == 1
    shutil.copy(EXAMPLES / "closures.ics", folder)
    (folder / "pack.yaml").write_text(made, "utf-8")
    return folder / "pack.yaml"
