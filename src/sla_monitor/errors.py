"""The errors of the product and what each one does to the worker.

    SlaError
    ├── RefuseToStart          the worker does not start; every problem is listed; exit 2, or 70 when it shows only
    │   │                      after the group was joined (a partition's state is read on assignment)
    │   ├── BadConfiguration   settings, policy packs, calendars: `file:line: problem`
    │   └── UnsafeState        Kafka holds something that starting would make worse
    ├── BadEvent               one record goes to the dead-letter topic, nothing else is touched
    └── Fatal                  the process stops loudly, exit 70; Kafka hands its partitions on
        └── Fenced             another worker owns the partition now

Any other exception is a defect: inside the pure core it quarantines one case, elsewhere it is Fatal.
"""

from __future__ import annotations

EXIT_FINDINGS = 1
EXIT_USAGE = 2
EXIT_FATAL = 70  # EX_SOFTWARE of sysexits.h


class SlaError(Exception):
    """Root of all errors the product raises on purpose."""


class RefuseToStart(SlaError):
    """Starting would be wrong; `problems` has one line each."""

    def __init__(self, problems: list[str] | str) -> None:
        self.problems = [problems] if isinstance(problems, str) else problems
        super().__init__("\n".join(self.problems))


class BadConfiguration(RefuseToStart):
    """A setting, pack or calendar is wrong; each problem names its file and line where there is one."""


class UnsafeState(RefuseToStart):
    """What Kafka holds does not fit together (offsets, state, topics, packs)."""


class BadEvent(SlaError):
    """A record that cannot be used. `reason` is a stable word for metrics, `detail` has no payload text."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}")


class Fatal(SlaError):
    """The process cannot go on and must not pretend to."""


class Fenced(Fatal):
    """Kafka refused this producer: a newer owner of the partition exists."""
