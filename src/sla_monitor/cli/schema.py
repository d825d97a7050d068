"""`sla-monitor schema`: the published formats as JSON Schema, and all of it as an AsyncAPI document."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from sla_monitor.board.openapi import document as api_document
from sla_monitor.cli.asyncapi import asyncapi_document
from sla_monitor.config.packs import pack_schema
from sla_monitor.wire.notice_schema import notice_schema
from sla_monitor.wire.schemas import event_schema
from sla_monitor.wire.trace_schema import trace_schema

app = typer.Typer()


class Format(StrEnum):
    ASYNCAPI = "asyncapi"
    EVENT = "event"
    NOTICE = "notice"
    POLICY = "policy"
    TRACE = "trace"
    API = "api"


_SCHEMAS = {
    Format.API: api_document,
    Format.ASYNCAPI: asyncapi_document,
    Format.EVENT: event_schema,
    Format.NOTICE: notice_schema,
    Format.POLICY: pack_schema,
    Format.TRACE: trace_schema,
}


@app.command()
def schema(
    what: Annotated[Format | None, typer.Argument(help="One format; all of them, by name, without it.")] = None,
) -> None:
    """Print the JSON Schema (draft 2020-12) of case events, notices, policy packs or explanations.

    `asyncapi` is an AsyncAPI 3 document of the four topics and every message on them; `api`: the board's JSON API as
    OpenAPI 3.1.
    """
    printed = _SCHEMAS[what]() if what else {each.value: make() for each, make in _SCHEMAS.items()}
    typer.echo(json.dumps(printed, indent=2, ensure_ascii=False))
