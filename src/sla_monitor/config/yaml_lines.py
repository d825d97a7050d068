"""YAML as plain values that remember the line they stand on, so that every problem can name it.

Only what a configuration needs is read: one document of mappings, lists, text, whole numbers, true, false and null
(YAML 1.2: `yes`, `NO` and `1.10` are text). Aliases and tags are refused, sizes are bounded, and nothing recurses: a
hostile file costs a second or two, not the memory of the machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
)
from ruamel.yaml.reader import ReaderError

BYTES_MAX = 1_048_576  # 1 MiB; a pack of 100 rules is about 20 KB
EVENTS_MAX = 20_000  # 1 to 2 s of parsing; the built-in pack has about 800
PROBLEM_CHARACTERS_MAX = 400  # a line to read, whatever the file quotes
DEPTH_MAX = 16  # the parser takes quadratic time in nested brackets; a pack needs 6

Value = str | int | bool | None | list["Value"] | dict[str, "Value"]
Where = tuple[str | int, ...]  # the keys and list positions that lead to a value

WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
WHOLE_NUMBER = re.compile(r"[-+]?[0-9]{1,15}")


class Problem(NamedTuple):
    """What is wrong, and where: problems sort by file and line. Line 0: the file as a whole."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        text = " ".join(self.text.split())[:PROBLEM_CHARACTERS_MAX]
        return f"{self.file}:{self.line}: {text}" if self.line else f"{self.file}: {text}"


@dataclass(slots=True, kw_only=True)
class Document:
    """What a file says. After a syntax error `readable` is False and `content` stops where reading did."""

    name: str
    content: Value = None
    lines: dict[Where, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    readable: bool = True

    def nearest(self, where: Where) -> Where:
        """`where`, or the nearest place around it that the file has."""
        while where and where not in self.lines:
            where = where[:-1]
        return where

    def complain(self, where: Where, text: str) -> None:
        """Add a problem at the key or list entry at `where`, or at the nearest place around it."""
        self.problems.append(Problem(self.name, self.lines.get(self.nearest(where), 1), text))

    def refuse(self, line: int, text: str) -> Document:
        """Add the problem that ended reading."""
        self.problems.append(Problem(self.name, line, text))
        self.readable = False
        return self


@dataclass(slots=True)
class Open:
    """A mapping or list that has begun. `key` is what the next value of a mapping belongs to."""

    where: Where
    value: dict[str, Value] | list[Value]
    key: str | None = None


class Unreadable(Exception):
    """Reading cannot go on after this line."""

    def __init__(self, line: int, text: str) -> None:
        self.line = line
        self.text = text
        super().__init__(text)


def read_yaml(path: Path) -> Document:
    """Read a file. Everything that is wrong with it is in `problems`; nothing is raised."""
    document = Document(name=str(path))
    try:
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
    except OSError as error:
        return document.refuse(0, f"cannot be read: {error.strerror}")
    if len(content) > BYTES_MAX:
        return document.refuse(0, "larger than 1 MiB")
    try:
        return parse_yaml(document.name, content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        return document.refuse(content.count(b"\n", 0, error.start) + 1, "not UTF-8")


def parse_yaml(name: str, text: str) -> Document:
    """Parse the text of one file; `name` is how problems call it."""
    reader = Reader(name)
    try:
        for event in events(text):
            reader.take(event)
    except Unreadable as error:
        reader.document.refuse(error.line, error.text)
    return reader.document


def events(text: str) -> Iterator[Event]:
    """The parser's events, syntax errors as Unreadable."""
    try:
        for count, event in enumerate(YAML(typ="safe", pure=True).parse(text)):
            if count >= EVENTS_MAX:
                raise Unreadable(line_of(event), f"more than {EVENTS_MAX} keys and values")
            yield event
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Unreadable(line, "not YAML: a character that YAML does not allow") from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        raise Unreadable(mark.line + 1 if mark else 1, f"not YAML: {reason}") from error
    except YAMLError as error:
        raise Unreadable(1, f"not YAML: {error}") from error


def line_of(event: Event) -> int:
    return int(event.start_mark.line) + 1


class Reader:
    """Builds values out of events with a stack of its own."""

    def __init__(self, name: str) -> None:
        self.document = Document(name=name)
        self._stack: list[Open] = []
        self._documents = 0

    def take(self, event: Event) -> None:
        if isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise Unreadable(line_of(event), "a second document (`---`); one file holds one")
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self._stack.pop()
        elif isinstance(event, NodeEvent):
            self._node(event)

    def _node(self, event: NodeEvent) -> None:
        line = line_of(event)
        if isinstance(event, AliasEvent) or event.anchor is not None:
            raise Unreadable(line, f"anchors and aliases ({event.anchor}) are not supported; write the value out")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise Unreadable(line, f"tags ({tag}) are not supported")
        top = self._stack[-1] if self._stack else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            top.key = self._key(event, top, line)
            return
        value = plain(event)
        where = self._put(value, top, line)
        if isinstance(value, dict | list):
            self._stack.append(Open(where, value))
            if len(self._stack) > DEPTH_MAX:
                raise Unreadable(line, f"nested more than {DEPTH_MAX} deep")

    def _key(self, event: NodeEvent, top: Open, line: int) -> str:
        if not isinstance(event, ScalarEvent):
            raise Unreadable(line, "a key must be text")
        key = str(event.value)
        where = (*top.where, key)
        if where in self.document.lines:
            first = self.document.lines[where]
            self.document.problems.append(
                Problem(self.document.name, line, f"duplicate key {key!r}, first on line {first}")
            )
        self.document.lines.setdefault(where, line)
        return key

    def _put(self, value: Value, top: Open | None, line: int) -> Where:
        """Store a value in what is open; returns its place. A duplicate key's value is read but not kept."""
        if top is None:
            self.document.content = value
            return ()
        if isinstance(top.value, list):
            where = (*top.where, len(top.value))
            self.document.lines[where] = line
            top.value.append(value)
            return where
        key, top.key = str(top.key), None
        if key in top.value:
            return (*top.where, key, f"again on line {line}")
        top.value[key] = value
        return (*top.where, key)


def plain(event: NodeEvent) -> Value:
    """An empty collection to fill, or the value of a scalar: only unquoted ones can be other than text."""
    if not isinstance(event, ScalarEvent):
        return {} if isinstance(event, MappingStartEvent) else []
    text = str(event.value)
    if not event.implicit[0]:
        return text
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    return int(text) if WHOLE_NUMBER.fullmatch(text) else text
