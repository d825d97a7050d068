"""A person's answer to a recommended downgrade, as the case event that any other producer would send.

The worker does not decide here: it produces, and reads the event again like all others. The id of the event follows
from the recommendation and the answer, and the worker that has the case remembers what it has sent: pressing twice
sends nothing more, and where Kafka did not say that it has it, the same bytes again, which count once.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import OrderedDict
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, Literal

import msgspec

from sla_monitor.board.deployment import Deployment, Holding
from sla_monitor.board.models import Accepted
from sla_monitor.board.problems import RETRY_AFTER_SECONDS, refused
from sla_monitor.board.recommendations import CONFIRM, DECLINE, OPEN, how_it_stands
from sla_monitor.core import facts as f
from sla_monitor.core.decide import Case
from sla_monitor.core.times import iso
from sla_monitor.wire.inbound import decode

Verb = Literal["confirm", "decline"]

SOURCE: Final = "/sla-monitor/board"
HEADERS: Final = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
NAMESPACE: Final = uuid.uuid5(uuid.NAMESPACE_URL, "urn:sla-monitor:answer")
REMEMBERED_MAX: Final = 10_000  # x ~1 KB = 10 MB; long before, the case's row says that it was answered

_TYPES: Final[dict[Verb, str]] = {CONFIRM: f.NAMES[f.DowngradeConfirmed], DECLINE: f.NAMES[f.DowngradeDeclined]}


@dataclass(slots=True, kw_only=True)
class _Made:
    verb: Verb
    event_id: str
    value: bytes
    accepted: Accepted | None = None


class Answers:
    """Of one worker, for the cases that it holds."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._made: OrderedDict[str, _Made] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()

    async def send(self, holding: Holding, case: Case, recommendation: str, verb: Verb, by: str) -> Accepted:
        """Refused: 404 unknown, 409 no longer open or answered otherwise, 503 Kafka did not say that it has it."""
        _check(how_it_stands(case, recommendation))
        async with self._one_at_a_time:
            made = self._made.get(recommendation) or self._make(case.case_id, recommendation, verb, by)
            if made.verb != verb:
                raise refused(HTTPStatus.CONFLICT, f"it has just been answered: {_TYPES[made.verb]}")
            if made.accepted is None:
                made.accepted = await self._produce(holding, case.case_id, made)
            return made.accepted

    def _make(self, case_id: str, recommendation: str, verb: Verb, by: str) -> _Made:
        event_id = str(uuid.uuid5(NAMESPACE, f"{verb}\x1f{recommendation}"))
        data: dict[str, Any] = {"recommendation": recommendation} | ({"by": by} if by else {})
        event = {
            "specversion": "1.0",
            "type": _TYPES[verb],
            "id": event_id,
            "source": SOURCE,
            "subject": case_id,
            "time": iso(self._deployment.now()),
            "datacontenttype": "application/json",
            "data": data,
        }
        value = msgspec.json.encode(event)
        decode(case_id.encode(), value, HEADERS)  # what could not be used must not be sent
        made = self._made[recommendation] = _Made(verb=verb, event_id=event_id, value=value)
        if len(self._made) > REMEMBERED_MAX:
            self._made.popitem(last=False)
        return made

    async def _produce(self, holding: Holding, case_id: str, made: _Made) -> Accepted:
        try:
            written = await self._deployment.produce(holding.partition, case_id.encode(), made.value, HEADERS)
        except OSError as error:
            detail = "Kafka did not say that it has the event; asking again sends the same one, which counts once"
            raise refused(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": str(RETRY_AFTER_SECONDS)}) from error
        return Accepted(
            event_id=made.event_id,
            type=_TYPES[made.verb],
            topic=written.topic,
            partition=written.partition,
            offset=written.offset,
        )


def _check(stands: str | None) -> None:
    if stands is None:
        raise refused(HTTPStatus.NOT_FOUND, "this case has no such recommendation")
    if stands != OPEN:
        raise refused(HTTPStatus.CONFLICT, "the recommendation was answered, or stands no longer")
