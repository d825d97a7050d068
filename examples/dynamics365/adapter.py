"""A webhook of Dynamics 365 Customer Service in, case events out: one message of a plug-in step on `incident`.

    python examples/dynamics365/adapter.py < examples/dynamics365/samples/created.json

prints one line for each event: its key, a tab, the event. Exit code 2: the payload cannot be used; what is wrong is
said by field, without anything of its content.

`events_of` does the work and knows nothing of HTTP or Kafka. It is an example: columns and numbers are those of an
organisation as it comes, with two columns of its own, and yours will have others.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn

from sla_monitor.events import CaseEvents, Event, Stamp

SOURCE: Final = "/dynamics365"

# Where things are in `incident`. The last two are columns that an organisation adds.
SEVERITY, STATE, STATUS = "prioritycode", "statecode", "statuscode"
ANSWERED, CUSTOMER, CASE_ID = "firstresponsesent", "customerid", "ticketnumber"
PLAN, COUNTRY = "sla_supportplan", "sla_countrycode"

SEVERITIES: Final = {1: "A", 2: "B", 3: "C"}  # high, normal, low
PLANS: Final = {100000000: "standard", 100000001: "professional_direct", 100000002: "unified"}
ACTIVE, RESOLVED, CANCELLED = 0, 1, 2
STATES: Final = {ACTIVE: "active", RESOLVED: "resolved", CANCELLED: "cancelled"}
WAITING_FOR_DETAILS: Final = 3
LANGUAGE: Final = "en"
BEFORE, AFTER = "row_before", "row_after"  # names of the images that the step is registered with

_WRITTEN_TIME: Final = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")  # UTC; the offset is of whoever wrote it
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class PayloadRefused(ValueError):
    """It is no message that this adapter can use; the text names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is used of a payload. `target`: the columns that were written; `before` and `after`: the row."""

    name: str
    operation: str
    at: datetime
    target: Mapping[str, Any]
    before: Mapping[str, Any]
    after: Mapping[str, Any]

    def became(self, column: str) -> Any:
        """Its new value if it was written and is another than before, else None."""
        value = self.target.get(column)
        return None if value == self.before.get(column) else value


def events_of(payload: bytes) -> list[Event]:
    """What happened to the case, in order; nothing, if it is nothing that matters here. PayloadRefused: the payload is
    wrong, so that whoever sent it should be told, with 400.
    """
    message = read(payload)
    case_id = _known(message.after, CASE_ID, str)
    builder, made = CaseEvents(SOURCE), []
    for number, (kind, fields) in enumerate(_happened(message)):
        # the same id when the webhook is sent again, another one for each event of a message
        stamp = Stamp(id=f"{message.operation}/{kind}", at=message.at, sequence=number)
        try:
            made.append(getattr(builder, kind)(case_id, stamp, **fields))
        except ValueError as wrong:  # it names the field
            _refuse(f"case.{kind}", str(wrong))
    return made


def _happened(message: Message) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The builders of `CaseEvents` by name, and what each is told."""
    if message.name == "Create":
        yield "opened", _opening(message)
    elif message.became(SEVERITY) is not None:
        yield "severity_changed", {"severity": _of(SEVERITIES, message.target, SEVERITY), "by": "support"}
    if message.became(ANSWERED) is True:
        yield "responded", {}
    status = message.became(STATUS)
    if status == WAITING_FOR_DETAILS:
        yield "waiting_on_customer", {"reason": "information"}
    elif status is not None and message.before.get(STATUS) == WAITING_FOR_DETAILS:
        yield "customer_responded", {}
    if message.became(STATE) is not None:
        yield from _ended(message, _of(STATES, message.target, STATE))


