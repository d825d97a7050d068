"""Making the lock of a pack's calendars, and comparing it with what packages and files say today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sla_monitor.config.closures import Closures
from sla_monitor.config.holiday_dates import Kind
from sla_monitor.config.lock import Drift, Lock, differences, lock_beside, read_lock, resolved
from sla_monitor.config.pack_calendars import closures_of, kinds_of
from sla_monitor.config.packs import BUILT_IN, country_table, pack_files, refuse_if_wrong, validated
from sla_monitor.config.yaml_lines import read_yaml


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """What the calendars of all versions of a pack are made from, besides their hours."""

    kinds: frozenset[Kind]
    closures: Sequence[Closures]

    def resolved(self, first_year: int, last_year: int) -> Lock:
        """As the installed packages, and the files as they are, have it."""
        return resolved(self.kinds, self.closures, country_table(), first_year, last_year)


def needed_by(path: Path | None) -> Needed:
    """What a pack needs: a file, a folder of versions, or None for the built-in one. BadConfiguration as on loading."""
    documents = [read_yaml(file) for file in pack_files(path)]
    packs = [(document, pack) for document in documents if (pack := validated(document))]
    closures = {name: each for document, pack in packs for name, each in closures_of(document, pack).items()}
    refuse_if_wrong(documents)
    kinds = frozenset(kind for _, pack in packs for kind in kinds_of(pack))
    return Needed(kinds=kinds, closures=[closures[name] for name in sorted(closures)])


def lock_of(path: Path | None) -> Path:
    """Where the lock of a pack lies, whether or not there is one."""
    return lock_beside(path or BUILT_IN)


def drift(path: Path | None) -> list[Drift]:
    """Where the lock of a pack differs from what would be resolved today, for the years it has.

    Empty: nothing does. A pack without a lock is one difference. BadConfiguration if pack or lock cannot be read.
    """
    lock = read_lock(lock_of(path))
    if lock is None:
        return [Drift(where=f"{lock_of(path)} is missing: holidays are those of the installed package")]
    return differences(lock, needed_by(path).resolved(lock.first_year, lock.last_year))
