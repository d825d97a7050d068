"""The journals of a worker, of the kind that the settings name, and what that kind needs before and around them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiokafka import TopicPartition

from sla_monitor.config.settings import Settings
from sla_monitor.engine.at_least_once import AtLeastOnceJournal
from sla_monitor.engine.journal import Journal
from sla_monitor.engine.log import Log
from sla_monitor.engine.ownership import Ownership
from sla_monitor.engine.transactional import TransactionalJournal

CommitInput = Callable[[TopicPartition, int], Awaitable[None]]


async def _nowhere(_partition: TopicPartition, _offset: int) -> None:
    """Who is no member of the group commits no offset for it; the position in the state is what counts."""


class Journals:
    """Made once a process. `take` before anything is opened, `release` when all is closed."""

    def __init__(
        self,
        settings: Settings,
        log: Log,
        *,
        wall: Callable[[], float],
        accept_input_loss: bool = False,
        commit_input: CommitInput = _nowhere,
    ) -> None:
        self._settings, self._log, self._wall = settings, log, wall
        self._accept_input_loss, self._commit_input = accept_input_loss, commit_input
        self._ownership = Ownership(settings, log) if settings.journal == "at_least_once" else None

    async def take(self) -> None:
        """RefuseToStart where only one worker may run and another does. With transactions each partition is fenced
        when it is opened, so there is nothing to do.
        """
        if self._ownership is not None:
            await self._ownership.take()

    async def keep(self) -> None:
        """Until it is cancelled. Fatal once another worker has taken over."""
        if self._ownership is not None:
            await self._ownership.keep()
        await asyncio.Event().wait()

    async def release(self) -> None:
        """The next worker may start at once."""
        if self._ownership is not None:
            await self._ownership.release()

    def of(self, partition: int) -> Journal:
        """A new one, not yet open."""
        if self._ownership is None:
            return TransactionalJournal(
                self._settings, self._log, partition, wall=self._wall, accept_input_loss=self._accept_input_loss
            )
        return AtLeastOnceJournal(
            self._settings,
            self._log,
            partition,
            epoch=self._ownership.epoch,
            commit_input=self._commit_input,
            accept_input_loss=self._accept_input_loss,
        )