def _ended(message: Message, state: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if state != "active":
        yield state, {}
    elif message.name == "Update":
        _refuse(STATE, "a case that is taken up again is for a person: `case.reopen_requested` needs to know more")


def _opening(message: Message) -> Any:
    customer = message.after.get(CUSTOMER)
    return {
        "severity": _of(SEVERITIES, message.after, SEVERITY),
        "plan": _of(PLANS, message.after, PLAN),
        "country": _known(message.after, COUNTRY, str),
        "language": LANGUAGE,
        "submitted_by": "admin",
        **({"customer": customer} if isinstance(customer, str) else {}),
    }


# --- the payload ----------------------------------------------------------------------------------------------------


def read(payload: bytes) -> Message:
    """PayloadRefused: not JSON, not about a case, or without what is needed."""
    try:
        context = json.loads(payload)
    except (ValueError, RecursionError):
        raise PayloadRefused("payload: is not JSON") from None
    if not isinstance(context, dict):
        raise PayloadRefused("payload: is not an object")
    entity = _known(context, "PrimaryEntityName", str)
    if entity != "incident":
        _refuse("PrimaryEntityName", "is not `incident`: register the step on the table of cases")
    name = _known(context, "MessageName", str)
    if name not in {"Create", "Update"}:
        _refuse("MessageName", "is neither `Create` nor `Update`")
    target = _pairs(context, "InputParameters").get("Target")
    if target is None:
        _refuse("InputParameters.Target", "is not there: messages above the size limit come without it")
    images = _pairs(context, "PreEntityImages"), _pairs(context, "PostEntityImages")
    before, after = (image.get(name) for image, name in zip(images, (BEFORE, AFTER), strict=True))
    if after is None:
        _refuse(f"PostEntityImages.{AFTER}", "is not there: register the step with this image")
    if name == "Update" and before is None:
        _refuse(f"PreEntityImages.{BEFORE}", "is not there: register the step with this image")
    return Message(
        name=name,
        operation=_known(context, "OperationId", str),
        at=_time(_known(context, "OperationCreatedOn", str)),
        target=_columns(target, "InputParameters.Target"),
        before=_columns(before, f"PreEntityImages.{BEFORE}") if before is not None else {},
        after=_columns(after, f"PostEntityImages.{AFTER}"),
    )


def _pairs(holder: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A list of `{"key": …, "value": …}` as a mapping."""
    pairs = _known(holder, name, list)
    if not all(isinstance(pair, dict) and isinstance(pair.get("key"), str) for pair in pairs):
        _refuse(name, "is not a list of keys and values")
    return {pair["key"]: pair.get("value") for pair in pairs}


def _columns(entity: Any, name: str) -> dict[str, Any]:
    """The columns of a row: a choice is its number, a reference its name."""
    if not isinstance(entity, dict):
        _refuse(name, "is not a row")
    return {column: _plain(value) for column, value in _pairs(entity, "Attributes").items()}


def _plain(value: Any) -> Any:
    match value:
        case {"Value": plain} | {"LogicalName": _, "Name": plain}:
            return plain
        case _:
            return value


def _time(written: str) -> datetime:
    """Milliseconds since 1970, as .NET writes them."""
    found = _WRITTEN_TIME.fullmatch(written)
    if found is None:
        _refuse("OperationCreatedOn", "is not such as /Date(1772438400000)/")
    try:
        return _EPOCH + timedelta(milliseconds=int(found[1]))
    except (OverflowError, ValueError):  # the latter: more digits than Python reads
        _refuse("OperationCreatedOn", "is outside the years 1 to 9999")


def _known(holder: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    value = holder.get(name)
    if value is None or value == "":
        _refuse(name, "is not there")
    if type(value) is not kind:  # of JSON: true is no number
        _refuse(name, "is of another type than expected")
    return value


def _of(table: Mapping[int, str], holder: Mapping[str, Any], name: str) -> Any:
    """What a choice means here. A number that is not in the table is refused, not guessed."""
    number = _known(holder, name, int)
    if number not in table:
        _refuse(name, f"is none of {', '.join(map(str, table))}: add it to the adapter's table")
    return table[number]


def _refuse(name: str, why: str) -> NoReturn:
    raise PayloadRefused(f"{name}: {why}")


def main() -> int:
    try:
        events = events_of(sys.stdin.buffer.read())
    except PayloadRefused as refused:
        print(refused, file=sys.stderr)
        return 2
    for event in events:
        print(f"{event.key.decode()}\t{event.value.decode()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
