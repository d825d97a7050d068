"""Named places where a test lets the process die: `SLA_CRASH_AT=commit.acknowledged:3` at the third time there.

The promise is about crashes between any two steps, so the steps have names. Without the variable nothing happens.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from typing import Final

from sla_monitor.config.settings import CRASH_AT
from sla_monitor.errors import BadConfiguration

# Every place with transactions, in the order in which a partition's life comes by.
POINTS: Final = (
    "open.begin",  # assigned; the last owner still has the partition
    "open.fenced",  # our producer runs: whoever had the partition can commit no more
    "open.stable",  # nobody's transaction hides the end of the state
    "open.restoring",  # some rows are read
    "open.restored",  # all of them are
    "open.verified",  # the position fits the input
    "fold.before",  # a record is at hand
    "fold.after",  # it is in memory
    "watermark.moved",  # in memory
    "fire.after",  # what was due has been decided, in memory
    "commit.begin",  # nothing is sent
    "commit.state",  # rows are handed to the client
    "commit.notices",  # notices too
    "commit.dead",  # dead letters too
    "commit.acknowledged",  # the broker has all of them, invisible
    "commit.offsets",  # and the input offset, if there was input
    "commit.done",  # it is committed, and nobody here knows yet
    "commit.noted",  # now they do
    "suspend.begin",  # revoked
    "suspend.rested",  # its last transaction is over
    "resume.verified",  # it came back, and nobody else has written
    "close.begin",
    "close.rested",
    "close.done",  # the producer is gone
)

# What the journal without transactions passes instead of `open` and `commit`.
REDO_POINTS: Final = (
    "redo.opened",  # the owner's row is written: whoever had the partition stops at the next look
    "redo.restored",  # the state is read
    "redo.repeated",  # a batch that was decided and not done is done
    "redo.looked",  # a batch is at hand, and nobody has taken over
    "redo.written",  # it is decided: the redo row stands
    "redo.rows",  # the rows of its cases stand
    "redo.notices",  # its notices are sent
    "redo.dead",  # its dead letters too
    "redo.done",  # the redo row is gone
    "redo.offset",  # the input offset is committed
)

_reached: Callable[[str], None] | None = None


def point(name: str) -> None:
    """The code is at this place."""
    if _reached is not None:
        _reached(name)


def at_points(reached: Callable[[str], None] | None) -> None:
    """Have this called at every place; None: nothing any more."""
    global _reached  # noqa: PLW0603 - one per process, as a crash is
    _reached = reached


def arm(environment: Mapping[str, str]) -> None:
    """As the variable says. BadConfiguration if it names no place, or no positive number."""
    text = environment.get(CRASH_AT)
    if not text:
        return
    name, _, number = text.partition(":")
    known = (*POINTS, *REDO_POINTS)
    if name not in known or not (number or "1").isdigit() or int(number or 1) < 1:
        raise BadConfiguration(f"{CRASH_AT}: is POINT or POINT:N, with N from 1 and POINT of {', '.join(known)}")
    left = int(number or 1)

    def reached(here: str) -> None:
        nonlocal left
        left -= here == name
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)  # as a machine dies: nothing is closed, flushed or said

    at_points(reached)
