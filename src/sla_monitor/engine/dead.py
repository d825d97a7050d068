"""Dead letters read back: listed, shown, and sent to the input once more.

A dead letter is its record with the reasons at the end of its headers (`engine/records.py`), so what was sent first is
there whole: key, value, headers. A replay that fails again makes another dead letter, which names the one it came from;
that one is then done with, so that replaying again never sends one event twice in a run.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from sla_monitor.config.settings import Settings
from sla_monitor.engine.kafka import client_options
from sla_monitor.engine.layout import partition_of, verified_layout
from sla_monitor.engine.reading import Found, records_of
from sla_monitor.engine.records import Headers, key_of
from sla_monitor.errors import UnsafeState
from sla_monitor.wire.outbound import position_headers

ABOUT = ("dead-reason", "dead-detail", "dead-topic", "dead-partition", "dead-offset")  # at the end, in this order
REPLACED = ("dead-original-size", "dead-original-sha256")  # behind them, of a record that was too large to keep
POSITION = tuple(name for name, _ in position_headers(0, 0))  # behind all of these: where the partition was then
REPLAYED_FROM = "dead-replayed-from"
REQUEST_BYTES_MAX = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One dead letter. `partition` and `offset` are those of the input, as logs name them; `place` is its own."""

    place: str
    at_ms: int
    reason: str
    detail: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers  # as they came, without what was added
    replayed_from: str  # the place of the letter whose replay failed again
    replaced_by: dict[str, str]  # size and hash, where the record itself was too large


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which letters. Times in milliseconds, of when they were written; `case` is a key."""

    reason: str | None = None
    case: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    partition: int | None = None

    def takes(self, letter: Letter) -> bool:
        return (
            self.reason in {None, letter.reason}
            and (self.case is None or letter.key == key_of(self.case))
            and (self.since_ms is None or letter.at_ms >= self.since_ms)
            and (self.until_ms is None or letter.at_ms <= self.until_ms)
            and self.partition in {None, letter.partition}
        )


@dataclass(slots=True, kw_only=True)
class Replay:
    """What was sent (or would be), and what could not be."""

    sent: Counter[str] = field(default_factory=Counter)  # by reason
    replaced: int = 0  # only size and hash are left
    done_with: int = 0  # replayed before, and a newer dead letter tells of it


def letter_of(record: Found) -> Letter:
    """ValueError: not written by this worker."""
    headers = [(name, value or b"") for name, value in record.headers]
    if tuple(name for name, _ in headers[-len(POSITION) :]) == POSITION:
        headers = headers[: -len(POSITION)]
    replaced = dict(_texts(headers[-2:])) if tuple(name for name, _ in headers[-2:]) == REPLACED else {}
    if replaced:
        headers = headers[:-2]
    about, original = _texts(headers[-len(ABOUT) :]), headers[: -len(ABOUT)]
    if tuple(name for name, _ in about) != ABOUT:
        raise ValueError("no dead letter")
    reason, detail, topic, partition, offset = (text for _, text in about)
    replayed_from = ""
    if original and original[-1][0] == REPLAYED_FROM:
        replayed_from = original.pop()[1].decode("utf-8", "replace")
    return Letter(
        place=f"{record.topic}/{record.partition}/{record.offset}",
        at_ms=record.timestamp,
        reason=reason,
        detail=detail,
        topic=topic,
        partition=int(partition),
        offset=int(offset),
        key=record.key,
        value=record.value,
        headers=tuple(original),
        replayed_from=replayed_from,
        replaced_by=replaced,
    )


async def letters(settings: Settings, wanted: Wanted, numbers: Iterable[int]) -> AsyncIterator[Letter]:
    """Those that stand in the topic now. Records of others in it are passed over."""
    async for record in records_of(settings, settings.topics.dead, numbers):
        try:
            letter = letter_of(record)
        except ValueError:
            continue
        if letter.topic == settings.topics.events and wanted.takes(letter):
            yield letter


async def partitions_of(settings: Settings, only: int | None) -> list[int]:
    """The partitions to read; a dead letter has the partition of its record."""
    return _chosen((await verified_layout(settings)).partitions, only)


def _chosen(count: int, only: int | None) -> list[int]:
    if only is not None and only >= count:
        raise UnsafeState(f"there are {count} partitions, from 0")
    return list(range(count)) if only is None else [only]


async def listed(settings: Settings, wanted: Wanted, limit: int) -> tuple[Counter[tuple[str, int]], list[Letter]]:
    """How many by (reason, partition), and the newest, newest first."""
    counts: Counter[tuple[str, int]] = Counter()
    newest: list[Letter] = []
    async for letter in letters(settings, wanted, await partitions_of(settings, wanted.partition)):
        counts[letter.reason, letter.partition] += 1
        newest.append(letter)
        if len(newest) > 2 * limit:
            newest = _newest(newest, limit)
    return counts, _newest(newest, limit)


async def found_at(settings: Settings, partition: int, offset: int) -> Letter | None:
    """The newest letter about this place of the input."""
    found = None
    async for letter in letters(settings, Wanted(partition=partition), await partitions_of(settings, partition)):
        found = letter if letter.offset == offset else found
    return found


async def replay(settings: Settings, wanted: Wanted, *, send: bool) -> Replay:
    """Sends what is wanted to the input once more, each acknowledged before the next, in the order of the input.

    Safe to repeat: an event is known by its source and id, unless its case was erased since. UnsafeState: Kafka
    refused one; those before it are sent.
    """
    count = (await verified_layout(settings)).partitions
    numbers = _chosen(count, wanted.partition)
    done_with = set[str]()
    async for letter in letters(settings, Wanted(partition=None), range(count)):
        done_with.add(letter.replayed_from)
    result = Replay()
    producer: Any = None
    try:
        if send:
            producer = AIOKafkaProducer(
                **client_options(settings), enable_idempotence=True, max_request_size=REQUEST_BYTES_MAX
            )
            await producer.start()
        async for letter in letters(settings, wanted, numbers):
            if letter.place in done_with:
                result.done_with += 1
            elif letter.replaced_by:
                result.replaced += 1
            else:
                if producer is not None:
                    await _send_again(producer, settings.topics.events, letter, count)
                result.sent[letter.reason] += 1
    except (KafkaError, TimeoutError, OSError) as error:
        sent = result.sent.total()
        raise UnsafeState(f"after {sent} that were sent: {type(error).__name__}: {error}") from error
    finally:
        if producer is not None:
            await producer.stop()
    return result


async def _send_again(producer: Any, topic: str, letter: Letter, partitions: int) -> None:
    """As it came, and where: its case may live in another partition than its key's. Only what was set aside for just
    that goes to its key's. As a batch: `send` refuses records without key and value, which an erasure of nothing is.
    """
    is_misplaced = letter.reason == "partition_mismatch" and letter.key is not None
    number = partition_of(letter.key or b"", partitions) if is_misplaced else letter.partition
    batch = producer.create_batch()
    headers = [*letter.headers, (REPLAYED_FROM, letter.place.encode())]
    batch.append(key=letter.key, value=letter.value, timestamp=None, headers=headers)  # the first one always fits
    await (await producer.send_batch(batch, topic, partition=number))


def as_document(letter: Letter) -> dict[str, Any]:
    """For programs: bytes as text, what is not UTF-8 escaped."""
    return {
        "partition": letter.partition,
        "offset": letter.offset,
        "reason": letter.reason,
        "detail": letter.detail,
        "at_ms": letter.at_ms,
        "place": letter.place,
        "key": readable(letter.key),
        "value": readable(letter.value),
        "headers": [[name, readable(value)] for name, value in letter.headers],
        **({"replayed_from": letter.replayed_from} if letter.replayed_from else {}),
        **letter.replaced_by,
    }


def readable(content: bytes | None) -> str | None:
    """As text; bytes that are no UTF-8 and control characters are spelt out, so that no terminal obeys them."""
    if content is None:
        return None
    text = content.decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


def _texts(headers: Iterable[tuple[str, bytes]]) -> list[tuple[str, str]]:
    return [(name, value.decode("utf-8", "replace")) for name, value in headers]


def _newest(found: list[Letter], limit: int) -> list[Letter]:
    return sorted(found, key=lambda letter: letter.at_ms, reverse=True)[:limit]
