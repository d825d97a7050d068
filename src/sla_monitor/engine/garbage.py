"""How often Python looks for objects that only hold each other: cases make hardly any, so seldom is enough."""

from __future__ import annotations

import gc

OBJECTS_BETWEEN_COLLECTIONS = 50_000  # x ~200 B = 10 MB; 700, the default, costs a sixth more time an event


def collect_seldom() -> None:
    """For the whole process. What is loaded by now stays and is not looked at again."""
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)
