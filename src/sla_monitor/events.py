"""Case events for those who produce them: one method a type, with the fields of the published schema as arguments.

    events = CaseEvents("/crm/cases")
    event = events.opened("CASE-1000123", Stamp(id="evt-1", at=now), severity="A", plan="unified", ...)
    producer.send("case-events", key=event.key, value=event.value, headers=event.headers)

The types of arguments are the models that the worker checks events with, and each event is decoded as the worker does
before it is handed out: what cannot be used is a ValueError where it is made, not a dead letter later.

Over a hundred lines: a catalogue, a method for each type of event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import msgspec
from typing_extensions import TypedDict, Unpack

from sla_monitor.core import facts
from sla_monitor.errors import BadEvent
from sla_monitor.wire import events as data
from sla_monitor.wire.inbound import decode

CONTENT_TYPE: Final = b"application/cloudevents+json; charset=UTF-8"


class _Minutes(TypedDict):
    minutes: float


class EffortLogged(_Minutes, total=False):
    """As it is written: the worker keeps minutes as `effort`."""

    engineer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What every event says of itself. `id` is the same when the event is sent again, so that it counts once; `at` is
    when it happened, with an offset. `sequence` orders events of one case at one time.
    """

    id: str
    at: datetime
    sequence: int | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A record for `case-events`: structured CloudEvents JSON under the case id."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]] = field(default_factory=lambda: [("content-type", CONTENT_TYPE)])


