"""The built-in plan for a demo: the same rules, with every duration shortened. Opening hours and holidays stay real.

A pack like any other: the worker reads it through SLA_POLICY and knows nothing of a demo.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from sla_monitor.config.pack_model import NO_LIMIT, ONE_DAY, duration
from sla_monitor.config.packs import BUILT_IN
from sla_monitor.config.yaml_lines import Value, read_yaml
from sla_monitor.core.facts import HOUR, SECOND

DURATIONS: Final = {"target", "limit"}  # fields of a pack that say how long
ORDINARY_DAY: Final = 8 * HOUR  # of SP-HRS-1; elsewhere `one_day` is a little more


def write_shortened(folder: Path, speed: float) -> Path:
    """The file, in this folder. A second is the least that a pack can say."""
    content = read_yaml(BUILT_IN / "default.yaml").content
    if not isinstance(content, dict):
        raise TypeError("the built-in pack is no mapping")
    pack = content | {"name": f"{content['name']}-x{speed:g}"}
    file = folder / "policy.yaml"
    file.write_text(json.dumps(_shortened(pack, speed), indent=1), encoding="utf-8")  # JSON is YAML too
    return file


def _shortened(value: Value, speed: float) -> Value:
    match value:
        case dict():
            return {
                name: _duration(inner, speed) if name in DURATIONS else _shortened(inner, speed)
                for name, inner in value.items()
            }
        case list():
            return [_shortened(each, speed) for each in value]
        case _:
            return value


def _duration(written: Value, speed: float) -> str:
    if written == NO_LIMIT:
        return NO_LIMIT
    length = ORDINARY_DAY if written == ONE_DAY else duration(written)
    return f"{max(1, round(length / SECOND / speed))}s"
