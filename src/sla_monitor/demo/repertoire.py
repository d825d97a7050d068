"""Which plots the demo tells, and how often."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Final

from sla_monitor.demo.plots import (
    Case,
    answered,
    back_again,
    cancelled,
    forgotten,
    heard_late,
    lowered,
    missed,
    mistaken,
    moved,
    native,
    office_hours,
    pardoned,
    proposed,
    raised,
    round_the_clock,
    silent,
    told_late,
    unreachable,
)
from sla_monitor.demo.service_plots import (
    asleep,
    bounced,
    laborious,
    not_allowed,
    not_included,
    scripted,
    somebody_elses,
    taken_up_again,
)

Plot = Callable[[random.Random], Case]

# At once: between them they show, within two and a half hours of the plan, what matters most.
FIRST_ROUND: Final[tuple[Plot, ...]] = (told_late, missed, answered, unreachable, silent)

# Then one of these in turn with one by chance, so that all of them are told within the first half minute.
SECOND_ROUND: Final[tuple[Plot, ...]] = (
    not_allowed,
    not_included,
    asleep,
    bounced,
    laborious,
    scripted,
    taken_up_again,
)

PLOTS: Final[Mapping[Plot, int]] = {  # how often, of a hundred or so
    answered: 16,
    missed: 11,
    told_late: 9,
    mistaken: 4,
    round_the_clock: 9,
    office_hours: 12,
    native: 5,
    cancelled: 3,
    silent: 7,
    pardoned: 4,
    back_again: 4,
    heard_late: 3,
    unreachable: 6,
    proposed: 3,
    raised: 5,
    lowered: 4,
    moved: 5,
    forgotten: 2,
    not_allowed: 2,
    not_included: 3,
    somebody_elses: 3,
    asleep: 2,
    bounced: 2,
    laborious: 3,
    scripted: 2,
    taken_up_again: 3,
}
