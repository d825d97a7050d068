"""Every document of the API, as it is answered and as docs/openapi.json describes it.

Longer than a hundred lines because a catalogue reads best in one piece.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

PartitionState = Literal["live", "restoring", "stopped", "moving", "unowned", "unreachable"]
ClockState = Literal["running", "at_risk", "paused", "breached"]
Verdict = Literal["running", "paused", "breached", "met", "met_late", "cancelled"]
Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class Document(BaseModel):
    """Made here and read from other workers; what a newer one says besides is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Problem(Document):
    """RFC 9457. Those about a partition say which, how it is, since when, and whose it is."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    partition: int | None = None
    partition_state: PartitionState | None = None
    owner: str | None = None
    since: Instant | None = None


class Partition(Document):
    """`restoring`: its state is being read. `stopped`: by a flood of dead letters; what it says does not move.
    `moving`: between two workers. `unowned`: nobody has it. `unreachable`: its worker does not answer.
    """

    partition: int
    state: PartitionState
    owner: str | None
    since: Instant | None
    answered: bool = Field(description="Whether its cases are in this answer.")


class Policy(Document):
    name: str
    version: str


class Clock(Document):
    """One clock of one case. Durations are seconds. `remaining_seconds`: on the wall clock, below zero when over;
    `elapsed_seconds`: open time that counts. Without `deadline` it is paused, or nothing follows.
    """

    case_id: str
    generation: int
    severity: str
    plan: str
    country: str
    customer: str
    product: str
    queue: str
    clock: str
    run: int
    state: ClockState
    promised: bool
    deadline: Instant | None
    remaining_seconds: float | None
    target_seconds: float
    elapsed_seconds: float
    paused_since: Instant | None
    pause_reason: str | None
    rule: str
    clause: str
    calendar: str
    opened_at: Instant


class CaseClock(Clock):
    """A clock of the case's page: also one that has ended, with its verdict."""

    state: ClockState | Literal["ended"]  # type: ignore[assignment]
    started_at: Instant | None
    ended_at: Instant | None
    verdict: Verdict
    verdict_at: Instant | None


class Downgrade(Document):
    """A recommendation that waits for a person. `recommendation`: the id of its notice."""

    case_id: str
    recommendation: str
    severity: str
    plan: str
    customer: str
    queue: str
    from_: str = Field(alias="from")
    to: str
    rule: str
    clause: str
    since: Instant
    evidence: dict[str, Any]

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Counts(Document):
    """`open`: cases. `downgrades_waiting`: recommendations. The others: clocks, as `/cases` lists them."""

    open: int = 0
    running: int = 0
    paused: int = 0
    at_risk: int = 0
    breached: int = 0
    downgrades_waiting: int = 0


class Attained(Document):
    """Promises that came to a verdict since the workers started. `attained`: the share that was kept; null: none has.
    Each late answer (`met_late`) was told by its breach before and is not another broken promise.
    """

    plan: str
    severity: str
    clock: str
    met: int
    met_late: int
    breached: int
    attained: float | None


class Overview(Document):
    now: Instant
    deployment: str
    worker: str
    policy: Policy
    partitions: list[Partition]
    complete: bool
    counts: Counts
    nearest: list[Clock]
    breached: list[Clock]
    paused: list[Clock]
    downgrades: list[Downgrade]
    attainment: list[Attained]


class Facets(Document):
    """How many clocks there would be for each value, with the other filters as they are."""

    severity: dict[str, int] = {}
    plan: dict[str, int] = {}
    clock: dict[str, int] = {}
    state: dict[str, int] = {}
    queue: dict[str, int] = {}


class Cases(Document):
    """A page of clocks of open cases. `next`: what `after` is for the next one; null: this is the last."""

    now: Instant
    items: list[Clock]
    next: str | None
    total: int
    complete: bool
    partitions: list[Partition]
    facets: Facets


class Event(Document):
    """A case event, as it is kept: `data` with the fields that were given."""

    time: Instant
    type: str
    id: str
    source: str
    sequence: int | None
    withdrawn: bool
    data: dict[str, Any]


class Notice(Document):
    """A notice that was sent. Without `retracted_by` it stands. `data` null: only that it was sent is known still."""

    time: Instant | None
    type: str
    id: str
    clock: str | None
    retracts: str | None = None
    retracted_by: str | None = None
    data: dict[str, Any] | None


class Calendar(Document):
    """When the clock that is nearest to its deadline counts, from the first event to the latest deadline."""

    name: str
    zone: str
    open: list[tuple[Instant, Instant]]
    truncated: bool


class CaseDetail(Document):
    now: Instant
    case: dict[str, Any]
    clocks: list[CaseClock]
    downgrades: list[Downgrade]
    events: list[Event]
    notices: list[Notice]
    explain: dict[str, Any]
    words: list[str]
    calendar: Calendar | None


class Answer(Document):
    """What is said with a confirmation: who decided, in any words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: Annotated[str, Field(max_length=200)] = ""


class Accepted(Document):
    """The event was written; it takes effect as soon as the case's worker has read it."""

    event_id: str
    type: str
    topic: str
    partition: int
    offset: int


class Changes(Document):
    """Between workers: cases that were written since the place `after`. `place` is where to go on from; it is of the
    process that said it, `process`. `missed`: there were more than are remembered.
    """

    process: str
    place: int
    cases: list[str]
    missed: bool