class CaseEvents:
    """Events of one source, a URI reference such as `/crm/cases`. Every method raises ValueError with what is wrong."""

    def __init__(self, source: str) -> None:
        self._source = source

    def _event(self, body: type[facts.Body], case_id: str, stamp: Stamp, said: Mapping[str, Any]) -> Event:
        attributes: dict[str, Any] = {
            "specversion": "1.0",
            "type": facts.NAMES[body],
            "id": stamp.id,
            "source": self._source,
            "subject": case_id,
            "time": stamp.at.isoformat(),
            "datacontenttype": "application/json",
        }
        if stamp.sequence is not None:
            attributes["sequence"] = stamp.sequence
        if stamp.traceparent is not None:
            attributes["traceparent"] = stamp.traceparent
        if said:
            attributes["data"] = dict(said)
        event = Event(key=case_id.encode(), value=msgspec.json.encode(attributes))
        try:
            decode(event.key, event.value, event.headers)
        except BadEvent as bad:
            raise ValueError(f"{bad.reason}: {bad.detail}") from None
        return event

    def opened(self, case_id: str, stamp: Stamp, /, **said: Unpack[data.OpenedData]) -> Event:
        """A case was opened, by whom, where, and under which terms."""
        return self._event(facts.Opened, case_id, stamp, said)

    def responded(self, case_id: str, stamp: Stamp, /, **said: Unpack[data.RespondedData]) -> Event:
        """A support engineer contacted the customer and started work."""
        return self._event(facts.Responded, case_id, stamp, said)

    def severity_changed(self, case_id: str, stamp: Stamp, /, **said: Unpack[data.SeverityChangedData]) -> Event:
        """The severity is another from now on."""
        return self._event(facts.SeverityChanged, case_id, stamp, said)

    def plan_changed(self, case_id: str, stamp: Stamp, /, **said: Unpack[data.PlanChangedData]) -> Event:
        """The customer's support plan is another from now on."""
        return self._event(facts.PlanChanged, case_id, stamp, said)

    def access_changed(self, case_id: str, stamp: Stamp, /, **said: Unpack[data.AccessChangedData]) -> Event:
        """The customer asked for other hours of service."""
        return self._event(facts.AccessChanged, case_id, stamp, said)

    def language_changed(self, case_id: str, stamp: Stamp, /, **said: Unpack[data.LanguageChangedData]) -> Event:
        """The case goes on in another language; what is absent stays as it was."""
        return self._event(facts.LanguageChanged, case_id, stamp, said)

    def location_changed(self, case_id: str, stamp: Stamp, /, **said: Unpack[data.LocationChangedData]) -> Event:
        """The case belongs to another place; subdivision and time zone are those of the new place or unknown."""
        return self._event(facts.LocationChanged, case_id, stamp, said)

    def traits_changed(self, case_id: str, stamp: Stamp, /, **said: Unpack[data.TraitsChangedData]) -> Event:
        """What is known about the nature of the problem changed."""
        return self._event(facts.TraitsChanged, case_id, stamp, said)

    def contact_attempted(self, case_id: str, stamp: Stamp, /, **said: Unpack[data.ContactAttemptedData]) -> Event:
        """Support tried to reach the customer's contact."""
        return self._event(facts.ContactAttempted, case_id, stamp, said)

    def contact_updated(self, case_id: str, stamp: Stamp, /, **said: Unpack[data.ContactUpdatedData]) -> Event:
        """The customer's contact details were checked or replaced."""
        return self._event(facts.ContactUpdated, case_id, stamp, said)

    def waiting_on_customer(self, case_id: str, stamp: Stamp, /, **said: Unpack[data.WaitingOnCustomerData]) -> Event:
        """Support cannot go on without the customer."""
        return self._event(facts.WaitingOnCustomer, case_id, stamp, said)

    def customer_responded(self, case_id: str, stamp: Stamp, /) -> Event:
        """The customer gave what support waited for."""
        return self._event(facts.CustomerResponded, case_id, stamp, {})

    def resolution_proposed(self, case_id: str, stamp: Stamp, /) -> Event:
        """Support proposed a resolution."""
        return self._event(facts.ResolutionProposed, case_id, stamp, {})

    def resolution_rejected(self, case_id: str, stamp: Stamp, /) -> Event:
        """The customer rejected the proposed resolution."""
        return self._event(facts.ResolutionRejected, case_id, stamp, {})

    def work_started(self, case_id: str, stamp: Stamp, /, **said: Unpack[data.WorkStartedData]) -> Event:
        """An engineer began to work on the case."""
        return self._event(facts.WorkStarted, case_id, stamp, said)

    def work_stopped(self, case_id: str, stamp: Stamp, /, **said: Unpack[data.WorkStoppedData]) -> Event:
        """An engineer stopped working on the case."""
        return self._event(facts.WorkStopped, case_id, stamp, said)

    def effort_logged(self, case_id: str, stamp: Stamp, /, **said: Unpack[EffortLogged]) -> Event:
        """An engineer booked time on the case."""
        return self._event(facts.EffortLogged, case_id, stamp, said)

    def cause_found(self, case_id: str, stamp: Stamp, /, **said: Unpack[data.CauseFoundData]) -> Event:
        """The cause of the problem is known."""
        return self._event(facts.CauseFound, case_id, stamp, said)

    def script_submitted(self, case_id: str, stamp: Stamp, /, **said: Unpack[data.ScriptSubmittedData]) -> Event:
        """The customer handed in a script to be run on their data."""
        return self._event(facts.ScriptSubmitted, case_id, stamp, said)

    def downgrade_confirmed(self, case_id: str, stamp: Stamp, /, **said: Unpack[data.DowngradeConfirmedData]) -> Event:
        """Somebody followed a recommended downgrade."""
        return self._event(facts.DowngradeConfirmed, case_id, stamp, said)

    def downgrade_declined(self, case_id: str, stamp: Stamp, /, **said: Unpack[data.DowngradeDeclinedData]) -> Event:
        """Somebody decided against a recommended downgrade."""
        return self._event(facts.DowngradeDeclined, case_id, stamp, said)

    def resolved(self, case_id: str, stamp: Stamp, /) -> Event:
        """The case was resolved."""
        return self._event(facts.Resolved, case_id, stamp, {})

    def closed(self, case_id: str, stamp: Stamp, /) -> Event:
        """The case was closed."""
        return self._event(facts.Closed, case_id, stamp, {})

    def cancelled(self, case_id: str, stamp: Stamp, /) -> Event:
        """The case was cancelled: its clocks end without a verdict."""
        return self._event(facts.Cancelled, case_id, stamp, {})

    def reopen_requested(self, case_id: str, stamp: Stamp, /, **said: Unpack[data.ReopenRequestedData]) -> Event:
        """The customer asks to take up the case again."""
        return self._event(facts.ReopenRequested, case_id, stamp, said)

    def labels_changed(self, case_id: str, stamp: Stamp, /, **said: Unpack[data.LabelsChangedData]) -> Event:
        """The case's labels changed; what is absent stays as it was, an empty label takes it away."""
        return self._event(facts.LabelsChanged, case_id, stamp, said)

    def fact_withdrawn(self, case_id: str, stamp: Stamp, /, **said: Unpack[data.FactWithdrawnData]) -> Event:
        """An earlier event of this case was wrong and counts no more."""
        return self._event(facts.FactWithdrawn, case_id, stamp, said)
