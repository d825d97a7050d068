"""Logs: one renderer for our own lines and for those of the libraries, to stderr (stdout belongs to the commands).

Console lines for people, one JSON object a line for machines. Secrets are masked by name and by shape; tracebacks never
show local variables, since those hold whatever passed through.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor

from sla_monitor.errors import BadConfiguration

MASK = "***"
_WORDS = r"password|passwd|secret|token|credential|authorization|api_?key|private_?key"
_SECRET_NAME = re.compile(_WORDS, re.IGNORECASE)
# `sasl_plain_password='x'`, `"token": "x"`, `Authorization: Bearer x`, and the user part of `kafka://user:x@host`.
_SECRET_PAIR = re.compile(
    rf"""((?:{_WORDS})\w*["']?\s*[:=]\s*(?:(?:Bearer|Basic)\s+)?)("[^"]*"|'[^']*'|[^\s,;&)}}\]]+)""", re.IGNORECASE
)
_SECRET_USER = re.compile(r"(\w://)[^/\s:@]+:[^/\s]+@")

Format = Literal["console", "json"]
OURS = "sla_monitor"
WORDY = ("aiokafka", "faust", "mode")  # what they say below a warning is of no use to who runs a worker

_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    structlog.processors.format_exc_info,
]


def configure(form: Format, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Route everything to `stream` (stderr), replacing the root logger's handlers. BadConfiguration: no such level.

    Debug is for our own lines alone: at that level aiokafka logs the bytes of requests, and one of them is a password.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise BadConfiguration(f"log level {level!r}: one of DEBUG, INFO, WARNING, ERROR, CRITICAL is meant")
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_formatter(_renderer(form, handler.stream)))
    logging.basicConfig(handlers=[handler], level=max(number, logging.INFO), force=True)
    logging.getLogger(OURS).setLevel(number)
    for name in WORDY:
        logging.getLogger(name).setLevel(max(number, logging.WARNING))
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,  # safe to configure again: what may change is in the handler
    )


def _formatter(renderer: Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, mask_secrets, renderer],
    )


def _renderer(form: Format, stream: TextIO) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
    colors = stream.isatty() and not os.environ.get("NO_COLOR")
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)


def mask_secrets(_logger: object, _method: str, event_dict: EventDict) -> EventDict:
    """What a name or a shape gives away as a secret becomes `***`: the last step before rendering."""
    return {name: _masked(name, value) for name, value in event_dict.items()}


def _masked(name: str, value: object) -> object:
    if _SECRET_NAME.search(name):
        return MASK
    match value:
        case str():
            return _SECRET_USER.sub(rf"\1{MASK}@", _SECRET_PAIR.sub(rf"\1{MASK}", value))
        case dict():
            return {key: _masked(str(key), inner) for key, inner in value.items()}
        case list() | tuple():
            return [_masked("", inner) for inner in value]
        case None | bool() | int() | float():
            return value
        case _:
            return _masked("", str(value))
