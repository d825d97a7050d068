"""What is made once a machine and kept outside of the checkout: the jars of a broker, the contenders of benchmarks.

A folder appears by a rename, so that it is either complete or absent; a lock lets two runs that race make it once.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def kept(name: str, make: Callable[[Path], Path]) -> Path:
    """The folder of this name, which should say what it is made from. `make` gets an empty folder to work in, and
    answers with the one to keep; what it raises leaves nothing behind.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sla-monitor"
    folder = cache / name
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(dir=cache, prefix=f"{name}.partial-") as scratch:
                make(Path(scratch)).rename(folder)
    return folder
