"""Another policy while the worker runs: read, held against the one at work, then taken as a whole; or nothing changes.

A reload only adds versions for cases that are opened from some instant to come. What cases were decided by stays: a
version that is gone or has another content would leave state that nobody can explain.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from sla_monitor.core.facts import SECOND
from sla_monitor.core.policy import Packs
from sla_monitor.core.times import iso
from sla_monitor.errors import RefuseToStart

READ_SECONDS_MAX = 30.0  # a pack takes a second or two; a disk that does not answer must not block all later tries

_log = structlog.get_logger("sla_monitor.reload")


class Reloading:
    """`load` reads what the settings name, `take` puts it to work, `told` is called with the outcome of each try.

    `ahead`: how far in the future an event may be, microseconds. `wall` in seconds.
    """

    def __init__(
        self,
        packs: Packs,
        *,
        load: Callable[[], Packs],
        take: Callable[[Packs], None],
        told: Callable[[list[str]], None],
        wall: Callable[[], float],
        ahead: int,
    ) -> None:
        self._packs, self._load, self._take, self._told = packs, load, take, told
        self._wall, self._ahead = wall, ahead
        self._one_at_a_time = asyncio.Lock()

    async def reload(self) -> list[str]:
        """Why nothing has changed, one line each; empty when the packs as they are now are at work."""
        async with self._one_at_a_time:
            problems = await self._reload()
            self._told(problems)
        for problem in problems:
            _log.error("policy not reloaded", problem=problem)
        if not problems:
            _log.info("policy reloaded", versions=[version.key for version in self._packs.versions])
        return problems

    async def _reload(self) -> list[str]:
        try:
            async with asyncio.timeout(READ_SECONDS_MAX):
                found = await asyncio.to_thread(self._load)
        except RefuseToStart as refusal:
            return refusal.problems
        except TimeoutError:
            return [f"SLA_POLICY: could not be read within {READ_SECONDS_MAX:g} s"]
        problems = conflicts(self._packs, found, int(self._wall() * SECOND) + self._ahead)
        if not problems:
            self._packs = found
            self._take(found)
        return problems


def conflicts(before: Packs, after: Packs, opened_by: int) -> list[str]:
    """Why `after` must not follow `before`, when cases may have been opened up to the instant `opened_by`."""
    problems = []
    for version in before.versions:
        found = after.named(version.key)
        if found is None:
            problems.append(f"{version.key}: is not there any more, and cases may have been decided by it")
        elif found.digest != version.digest:
            problems.append(f"{version.key}: has changed since it was loaded; give what is new a version of its own")
    problems += [
        f"{version.key}: is effective from {iso(version.effective_from)}, and cases opened since then may have been "
        f"decided by another version; choose an instant after {iso(opened_by)}"
        for version in after.versions
        if before.named(version.key) is None and version.effective_from <= opened_by
    ]
    return problems
