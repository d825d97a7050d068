"""What decides in a partition, from the settings: the same for the worker and for commands that act on its state."""

from __future__ import annotations

from collections.abc import Callable

from sla_monitor.config.settings import Settings
from sla_monitor.core.decide import Bounds
from sla_monitor.core.facts import DAY, SECOND
from sla_monitor.core.policy import Packs
from sla_monitor.engine.layout import Layout, partition_of
from sla_monitor.engine.partition import Rules


def rules_of(settings: Settings, packs: Packs, layout: Layout, partitions: Callable[[], int] = lambda: 1) -> Rules:
    """All of them: one that a command left at its default would change what the worker has decided. `partitions`: how
    many there are in this process, one at a time unless it says otherwise.
    """
    return Rules(
        packs=packs,
        bounds=Bounds(
            correction_horizon=int(settings.correction_horizon_seconds * SECOND),
            retention=settings.retention_days * DAY,
        ),
        future_tolerance=int(settings.future_tolerance_seconds * SECOND),
        orphan_window=int(settings.orphan_seconds * SECOND),
        breaker_ratio=settings.breaker_ratio,
        notices_from=settings.notices_from_at,
        topic=settings.topics.events,
        dead_bytes_max=layout.dead_bytes_max,
        partitions=partitions,
        is_misplaced=lambda key, partition: partition_of(key, layout.partitions) != partition,
        misplaced_is_dead=settings.partition_check == "strict",
    )
